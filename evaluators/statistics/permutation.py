"""Tests by exchanging the arms. Law: what belongs together is swapped together; the caller says what that is.

Within a pair key the conditions share scenario, personas and seeds. If the condition changes nothing for anyone, the
arms of each pair may be swapped freely, and the test of swaps pair by pair is exact. If the condition may help in one
scenario and harm in another, and the question is about the mean over scenarios, the pairs of a scenario move together
and must be swapped together: then a whole cluster is the unit that is exchangeable. Where both scenarios and personas
differ in what a condition does to them, swaps can follow one kind only; dividing the statistic by its two-way clustered
error makes up for the other one (MacKinnon, Nielsen and Webb, 2021, do the same with the wild bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics.clustered import ONE_CLUSTER, Clusters, clustered_errors, fewest_clusters, numbered
from confide.evaluators.statistics.swapped import SwappedTables

Array = NDArray[np.float64]
DRAWS: Final = 9999
"""Swaps that are tried at most: all that there are, if they are no more; else random ones."""
_AT_ONCE: Final = 4_000_000
_CLOSE: Final = 1e-9


class Permutation(NamedTuple):
    """A permutation test."""

    statistic: float | None
    """As observed; in which unit, the function says. None of nothing."""
    p: float | None
    """Share of swaps whose statistic is at least as extreme, the observed one among them. None where there is none."""
    draws: int
    """Swaps that were tried."""
    exact: bool
    """Whether these were all, mirror images left out. If not, p is (b + 1) / (draws + 1) (Phipson and Smyth, 2010)."""
    units: int
    """How many units were swapped: p cannot be less than 2 to the power of (1 - units)."""
    n: int
    """Pairs."""
    reason: str | None
    """Why there is no p value."""


def sign_flip_test(
    differences: Sequence[float],
    swap: Sequence[Hashable] | None,
    seed: int,
    *,
    clusters: Clusters | None = None,
    draws: int = DRAWS,
) -> Permutation:
    """Two-sided test that a mean difference is zero, by flipping signs.

    With ``swap=None`` and no clusters: exact for the null that the condition changes nothing for anyone. With the
    scenarios as ``swap``: for the null that changes differ between scenarios, symmetrically around zero. With
    ``clusters`` too, the mean is divided by its two-way clustered error under each flip, and the null allows changes
    that differ between scenarios and between personas; swap the kind that has fewest clusters.

    Args:
        differences: one per pair, in the outcome's unit.
        swap: each pair's unit: pairs of one unit are flipped together. None: each pair alone.
        seed: of the random flips, where not all are tried.
        clusters: the kinds to be robust to; None leaves the mean as it is.
        draws: flips at most; all, if there are no more.

    Returns:
        The statistic is the mean difference, or with ``clusters`` its t value. ``p`` is None with one unit, with one
        cluster of a kind, or where all differences are zero.
    """
    x = np.asarray(differences, dtype=np.float64)
    units = _units(swap, len(x))
    if reason := _refusal(units, clusters) or ("all differences are zero" if not x.any() else None):
        mean = float(x.mean()) if len(x) else None
        return _without(mean, units, reason)

    def statistics(signs: Array) -> Array:
        flipped = signs[:, units] * x
        means: Array = flipped.mean(axis=1)
        return means if clusters is None else means / np.maximum(clustered_errors(flipped, clusters), 1e-300)

    observed = float(statistics(np.ones((1, _count(units))))[0])
    p, tried, exact = _test(lambda signs: np.abs(statistics(signs)), units, seed, draws, width=len(x))
    return Permutation(observed, p, tried, exact, _count(units), len(x), None)


def share_test(
    one: Array,
    other: Array,
    swap: Sequence[Hashable] | None,
    seed: int,
    *,
    clusters: Clusters | None = None,
    draws: int = DRAWS,
) -> Permutation:
    """Test that two arms have the same distribution over labels, by swapping arms.

    The statistic is the Jensen-Shannon distance of the arms' pooled shares (0 to 1): all counts of an arm are summed,
    so a conversation weighs as much as it has labels. What ``swap`` and ``clusters`` allow for: see
    :func:`transition_test`, of which this is the case of one row.

    Args:
        one: the first arm's counts, shape pairs x labels.
        other: the other arm's, in the same order.
        swap: each pair's unit, as for :func:`sign_flip_test`.
        seed: of the random swaps.
        clusters: the kinds to be robust to, or None.
        draws: swaps at most; all, if there are no more.

    Returns:
        ``p`` is None with one unit, with one cluster of a kind, or where an arm has no label.

    Raises:
        ValueError: the shapes differ, or a count is negative or missing.
    """
    return transition_test(np.asarray(one)[:, None, :], np.asarray(other)[:, None, :], swap, seed, clusters, draws)


def transition_test(
    one: Array,
    other: Array,
    swap: Sequence[Hashable] | None,
    seed: int,
    clusters: Clusters | None = None,
    draws: int = DRAWS,
) -> Permutation:
    """Test that two arms go from label to label with the same probabilities, by swapping arms.

    The statistic is the root of the mean Jensen-Shannon divergence (base 2; Lin, 1991) between the rows of the arms'
    transition matrices, each row weighted by its share of all steps in both arms: 0 for the same matrices, 1 for ones
    that have no step in common. Rows that an arm never leaves from are left out: it has no probabilities there.

    Without ``clusters`` swaps are compared by this distance. With them, by its square over what the square is expected
    to be from chance alone: the two-way clustered variances of the differences in probability (of each pair's influence
    on them), divided by the pooled probabilities. To second order the square is a sum of such squared differences, so
    this makes of it what t is to a mean.

    Args:
        one: the first arm's steps, shape pairs x labels (from) x labels (to).
        other: the other arm's.
        swap: each pair's unit, as for :func:`sign_flip_test`.
        seed: of the random swaps.
        clusters: the kinds to be robust to, or None.
        draws: swaps at most; all, if there are no more.

    Returns:
        The statistic is the distance in either case. ``p`` is None with one unit, with one cluster of a kind, or where
        the arms have no row in common.

    Raises:
        ValueError: the shapes differ, a count is negative or missing, or there are two kinds of clusters and pairs of
            the same scenario and personas are not swapped together.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 3:
        raise ValueError(f"counts of shapes {a.shape} and {b.shape}: not the same table per pair")
    if not ((a >= 0).all() and (b >= 0).all()):
        raise ValueError("a count is negative or missing")
    units = _units(swap, len(a))
    if not ((a.sum(axis=(0, 2)) > 0) & (b.sum(axis=(0, 2)) > 0)).any():
        return _without(None, units, "an arm has no counts to compare")
    tables = SwappedTables(a, b, units, clusters)
    distance = float(np.sqrt(tables.divergences(np.ones((1, _count(units))))[0]))
    if reason := _refusal(units, clusters):
        return _without(distance, units, reason)
    p, tried, exact = _test(tables.compared, units, seed, draws, width=tables.width)
    return Permutation(distance, p, tried, exact, _count(units), len(a), None)


def _units(swap: Sequence[Hashable] | None, size: int) -> NDArray[np.intp]:
    if swap is not None and len(swap) != size:
        raise ValueError(f"{size} pairs, and units of {len(swap)}")
    return np.arange(size) if swap is None else numbered(swap)


def _without(statistic: float | None, units: NDArray[np.intp], reason: str) -> Permutation:
    return Permutation(statistic, None, draws=0, exact=False, units=_count(units), n=len(units), reason=reason)


def _count(units: NDArray[np.intp]) -> int:
    return int(units.max()) + 1 if len(units) else 0


def _refusal(units: NDArray[np.intp], clusters: Clusters | None) -> str | None:
    if not len(units):
        return "no pair"
    if _count(units) < 2:
        return "one unit only: there is nothing to compare it with"
    if clusters is None:
        return None
    if any(len(kind) != len(units) for kind in clusters):
        raise ValueError(f"{len(units)} pairs, and clusters of {[len(kind) for kind in clusters]}")
    return ONE_CLUSTER if fewest_clusters(clusters) < 2 else None


def _test(
    extremeness: Callable[[Array], Array], units: NDArray[np.intp], seed: int, draws: int, *, width: int
) -> tuple[float, int, bool]:
    """p, swaps tried, and whether they are all; the statistic must not change where every unit is swapped."""
    size = _count(units)
    exact = 2 ** (size - 1) <= draws
    observed = extremeness(np.ones((1, size)))[0]
    extreme = total = 0
    for signs in _signs(size, seed, draws, max(1, _AT_ONCE // width), exact=exact):
        extreme += int((extremeness(signs) >= observed * (1 - _CLOSE)).sum())
        total += len(signs)
    return (extreme / total if exact else (extreme + 1) / (total + 1)), total, exact


def _signs(size: int, seed: int, draws: int, at_once: int, *, exact: bool) -> Iterator[Array]:
    """Swaps as rows of signs. All of them: the first unit keeps its sign, for the rest are mirror images."""
    total = 2 ** (size - 1) if exact else draws
    random = np.random.default_rng(seed)
    for start in range(0, total, at_once):
        stop = min(start + at_once, total)
        if exact:
            bits = np.arange(start, stop)[:, None] >> np.arange(size - 1) & 1
            yield np.hstack([np.ones((stop - start, 1)), 1.0 - 2 * bits])
        else:
            yield 1 - 2 * random.integers(0, 2, (stop - start, size)).astype(np.float64)
