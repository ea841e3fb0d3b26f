"""Our drawings as PDF, by reportlab, which is an extra: ``pip install 'confide[report]'``.

It knows what :mod:`confide.evaluators.report.svg` draws and nothing else: lines, paths of lines, rectangles, circles,
polygons and texts.
"""

from __future__ import annotations

import io
import re
from typing import Any, Final
from xml.etree import ElementTree

_NAME: Final = "{http://www.w3.org/2000/svg}"
_BESIDE: Final = {"start": "drawString", "middle": "drawCentredString", "end": "drawRightString"}
_SAME: Final = {"\N{MINUS SIGN}": "\N{EN DASH}"}
"""What the font lacks, and what looks like it."""


def has_pdf() -> bool:
    """Whether reportlab is there."""
    try:
        import reportlab.pdfgen.canvas  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


def pdf(drawing: str, title: str) -> tuple[bytes, int]:
    """A drawing as PDF, and how many of its letters the font lacks; they are printed as question marks."""
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    root = ElementTree.fromstring(drawing)  # noqa: S314  (our own drawing, its texts escaped)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(width, height), invariant=1)
    canvas.setTitle(_printable(title)[0])
    lost = 0
    for each in root:
        lost += _draw(canvas, each, height)
    canvas.save()
    return out.getvalue(), lost


def _draw(canvas: Any, each: ElementTree.Element, height: float) -> int:
    tag = each.tag.removeprefix(_NAME)
    number = {name: float(value) for name, value in each.attrib.items() if re.fullmatch(r"-?[\d.]+(e-?\d+)?", value)}
    if tag == "text":
        return _write(canvas, each, number, height)
    canvas.saveState()
    stroke, fill = each.get("stroke"), each.get("fill", "none")
    if stroke:
        canvas.setStrokeColor(_colour(stroke))
        canvas.setLineWidth(number.get("stroke-width", 1))
        if dashes := each.get("stroke-dasharray"):
            canvas.setDash([float(part) for part in dashes.split()])
    if fill != "none":
        canvas.setFillColor(_colour(fill))
        canvas.setFillAlpha(number.get("fill-opacity", 1))
    if tag == "line":
        canvas.line(number["x1"], height - number["y1"], number["x2"], height - number["y2"])
    elif tag == "rect":
        x, y, w, h = (number.get(name, 0.0) for name in ("x", "y", "width", "height"))
        canvas.rect(x, height - y - h, w, h, stroke=0, fill=1)
    elif tag == "circle":
        canvas.circle(number["cx"], height - number["cy"], number["r"], stroke=0, fill=1)
    elif tag in ("path", "polygon"):
        closed = tag == "polygon"
        _follow(canvas, each.get("points" if closed else "d", ""), height, closed=closed)
    canvas.restoreState()
    return 0


def _follow(canvas: Any, where: str, height: float, *, closed: bool) -> None:
    places = [float(part) for part in re.findall(r"-?[\d.]+", where)]
    line = canvas.beginPath()
    for index, (x, y) in enumerate(zip(places[::2], places[1::2], strict=True)):
        (line.lineTo if index else line.moveTo)(x, height - y)
    if closed:
        line.close()
    canvas.drawPath(line, stroke=0 if closed else 1, fill=1 if closed else 0)


def _write(canvas: Any, each: ElementTree.Element, number: dict[str, float], height: float) -> int:
    text, lost = _printable(each.text or "")
    canvas.setFillColor(_colour(each.get("fill", "#000000")))
    canvas.setFont("Helvetica-Bold" if each.get("font-weight") else "Helvetica", number.get("font-size", 12))
    write = getattr(canvas, _BESIDE[each.get("text-anchor", "start")])
    write(number["x"], height - number["y"], text)
    return lost


def _printable(text: str) -> tuple[str, int]:
    for letter, other in _SAME.items():
        text = text.replace(letter, other)
    shown = text.encode("cp1252", "replace").decode("cp1252")
    return shown, sum(one != other for one, other in zip(text, shown, strict=True))


def _colour(name: str) -> Any:
    from reportlab.lib.colors import HexColor  # noqa: PLC0415

    return HexColor(name)
