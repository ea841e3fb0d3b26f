"""Runs conversations in several processes of this machine."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import FunctionType
from typing import Any, Final

from confide.scenarios import ConfideError
from confide.simulator.executors.executor import run_workers
from confide.simulator.executors.share import Hire, Over, Refused, Said, Share, Tell, run_share
from confide.simulator.runner import Outcome
from confide.simulator.store import RunFolder

LOST: Final = 255
"""What the exit code of a worker reads as when nobody is left to know it."""


class Processes:
    """Runs a run in worker processes."""

    def __init__(self, hire: Hire, tell: Tell, workers: int | None = None, *, reads: bool = False) -> None:
        """Describe the workers.

        Args:
            hire: makes the models and readers of one worker, in its process.
            tell: is told what they did.
            workers: how many; by default one per processor that this process may use.
            reads: whether they read along.
        """
        self._hire = hire
        self._tell = tell
        self._workers = workers or processors()
        self._reads = reads

    async def run(self, run: RunFolder) -> Outcome:
        """See :class:`Executor`."""
        return await run_workers(
            run, lambda share: _Process(run.path, self._hire, share), self._workers, self._tell, reads=self._reads
        )


def processors() -> int:
    """Processors that this process may use: a job of a cluster often may not use them all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Process:
    """A worker process.

    It is forked, but not from this process, whose threads and event loop would not survive that: from one that has
    imported what workers need and does nothing else, so that a worker starts in no time.
    """

    def __init__(self, path: Path, hire: Hire, share: Share) -> None:
        context = multiprocessing.get_context("forkserver")
        home = hire.__module__ if isinstance(hire, FunctionType) else type(hire).__module__
        context.set_forkserver_preload([__name__, home])
        self._pipe, theirs = context.Pipe()
        work = (path, hire, share, theirs, dict(os.environ))
        self._process = context.Process(target=_work, args=work, daemon=True)
        with _deaf_to_interrupts():
            self._process.start()
        theirs.close()

    def listen(self) -> list[Said]:
        """See :class:`Worker`."""
        said: list[Said] = []
        with suppress(EOFError, OSError):  # it died, perhaps in the middle of a word
            while self._pipe.poll():
                said.append(self._pipe.recv())
        return said

    def death(self) -> str | None:
        """See :class:`Worker`."""
        code = self._process.exitcode
        if not code:
            return None if code is None else "it ended without a word"
        if code == LOST:
            return "the process that forks workers is gone"
        if code > 0:
            raise ConfideError(f"a worker ended with exit code {code}: what it said is above")
        return f"killed by {signal.Signals(-code).name}"

    def stop(self) -> None:
        """See :class:`Worker`."""
        with suppress(OSError):
            self._pipe.send(None)

    def is_gone(self) -> bool:
        """See :class:`Worker`."""
        return self._process.exitcode is not None

    def end(self) -> None:
        """See :class:`Worker`."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes that do not hear a terminal's Ctrl-C, which is for their parent: it tells them to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: Any = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(path: Path, hire: Hire, share: Share, pipe: Connection[Any, Said], environment: Mapping[str, str]) -> None:
    """What a worker process does. Its environment is its parent's now, which may be another than at the first start."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    with suppress(asyncio.CancelledError):
        asyncio.run(_attend(path, hire, share, pipe))


async def _attend(path: Path, hire: Hire, share: Share, pipe: Connection[Any, Said]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def hear() -> None:  # the parent says to stop, or is gone
        loop.remove_reader(pipe.fileno())
        if task is not None:
            task.cancel()

    def say(said: Said) -> None:
        with suppress(OSError):  # the parent is gone, as will be heard
            pipe.send(said)

    loop.add_reader(pipe.fileno(), hear)
    try:
        say(Over(await run_share(RunFolder.open(path), hire, share, say)))
    except ConfideError as error:
        say(Refused(str(error)))
