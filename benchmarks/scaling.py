"""What spreading a run over processes brings: turns per second with the scripted model, which takes no time itself.

    .venv/bin/python -m benchmarks.scaling [--workers 1 2 4] [--n 200] [--rounds 3] [--ray]

Rounds take turns, so that other work on the machine meets all alike; look at the ratios within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from confide.agents.models import Endpoints, ScriptedSpec
from confide.commands.staff import Staff
from confide.scenarios import read_conditions, read_scenarios
from confide.simulator import RunFolder, Wishes, plan_run
from confide.simulator.executors import Executor, Local, Processes, Ray, Share

TURNS = 20


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--n", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--ray", action="store_true")
    options = arguments.parse_args()
    names = ["local", *(f"processes {count}" for count in options.workers)]
    names += [f"ray {count}" for count in options.workers] if options.ray else []
    found: dict[str, list[float]] = {name: [] for name in names}
    print(f"load at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for name in names:
                run = _planned(Path(folder), f"{name}-{number}", options.n)
                start = time.perf_counter()
                asyncio.run(_executor(name, run).run(run))
                found[name].append(time.perf_counter() - start)
    for name, seconds in found.items():
        ratios = [one / other for one, other in zip(found["local"], seconds, strict=True)]
        speed = options.n * TURNS / median(seconds)
        print(f"{name:14} {median(seconds):7.2f} s  {speed:8.0f} turns/s  {median(ratios):5.2f} x local")


def _planned(folder: Path, name: str, n: int) -> RunFolder:
    specs = {"mine": ScriptedSpec(provider="scripted")}
    wishes = Wishes("mine", n, TURNS, conditions=read_conditions(["partial"]))
    record, _ = plan_run(read_scenarios(["exam-panic"]), specs, wishes)
    return RunFolder.create(folder, record.model_copy(update={"id": name}))


def _executor(name: str, run: RunFolder) -> Executor:
    staff = Staff(run.record.models, (), Endpoints())
    kind, _, count = name.partition(" ")
    if kind == "local":
        return Local(staff(run, Share(0, 1)).models, lambda *_: None)
    return (Processes if kind == "processes" else Ray)(staff, lambda _: None, int(count))


if __name__ == "__main__":
    main()
