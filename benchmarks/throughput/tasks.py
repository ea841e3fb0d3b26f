"""What a contender is told and what it says: one JSON object on its command line, one on the last line of its output.

It needs nothing but Python, for some contenders live in environments of their own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple


class Task(NamedTuple):
    """Talks to hold."""

    url: str
    """The endpoint."""
    talks: int
    turns: int
    at_once: int
    """Talks at once."""
    folder: str
    """Where it may write."""
    requests: str = ""
    """File with the bare loop's requests."""
    limit_s: float = 600.0
    """Seconds after which it is broken off; what was not held then counts as failed."""
    workers: int = 0
    """confide's worker processes; 0 for none besides its own."""
    cache: bool = False
    """Whether confide keeps the answers."""


class Told(NamedTuple):
    """What came of it."""

    wall_s: float
    cpu_s: float
    """Processor time of the process, all threads together, or of all worker processes."""
    failed: int
    """Talks that were not held to their end."""
    start_mb: float
    """Resident memory before the first talk, with all that was imported."""
    peak_mb: float
    """Most resident memory."""
    error: str = ""
    """What the first failed talk said."""


def memory_mb(field: str) -> float:
    """This process's resident memory: VmRSS for now, VmHWM for the most so far. 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), 0.0)


async def hold(task: Task, talk: Callable[[], Awaitable[None]]) -> tuple[int, str]:
    """Hold talks, so many at once; gives how many failed, and what the first one said."""
    left = iter(range(task.talks))
    held = 0
    errors: list[str] = []

    async def work() -> None:
        nonlocal held
        for _ in left:
            try:
                await talk()
                held += 1
            except Exception as error:  # noqa: BLE001  any failure of a package is a figure here
                errors.append(f"{type(error).__name__}: {error}"[:200])

    crew = asyncio.gather(*(work() for _ in range(min(task.at_once, task.talks))))
    try:
        await asyncio.wait_for(crew, task.limit_s)
    except TimeoutError:
        errors.append(f"broken off after {task.limit_s:.0f} s")
    return task.talks - held, errors[0] if errors else ""


def told(work: Callable[[], Awaitable[tuple[int, str]]], then: Callable[[Told], None] | None = None) -> Told:
    """Do ``work`` on an event loop, with clocks around it; then, if given, ``then`` before the loop is closed."""

    async def run() -> Told:
        start_mb = memory_mb("VmRSS")
        wall, cpu = time.perf_counter(), time.process_time()
        failed, error = await work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        result = Told(wall, cpu, failed, start_mb, memory_mb("VmHWM"), error)
        if then is not None:
            then(result)
        return result

    return asyncio.run(run())


def task_of_command_line() -> Task:
    """What this process is to do."""
    return Task(**json.loads(sys.argv[1]))


def say(result: Told) -> None:
    """The last line of the output."""
    print(json.dumps(result._asdict()), flush=True)
