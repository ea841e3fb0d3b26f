"""What a report is made of: sections of texts, figures and tables. How they look is decided elsewhere.

Law: a cell holds the number itself; it is rounded where it is shown, and what is missing says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from confide.evaluators.profiles import Estimate
from confide.evaluators.statistics import Agreement, ClusteredMean, Interval

DASH: Final = "\N{EN DASH}"
"""Stands where there is no number."""


def counted_as(count: int, name: str) -> str:
    """``1 conversation``, ``2 conversations``."""
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


class Num(NamedTuple):
    """A number in a table, with its interval where it has one."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str | None = None
    """Why there is no number, or no interval."""
    digits: int = 2
    signed: bool = False
    chance: bool = False
    """Whether it is a p value."""

    @property
    def text(self) -> str:
        """As it is shown."""
        if self.value is None:
            return f"{DASH} ({self.why})" if self.why else DASH
        shown = "<\N{NO-BREAK SPACE}0.001" if self.chance and self.value < 0.001 else self._one(self.value)
        if self.low is not None and self.high is not None:
            return f"{shown} [{self._one(self.low)},\N{NO-BREAK SPACE}{self._one(self.high)}]"
        return f"{shown} ({self.why})" if self.why else shown

    def _one(self, value: float) -> str:
        shown = f"{value:+,.{self.digits}f}" if self.signed else f"{value:,.{self.digits}f}"
        return (
            shown.replace("-", "\N{MINUS SIGN}") if any(digit in shown for digit in "123456789") else shown.lstrip("+-")
        )


Cell = str | int | Num | None


def text_of(cell: Cell) -> str:
    """A cell as it is shown."""
    if cell is None:
        return DASH
    if isinstance(cell, Num):
        return cell.text
    return f"{cell:,}" if isinstance(cell, int) else cell


class Table(NamedTuple):
    """A table."""

    id: str
    """Unique in the report; name of its files."""
    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    texts: int = 1
    """How many columns, from the left, hold texts; the others hold numbers."""
    folded: bool = False
    """Whether it is closed at first: long tables that few look up."""


class Figure(NamedTuple):
    """A picture, and the numbers that it was made of."""

    id: str
    """Unique in the report; name of its file."""
    title: str
    about: str
    """What it shows and how to read it: stands below it, and is read out in its place."""
    svg: str
    numbers: Table
    counted: str
    """How many conversations are behind it, and what is missing, with the reasons."""


class Note(NamedTuple):
    """A paragraph."""

    text: str


class Section(NamedTuple):
    """A section of the report."""

    id: str
    title: str
    parts: Sequence[Figure | Table | Note]


class Report(NamedTuple):
    """A whole report."""

    title: str
    subtitle: str
    warnings: Sequence[str]
    sections: Sequence[Section]


def of_interval(
    value: float | None, interval: Interval | None, digits: int = 2, times: float = 1, why: str | None = None
) -> Num:
    """A number and its interval by resampling, both multiplied by ``times``."""
    if value is None:
        return Num(None, why=why, digits=digits)
    if interval is None:
        return Num(value * times, digits=digits)
    return Num(value * times, interval.low * times, interval.high * times, digits=digits)


def of_estimate(found: Estimate | None, digits: int = 2, times: float = 1) -> Num:
    """A figure of a profile's."""
    if found is None:
        return Num(None, why="other labels than people's")
    return of_interval(found.value, found.interval, digits, times, "nothing to count")


def of_mean(found: ClusteredMean | None, why: str | None = None) -> Num:
    """A mean over clusters, signed."""
    if found is None or found.mean is None:
        return Num(None, why=why or (found.reason if found else None), signed=True)
    return Num(found.mean, found.low, found.high, signed=True)


def of_p(value: float | None, why: str | None = None) -> Num:
    """A p value."""
    return Num(value, why=why if value is None else None, digits=3, chance=True)


def of_agreement(found: Agreement | None) -> Num:
    """A coefficient of agreement."""
    if found is None:
        return Num(None, why="one answer per question")
    return Num(found.value, why=found.reason if found.value is None else None)
