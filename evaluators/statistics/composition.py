"""Shares that sum to one. Law: a share can only grow at another's expense, so parts are compared by their ratios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics.clustered import ClusteredMean, Clusters, clustered_mean
from confide.evaluators.statistics.student import t_above

Array = NDArray[np.float64]
OF_LIMIT: Final = 0.65
"""A zero becomes this much of the smallest share that could have been seen (Martin-Fernandez et al., 2003)."""


class PartContrast(NamedTuple):
    """How one part, such as a strategy, differs between two arms, first less other."""

    difference: ClusteredMean
    """Of the centred log-ratios, in natural logarithms: 0.7 is about twice as much, beside the others' mean."""
    p: float | None
    """Two-sided, t as for the interval; not adjusted for there being several parts."""
    zeros_one: int
    """Conversations of the first arm whose share was zero, and was replaced."""
    zeros_other: int
    """The same of the other arm."""
    reason: str | None
    """Why there is no p value."""


class Composition(NamedTuple):
    """The parts of two arms, beside one another."""

    parts: dict[str, PartContrast]
    """By the parts' names. One that neither arm ever used has no difference, and is left out of the rest."""
    distance: float | None
    """Aitchison distance of the arms' centres: the length of the vector of differences. None without a pair."""
    n: int
    """Pairs that were compared."""
    missing: int
    """Pairs that were left out because a conversation has no counts at all."""
    zero_share: float
    """What a zero was replaced by."""
    reason: str | None
    """Why there is no distance."""


def replace_zeros(shares: Array, zero_share: float) -> Array:
    """Multiplicative replacement (Martin-Fernandez et al., 2003): zeros become ``zero_share``.

    The other parts are scaled by 1 less what was added, so that the ratios between them stay and the sum is 1.

    Args:
        shares: shape conversations x parts; rows sum to 1.
        zero_share: between 0 and 1 / parts.

    Raises:
        ValueError: ``zero_share`` is out of that range.
    """
    if not 0 < zero_share < 1 / shares.shape[1]:
        raise ValueError(f"{zero_share} is not between 0 and 1 / {shares.shape[1]} parts")
    zero = shares == 0
    added = zero.sum(axis=1, keepdims=True) * zero_share
    found: Array = np.where(zero, zero_share, shares * (1 - added))
    return found


def centred_log_ratios(shares: Array) -> Array:
    """Logarithms of shares over the geometric mean of their row (Aitchison, 1982); no unit, rows sum to 0.

    Args:
        shares: shape conversations x parts, all above 0; they need not sum to 1.
    """
    logs = np.log(shares)
    found: Array = logs - logs.mean(axis=1, keepdims=True)
    return found


def aitchison_distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Euclidean distance of the centred log-ratios of two compositions (Aitchison, 1982); 0 or more, no upper end.

    Args:
        one: shares or counts, all above 0.
        other: the other composition's, in the same order.

    Raises:
        ValueError: a part is zero or less, or the lengths differ.
    """
    if len(one) != len(other):
        raise ValueError("the compositions are of different parts")
    both = np.asarray([one, other], dtype=np.float64)
    if not (both > 0).all():
        raise ValueError("a part is not above 0: replace zeros first")
    ratios = centred_log_ratios(both)
    return float(np.linalg.norm(ratios[0] - ratios[1]))


def composition_contrast(
    labels: Sequence[str], one: Array, other: Array, clusters: Clusters, *, limit: float
) -> Composition:
    """Compare two paired arms' shares part by part, as differences of centred log-ratios.

    Each conversation counts once, however many labels it has. Zeros are replaced by :data:`OF_LIMIT` times ``limit`` in
    both arms alike: a limit that follows each conversation's length would make a difference in length one in shares.
    Differences in rare parts hang on this choice; look at them under another limit too. Intervals and p values assume
    what :func:`clustered_mean` assumes.

    Args:
        labels: names of the parts.
        one: the first arm's counts or shares, shape pairs x parts.
        other: the other arm's, in the same order.
        clusters: per kind, each pair's cluster.
        limit: the smallest share that a conversation could show, such as 1 / its number of supporter turns.

    Returns:
        ``distance`` is None without a pair that has counts on both sides, or with fewer than two parts in use.

    Raises:
        ValueError: the shapes differ, a count is negative or missing, or the limit is too large for so many parts.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != len(labels):
        raise ValueError(f"counts of shapes {a.shape} and {b.shape}, and {len(labels)} labels")
    if not ((a >= 0).all() and (b >= 0).all()):
        raise ValueError("a count is negative or missing")
    whole = (a.sum(axis=1) > 0) & (b.sum(axis=1) > 0)
    a, b = a[whole], b[whole]
    kinds = [[name for name, keep in zip(kind, whole, strict=True) if keep] for kind in clusters]
    used = (a.sum(axis=0) + b.sum(axis=0)) > 0
    missing = len(whole) - len(a)
    zero_share = OF_LIMIT * limit
    nothing = clustered_mean([], kinds)
    never = PartContrast(nothing, None, len(a), len(b), "neither arm ever used it")
    if not len(a) or used.sum() < 2:
        reason = "fewer than two parts are in use" if len(a) else "no pair with counts on both sides"
        empty = never._replace(reason=reason)
        return Composition(dict.fromkeys(labels, empty), None, len(a), missing, zero_share, reason)
    ratios = [
        centred_log_ratios(replace_zeros(counts[:, used] / counts.sum(axis=1, keepdims=True), zero_share))
        for counts in (a, b)
    ]
    differences = iter((ratios[0] - ratios[1]).T)
    parts = {}
    for place, label in enumerate(labels):
        if used[place]:
            zeros = (int((a[:, place] == 0).sum()), int((b[:, place] == 0).sum()))
            parts[label] = _part(clustered_mean(list(next(differences)), kinds), *zeros)
        else:
            parts[label] = never
    distance = float(np.linalg.norm((ratios[0] - ratios[1]).mean(axis=0)))
    return Composition(parts, distance, len(a), missing, zero_share, None)


def _part(difference: ClusteredMean, zeros_one: int, zeros_other: int) -> PartContrast:
    if difference.mean is None or not difference.se:
        reason = difference.reason or "all conversations have the same difference"
        return PartContrast(difference, None, zeros_one, zeros_other, reason)
    p = float(2 * t_above(abs(difference.mean) / difference.se, difference.clusters - 1))
    return PartContrast(difference, p, zeros_one, zeros_other, None)
