"""The analysis of runs, as it was written down before them. Law: what was not written beforehand is exploratory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import combinations
from typing import Final, Literal, NamedTuple

from confide.evaluators.analysis.arms import Side, match
from confide.evaluators.analysis.strategies import StrategyContrast, compare_strategies
from confide.evaluators.analysis.tested import FamilyState, Tested, adjust, compare_sides
from confide.evaluators.outcomes import TalkOutcomes, experiment_of, outcomes_of_runs
from confide.evaluators.summary import HUMAN
from confide.scenarios import ConfideError
from confide.scenarios.experiments import Analysis, Contrast, Outcome
from confide.simulator import EndReason, RunFolder

Written = Literal["before", "after", "nowhere"]
"""When an analysis was written down: before the run, after it, or nowhere, so that it is exploratory."""
EXPLORATORY: Final = "exploratory"
_LONGEST_ID: Final = 60
DEFAULT: Final = tuple(
    Outcome(id=name, of=of, family=EXPLORATORY)
    for name, of in (
        ("turns", "talk.turns"),
        ("words", "talk.words.supporter"),
        ("questions", "talk.questions"),
        ("entropy", "talk.entropy"),
        ("distance", "distance.human"),
        ("distress", "talk.distress.change"),
        ("told", "telling.seeker.told"),
        ("against-rule", "telling.seeker.against_rule"),
        ("foreknown", "telling.seeker.foreknown"),
    )
)
"""What arms are compared by where no experiment says: figures of the log itself, which cost nothing."""


class Plan(NamedTuple):
    """What is analysed."""

    analysis: Analysis
    written: Written


class RunState(NamedTuple):
    """How far a run has come."""

    run: str
    planned: int
    finished: int
    unfinished: int

    @property
    def not_begun(self) -> int:
        """Conversations that were not begun."""
        return max(self.planned - self.finished - self.unfinished, 0)


class ArmState(NamedTuple):
    """What there is of an arm."""

    arm: str
    finished: int
    unfinished: int
    excluded: dict[str, int]
    """Finished conversations that are left out, by why they ended."""


class Analysed(NamedTuple):
    """What an analysis found."""

    plan: Plan
    runs: tuple[RunState, ...]
    arms: tuple[ArmState, ...]
    tests: tuple[Tested, ...]
    """Contrast by contrast, outcome by outcome."""
    families: tuple[FamilyState, ...]
    strategies: tuple[StrategyContrast, ...]
    """One per contrast. They belong to no family: exploratory, whatever was written."""
    notes: tuple[str, ...]
    """What a reader of the figures must know."""


def analyse(
    runs: RunFolder | Sequence[RunFolder],
    analysis: Analysis | None = None,
    *,
    reader: str | None = None,
    mixed: bool = False,
    seed: int = 0,
) -> Analysed:
    """Analyse runs: every contrast by every outcome, and what the contrasts do to strategies.

    Args:
        runs: one run, or several whose conversations are taken together.
        analysis: in place of the one that the runs were begun with; it counts as written after them.
        reader: the model that counts where several read by the same rubric.
        mixed: whether a mixed model is fitted to each outcome too.
        seed: of random permutations.

    Raises:
        ConfideError: a contrast names an arm that is not there, an outcome is unknown, or there is one arm only.
        InputFileError: a log is damaged.
    """
    folders = [runs] if isinstance(runs, RunFolder) else list(runs)
    plan = Plan(analysis, "after") if analysis else plan_of_runs(folders)
    wanted = plan.analysis
    _refer_to_what_there_is(folders, wanted)
    names = list(dict.fromkeys(outcome.of for outcome in wanted.outcomes))
    talks = outcomes_of_runs(folders, names, reader)
    tests: list[Tested] = []
    strategies: list[StrategyContrast] = []
    notes = _notes(folders, wanted)
    for contrast in wanted.contrasts:
        found = match(talks, *_sides(contrast), wanted.exclude_ends)
        if found.within_runs:
            notes.append(f"{contrast.id}: pair keys come up again in several runs; pairs are within runs")
        tests += compare_sides(contrast.id, found, wanted.outcomes, alpha=wanted.alpha, seed=seed, mixed=mixed)
        strategies.append(compare_strategies(contrast.id, found, alpha=wanted.alpha, seed=seed))
    adjusted, families = adjust(tests, wanted.alpha)
    return Analysed(
        plan=plan,
        runs=run_states(folders, talks),
        arms=arm_states(talks, wanted.exclude_ends),
        tests=tuple(adjusted),
        families=tuple(families),
        strategies=tuple(strategies),
        notes=tuple(notes),
    )


def _notes(runs: Sequence[RunFolder], analysis: Analysis) -> list[str]:
    found = []
    if any(each not in (None, analysis) for each in map(_written, runs)):
        found.append("the run was begun with another analysis: without --analysis, that one is used")
    if len({run.record.seed for run in runs}) > 1:
        found.append("the runs have different seeds: pairs across runs share scenario and personas, and not the draws")
    return found


def _written(run: RunFolder) -> Analysis | None:
    """The analysis that a run was begun with."""
    experiment = experiment_of(run)
    return experiment.analysis if experiment else None


def plan_of_runs(runs: Sequence[RunFolder]) -> Plan:
    """The analysis that runs were begun with; else the exploratory one of all pairs of arms.

    Raises:
        ConfideError: they were begun with different ones, or there is one arm only.
    """
    found = [each for each in map(_written, runs) if each]
    if any(each != found[0] for each in found):
        raise ConfideError("the runs were begun with different analyses: analyse them one by one, or give --analysis")
    return Plan(found[0], "before") if found else Plan(exploratory(runs), "nowhere")


def exploratory(runs: Sequence[RunFolder]) -> Analysis:
    """All pairs of conditions, and of casts, by :data:`DEFAULT`.

    Raises:
        ConfideError: there is one arm only.
    """
    known = arms_in(runs)
    contrasts: list[Contrast] = []
    axes: tuple[Literal["condition"], Literal["model"]] = ("condition", "model")
    for axis, names in zip(axes, (known.conditions, known.casts), strict=True):
        for one, other in combinations(names, 2):
            taken = {contrast.id for contrast in contrasts}
            name = f"{one}-vs-{other}"
            if name in taken or len(name) > _LONGEST_ID:
                name = f"contrast-{len(contrasts) + 1}"
            contrasts.append(Contrast(id=name, axis=axis, one=one, other=other))
    if not contrasts:
        raise ConfideError(
            f"there is one arm only ({', '.join(known.conditions)}), and nothing to compare it with: run another "
            "condition, or compare two runs by confide compare"
        )
    return Analysis(contrasts=tuple(contrasts), outcomes=DEFAULT)


class Arms(NamedTuple):
    """What contrasts may name."""

    conditions: tuple[str, ...]
    casts: tuple[str, ...]
    """None where the runs have one cast."""


def arms_in(runs: Sequence[RunFolder]) -> Arms:
    """The conditions and casts of runs, whether or not their conversations were begun."""
    conditions = [condition.id for run in runs for condition in run.record.conditions]
    conditions += [HUMAN for run in runs if run.record.imported]
    experiments = [experiment for experiment in map(experiment_of, runs) if experiment]
    casts = [cast.id for experiment in experiments for cast in experiment.models]
    several = tuple(dict.fromkeys(casts))
    return Arms(tuple(dict.fromkeys(conditions)), several if len(several) > 1 else ())


def _refer_to_what_there_is(runs: Sequence[RunFolder], analysis: Analysis) -> None:
    for end in analysis.exclude_ends:
        _one_of("exclude_ends", "reason to end", end, [str(reason) for reason in EndReason])
    known = arms_in(runs)
    for contrast in analysis.contrasts:
        there = known.conditions if contrast.axis == "condition" else known.casts
        for name in (contrast.one, contrast.other):
            _one_of(f"contrast '{contrast.id}'", contrast.axis, name, there)


def _one_of(where: str, what: str, given: str, there: Sequence[str]) -> None:
    if given not in there:
        near = get_close_matches(given, there, n=1)
        hint = f", did you mean '{near[0]}'?" if near else ";"
        listed = ", ".join(there) or f"no {what} is told from another in these runs"
        raise ConfideError(f"analysis, {where}: no {what} '{given}'{hint} there are: {listed}")


def _sides(contrast: Contrast) -> tuple[Side, Side]:
    if contrast.axis == "model":
        return Side(contrast.one, cast=contrast.one), Side(contrast.other, cast=contrast.other)
    return Side(contrast.one, condition=contrast.one), Side(contrast.other, condition=contrast.other)


def run_states(runs: Sequence[RunFolder], talks: Sequence[TalkOutcomes]) -> tuple[RunState, ...]:
    """How far each run has come."""
    count = Counter((talk.run, talk.finished) for talk in talks)
    return tuple(
        RunState(run.record.id, run.record.size, count[run.record.id, True], count[run.record.id, False])
        for run in runs
    )


def arm_states(talks: Sequence[TalkOutcomes], excluded: Sequence[str]) -> tuple[ArmState, ...]:
    """What there is of each arm."""
    groups: dict[str, list[TalkOutcomes]] = {}
    for talk in talks:
        groups.setdefault(str(talk.arm), []).append(talk)
    found = []
    for arm, members in groups.items():
        ended = [talk.end for talk in members if talk.finished and talk.end is not None]
        out = Counter(end for end in ended if end in excluded)
        found.append(ArmState(arm, len(ended), len(members) - len(ended), dict(out.most_common())))
    return tuple(found)
