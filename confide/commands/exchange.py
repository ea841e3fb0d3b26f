"""Commands that bring conversations in and out: ``import``, ``export``."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from confide.commands import tables
from confide.commands.tables import table
from confide.evaluators.exchange import export_run, import_esconv
from confide.scenarios import ConfideError, Role
from confide.simulator import RunFolder


def bring_in(
    data: str, file: Path, runs: Path, labels: Path | None, command: tuple[str, ...], *, as_json: bool
) -> None:
    """Import conversations that people held."""
    if data != "esconv":
        raise ConfideError(f"there is no import of '{data}'; one of: esconv")
    found = import_esconv(file, runs, labels, command)
    record = found.run.record.imported
    meaning = record.labels if record else {}
    if as_json:
        report = {
            "run": str(found.run.path), "conversations": found.run.record.size, "turns": found.turns,
            "messages": found.messages, "absent": found.absent, "labels": dict(found.labels), "taken_for": meaning,
        }  # fmt: skip
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    console = tables.console()
    shown = table("", ["label in the data", "taken for"], ["messages"])
    for label, count in found.labels.most_common():
        shown.add_row(label, meaning[label] or "no strategy", f"{count:,}")
    console.print(shown)
    console.print(f"{found.run.record.size:,} conversations, {found.turns:,} turns, {found.messages:,} messages")
    if found.absent:
        console.print(f"{found.absent:,} more messages stand in no line of the file: every figure is without them")
    typer.echo(str(found.run.path))


def take_out(path: Path, form: str, out: Path, role: str) -> None:
    """Export a run."""
    if role not in tuple(Role):
        raise ConfideError(f"there is no role '{role}'; one of: {', '.join(Role)}")
    count = export_run(RunFolder.open(path), form, out, Role(role))
    typer.echo(f"{count} conversations are in {out}")
