"""A report as one HTML file. Laws: no script, nothing from outside; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from confide.evaluators.report.parts import Cell, Figure, Note, Num, Report, Section, Table, text_of
from confide.evaluators.report.svg import escape

STYLE: Final = Path(__file__).parent / "style.css"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(report: Report) -> str:
    """The file's text."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    style = STYLE.read_text(encoding="utf-8")
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{escape(report.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>"
    yield '<a class="skip" href="#content">Skip to the content</a>'
    yield from _warnings(report)
    yield f'<header>\n<h1>{escape(report.title)}</h1>\n<p class="sub">{escape(report.subtitle)}</p>\n</header>'
    yield '<nav aria-label="Contents">\n<h2>Contents</h2>\n<ol>'
    for section in report.sections:
        yield f'<li><a href="#{escape(section.id)}">{escape(section.title)}</a>{_inner(section)}</li>'
    yield '</ol>\n</nav>\n<main id="content">'
    for section in report.sections:
        yield from _section(section)
    yield "</main>\n</body>\n</html>"


def _warnings(report: Report) -> Iterator[str]:
    if not report.warnings:
        yield '<p class="calm" id="warnings">No warnings: nothing is missing, and no analysis was changed.</p>'
        return
    yield '<aside class="warnings" id="warnings" aria-label="Warnings">\n<h2>Read this first</h2>\n<ul>'
    for each in report.warnings:
        yield f"<li>{escape(each)}</li>"
    yield "</ul>\n</aside>"


def _inner(section: Section) -> str:
    figures = [part for part in section.parts if isinstance(part, Figure)]
    if not figures:
        return ""
    links = "".join(f'<li><a href="#{escape(each.id)}">{escape(each.title)}</a></li>' for each in figures)
    return f"<ol>{links}</ol>"


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{escape(section.id)}" aria-labelledby="{escape(section.id)}-title">'
    yield f'<h2 id="{escape(section.id)}-title">{escape(section.title)}{_anchor(section.id)}</h2>'
    for part in section.parts:
        if isinstance(part, Note):
            yield f"<p>{escape(part.text)}</p>"
        elif isinstance(part, Table):
            yield _folded(part) if part.folded else table(part)
        else:
            yield from _figure(part)
    yield "</section>"


def _anchor(name: str) -> str:
    return f' <a class="anchor" href="#{escape(name)}" aria-label="Link to this part">#</a>'


def _figure(figure: Figure) -> Iterator[str]:
    yield f'<figure id="{escape(figure.id)}">'
    yield f"<h3>{escape(figure.title)}{_anchor(figure.id)}</h3>"
    yield f'<div class="scroll">{figure.svg}</div>'
    yield f'<figcaption>{escape(figure.about)} <span class="counted">{escape(figure.counted)}.</span></figcaption>'
    yield "<details>\n<summary>The numbers</summary>"
    yield table(figure.numbers)
    yield "</details>\n</figure>"


def _folded(part: Table) -> str:
    summary = f"{part.caption} ({len(part.rows):,} rows)"
    return f"<details>\n<summary>{escape(summary)}</summary>\n{table(part)}\n</details>"


def table(found: Table) -> str:
    """A table as HTML."""
    head = "".join(
        f'<th scope="col"{"" if place < found.texts else _NUMBER}>{escape(name)}</th>'
        for place, name in enumerate(found.columns)
    )
    rows = [
        "<tr>" + "".join(_cell(cell, place, found.texts) for place, cell in enumerate(row)) + "</tr>"
        for row in found.rows
    ]
    body = "\n".join(rows) or f'<tr><td colspan="{len(found.columns)}">nothing</td></tr>'
    return (
        f'<div class="scroll"><table id="table-{escape(found.id)}">\n<caption>{escape(found.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


_NUMBER: Final = ' class="n"'


def _cell(cell: Cell, place: int, texts: int) -> str:
    if place == 0:
        return f'<th scope="row">{escape(text_of(cell))}</th>'
    missing = cell is None or (isinstance(cell, Num) and cell.value is None)
    named = " ".join(name for name, so in (("n", place >= texts), ("missing", missing)) if so)
    return f'<td class="{named}">{escape(text_of(cell))}</td>' if named else f"<td>{escape(text_of(cell))}</td>"
