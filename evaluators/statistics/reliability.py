"""How far the items of a scale measure one thing. Law: a figure that cannot be had is None, with the reason."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FEWEST_RESPONDENTS: Final = 10
"""Respondents from which on a reliability is estimated: of fewer, it says next to nothing."""
_ROUNDS: Final = 1000
_CLOSE: Final = 1e-8
Array = NDArray[np.float64]


class Reliability(NamedTuple):
    """Reliability of a scale in a sample."""

    alpha: float | None
    """Cronbach's alpha; at most 1, below 0 where items contradict one another."""
    omega: float | None
    """McDonald's omega total of one factor, 0 to 1; None where one factor does not fit, or an item does not vary."""
    respondents: int
    items: int
    reason: str | None
    """Why alpha is None."""


def reliability(answers: Array) -> Reliability:
    """Cronbach's alpha (1951) and McDonald's omega (1999, one factor) of a scale.

    Args:
        answers: keyed answers, shape respondents x items; a respondent with a NaN is left out.
    """
    whole = answers[~np.isnan(answers).any(axis=1)] if answers.size else answers
    people, items = (len(whole), answers.shape[1] if answers.ndim == 2 else 0)
    if items < 2:
        return Reliability(None, None, people, items, "a scale needs two items or more")
    if people < FEWEST_RESPONDENTS:
        return Reliability(
            None, None, people, items, f"{people} respondents answered every item, and it needs {FEWEST_RESPONDENTS}"
        )
    varies = np.ptp(whole, axis=0) > 0
    if not varies.any():
        return Reliability(None, None, people, items, "all respondents answered alike")
    # A column of equal numbers can seem to vary by rounding.
    covariance = np.cov(np.where(varies, whole, 0.0), rowvar=False)
    total = float(covariance.sum())
    if total <= _CLOSE * float(np.trace(covariance)):
        return Reliability(None, None, people, items, "the items cancel out: all respondents have the same sum")
    alpha = items / (items - 1) * (1 - float(np.trace(covariance)) / total)
    omega = omega_total(covariance) if varies.all() else None
    return Reliability(alpha, omega, people, items, None)


def omega_total(covariance: Array) -> float | None:
    """McDonald's omega total: the share of a sum's variance that one common factor explains.

    The loadings are from principal axis factoring of the correlations (Harman, 1976, ch. 8): communalities are put on
    the diagonal and found again from the first eigenvector until they stay.

    Args:
        covariance: of the items, shape items x items.

    Returns:
        None where the loadings do not settle, or an item would be explained by more than all of its variance.
    """
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread)
    off = correlation - np.eye(len(correlation))
    communality = np.abs(off).max(axis=1)
    for _ in range(_ROUNDS):
        values, vectors = np.linalg.eigh(off + np.diag(communality))
        loadings = vectors[:, -1] * np.sqrt(max(float(values[-1]), 0.0))
        found = loadings**2
        if np.any(found > 1):
            return None
        if np.max(np.abs(found - communality)) < _CLOSE:
            break
        communality = found
    else:
        return None
    common = float((loadings * spread).sum()) ** 2
    unique = float(((1 - found) * spread**2).sum())
    return common / (common + unique) if common + unique > 0 else None
