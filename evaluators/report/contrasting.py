"""The section about contrasts: what was planned, family by family, and what contrasts do to strategies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from confide.evaluators.analysis import Analysed, FamilyState, StrategyContrast, Tested, analyse
from confide.evaluators.report.charts import Dot, DotAxis, Group, Look, dots
from confide.evaluators.report.parts import Cell, Figure, Note, Num, Section, Table, of_mean, of_p
from confide.evaluators.statistics import Effect
from confide.scenarios import ConfideError
from confide.scenarios.experiments import Contrast
from confide.simulator import RunFolder

_WRITTEN: Final = {
    "before": "The analysis was written down before the run.",
    "after": "The analysis was written down after the run: it is exploratory.",
    "nowhere": (
        "No analysis was written down before the run: these contrasts are of all pairs of arms by figures of the log, "
        "and are exploratory, whatever their p values."
    ),
}


def analysed(runs: Sequence[RunFolder], reader: str | None) -> Analysed | str:
    """What the analysis of the runs found, or why there is none."""
    try:
        return analyse(runs, reader=reader)
    except ConfideError as error:
        return str(error)


def contrasts(found: Analysed | str) -> Section:
    """Contrasts by family."""
    if isinstance(found, str):
        return Section("contrasts", "Contrasts", [Note(f"There are no contrasts: {found}.")])
    parts: list[Figure | Table | Note] = [Note(_WRITTEN[found.plan.written])]
    if len(found.runs) > 1:
        parts.append(Note("Conversations of the runs are taken together: an arm is a condition or a cast of any."))
    parts += [Note(f"{note[:1].upper()}{note[1:]}.") for note in found.notes]
    wanted = found.plan.analysis.contrasts
    looks = {each.id: Look(each.id, number) for number, each in enumerate(wanted)}
    for number, family in enumerate(found.families):
        tests = [test for test in found.tests if test.family == family.family]
        parts += [_forest(family, tests, wanted, looks, str(number + 1)), _effects(family, tests, str(number + 1))]
    parts += _strategies(found.strategies, looks)
    return Section("contrasts", "Contrasts", parts)


def _forest(
    family: FamilyState, tests: Sequence[Tested], wanted: Sequence[Contrast], looks: Mapping[str, Look], end: str
) -> Figure:
    title = f"Differences within pair keys, family {family.family}"
    about = (
        f"Mean paired difference of each outcome, in its own unit, with its 95 % interval over scenarios and personas. "
        f"To the right the p value after Holm over the {family.size} tests of the family (alpha {family.alpha:g}"
        + (f"; {family.missing} of them could not be done and count as tests all the same" if family.missing else "")
        + ")."
    )
    if any(test.bound is not None for test in tests):
        about += " Shaded: differences that were declared to count as none."
    says = "; ".join(f"{each.id}: {each.axis} {each.one} less {each.other}" for each in wanted)
    groups = [
        Group(f"{outcome} ({next(test.of for test in tests if test.outcome == outcome)})",
              [_row(test, looks) for test in tests if test.outcome == outcome])
        for outcome in dict.fromkeys(test.outcome for test in tests)
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            test.outcome, test.contrast, test.pairs, Num(test.figures.mean_one), Num(test.figures.mean_other),
            of_mean(test.figures.difference), of_p(test.figures.p, test.figures.reason),
            of_p(test.adjusted.adjusted, "no p value"), *_alike(test), missing_of(test.missing),
        ]
        for test in tests
    ]  # fmt: skip
    columns = ("outcome", "contrast", "pairs", "mean of one", "of other", "difference", "p", "Holm p", "none within ±",
               "equivalence, Holm p", "pair keys without a pair")  # fmt: skip
    name = f"fig-contrasts-{end}"
    axis = DotAxis("difference, one less other, in the outcome's unit", shared=False, beside="Holm p")
    table = Table(f"contrasts-{end}", title, columns, rows, 2)
    return Figure(name, title, f"{about} {says}.", dots(name, title, about, groups, axis), table, _counted(tests))


def _row(test: Tested, looks: Mapping[str, Look]) -> Dot:
    found = test.figures.difference
    beside = of_p(test.adjusted.adjusted).text
    return Dot(test.contrast, looks[test.contrast], found.mean, found.low, found.high, beside, test.bound)


def _alike(test: Tested) -> list[Cell]:
    if test.bound is None or test.equivalence is None:
        return [Num(None, why="not declared"), Num(None, why="not tested")]
    adjusted = test.equivalent.adjusted if test.equivalent else None
    return [Num(test.bound), of_p(adjusted, test.equivalence.reason or "no p value")]


def missing_of(missing: Mapping[str, int]) -> str:
    """Pair keys without a pair, by reason."""
    return "; ".join(f"{count}: {why}" for why, count in missing.items()) or "none"


def _counted(tests: Sequence[Tested]) -> str:
    said = []
    for contrast in dict.fromkeys(test.contrast for test in tests):
        pairs = [test.pairs for test in tests if test.contrast == contrast]
        lost = [sum(test.missing.values()) for test in tests if test.contrast == contrast]
        span = f"{min(pairs)}" if min(pairs) == max(pairs) else f"{min(pairs)} to {max(pairs)}"
        gone = f"{min(lost)}" if min(lost) == max(lost) else f"{min(lost)} to {max(lost)}"
        said.append(f"{contrast}: {span} pairs, {gone} pair keys without one")
    return "; ".join(said)


def _effects(family: FamilyState, tests: Sequence[Tested], end: str) -> Table:
    rows: list[list[Cell]] = [
        [
            test.outcome, test.contrast, _effect(test.figures.d_z), _effect(test.figures.d_av),
            of_p(test.permutation.p, test.permutation.reason), test.permutation.units, test.swapped,
        ]
        for test in tests
    ]  # fmt: skip
    columns = ("outcome", "contrast", "d_z", "d_av", "p by flipping signs", "units flipped", "what is flipped")
    caption = f"Effect sizes [95 % interval] and permutation tests, family {family.family}"
    return Table(f"effects-{end}", caption, columns, rows, 2, folded=True)


def _effect(found: Effect) -> Num:
    return Num(found.value, found.low, found.high, found.reason, signed=True)


def _strategies(found: Sequence[StrategyContrast], looks: Mapping[str, Look]) -> list[Figure | Table | Note]:
    drawn = [each for each in found if each.pairs]
    if not drawn:
        return []
    title = "Strategies beside one another, by contrast"
    about = (
        "Each strategy's share beside the others' (centred log-ratio), one arm less the other: 0.7 is about twice as "
        "much. 95 % intervals over scenarios and personas; p after Holm over the strategies. Exploratory: these tests "
        "belong to no declared family."
    )
    groups: list[Group] = []
    rows: list[list[Cell]] = []
    for each in drawn:
        dotted = []
        for label, part in each.ratios.parts.items():
            adjusted = each.adjusted[label].adjusted if label in each.adjusted else None
            beside = of_p(adjusted, part.reason)
            mean = part.difference
            look = looks[each.contrast]
            dotted.append(Dot(label, look, mean.mean, mean.low, mean.high, of_p(adjusted).text))
            rows.append([label, each.contrast, each.ratios.n, of_mean(mean, part.reason), beside,
                         part.zeros_one, part.zeros_other])  # fmt: skip
        groups.append(Group(each.contrast, dotted))
    columns = ("strategy", "contrast", "pairs", "log-ratio", "Holm p", "zeros replaced, one", "zeros replaced, other")
    table = Table("strategy-ratios", title, columns, rows, 2)
    axis = DotAxis("difference of centred log-ratios", beside="Holm p")
    chart = dots("fig-strategy-ratios", title, about, groups, axis)
    behind = "; ".join(f"{each.contrast}: {each.pairs} pairs, missing {missing_of(each.missing)}" for each in found)
    return [Figure("fig-strategy-ratios", title, about, chart, table, behind), _tests(found)]


def _tests(found: Sequence[StrategyContrast]) -> Table:
    rows: list[list[Cell]] = [
        [
            each.contrast, each.pairs, Num(each.distribution.statistic, digits=3),
            of_p(each.distribution.p, each.distribution.reason), Num(each.transitions.statistic, digits=3),
            of_p(each.transitions.p, each.transitions.reason), each.swapped,
        ]
        for each in found
    ]  # fmt: skip
    columns = ("contrast", "pairs", "distance of shares", "p", "distance of steps", "p of steps", "what is swapped")
    caption = "Distributions of strategies, and of steps between them: permutation tests, exploratory"
    return Table("strategy-tests", caption, columns, rows, 1)
