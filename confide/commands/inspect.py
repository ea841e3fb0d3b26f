"""Commands that look into logs: ``replay``, ``audit``, ``knows``, ``fork``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from confide.agents.models import Endpoints, known_models
from confide.commands.look import find_log
from confide.commands.run import begin
from confide.evaluators.audit import NOTHING, audit_run
from confide.scenarios import ConfideError, InputFileError, Role
from confide.simulator import Imported, ReplayError, RunFolder, Started, read_log
from confide.simulator import replay as replay_events
from confide.simulator.fork import Fork, plan_fork
from confide.simulator.information import asked_about, information, knowledge, write_graph
from confide.simulator.packed import is_there
from confide.viewer.terminal import visible

_SHOWN = 20
"""Breaches that are printed; the rest are counted."""


def replay(target: Path) -> int:
    """Replay a log, or all logs of a run; gives the exit code."""
    logs = [target] if is_there(target) else _simulated(target).logs()
    if not logs:
        raise ConfideError(f"{target} holds no conversation yet")
    different = 0
    for log in logs:
        try:
            replay_events(read_log(log).events)
        except ReplayError as error:
            where = f"{log}:{error.event + 1}" if error.event is not None else str(log)
            sys.stderr.write(f"confide: {where}: {visible(str(error))}\n")
            different += 1
        except InputFileError as error:
            sys.stderr.write(f"confide: {error}\n")
            different += 1
    typer.echo(f"{len(logs) - different} of {len(logs)} conversations replay to the same events")
    return 1 if different else 0


def _simulated(path: Path) -> RunFolder:
    run = RunFolder.open(path)
    run.must_be_simulated()
    return run


def audit(path: Path, jobs: int | None, *, as_json: bool) -> int:
    """Audit a run; gives the exit code."""
    run = _simulated(path)
    total = NOTHING
    for part in audit_run(run, jobs or os.cpu_count() or 1):
        total = total.plus(part)
    if total.conversations == 0:
        raise ConfideError(f"{path} holds no conversation yet")
    if as_json:
        breaches = [breach._asdict() for breach in total.breaches]
        typer.echo(json.dumps({**total._asdict(), "breaches": breaches}, ensure_ascii=False, indent=2))
        return 1 if total.breaches else 0
    kinds = {kind: sum(breach.check == kind for breach in total.breaches) for kind in _CHECKS}
    counts = {
        "log": total.conversations, "run": total.conversations, "prompt": total.prompts,
        "source": total.segments, "words": total.searched, "replay": total.conversations,
    }  # fmt: skip
    table = Table(box=None, pad_edge=False)
    for name in ("check", "of", "breaches"):
        table.add_column(name, justify="left" if name == "check" else "right")
    for kind, what in _CHECKS.items():
        style = "bold red" if kinds[kind] else ""
        table.add_row(what, f"{counts[kind]:,}", str(kinds[kind]), style=style)
    console = Console(highlight=False)
    console.print(table)
    for breach in total.breaches[:_SHOWN]:
        console.print(Text(visible(str(breach))), soft_wrap=True)
    if len(total.breaches) > _SHOWN:
        console.print(f"and {len(total.breaches) - _SHOWN} more (--json gives all)")
    if total.unfinished:
        console.print(f"{total.unfinished} conversations of the run are not finished")
    conditions = ", ".join(condition.id for condition in run.record.conditions)
    verdict = "BREACHED" if total.breaches else "no breach"
    console.print(f"{verdict}: {total.conversations} conversations, conditions: {conditions}", soft_wrap=True)
    return 1 if total.breaches else 0


_CHECKS = {
    "log": "logs are whole and readable",
    "run": "conversations are those of run.json",
    "prompt": "prompts are made of the segments that were logged",
    "source": "segments come from what the role could see",
    "words": "no other segment holds words of a fact that was not told",
    "replay": "logs replay to the same events",
}


def knows(target: Path | None, conversation: str | None, runs: Path, at: int | None, graph_file: Path | None) -> None:
    """Print what each role knows."""
    log, _ = find_log(target, conversation, runs)
    events = read_log(log).events
    if events and isinstance(events[0], Imported):
        raise ConfideError(f"{log}: people held this conversation: what they knew is not known")
    if not events or not isinstance(events[0], Started):
        raise ConfideError(f"{log}: nothing was said yet")
    graph = information(events)
    if graph_file is not None:
        write_graph(graph, graph_file)
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    for name in ("role", "fact", "since", "how", "from", "asked at"):
        table.add_column(name, no_wrap=name == "fact")
    for role in Role:
        for item in knowledge(graph, role, at):
            since = "the start" if item.since < 0 else f"turn {item.since}"
            asked = ", ".join(map(str, asked_about(graph, role, item.fact)))
            table.add_row(role, item.fact, since, item.how, item.source, asked)
    console.print(table)
    console.print(Text(str(log), style="dim"), soft_wrap=True)


def fork(
    wanted: Fork,
    changes: list[str],
    runs: Path,
    models_file: Path | None,
    endpoints: Endpoints,
    *,
    watch: bool,
    as_json: bool,
) -> int:
    """Branch off from a conversation, with ``changes``; gives the exit code."""
    found = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or not key.strip():
            raise ConfideError(f"--set {change}: expected KEY=VALUE")
        found[key.strip()] = value
    if not is_there(wanted.log):
        raise ConfideError(f"{wanted.log} is no log; give the file of one conversation in its run's folder")
    record, models = plan_fork(wanted._replace(changes=found), known_models(models_file), endpoints)
    return begin(record, models, runs, endpoints, watch=watch, as_json=as_json)
