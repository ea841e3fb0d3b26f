"""What auditing and replaying cost: ``python -m benchmarks.ablation [RUN]``.

Without a run: conversations of 20 turns on the scripted model, audited and replayed. With a run of a real model: its
audit and its replay, the latter against the time that the run took, by the times in its logs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.spine import Row, machine, show_rows
from confide.agents.models import known_models
from confide.evaluators import audit_run
from confide.evaluators.audit import NOTHING
from confide.scenarios import read_conditions, read_scenarios
from confide.simulator import RunFolder, Wishes, plan_run, read_log, replay, run_conversations

LEAST_AUDITED = 200
"""Conversations per second."""
LEAST_FASTER = 50
"""Times that a replay must be faster than the run."""


def scripted_run(folder: Path, replicates: int) -> RunFolder:
    """A finished run of all shipped scenarios under four conditions."""
    conditions = read_conditions(["presets"])
    wishes = Wishes(model="scripted", turns=20, replicates=replicates, conditions=conditions)
    record, models = plan_run(read_scenarios(["shipped"]), known_models(), wishes)
    run = RunFolder.create(folder, record)
    asyncio.run(run_conversations(run, models, lambda *_: None))
    return run


def rows(run: RunFolder, repeats: int) -> list[Row]:
    """The audit and the replay of a finished run."""
    count = len(run.logs())
    found = []
    for jobs in dict.fromkeys((1, os.cpu_count() or 1)):
        seconds = min(_timed(lambda jobs=jobs: _audit(run, jobs)) for _ in range(repeats))  # type: ignore[misc]
        last = jobs == (os.cpu_count() or 1)
        found.append(
            Row(
                f"audit, {jobs} process{'es' if jobs > 1 else ''}",
                f"{count / seconds:,.0f} conversations/s",
                f"at least {LEAST_AUDITED}" if last else "",
                count / seconds >= LEAST_AUDITED if last else None,
            )
        )
    seconds = min(_timed(lambda: _replay(run)) for _ in range(repeats))
    found.append(Row("replay, one process, reading the logs too", f"{count / seconds:,.0f} conversations/s"))
    if "scripted" not in run.record.models:
        took = _took(run)
        found.append(
            Row(
                f"the run itself ({', '.join(run.record.models)}) over its replay",
                f"{took:,.0f} s over {seconds:.2f} s: {took / seconds:,.0f} times",
                f"at least {LEAST_FASTER} times",
                took / seconds >= LEAST_FASTER,
            )
        )
    return found


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _audit(run: RunFolder, jobs: int) -> None:
    total = NOTHING
    for part in audit_run(run, jobs):
        total = total.plus(part)
    if total.breaches or total.conversations != len(run.logs()):
        raise SystemExit(f"benchmark: {len(total.breaches)} breaches in {total.conversations} conversations")


def _replay(run: RunFolder) -> None:
    for log in run.logs():
        replay(read_log(log).events)


def _took(run: RunFolder) -> float:
    """Seconds from the first event of the run to its last."""
    times = [event.at for log in run.logs() for event in read_log(log).events if event.at is not None]
    return max(times) - min(times)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description="What audit and replay cost.")
    parser.add_argument("run", nargs="?", type=Path, help="a finished run; by default one is made, on no model")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    title = machine()
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        run = RunFolder.open(options.run) if options.run else scripted_run(Path(folder), 8)
        title += f"; {len(run.logs())} conversations"
        show_rows(rows(run, 3), title, markdown=options.markdown)


if __name__ == "__main__":
    main()
