"""Runs many conversations.

Laws: conversations are independent; one that fails takes no other with it; whatever happens, what is on disk can be
run on from.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from confide.agents import (
    Model,
    ModelError,
)
from confide.scenarios import (
    ConfideError,
    InputFileError,
)
from confide.simulator.alongside import Alongside
from confide.simulator.events import AnyEvent, Ended, EndReason
from confide.simulator.log import LogBusyError, Sink, Tee
from confide.simulator.measures import Reader
from confide.simulator.planning import setup_of
from confide.simulator.replay import ReplayError, resumed
from confide.simulator.setup import Setup, Stage
from confide.simulator.store import (
    Planned,
    RunFolder,
)
from confide.simulator.usage import Meter


class Watcher(Protocol):
    """Is told what happens, as it happens."""

    def __call__(self, conversation: str, event: AnyEvent) -> None:
        """``event`` is in the log of ``conversation``."""
        ...


class Outcome(NamedTuple):
    """What became of a run."""

    finished: int
    """Conversations that this process committed."""
    unfinished: Mapping[str, str]
    """Conversations that stay open, with why."""
    broken: Counter[str]
    """Conversations that this process committed and that ended in error, counted by what went wrong."""
    unread: Mapping[str, str]
    """Side logs that stay open, with why."""
    busy: frozenset[str] = frozenset()
    """Of the unfinished, those that another process is writing."""


Ready = dict[tuple[str, str], tuple[Setup, Stage]]
"""Setup and stage of each scenario and condition; its conversations differ in the setup's id and pair key alone."""


async def run_conversations(
    run: RunFolder,
    models: Mapping[str, Model],
    watch: Watcher,
    readers: Sequence[Reader] = (),
    also: Sink | None = None,
    left: Iterable[Planned] | None = None,
) -> Outcome:
    """Run what is left to run, as many conversations at once as the models bear. The models stay open.

    Args:
        run: the run.
        models: the models that play, by name.
        watch: is told of every event.
        readers: who reads the conversations as they go on.
        also: is told of every event of the readers' side logs.
        left: what to run, asked for one by one as it is begun; all that is not finished if it is not given.

    Raises:
        ConfideError: the disk or an endpoint refuses everything; what is on disk can be resumed.
    """
    queue = iter(run.left() if left is None else left)
    unfinished: dict[str, str] = {}
    busy: set[str] = set()
    unread: dict[str, str] = {}
    broken: Counter[str] = Counter()
    ready: Ready = {}
    meter = Meter(models, [model for reader in readers for model in reader.models])
    also = Tee(meter.reading, also) if also else meter.reading

    async def work() -> None:
        for planned in queue:
            along = Alongside(readers, planned.id, run.record.seed, also) if readers else None
            why: str | None = None
            try:
                told = _Told(planned.id, watch, broken)
                why = await _converse(run, planned, models, ready, told, along, meter)
            except LogBusyError as error:
                why = str(error)
                busy.add(planned.id)
            finally:
                if along is not None:
                    unread.update(await along.finish())
            if why is not None:
                unfinished[planned.id] = why

    try:
        await _at_once(work, min(sum(model.concurrency for model in models.values()), run.record.size))
    finally:
        meter.save(run)
    return Outcome(meter.conversations, unfinished, broken, unread, frozenset(busy))


async def _at_once(work: Callable[[], Coroutine[None, None, None]], workers: int) -> None:
    """Have so many workers do ``work``, each until nothing is left of it.

    Raises:
        ConfideError: one of them cannot go on; the others are stopped.
    """
    try:
        with _calm_collector(workers):
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
    except* ConfideError as errors:
        raise _first(errors) from None


class _Told:
    """Tells a watcher of what is in the log, and counts what ends in error."""

    def __init__(self, conversation: str, watch: Watcher, broken: Counter[str]) -> None:
        self._conversation = conversation
        self._watch = watch
        self._broken = broken

    def write(self, *events: AnyEvent) -> None:
        for event in events:
            self._watch(self._conversation, event)
        if isinstance(end := events[-1], Ended) and end.reason is EndReason.ERROR:
            self._broken[end.detail or "unknown"] += 1


async def _converse(
    run: RunFolder,
    planned: Planned,
    models: Mapping[str, Model],
    ready: Ready,
    told: Sink,
    along: Alongside | None,
    meter: Meter,
) -> str | None:
    """Run one conversation; gives why it stays open, or None.

    Raises:
        LogBusyError: another process is writing it.
        ConfideError: no other conversation would do better.
    """
    start = time.perf_counter()
    with run.writer(planned.id) as writer:
        if run.is_finished(planned.id):  # committed by another process since the queue was read
            writer.discard()
            return None
        setup, stage = _ready_for(planned, run, models, ready)
        try:
            logged = writer.recover()
            sinks: list[Sink] = [writer, meter.speaking, told]
            if along is not None:
                along.write(*logged)
                sinks.append(along)
            conversation = resumed(setup, logged, Tee(*sinks), stage)
            while conversation.state.ended is None:
                if along is not None:
                    await along.keep_pace()
                await conversation.step(None)
        except ModelError as error:
            if error.fault.of_all_calls:
                raise
            return error.message
        except (ReplayError, InputFileError) as error:  # this log is damaged; the others are not
            return f"{run.live(planned.id)}: {error}"
        finally:
            meter.talked(time.perf_counter() - start, writer.disk_s, along.waited_s if along else 0.0)
        start = time.perf_counter()
        counts = await writer.committed()
        meter.conversations += counts
        disk_s = time.perf_counter() - start
        meter.talked(disk_s, disk_s)
    return None


def _ready_for(planned: Planned, run: RunFolder, models: Mapping[str, Model], ready: Ready) -> tuple[Setup, Stage]:
    key = (planned.scenario.label, planned.condition.id)
    if key not in ready:
        setup = setup_of(run.record, planned, models)
        ready[key] = setup, setup.prepare()
    setup, stage = ready[key]
    return setup._replace(conversation=planned.id, pair_key=planned.pair_key), stage


@contextmanager
def _calm_collector(at_once: int) -> Iterator[None]:
    """Let Python look for cycles less often: thousands of open conversations are alive, and none of it is garbage.

    It looks when there are more new objects than ``at_once`` conversations of common length hold.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000 + 500 * at_once, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _first(group: BaseExceptionGroup[ConfideError]) -> ConfideError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
