"""Drift: how far a role's traits move from its own baseline, beside what moves without a talk and without a persona.

Laws: means are over conversations, with intervals over scenarios and personas, never over turns; a factor whose
reliability is below the plan's floor, or unknown, has no scores, and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, NamedTuple

from confide.evaluators.statistics import ClusteredMean, Reliability, clustered_mean
from confide.evaluators.traits.courses import Courses, Step, baseline, persona_of
from confide.evaluators.traits.plan import SOURCES, Source
from confide.evaluators.traits.results import Point, RespondentResults, SourceResults
from confide.evaluators.traits.scores import (
    Sheet,
    acquiescence,
    factor_reliability,
    valid_share,
)
from confide.scenarios import Role

BAND: Final = 1.96
"""A change of one conversation is beyond the noise where it is more than so many times the retest's spread."""


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
        for condition, role in _arms(each.points):
            talks = {key: group for key, group in groups.items() if _is(group[0], condition, role)}
            without = _by_talk(bare.points) if bare and each.source == "self" else None
            for factor in instrument.factors:
                courses = Courses(instrument, factor)
                for key, group in talks.items():
                    courses.add(group, (without or {}).get(key, []))
                reliability = reliability_of(each, role, respondents[role], profiles, factor)
                sound = _sound(factor, *reliability, floor)
                found.append(_factor(condition, role, each, courses, sound, beside_bare=without is not None))
    return found


def _arms(points: Sequence[Point]) -> list[tuple[str, Role]]:
    """Conditions and roles that were asked about: conditions in their order, the seeker first."""
    asked = dict.fromkeys((point.talk.condition, point.role) for point in points)
    conditions = dict.fromkeys(condition for condition, _ in asked)
    return [pair for pair in product(conditions, Role) if pair in asked]


def _is(point: Point, condition: str, role: Role) -> bool:
    return (point.talk.condition, point.role) == (condition, role)


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


class _Sound(NamedTuple):
    """How far a factor's scores may be told."""

    factor: str
    reliability: Reliability
    sample: str
    null: str | None
    """Why they may not; None where they may."""


def _sound(factor: str, found: Reliability, sample: str, floor: float) -> _Sound:
    over = sample if found.alpha is not None else f"unknown: {found.reason}"
    return _Sound(factor, found, sample, below_floor(found.alpha, over, floor))


def below_floor(alpha: float | None, over: str, floor: float) -> str | None:
    """Why a factor has no scores: its reliability is below the floor, or unknown; None where it has.

    Args:
        alpha: Cronbach's alpha, None where it is unknown.
        over: what it was found in, or why it is unknown.
        floor: the plan's; at 0 nothing is below it.
    """
    if floor == 0:
        return None
    if alpha is None:
        return f"reliability {over}"
    return f"alpha {alpha:.2f} < {floor:.2f} ({over})" if alpha < floor else None


def _factor(
    condition: str, role: Role, each: SourceResults, courses: Courses, sound: _Sound, *, beside_bare: bool
) -> FactorDrift:
    """What is told of one factor: nothing but why, where its reliability is too low."""
    noise, moved = courses.noise, courses.moved.values
    beyond = [abs(value) > BAND * noise for value in moved] if noise else []
    told = sound.null is None
    none = clustered_mean([], [[]])
    return FactorDrift(
        condition=condition,
        role=role,
        source=each.source,
        model=each.model,
        factor=sound.factor,
        null=sound.null,
        start=_mean(courses.starts) if told else None,
        end=_mean(courses.ends) if told else None,
        drift=courses.moved.mean() if told else none,
        retest=courses.again.mean() if told else none,
        noise=noise if told else None,
        beyond=sum(beyond) / len(beyond) if beyond and told else None,
        bare=(courses.bare.mean() if told else none) if beside_bare else None,
        net=(courses.net.mean() if told else none) if beside_bare else None,
        reliability=sound.reliability,
        sample=sound.sample,
        missing=dict(courses.missing),
        series=courses.series if told else (),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def answering(results: Sequence[SourceResults]) -> list[Answering]:
    """How each source answered: how much of it is valid, weighted, and mere agreement."""
    found = []
    for each in sorted(results, key=lambda one: SOURCES.index(one.source)):
        for condition, role in _arms(each.points):
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
