"""What was answered about traits in a run, read from its side logs.

Law: an answer to another transcript than the log's is refused; what was asked in vain is kept with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from confide.evaluators.readings import Talked, side_logs
from confide.evaluators.talks import Talk
from confide.evaluators.traits.plan import PROFILES, SOURCES, LoadedPlan, Source, parse_plan
from confide.evaluators.traits.profiles import NOBODY, Mode
from confide.evaluators.traits.scores import Sheet
from confide.scenarios import Role
from confide.scenarios.personas import PersonaList, read_personas
from confide.simulator import AnyEvent, Measured, MeasureFolder, RunFolder, measure_folders, read_log

PROFILES_FILE = "profiles.yaml"
"""The personas that a folder of respondents is about."""


class Point(NamedTuple):
    """One administration in a talk."""

    talk: Talk
    role: Role
    turn: int | None
    """The turn after which it was made; -1 before the first; None where there was none to ask after."""
    repeat: int
    sheet: Sheet


class SourceResults(NamedTuple):
    """What one source answered in a run."""

    plan: LoadedPlan
    source: Source
    model: str
    """Who answered: a reader's name, or ``roles``."""
    points: list[Point]
    unread: int
    """Finished conversations in which it was not asked to their end."""
    unweighted: dict[str, int]
    """Why answers were not weighted by probabilities, with how many calls."""
    caveats: tuple[str, ...]
    """What a reader of the figures must know about the models."""
    models: Mapping[Role, tuple[str, ...]]
    """The models that answered about each role."""


class RespondentResults(NamedTuple):
    """What one model answered for profiles, and for nobody."""

    plan: LoadedPlan
    model: str
    profiles: PersonaList
    sheets: Mapping[tuple[str, Mode], Sheet]
    """By persona (or ``nobody``) and mode."""


def trait_folders(run: RunFolder) -> list[MeasureFolder]:
    """The folders of a run that hold answers about traits."""
    return [folder for folder in measure_folders(run) if folder.record.files]


def read_source(
    folder: MeasureFolder, talks: Mapping[str, Talked], players: Mapping[Role, Sequence[str]], caveats: Sequence[str]
) -> SourceResults:
    """What one source answered.

    Args:
        folder: its side logs.
        talks: the run's finished conversations, by id.
        players: the models that play each role in the run.
        caveats: what a reader of their figures must know.

    Raises:
        InputFileError: a side log is damaged.
        ConfideError: it read something else than the log says.
    """
    record = folder.record
    plan = plan_of(folder)
    source = next(each for each in SOURCES if record.measure == f"{plan.plan.id}-{each}")
    points: list[Point] = []
    unweighted: dict[str, int] = {}
    read = 0
    own = record.spec is None
    told: list[str] = list(caveats) if own else []
    for talk, events in side_logs(folder, talks):
        read += 1
        told += [event.card.caveat for event in events if event.kind == "reading" and event.card and event.card.caveat]
        for (turn, role, repeat), answers in administrations(events).items():
            if role is not None:
                points.append(Point(talk, role, turn, repeat, sheet_of(answers)))
                for note in (answer.note for answer in answers if answer.note):
                    unweighted[note] = unweighted.get(note, 0) + 1
    return SourceResults(
        plan, source, record.model, points, len(talks) - read, unweighted, tuple(dict.fromkeys(told)),
        {role: tuple(players[role]) if own else (record.model,) for role in Role},
    )  # fmt: skip


def read_respondents(folder: MeasureFolder) -> RespondentResults:
    """What one model answered for profiles.

    Raises:
        InputFileError: a log or the list of profiles is damaged.
    """
    sheets: dict[tuple[str, Mode], Sheet] = {}
    for log in folder.logs():
        name, _, mode = log.stem.partition(".")
        events = read_log(log).events
        found = sheet_of([event for event in events if isinstance(event, Measured)])
        if name == NOBODY:
            sheets[NOBODY, "nobody"] = found
        else:
            sheets[name, "observer" if mode == "observer" else "self"] = found
    return RespondentResults(plan_of(folder), folder.record.model, read_personas(folder.path / PROFILES_FILE), sheets)


def plan_of(folder: MeasureFolder) -> LoadedPlan:
    """The plan that a folder's answers were asked by."""
    return parse_plan(folder.path / "measure.json", folder.record.rubric, folder.record.files)


def is_respondents(folder: MeasureFolder) -> bool:
    """Whether a folder's answers are for profiles, and not in talks."""
    return folder.record.measure.endswith(f"-{PROFILES}")


Administration = tuple[int | None, Role | None, int]


def administrations(events: Iterable[AnyEvent]) -> dict[Administration, list[Measured]]:
    """The answers of a side log by turn, role and repeat."""
    found: dict[Administration, list[Measured]] = {}
    for event in events:
        if isinstance(event, Measured):
            found.setdefault((event.turn, event.role, event.repeat), []).append(event)
    return found


def sheet_of(events: Sequence[AnyEvent]) -> Sheet:
    """One administration's answers, from its events. Where both forms were asked as blocks, the long one counts."""
    if any(isinstance(event, Measured) and event.part == "long" for event in events):
        events = [event for event in events if isinstance(event, Measured) and event.part == "long"]
    answers: dict[str, float] = {}
    missing: dict[str, str] = {}
    weighted = 0
    for event in events:
        if isinstance(event, Measured):
            for item, value in event.values.items():
                if isinstance(value, int | float):
                    answers[item] = float(value)
                else:
                    missing[item] = event.missing.get(item, "no reason is given")
            weighted += len(event.weights or {})
    return Sheet(answers, missing, weighted)
