"""The ``report`` command; see :mod:`confide.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

report_app = typer.Typer(rich_markup_mode=None)


@report_app.command()
def report(
    run_folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Runs' folders, shown side by side.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.html", help="The page; default: report.html in the run's folder."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            "--figures", metavar="DIR", help="Write each figure as SVG and PDF, each table as LaTeX and CSV too."
        ),
    ] = None,
    experiment: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The experiment's file now, to see whether it was changed after the run."),
    ] = None,
    floor: Annotated[
        float | None,
        typer.Option(metavar="ALPHA", min=0, max=1, help="Reliability below which traits have no scores; see traits."),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model that counts in contrasts where several read the same.")
    ] = None,
) -> None:
    """Write a page of figures and tables that shows what runs hold; prints its path last."""
    from confide.commands.report import report as work  # noqa: PLC0415

    work(run_folders, out, figures, experiment, floor, reader)
