"""The kinds of chart that a report has: panels of lines, rows of dots with intervals, bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from confide.evaluators.report import svg
from confide.evaluators.report.svg import Scale, Ticks, ticks_over

WIDTH: Final = 720.0
_LETTER: Final = 0.56
"""Mean width of a letter over its size: enough to know where a line of text ends."""


class Look(NamedTuple):
    """How a series is drawn."""

    name: str
    number: int | None
    """Its place among the series; None for people."""

    @property
    def kind(self) -> str:
        """Its class."""
        return "people" if self.number is None else svg.series_kind(self.number)

    @property
    def dash(self) -> str:
        """Its dashes; people's line is always dashed."""
        return "5 3" if self.number is None else svg.series_dash(self.number)


class Point(NamedTuple):
    """A value, with its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Series(NamedTuple):
    """A line."""

    look: Look
    points: Sequence[Point]
    band: float | None = None
    """Half the height of the band of noise around zero."""


class Panel(NamedTuple):
    """One of several small charts with the same axes."""

    title: str
    series: Sequence[Series]
    empty: str = "no data"
    """Stands in it where there is no point."""


class Axes(NamedTuple):
    """The axes that panels share."""

    x: str
    y: str
    columns: int
    xs: Sequence[float] | None = None
    """Where ticks stand below; round values if not given."""
    zero: bool = True
    """Whether zero is always shown."""
    top: float | None = None
    """The greatest value that can be."""


def legend(looks: Sequence[Look]) -> tuple[str, float]:
    """Marks and names in lines, and how high that is."""
    x, y, drawn = 8.0, 14.0, ""
    for look in looks:
        name = shorten(look.name, 60)
        width = 40 + len(name) * 12 * _LETTER + 14
        if x > 8 and x + width > WIDTH:
            x, y = 8.0, y + 18
        drawn += svg.line(x, y - 4, x + 28, y - 4, kind=look.kind, width=2, dash=look.dash)
        if look.number is not None:
            drawn += svg.mark(x + 14, y - 4, look.number, kind=look.kind)
        drawn += svg.words(x + 35, y, name)
        x += width
    return drawn, y + 12


def shorten(text: str, most: int) -> str:
    """``text`` with its middle left out if it is long: ends tell names apart as often as beginnings."""
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[: most - 1 - half]}…{text[-half:]}"


def panels(name: str, title: str, about: str, made: Sequence[Panel], axes: Axes) -> str:
    """Small charts side by side, all on the same axes."""
    looks = {series.look for panel in made for series in panel.series}
    head, top = legend(sorted(looks, key=lambda look: (look.number is None, look.number)))
    columns = min(axes.columns, len(made))
    left, gap, high, above, below = 50.0, 16.0, 118.0, 48.0, 62.0
    wide = (WIDTH - left - 8 - gap * (columns - 1)) / columns if columns > 1 else min(420.0, WIDTH - left - 8)
    x_ticks, y_ticks = _ticks(made, axes)
    drawn = head
    for index, panel in enumerate(made):
        row, column = divmod(index, columns)
        x, y = left + column * (wide + gap), top + above + row * (high + below)
        over_x = Scale(x_ticks.values[0], x_ticks.values[-1], x + 8, x + wide - 8)
        over_y = Scale(y_ticks.values[0], y_ticks.values[-1], y + high, y)
        last = index + columns >= len(made)
        drawn += _heading(panel.title, x, y, wide)
        drawn += _grid(over_x, over_y, (x, wide), x_ticks, y_ticks, written=column == 0)
        if last:
            drawn += svg.words(x + wide / 2, y + high + 33, axes.x, anchor="middle", size=11, kind="faint")
        drawn += _lines(panel, over_x, over_y, x + wide / 2)
    rows = -(-len(made) // columns)
    drawn += svg.words(8, top + 8, axes.y, size=11, kind="faint")
    height = top + above + rows * (high + below) - 22
    return svg.drawing(WIDTH, height, drawn, name=name, title=title, about=about)


def _heading(title: str, x: float, y: float, wide: float) -> str:
    """A panel's title, in two lines if it is long."""
    fits = int(wide / (12 * _LETTER * 1.12))
    if len(title) <= fits:
        return svg.words(x, y - 9, title, kind="strong")
    cut = title.rfind(" ", 0, fits + 1)
    first, rest = (title[:cut], title[cut + 1 :]) if cut > 0 else (title[: fits - 1] + "-", title[fits - 1 :])
    return svg.words(x, y - 23, first, kind="strong") + svg.words(x, y - 9, shorten(rest, fits), kind="strong")


def _ticks(made: Sequence[Panel], axes: Axes) -> tuple[Ticks, Ticks]:
    points = [point for panel in made for series in panel.series for point in series.points]
    bands = [series.band for panel in made for series in panel.series if series.band is not None and series.points]
    heights = [value for point in points for value in (point.y, point.low, point.high) if value is not None]
    y_ticks = ticks_over([*heights, *bands, *(-band for band in bands)], zero=axes.zero, most=4)
    if axes.top is not None:
        y_ticks = Ticks(tuple(value for value in y_ticks.values if value <= axes.top + 1e-9), y_ticks.digits)
    if axes.xs is not None:
        return Ticks(tuple(axes.xs), 0), y_ticks
    return ticks_over([point.x for point in points], most=4), y_ticks


def _grid(
    over_x: Scale, over_y: Scale, span: tuple[float, float], x_ticks: Ticks, y_ticks: Ticks, *, written: bool
) -> str:
    x, wide = span
    drawn = ""
    for value in y_ticks.values:
        drawn += svg.line(x, over_y(value), x + wide, over_y(value), kind="axis" if value == 0 else "grid")
        if written:
            text = y_ticks.text(value)
            drawn += svg.words(x - 6, over_y(value) + 4, text, anchor="end", size=11, kind="faint")
    for value in x_ticks.values:
        text = x_ticks.text(value)
        drawn += svg.words(over_x(value), over_y.start + 16, text, anchor="middle", size=11, kind="faint")
    return drawn


def _lines(panel: Panel, over_x: Scale, over_y: Scale, middle: float) -> str:
    drawn = ""
    count = len(panel.series)
    for series in panel.series:
        if series.band is not None and series.points:
            top, bottom = over_y(series.band), over_y(-series.band)
            start, wide = over_x.start - 8, over_x.end - over_x.start + 16
            drawn += svg.box(start, top, wide, bottom - top, kind=series.look.kind, opacity=0.09)
    for place, series in enumerate(panel.series):
        aside = (place - (count - 1) / 2) * (5 if any(point.low is not None for point in series.points) else 2)
        where = [(over_x(point.x) + aside, over_y(point.y)) for point in series.points]
        for (x, _), point in zip(where, series.points, strict=True):
            if point.low is not None and point.high is not None:
                drawn += svg.line(x, over_y(point.low), x, over_y(point.high), kind=series.look.kind, width=1.2)
        if where:
            drawn += svg.path(where, kind=series.look.kind, width=1.8, dash=series.look.dash)
        if series.look.number is not None:
            drawn += "".join(svg.mark(x, y, series.look.number, kind=series.look.kind, size=3) for x, y in where)
    if not any(series.points for series in panel.series):
        text = shorten(panel.empty, 34)
        drawn += svg.words(middle, (over_y.start + over_y.end) / 2, text, anchor="middle", size=11, kind="faint")
    return drawn


class Dot(NamedTuple):
    """A row of a chart of dots."""

    name: str
    look: Look
    value: float | None
    low: float | None = None
    high: float | None = None
    beside: str = ""
    """Stands to the right."""
    bound: float | None = None
    """Half the width of the region that counts as no difference."""


class Group(NamedTuple):
    """Rows below a heading."""

    name: str
    rows: Sequence[Dot]


class DotAxis(NamedTuple):
    """The axes of a chart of dots."""

    name: str
    shared: bool = True
    """Whether all groups have the same axis; else each has its own, in its own unit."""
    beside: str = ""
    """What stands to the right."""


def dots(name: str, title: str, about: str, groups: Sequence[Group], axis: DotAxis) -> str:
    """Values with their intervals, one below the other."""
    left, right = 250.0, 130.0 if axis.beside else 14.0
    everything = [row for group in groups for row in group.rows]
    common = _over(everything)
    y, drawn = 18.0, ""
    if axis.beside:
        drawn += svg.words(WIDTH - right + 14, y, axis.beside, size=11, kind="faint")
    for number, group in enumerate(groups):
        drawn += svg.words(8, y, shorten(group.name, 70), kind="strong")
        ticks = common if axis.shared else _over(group.rows)
        over = Scale(ticks.values[0], ticks.values[-1], left, WIDTH - right)
        bottom = y + 10 + 22 * len(group.rows)
        written = not axis.shared or number == len(groups) - 1
        drawn += _verticals(over, ticks, y + 10, bottom, written=written)
        for row in group.rows:
            y += 22
            drawn += _dot(row, over, y)
            drawn += svg.words(WIDTH - right + 14, y + 4, row.beside, size=11) if row.beside else ""
        y = bottom + (38 if written else 22)
    drawn += svg.words((left + WIDTH - right) / 2, y - 6, axis.name, anchor="middle", size=11, kind="faint")
    return svg.drawing(WIDTH, y + 4, drawn, name=name, title=title, about=about)


def _over(rows: Sequence[Dot]) -> Ticks:
    values = [value for row in rows for value in (row.value, row.low, row.high) if value is not None]
    bounds = [row.bound for row in rows if row.bound is not None]
    return ticks_over([*values, *bounds, *(-bound for bound in bounds)], zero=True, most=6)


def _verticals(over: Scale, ticks: Ticks, top: float, bottom: float, *, written: bool) -> str:
    drawn = ""
    for value in ticks.values:
        drawn += svg.line(over(value), top, over(value), bottom, kind="axis" if value == 0 else "grid")
        if written:
            drawn += svg.words(over(value), bottom + 14, ticks.text(value), anchor="middle", size=11, kind="faint")
    return drawn


def _dot(row: Dot, over: Scale, y: float) -> str:
    drawn = svg.words(20, y + 4, shorten(row.name, 34))
    if row.bound is not None:
        drawn += svg.box(over(-row.bound), y - 9, over(row.bound) - over(-row.bound), 18, kind="ink", opacity=0.1)
    if row.value is None:
        return drawn + svg.words(over.start + 6, y + 4, "none: see the numbers", size=11, kind="faint")
    if row.low is not None and row.high is not None:
        drawn += svg.line(over(row.low), y, over(row.high), y, kind=row.look.kind, width=2)
    return drawn + svg.mark(over(row.value), y, row.look.number or 0, kind=row.look.kind)


class Bar(NamedTuple):
    """A bar of two parts."""

    name: str
    parts: tuple[float, float]
    text: str


def bars(name: str, title: str, about: str, rows: Sequence[Bar], parts: tuple[str, str]) -> str:
    """Bars of two parts, one below the other."""
    left, right = 250.0, 96.0
    looks = (Look(parts[0], 0), Look(parts[1], 1))
    drawn, y = _keys(looks)
    most = max((sum(row.parts) for row in rows), default=0) or 1
    over = Scale(0, most, 0, WIDTH - left - right)
    for row in rows:
        drawn += svg.words(8, y + 13, shorten(row.name, 36))
        x = left
        for look, part in zip(looks, row.parts, strict=True):
            drawn += svg.box(x, y + 1, over(part), 16, kind=look.kind, opacity=0.9)
            x += over(part)
        drawn += svg.words(x + 6, y + 13, row.text, size=11, kind="faint")
        y += 24
    return svg.drawing(WIDTH, y + 4, drawn, name=name, title=title, about=about)


def _keys(looks: Sequence[Look]) -> tuple[str, float]:
    drawn, x = "", 8.0
    for look in looks:
        drawn += svg.box(x, 5, 12, 12, kind=look.kind, opacity=0.9) + svg.words(x + 18, 15, look.name)
        x += 18 + len(look.name) * 12 * _LETTER + 24
    return drawn, 28.0
