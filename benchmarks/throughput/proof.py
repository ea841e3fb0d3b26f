"""Proofs at scale: a run of 10,000 conversations is whole afterwards, whoever was killed meanwhile.

    python -m benchmarks.throughput.proof [--n 10000] [--turns 5] [--kills 5] [--only WAY ...] [--seed 0]

Each way of running starts from a plan on disk by ``confide resume``, against the stand-in endpoint. Then every log is
read and replayed without a model, and counted against the plan.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing import Pool
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.spine import PROGRESS, Row, machine, show_rows
from benchmarks.throughput.arena import UnavailableError
from benchmarks.throughput.environments import ray
from benchmarks.throughput.material import plan, write_replies
from benchmarks.throughput.server import Served, serving
from confide.scenarios import ConfideError
from confide.simulator import Ended, EndReason, RunFolder, Spoke, read_log, replay
from confide.simulator.log import digest_of

LATENCY_S: Final = 0.02
AT_ONCE: Final = 1000
LIMIT_S: Final = 420.0
CALM_S: Final = (1.5, 4.0)
"""Seconds between two kills, at least and at most."""


class Way(NamedTuple):
    """A way to run it."""

    name: str
    options: tuple[str, ...] = ()
    """Of ``confide resume``."""
    kills: bool = False
    """Whether workers are killed meanwhile; without workers, the process itself, which is then started again."""


WAYS: Final = (
    Way("local"),
    Way("local, killed", kills=True),
    Way("processes", ("--executor", "processes", "--workers", "2")),
    Way("processes, killed", ("--executor", "processes", "--workers", "2"), kills=True),
    Way("ray", ("--executor", "ray", "--workers", "2")),
    Way("ray, killed", ("--executor", "ray", "--workers", "2"), kills=True),
)


class Found(NamedTuple):
    """What is on disk in the end."""

    committed: int
    whole: int
    """Of these, replayed to the same events, ended by the turn limit, with every turn spoken."""
    strangers: int
    """Names that were not planned."""
    live: int
    """Files left over of conversations under way."""
    wrong: str
    """The first log that is not whole, with why."""


def main() -> None:
    """Run them all, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.proof")
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=[way.name for way in WAYS], default=[way.name for way in WAYS])
    options = parser.parse_args()
    title, rows = machine(), []
    for way in WAYS:
        if way.name not in options.only:
            continue
        PROGRESS.print(f"{way.name}: {options.n:,} conversations of {options.turns} turns")
        try:
            kills = random.Random(options.seed) if way.kills else None
            rows.append(_proved(way, options.n, options.turns, options.kills, kills))
        except UnavailableError as error:
            rows.append(Row(way.name, f"not measured: {error}"))
        PROGRESS.print(rows[-1].measured)
    show_rows(rows, title, markdown=True)


def _proved(way: Way, n: int, turns: int, kills: int, dice: random.Random | None) -> Row:
    python = ray() if "ray" in way.options else Path(sys.executable)
    with tempfile.TemporaryDirectory(prefix="confide-proof-") as name:
        folder = Path(name)
        write_replies(folder / "replies.json")
        with serving(folder / "replies.json", LATENCY_S) as server:
            run = plan(folder, server.url, n, turns, AT_ONCE)
            start = time.monotonic()
            killed = _run(python, run, way, kills, dice)
            wall = time.monotonic() - start
            calls = _calls(server)
        found = _looked_at(run, turns)
    measured = (
        f"{wall:.0f} s, {n * turns / wall:,.0f} turns/s; {killed} killed; {found.committed:,} committed, "
        f"{found.whole:,} replay whole, {found.strangers} not planned, {found.live} left live; "
        f"{calls - n * turns:,} calls more than turns"
    )
    if found.wrong:
        measured += f"; {found.wrong}"
    return Row(way.name, measured, f"{n:,} committed and whole", found == Found(n, n, 0, 0, ""))


def _calls(server: Served) -> int:
    return server.counted().calls


def _run(python: Path, run: RunFolder, way: Way, kills: int, dice: random.Random | None) -> int:
    """Run it to its end; gives how many processes were killed."""
    command = [str(python), "-m", "confide", "resume", str(run.path), "--no-cache", *way.options]
    until, killed = time.monotonic() + LIMIT_S, 0
    while True:
        with (run.path.parent / "said.txt").open("w", encoding="utf-8") as said:
            process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            while process.poll() is None and time.monotonic() < until:
                if dice is None or killed >= kills:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(until - time.monotonic())
                    break
                with suppress(subprocess.TimeoutExpired):
                    process.wait(dice.uniform(*CALM_S))
                    break
                killed += _kill_one(process.pid, way, dice)
        finally:
            with suppress(ProcessLookupError):
                if process.poll() is None or way.kills:
                    os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        if code == 0:
            return killed
        if code != -signal.SIGKILL or time.monotonic() > until:
            text = (run.path.parent / "said.txt").read_text(encoding="utf-8").strip()
            raise UnavailableError(f"ended with {code}: {text[-200:]}")


def _kill_one(parent: int, way: Way, dice: random.Random) -> int:
    """Kill a worker, or the process itself where it has none; gives how many."""
    victims = [parent] if not way.options else list(_workers(parent))
    if not victims:
        return 0
    with suppress(ProcessLookupError):
        os.kill(dice.choice(victims), signal.SIGKILL)
        return 1
    return 0


def _workers(parent: int) -> Iterator[int]:
    """The processes below ``parent`` that run conversations: what the fork server forked, or Ray's actors."""
    for child, above, command in _below(parent):
        if command.startswith(b"ray::_Actor") or (b"forkserver" in above and b"forkserver" in command):
            yield child


def _below(parent: int) -> Iterator[tuple[int, bytes, bytes]]:
    """All processes below one: number, command line of its parent, its own."""
    above = _command(parent)
    for child in _children(parent):
        yield child, above, _command(child)
        yield from _below(child)


def _children(parent: int) -> Iterable[int]:
    with suppress(OSError):
        for file in Path(f"/proc/{parent}/task").glob("*/children"):
            yield from map(int, file.read_text(encoding="ascii").split())


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def _looked_at(run: RunFolder, turns: int) -> Found:
    planned = {each.id for each in run.planned()}
    logs = run.finished()
    with Pool(os.cpu_count()) as pool:
        faults = pool.starmap(_fault, [(log, turns) for log in logs], chunksize=100)
    wrong = [f"{log.name}: {fault}" for log, fault in zip(logs, faults, strict=True) if fault]
    names = [log.stem for log in logs]
    live = len(list(run.under_way.iterdir())) if run.under_way.is_dir() else 0
    return Found(
        len(set(names) & planned), len(logs) - len(wrong), len(set(names) - planned), live, wrong[0] if wrong else ""
    )


def _fault(log: Path, turns: int) -> str:
    """What is wrong with a log; nothing if it is whole."""
    try:
        events = read_log(log).events
        replay(events)
    except ConfideError as error:
        return str(error)
    last = events[-1]
    if not isinstance(last, Ended) or last.digest != digest_of(log):
        return "its digest is another"
    if last.reason is not EndReason.TURN_LIMIT:
        return f"it ends with {last.kind}"
    spoken = sum(isinstance(event, Spoke) for event in events)
    return "" if spoken == turns else f"{spoken} turns"


if __name__ == "__main__":
    main()
