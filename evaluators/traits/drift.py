"""Drift: how far a role's traits move from its own baseline, beside what moves without a talk and without a persona.

Laws: means are over conversations, with intervals over scenarios and personas, never over turns; a factor whose
reliability is below the plan's floor, or unknown, has no scores, and says why.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from confide.evaluators.statistics import ClusteredMean, Reliability, clustered_mean
from confide.evaluators.traits.instrument import Instrument
from confide.evaluators.traits.plan import SOURCES, Source
from confide.evaluators.traits.results import Point, RespondentResults, SourceResults
from confide.evaluators.traits.scores import (
    Sheet,
    acquiescence,
    change,
    factor_reliability,
    score,
    valid_share,
)
from confide.scenarios import Role

BAND: Final = 1.96
"""A change of one conversation is beyond the noise where it is more than so many times the retest's spread."""


class Step(NamedTuple):
    """Drift after one turn."""

    turn: int
    mean: float
    """Mean change since the baseline, by the items asked at both times."""
    n: int
    """Conversations."""


class FactorDrift(NamedTuple):
    """One factor of one role, by one source, under one condition."""

    condition: str
    role: Role
    source: Source
    model: str
    """Who answered: the observer, or ``roles``."""
    factor: str
    null: str | None
    """Why there are no scores; None where there are."""
    start: float | None
    """Mean score of the first long form."""
    end: float | None
    """Mean score of the last one."""
    drift: ClusteredMean
    """Change from the first to the last long form."""
    retest: ClusteredMean
    """Change from the first long form to its repeats, with no talk between."""
    noise: float | None
    """Root mean square of that change over conversations: the noise floor of one conversation's drift."""
    beyond: float | None
    """Share of the conversations whose drift is beyond 1.96 times the noise; 5 % would be so by chance. None where a
    retest never differed."""
    bare: ClusteredMean | None
    """For ``self``: the change of the same model without its persona, in front of the same talk; None where it was not
    asked."""
    net: ClusteredMean | None
    """Drift less that change, within conversations."""
    reliability: Reliability
    sample: str
    """What the reliability was found in."""
    missing: dict[str, int]
    """Conversations without a drift, by reason."""
    series: tuple[Step, ...]
    """Drift turn by turn."""


class Answering(NamedTuple):
    """How one source answered, under one condition, for one role."""

    condition: str
    role: Role
    source: Source
    model: str
    """Who answered: the observer, or ``roles``."""
    administrations: int
    valid: float | None
    """Share of the asked items that were answered."""
    weighted: float | None
    """Share of the answers that were weighted by the model's own probabilities."""
    acquiescence: float | None
    """Mean over conversations of how far the answers agree with whatever is asked, in points of the scale."""


def drift(results: Sequence[SourceResults], profiles: Sequence[RespondentResults], floor: float) -> list[FactorDrift]:
    """Drift by condition, role, source and factor.

    Args:
        results: what the sources of one plan answered.
        profiles: what models answered for profiles by the same plan.
        floor: Cronbach's alpha below which there are no scores; at 0 they are shown even where it is unknown.
    """
    found = []
    bare = next((each for each in results if each.source == "bare"), None)
    for each in sorted(results, key=lambda one: SOURCES.index(one.source)):
        if each.source == "bare":
            continue
        instrument = each.plan.instrument
        groups, respondents = _by_talk(each.points), _respondents(each.points)
        for condition, role in dict.fromkeys((p.talk.condition, p.role) for p in each.points):
            talks = {key: points for key, points in groups.items() if key[1] is role and _is(points, condition)}
            without = _by_talk(bare.points) if bare and each.source == "self" else None
            for factor in instrument.factors:
                sound = reliability_of(each, role, respondents[role], profiles, factor)
                null = _below(*sound, floor)
                found.append(_factor(condition, role, each, factor, talks, without, sound, null))
    return found


def _is(points: Sequence[Point], condition: str) -> bool:
    return points[0].talk.condition == condition


def _by_talk(points: Iterable[Point]) -> dict[tuple[str, Role], list[Point]]:
    found: dict[tuple[str, Role], list[Point]] = {}
    for point in points:
        found.setdefault((point.talk.conversation, point.role), []).append(point)
    return found


def _respondents(points: Iterable[Point]) -> dict[Role, list[Sheet]]:
    """For each role, one sheet per persona: what it answered first in the first of its conversations.

    A mean over its conversations, or over both roles, would make a scale seem more reliable than one asking of it is.
    """
    found: dict[tuple[Role, str], Sheet] = {}
    for talk in _by_talk(points).values():
        first = baseline(talk)
        if first is not None:
            found.setdefault((first.role, persona_of(first.talk.pair_key)), first.sheet)
    return {role: [sheet for (whose, _), sheet in found.items() if whose is role] for role in Role}


def reliability_of(
    each: SourceResults, role: Role, respondents: Sequence[Sheet], profiles: Sequence[RespondentResults], factor: str
) -> tuple[Reliability, str]:
    """Reliability over the run's personas where there are enough, else over the profiles of the models that answered.

    Of several models the least reliable one counts.
    """
    instrument = each.plan.instrument
    run = factor_reliability(instrument, respondents, factor)
    if run.alpha is not None:
        return run, f"{run.respondents} personas of the run"
    mode = "self" if each.source == "self" else "observer"
    found = []
    for model in profiles:
        if model.model in each.models[role]:
            sheets = [sheet for (_, how), sheet in model.sheets.items() if how == mode]
            found.append(factor_reliability(instrument, sheets, factor))
    sound = [one for one in found if one.alpha is not None]
    if sound and len(sound) == len(each.models[role]):
        least = min(sound, key=lambda one: one.alpha or 0.0)
        return least, f"{least.respondents} profiles, an upper bound"
    return run, f"{run.respondents} personas of the run"


def _below(found: Reliability, sample: str, floor: float) -> str | None:
    if floor == 0:
        return None
    if found.alpha is None:
        return f"reliability unknown: {found.reason}"
    return f"alpha {found.alpha:.2f} < {floor:.2f} ({sample})" if found.alpha < floor else None


def persona_of(pair_key: str) -> str:
    """Scenario and personas, without the replicate."""
    return pair_key.rpartition("/")[0] or pair_key


def baseline(points: Sequence[Point]) -> Point | None:
    """The baseline: the first long form. None where nothing of it was answered: no later answer stands in for it."""
    asked = [point for point in points if point.turn is not None and point.repeat == 0]
    first = min(asked, key=lambda point: point.turn or 0, default=None)
    return first if first is not None and first.sheet.answers else None


def last_long(points: Sequence[Point], instrument: Instrument) -> Point | None:
    """The last long form."""
    whole = [
        point for point in points
        if point.turn is not None and point.repeat == 0
        and len(point.sheet.answers) + len(point.sheet.missing) == len(instrument.items)
    ]  # fmt: skip
    first = baseline(points)
    last = max(whole, key=lambda point: point.turn or 0, default=None)
    return None if last is None or first is None or last.turn == first.turn else last


class _Changes(NamedTuple):
    """Changes of one factor, one per conversation."""

    values: list[float]
    keys: list[str]
    """Pair keys."""

    def mean(self) -> ClusteredMean:
        """The mean over conversations, clustered by scenario and by personas: the first two parts of a pair key."""
        parts = [key.split("/") for key in self.keys]
        return clustered_mean(self.values, [[part[0] for part in parts], ["/".join(part[1:2]) for part in parts]])


def _factor(
    condition: str,
    role: Role,
    each: SourceResults,
    factor: str,
    talks: Mapping[tuple[str, Role], list[Point]],
    without: Mapping[tuple[str, Role], list[Point]] | None,
    sound: tuple[Reliability, str],
    null: str | None,
) -> FactorDrift:
    instrument = each.plan.instrument
    moved, again, nets, bares = (_Changes([], []) for _ in range(4))
    starts: list[float] = []
    ends: list[float] = []
    steps: dict[int, list[float]] = {}
    missing: Counter[str] = Counter()
    noises: dict[str, float] = {}
    for key, points in talks.items():
        first, last = baseline(points), last_long(points, instrument)
        if first is None:
            missing[why_nothing(points)] += 1
            continue
        pair_key = first.talk.pair_key
        _retest(instrument, factor, points, first, again, noises)
        _steps(instrument, factor, points, first, steps)
        found = None if last is None else change(instrument, first.sheet, last.sheet, factor)
        if last is None or found is None:
            missing["no second long form" if last is None else "too few items were answered"] += 1
            continue
        moved.values.append(found)
        moved.keys.append(pair_key)
        starts += [value for value in [score(instrument, first.sheet, factor)] if value is not None]
        ends += [value for value in [score(instrument, last.sheet, factor)] if value is not None]
        other = _change_without(instrument, factor, (without or {}).get(key, []))
        if other is not None:
            for changes, value in ((bares, other), (nets, found - other)):
                changes.values.append(value)
                changes.keys.append(pair_key)
    noise = _root_mean_square(list(noises.values()))
    beyond = [abs(value) > BAND * noise for value in moved.values] if noise else []
    shown = null is None
    empty = clustered_mean([], [[]])
    return FactorDrift(
        condition,
        role,
        each.source,
        each.model,
        factor,
        null,
        _mean(starts) if shown else None,
        _mean(ends) if shown else None,
        moved.mean() if shown else empty,
        again.mean() if shown else empty,
        noise if shown else None,
        sum(beyond) / len(beyond) if beyond and shown else None,
        (bares.mean() if shown else empty) if without is not None else None,
        (nets.mean() if shown else empty) if without is not None else None,
        *sound,
        dict(missing),
        tuple(Step(turn, sum(v) / len(v), len(v)) for turn, v in sorted(steps.items())) if shown else (),
    )


def why_nothing(points: Sequence[Point]) -> str:
    """Why there is no baseline."""
    return next((why for point in points for why in point.sheet.missing.values()), "it was not asked")


def _retest(
    instrument: Instrument,
    factor: str,
    points: Sequence[Point],
    first: Point,
    again: _Changes,
    noises: dict[str, float],
) -> None:
    found = [
        change(instrument, first.sheet, point.sheet, factor)
        for point in points
        if point.repeat > 0 and point.turn == first.turn
    ]
    values = [value for value in found if value is not None]
    if values:
        again.values.append(sum(values) / len(values))
        again.keys.append(first.talk.pair_key)
        noises[first.talk.conversation] = _root_mean_square(values) or 0.0


def _steps(
    instrument: Instrument, factor: str, points: Sequence[Point], first: Point, steps: dict[int, list[float]]
) -> None:
    for point in points:
        if point.repeat == 0 and point.turn is not None and point.turn != first.turn:
            value = change(instrument, first.sheet, point.sheet, factor)
            if value is not None:
                steps.setdefault(point.turn, []).append(value)


def _change_without(instrument: Instrument, factor: str, points: Sequence[Point]) -> float | None:
    first, last = baseline(points), last_long(points, instrument)
    return None if first is None or last is None else change(instrument, first.sheet, last.sheet, factor)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _root_mean_square(values: Sequence[float]) -> float | None:
    return math.sqrt(sum(value**2 for value in values) / len(values)) if values else None


def answering(results: Sequence[SourceResults]) -> list[Answering]:
    """How each source answered: how much of it is valid, weighted, and mere agreement."""
    found = []
    for each in sorted(results, key=lambda one: SOURCES.index(one.source)):
        for condition, role in dict.fromkeys((p.talk.condition, p.role) for p in each.points):
            points = [p for p in each.points if p.talk.condition == condition and p.role is role]
            sheets = [point.sheet for point in points]
            answers = sum(len(sheet.answers) for sheet in sheets)
            agree = [acquiescence(each.plan.instrument, sheet) for sheet in sheets]
            weighted = sum(sheet.weighted for sheet in sheets) / answers if answers else None
            known = [value for value in agree if value is not None]
            found.append(
                Answering(
                    condition, role, each.source, each.model, len(points), valid_share(sheets), weighted, _mean(known)
                )
            )
    return found
