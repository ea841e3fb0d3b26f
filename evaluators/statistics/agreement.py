"""Agreement between raters, with what is missing left out and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from typing import NamedTuple, TypeVar

Rating = TypeVar("Rating", bound=Hashable)


class Agreement(NamedTuple):
    """How far raters agree beyond chance."""

    value: float | None
    """1 is perfect, 0 is chance, negative is less than chance; None where it is not defined."""
    n: int
    """Units that at least two raters rated."""
    missing: int
    """Units that were left out because fewer than two raters rated them."""
    reason: str | None
    """Why there is no value; None if there is one."""


def two_raters(one: Sequence[Rating | None], other: Sequence[Rating | None]) -> Agreement:
    """Cohen's kappa for nominal ratings (Cohen, 1960, eq. 1): (p_o - p_e) / (1 - p_e).

    Args:
        one: a rating per unit, None where it is missing.
        other: the second rater's, in the same order.

    Raises:
        ValueError: they rated different numbers of units.
    """
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    missing = len(one) - len(pairs)
    if not pairs:
        return Agreement(None, 0, missing, "no unit was rated by both")
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    of_one, of_other = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    expected = sum(of_one[label] * of_other[label] for label in of_one) / n**2
    if expected >= 1:
        return Agreement(None, n, missing, "both raters used one and the same label throughout")
    return Agreement((observed - expected) / (1 - expected), n, missing, None)


def nominal(one: Hashable, other: Hashable) -> float:
    """0 for the same, 1 for different."""
    return float(one != other)


def squared(one: float, other: float) -> float:
    """The squared difference, for ratings on an interval scale."""
    return float((one - other) ** 2)


def masi(one: frozenset[str], other: frozenset[str]) -> float:
    """Distance of two sets of labels, 0 to 1: 1 - Jaccard x monotonicity (Passonneau, 2006).

    Monotonicity is 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap otherwise, 0 where they do
    not.
    """
    if one == other:
        return 0.0
    common = len(one & other)
    if common == 0:
        return 1.0
    monotonicity = 2 / 3 if one <= other or other <= one else 1 / 3
    return 1 - common / len(one | other) * monotonicity


def krippendorff_alpha(
    units: Sequence[Sequence[Rating | None]], distance: Callable[[Rating, Rating], float]
) -> Agreement:
    """Krippendorff's alpha (2011, "Computing Krippendorff's alpha-reliability"): 1 - D_o / D_e.

    Any number of raters, any of whom may have skipped a unit.

    Args:
        units: for each unit the raters' values, None where one is missing; their order does not matter.
        distance: between two values: 0 for the same, and symmetric. :func:`nominal`, :func:`squared` or :func:`masi`.
    """
    rated = [[value for value in unit if value is not None] for unit in units]
    kept = [values for values in rated if len(values) > 1]
    missing = len(rated) - len(kept)
    total = sum(len(values) for values in kept)
    if not kept:
        return Agreement(None, 0, missing, "no unit was rated twice")
    observed = sum(2 * sum(distance(a, b) for a, b in combinations(values, 2)) / (len(values) - 1) for values in kept)
    counts = Counter(value for values in kept for value in values)
    expected = 2 * sum(counts[a] * counts[b] * distance(a, b) for a, b in combinations(counts, 2))
    if expected == 0:
        return Agreement(None, len(kept), missing, "all ratings are the same")
    return Agreement(1 - (total - 1) * observed / expected, len(kept), missing, None)


class Confusion(NamedTuple):
    """How often the rows' labels met the columns' labels."""

    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    """``counts[i][j]``: how often ``labels[i]`` stood against ``labels[j]``; shape labels x labels. A unit with several
    labels on a side counts 1 in all, shared evenly among its pairs of labels."""
    n: int
    """Units."""
    missing: int
    """Units that were left out because a side is missing."""


def confusion(
    labels: Sequence[str], rows: Sequence[Sequence[str] | None], columns: Sequence[Sequence[str] | None]
) -> Confusion:
    """A confusion matrix over units that may carry several labels.

    Args:
        labels: all labels, in order.
        rows: per unit the one side's labels; None where they are missing.
        columns: the other side's.

    Raises:
        ValueError: the sides differ in length, or a label is unknown.
    """
    place = {label: index for index, label in enumerate(labels)}
    counts = [[0.0] * len(labels) for _ in labels]
    n = missing = 0
    for row, column in zip(rows, columns, strict=True):
        if not row or not column:
            missing += 1
            continue
        n += 1
        for a in row:
            for b in column:
                if a not in place or b not in place:
                    raise ValueError(f"unknown label: {a if a not in place else b}")
                counts[place[a]][place[b]] += 1 / (len(row) * len(column))
    return Confusion(tuple(labels), tuple(tuple(row) for row in counts), n, missing)
