"""Means of conversations that depend on one another: those of one scenario, or of one persona, are alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from confide.evaluators.statistics.resampling import LEVEL


class ClusteredMean(NamedTuple):
    """A mean with its uncertainty over clusters."""

    mean: float | None
    """None of nothing."""
    low: float | None
    """Lower end of the 95 % interval; None where there is none."""
    high: float | None
    """Its upper end."""
    se: float | None
    """Standard error; None as the interval."""
    n: int
    """Conversations."""
    clusters: int
    """Clusters of the kind that has fewest: t has one degree of freedom less."""
    reason: str | None
    """Why there is no interval."""


def clustered_mean(values: Sequence[float], clusters: Sequence[Sequence[Hashable]]) -> ClusteredMean:
    """The mean of conversations, with an interval that is robust to clusters of one kind or of two that cross.

    The variance is that of Cameron, Gelbach and Miller (2011, eq. 2.11), V = V(a) + V(b) - V(a and b), with the
    correction G / (G - 1) for G clusters of each kind; where it comes out below one of its parts, the larger part is
    taken instead. The interval is t with (fewest clusters - 1) degrees of freedom.

    A kind of which there is one cluster is left out: the interval then holds for that one scenario, or those personas.

    Args:
        values: one per conversation.
        clusters: for each kind of cluster, such as scenario and persona, which one each conversation is in.
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if not n:
        return ClusteredMean(None, None, None, None, 0, 0, "no conversation")
    mean = float(x.mean())
    kinds = [list(kind) for kind in clusters if len(set(kind)) > 1]
    fewest = min((len(set(kind)) for kind in kinds), default=1)
    if fewest < 2:
        return ClusteredMean(mean, None, None, None, n, fewest, "one cluster only: nothing says how clusters differ")
    parts = [_variance(x - mean, kind) for kind in kinds]
    variance = parts[0]
    if len(kinds) == 2:
        variance = max(sum(parts) - _variance(x - mean, list(zip(*kinds, strict=True))), *parts)
    se = float(np.sqrt(variance))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, fewest - 1)) * se
    return ClusteredMean(mean, mean - reach, mean + reach, se, n, fewest, None)


def _variance(deviations: NDArray[np.float64], kind: Sequence[Hashable]) -> float:
    """Variance of the mean by sums of deviations within clusters."""
    index = {name: number for number, name in enumerate(dict.fromkeys(kind))}
    sums = np.zeros(len(index))
    np.add.at(sums, [index[name] for name in kind], deviations)
    size = len(index)
    return float((sums**2).sum()) / len(deviations) ** 2 * size / (size - 1)
