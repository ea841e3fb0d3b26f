"""Model bias: what a model answers for nobody, and how far it errs where traits are known.

Law: a bias is found with the items and words of the plan that it stands beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from confide.evaluators.statistics import Interval, Reliability, bootstrap
from confide.evaluators.traits.profiles import NOBODY, Mode, known_score
from confide.evaluators.traits.results import RespondentResults
from confide.evaluators.traits.scores import factor_reliability, score

FEWEST: Final = 5
"""Profiles from which on an error is told."""


class FactorBias(NamedTuple):
    """One factor, as one model answers it in one way."""

    model: str
    mode: Mode
    """``self``: as the persona. ``observer``: about the persona, from its text."""
    factor: str
    nobody: float | None
    """What the model scores itself, without a persona and a talk."""
    profiles: int
    """Profiles of known score that it answered for."""
    error: float | None
    """Mean of its score less the known one, on the scale; None with fewer than five profiles."""
    interval: Interval | None
    """95 % interval of the error, by resampling profiles."""
    absolute: float | None
    """Mean absolute error."""
    slope: float | None
    """By how much its score rises where the known one rises by 1: 1 is right, 0 is blind; by least squares."""
    correlation: float | None
    """Pearson's correlation of its score with the known one."""
    reliability: Reliability
    """Of the answers, over the profiles."""


def bias(results: RespondentResults) -> list[FactorBias]:
    """A model's bias, by mode and factor."""
    found = []
    instrument = results.plan.instrument
    nobody = results.sheets.get((NOBODY, "nobody"))
    modes: tuple[Mode, ...] = ("self", "observer")
    for mode in modes:
        for factor in instrument.factors:
            pairs: list[tuple[float, float]] = []
            sheets = []
            for persona in results.profiles.personas:
                sheet = results.sheets.get((persona.id, mode))
                if sheet is None:
                    continue
                sheets.append(sheet)
                known, given = known_score(persona, instrument, factor), score(instrument, sheet, factor)
                if known is not None and given is not None:
                    pairs.append((known, given))
            if sheets:
                own = score(instrument, nobody, factor) if nobody is not None else None
                sound = factor_reliability(instrument, sheets, factor)
                found.append(_bias(results.model, mode, factor, own, pairs, sound))
    return found


def _bias(
    model: str, mode: Mode, factor: str, nobody: float | None, pairs: Sequence[tuple[float, float]], sound: Reliability
) -> FactorBias:
    if len(pairs) < FEWEST:
        return FactorBias(model, mode, factor, nobody, len(pairs), None, None, None, None, None, sound)
    known, given = np.array(pairs).T
    errors = (given - known).tolist()
    spread = float(known.var())
    slope = float(((known - known.mean()) * (given - given.mean())).mean()) / spread if spread > 0 else None
    flat = spread == 0 or float(given.var()) == 0
    return FactorBias(
        model,
        mode,
        factor,
        nobody,
        len(pairs),
        float(np.mean(errors)),
        bootstrap(errors, _mean, 0),
        float(np.abs(errors).mean()),
        slope,
        None if flat else float(np.corrcoef(known, given)[0, 1]),
        sound,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
