"""What readers found in one conversation: answers, strategies labelled again, traits turn by turn.

Laws: an answer to another transcript than the log's is refused, with why; a trait whose reliability is below the plan's
floor, or not known, has no points.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from confide.evaluators.readings import read_side_log
from confide.evaluators.rubric import Choice, Labels, Level, Rubric, Scale, parse_rubric
from confide.evaluators.rubric import Item as RubricItem
from confide.evaluators.talks import Talk
from confide.evaluators.traits.courses import baseline, last_long
from confide.evaluators.traits.instrument import Instrument
from confide.evaluators.traits.plan import SOURCES, LoadedPlan, parse_plan
from confide.evaluators.traits.results import Point, administrations, is_respondents, sheet_of
from confide.evaluators.traits.scores import change, score
from confide.scenarios import ConfideError, Role
from confide.simulator import AnyEvent, Called, Failed, Measured, MeasureFolder, RunFolder
from confide.viewer.documents import Annotator, Answer, DriftLine, DriftPoint, Item, Labelled, Measure


class Figures(NamedTuple):
    """What a trait's scores are held against, over the whole run."""

    why: str | None
    """Why there are no scores; None where there are."""
    noise: float | None
    """Root mean square of the change without a talk between; None where nobody was asked twice."""


FiguresOf = Callable[[str, Role, str], Figures]
"""Gives the figures of a folder's key, a role and a factor."""


class Beside(NamedTuple):
    """All that stands beside a conversation."""

    measures: tuple[Measure, ...]
    annotators: tuple[Annotator, ...]
    drift: tuple[DriftLine, ...]


def beside(run: RunFolder, talk: Talk, transcript: str, figures_of: FiguresOf) -> Beside:
    """What readers found in a finished conversation.

    Args:
        run: its run.
        talk: the conversation.
        transcript: content address of what was said.
        figures_of: what trait scores are held against.
    """
    measures: list[Measure] = []
    annotators: list[Annotator] = []
    drift: list[DriftLine] = []
    for folder in talk_folders(run):
        log = folder.final(talk.conversation)
        if not folder.is_finished(talk.conversation):
            if folder.live(talk.conversation).exists():
                measures.append(_measure(folder, (), "it was not read to its end"))
            continue
        try:
            events = read_side_log(log, transcript)
        except ConfideError as error:
            measures.append(_measure(folder, (), first_line(error)))
            continue
        measures.append(_measure(folder, events, None))
        if folder.record.files:
            drift += _drift(folder, talk, events, figures_of)
        elif item := annotated_item(rubric_of(folder)):
            annotators.append(_annotator(folder.record.key, item, events))
    return Beside(tuple(measures), tuple(annotators), tuple(drift))


class Readers(NamedTuple):
    """The readers of a run."""

    folders: list[MeasureFolder]
    problem: str | None
    """Why one of the others cannot be used; None if all can."""


def readers_of(run: RunFolder) -> Readers:
    """The readers of a run. One whose record is damaged hides nothing else."""
    found = Readers([], None)
    for file in sorted((run.path / "measures").glob("*/measure.json")):
        try:
            facts = file.stat()
        except OSError:  # it was deleted meanwhile
            continue
        folder = _checked(file, f"{facts.st_size}:{facts.st_mtime_ns}")
        if isinstance(folder, str):
            found = found._replace(problem=found.problem or folder)
        else:
            found.folders.append(folder)
    return found


@lru_cache(maxsize=1024)
def _checked(file: Path, stamp: str) -> MeasureFolder | str:  # noqa: ARG001  (another stamp is another file)
    """A reader's folder, or in one line why it cannot be used. It is looked at anew when its record changes."""
    try:
        folder = MeasureFolder.open(file.parent)
        if folder.record.files:
            plan_of(folder)
        else:
            rubric_of(folder)
    except ConfideError as error:
        return first_line(error)
    key = folder.record.key
    if key != file.parent.name or not re.fullmatch("[A-Za-z0-9._-]+", key):  # it becomes part of links and of files
        return f"{file}: it is of the reader {key[:80]!r}, whose folder must have that name"
    return folder


def first_line(error: ConfideError) -> str:
    """What is wrong, in one line."""
    return str(error).partition("\n")[0]


def talk_folders(run: RunFolder) -> list[MeasureFolder]:
    """The readers of a run that read its conversations; those that only answered for profiles are left out."""
    return [folder for folder in readers_of(run).folders if not (folder.record.files and is_respondents(folder))]


def rubric_of(folder: MeasureFolder) -> Rubric:
    """What a reader was asked."""
    return _rubric(folder.path / "measure.json", folder.record.rubric)


@lru_cache(maxsize=64)
def _rubric(file: Path, text: str) -> Rubric:
    """A rubric from its text. Reading YAML takes longer than all else that a conversation's document is made of."""
    return parse_rubric(file, text).rubric


def plan_of(folder: MeasureFolder) -> LoadedPlan:
    """What a questionnaire's reader went by."""
    return _plan(folder.path / "measure.json", folder.record.rubric, tuple(folder.record.files.items()))


@lru_cache(maxsize=64)
def _plan(file: Path, text: str, files: tuple[tuple[str, str], ...]) -> LoadedPlan:
    return parse_plan(file, text, dict(files))


def annotated_item(rubric: Rubric) -> str | None:
    """The item by which a rubric labels the supporter's strategies again; None where it does not.

    A reader that does not see the line says what it would do itself, which is no annotation.
    """
    if rubric.unit != "turn" or rubric.line != "shown" or Role.SUPPORTER not in rubric.of:
        return None
    return next((item.id for item in rubric.items if isinstance(item.answer, Labels)), None)


def labelled(item: str, events: Iterable[AnyEvent]) -> list[Labelled]:
    """An annotator's strategies by turn; of several repeats the first."""
    return [
        Labelled(turn=event.turn, labels=_labels(event.values[item]), why=event.missing.get(item))
        for event in events
        if isinstance(event, Measured) and event.turn is not None and event.repeat == 0 and item in event.values
        and event.role is Role.SUPPORTER
    ]  # fmt: skip


def _labels(value: object) -> tuple[str, ...] | None:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else None


def _annotator(key: str, item: str, events: Sequence[AnyEvent]) -> Annotator:
    return Annotator(name=key, person=False, turns=tuple(labelled(item, events)))


def _measure(folder: MeasureFolder, events: Sequence[AnyEvent], problem: str | None) -> Measure:
    record = folder.record
    cards = [event.card for event in events if event.kind == "reading" and event.card is not None]
    fields = {
        "key": record.key,
        "id": record.measure,
        "model": record.model,
        "caveat": cards[0].caveat if cards else None,
        "problem": problem,
    }
    if record.files:
        plan = plan_of(folder)
        title = f"{plan.instrument.title}, {record.measure.removeprefix(plan.plan.id + '-')}"
        return Measure(**fields, title=title, kind="traits", items=(), answers=())
    rubric = rubric_of(folder)
    items = tuple(_item(item) for item in rubric.items)
    return Measure(**fields, title=rubric.title, kind="rubric", items=items, answers=tuple(_answers(events)))


def _item(item: RubricItem) -> Item:
    form = item.answer
    low, high = None, None
    if isinstance(form, Scale):
        low, high = float(min(form.anchors)), float(max(form.anchors))
    elif isinstance(form, Level):
        low, high = float(form.low), float(form.high)
    words = tuple(form.words) if isinstance(form, Choice) else ()
    return Item(id=item.id, question=item.question, kind=form.kind, low=low, high=high, words=words)


def _answers(events: Sequence[AnyEvent]) -> Iterable[Answer]:
    calls = -1
    asked: int | None = None
    for event in events:
        if isinstance(event, Called) or (isinstance(event, Failed) and event.stage == "call"):
            calls += 1
            asked = calls
        elif isinstance(event, Measured):
            yield Answer(
                turn=event.turn,
                role=event.role,
                repeat=event.repeat,
                part=event.part,
                values=event.values,
                missing=event.missing,
                call=asked,
            )
            asked = None


def points_of(talk: Talk, events: Sequence[AnyEvent]) -> dict[Role, list[Point]]:
    """Where each role was asked about its traits."""
    found: dict[Role, list[Point]] = {}
    for (turn, role, repeat), answers in administrations(events).items():
        if role is not None:
            found.setdefault(role, []).append(Point(talk, role, turn, repeat, sheet_of(answers)))
    return found


class Moved(NamedTuple):
    """What became of one factor of one role in one conversation."""

    change: float | None
    """From the first to the last long form; None where it is unknown."""
    squares: tuple[float, ...]
    """Squares of the changes to the retests."""


def moved(instrument: Instrument, points: Sequence[Point], factor: str) -> Moved:
    """The change of a factor, and how much it changes without a talk between."""
    first, last = baseline(points), last_long(points, instrument)
    if first is None:
        return Moved(None, ())
    again = [point for point in points if point.repeat > 0 and point.turn == first.turn]
    found = [change(instrument, first.sheet, point.sheet, factor) for point in again]
    whole = None if last is None else change(instrument, first.sheet, last.sheet, factor)
    return Moved(whole, tuple(value**2 for value in found if value is not None))


def _drift(folder: MeasureFolder, talk: Talk, events: Sequence[AnyEvent], figures_of: FiguresOf) -> Iterable[DriftLine]:
    plan = plan_of(folder)
    instrument = plan.instrument
    source = next(each for each in SOURCES if folder.record.measure == f"{plan.plan.id}-{each}")
    for role, points in points_of(talk, events).items():
        first = baseline(points)
        for factor in instrument.factors:
            why, noise = figures_of(folder.record.key, role, factor)
            if why is None and first is None:
                why = "nothing of the first form was answered"
            told = why is None and first is not None
            yield DriftLine(
                plan=plan.plan.id,
                source=source,
                role=role,
                factor=factor,
                model=folder.record.model,
                why=why,
                noise=noise if told else None,
                low=float(instrument.low),
                high=float(instrument.high),
                start=score(instrument, first.sheet, factor) if told and first else None,
                points=tuple(_points(instrument, points, first, factor)) if told and first else (),
            )


def _points(instrument: Instrument, points: Sequence[Point], first: Point, factor: str) -> Iterable[DriftPoint]:
    timed = [point for point in points if point.repeat == 0 and point.turn is not None]
    for point in sorted(timed, key=lambda each: each.turn or 0):
        if point.turn is not None:
            value = 0.0 if point is first else change(instrument, first.sheet, point.sheet, factor)
            yield DriftPoint(turn=point.turn, change=value)
