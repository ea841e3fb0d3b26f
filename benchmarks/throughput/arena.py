"""Starts a contender in a process of its own against the server, and puts together what both say."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.throughput.server import Served
from benchmarks.throughput.tasks import Task, Told

ROOT: Final = Path(__file__).parents[2]


class Bout(NamedTuple):
    """One contender's measurement."""

    told: Told
    calls: int
    """Requests that the server got."""
    prompt_bytes: int
    """Their bytes."""
    most_at_once: int
    """The most that it had under way at once."""
    server_s: float
    """Processor time of the server."""

    @property
    def speed(self) -> float:
        """Calls per second."""
        return self.calls / self.told.wall_s

    @property
    def cpu_ms(self) -> float:
        """Processor time per call."""
        return self.told.cpu_s / max(self.calls, 1) * 1000

    @property
    def bytes_per_call(self) -> float:
        """Bytes of a request, on the average."""
        return self.prompt_bytes / max(self.calls, 1)


class UnavailableError(Exception):
    """A contender cannot take part, with the reason."""


class Arena(NamedTuple):
    """Where contenders meet."""

    folder: Path
    """For what they write; emptied after each."""
    others: Mapping[str, Path]
    """Contenders with an environment of their own: their Python."""

    def hold(self, server: Served, kind: str, **fields: object) -> Bout:
        """Have a contender hold talks.

        Args:
            server: the endpoint.
            kind: the contender.
            fields: of its :class:`Task`.
        """
        own = self.folder / "talks"
        own.mkdir()
        task = Task(url=server.url, folder=str(own), **fields)  # type: ignore[arg-type]
        python = str(self.others.get(kind, sys.executable))
        command = [python, "-m", f"benchmarks.throughput.contenders.{kind}", json.dumps(task._asdict())]
        before = server.counted()
        try:
            result = _told(command, task)
        finally:
            shutil.rmtree(own)
        after = server.counted()
        return Bout(
            result,
            after.calls - before.calls,
            after.prompt_bytes - before.prompt_bytes,
            after.most_at_once,
            after.cpu_s - before.cpu_s,
        )


def _told(command: list[str], task: Task) -> Told:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=task.limit_s + 60)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"did not end within {task.limit_s + 60:.0f} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    lines = out.strip().splitlines()
    if process.returncode or not lines:
        said = err.strip().splitlines()
        raise UnavailableError(said[-1][:200] if said else f"exit code {process.returncode}")
    return Told(**json.loads(lines[-1]))
