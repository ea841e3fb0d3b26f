"""Runs conversations on a Ray cluster whose nodes see the run's folder under the same path."""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from confide.scenarios import ConfideError
from confide.simulator.executors.executor import run_workers
from confide.simulator.executors.share import Hire, Over, Refused, Report, Said, Share, Tell, run_share
from confide.simulator.runner import Outcome
from confide.simulator.store import RunFolder

RESTARTS: Final = 4
"""How often Ray itself starts an actor again, on another node if need be, before its death is the parent's to mend."""
STORE_BYTES: Final = 100 * 1024 * 1024
"""Memory for Ray's object store where we start Ray: nothing but counts goes through it."""


class Ray:
    """Runs a run in Ray actors."""

    def __init__(
        self,
        hire: Hire,
        tell: Tell,
        workers: int | None = None,
        address: str | None = None,
        *,
        most: int | None = None,
        reads: bool = False,
    ) -> None:
        """Describe the actors.

        Args:
            hire: makes the models and readers of one of them, where it runs.
            tell: is told what they did.
            workers: how many; by default one per processor of the cluster.
            most: more than so many there are not, however large the cluster is; None for no limit.
            address: of the cluster; by default Ray is started on this machine, or what RAY_ADDRESS names is used.
            reads: whether they read along.

        Raises:
            ConfideError: Ray is not installed.
        """
        self._ray = import_ray()
        self._hire = hire
        self._tell = tell
        self._workers = workers
        self._most = most
        self._address = address
        self._reads = reads

    async def run(self, run: RunFolder) -> Outcome:
        """See :class:`Executor`."""
        ray = self._ray
        path = run.path.resolve()
        ours = not ray.is_initialized()
        if ours:
            _connect(ray, self._address)
        try:
            workers = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
            workers = min(workers, self._most or workers)
            lasting = {"max_restarts": RESTARTS, "max_task_retries": RESTARTS, "scheduling_strategy": "SPREAD"}
            actor = ray.remote(**lasting)(_Actor)
            return await run_workers(
                run, lambda share: _RayWorker(ray, actor, path, self._hire, share), workers, self._tell,
                reads=self._reads,
            )  # fmt: skip
        finally:
            if ours:
                ray.shutdown()


def import_ray() -> Any:
    """The package.

    Raises:
        ConfideError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when it is imported
    try:
        return import_module("ray")
    except ImportError:
        raise ConfideError("--executor ray needs a package that is not installed: pip install 'confide[ray]'") from None


def _connect(ray: Any, address: str | None) -> None:
    quiet = {"logging_level": "error", "log_to_driver": False}
    own = {"include_dashboard": False, "object_store_memory": STORE_BYTES}
    own = {} if address or os.environ.get("RAY_ADDRESS") else own  # of a cluster that is there they cannot be set
    try:
        ray.init(address=address, **quiet, **own)
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        line = str(error).strip().partition("\n")[0]
        raise ConfideError(f"cannot reach Ray at {address or 'this machine'}: {line}") from None


class _Actor:
    """A worker in a process of Ray's. Its methods run side by side in one event loop."""

    def __init__(self) -> None:
        self._said: list[Said] = []
        self._task: asyncio.Task[Outcome] | None = None

    async def work(self, path: Path, hire: Hire, share: Share) -> list[Said]:
        """Run a share; gives what was not taken yet, and last how it ended."""
        try:
            self._task = asyncio.create_task(run_share(RunFolder.open(path), hire, share, self._say))
            end: Said = Over(await self._task)
        except ConfideError as error:
            end = Refused(str(error))
        return [*self.drain(), end]

    async def take(self) -> list[Said]:
        """What it did since the last time."""
        return self.drain()

    async def stop(self) -> None:
        """Stop it."""
        if self._task is not None:
            self._task.cancel()

    def _say(self, report: Report) -> None:
        self._said.append(report)

    def drain(self) -> list[Said]:
        """The same as :meth:`take`, from inside."""
        said, self._said = self._said, []
        return said


class _RayWorker:
    """An actor, as the parent sees it."""

    def __init__(self, ray: Any, actor: Any, path: Path, hire: Hire, share: Share) -> None:
        self._ray = ray
        self._actor = actor.remote()
        self._work = self._actor.work.remote(path, hire, share)
        self._take: Any = None
        self._death: str | None = None

    def listen(self) -> list[Said]:
        """See :class:`Worker`."""
        over = self._is_ready(self._work)
        said: list[Said] = []
        if self._take is not None and (over or self._is_ready(self._take)):
            said = self._get(self._take, last=False)
            self._take = None
        if over:
            return said + self._get(self._work, last=True)
        if self._take is None:  # asked once: what an actor did not say is lost with it, and is counted on disk
            self._take = self._actor.take.options(max_task_retries=0).remote()
        return said

    def death(self) -> str | None:
        """See :class:`Worker`."""
        if self._death is None and self._is_ready(self._work):
            self._get(self._work, last=True)
        return self._death

    def stop(self) -> None:
        """See :class:`Worker`."""
        self._actor.stop.options(max_task_retries=0).remote()

    def is_gone(self) -> bool:
        """See :class:`Worker`."""
        return self._is_ready(self._work)

    def end(self) -> None:
        """See :class:`Worker`."""
        self._ray.kill(self._actor)

    def _is_ready(self, ref: Any) -> bool:
        ready, _ = self._ray.wait([ref], timeout=0)
        return bool(ready)

    def _get(self, ref: Any, *, last: bool) -> list[Said]:
        """What a call gave; nothing if its actor is dead."""
        errors = self._ray.exceptions
        try:
            said: list[Said] = self._ray.get(ref)
            return said
        except (errors.RayActorError, errors.NodeDiedError, errors.WorkerCrashedError) as error:
            if last:
                self._death = str(error).strip().partition("\n")[0]
        except errors.TaskCancelledError:  # it was told to stop
            pass
        return []
