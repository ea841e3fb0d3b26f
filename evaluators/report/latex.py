"""Tables for papers and for programs: LaTeX in the style of booktabs, and CSV."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from confide.evaluators.report.parts import Cell, Num, Table, text_of

_SPECIAL: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "\N{NO-BREAK SPACE}": "~",
    "\N{MINUS SIGN}": "$-$", "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{EN DASH}": "--", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}", "[": "{[}", "]": "{]}",
}  # fmt: skip


def escape_latex(text: str) -> str:
    """``text`` as LaTeX prints it: no letter of it is a command, and control characters are left out.

    Brackets stand in braces, since one right after the end of a line would be read as its argument.
    """
    plain = re.sub(r"[^\S\xa0]+", " ", text)
    return "".join(_SPECIAL.get(each, each) for each in plain if unicodedata.category(each) not in ("Cc", "Cf", "Cs"))


def latex(table: Table) -> str:
    """A table as LaTeX; it needs the package booktabs."""
    kinds = "l" * min(table.texts, len(table.columns)) + "r" * max(len(table.columns) - table.texts, 0)
    lines = [
        "% needs \\usepackage{booktabs}; letters outside of Latin need XeLaTeX or LuaLaTeX",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{escape_latex(table.caption)}}}",
        f"\\label{{tab:{table.id}}}",
        f"\\begin{{tabular}}{{{kinds}}}",
        "\\toprule",
        f"{' & '.join(escape_latex(name) for name in table.columns)} \\\\",
        "\\midrule",
        *(f"{' & '.join(escape_latex(text_of(cell)) for cell in row)} \\\\" for row in table.rows),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def comma_separated(table: Table) -> str:
    """A table as CSV, with numbers as they are; intervals and reasons have columns of their own."""
    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.columns]
    parts = [_parts(name, cells) for name, cells in zip(table.columns, columns, strict=True)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for names in parts for name in names])
    for row in table.rows:
        writer.writerow([each for names, cell in zip(parts, row, strict=True) for each in _values(cell, names)])
    return out.getvalue()


def _parts(name: str, cells: tuple[Cell, ...]) -> list[str]:
    numbers = [cell for cell in cells if isinstance(cell, Num)]
    found = [name]
    if any(each.low is not None for each in numbers):
        found += [f"{name} (low)", f"{name} (high)"]
    if any(each.why for each in numbers):
        found.append(f"{name} (note)")
    return found


def _values(cell: Cell, names: list[str]) -> Iterator[str | int | float | None]:
    if not isinstance(cell, Num):
        yield _harmless(cell) if isinstance(cell, str) else cell
        yield from [None] * (len(names) - 1)
        return
    ends = {"(low)": cell.low, "(high)": cell.high, "(note)": _harmless(cell.why or "")}
    yield cell.value
    for name in names[1:]:
        yield ends[name.rpartition(" ")[2]]


def _harmless(text: str) -> str:
    """A text that a spreadsheet takes for no formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
