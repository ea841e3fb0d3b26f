"""What commands that print figures share: numbers, intervals and plain data for ``--json``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import networkx as nx
from rich.console import Console
from rich.table import Table

from confide.evaluators.profiles import Estimate
from confide.evaluators.statistics import Agreement, Interval

WIDE: Final = 180
"""Columns of a table that is not printed to a terminal."""
NONE: Final = "-"
"""Stands where there is no figure."""


def console() -> Console:
    """Standard output; wide where it is no terminal, so that tables in files are not folded."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return Console(highlight=False)
    return Console(highlight=False, width=WIDE)


def table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    """A plain table: texts to the left, numbers to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in left:
        made.add_column(name, overflow="fold")
    for name in right:
        made.add_column(name, justify="right")
    return made


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash."""
    return NONE if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as percent, or a dash."""
    return NONE if value is None else f"{100 * value:.1f}"


def between(value: float | None, interval: Interval | None, digits: int = 2, factor: float = 1) -> str:
    """A figure with its interval."""
    if value is None:
        return NONE
    if interval is None:
        return f"{factor * value:.{digits}f}"
    low, high = factor * interval.low, factor * interval.high
    return f"{factor * value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def estimate(each: Estimate, digits: int = 2, factor: float = 1) -> str:
    """An estimate with its interval."""
    return between(each.value, each.interval, digits, factor)


def agreement(each: Agreement) -> str:
    """An agreement, or why there is none."""
    return f"{each.value:.2f}" if each.value is not None else f"{NONE} ({each.reason})"


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: tuples with names become objects, graphs lists of edges."""
    if isinstance(value, nx.DiGraph):
        return [{"from": a, "to": b, **data} for a, b, data in value.edges(data=True)]
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
