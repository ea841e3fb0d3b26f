"""One append-only JSON-lines file per conversation.

Laws: an event is on its way to disk before the next thing happens; a kill loses at most the line being written; a
finished log is committed by a hard link that fails if one is there, so that a conversation is committed exactly once.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from pydantic import ValidationError

from confide.scenarios import ConfideError, InputFileError, Problem
from confide.simulator import packed
from confide.simulator.disk import synced
from confide.simulator.events import EVENTS, VERSION, AnyEvent, Ended


class Sink(Protocol):
    """Takes events, in order."""

    def write(self, *events: AnyEvent) -> None:
        """Keep ``events``, which happened together."""
        ...


class Tee:
    """A sink that hands events to several, in the order given."""

    def __init__(self, *sinks: Sink) -> None:
        """Hand events to ``sinks``."""
        self._sinks = sinks

    def write(self, *events: AnyEvent) -> None:
        """Hand ``events`` on."""
        for sink in self._sinks:
            sink.write(*events)


class LogBusyError(ConfideError):
    """Another process is writing this conversation."""


class ReadLog(NamedTuple):
    """What a log file holds."""

    events: list[AnyEvent]
    """Its whole events."""
    size: int
    """Bytes that they take; what stands after them is the torn line of a killed writer."""


def read_log(log: str | Path) -> ReadLog:
    """Read a log, finished or not. A torn last line is passed over.

    Raises:
        InputFileError: the file cannot be read, or a line before the last is damaged, or is of a newer version.
    """
    read, damage = salvage(log)
    if damage is not None:
        raise InputFileError([damage])
    return read


class Salvaged(NamedTuple):
    """What can be read of a log."""

    read: ReadLog
    """Its events up to where it is damaged."""
    damage: Problem | None
    """What is wrong there; None if nothing is."""


def salvage(log: str | Path) -> Salvaged:
    """Read a log as far as it goes.

    Raises:
        InputFileError: the file cannot be read at all.
    """
    file = Path(log)
    try:
        data = packed.read_bytes(file)
    except OSError as error:
        raise InputFileError([Problem(file, 1, 1, "", f"cannot be read: {error.strerror}")]) from None
    events: list[AnyEvent] = []
    size = 0
    for number, line in enumerate(_lines(data), start=1):
        try:
            event = EVENTS.validate_json(line)
        except ValidationError as error:
            return Salvaged(ReadLog(events, size), Problem(file, number, 1, "", _damage(line, error)))
        if event.seq != len(events):
            what = f"expected event {len(events)}, not {event.seq}"
            return Salvaged(ReadLog(events, size), Problem(file, number, 1, "seq", what))
        events.append(event)
        size += len(line) + 1
    return Salvaged(ReadLog(events, size), None)


def digest_of(file: Path) -> str:
    """Content address of all lines of a log but the last, which holds it where the conversation is finished.

    Raises:
        OSError: the file cannot be read.
    """
    data = packed.read_bytes(file)
    return hashlib.sha256(data[: data.rfind(b"\n", 0, -1) + 1]).hexdigest()[:32]


def _lines(data: bytes) -> Iterator[bytes]:
    """The lines that end in a line break."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        yield data[start:end]
        start = end + 1


def _damage(line: bytes, error: ValidationError) -> str:
    version = re.match(rb'\s*{\s*"v"\s*:\s*(\d+)', line)
    if version and int(version[1]) != VERSION:
        return f"written by another version of confide (this one reads version {VERSION})"
    first = error.errors(include_url=False)[0]
    where = "".join(f"{part}." for part in first["loc"]).removesuffix(".")
    return f"not an event: {where + ': ' if where else ''}{first['msg']}"


class LogWriter:
    """Appends to a conversation's live file, and commits it when the conversation is over."""

    def __init__(self, live: Path, final: Path) -> None:
        """Open the live file, and take hold of it.

        Raises:
            LogBusyError: another process holds it.
            ConfideError: it cannot be opened.
        """
        self._live = live
        self._final = final
        self._digest = hashlib.sha256()
        self.disk_s = 0.0
        """Seconds that writing took."""
        try:
            self._fd = os.open(live, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _cannot_write(live, error) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise LogBusyError(f"{live} is being written by another process") from None
        except OSError as error:
            os.close(self._fd)
            raise ConfideError(
                f"cannot lock {live}: {error.strerror or error}; choose a --runs folder on a file system with locks"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def recover(self) -> list[AnyEvent]:
        """The events of an earlier attempt; a torn last line is cut off.

        Raises:
            InputFileError: the file is damaged before its last line.
            ConfideError: the torn line cannot be cut off.
        """
        try:
            size = os.fstat(self._fd).st_size
            if size == 0:
                return []
            log = read_log(self._live)
            if size > log.size:
                os.ftruncate(self._fd, log.size)
            self._digest.update(self._live.read_bytes())
        except OSError as error:
            raise _cannot_write(self._live, error) from None
        return log.events

    def write(self, *events: AnyEvent) -> None:
        """Append ``events``, a line each, in one write.

        Raises:
            ConfideError: the disk is full, or the file cannot be written for another reason.
        """
        # Every event begins with v, seq and at; putting the time in here is cheaper than another copy of the event.
        now = b'"at":%.6f' % time.time()
        lines = b"".join([_line(event).replace(b'"at":null', now, 1) for event in events])
        if isinstance(events[-1], Ended):
            start = lines.rfind(b"\n", 0, -1) + 1
            before = self._digest.copy()
            before.update(lines[:start])
            digest = b'"digest":"%s"}\n' % before.hexdigest()[:32].encode()
            lines = lines[:start] + lines[start:].replace(b'"digest":null}\n', digest)
        began = time.perf_counter()
        try:
            written = os.write(self._fd, lines)
            if written != len(lines):
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)  # no torn line for the next attempt
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise _cannot_write(self._live, error) from None
        self.disk_s += time.perf_counter() - began
        self._digest.update(lines)

    def commit(self) -> bool:
        """Make the finished log durable and give it its final name.

        Returns:
            Whether this attempt is the one that counts; False if the conversation was committed before.

        Raises:
            ConfideError: the disk refuses.
        """
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise _cannot_write(self._final, error) from None
        return self._name()

    async def committed(self) -> bool:
        """The same as :meth:`commit`, but that it waits for the disk without holding up what else goes on.

        A task that is cancelled meanwhile leaves a log that is finished and not committed: it can be run on from.
        """
        try:
            await synced(self._fd)
        except OSError as error:
            raise _cannot_write(self._final, error) from None
        return self._name()

    def _name(self) -> bool:
        try:
            first = packed.find(self._final) is None
            try:
                if first:  # one that is there unpacked makes this fail
                    os.link(self._live, self._final)
            except FileExistsError:
                first = False
            self._live.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot_write(self._final, error) from None
        return first

    def discard(self) -> None:
        """Remove the live file of a conversation that was committed elsewhere."""
        self._live.unlink(missing_ok=True)


def _line(event: AnyEvent) -> bytes:
    # The same bytes as pydantic's to_json, which works out the type of every value anew.
    return event.__pydantic_serializer__.to_json(event) + b"\n"


def _cannot_write(file: Path, error: OSError) -> ConfideError:
    return ConfideError(f"cannot write {file}: {error.strerror or error}")
