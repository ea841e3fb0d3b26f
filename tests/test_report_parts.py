"""Parts of reports: numbers as they are shown, charts at their limits, LaTeX and CSV."""

import csv
import io
import re
from xml.etree import ElementTree

from confide.evaluators.report import svg as drawing
from confide.evaluators.report.charts import (
    Axes,
    Bar,
    Dot,
    DotAxis,
    Group,
    Look,
    Panel,
    Point,
    Series,
    bars,
    dots,
    panels,
)
from confide.evaluators.report.latex import comma_separated, escape_latex, latex
from confide.evaluators.report.parts import Num, Report, Section, Table
from tests.report_helpers import HOSTILE, checked


def test_latex_and_csv():
    rows = [[HOSTILE, Num(0.5, 0.25, 0.75)], ["=1+1", Num(None, why='none, "alas"')], ["x", 3]]
    table = Table("t", "A & B", ("name_1", "share, %"), rows)
    made = latex(table)
    assert "A \\& B" in made
    assert "name\\_1 & share, \\%" in made
    assert made.count("\\\\") == 4
    assert "0.50 {[}0.25,~0.75{]}" in made
    for letter in "&%#_":
        assert re.search(rf"(?<!\\){letter}", escape_latex(HOSTILE)) is None
    read = list(csv.reader(io.StringIO(comma_separated(table))))
    assert read[0] == ["name_1", "share, %", "share, % (low)", "share, % (high)", "share, % (note)"]
    assert read[1][1:] == ["0.5", "0.25", "0.75", ""]
    assert read[2] == ["'=1+1", "", "", "", 'none, "alas"']
    assert comma_separated(table._replace(rows=[])).count("\n") == 1


def test_missing_numbers_are_dashes_with_their_reason():
    assert Num(None, why="no label").text == "\N{EN DASH} (no label)"
    assert Num(-0.001, signed=True).text == "0.00"
    assert (Num(-1.5).text, Num(0.0002, chance=True, digits=3).text) == ("\N{MINUS SIGN}1.50", "<\xa00.001")
    report = Report(
        "t", "s", [], [Section("a", "A", [Table("b", "c", ("d", "e"), [["f", Num(None, why="why & how")]])])]
    )
    assert '<td class="n missing">\N{EN DASH} (why &amp; how)</td>' in checked(report)


def test_charts_bear_nothing_at_all_one_value_and_long_names():
    look = Look(HOSTILE * 3, 7)
    made = [
        panels("a", HOSTILE, HOSTILE, [Panel(HOSTILE, [Series(look, [], 0.5)])], Axes("x", "y", 3)),
        panels("b", "t", "a", [Panel("p", [Series(look, [Point(3, 0.1)])])] * 5, Axes("x", "y", 2, zero=False)),
        dots("c", "t", "a", [Group(HOSTILE, [Dot(HOSTILE, look, None), Dot("n", look, -1e9, -2e9, 1e-9, "p", 3)])], DotAxis("x", beside="p")),
        dots("d", "t", "a", [], DotAxis("x")),
        bars("e", "t", "a", [Bar("n", (0, 0), "0")], ("one", "two")),
    ]  # fmt: skip
    for each in made:
        ElementTree.fromstring(each)
        assert "nan" not in each
    ticks = drawing.ticks_over([0.013, 0.047])
    assert (ticks.values[0] <= 0.013, ticks.values[-1] >= 0.047, len(ticks.values) < 8) == (True, True, True)
