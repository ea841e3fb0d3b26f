"""What lies in runs' folders, read once: talks without their words, facts, calls in sums, answers of readers.

Laws: each conversation is read once and let go, however many there are; what is not finished is counted and enters
no figure; arms of several runs are told apart by their run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from confide.evaluators.disclosure import FactTold, facts_told
from confide.evaluators.pairwise import pairs_of
from confide.evaluators.readings import Readings, Talked, read_readings
from confide.evaluators.rubric import Rubric, parse_rubric
from confide.evaluators.talks import Talk, events_in, talk_of
from confide.evaluators.traits import TraitReport, trait_reports
from confide.evaluators.verdicts import Verdict, verdicts
from confide.scenarios import ConfideError
from confide.simulator import (
    AnyEvent,
    Called,
    Ended,
    Failed,
    Imported,
    MeasureFolder,
    RunFolder,
    Started,
    measure_folders,
)
from confide.simulator.observing import address_of, lines_of


class Purpose(NamedTuple):
    """What calls were made for."""

    run: str
    kind: str
    """``speaking``, ``probing`` (questionnaires), ``annotating`` (rubrics) or ``judging`` (pairs)."""
    purpose: str
    """``speak``, ``script``, ``repair``; or what was measured."""
    role: str
    """Whose turn it was, or about whom a reader was asked; empty for both."""
    condition: str
    """The arm; empty for profiles, for pairs, and for conversations of which nothing is known."""


class Sum:
    """Calls of one purpose, added up. What was not reported is counted apart, and never taken for nothing."""

    def __init__(self) -> None:
        self.calls = self.unanswered = 0
        self.prompt = self.cached = self.completion = 0
        self.cost = 0.0
        self.without_tokens = self.without_cost = 0
        self.served: set[str] = set()

    def add(self, event: Called) -> None:
        """Add an answered call."""
        self.calls += 1
        if event.model is not None:
            self.served.add(event.model)
        if event.prompt_tokens is None or event.completion_tokens is None:
            self.without_tokens += 1
        self.prompt += event.prompt_tokens or 0
        self.cached += event.cached_tokens or 0
        self.completion += event.completion_tokens or 0
        self.without_cost += event.cost is None
        self.cost += event.cost or 0.0

    def merge(self, other: Sum) -> None:
        """Add the calls of another sum."""
        for name in ("calls", "unanswered", "prompt", "cached", "completion", "cost", "without_tokens", "without_cost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.served |= other.served


class Judged(NamedTuple):
    """What one judge found."""

    rubric: Rubric
    model: str
    verdicts: list[Verdict]
    alone: Mapping[str, int]
    """Conversations without a partner, by reason."""


class RunMaterial(NamedTuple):
    """One run."""

    run: RunFolder
    name: str
    """What the report calls it; empty where there is one run."""
    labels: tuple[str, ...]
    """Its strategies."""
    talks: dict[str, Talked]
    """Finished conversations, by id; their condition is the arm."""
    facts: list[FactTold]
    ends: Counter[str]
    """Finished conversations by why they ended."""
    unfinished: int
    """Conversations under way, or interrupted."""
    readings: list[Readings]
    traits: list[TraitReport]
    judged: list[Judged]
    other_judges: list[str]
    """Judges of comparisons with other runs, which are not shown."""
    calls: dict[Purpose, Sum]

    @property
    def arms(self) -> list[str]:
        """The arms, in order of the run's conditions, then of their first conversation."""
        found = dict.fromkeys(each.talk.condition for each in self.talks.values())
        order = [condition.id for condition in self.run.record.conditions]

        def place(arm: str) -> int:
            bare = arm.removeprefix(f"{self.name}: ").partition("+")[0]
            return order.index(bare) if bare in order else len(order)

        return sorted(found, key=place)


class Material(NamedTuple):
    """All runs of a report."""

    runs: list[RunMaterial]

    @property
    def arms(self) -> list[str]:
        """All arms, run by run."""
        return [arm for each in self.runs for arm in each.arms]

    def talks(self) -> Iterator[Talk]:
        """All finished conversations."""
        for each in self.runs:
            for talked in each.talks.values():
                yield talked.talk


def gather(runs: Sequence[RunFolder], floor: float | None = None) -> Material:
    """Read runs.

    Args:
        runs: the runs.
        floor: reliability below which traits have no scores, in place of their plans' own.

    Raises:
        ConfideError: no conversation is finished, or a side log is of another transcript.
        InputFileError: a log is damaged.
    """
    several = len(runs) > 1
    material = Material([_gather(run, _letter(place) if several else "", floor) for place, run in enumerate(runs)])
    if not any(each.talks for each in material.runs):
        raise ConfideError(
            f"{', '.join(str(run.path) for run in runs)}: no finished conversation, so nothing to report"
        )
    return material


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"R{place + 1}"


def _gather(run: RunFolder, name: str, floor: float | None) -> RunMaterial:
    made = RunMaterial(run, name, (), {}, [], Counter(), 0, [], [], [], [], {})
    unfinished = 0
    labels: tuple[str, ...] = ()
    arms: dict[str, str] = {}
    for log in run.logs():
        events = events_in(log, run.final(log.stem))
        opening = events[0] if events else None
        if not isinstance(opening, Started | Imported):
            unfinished += 1  # killed before its first line was whole
            continue
        labels = labels or opening.taxonomy.labels
        arms[log.stem] = talk_of(events).condition
        _count(events, Purpose(run.record.id, "speaking", "", "", arms[log.stem]), made.calls)
        if log.parent.name == "live" or not isinstance(events[-1], Ended):
            unfinished += 1
            continue
        made.ends[str(events[-1].reason)] += 1
        talk = talk_of(events)
        if name:
            talk = talk._replace(condition=f"{name}: {talk.condition}")
        made.talks[talk.conversation] = Talked(talk, address_of(lines_of(events)))
        made.facts.extend(row._replace(condition=talk.condition) for row in facts_told(events))
    return _with_sides(made._replace(labels=labels, unfinished=unfinished), floor, arms)


def _with_sides(made: RunMaterial, floor: float | None, arms: Mapping[str, str]) -> RunMaterial:
    run = made.run
    folders = list(measure_folders(run))
    judges = list(measure_folders(run, "judgements"))
    for folder in (*folders, *judges):
        kind = "judging" if folder.record.pairwise else "probing" if folder.record.files else "annotating"
        for log in _side_logs(folder):
            of = Purpose(run.record.id, kind, folder.record.measure, "", arms.get(log.stem, ""))
            _count(events_in(log, folder.final(log.stem)), of, made.calls)
    rubrics = [folder for folder in folders if not folder.record.files]
    own = [folder for folder in judges if folder.record.against is None]
    return made._replace(
        readings=[read_readings(folder, made.talks) for folder in rubrics],
        traits=trait_reports(run, floor, made.talks) if len(rubrics) < len(folders) else [],
        judged=_judged(run, own) if own and made.talks else [],
        other_judges=[folder.record.key for folder in judges if folder.record.against is not None],
    )


def _side_logs(folder: MeasureFolder) -> list[Path]:
    return [*folder.logs(), *sorted((folder.path / "live").glob("*.jsonl"))]


def _judged(run: RunFolder, folders: Sequence[MeasureFolder]) -> list[Judged]:
    pairs = pairs_of(run)
    found = []
    for folder in folders:
        rubric = parse_rubric(folder.path / "measure.json", folder.record.rubric).rubric
        found.append(Judged(rubric, folder.record.model, verdicts(rubric, pairs.pairs, folder), pairs.alone))
    return found


def _count(events: Sequence[AnyEvent], of: Purpose, calls: dict[Purpose, Sum]) -> None:
    """Add the calls of a log to those that were made for the same."""
    for event in events:
        if isinstance(event, Called) or (isinstance(event, Failed) and event.stage == "call"):
            purpose = of.purpose or event.purpose or "speak"
            role = event.role.value if event.role else ""
            total = calls.setdefault(of._replace(purpose=purpose, role=role), Sum())
            if isinstance(event, Called):
                total.add(event)
            else:
                total.unanswered += 1
