"""Rows of runs, conversation by conversation.

Laws: no more than one conversation is held at a time, however large the runs; rows of an unfinished one come as far as
its log goes; an answer to another transcript than the log's is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from confide.evaluators.rubric import Rubric, parse_rubric
from confide.evaluators.tabular.answers import Side, judge_rows, rubric_rows
from confide.evaluators.tabular.calls import CallsOf, call_rows, reader_name, talk_calls
from confide.evaluators.tabular.rows import Row
from confide.evaluators.tabular.talk import Lead, Told, conversation_row, fact_rows, told_by, turn_rows
from confide.evaluators.tabular.traits import (
    Profiles,
    Questionnaire,
    profile_rows,
    profiles_of,
    questionnaire_of,
    trait_rows,
)
from confide.evaluators.talks import events_in
from confide.evaluators.traits.profiles import NOBODY
from confide.evaluators.traits.results import is_respondents
from confide.scenarios import ConfideError, Role
from confide.simulator import AnyEvent, MeasureFolder, Read, RunFolder, measure_folders
from confide.simulator.observing import address_of, lines_of

SIDES: Final = ("measures", "calls")
"""Tables that side logs have rows in."""


class Rows(NamedTuple):
    """Some rows of one table."""

    table: str
    rows: Sequence[Row]


class _Reader(NamedTuple):
    """A reader's folder, and what its answers are."""

    folder: MeasureFolder
    asked: Rubric | Questionnaire | None
    """None where no answers are wanted."""


def open_runs(paths: Sequence[str | Path]) -> list[RunFolder]:
    """Open runs that are to be stacked.

    Raises:
        ConfideError: there is none, or two have the same id, so that their rows could not be told apart.
        InputFileError: a folder holds no run.
    """
    if not paths:
        raise ConfideError("no run is given")
    runs = [RunFolder.open(path) for path in paths]
    ids = [run.record.id for run in runs]
    if twice := [name for name in ids if ids.count(name) > 1]:
        raise ConfideError(f"the run '{twice[0]}' is given twice")
    return runs


def rows_of(run: RunFolder, wanted: Collection[str]) -> Iterator[Rows]:
    """All rows of a run.

    Args:
        run: the run.
        wanted: the tables that are wanted.

    Raises:
        InputFileError: a log is damaged.
        ConfideError: a side log was read from another transcript than the log's.
    """
    sides = any(name in wanted for name in SIDES)
    folders = list(measure_folders(run)) if sides else []
    traits = [folder for folder in folders if folder.record.files]
    readers = [
        _Reader(folder, _asked(run, folder, traits) if "measures" in wanted else None)
        for folder in folders
        if not is_respondents(folder)
    ]
    judges = list(measure_folders(run, "judgements")) if sides else []
    read = {reader.folder: _logs(reader.folder) for reader in readers}
    leads: dict[str, Lead] = {}
    for log in run.logs():
        events = events_in(log, run.final(log.stem))
        if not events:  # killed before its first line was whole
            continue
        told = _told(run, log, events)
        if judges:
            leads[log.stem] = told.lead
        yield from _of_talk(told, run.record.seed, wanted)
        for reader in readers:
            side_log = read[reader.folder].pop(log.stem, None)
            if side_log:
                yield from _of_reader(told, reader, side_log, wanted)
    for log in (log for logs in read.values() for log in logs.values()):
        raise ConfideError(f"{log}: the run has no conversation of this name")
    for folder in traits:
        if is_respondents(folder):
            yield from _of_profiles(run, folder, wanted)
    for folder in judges:
        yield from _of_judge(run, folder, leads, wanted)


def _asked(run: RunFolder, folder: MeasureFolder, traits: Sequence[MeasureFolder]) -> Rubric | Questionnaire:
    if folder in traits:
        return questionnaire_of(run, folder, traits)
    return parse_rubric(folder.path / "measure.json", folder.record.rubric).rubric


def _logs(folder: MeasureFolder) -> dict[str, Path]:
    """A folder's side logs by name, finished or not."""
    live = {log.stem: log for log in sorted((folder.path / "live").glob("*.jsonl"))}
    return live | {log.stem: log for log in folder.logs()}


def _told(run: RunFolder, log: Path, events: Sequence[AnyEvent]) -> Told:
    try:
        return told_by(run.record.id, events)
    except ConfideError as error:
        raise ConfideError(f"{log}: {error}") from None


def _of_talk(told: Told, seed: int, wanted: Collection[str]) -> Iterator[Rows]:
    if "conversations" in wanted:
        yield Rows("conversations", [conversation_row(told, seed)])
    if "turns" in wanted:
        yield Rows("turns", turn_rows(told))
    if "facts" in wanted:
        yield Rows("facts", fact_rows(told))
    if "calls" in wanted:
        yield Rows("calls", talk_calls(told))


def _of_reader(told: Told, reader: _Reader, log: Path, wanted: Collection[str]) -> Iterator[Rows]:
    record = reader.folder.record
    events = events_in(log, reader.folder.final(log.stem))
    if not events:
        return
    end = events[-1]
    if told.finished and isinstance(end, Read) and end.transcript != address_of(lines_of(told.events)):
        raise ConfideError(f"{log}: it was read from another transcript than the conversation's: delete it")
    name_of = reader_name(events, told, record.model)
    if "calls" in wanted:
        of = CallsOf(told.lead.run, told.lead, "measure", record.measure, None, name_of)
        yield Rows("calls", call_rows(events, of))
    if isinstance(reader.asked, Rubric):
        side = Side(told.lead.run, told.lead, record.measure, events, name_of)
        yield Rows("measures", rubric_rows(side, reader.asked))
    elif reader.asked is not None:
        side = Side(told.lead.run, told.lead, reader.asked.plan.plan.id, events, name_of)
        started = told.started
        personas = {role: started.scenario.role(role).persona for role in Role} if started else {}
        yield Rows("measures", trait_rows(side, reader.asked, personas))


def _of_profiles(run: RunFolder, folder: MeasureFolder, wanted: Collection[str]) -> Iterator[Rows]:
    record, found = folder.record, profiles_of(folder)
    for name, log in _logs(folder).items():
        events = events_in(log, folder.final(name))
        if not events:
            continue
        name_of = reader_name(events, None, record.model)
        if "calls" in wanted:
            of = CallsOf(run.record.id, None, "profile", record.measure, name, name_of)
            yield Rows("calls", call_rows(events, of))
        if "measures" in wanted:
            side = Side(run.record.id, None, found.results.plan.plan.id, events, name_of)
            yield Rows("measures", _profile(side, found, name))


def _profile(side: Side, found: Profiles, name: str) -> Sequence[Row]:
    persona, _, mode = name.partition(".")
    return profile_rows(side, found.questionnaire(mode or NOBODY), persona, found.by_id.get(persona))


def _of_judge(run: RunFolder, folder: MeasureFolder, leads: dict[str, Lead], wanted: Collection[str]) -> Iterator[Rows]:
    record = folder.record
    for name, log in _logs(folder).items():
        events = events_in(log, folder.final(name))
        one, _, other = name.partition("~")
        if not events:
            continue
        if one not in leads:
            raise ConfideError(f"{log}: the run has no conversation '{one}'")
        name_of = reader_name(events, None, record.model)
        if "calls" in wanted:
            of = CallsOf(run.record.id, leads[one], "judgement", record.measure, name, name_of)
            yield Rows("calls", call_rows(events, of))
        if "measures" in wanted:
            side = Side(run.record.id, leads[one], record.measure, events, name_of)
            yield Rows("measures", judge_rows(side, record.against or run.record.id, other))
