"""Commands for those who read: ``ls``, ``show``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from confide.evaluators import summarise
from confide.scenarios import ConfideError
from confide.simulator import Ended, Imported, RunFolder, Started, find_runs, read_log
from confide.simulator.packed import is_there
from confide.viewer import Transcript


def list_runs(runs: Path) -> None:
    """Print one line per run."""
    found, unreadable = find_runs(runs)
    console = Console()
    for error in unreadable:
        Console(stderr=True).print(f"confide: {error}", markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print(f"no runs in {runs}; start one: confide run exam-panic", markup=False, highlight=False)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("run", no_wrap=True, min_width=max(len(str(run.path)) for run in found))
    for name in ("scenarios", "models"):
        table.add_column(name, overflow="fold")
    table.add_column("finished", justify="right")
    for run in found:
        record = run.record
        ids = [record.imported.source] if record.imported else [item.scenario.id for item in record.scenarios]
        scenarios = ", ".join(ids) if len(ids) <= 3 else f"{len(ids)} scenarios"
        finished = len(run.finished())
        planned = record.size
        cells = (str(run.path), scenarios, ", ".join(record.models), f"{finished}/{planned}")
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def show(target: Path | None, conversation: str | None, runs: Path) -> None:
    """Print one conversation."""
    log, others = find_log(target, conversation, runs)
    events = read_log(log).events
    if not events:
        raise ConfideError(f"{log}: nothing was said yet")
    if not isinstance(events[0], Started | Imported):
        raise ConfideError(f"{log}:1: a log begins with its 'started' event, this one with '{events[0].kind}'")
    console = Console(highlight=False)
    transcript = Transcript(console)
    for event in events:
        transcript.show(event)
    if not isinstance(events[-1], Ended):
        console.print(Text("\nnot finished; go on with: confide resume and the run's folder", style="yellow"))
    transcript.figures(summarise(events))
    console.print(Text(str(log), style="dim"), soft_wrap=True)
    if others:
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        console.print(Text(f"also in this run (-c ID): {shown}", style="dim"), soft_wrap=True)


def find_log(target: Path | None, conversation: str | None, runs: Path) -> tuple[Path, list[str]]:
    """The log that is meant, and the ids of the run's other conversations."""
    if target is None:
        found = find_runs(runs).runs
        if not found:
            raise ConfideError(f"no runs in {runs}; start one: confide run exam-panic")
        target = found[-1].path
    if is_there(target):
        return target, []
    if not target.exists() and (runs / target).is_dir():
        target = runs / target
    if not target.is_dir():
        raise ConfideError(f"{target} is neither a run's folder nor a log; confide ls lists the runs")
    logs = RunFolder.open(target).logs()
    ids = [log.stem for log in logs]
    if not logs:
        raise ConfideError(f"{target} holds no conversation yet; go on with it: confide resume {target}")
    if conversation is None:
        return logs[0], ids[1:]
    if conversation not in ids:
        raise ConfideError(f"{target} holds no conversation '{conversation}'; it holds: {', '.join(ids[:20])}")
    return logs[ids.index(conversation)], []
