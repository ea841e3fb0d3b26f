"""Distributions over labels: how spread, and how far apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr


def entropy(counts: Sequence[float]) -> float:
    """Shannon entropy in bits, 0 to log2 of the number of labels.

    Raises:
        ValueError: a count is negative, or all are zero.
    """
    shares = _shares(counts)
    used = shares[shares > 0]
    return max(0.0, float(-(used * np.log2(used)).sum()))


def js_distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Jensen-Shannon distance: the square root of the divergence to base 2 (Lin, 1991), 0 to 1.

    Args:
        one: counts or shares, one per label.
        other: the same of the other distribution, in the same order.

    Raises:
        ValueError: a count is negative, all of one side are zero, or the lengths differ.
    """
    if len(one) != len(other):
        raise ValueError("the distributions are over different labels")
    return float(js_distances(_shares(one)[None, :], _shares(other))[0])


def js_distances(shares: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for many distributions at once.

    Args:
        shares: one distribution per row, shape n x labels; a row of NaN gives NaN.
        other: the other distribution, shape labels.
    """
    middle = (shares + other) / 2
    divergence = (rel_entr(shares, middle) + rel_entr(other, middle)).sum(axis=1) / (2 * np.log(2))
    # Rounding can bring the divergence of nearly equal distributions below 0, or that of disjoint ones above 1.
    found: NDArray[np.float64] = np.sqrt(np.clip(divergence, 0, 1))
    return found


def _shares(counts: Sequence[float]) -> NDArray[np.float64]:
    found = np.asarray(counts, dtype=np.float64)
    if (found < 0).any():
        raise ValueError("a count is negative")
    if not found.sum() > 0:
        raise ValueError("all counts are zero")
    shares: NDArray[np.float64] = found / found.sum()
    return shares
