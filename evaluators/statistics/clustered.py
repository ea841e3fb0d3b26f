"""Means of conversations that depend on one another: those of one scenario, or of one persona, are alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics.resampling import LEVEL
from confide.evaluators.statistics.student import t_quantile

Clusters = Sequence[Sequence[Hashable]]
"""For each kind of cluster, such as scenario and personas, which one each conversation is in: one kind, or two."""
ONE_CLUSTER = "one cluster only: nothing says how clusters differ"


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


def clustered_mean(values: Sequence[float], clusters: Clusters) -> ClusteredMean:
    """The mean of conversations, with an interval that is robust to clusters of one kind or of two that cross.

    The variance is that of Cameron, Gelbach and Miller (2011, eq. 2.11), V = V(a) + V(b) - V(a and b), with the
    correction G / (G - 1) for G clusters of each kind; where it comes out below one of its parts, the larger part is
    taken instead. The interval is t with (fewest clusters - 1) degrees of freedom. A kind of which there is one cluster
    is left out: the interval then holds for that one scenario, or for those personas.

    Args:
        values: one per conversation.
        clusters: for each kind of cluster, such as scenario and persona, which one each conversation is in.
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if not n:
        return ClusteredMean(None, None, None, None, 0, 0, "no conversation")
    mean = float(x.mean())
    kinds = varying(clusters)
    if not kinds:
        return ClusteredMean(mean, None, None, None, n, 1, ONE_CLUSTER)
    fewest = fewest_clusters(kinds)
    se = float(clustered_errors(x[None, :], kinds)[0])
    reach = t_quantile((1 + LEVEL) / 2, fewest - 1) * se
    return ClusteredMean(mean, mean - reach, mean + reach, se, n, fewest, None)


def clustered_errors(values: NDArray[np.float64], clusters: Clusters) -> NDArray[np.float64]:
    """Standard errors of many means at once, as for :func:`clustered_mean`.

    Args:
        values: shape means x conversations.
        clusters: as for :func:`clustered_mean`; two clusters or more of each kind.

    Returns:
        Shape means.
    """
    deviations = values - values.mean(axis=1, keepdims=True)
    parts = [_variances(deviations, kind) for kind in clusters]
    found = parts[0]
    if len(parts) == 2:
        both = _variances(deviations, list(zip(*clusters, strict=True)))
        found = np.maximum(parts[0] + parts[1] - both, np.maximum(parts[0], parts[1]))
    errors: NDArray[np.float64] = np.sqrt(found)
    return errors


def varying(clusters: Clusters) -> list[Sequence[Hashable]]:
    """The kinds of which there are two clusters or more."""
    return [kind for kind in clusters if len(set(kind)) > 1]


def fewest_clusters(clusters: Clusters) -> int:
    """How many clusters there are of the kind that has fewest."""
    return min(len(set(kind)) for kind in clusters)


def numbered(kind: Sequence[Hashable]) -> NDArray[np.intp]:
    """Each conversation's cluster as a number from 0, in order of appearance."""
    index = {name: number for number, name in enumerate(dict.fromkeys(kind))}
    return np.array([index[name] for name in kind], dtype=np.intp)


def membership(kind: Sequence[Hashable]) -> NDArray[np.float64]:
    """1 where a conversation is in a cluster, else 0; shape conversations x clusters."""
    number = numbered(kind)
    found = np.zeros((len(number), int(number.max()) + 1))
    found[np.arange(len(number)), number] = 1
    return found


def _variances(deviations: NDArray[np.float64], kind: Sequence[Hashable]) -> NDArray[np.float64]:
    """Variances of means by sums of deviations within clusters."""
    index = numbered(kind)
    size = int(index.max()) + 1
    # Where every conversation is a cluster of its own, a product with a membership table would be all zeros but few.
    sums = deviations if size == len(index) else deviations @ membership(kind)
    found: NDArray[np.float64] = (sums**2).sum(axis=1) / len(index) ** 2 * size / (size - 1)
    return found
