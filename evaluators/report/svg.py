"""Drawings as SVG text. Law: whatever comes from outside passes through :func:`escape`; nothing refers to the outside.

Colours stand as attributes, so that a drawing is right on its own; in the page its classes take their place, by which
the dark style recolours it.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

INK: Final = "#1f2933"
FAINT: Final = "#6b7680"
GRID: Final = "#e1e5e8"
PEOPLE: Final = "#5b6570"
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, told apart with every common kind of colour blindness; black is left to people."""
DASHES: Final = ("", "7 3", "2 3", "9 3 2 3")
FONT: Final = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TURNS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def escape(text: str) -> str:
    """``text`` for HTML and XML, in elements and attributes alike.

    Characters that XML forbids, and those that turn the direction of all that follows, are shown by their numbers.
    """
    shown = _NOT_XML.sub(_number, text)
    return html.escape(_TURNS.sub(_number, shown), quote=True)


def _number(found: re.Match[str]) -> str:
    return f"<U+{ord(found[0]):04X}>"


def element(tag: str, content: str = "", **attributes: str | float) -> str:
    """An element; ``content`` is markup already, attributes are escaped. ``_`` in their names stands for ``-``."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{value:.4g}"'
        if isinstance(value, int | float)
        else f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value != ""
    )
    return f"<{tag}{named}>{content}</{tag}>" if content else f"<{tag}{named}/>"


def words(x: float, y: float, text: str, *, anchor: str = "start", size: float = 12, kind: str = "ink") -> str:
    """A line of text; ``kind`` is ``ink``, ``faint`` or ``strong``."""
    fill = FAINT if kind == "faint" else INK
    weight = "600" if kind == "strong" else ""
    return element(
        "text", escape(text), x=x, y=y, text_anchor=anchor, font_size=size, fill=fill, font_weight=weight,
        class_=f"t-{'faint' if kind == 'faint' else 'ink'}",
    )  # fmt: skip


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str = "grid", width: float = 1, dash: str = "") -> str:
    """A straight line; ``kind`` is ``grid``, ``axis`` or a series' class."""
    return element(
        "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=_colour(kind), stroke_width=width, stroke_dasharray=dash,
        class_=f"s-{kind}",
    )  # fmt: skip


def path(points: Sequence[tuple[float, float]], *, kind: str, width: float = 2, dash: str = "") -> str:
    """A line through points."""
    where = " ".join(f"{'L' if index else 'M'}{x:.2f} {y:.2f}" for index, (x, y) in enumerate(points))
    return element(
        "path", d=where, fill="none", stroke=_colour(kind), stroke_width=width, stroke_dasharray=dash,
        stroke_linejoin="round", class_=f"s-{kind}",
    )  # fmt: skip


def box(x: float, y: float, width: float, height: float, *, kind: str, opacity: float = 1) -> str:
    """A filled rectangle."""
    return element(
        "rect", x=x, y=y, width=max(width, 0), height=max(height, 0), fill=_colour(kind), fill_opacity=opacity,
        class_=f"f-{kind}",
    )  # fmt: skip


def mark(x: float, y: float, number: int, *, kind: str, size: float = 4) -> str:
    """A mark whose shape tells series apart where colours do not: circle, square, triangle, diamond."""
    look = {"fill": _colour(kind), "class_": f"f-{kind}"}
    shape = number % 4
    if shape == 0:
        return element("circle", cx=x, cy=y, r=size, **look)
    if shape == 1:
        return element("rect", x=x - size * 0.9, y=y - size * 0.9, width=1.8 * size, height=1.8 * size, **look)
    reach = 1.25 * size
    corners = [(x, y - reach), (x + reach, y + 0.8 * reach), (x - reach, y + 0.8 * reach)]
    if shape == 3:
        corners = [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)]
    return element("polygon", points=" ".join(f"{a:.2f},{b:.2f}" for a, b in corners), **look)


def _colour(kind: str) -> str:
    named = {"grid": GRID, "axis": FAINT, "people": PEOPLE, "ink": INK}
    return named[kind] if kind in named else COLOURS[int(kind[1:])]


def series_kind(number: int) -> str:
    """The class of the n-th series: ``c0`` to ``c5``, and again; dashes and marks tell further ones apart."""
    return f"c{number % len(COLOURS)}"


def series_dash(number: int) -> str:
    """The dashes of the n-th series."""
    return DASHES[number // len(COLOURS) % len(DASHES)]


def drawing(width: float, height: float, content: str, *, name: str, title: str, about: str) -> str:
    """A whole drawing. ``name`` is an id that is unique in the page."""
    head = element("title", escape(title), id=f"{name}-title") + element("desc", escape(about), id=f"{name}-desc")
    return element(
        "svg", head + content, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}", height=f"{height:g}", role="img", aria_labelledby=f"{name}-title {name}-desc",
        font_family=FONT,
    )  # fmt: skip


class Scale(NamedTuple):
    """From values to places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where ``value`` is drawn."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


class Ticks(NamedTuple):
    """Round values that cover a range."""

    values: tuple[float, ...]
    digits: int

    def text(self, value: float) -> str:
        """A value as it is written."""
        return f"{value + 0.0:,.{self.digits}f}".replace("-", "\N{MINUS SIGN}")


def ticks_over(values: Sequence[float], *, zero: bool = False, most: int = 5) -> Ticks:
    """Round values, one, two or five times a power of ten apart, from below the least to above the greatest."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if not high > low:
        low, high = (0.0, 1.0) if zero else (low - 0.5, high + 0.5)
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return Ticks(tuple(round(step * place, 12) for place in range(first, last + 1)), digits)
