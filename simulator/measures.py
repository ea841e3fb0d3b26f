"""Side logs of a run: who read its conversations, and what they answered.

::

    runs/<run>/measures/<measure>.<model>/measure.json        who reads, and what is asked
    runs/<run>/measures/<measure>.<model>/<id>.jsonl          conversations that were read to their end
    runs/<run>/measures/<measure>.<model>/live/<id>.jsonl     readings under way, or interrupted
    runs/<run>/judgements/<measure>.<model>/                  the same for pairs of conversations

Law: a run's own files are never written to. Readings are committed exactly once, as conversations are.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationError

from confide.agents import Model, ModelError, text_hash
from confide.agents.models import AnySpec, Price, changed_fields
from confide.scenarios import ConfideError, InputFileError, Problem
from confide.scenarios.schema import Frozen
from confide.simulator import events as ev
from confide.simulator import packed
from confide.simulator.log import LogBusyError, LogWriter, Sink, Tee, read_log
from confide.simulator.observing import Observer, SideLog, Watch
from confide.simulator.setup import card_of
from confide.simulator.store import RunFolder, Software, write_new


class MeasureRecord(Frozen):
    """``measure.json``: who reads a run, and what is asked."""

    v: Literal[1] = 1
    """Version of this file's schema."""
    measure: str
    """The rubric's id; for traits, the plan's id and what is asked: ``self``, ``bare``, ``observer``, ``profiles``."""
    rubric: str
    """The rubric's file, or the trait plan's, exactly."""
    files: dict[str, str] = Field(default_factory=dict)
    """The files that it refers to, exactly: a trait plan's ``instrument`` and ``wording``; none for a rubric."""
    model: str
    """Name of the model that reads; ``roles`` where each role's own model answers."""
    spec: AnySpec | None
    """Its description. No keys: only the name of the variable that holds one. None for ``roles``: run.json has them."""
    price: Price | None
    """What it cost when the reading began; None where unknown."""
    repeats: Annotated[int, Field(ge=1)]
    """How many times each question is asked."""
    pairwise: bool = False
    """Whether conversations are compared with one another, two at a time, in both orders."""
    against: str | None = None
    """For a comparison of two runs: the other run's id."""
    created: str
    """When, in ISO 8601 (UTC)."""
    software: Software
    """What it was made with."""
    command: tuple[str, ...]
    """The command line."""

    @property
    def key(self) -> str:
        """Name of the folder."""
        against = f".against-{self.against}" if self.against else ""
        return f"{self.measure}.{re.sub('[^A-Za-z0-9._-]+', '-', self.model)}{against}"


class MeasureFolder:
    """One reader's side logs."""

    def __init__(self, path: Path, record: MeasureRecord) -> None:
        """A folder that is there; see :meth:`create` and :meth:`open`."""
        self.path = path
        self.record = record

    @classmethod
    def create(cls, run: RunFolder, record: MeasureRecord) -> MeasureFolder:
        """The folder of a reader in ``run``: a new one, or the one that the same reader began.

        Raises:
            ConfideError: another rubric or another model reads under the same names, or the folder cannot be written.
        """
        return cls.at(run.path / ("judgements" if record.pairwise else "measures") / record.key, record)

    @classmethod
    def at(cls, path: Path, record: MeasureRecord) -> MeasureFolder:
        """The same as :meth:`create`, at a path of one's own.

        Raises:
            ConfideError: as there.
        """
        if (path / "measure.json").is_file():
            there = cls.open(path)
            fixed = ("rubric", "files", "repeats")
            changed = [name for name in fixed if getattr(there.record, name) != getattr(record, name)]
            if there.record.spec is not None and record.spec is not None:
                changed += [f"model.{name}" for name in changed_fields(there.record.spec, record.spec)]
            if changed:
                raise ConfideError(
                    f"{path} holds readings with another {', '.join(changed)}: give the rubric another id or the model "
                    "another name, or delete that folder"
                )
            return there
        try:
            (path / "live").mkdir(parents=True, exist_ok=True)
            write_new(path / "measure.json", record.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise ConfideError(f"cannot write {path}: {error.strerror or error}") from None
        return cls(path, record)

    @classmethod
    def open(cls, path: Path) -> MeasureFolder:
        """Open a reader's folder.

        Raises:
            InputFileError: it holds no readable measure.json.
        """
        file = path / "measure.json"
        try:
            return cls(path, MeasureRecord.model_validate_json(file.read_bytes()))
        except OSError as error:
            raise InputFileError([Problem(file, 1, 1, "", f"cannot be read: {error.strerror}")]) from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            what = f"not a measure of this version of confide: {first['msg']}"
            raise InputFileError([Problem(file, 1, 1, where, what)]) from None

    def final(self, conversation: str) -> Path:
        """The name of a finished side log: its file, unless it is packed."""
        return self.path / f"{conversation}.jsonl"

    def live(self, conversation: str) -> Path:
        """Where a side log lies while it is written."""
        return self.path / "live" / f"{conversation}.jsonl"

    def writer(self, conversation: str) -> LogWriter:
        """A writer for the side log of a conversation.

        Raises:
            LogBusyError: another process is writing it.
            ConfideError: it cannot be written.
        """
        return LogWriter(self.live(conversation), self.final(conversation))

    def is_finished(self, conversation: str) -> bool:
        """Whether the side log of a conversation is finished."""
        return packed.is_there(self.final(conversation))

    def logs(self) -> list[Path]:
        """All side logs that are finished, packed ones too."""
        return packed.finished(self.path)


def measure_folders(run: RunFolder, kind: str = "measures") -> Iterator[MeasureFolder]:
    """All readers of a run, by name, or with ``judgements`` all that compared its conversations.

    Raises:
        InputFileError: a measure.json cannot be read.
    """
    for file in sorted((run.path / kind).glob("*/measure.json")):
        yield MeasureFolder.open(file.parent)


class Reader(NamedTuple):
    """Someone who reads a run."""

    folder: MeasureFolder
    observer: Observer
    models: tuple[Model, ...]
    """What answers: one model, or those that play the roles."""

    def watch(self, opening: ev.Started | ev.Imported, seed: int, writer: LogWriter, also: Sink | None = None) -> Watch:
        """Its reading of one conversation, gone on with where there is one; ``also`` is told of what is written."""
        record = self.folder.record
        reading = ev.Reading(
            seq=0,
            conversation=opening.conversation,
            measure=record.measure,
            rubric=text_hash(record.rubric),
            card=None if record.spec is None else card_of(self.models[0]),
            seed=seed,
            repeats=record.repeats,
        )
        logged = writer.recover()
        return Watch(self.observer, reading, SideLog(Tee(writer, also) if also else writer, logged))


class Readings(NamedTuple):
    """What became of a reading."""

    read: int
    """Conversations that were read to their end, counted once per reader."""
    unread: Mapping[str, str]
    """Side logs that stay open, with why."""


async def read_run(run: RunFolder, readers: Sequence[Reader], also: Sink | None = None) -> Readings:
    """Have ``readers`` read all finished conversations of ``run`` that they have not read yet.

    Args:
        run: the run.
        readers: who reads.
        also: is told of every event of the side logs.

    Raises:
        ConfideError: the disk refuses.
    """
    finished = run.finished()
    left = ((log, each) for log in finished for each in readers if not each.folder.is_finished(log.stem))
    unread: dict[str, str] = {}
    read = 0

    async def work() -> None:
        nonlocal read
        for log, reader in left:
            why = await _read_log(run, log, reader, also)
            if why is None:
                read += 1
            else:
                unread[f"{reader.folder.record.key}/{log.stem}"] = why

    models = {model.name: model for reader in readers for model in reader.models}
    workers = sum(model.concurrency for model in models.values())
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(finished) * len(readers))):
                group.create_task(work())
    except* ConfideError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    return Readings(read, unread)


async def _read_log(run: RunFolder, log: Path, reader: Reader, also: Sink | None) -> str | None:
    """Read one conversation; gives why its side log stays open, or None."""
    try:
        writer = reader.folder.writer(log.stem)
    except LogBusyError as error:
        return str(error)
    with writer:
        if reader.folder.is_finished(log.stem):  # committed by another process since the queue was read
            writer.discard()
            return None
        try:
            events = read_log(log).events
            if not events or not isinstance(events[0], ev.Started | ev.Imported):
                return f"{log}:1: a log begins with its 'started' event"
            watch = reader.watch(events[0], run.record.seed, writer, also)
            for event in events:
                await watch.see(event)
        except ModelError as error:
            if error.fault.of_all_calls:
                raise
            return error.message
        except InputFileError as error:
            return str(error)
        await writer.committed()
    return None
