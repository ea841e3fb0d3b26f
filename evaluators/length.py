"""Comparisons at equal length: judges are known to favour what is longer.

Laws: pairs are within a pair key, and uncertainty comes from resampling pair keys; too few pairs give no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics import Interval, bootstrap

FEWEST_PAIRS: Final = 10
"""Pairs from which on a figure is held to equal length."""
_RIDGE: Final = 1e-2
"""Penalty of the slope alone: with it the fit exists where lengths tell winners apart completely."""
_STEPS: Final = 50
_REFITS: Final = 400


class Compared(NamedTuple):
    """One pair: what came of it, and how long both sides are."""

    pair_key: str
    value: float
    """A score's difference, or for preferences 1 for the one, 0 for the other, 1/2 for neither."""
    words: float
    """Words of the one's supporter; more than 0."""
    other_words: float
    """Words of the other's supporter; more than 0."""

    @property
    def longer(self) -> float:
        """Log of the ratio of the lengths: 0 for equal ones."""
        return log(self.words / self.other_words)


class AtEqualLength(NamedTuple):
    """A comparison, as it is and as it would be if both sides were equally long."""

    pairs: int
    left_out: int
    """Pairs in which a side has no words."""
    raw: float | None
    """Mean of the values; None without pairs."""
    raw_interval: Interval | None
    equal: float | None
    """The same at equal length; None where there is none."""
    equal_interval: Interval | None
    reason: str | None
    """Why there is no figure at equal length; None if there is one."""


def compare(pairs: Iterable[Compared | None], *, preference: bool, seed: int = 0) -> AtEqualLength:
    """Compare within pairs.

    For differences of scores the figure at equal length is the intercept of an ordinary least squares fit on
    :attr:`Compared.longer`. For preferences it is the win rate at zero of a logistic fit on the same, as in the
    length-controlled AlpacaEval (Dubois et al., 2024, arXiv 2404.04475), with a small ridge on the slope.

    Args:
        pairs: one per pair; None where a side has no words.
        preference: whether the values are preferences.
        seed: of the resampling.
    """
    given = list(pairs)
    known = [pair for pair in given if pair is not None]
    by_key: dict[str, list[Compared]] = {}
    for pair in known:
        by_key.setdefault(pair.pair_key, []).append(pair)
    clusters = list(by_key.values())

    def mean(sample: Sequence[list[Compared]]) -> float | None:
        values = [pair.value for cluster in sample for pair in cluster]
        return sum(values) / len(values) if values else None

    def at_equal(sample: Sequence[list[Compared]]) -> float | None:
        flat = [pair for cluster in sample for pair in cluster]
        return _logistic(flat) if preference else _linear(flat)

    reason = None
    if len(clusters) < FEWEST_PAIRS:
        reason = f"{len(clusters)} pairs, at least {FEWEST_PAIRS} are needed"
    elif len({round(pair.longer, 9) for pair in known}) == 1 and known[0].longer != 0:
        reason = "all pairs differ in length by the same"
    equal = at_equal(clusters) if reason is None else None
    return AtEqualLength(
        pairs=len(known),
        left_out=len(given) - len(known),
        raw=mean(clusters),
        raw_interval=bootstrap(clusters, mean, seed),
        equal=equal,
        equal_interval=None if equal is None else bootstrap(clusters, at_equal, seed, _REFITS),
        reason="the fit does not settle" if reason is None and equal is None else reason,
    )


def _linear(pairs: Sequence[Compared]) -> float | None:
    x = np.array([pair.longer for pair in pairs])
    y = np.array([pair.value for pair in pairs])
    if np.ptp(x) == 0:
        return float(y.mean()) if x[0] == 0 else None
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return float(y.mean() - slope * x.mean())


def _logistic(pairs: Sequence[Compared]) -> float | None:
    """Win rate at equal length, by Newton's method; None where the fit does not settle."""
    if len({pair.value for pair in pairs}) == 1 and pairs[0].value in (0, 1):
        return pairs[0].value  # the intercept grows without a bound: this is what the rate goes to
    x = np.array([pair.longer for pair in pairs])
    y = np.array([pair.value for pair in pairs])
    spread = float(np.sqrt((x**2).mean()))
    if spread == 0:
        return float(y.mean())
    design: NDArray[np.float64] = np.stack([np.ones_like(x), x / spread], axis=1)
    penalty = np.diag([0.0, _RIDGE * len(pairs)])
    beta = np.zeros(2)
    for _ in range(_STEPS):
        rate = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (y - rate) - penalty @ beta
        hessian = (design * (rate * (1 - rate))[:, None]).T @ design + penalty
        if np.linalg.cond(hessian) > 1e12:
            return None
        step = np.linalg.solve(hessian, gradient)
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            return float(1 / (1 + np.exp(-beta[0])))
    return None
