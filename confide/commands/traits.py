"""The command ``traits``: what trait plans found in a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from confide.commands import tables
from confide.commands.tables import NONE, between, number, percent, plain, table
from confide.evaluators.statistics import ClusteredMean
from confide.evaluators.traits import Answering, FactorDrift, TraitReport, trait_reports
from confide.evaluators.traits.drift import BAND
from confide.scenarios import ConfideError
from confide.simulator import RunFolder


def traits(path: Path, floor: float | None, *, as_json: bool) -> None:
    """Print what trait plans found in a run."""
    run = RunFolder.open(path)
    reports = trait_reports(run, floor)
    if not reports:
        raise ConfideError(f"{path}: nobody was asked about traits yet: confide score {path} --with traits")
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in reports], ensure_ascii=False, indent=2))
        return
    console = tables.console()
    for report in reports:
        _print(console, report)


def _plain(report: TraitReport) -> dict[str, object]:
    return {
        "plan": report.plan.plan.id,
        "instrument": report.plan.instrument.id,
        "floor": report.floor,
        "floor_of_plan": report.plan.plan.floor,
        "drift": plain(report.drift),
        "answering": plain(report.answering),
        "bias": plain(report.bias),
        "unread": {f"{each.source}.{each.model}": each.unread for each in report.sources},
        "unweighted": {f"{each.source}.{each.model}": each.unweighted for each in report.sources},
        "caveats": _notes(report),
    }


def _print(console: Console, report: TraitReport) -> None:
    plan = report.plan.plan
    console.print(Text(f"\n{plan.id}: {plan.title} ({report.plan.instrument.title})", style="bold"))
    if report.floor != plan.floor:
        words = f"the plan's reliability floor is {plan.floor:.2f}; these figures go down to {report.floor:.2f}"
        console.print(Text(words, style="bold yellow"))
    named = _names(report)
    _print_drift(console, report.drift, named)
    _print_series(console, report.drift, named)
    _print_answering(console, report.answering, named)
    _print_bias(console, report)
    for note in _notes(report):
        console.print(Text(f"note: {note}", style="yellow"))


def _names(report: TraitReport) -> dict[tuple[str, str], str]:
    """What a source is called, by source and model: several observers by their names too."""
    count = Counter(each.source for each in report.sources)
    return {
        (each.source, each.model): each.source if count[each.source] == 1 else f"{each.source} {each.model}"
        for each in report.sources
    }


def _notes(report: TraitReport) -> list[str]:
    notes: list[str] = []
    named = _names(report)
    for each in report.sources:
        name = named[each.source, each.model]
        for why, count in each.unweighted.items():
            notes.append(f"{name}, {count} calls: {why}")
        if each.unread:
            notes.append(f"{name}: {each.unread} conversations not asked to their end; confide score goes on")
        notes += each.caveats
    if not report.profiles:
        notes.append("no profiles were answered for: nothing says how the models err where traits are known")
    return list(dict.fromkeys(notes))


def _interval(found: ClusteredMean | None, digits: int = 2) -> str:
    if found is None or found.mean is None:
        return NONE
    if found.low is None or found.high is None:
        return f"{found.mean:+.{digits}f}"
    return f"{found.mean:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"


def _print_drift(console: Console, rows: Sequence[FactorDrift], named: Mapping[tuple[str, str], str]) -> None:
    left = ["condition", "whose", "source", "factor"]
    title = "drift from the first to the last long form, in points [95 % interval over scenarios and personas]"
    shown = table(title, left, ["start", "end", "drift", "noise", "beyond it, %", "n", "alpha", "omega"])
    beside = table("\nbeside it", left, ["retest, no talk between", "same talk, no persona", "drift less that"])
    for each in rows:
        who = (each.condition, each.role, named[each.source, each.model], each.factor.replace("_", " "))
        sound = [number(each.reliability.alpha), number(each.reliability.omega)]
        cells = [number(each.start), number(each.end), _interval(each.drift), number(each.noise), percent(each.beyond)]
        shown.add_row(*who, *cells, str(each.drift.n), *sound)
        beside.add_row(*who, _interval(each.retest), _interval(each.bare), _interval(each.net))
    console.print(shown)
    if any(each.null is None for each in rows):
        console.print(beside)
    nulls: dict[str, list[str]] = {}
    for each in rows:
        if each.null:
            nulls.setdefault(f"{named[each.source, each.model]}: {each.null}", []).append(each.factor.replace("_", " "))
    for why, factors in nulls.items():
        console.print(Text(f"no scores, {why}: {', '.join(dict.fromkeys(factors))}", style="yellow"), soft_wrap=True)
    lost: dict[str, int] = {}
    for each in rows:
        for why, count in each.missing.items():
            key = f"{each.condition}, {each.role}, {named[each.source, each.model]}: {why}"
            lost[key] = max(lost.get(key, 0), count)
    for why, count in lost.items():
        console.print(Text(f"{count} conversations without a drift: {why}", style="dim"))


def _print_series(console: Console, rows: Sequence[FactorDrift], named: Mapping[tuple[str, str], str]) -> None:
    groups: dict[tuple[str, str, str], list[FactorDrift]] = {}
    for each in rows:
        groups.setdefault((each.condition, each.role, named[each.source, each.model]), []).append(each)
    for (condition, role, source), these in groups.items():
        turns = sorted({step.turn for each in these for step in each.series})
        if not turns:
            continue
        title = f"\n{condition}, {role}, {source}: drift after turn (beyond ± {BAND:.2f} x noise: more than a retest)"
        shown = table(title, ["factor"], [*map(str, turns), "noise"])
        for each in these:
            steps = {step.turn: f"{step.mean:+.2f}" for step in each.series}
            cells = [steps.get(turn, NONE) for turn in turns]
            shown.add_row(each.factor.replace("_", " "), *cells, number(each.noise))
        console.print(shown)


def _print_answering(console: Console, rows: Sequence[Answering], named: Mapping[tuple[str, str], str]) -> None:
    columns = ["times asked", "answered, %", "weighted, %", "acquiescence"]
    shown = table("\nhow it was answered", ["condition", "whose", "source"], columns)
    for each in rows:
        agree = NONE if each.acquiescence is None else f"{each.acquiescence:+.2f}"
        cells = [str(each.administrations), percent(each.valid), percent(each.weighted), agree]
        shown.add_row(each.condition, each.role, named[each.source, each.model], *cells)
    console.print(shown)


def _print_bias(console: Console, report: TraitReport) -> None:
    if not report.bias:
        return
    title = "\nthe models themselves: profile without a persona, and error where traits are known"
    columns = ["for nobody", "profiles", "error", "absolute", "slope", "r", "alpha"]
    shown = table(title, ["model", "answers as", "factor"], columns)
    for each in report.bias:
        cells = [
            number(each.nobody), str(each.profiles), between(each.error, each.interval), number(each.absolute),
            number(each.slope), number(each.correlation), number(each.reliability.alpha),
        ]  # fmt: skip
        shown.add_row(each.model, each.mode, each.factor.replace("_", " "), *cells)
    console.print(shown)
