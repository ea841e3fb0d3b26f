"""The command ``report``: a page of figures and tables."""

from __future__ import annotations

from pathlib import Path

import typer

from confide.evaluators.report import make_report, page, write_files
from confide.evaluators.tabular import open_runs
from confide.scenarios import ConfideError


def report(
    paths: list[Path],
    out: Path | None,
    figures: Path | None,
    experiment: Path | None,
    floor: float | None,
    reader: str | None,
) -> None:
    """Write the report of runs, and its figures and tables as files where they are wanted."""
    runs = open_runs(paths)
    if out is None and len(runs) > 1:
        raise ConfideError("several runs: say with --out where the page goes")
    file = out or runs[0].path / "report.html"
    made = make_report(runs, experiment, floor, reader)
    try:
        file.write_text(page(made), encoding="utf-8")
    except OSError as error:
        raise ConfideError(f"{file}: cannot be written: {error.strerror}") from None
    if figures is not None:
        for line in write_files(made, figures):
            typer.echo(line, err=True)
    typer.echo(str(file))
