"""Whether a difference is small enough not to matter. Law: how small that is was written down before the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from confide.evaluators.statistics.clustered import Clusters, clustered_mean
from confide.evaluators.statistics.contrasts import ALIKE
from confide.evaluators.statistics.student import t_above, t_quantile


class Equivalence(NamedTuple):
    """Two one-sided tests of a mean against two bounds, in the values' unit."""

    mean: float | None
    """None of nothing."""
    se: float | None
    """Standard error over clusters."""
    low: float | None
    """Lower end of the interval of level 1 - 2 alpha, which lies within the bounds just when the tests reject."""
    high: float | None
    """Its upper end."""
    p_low: float | None
    """Of a true mean at the lower bound or below."""
    p_high: float | None
    """Of a true mean at the upper bound or above."""
    p: float | None
    """The larger of the two: of a true mean outside of the bounds."""
    equivalent: bool | None
    """Whether p is at most alpha. False is no evidence of a difference. None where there is no p."""
    n: int
    """Conversations."""
    clusters: int
    """Clusters of the kind that has fewest."""
    reason: str | None
    """Why there is no p value."""


def equivalence(
    values: Sequence[float], clusters: Clusters, *, lower: float, upper: float, alpha: float = 0.05
) -> Equivalence:
    """Test that a mean lies within bounds: two one-sided tests (Schuirmann, 1987).

    Assumes what :func:`clustered_mean` assumes; its variance and degrees of freedom are used. "No drift" is the mean
    change of a trait within bounds that the experiment's file states.

    Args:
        values: one per conversation, such as paired differences or changes.
        clusters: per kind, each conversation's cluster.
        lower: the lower bound, in the values' unit.
        upper: the upper bound.
        alpha: size of the test.

    Returns:
        ``p`` is None without a conversation, with one cluster of a kind, or where all values are the same.

    Raises:
        ValueError: the bounds do not leave room between them.
    """
    if not lower < upper:
        raise ValueError(f"the lower bound {lower} is not below the upper one {upper}")
    found = clustered_mean(values, clusters)
    mean, se = found.mean, found.se
    reason = found.reason
    if mean is None or se is None or not se > 1e-12 * abs(mean):
        return Equivalence(mean, se, None, None, None, None, None, None, found.n, found.clusters, reason or ALIKE)
    freedom = found.clusters - 1
    p_low = float(t_above((mean - lower) / se, freedom))
    p_high = float(t_above((upper - mean) / se, freedom))
    reach = t_quantile(1 - alpha, freedom) * se
    p = max(p_low, p_high)
    return Equivalence(
        mean, se, mean - reach, mean + reach, p_low, p_high, p, p <= alpha, found.n, found.clusters, None
    )
