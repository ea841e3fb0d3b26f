"""The ``tables`` command; see :mod:`confide.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

tables_app = typer.Typer(rich_markup_mode=None)


@tables_app.command()
def tables(
    run_folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Runs' folders; their rows are stacked.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write; new, or empty.")],
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV files too.")] = False,
) -> None:
    """Write tidy tables of runs as Parquet: conversations, turns, measures, facts and model calls."""
    from confide.commands.tabulate import tabulate  # noqa: PLC0415

    tabulate(run_folders, out, csv=csv)
