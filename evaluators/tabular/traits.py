"""Rows of questionnaires: answers by item, and the scores that are made of them.

Law: scores below the reliability floor stand here with alpha and floor beside them; whoever analyses them must look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from confide.evaluators.statistics import Reliability
from confide.evaluators.tabular.answers import NO_REASON, Side
from confide.evaluators.tabular.rows import MeasureRow
from confide.evaluators.talks import Talk
from confide.evaluators.traits.courses import baseline, persona_of
from confide.evaluators.traits.drift import reliability_of
from confide.evaluators.traits.instrument import Instrument, TraitItem
from confide.evaluators.traits.plan import SOURCES, LoadedPlan
from confide.evaluators.traits.profiles import NOBODY, known_score
from confide.evaluators.traits.report import players_of
from confide.evaluators.traits.results import (
    Point,
    RespondentResults,
    SourceResults,
    administrations,
    is_respondents,
    plan_of,
    read_respondents,
    sheet_of,
)
from confide.evaluators.traits.scores import Sheet, facet_score, factor_reliability, score
from confide.scenarios import Persona, Role
from confide.scenarios.personas import ListedPersona
from confide.simulator import Measured, MeasureFolder, RunFolder, read_log

TOO_FEW = "fewer than two thirds of its items were answered"
NOT_WHOLE = "the form was not asked to its end"


class Sound(NamedTuple):
    """How reliable one asking of a factor is."""

    alpha: float | None
    over: str
    """What alpha was found in, or why it is unknown."""


class Questionnaire(NamedTuple):
    """What the answers in a folder are scored by."""

    plan: LoadedPlan
    source: str
    sound: Mapping[tuple[Role | None, str], Sound]
    """By role (None for profiles) and factor; empty for what was asked once."""


def questionnaire_of(run: RunFolder, folder: MeasureFolder, beside: Sequence[MeasureFolder]) -> Questionnaire:
    """The questionnaire of a source, with the reliability of its factors in this run.

    Args:
        run: the run.
        folder: the source's side logs.
        beside: all folders of the run with answers about traits.

    Raises:
        InputFileError: a side log is damaged.
    """
    plan = plan_of(folder)
    source = next(each for each in SOURCES if folder.record.measure == f"{plan.plan.id}-{each}")
    record = folder.record
    players = players_of(run)
    models = {role: tuple(players[role]) if record.spec is None else (record.model,) for role in Role}
    results = SourceResults(plan, source, record.model, [], 0, {}, (), models)
    profiles = [read_respondents(each) for each in beside if is_respondents(each) and plan_of(each).plan == plan.plan]
    first = first_sheets(run, folder)
    known = [] if source == "bare" else profiles  # nobody answers for a profile without its persona
    found: dict[tuple[Role | None, str], Sound] = {
        (role, factor): _sound(*reliability_of(results, role, first[role], known, factor))
        for role in Role
        for factor in plan.instrument.factors
    }
    return Questionnaire(plan, source, found)


def _sound(found: Reliability, sample: str) -> Sound:
    return Sound(found.alpha, sample if found.alpha is not None else f"unknown: {found.reason}")


def first_sheets(run: RunFolder, folder: MeasureFolder) -> dict[Role, list[Sheet]]:
    """For each role, one sheet per persona: what it answered first in the first of its conversations.

    No more is held than that, however many conversations there are.
    """
    personas = {planned.id: persona_of(planned.pair_key) for planned in run.planned()}
    found: dict[tuple[Role, str], Sheet] = {}
    for log in folder.logs():
        talk = Talk(log.stem, "", "", "", ())
        points: dict[Role, list[Point]] = {}
        for (turn, role, repeat), events in administrations(read_log(log).events).items():
            if role is not None:
                points.setdefault(role, []).append(Point(talk, role, turn, repeat, sheet_of(events)))
        for role, asked in points.items():
            first = baseline(asked)
            if first is not None:  # people's conversations are planned by nobody, and count as one persona
                found.setdefault((role, personas.get(log.stem, "")), first.sheet)
    return {role: [sheet for (whose, _), sheet in found.items() if whose is role] for role in Role}


def trait_rows(side: Side, asked: Questionnaire, personas: Mapping[Role, Persona]) -> list[MeasureRow]:
    """Answers and scores of one side log.

    Args:
        side: the side log.
        asked: what its answers are scored by.
        personas: who the roles are, as far as it is known.
    """
    rows = []
    for (_, role, _), events in administrations(side.events).items():
        rows += [row for event in events for row in _answers(side, asked, event)]
        persona = personas.get(role) if role else None
        known = _as_listed(persona) if persona else None
        rows += _scores(side.fields(events[0]), asked, events, known)
    return rows


def _as_listed(persona: Persona) -> ListedPersona:
    return ListedPersona(id="known", background=persona.background, traits=persona.traits, style=persona.style)


def _answers(side: Side, asked: Questionnaire, event: Measured) -> Iterable[MeasureRow]:
    fields = side.fields(event)
    instrument = asked.plan.instrument
    for name, value in event.values.items():
        item = instrument.by_id.get(name)
        number = float(value) if isinstance(value, int | float) else None
        own = {
            "source": asked.source,
            "item": name,
            "factor": item.factor if item else None,
            "facet": item.facet if item else None,
            "value": number,
            "keyed": instrument.keyed(name, number) if item and number is not None else None,
            "missing": event.missing.get(name, NO_REASON) if number is None else None,
            "weighted": None if number is None else name in (event.weights or {}),
        }
        yield MeasureRow(**{**fields, **own})


class _Form(NamedTuple):
    """Which form an administration asked; where both were asked as blocks, the long one counts."""

    name: str | None
    """None if it broke off."""
    sheet: Sheet
    asked: frozenset[str]
    weighted: frozenset[str]


def _form(instrument: Instrument, events: Sequence[Measured]) -> _Form:
    sheet = sheet_of(events)
    asked = frozenset({*sheet.answers, *sheet.missing})
    forms = {"long": instrument.items, "short": instrument.short_items}
    name = next((name for name, items in forms.items() if asked == {item.id for item in items}), None)
    counted = [event for event in events if event.part == "long"] or events
    return _Form(name, sheet, asked, frozenset(item for event in counted for item in event.weights or {}))


def _scores(
    fields: dict[str, Any], asked: Questionnaire, events: Sequence[Measured], known: ListedPersona | None
) -> Iterable[MeasureRow]:
    instrument = asked.plan.instrument
    form = _form(instrument, events)
    blank = {**fields, "source": asked.source, "part": None, "note": None, "form": form.name}
    for factor in instrument.factors:
        sound = asked.sound.get((events[0].role, factor), Sound(None, "unknown: there is one respondent"))
        own = {
            "kind": "factor",
            "known": known_score(known, instrument, factor) if known else None,
            "alpha": sound.alpha,
            "alpha_over": sound.over,
            "floor": asked.plan.plan.floor,
        }
        items = [item for item in instrument.by_factor[factor] if item.id in form.asked]
        if items:
            value = score(instrument, form.sheet, factor)
            yield MeasureRow(**{**blank, **own, "factor": factor, **_made_of(form, items, value)})
        for facet in dict.fromkeys(item.facet for item in items if item.facet):
            own = {"kind": "facet", "factor": factor, "facet": facet}
            value = facet_score(instrument, form.sheet, factor, facet)
            of_it = [item for item in items if item.facet == facet]
            yield MeasureRow(**{**blank, **own, **_made_of(form, of_it, value)})


def _made_of(form: _Form, items: Sequence[TraitItem], value: float | None) -> dict[str, Any]:
    """A score and the answers that it is made of; none where the form was broken off."""
    answered = [item.id for item in items if item.id in form.sheet.answers]
    kept = value if form.name else None
    return {
        "value": kept,
        "missing": None if kept is not None else TOO_FEW if form.name else NOT_WHOLE,
        "weighted": None if kept is None else all(item in form.weighted for item in answered),
        "asked": len(items),
        "answered": len(answered),
    }


class Profiles(NamedTuple):
    """What a model answered for drawn personas, and for nobody."""

    results: RespondentResults
    by_id: Mapping[str, ListedPersona]

    def questionnaire(self, mode: str) -> Questionnaire:
        """What the answers of one mode are scored by."""
        plan, sheets = self.results.plan, self.results.sheets
        same = [sheet for (_, how), sheet in sheets.items() if how == mode]
        if mode == NOBODY:
            return Questionnaire(plan, mode, {})
        found: dict[tuple[Role | None, str], Sound] = {}
        for factor in plan.instrument.factors:
            reliable = factor_reliability(plan.instrument, same, factor)
            found[None, factor] = _sound(reliable, f"{reliable.respondents} profiles")
        return Questionnaire(plan, mode, found)


def profiles_of(folder: MeasureFolder) -> Profiles:
    """What a model answered for drawn personas.

    Raises:
        InputFileError: a log or the list of profiles is damaged.
    """
    results = read_respondents(folder)
    return Profiles(results, {persona.id: persona for persona in results.profiles.personas})


def profile_rows(side: Side, asked: Questionnaire, name: str, persona: ListedPersona | None) -> list[MeasureRow]:
    """Answers and scores of one respondent.

    Args:
        side: its log.
        asked: what its answers are scored by.
        name: the profile's id, or ``nobody``.
        persona: its known scores; None for nobody.
    """
    events = [event for event in side.events if isinstance(event, Measured)]
    rows = [row for event in events for row in _answers(side, asked, event)]
    rows += _scores(side.fields(events[0]), asked, events, persona) if events else ()
    return [row._replace(profile=name) for row in rows]
