"""The figures and tables of a report as files."""

from __future__ import annotations

from pathlib import Path

from confide.evaluators.report.latex import comma_separated, latex
from confide.evaluators.report.parts import Figure, Report, Table
from confide.evaluators.report.pdf import has_pdf, pdf
from confide.scenarios import ConfideError

NO_PDF = "no PDF: it needs reportlab, pip install 'confide[report]'"


def write_files(report: Report, folder: Path) -> list[str]:
    """Write each figure as SVG, and as PDF where reportlab is there, and each table as LaTeX and CSV.

    Args:
        report: what is written.
        folder: where to; files of the same names are written over.

    Returns:
        What was written, and what was not, for people.

    Raises:
        ConfideError: the folder cannot be written.
    """
    parts = [part for section in report.sections for part in section.parts]
    figures = [part for part in parts if isinstance(part, Figure)]
    tables = [part for part in parts if isinstance(part, Table)] + [figure.numbers for figure in figures]
    with_pdf, lost = has_pdf(), 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            (folder / f"{figure.id}.svg").write_text(_alone(figure.svg), encoding="utf-8")
            if with_pdf:
                made, lacking = pdf(figure.svg, figure.title)
                (folder / f"{figure.id}.pdf").write_bytes(made)
                lost += lacking
        for table in tables:
            (folder / f"{table.id}.tex").write_text(latex(table), encoding="utf-8")
            (folder / f"{table.id}.csv").write_text(comma_separated(table), encoding="utf-8")
    except OSError as error:
        raise ConfideError(f"{folder}: cannot be written: {error.strerror}") from None
    kinds = "SVG and PDF" if with_pdf else f"SVG ({NO_PDF})"
    said = [f"{len(figures)} figures as {kinds}, {len(tables)} tables as LaTeX and CSV: {folder}"]
    if lost:
        said.append(f"{lost} letters are not in the PDF's font and stand there as '?': take the SVG")
    return said


def _alone(drawing: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?>\n{drawing}\n'
