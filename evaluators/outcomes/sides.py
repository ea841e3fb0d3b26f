"""Outcomes of what readers and questionnaires found in a conversation.

Laws: an answer to another transcript than the log's is refused; a score below the plan's reliability floor is missing;
where several models read the same, nobody is chosen in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Final, NamedTuple

from confide.evaluators.outcomes.names import Answer, Known, TraitScore
from confide.evaluators.outcomes.said import Value, missing
from confide.evaluators.readings import read_side_log
from confide.evaluators.rubric import Rubric, parse_rubric
from confide.evaluators.tabular.traits import TOO_FEW, Questionnaire, questionnaire_of
from confide.evaluators.talks import Talk
from confide.evaluators.traits.courses import baseline, last_long, why_nothing
from confide.evaluators.traits.drift import below_floor
from confide.evaluators.traits.plan import LoadedPlan
from confide.evaluators.traits.results import Point, administrations, is_respondents, plan_of, sheet_of, trait_folders
from confide.evaluators.traits.scores import change, score
from confide.scenarios import Role
from confide.scenarios.experiments import Experiment
from confide.simulator import AnyEvent, Measured, MeasureFolder, RunFolder, measure_folders
from confide.simulator.events import MeasuredValue
from confide.simulator.observing import address_of, lines_of

NO_REASON: Final = "no reason is given"


def experiment_of(run: RunFolder) -> Experiment | None:
    """The experiment that a run was begun with; None where there was none."""
    return run.record.experiment.resolved if run.record.experiment else None


class _Side(NamedTuple):
    """What one reader's side log of a conversation says, or why it says nothing."""

    events: Sequence[AnyEvent]
    why: str | None


class Sides:
    """The side logs of a run."""

    def __init__(self, run: RunFolder, reader: str | None) -> None:
        """Look at who read; ``reader`` is the model that counts where several read the same."""
        self._run = run
        self._reader = reader
        self._folders = list(measure_folders(run))
        self._questionnaires: dict[str, Questionnaire] = {}

    @cached_property
    def rubrics(self) -> dict[str, Rubric]:
        """The rubrics that were read by, by id."""
        folders = [folder for folder in self._folders if not folder.record.files]
        found = [parse_rubric(folder.path / "measure.json", folder.record.rubric).rubric for folder in folders]
        return {rubric.id: rubric for rubric in found}

    @cached_property
    def plans(self) -> dict[str, LoadedPlan]:
        """The trait plans that were asked by, by id."""
        found = [plan_of(folder) for folder in self._folders if folder.record.files]
        return {plan.plan.id: plan for plan in found}

    def known(self, labels: Sequence[str]) -> Known:
        """What names of outcomes may refer to in this run."""
        return Known(labels, self.rubrics, self.plans)

    def of(self, events: Sequence[AnyEvent], talk: Talk) -> TalkSides:
        """The side logs of one conversation."""
        return TalkSides(self, events, talk)

    def folder(self, measure: str, *, traits: bool) -> MeasureFolder | str:
        """Who measured something, or why nobody counts."""
        found = [
            folder
            for folder in self._folders
            if folder.record.measure == measure
            and bool(folder.record.files) is traits
            and not (traits and is_respondents(folder))
        ]
        if not found:
            names = {folder.record.measure for folder in self._folders if bool(folder.record.files) is traits}
            near = get_close_matches(measure, names, n=1)
            return f"nobody was asked '{measure}'" + (f"; did you mean '{near[0]}'?" if near else "")
        if len(found) > 1:
            declared = {self._reader} if self._reader else self._declared()
            chosen = [folder for folder in found if folder.record.model in declared]
            if len(chosen) == 1:
                return chosen[0]
            models = ", ".join(sorted(folder.record.model for folder in found))
            return f"several models were asked '{measure}': {models}"
        return found[0]

    def _declared(self) -> set[str]:
        """The readers that the run's experiment names; none where it has no experiment."""
        experiment = experiment_of(self._run)
        return {measure.reader for measure in experiment.measures} if experiment else set()

    def questionnaire(self, folder: MeasureFolder) -> Questionnaire:
        """What a source's answers are scored by; looked for once."""
        key = folder.record.key
        if key not in self._questionnaires:
            self._questionnaires[key] = questionnaire_of(self._run, folder, trait_folders(self._run))
        return self._questionnaires[key]


class TalkSides:
    """The side logs of one conversation, each read once."""

    def __init__(self, sides: Sides, events: Sequence[AnyEvent], talk: Talk) -> None:
        """Nothing is read before it is asked for."""
        self._sides = sides
        self._events = events
        self._talk = talk
        self._read: dict[str, _Side] = {}

    @cached_property
    def _transcript(self) -> str:
        return address_of(lines_of(self._events))

    def _side(self, measure: str, *, traits: bool) -> tuple[MeasureFolder | None, _Side]:
        folder = self._sides.folder(measure, traits=traits)
        if isinstance(folder, str):
            return None, _Side((), folder)
        key = folder.record.key
        if key not in self._read:
            self._read[key] = self._load(folder)
        return folder, self._read[key]

    def _load(self, folder: MeasureFolder) -> _Side:
        log = folder.final(self._talk.conversation)
        if not folder.is_finished(self._talk.conversation):
            begun = folder.live(self._talk.conversation).exists()
            return _Side((), "it was not read to its end" if begun else "it was not read yet")
        return _Side(read_side_log(log, self._transcript), None)

    def answer_value(self, wanted: Answer) -> Value:
        """A mean of a reader's answers, or the share of a word among them."""
        _, side = self._side(wanted.rubric, traits=False)
        if side.why:
            return missing(side.why)
        given: list[float] = []
        lost: Counter[str] = Counter()
        for event in side.events:
            if not isinstance(event, Measured) or wanted.item not in event.values:
                continue
            if wanted.role is not None and event.role is not wanted.role:
                continue
            value = event.values[wanted.item]
            if value is None:
                lost[event.missing.get(wanted.item, NO_REASON)] += 1
            else:
                given.append(_worth(value, wanted.word))
        if given:
            return Value(sum(given) / len(given), None)
        return missing(lost.most_common(1)[0][0] if lost else "there was nothing to ask about")

    def trait_value(self, wanted: TraitScore) -> Value:
        """A score of a factor, or its change."""
        folder, side = self._side(f"{wanted.plan}-{wanted.source}", traits=True)
        if folder is None or side.why:
            return missing(side.why or NO_REASON)
        asked = self._sides.questionnaire(folder)
        sound = asked.sound[wanted.role, wanted.factor]
        if why := below_floor(sound.alpha, sound.over, asked.plan.plan.floor):
            return missing(why)
        points = self._points(side, wanted.role)
        if not points:
            return missing(f"the {wanted.role} was not asked")
        found = _score(asked, points, wanted)
        if wanted.what == "net" and found.value is not None:
            return self._net(wanted, found.value)
        return Value(abs(found.value), None) if wanted.what == "abs_drift" and found.value is not None else found

    def _net(self, wanted: TraitScore, drift: float) -> Value:
        folder, side = self._side(f"{wanted.plan}-bare", traits=True)
        if folder is None or side.why:
            return missing(f"the model without its persona: {side.why or NO_REASON}")
        points = self._points(side, wanted.role)
        if not points:
            return missing("the model without its persona was not asked")
        bare = _score(self._sides.questionnaire(folder), points, wanted)
        if bare.value is None:
            return missing(f"the model without its persona: {bare.missing}")
        return Value(drift - bare.value, None)

    def _points(self, side: _Side, role: Role) -> list[Point]:
        return [
            Point(self._talk, whose, turn, repeat, sheet_of(events))
            for (turn, whose, repeat), events in administrations(side.events).items()
            if whose is role
        ]


def _score(asked: Questionnaire, points: Sequence[Point], wanted: TraitScore) -> Value:
    """The score at the start or the end, or else the change."""
    instrument = asked.plan.instrument
    first = baseline(points)
    if first is None:
        return missing(why_nothing(points))
    if wanted.what == "start":
        value = score(instrument, first.sheet, wanted.factor)
    else:
        last = last_long(points, instrument)
        if last is None:
            return missing("no second long form")
        if wanted.what == "end":
            value = score(instrument, last.sheet, wanted.factor)
        else:
            value = change(instrument, first.sheet, last.sheet, wanted.factor)
    return missing(TOO_FEW) if value is None else Value(value, None)


def _worth(value: MeasuredValue, word: str | None) -> float:
    """What one answer counts: its number, the length of a list of turns, or the part of it that is ``word``."""
    if word is None:
        return float(value) if isinstance(value, int | float) else float(len(value or ()))
    names = [str(each) for each in value] if isinstance(value, tuple) else [str(value)]
    return names.count(word) / len(names) if names else 0.0
