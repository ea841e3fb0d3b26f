"""From answers to scores.

Laws: a score is the mean of keyed answers, and null where too few were given; a difference between two times is made of
the items that were answered at both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from confide.evaluators.statistics import Reliability, reliability
from confide.evaluators.traits.instrument import Instrument

LEAST_ANSWERED: Final = 2 / 3
"""Share of a factor's items that must be answered."""


class Sheet(NamedTuple):
    """One administration: what was answered at one point."""

    answers: Mapping[str, float]
    """Answers by item, on the scale, as they were given."""
    missing: Mapping[str, str]
    """For each item that was asked in vain: why."""
    weighted: int
    """Answers that are weighted by the model's own probabilities."""


def score(instrument: Instrument, sheet: Sheet, factor: str) -> float | None:
    """A factor's score on the instrument's scale: the mean of keyed answers to the items that were asked.

    Returns:
        None where fewer than two thirds were answered, or none was asked.
    """
    asked = [item.id for item in instrument.by_factor[factor] if item.id in sheet.answers or item.id in sheet.missing]
    return _mean(instrument, asked, sheet.answers)


def facet_score(instrument: Instrument, sheet: Sheet, factor: str, facet: str) -> float | None:
    """A facet's score, likewise. It rests on few items, and no reliability is known."""
    asked = [
        item.id for item in instrument.by_factor[factor]
        if item.facet == facet and (item.id in sheet.answers or item.id in sheet.missing)
    ]  # fmt: skip
    return _mean(instrument, asked, sheet.answers)


def change(instrument: Instrument, before: Sheet, after: Sheet, factor: str) -> float | None:
    """By how much a factor's score changed, by the items that both sheets asked.

    Returns:
        None where fewer than two thirds of these were answered at both times.
    """
    asked = [
        item.id for item in instrument.by_factor[factor]
        if all(item.id in sheet.answers or item.id in sheet.missing for sheet in (before, after))
    ]  # fmt: skip
    both = {item: after.answers[item] for item in asked if item in before.answers and item in after.answers}
    if not asked or len(both) < LEAST_ANSWERED * len(asked):
        return None
    keyed = [
        instrument.keyed(item, value) - instrument.keyed(item, before.answers[item]) for item, value in both.items()
    ]
    return sum(keyed) / len(keyed)


def _mean(instrument: Instrument, asked: list[str], answers: Mapping[str, float]) -> float | None:
    given = [instrument.keyed(item, answers[item]) for item in asked if item in answers]
    if not asked or len(given) < LEAST_ANSWERED * len(asked):
        return None
    return sum(given) / len(given)


def acquiescence(instrument: Instrument, sheet: Sheet) -> float | None:
    """How far somebody agrees whatever is asked: the mean answer before keying less the middle of the scale.

    It is taken over as many items of either key in each factor, so that traits cancel out. None where there are none.
    """
    found: list[float] = []
    for factor in instrument.factors:
        sides = [
            [
                sheet.answers[item.id]
                for item in instrument.by_factor[factor]
                if item.key == key and item.id in sheet.answers
            ]
            for key in (1, -1)
        ]
        if all(sides):
            found.append(sum(sum(side) / len(side) for side in sides) / 2)
    return sum(found) / len(found) - (instrument.low + instrument.high) / 2 if found else None


def valid_share(sheets: Iterable[Sheet]) -> float | None:
    """Share of the asked items that were answered; None where none was asked."""
    answered = missing = 0
    for sheet in sheets:
        answered += len(sheet.answers)
        missing += len(sheet.missing)
    return answered / (answered + missing) if answered + missing else None


def factor_reliability(instrument: Instrument, sheets: Iterable[Sheet], factor: str) -> Reliability:
    """Reliability of a factor's long form over respondents, one sheet each."""
    items = [item.id for item in instrument.by_factor[factor]]
    rows = [
        [instrument.keyed(item, sheet.answers[item]) if item in sheet.answers else np.nan for item in items]
        for sheet in sheets
    ]
    return reliability(np.asarray(rows, dtype=np.float64).reshape(-1, len(items)))
