"""Where the time of a run goes: waiting for models, for a place in line, for the disk, and this process itself.

::

    runs/<run>/usage/<began>-<process>.json     what one process did, once it is through or was interrupted

Law: what is measured costs next to nothing, and changes nothing of what is said. It stands beside run.json, which is
written once, before the first conversation.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from confide.agents import Model
from confide.agents.models.base import BaseClient, Wrapper
from confide.agents.models.limits import Gate, Limit
from confide.scenarios.schema import Frozen
from confide.simulator.events import AnyEvent, Called, Failed
from confide.simulator.store import RunFolder, write_new

FOLDER: Final = "usage"
Seconds = Annotated[float, Field(ge=0)]


class CallTime(Frozen):
    """Calls of one kind."""

    calls: int
    """Calls that were answered by a model."""
    hits: int
    """Calls that were answered from the cache."""
    model_s: Seconds
    """Seconds of calls under way that were answered, added up; those of calls at once count each."""
    failed_s: Seconds
    """Seconds of tries that failed."""
    untimed: int = 0
    """Answered calls whose client did not say how long they took: they are not in ``model_s``."""


class Usage(Frozen):
    """What one process spent on a run."""

    v: Literal[1] = 1
    """Version of this file's schema."""
    process: str
    """Name of the machine, and the process's number on it."""
    began: float
    """When, in seconds since 1970 (UTC)."""
    conversations: int
    """Conversations that it finished."""
    wall_s: Seconds
    """Seconds from when it began with the run until it was through."""
    cpu_s: Seconds
    """Seconds of processor time that it used meanwhile, all threads together; an embedded model's are in it."""
    talk_s: Seconds
    """Seconds that conversations were under way, added up: many are at once."""
    limiter_s: Seconds | None
    """Of these, seconds that calls stood in line at an endpoint's gate; None where readers stood in the same lines."""
    disk_s: Seconds
    """Of these, seconds that logs were written and committed."""
    readers_s: Seconds = 0.0
    """Of these, seconds that they waited for readers along with them. In older files: none did."""
    speaking: CallTime
    """Calls that the conversations are made of."""
    reading: CallTime
    """Calls of readers along with them."""


class _Calls:
    """Adds calls up. A sink."""

    def __init__(self) -> None:
        self._calls = self._hits = self._untimed = 0
        self._model_s = self._failed_s = 0.0

    def write(self, *events: AnyEvent) -> None:
        for event in events:
            if isinstance(event, Called):
                self._calls += not event.hit
                self._hits += event.hit
                self._untimed += event.seconds is None and not event.hit
                self._model_s += event.seconds or 0.0
            elif not isinstance(event, Failed):
                continue
            if event.attempts:
                self._failed_s += sum(attempt.seconds for attempt in event.attempts)

    def total(self) -> CallTime:
        return CallTime(
            calls=self._calls,
            hits=self._hits,
            model_s=round(self._model_s, 3),
            failed_s=round(self._failed_s, 3),
            untimed=self._untimed,
        )


class Meter:
    """Measures what this process spends on a run."""

    def __init__(self, models: Mapping[str, Model], readers: Iterable[Model] = ()) -> None:
        """Begin now; ``models`` play, and ``readers`` read along."""
        self._gates = {id(gate): gate for model in models.values() for gate in _gates(model.client)}
        self._shared = any(id(gate) in self._gates for model in readers for gate in _gates(model.client))
        self._waited = self._in_line()
        self._began, self._start, self._cpu = time.time(), time.perf_counter(), time.process_time()
        self.speaking, self.reading = _Calls(), _Calls()
        """Are told of every event of conversations, and of side logs."""
        self.conversations = 0
        self.talk_s = self.disk_s = self.readers_s = 0.0

    def talked(self, seconds: float, disk_s: float, readers_s: float = 0.0) -> None:
        """A conversation was under way for some seconds; for some of them at the disk, or waiting for its readers."""
        self.talk_s += seconds
        self.disk_s += disk_s
        self.readers_s += readers_s

    def usage(self) -> Usage:
        """What was spent until now."""
        return Usage(
            process=f"{platform.node()}:{os.getpid()}",
            began=round(self._began, 3),
            conversations=self.conversations,
            wall_s=round(time.perf_counter() - self._start, 3),
            cpu_s=round(time.process_time() - self._cpu, 3),
            talk_s=round(self.talk_s, 3),
            limiter_s=None if self._shared else round(self._in_line() - self._waited, 3),
            disk_s=round(self.disk_s, 3),
            readers_s=round(self.readers_s, 3),
            speaking=self.speaking.total(),
            reading=self.reading.total(),
        )

    def _in_line(self) -> float:
        return sum(gate.waited_s for gate in self._gates.values())

    def save(self, run: RunFolder) -> None:
        """Write it beside the run. A disk that refuses is no reason to lose anything else, and is passed over."""
        usage = self.usage()
        if not usage.speaking.calls + usage.speaking.hits + usage.reading.calls + usage.reading.hits:
            return
        with suppress(OSError):
            folder = run.path / FOLDER
            folder.mkdir(exist_ok=True)
            name = f"{usage.began:.3f}-{usage.process.replace(':', '-').replace('/', '-')}.json"
            write_new(folder / name, usage.model_dump_json(indent=1) + "\n")


def _gates(client: BaseClient) -> Iterable[Gate]:
    """The gates that a client's calls pass."""
    while isinstance(client, Wrapper):
        if isinstance(client, Limit):
            yield client.gate
        client = client.inner


def read_usage(run: RunFolder) -> list[Usage]:
    """What processes spent on a run, in the order in which they began. What cannot be read is passed over."""
    found = []
    for file in sorted((run.path / FOLDER).glob("*.json")):
        with suppress(OSError, ValidationError):
            found.append(Usage.model_validate_json(file.read_bytes()))
    return sorted(found, key=lambda usage: usage.began)


class Spent(Frozen):
    """Where the time of conversations went, over all processes: shares of the time that they were under way."""

    talk_s: Seconds
    """Seconds that conversations were under way, added up."""
    model: float | None
    """Waiting for models' answers; tries that failed too. Readers' calls are left out. None where a call's time is not
    known: it is in ``rest`` then."""
    limiter: float | None
    """Standing in line at an endpoint's gate; None where readers stood in the same lines: it is in ``rest`` then."""
    disk: float
    """Writing and committing logs."""
    readers: float
    """Waiting for readers along with them, of whom a talk is a turn ahead at most."""
    rest: float
    """All else: this process's own work, waiting for its one processor, and pauses between tries."""
    wall_s: Seconds
    """Seconds that processes ran, added up."""
    cpu: float
    """Processor time of the processes over ``wall_s``: 1 is one core throughout."""
    cpu_per_call_s: Seconds | None
    """Processor time per call of any kind; None without one."""


def spent(usages: Iterable[Usage]) -> Spent | None:
    """What some processes spent together; None for nothing."""
    each = list(usages)
    talk = sum(usage.talk_s for usage in each)
    wall = sum(usage.wall_s for usage in each)
    if not talk or not wall:
        return None
    cpu = sum(usage.cpu_s for usage in each)
    calls = sum(kind.calls + kind.hits for usage in each for kind in (usage.speaking, usage.reading))
    waited = sum(usage.speaking.model_s + usage.speaking.failed_s for usage in each) / talk
    model = None if any(usage.speaking.untimed for usage in each) else waited
    known = [usage.limiter_s for usage in each if usage.limiter_s is not None]
    limiter = sum(known) / talk if len(known) == len(each) else None
    disk = sum(usage.disk_s for usage in each) / talk
    readers = sum(usage.readers_s for usage in each) / talk
    return Spent(
        talk_s=talk,
        model=model,
        limiter=limiter,
        disk=disk,
        readers=readers,
        rest=max(0.0, 1 - (model or 0.0) - (limiter or 0.0) - disk - readers),
        wall_s=wall,
        cpu=cpu / wall,
        cpu_per_call_s=cpu / calls if calls else None,
    )
