"""Uncertainty by resampling whole conversations, with replacement (Efron and Tibshirani, 1993, ch. 13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

DRAWS: Final = 1000
LEVEL: Final = 0.95
FEWEST: Final = 5
"""Conversations from which on there is an interval: of fewer, resampling knows too few mixtures to say anything."""
Item = TypeVar("Item")


class Interval(NamedTuple):
    """A percentile interval."""

    low: float
    high: float
    draws: int
    """Resamples that gave a value."""
    failed: int
    """Resamples that gave none."""


def bootstrap(
    items: Sequence[Item], statistic: Callable[[Sequence[Item]], float | None], seed: int, draws: int = DRAWS
) -> Interval | None:
    """A 95 % interval of a statistic of conversations.

    Args:
        items: one per conversation.
        statistic: of a sample of them; None where the sample gives none.
        seed: of the resampling.
        draws: resamples.

    Returns:
        The interval; None with fewer than five items, or where more than a tenth of the resamples gave no value.
    """
    if len(items) < FEWEST:
        return None
    random = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        value = statistic([items[index] for index in random.integers(0, len(items), len(items))])
        if value is not None:
            found.append(value)
    return _interval(np.asarray(found), draws)


def bootstrap_counts(
    counts: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    seed: int,
    draws: int = DRAWS,
) -> list[Interval | None]:
    """95 % intervals of statistics of summed counts; much faster than :func:`bootstrap`.

    Args:
        counts: one row per conversation, one column per thing counted; shape conversations x columns.
        statistic: from sums, shape draws x columns, to values, shape draws x statistics; NaN where there is none.
        seed: of the resampling.
        draws: resamples.

    Returns:
        One interval per statistic; None where there is none, as for :func:`bootstrap`.
    """
    size = len(counts)
    random = np.random.default_rng(seed)
    if size < FEWEST:
        return [None] * statistic(counts.sum(axis=0, keepdims=True)).shape[1]
    # How often each conversation is drawn: the sums of a resample are then one product of matrices.
    at_once = max(1, 20_000_000 // size)
    sums = [
        random.multinomial(size, np.full(size, 1 / size), min(at_once, draws - start)) @ counts
        for start in range(0, draws, at_once)
    ]
    values = statistic(np.concatenate(sums))
    return [_interval(column[~np.isnan(column)], draws) for column in values.T]


def _interval(found: NDArray[np.float64], draws: int) -> Interval | None:
    if len(found) < 0.9 * draws:
        return None
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), len(found), draws - len(found))
