"""The ``tables`` command."""

from __future__ import annotations

from pathlib import Path

import typer

from confide.commands import tables
from confide.evaluators.tabular import TABLES, columns_of, open_runs, write_tables


def tabulate(paths: list[Path], out: Path, *, csv: bool) -> None:
    """Write the tables of runs, and say how large they are; prints the folder last."""
    counts = write_tables(open_runs(paths), out, csv=csv)
    shown = tables.table("", ["table"], ["rows", "columns"])
    for name, count in counts.items():
        shown.add_row(name, f"{count:,}", str(len(columns_of(TABLES[name]))))
    tables.console().print(shown)
    typer.echo(str(out))
