"""Sections that are made of the conversations alone: strategies, telling, and what all of it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from confide.evaluators.disclosure import Disclosure, Share, disclosure
from confide.evaluators.human import human_figures
from confide.evaluators.profiles import FIFTHS, Profile, profile
from confide.evaluators.report.charts import (
    Axes,
    Dot,
    DotAxis,
    Group,
    Look,
    Panel,
    Point,
    Series,
    dots,
    panels,
)
from confide.evaluators.report.gather import Material
from confide.evaluators.report.parts import (
    Cell,
    Figure,
    Note,
    Num,
    Section,
    Table,
    counted_as,
    of_estimate,
    of_interval,
)
from confide.evaluators.talks import Talk

PEOPLE: Final = "people (ESConv)"
_FIFTHS: Final = tuple(f"fifth {fifth + 1}" for fifth in range(FIFTHS))


def counted(numbers: Sequence[tuple[str, int]], what: str = "conversation") -> str:
    """``partial: 12 conversations; omniscient: 12``."""
    return "; ".join(f"{name}: {counted_as(count, what)}" for name, count in numbers)


def strategies(material: Material, looks: dict[str, Look]) -> Section:
    """What supporters do, when, and what people do."""
    groups: dict[tuple[str, ...], dict[str, list[Talk]]] = {}
    for each in material.runs:
        for arm in each.arms:
            talks = [talked.talk for talked in each.talks.values() if talked.talk.condition == arm]
            groups.setdefault(each.labels, {})[arm] = talks
    parts: list[Figure | Table | Note] = []
    if len(groups) > 1:
        parts.append(Note("The runs have different strategies; each set of strategies has its own figure."))
    for number, (labels, talks_of) in enumerate(groups.items()):
        found = {arm: profile(talks, labels, human_figures()) for arm, talks in talks_of.items()}
        end = f"-{number + 1}" if len(groups) > 1 else ""
        parts += [_by_fifth(found, looks, end), _shares(found, end), _course(found, end)]
    return Section("strategies", "Support strategies", parts)


def _by_fifth(found: dict[str, Profile], looks: dict[str, Look], end: str) -> Figure:
    first = next(iter(found.values()))
    human = human_figures() if first.human_distance is not None else None
    made = []
    rows: list[list[Cell]] = []
    for index, label in enumerate(first.labels):
        series = []
        for arm, each in found.items():
            values = [each.by_fifth[fifth][index] for fifth in range(FIFTHS)]
            points = [Point(fifth + 1, 100 * value) for fifth, value in enumerate(values) if value is not None]
            series.append(Series(looks[arm], points))
            cells = [_percent(value, "no label in this fifth") for value in values]
            rows.append([label, arm, *cells])
        if human is not None:
            people = [human.fifths[fifth][label] for fifth in range(FIFTHS)]
            series.append(Series(Look(PEOPLE, None), [Point(i + 1, 100 * share) for i, share in enumerate(people)]))
            rows.append([label, PEOPLE, *(_percent(share) for share in people)])
        made.append(Panel(label, series, "no labels"))
    title = "Share of each strategy by fifth of the talk"
    about = (
        "For each fifth of the talk, the share of a strategy among all strategies that supporters declared in it, in %."
    )
    about += " The dashed grey line is what people do in ESConv." if human else ""
    lacking = [
        f"{arm}: {each.unlabelled} of {each.supporter_turns} supporter turns without a label"
        for arm, each in found.items()
        if each.unlabelled
    ]
    behind = counted([(arm, each.conversations) for arm, each in found.items()])
    table = Table(f"strategies-by-fifth{end}", f"{title}, %", ("strategy", "arm", *_FIFTHS), rows, 2)
    axes = Axes("fifth of the talk", "share of labels, %", 4, xs=range(1, FIFTHS + 1), top=100)
    drawn = panels(f"fig-strategies{end}", title, about, made, axes)
    return Figure(f"fig-strategies{end}", title, about, drawn, table, "; ".join([behind, *lacking]))


def _percent(value: float | None, why: str | None = None) -> Num:
    return Num(None if value is None else 100 * value, why=why if value is None else None, digits=1)


def _shares(found: dict[str, Profile], end: str) -> Table:
    first = next(iter(found.values()))
    human = human_figures()
    total = sum(human.labels.values())
    rows: list[list[Cell]] = []
    for index, label in enumerate(first.labels):
        cells: list[Cell] = [of_estimate(each.shares[index], 1, 100) for each in found.values()]
        people = _percent(human.labels[label] / total) if first.human_distance else Num(None, why="other labels")
        rows.append([label, *cells, people])
    return Table(
        f"strategies-overall{end}", "Share of each strategy over the whole talk, % [95 % interval over conversations]",
        ("strategy", *found, PEOPLE), rows,
    )  # fmt: skip


def _course(found: dict[str, Profile], end: str) -> Table:
    human = human_figures()
    every = list(found.values())
    rows: list[list[Cell]] = [
        ["conversations", *(each.conversations for each in every), human.conversations],
        ["supporter turns", *(each.supporter_turns for each in every), None],
        ["of these without a label", *(each.unlabelled for each in every), None],
        ["distance to people (Jensen-Shannon, 0 to 1)", *(of_estimate(each.human_distance) for each in every), None],
        ["entropy of strategies, bits", *(of_estimate(each.entropy) for each in every), Num(human.entropy.mean)],
        ["first suggestion, % of the talk", *(of_estimate(each.first_suggestion, 1, 100) for each in every), None],
        ["talks without a suggestion", *(each.no_suggestion for each in every), None],
        ["supporter turns with a question mark, %", *(of_estimate(each.questions, 1, 100) for each in every), None],
        ["words per supporter turn", *(of_estimate(each.supporter_words, 1) for each in every), None],
        ["words per seeker turn", *(of_estimate(each.seeker_words, 1) for each in every), None],
        ["turns per talk", *(of_estimate(each.turns, 1) for each in every), None],
    ]  # fmt: skip
    title = "Course of the talk [95 % interval over conversations]"
    return Table(f"course{end}", title, ("figure", *found, PEOPLE), rows)


def telling(material: Material, looks: dict[str, Look]) -> Section | None:
    """When facts were told, and what was spoken of untold; None where nobody had facts."""
    rows = [row for each in material.runs for row in each.facts]
    if not rows:
        return None
    found = disclosure(rows)
    found.sort(key=lambda each: (material.arms.index(each.condition), each.role.value))
    return Section(
        "telling", "Telling and foreknowledge", [_curves(found, looks), _foreknown(found, looks), _told(found)]
    )


def _curves(found: Sequence[Disclosure], looks: dict[str, Look]) -> Figure:
    title = "Facts told by the end of each fifth of the talk"
    about = (
        "Of all facts of a role, the share that it had told by the end of each fifth of the talk, in %, with 95 % "
        "intervals over conversations."
    )
    made = []
    for role in dict.fromkeys(each.role for each in found):
        series = []
        for each in (one for one in found if one.role is role):
            points = [_point(fifth + 1, share) for fifth, share in enumerate(each.by_fifth) if share.value is not None]
            series.append(Series(looks[each.condition], points))
        made.append(Panel(f"the {role.value}'s facts", series))
    rows = [
        [each.condition, each.role.value, each.conversations, each.told.n, *(_share(share) for share in each.by_fifth)]
        for each in found
    ]
    columns = ("arm", "whose", "conversations", "facts", *_FIFTHS)
    table = Table("telling-by-fifth", f"{title}, %", columns, rows, 2)
    axes = Axes("fifth of the talk", "facts told, %", 2, xs=range(1, FIFTHS + 1), top=100)
    behind = counted([(f"{each.condition}, {each.role.value}", each.told.n) for each in found], "fact")
    return Figure("fig-telling", title, about, panels("fig-telling", title, about, made, axes), table, behind)


def _point(x: float, share: Share) -> Point:
    low, high = (100 * share.interval.low, 100 * share.interval.high) if share.interval else (None, None)
    return Point(x, 100 * (share.value or 0), low, high)


def _share(share: Share) -> Num:
    return of_interval(share.value, share.interval, 1, 100, "nothing to take a share of")


def _foreknown(found: Sequence[Disclosure], looks: dict[str, Look]) -> Figure:
    title = "Foreknowledge: facts spoken of before they were told"
    about = (
        "Of all facts of a role, the share that the other spoke of without having been told, in %, with 95 % intervals "
        "over conversations. Where a condition shows a role nothing of the other's, this can only be a guess. Whether "
        "words state a fact is read by a detector that errs (docs/conditions.md)."
    )
    groups = []
    for role in dict.fromkeys(each.role for each in found):
        rows = []
        for each in (one for one in found if one.role is role):
            point = _point(0, each.foreknown)
            value = None if each.foreknown.value is None else point.y
            rows.append(Dot(each.condition, looks[each.condition], value, point.low, point.high))
        groups.append(Group(f"the {role.value}'s facts, spoken of by the {role.other.value}", rows))
    table = Table(
        "foreknowledge", f"{title}, %", ("arm", "whose", "facts", "spoken of untold"),
        [[each.condition, each.role.value, each.foreknown.n, _share(each.foreknown)] for each in found], 2,
    )  # fmt: skip
    drawn = dots("fig-foreknowledge", title, about, groups, DotAxis("facts spoken of untold, %"))
    behind = counted([(f"{each.condition}, {each.role.value}", each.foreknown.n) for each in found], "fact")
    return Figure("fig-foreknowledge", title, about, drawn, table, behind)


def _told(found: Sequence[Disclosure]) -> Table:
    columns = (
        "arm",
        "whose",
        "facts",
        "told",
        "of these asked for",
        "undeclared",
        "against their rule",
        "median position",
    )
    rows: list[list[Cell]] = [
        [
            each.condition, each.role.value, each.told.n, _share(each.told), _share(each.asked), _share(each.noticed),
            _share(each.against_rule), _percent(each.median_position, "nothing was told"),
        ]
        for each in found
    ]  # fmt: skip
    return Table("telling", "Telling, % [95 % interval over conversations]", columns, rows, 2)
