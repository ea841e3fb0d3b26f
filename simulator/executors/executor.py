"""The executors' common part: the one that needs no workers, and what the others do with theirs.

Law: workers may die at any moment; one that does is started again as long as the run gets on.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from confide.agents import Model
from confide.agents.models import AnySpec
from confide.scenarios import ConfideError
from confide.simulator import packed
from confide.simulator.events import EVENTS, Ended, EndReason
from confide.simulator.executors.share import SHARED, Over, Refused, Report, Said, Share, Tell
from confide.simulator.log import Sink
from confide.simulator.measures import Reader, measure_folders
from confide.simulator.runner import Outcome, Watcher, run_conversations
from confide.simulator.store import RunFolder

POLL_S: Final = 0.05
"""How often workers are looked after."""
GRACE_S: Final = 10.0
"""How long workers that are told to stop may take."""
DEATHS: Final = 5
"""A worker that dies more often than this without any conversation getting finished is given up."""


class Executor(Protocol):
    """Runs conversations somewhere."""

    async def run(self, run: RunFolder) -> Outcome:
        """Run what is left of a run. Cancelled, it stops what it started; what is on disk can be run on from.

        Raises:
            ConfideError: the disk, an endpoint or the machine refuses everything.
        """
        ...


class Local:
    """Runs all in this process."""

    def __init__(
        self, models: Mapping[str, Model], watch: Watcher, readers: Sequence[Reader] = (), also: Sink | None = None
    ) -> None:
        """See :func:`run_conversations` for what these are."""
        self._models = models
        self._watch = watch
        self._readers = readers
        self._also = also

    async def run(self, run: RunFolder) -> Outcome:
        """See :class:`Executor`."""
        return await run_conversations(run, self._models, self._watch, self._readers, self._also)


def most_workers(specs: Iterable[AnySpec]) -> int:
    """How many workers can share these models' limits, so that each may make a call at a time."""
    limits = [getattr(spec, name, None) for spec in specs for name in SHARED]
    return max(1, int(min(limit for limit in limits if limit is not None)))


class Worker(Protocol):
    """A worker, as its parent sees it."""

    def listen(self) -> list[Said]:
        """What it said since the last time."""
        ...

    def death(self) -> str | None:
        """Why it ended, if it has; its last words may still be heard. A ConfideError if it would end so again."""
        ...

    def stop(self) -> None:
        """Tell it to stop."""
        ...

    def is_gone(self) -> bool:
        """Whether it has ended, one way or the other."""
        ...

    def end(self) -> None:
        """End it, if it has not ended by itself."""
        ...


Start = Callable[[Share], Worker]


async def run_workers(run: RunFolder, start: Start, workers: int, tell: Tell, *, reads: bool) -> Outcome:
    """Run what is left of a run with workers, round after round until nothing is left that would get on.

    Args:
        run: the run.
        start: starts a worker.
        workers: how many.
        tell: is told what they did.
        reads: whether they read along.

    Raises:
        ConfideError: one says that nothing can go on, or they die and the run does not get on.
    """
    before = {log.stem for log in run.finished()}
    why: dict[str, str] = {}
    busy: dict[str, str] = {}
    unread: dict[str, str] = {}
    left = [each.id for each in run.left()]
    only: frozenset[str] | None = None
    while left:
        count = min(workers, len(left))
        for outcome in await _round(run, start, [Share(number, count, only) for number in range(count)], tell):
            why |= {name: reason for name, reason in outcome.unfinished.items() if name not in outcome.busy}
            busy |= {name: reason for name, reason in outcome.unfinished.items() if name in outcome.busy}
            unread |= outcome.unread
        now = [each.id for each in run.left()]
        tell(Report(done=run.record.size - len(now)))
        again = [name for name in now if name not in why]
        if len(again) >= len(left):
            break
        left, only = again, frozenset(again)
    if reads and _left_open(run) - set(unread):
        for outcome in await _round(run, start, [Share(0, 1, frozenset(), read=True)], tell):
            unread |= outcome.unread
    done = {log.stem for log in run.finished()} - before
    never = "no worker got as far as that"
    unfinished = {each.id: why.get(each.id) or busy.get(each.id) or never for each in run.left()}
    return Outcome(len(done), unfinished, _broken(run, done), unread, frozenset(busy) & frozenset(unfinished))


def _left_open(run: RunFolder) -> set[str]:
    """Readings that are open of finished conversations: the worker that committed the conversation may have died."""
    return {
        f"{folder.record.key}/{log.stem}"
        for folder in measure_folders(run)
        for log in (folder.path / "live").glob("*.jsonl")
        if run.is_finished(log.stem)
    }


async def _round(run: RunFolder, start: Start, shares: Sequence[Share], tell: Tell) -> list[Outcome]:
    """Start workers, and wait until all are through."""
    working = {share: start(share) for share in shares}
    leaving: list[Worker] = []
    outcomes: list[Outcome] = []
    barren: Counter[Share] = Counter()
    finished = len(run.finished())
    try:
        while working:
            for share, worker in list(working.items()):
                death = worker.death()  # asked first: what it said before it died is listened to below
                for said in worker.listen():
                    if isinstance(said, Refused):
                        raise ConfideError(said.why)
                    if isinstance(said, Over):
                        outcomes.append(said.outcome)
                        leaving.append(working.pop(share))
                        break
                    tell(said)
                if death is None or share not in working:
                    continue
                worker.end()
                now = len(run.finished())
                barren = Counter() if now > finished else barren
                finished = now
                barren[share] += 1
                if barren[share] > DEATHS:
                    raise ConfideError(f"a worker died {DEATHS + 1} times and nothing got finished meanwhile: {death}")
                working[share] = start(share)
            await asyncio.sleep(POLL_S)
    finally:
        await _end([*working.values(), *leaving])
    return outcomes


async def _end(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.stop()
    until = time.monotonic() + GRACE_S
    try:
        while time.monotonic() < until and not all(worker.is_gone() for worker in workers):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
    finally:  # impatient people press Ctrl-C again
        for worker in workers:
            worker.end()


def _broken(run: RunFolder, conversations: Iterable[str]) -> Counter[str]:
    """What went wrong in conversations that ended in error. From their logs: a worker that died cannot tell."""
    broken: Counter[str] = Counter()
    for name in conversations:
        data = packed.read_bytes(run.final(name))
        end = EVENTS.validate_json(data[data.rfind(b"\n", 0, -1) + 1 :])
        if isinstance(end, Ended) and end.reason is EndReason.ERROR:
            broken[end.detail or "unknown"] += 1
    return broken
