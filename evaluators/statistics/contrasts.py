"""What a condition changes on average. Law: the unit is the conversation, paired; intervals are over its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics.clustered import (
    ONE_CLUSTER,
    ClusteredMean,
    Clusters,
    clustered_errors,
    clustered_mean,
    fewest_clusters,
    membership,
    varying,
)
from confide.evaluators.statistics.resampling import DRAWS, LEVEL
from confide.evaluators.statistics.student import t_above, t_quantile

Array = NDArray[np.float64]
ALIKE = "all conversations have the same value"


class Effect(NamedTuple):
    """A standardised mean difference; no unit."""

    value: float | None
    """None where there is no spread to divide by."""
    low: float | None
    """Lower end of the 95 % interval; None where there is none."""
    high: float | None
    """Its upper end."""
    reason: str | None
    """Why a figure is missing."""


class Contrast(NamedTuple):
    """The difference of two arms, first less other."""

    mean_one: float | None
    """Mean of the first arm's paired conversations; None of nothing."""
    mean_other: float | None
    """Mean of the other arm's."""
    difference: ClusteredMean
    """Mean of the differences, in the outcome's unit, with its interval."""
    p: float | None
    """Two-sided, of no mean difference: t with (fewest clusters - 1) degrees of freedom."""
    d_z: Effect
    """Over the standard deviation of the differences: how consistent the difference is."""
    d_av: Effect
    """Over the root of the arms' mean variance: how large the difference is beside how conversations differ."""
    reason: str | None
    """Why there is no p value."""


class ClusterBootstrap(NamedTuple):
    """A percentile interval over resampled clusters."""

    mean: float | None
    """Of the values as they are; None of nothing."""
    low: float | None
    """Lower end of the 95 % interval; None where there is none."""
    high: float | None
    """Its upper end."""
    draws: int
    """Resamples that gave a mean."""
    failed: int
    """Resamples that drew no conversation: combinations of clusters may be empty."""
    reason: str | None
    """Why there is no interval."""


def paired_contrast(one: Sequence[float], other: Sequence[float], clusters: Clusters) -> Contrast:
    """The mean difference of two paired arms, first less other, with standardised effect sizes.

    Assumes that conversations depend on one another only through the clusters given, and that these are a sample of
    those that the claim is about. Interval and p value: see :func:`clustered_mean` (Cameron, Gelbach and Miller, 2011).
    Effect sizes are d_z (Lakens, 2013, eq. 6) and d_av with the root of the arms' mean variance (Cumming, 2012, ch.
    11), neither corrected for small samples; see :func:`effect_sizes`.

    Args:
        one: the first arm's values, one per pair.
        other: the other arm's, in the same order.
        clusters: per kind, such as scenario and personas, each pair's cluster.

    Returns:
        ``p`` is None without a pair, with one cluster of every kind, or where all differences are the same.

    Raises:
        ValueError: the arms or a kind of clusters differ in length, or a value is not finite.
    """
    a, b = _checked(one, clusters), _checked(other, clusters)
    clusters = varying(clusters) or clusters
    difference = clustered_mean(list(a - b), clusters)
    if not len(a):
        none = Effect(None, None, None, "no conversation")
        return Contrast(None, None, difference, None, none, none, difference.reason)
    p, reason = None, difference.reason
    if difference.se is not None and difference.mean is not None:
        if difference.se > _tiny(a, b):
            p = float(2 * t_above(abs(difference.mean) / difference.se, difference.clusters - 1))
        else:
            reason = ALIKE
    d_z, d_av = effect_sizes(a, b, clusters)
    return Contrast(float(a.mean()), float(b.mean()), difference, p, d_z, d_av, reason)


def effect_sizes(one: Array, other: Array, clusters: Clusters) -> tuple[Effect, Effect]:
    """d_z and d_av with intervals that are robust to clusters.

    The intervals are by the delta method: each conversation's influence on the effect size takes its value's place in
    the clustered variance, so that the doubt about the standard deviation counts too. t with (fewest clusters - 1)
    degrees of freedom.

    Args:
        one: the first arm's values, shape pairs.
        other: the other arm's.
        clusters: as for :func:`paired_contrast`.

    Returns:
        d_z, then d_av.
    """
    n = len(one)
    difference = one - other
    mean = difference.mean()
    about = difference - mean
    if n < 2:
        none = Effect(None, None, None, "one conversation only")
        return none, none
    spread = about @ about / (n - 1)
    spreads = [values @ values / (n - 1) for values in (one - one.mean(), other - other.mean())]
    average = sum(spreads) / 2
    # The influence on m / s is that on m, less half of d times the relative influence on the variance.
    around = ((one - one.mean()) ** 2 + (other - other.mean()) ** 2) / 2 - average
    tiny = _tiny(one, other) ** 2
    return (
        _effect(mean, about, spread, about**2 - spread, clusters, tiny),
        _effect(mean, about, average, around, clusters, tiny),
    )


def cluster_bootstrap(
    values: Sequence[float], clusters: Clusters, seed: int, draws: int = DRAWS, level: float = LEVEL
) -> ClusterBootstrap:
    """A percentile interval of a mean by the pigeonhole bootstrap (Owen, 2007).

    Clusters of each kind are drawn with replacement, independently of the other kind; a conversation counts as often as
    its scenario was drawn times as often as its personas were. Its variance errs upwards, up to threefold where
    conversations do not depend on one another at all, so that it is the cautious alternative to :func:`clustered_mean`.

    Args:
        values: one per conversation, such as paired differences.
        clusters: one kind, or two that cross.
        seed: of the resampling.
        draws: resamples.
        level: of the interval.

    Returns:
        No interval with one cluster of every kind, or where more than a tenth of the resamples drew no conversation.

    Raises:
        ValueError: a kind of clusters differs in length, or a value is not finite.
    """
    x = _checked(values, clusters)
    if not len(x):
        return ClusterBootstrap(None, None, None, 0, 0, "no conversation")
    mean = float(x.mean())
    clusters = varying(clusters)
    if not clusters:
        return ClusterBootstrap(mean, None, None, 0, 0, ONE_CLUSTER)
    means = pigeonhole_means(x[None, :], clusters, np.random.default_rng(seed), draws)[0]
    found = means[~np.isnan(means)]
    failed = draws - len(found)
    if failed > 0.1 * draws:
        return ClusterBootstrap(mean, None, None, len(found), failed, "too many resamples drew no conversation")
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return ClusterBootstrap(mean, float(low), float(high), len(found), failed, None)


def pigeonhole_means(values: Array, clusters: Clusters, random: np.random.Generator, draws: int) -> Array:
    """Means of resamples of clusters, for many variables at once.

    Args:
        values: shape variables x conversations.
        clusters: one kind, or two.
        random: what to draw from.
        draws: resamples.

    Returns:
        Shape variables x draws; NaN where a resample drew no conversation.
    """
    weights = np.ones((draws, values.shape[1]))
    for kind in clusters:
        member = membership(kind)
        size = member.shape[1]
        weights *= random.multinomial(size, np.full(size, 1 / size), draws) @ member.T
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore"):
        found: Array = (values @ weights.T) / np.where(total > 0, total, np.nan)
    return found


def _effect(mean: float, about: Array, variance: float, around: Array, clusters: Clusters, tiny: float) -> Effect:
    if not variance > tiny:
        return Effect(None, None, None, ALIKE)
    value = float(mean / np.sqrt(variance))
    fewest = fewest_clusters(clusters)
    if fewest < 2:
        return Effect(value, None, None, ONE_CLUSTER)
    influence = about / np.sqrt(variance) - value * around / (2 * variance)
    reach = t_quantile((1 + LEVEL) / 2, fewest - 1) * float(clustered_errors(influence[None, :], clusters)[0])
    return Effect(value, value - reach, value + reach, None)


def _tiny(one: Array, other: Array) -> float:
    """What rounding can make of a spread of nothing."""
    return 1e-12 * float(np.abs(np.concatenate([one, other])).max(initial=0))


def _checked(values: Sequence[float], clusters: Clusters) -> Array:
    found = np.asarray(values, dtype=np.float64)
    if any(len(kind) != len(found) for kind in clusters):
        raise ValueError(f"{len(found)} values, and clusters of {[len(kind) for kind in clusters]}")
    if not np.isfinite(found).all():
        raise ValueError("a value is missing or infinite: leave such pairs out beforehand, and count them")
    return found
