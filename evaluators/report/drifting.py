"""The section about traits: drift turn by turn beside the noise of a retest, by self-report and by observer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confide.evaluators.report.charts import Axes, Look, Panel, Point, Series, panels
from confide.evaluators.report.gather import Material, RunMaterial
from confide.evaluators.report.parts import Cell, Figure, Note, Num, Section, Table, of_mean
from confide.evaluators.traits import FactorBias, FactorDrift, TraitReport
from confide.evaluators.traits.drift import BAND

_ABOUT = (
    "Mean change since the role's own baseline, in points of the questionnaire, after each turn. The band is {band} "
    "times the spread of a retest without a talk in between: one conversation's change within it is no more than "
    "noise. Means over several conversations vary less than that; their intervals stand in the table of drift."
)


_NO_PROFILES = "No profiles were answered for: nothing says how the models err where traits are known."


def drifts(material: Material, looks: Mapping[str, Look]) -> Section | None:
    """Traits; None where nobody was asked."""
    parts: list[Figure | Table | Note] = []
    number = 0
    for each in material.runs:
        for report in each.traits:
            number += 1
            parts += _plan(each, report, looks, str(number))
    return Section("drift", "Drift of traits", parts) if parts else None


def _plan(each: RunMaterial, report: TraitReport, looks: Mapping[str, Look], end: str) -> list[Figure | Table | Note]:
    whose = f"Run {each.name}. " if each.name else ""
    title = f"{whose}{report.plan.plan.title} ({report.plan.instrument.title})."
    floor = f" Factors whose Cronbach's alpha is below {report.floor:.2f}, or unknown, have no scores."
    if report.floor != report.plan.plan.floor:
        floor += f" The plan's own floor is {report.plan.plan.floor:.2f}."
    parts: list[Figure | Table | Note] = [Note(title + floor)]
    groups: dict[tuple[str, str, str], list[FactorDrift]] = {}
    order = each.arms
    for one in sorted(report.drift, key=lambda one: order.index(one.condition)):
        groups.setdefault((one.source, one.model, one.role.value), []).append(one)
    several = len({(source, model) for source, model, _ in groups}) > len({source for source, _, _ in groups})
    for place, ((source, model, role), rows) in enumerate(groups.items()):
        who = "self-report" if source == "self" else source + (f" {model}" if several else "")
        if any(one.series for one in rows):
            parts.append(_figure(rows, f"The {role}, by {who}", looks, f"{end}-{place + 1}"))
        else:
            parts.append(Note(f"The {role}, by {who}: there is nothing to draw. {_counted(rows)}."))
    parts += [_table(report, end), _noise(report, end)]
    parts += [_bias(report, end)] if report.bias else [Note(_NO_PROFILES)]
    notes = [note for source in report.sources for note in source.unweighted]
    parts += [Note(f"Answers were not weighted by probabilities: {note}.") for note in dict.fromkeys(notes)]
    return parts


def _figure(rows: Sequence[FactorDrift], who: str, looks: Mapping[str, Look], end: str) -> Figure:
    made = []
    for factor in dict.fromkeys(each.factor for each in rows):
        these = [each for each in rows if each.factor == factor]
        series = [
            Series(
                looks[each.condition], [Point(step.turn, step.mean) for step in each.series],
                None if each.noise is None else BAND * each.noise,
            )
            for each in these
        ]  # fmt: skip
        why = next((each.null for each in these if each.null), None)
        made.append(Panel(_spoken(factor), series, _short(why) if why else "no drift"))
    title = f"Drift after each turn. {who}"
    about = _ABOUT.format(band=BAND)
    turns = sorted({step.turn for each in rows for step in each.series})
    numbers: list[list[Cell]] = []
    for each in rows:
        steps = {step.turn: step for step in each.series}
        cells: list[Cell] = [
            Num(steps[turn].mean, signed=True) if turn in steps else Num(None) for turn in turns
        ]  # fmt: skip
        numbers.append([_spoken(each.factor), each.condition, *cells, Num(each.noise, why=each.null)])
    columns = ("factor", "arm", *(f"turn {turn}" for turn in turns), "noise")
    table = Table(f"drift-by-turn-{end}", f"{title}: mean change, and noise", columns, numbers, 2)
    drawn = panels(f"fig-drift-{end}", title, about, made, Axes("turn", "change in points", 3))
    return Figure(f"fig-drift-{end}", title, about, drawn, table, _counted(rows))


def _counted(rows: Sequence[FactorDrift]) -> str:
    """Conversations with a drift, and those without, by reason."""
    found = []
    for condition in dict.fromkeys(each.condition for each in rows):
        these = [each for each in rows if each.condition == condition]
        most = max(each.drift.n for each in these)
        lost: dict[str, int] = {}
        for each in these:
            for why, count in each.missing.items():
                lost[why] = max(lost.get(why, 0), count)
        nulls = [each for each in these if each.null]
        said = f"{condition}: {most} conversations with a drift"
        said += "".join(f", {count} without ({why})" for why, count in lost.items())
        said += f", {len(nulls)} of {len(these)} factors without scores ({nulls[0].null})" if nulls else ""
        found.append(said)
    return "; ".join(found)


def _table(report: TraitReport, end: str) -> Table:
    rows: list[list[Cell]] = [
        [
            each.condition, each.role.value, _source(each), _spoken(each.factor), each.drift.n,
            Num(each.start, why=each.null), Num(each.end),
            of_mean(each.drift, each.null), of_mean(each.net, _no_net(each)),
        ]
        for each in report.drift
    ]  # fmt: skip
    columns = ("arm", "whose", "source", "factor", "n", "start", "end", "drift", "drift less that without a persona")
    caption = "Drift from the first to the last long form, in points [95 % interval over scenarios and personas]"
    return Table(f"drift-{end}", caption, columns, rows, 4, folded=True)


def _no_net(each: FactorDrift) -> str | None:
    return each.null or ("not asked" if each.net is None else None)


def _noise(report: TraitReport, end: str) -> Table:
    rows: list[list[Cell]] = [
        [
            each.condition, each.role.value, _source(each), _spoken(each.factor), of_mean(each.retest, each.null),
            Num(each.noise, why=each.null),
            Num(None if each.beyond is None else 100 * each.beyond, digits=1),
            Num(each.reliability.alpha, why=each.reliability.reason), each.sample,
        ]
        for each in report.drift
    ]  # fmt: skip
    columns = ("arm", "whose", "source", "factor", "retest", "noise", "beyond it, %", "alpha", "alpha found in")
    return Table(f"noise-{end}", "Noise and reliability beside it", columns, rows, 4, folded=True)


def _error(each: FactorBias) -> Num:
    found = each.interval
    return Num(each.error) if found is None else Num(each.error, found.low, found.high)


def _bias(report: TraitReport, end: str) -> Table:
    rows: list[list[Cell]] = [
        [
            each.model, each.mode, _spoken(each.factor), Num(each.nobody), each.profiles,
            _error(each), Num(each.absolute), Num(each.slope), Num(each.correlation),
            Num(each.reliability.alpha, why=each.reliability.reason),
        ]
        for each in report.bias
    ]  # fmt: skip
    columns = ("model", "answers as", "factor", "for nobody", "profiles", "error", "absolute", "slope", "r", "alpha")
    caption = "The models themselves: their profile without a persona, and their error where traits are known"
    return Table(f"bias-{end}", caption, columns, rows, 3, folded=True)


def _source(each: FactorDrift) -> str:
    return each.source if each.source == "self" else f"{each.source} ({each.model})"


def _spoken(factor: str) -> str:
    return factor.replace("_", " ")


def _short(why: str) -> str:
    return f"no scores: {why.partition(' (')[0]}"
