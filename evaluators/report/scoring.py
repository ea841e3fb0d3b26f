"""Sections about what readers and judges found: scores, scores by length, and how far answers agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from confide.evaluators import derived
from confide.evaluators.readings import ItemFigures, Readings, differences, figures
from confide.evaluators.report.charts import Axes, Look, Panel, Point, Series, panels
from confide.evaluators.report.gather import Judged, Material, RunMaterial
from confide.evaluators.report.parts import Cell, Figure, Note, Num, Section, Table, of_agreement, of_interval
from confide.evaluators.rubric import Level, Scale
from confide.scenarios import Role

BINS: Final = 5
LONG: Final = 24
"""Rows from which on a table is closed at first."""


class _Scored(NamedTuple):
    """One conversation's score, and how long its supporter's words are."""

    arm: str
    words: float
    score: float


class _Read(NamedTuple):
    """A reader, its figures, and the end of its ids."""

    each: RunMaterial
    readings: Readings
    found: list[ItemFigures]
    end: str

    @property
    def name(self) -> str:
        """What the reader is called."""
        run = f"run {self.each.name}: " if self.each.name else ""
        return f"{run}{self.readings.rubric.id}, read by {self.readings.model}"


def _all(material: Material) -> list[_Read]:
    pairs = [(each, readings) for each in material.runs for readings in each.readings]
    return [_Read(each, one, _sorted(each, one), str(place + 1)) for place, (each, one) in enumerate(pairs)]


def _sorted(each: RunMaterial, readings: Readings) -> list[ItemFigures]:
    """The figures, arms in the order in which all of the report has them."""
    items = [item.id for item in readings.rubric.items]
    return sorted(figures(readings), key=lambda one: (items.index(one.item), each.arms.index(one.condition)))


def scores_and_agreement(material: Material, looks: Mapping[str, Look]) -> list[Section]:
    """What readers found, and how far it can be trusted; nothing where nobody read or judged."""
    read = _all(material)
    parts: list[Figure | Table | Note] = []
    for one in read:
        if one.readings.rubric.unit == "conversation":
            parts += _by_length(one, looks)
        parts.append(_items(one))
        parts += _differences(one)
        parts += _trends(one)
    sections = [Section("scores", "Scores, and how long the supporter speaks", parts)] if parts else []
    parts = [part for one in read for part in _agreement(one)]
    judged = [(each, judge) for each in material.runs for judge in each.judged]
    parts += [_verdicts(each, judge, str(place + 1)) for place, (each, judge) in enumerate(judged)]
    return [*sections, Section("agreement", "Agreement", parts)] if parts else sections


def _by_length(one: _Read, looks: Mapping[str, Look]) -> list[Figure]:
    made: list[Panel] = []
    rows: list[list[Cell]] = []
    for item in one.readings.rubric.items:
        if not isinstance(item.answer, Scale | Level):
            continue
        scored = _scored(one.readings, item.id)
        series = []
        for arm in (arm for arm in one.each.arms if any(each.arm == arm for each in scored)):
            points = []
            for place, within in enumerate(_bins([each for each in scored if each.arm == arm])):
                words = float(np.mean([each.words for each in within]))
                score = float(np.mean([each.score for each in within]))
                points.append(Point(words, score))
                rows.append([item.id, arm, place + 1, len(within), Num(words, digits=1), Num(score)])
            series.append(Series(looks[arm], points))
        made.append(Panel(item.id.replace("_", " "), series, "no answer"))
    if not made:
        return []
    title = f"Scores by length: {one.name}"
    about = (
        "Conversations of each arm, ordered by how many words their supporter speaks and cut into fifths; each mark is "
        "a fifth's mean score over its mean words. Readers are known to favour what is longer: compare arms where they "
        "are equally long."
    )
    name = f"fig-length-{one.end}"
    columns = ("item", "arm", "fifth by length", "conversations", "mean words", "mean score")
    table = Table(f"length-{one.end}", title, columns, rows, 2)
    axes = Axes("words of the supporter's", "mean score", 3, zero=False)
    return [Figure(name, title, about, panels(name, title, about, made, axes), table, _counted(one))]


def _counted(one: _Read) -> str:
    missing: dict[str, int] = {}
    for each in one.found:
        for why, count in each.missing.items():
            missing[why] = missing.get(why, 0) + count
    said = f"{len(one.each.talks) - one.readings.unread} conversations read, {one.readings.unread} not yet"
    return said + "".join(f"; {count} answers missing ({why})" for why, count in missing.items())


def _scored(readings: Readings, item: str) -> list[_Scored]:
    """Mean of each conversation's answers about the supporter, with the supporter's words."""
    values: dict[str, list[float]] = {}
    about: dict[str, tuple[str, float]] = {}
    for row in readings.rows:
        value = row.values.get(item)
        if isinstance(value, int | float) and row.role is not Role.SEEKER:
            values.setdefault(row.talk.conversation, []).append(float(value))
            words = float(sum(turn.words for turn in row.talk.turns if turn.role is Role.SUPPORTER))
            about[row.talk.conversation] = (row.talk.condition, words)
    return [_Scored(*about[talk], sum(found) / len(found)) for talk, found in values.items()]


def _bins(scored: Sequence[_Scored]) -> list[list[_Scored]]:
    """Fifths by length; conversations of equal length stay in their order, and empty fifths are left out."""
    ordered = sorted(scored, key=lambda each: each.words)
    edges = [len(ordered) * place // BINS for place in range(BINS + 1)]
    return [ordered[low:high] for low, high in pairwise(edges) if high > low]


def _items(one: _Read) -> Table:
    rows: list[list[Cell]] = []
    for each in one.found:
        lacking = "; ".join(f"{count}: {why}" for why, count in each.missing.items()) or "none"
        lead: list[Cell] = [each.item, each.condition, each.role.value if each.role else "both"]
        tail: list[Cell] = [each.conversations, each.answers, lacking]
        if each.shares is None:
            rows.append([*lead, "mean", of_interval(each.mean, each.interval, why="no answer"), *tail])
        for name, share in (each.shares or {}).items():
            rows.append([*lead, f"{name}, %", Num(100 * share, digits=1), *tail])
    columns = ("item", "arm", "whose", "figure", "found", "conversations", "answers", "missing")
    caption = f"{one.name}: {one.readings.rubric.title} [95 % interval over conversations]"
    return Table(f"scores-{one.end}", caption, columns, rows, 4, folded=len(rows) > LONG)


def _differences(one: _Read) -> list[Table]:
    rows: list[list[Cell]] = []
    for each in differences(one.readings):
        made = each.difference
        equal = of_interval(made.equal, made.equal_interval, why=made.reason)
        raw = of_interval(made.raw, made.raw_interval, why="no pair")
        rows.append([each.item, f"{each.one} less {each.other}", made.pairs, made.left_out, raw, equal])
    columns = ("item", "difference", "pairs", "left out", "as it is", "at equal length")
    caption = f"{one.name}: differences within pair keys [95 % interval over pair keys]"
    return [Table(f"differences-{one.end}", caption, columns, rows, 2)] if rows else []


def _trends(one: _Read) -> list[Table]:
    readings = one.readings
    items = {item.id for item in readings.rubric.items}
    if readings.rubric.unit != "turn":
        return []
    of = {
        "fits": derived.prompt_to_line, "contradicts": derived.line_to_line, "sounds_like": derived.own_role,
        "distress": derived.observed_distress,
    }  # fmt: skip
    found = [trend for name, made in of.items() if name in items for trend in made(readings)]
    if "distress" in items:
        found += derived.reported_distress(talked.talk for talked in one.each.talks.values())
    found.sort(key=lambda each: (each.measure, one.each.arms.index(each.condition)))
    rows: list[list[Cell]] = [
        [each.measure, each.condition, each.role.value, each.conversations, of_interval(each.overall, each.interval),
         *(Num(value, why=None if value is not None else "no turn") for value in each.by_fifth)]
        for each in found
    ]  # fmt: skip
    columns = ("figure", "arm", "whose", "conversations", "overall", *(f"fifth {place}" for place in range(1, 6)))
    caption = f"{one.name}: over the talk [95 % interval over conversations]"
    return [Table(f"trends-{one.end}", caption, columns, rows, 3)] if rows else []


def _agreement(one: _Read) -> list[Table]:
    tables = []
    rubric = one.readings.rubric
    if any(item.id == "strategies" for item in rubric.items) and rubric.unit == "turn" and rubric.line != "hidden":
        rows: list[list[Cell]] = []
        for each in derived.declared_and_read(one.readings, one.each.labels):
            named = {"first label (Cohen's kappa)": each.kappa, "all labels (Krippendorff's alpha, MASI)": each.alpha}
            for name, found in {**named, **each.by_label}.items():
                rows.append([name, each.condition, found.n, found.missing, of_agreement(found)])
        columns = ("strategy", "arm", "turns", "left out", "agreement")
        caption = f"{one.name}: declared against read (single strategies: Cohen's kappa of its being named)"
        tables.append(Table(f"declared-{one.end}", caption, columns, rows, 2, folded=len(rows) > LONG))
    repeated = [each for each in one.found if each.repeats is not None]
    if repeated:
        rows = [
            [each.item, each.condition, each.role.value if each.role else "both", each.repeats.n, each.repeats.missing,
             of_agreement(each.repeats)]
            for each in repeated
            if each.repeats is not None
        ]  # fmt: skip
        heads = ("item", "arm", "whose", "units", "left out", "Krippendorff's alpha")
        tables.append(Table(f"repeats-{one.end}", f"{one.name}: agreement of repeats", heads, rows, 3))
    return tables


def _verdicts(each: RunMaterial, judged: Judged, end: str) -> Table:
    rows: list[list[Cell]] = []
    for one in judged.verdicts:
        total = sum(one.counts.values())
        parts = [
            Num(100 * one.counts.get(kind, 0) / total if total else None, digits=1) for kind in ("tie", "inconsistent")
        ]
        first = Num(None if one.first is None else 100 * one.first, digits=1)
        equal = of_interval(one.rate.equal, one.rate.equal_interval, 1, 100, one.rate.reason)
        raw = of_interval(one.rate.raw, one.rate.raw_interval, 1, 100, "no pair")
        rows.append([one.item, one.one, one.other, one.pairs, sum(one.missing.values()), raw, equal, *parts, first])
    columns = ("item", "arm", "over", "pairs", "missing", "wins, %", "at equal length, %", "tie, %", "inconsistent, %",
               "first place, %")  # fmt: skip
    run = f"run {each.name}: " if each.name else ""
    alone = "".join(f"; {count} conversations not compared: {why}" for why, count in judged.alone.items())
    caption = f"{run}{judged.rubric.title}, judged in pairs by {judged.model} [95 % interval over pair keys]{alone}"
    return Table(f"verdicts-{end}", caption, columns, rows, 3)
