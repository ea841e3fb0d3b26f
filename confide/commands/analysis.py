"""The commands ``analyse`` and ``compare``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer
from rich.console import Console
from rich.text import Text

from confide.commands import tables
from confide.commands.instruments import write_text
from confide.commands.tables import NONE, number, percent, plain, table
from confide.evaluators.analysis import Analysed, ArmState, RunState, StrategyContrast, Tested
from confide.evaluators.analysis import analyse as analysed
from confide.evaluators.analysis import compare as compared
from confide.evaluators.outcomes import outcomes_of_runs
from confide.evaluators.outcomes.data import outcome_rows
from confide.evaluators.statistics import Adjusted, ClusteredMean, Effect, Permutation
from confide.evaluators.tabular.reading import open_runs
from confide.scenarios import ConfideError, read_yaml
from confide.scenarios.experiments import Analysis, Experiment, find_experiment

EXPLORATORY = "exploratory: nobody wrote down beforehand what would be compared; a finding here asks for another run"


class Wanted(NamedTuple):
    """What is to be compared, and by what."""

    one: str | None
    other: str | None
    outcomes: Sequence[str]
    reader: str | None


def analyse(
    paths: Sequence[Path], file: str | None, reader: str | None, data: Path | None, *, mixed: bool, as_json: bool
) -> None:
    """Print the analysis of runs, and write its data where they are wanted."""
    runs = open_runs(paths)
    found = analysed(runs, read_analysis(file) if file else None, reader=reader, mixed=mixed)
    if data is not None:
        analysis = found.plan.analysis
        talks = outcomes_of_runs(runs, [outcome.of for outcome in analysis.outcomes], reader)
        names = {outcome.id: outcome.of for outcome in analysis.outcomes}
        write_text(data, outcome_rows(talks, names, analysis.exclude_ends))
    if as_json:
        made = _plain(found)
        made["plan"] = {"written": found.plan.written, "analysis": found.plan.analysis.model_dump(mode="json")}
        typer.echo(json.dumps(made, ensure_ascii=False, indent=2))
        return
    console = tables.console()
    _say(console, _first_line(found, file))
    _print_states(console, found.runs, found.arms)
    for contrast in found.plan.analysis.contrasts:
        title = f"\n{contrast.id}: {contrast.one} less {contrast.other}"
        _print_tests(console, title, [test for test in found.tests if test.contrast == contrast.id])
        for strategies in found.strategies:
            if strategies.contrast == contrast.id:
                _print_strategies(console, strategies, (contrast.one, contrast.other))
    for family in found.families:
        undone = f", {family.missing} of them could not be done" if family.missing else ""
        _say(
            console,
            f"family {family.family}: {family.significant} of {family.size} tests significant at {family.alpha:g} "
            f"(Holm){undone}",
        )
    for note in found.notes:
        _say(console, f"note: {note}", "yellow")


def compare(path: Path, against: Path | None, wanted: Wanted, *, as_json: bool) -> None:
    """Print what differs between two runs, or two arms of one."""
    run, *others = open_runs([path, against] if against else [path])
    found = compared(
        run, others[0] if others else None, one=wanted.one, other=wanted.other, of=wanted.outcomes, reader=wanted.reader
    )
    if as_json:
        typer.echo(json.dumps(_plain(found), ensure_ascii=False, indent=2))
        return
    console = tables.console()
    names = (found.one.name, found.other.name)
    _say(console, EXPLORATORY, "bold yellow")
    _print_states(console, found.runs, found.arms)
    shown = table("\nwhat differs in the settings", ["setting", *names], [])
    for setting in found.settings:
        shown.add_row(*map(Text, setting))
    if found.settings:
        console.print(shown)
    else:
        _say(console, "\nno setting differs")
    _print_tests(console, f"\n{names[0]} less {names[1]}", found.tests)
    _print_strategies(console, found.strategies, names)
    for note in found.notes:
        _say(console, f"note: {note}", "yellow")


def read_analysis(name: str) -> Analysis:
    """An analysis from its own file, or from an experiment's.

    Raises:
        InputFileError: the file cannot be read, or does not hold what it should.
        ConfideError: the experiment has no analysis.
    """
    file = find_experiment(name)
    if file is None:
        return read_yaml(Path(name), Analysis)
    found = read_yaml(file, Experiment).analysis
    if found is None:
        raise ConfideError(f"{name}: the experiment has no 'analysis'")
    return found


def _plain(found: Any) -> dict[str, Any]:
    """Everything but the plan, which is no plain data yet."""
    return {name: plain(value) for name, value in found._asdict().items() if name != "plan"}


def _first_line(found: Analysed, file: str | None) -> str:
    if found.plan.written == "before":
        return "analysis as it was written down before the run"
    if found.plan.written == "after":
        return f"analysis written after the run: {file}"
    return EXPLORATORY


def _say(console: Console, words: str, style: str = "") -> None:
    console.print(Text(words, style=style), soft_wrap=True)


def _print_states(console: Console, runs: Sequence[RunState], arms: Sequence[ArmState]) -> None:
    for run in runs:
        rest = [f"{n} {what}" for n, what in ((run.unfinished, "unfinished"), (run.not_begun, "not begun")) if n]
        _say(console, ", ".join([f"{run.run}: {run.finished} of {run.planned} conversations finished", *rest]))
    for arm in arms:
        for end, count in arm.excluded.items():
            _say(console, f"{arm.arm}: {count} of {arm.finished} left out, ended by {end}", "yellow")


def _print_tests(console: Console, title: str, tests: Sequence[Tested]) -> None:
    right = ["one", "other", "difference [95 %]", "d_z", "d_av", "p", "p by swaps", "p in family", "pairs", "missing"]
    shown = table(title, ["outcome", "family"], right)
    for test in tests:
        figures = test.figures
        shown.add_row(
            Text(test.of), Text(test.family), number(figures.mean_one, 3), number(figures.mean_other, 3),
            _interval(figures.difference), _effect(figures.d_z), _effect(figures.d_av), _p(figures.p),
            _p(test.permutation.p), _adjusted(test.adjusted), str(test.pairs), str(sum(test.missing.values())),
        )  # fmt: skip
    console.print(shown)
    _print_equivalence(console, tests)
    _print_reasons(console, tests)
    _print_mixed(console, tests)


def _print_equivalence(console: Console, tests: Sequence[Tested]) -> None:
    bounded = [test for test in tests if test.equivalence is not None]
    if not bounded:
        return
    right = ["bound", "difference [1 - 2 alpha]", "p", "p in family", "no difference that matters"]
    shown = table("\nequivalence: two one-sided tests", ["outcome"], right)
    for test in bounded:
        found = test.equivalence
        if found is None:
            continue
        low, high = number(found.low, 3), number(found.high, 3)
        between = NONE if found.mean is None else f"{found.mean:+.3f} [{low}, {high}]"
        verdict = NONE if test.equivalent is None or test.equivalent.significant is None else "not shown"
        if test.equivalent is not None and test.equivalent.significant:
            verdict = "yes"
        adjusted = NONE if test.equivalent is None else _p(test.equivalent.adjusted)
        shown.add_row(Text(test.of), f"± {test.bound:g}", between, _p(found.p), adjusted, verdict)
    console.print(shown)


def _print_reasons(console: Console, tests: Sequence[Tested]) -> None:
    """Why pairs are missing, why there is no p, and what the permutations exchange: each once."""
    lost: dict[str, list[str]] = {}
    for test in tests:
        for why, count in test.missing.items():
            lost.setdefault(f"{count} without a pair, {why}", []).append(test.of)
        for why in dict.fromkeys(each for each in (test.figures.reason, test.permutation.reason) if each):
            lost.setdefault(f"no p, {why}", []).append(test.of)
    for why, names in lost.items():
        _say(console, f"{why}: {'all outcomes' if len(names) == len(tests) else ', '.join(names)}", "dim")
    for how in dict.fromkeys(test.swapped for test in tests if test.permutation.p is not None):
        _say(console, f"swaps exchange {how} as a whole" if ":" not in how else f"swaps exchange {how}", "dim")


def _print_mixed(console: Console, tests: Sequence[Tested]) -> None:
    fitted = [test for test in tests if test.mixed is not None]
    if not fitted:
        return
    shown = table("\nmixed model", ["outcome"], ["estimate [95 %]", "p", "conversations", "missing", "why not"])
    for test in fitted:
        found = test.mixed
        if found is None:
            continue
        between = NONE
        if found.estimate is not None:
            between = f"{found.estimate:+.3f} [{number(found.low, 3)}, {number(found.high, 3)}]"
        cells = [between, _p(found.p), str(found.n), str(found.missing), found.reason or ""]
        shown.add_row(Text(test.of), *cells)
    console.print(shown)
    for formula in dict.fromkeys(test.mixed.formula for test in fitted if test.mixed):
        code = "outcome is a column of --data, code is 0.5 for the one arm and -0.5 for the other"
        _say(console, f"in R (lme4): {formula}; {code}", "dim")


def _print_strategies(console: Console, found: StrategyContrast, names: tuple[str, str]) -> None:
    if found.one is None or found.other is None:
        for why, count in found.missing.items():
            _say(console, f"strategies: {count} without a pair, {why}", "dim")
        return
    title = f"\nstrategies of {found.pairs} pairs (exploratory): mean share, %, and log-ratio beside the others"
    shown = table(title, ["strategy"], [*names, "log-ratio [95 %]", "p", "p (Holm)"])
    for label, one, other in zip(found.labels, found.one, found.other, strict=True):
        part = found.ratios.parts[label]
        cells = [
            percent(one),
            percent(other),
            _interval(part.difference, 2),
            _p(part.p),
            _adjusted(found.adjusted[label]),
        ]
        shown.add_row(Text(label), *cells)
    console.print(shown)
    _say(console, f"distribution: distance {_permutation(found.distribution)}")
    _say(console, f"steps from strategy to strategy: distance {_permutation(found.transitions)}")


def _permutation(found: Permutation) -> str:
    p = f"p {_p(found.p)}" if found.reason is None else f"no p: {found.reason}"
    return f"{number(found.statistic, 3)}, {p}"


def _interval(found: ClusteredMean, digits: int = 3) -> str:
    if found.mean is None:
        return NONE
    if found.low is None or found.high is None:
        return f"{found.mean:+.{digits}f}"
    return f"{found.mean:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"


def _effect(found: Effect) -> str:
    return NONE if found.value is None else f"{found.value:+.2f}"


def _p(value: float | None) -> str:
    return NONE if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def _adjusted(found: Adjusted) -> str:
    return _p(found.adjusted) + ("*" if found.significant else "")
