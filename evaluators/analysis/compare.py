"""Two runs, or two arms of one, beside each other: what differs in their settings, and what in their figures."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from confide.evaluators.analysis.analyse import (
    DEFAULT,
    EXPLORATORY,
    ArmState,
    RunState,
    arm_states,
    arms_in,
    run_states,
)
from confide.evaluators.analysis.arms import Side, match
from confide.evaluators.analysis.settings import Setting, condition_settings, run_settings
from confide.evaluators.analysis.strategies import StrategyContrast, compare_strategies
from confide.evaluators.analysis.tested import Tested, adjust, compare_sides
from confide.evaluators.outcomes import arm_of, outcome_of, outcomes_of_runs
from confide.scenarios import Condition, ConfideError
from confide.scenarios.experiments import Outcome
from confide.simulator import RunFolder

ALPHA = 0.05
EXCLUDED = ("error",)


class Comparison(NamedTuple):
    """Two sides beside each other. Always exploratory."""

    one: Side
    other: Side
    settings: tuple[Setting, ...]
    """What differs in the settings."""
    runs: tuple[RunState, ...]
    arms: tuple[ArmState, ...]
    tests: tuple[Tested, ...]
    """By every outcome, matched by pair key."""
    strategies: StrategyContrast
    notes: tuple[str, ...]
    """What a reader of the figures must know."""


def compare(
    run: RunFolder,
    against: RunFolder | None = None,
    *,
    one: str | None = None,
    other: str | None = None,
    of: Sequence[str] = (),
    reader: str | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two runs, or two arms of one run.

    Args:
        run: the first run.
        against: the other run; None: two arms of the first.
        one: the arm of the first side: a condition, a cast, or ``CONDITION+CAST``. Of two runs by default all arms,
            matched with the other run's arms of the same name, or the only one.
        other: the arm of the other side.
        of: the outcomes; a short list of figures of the log by default.
        reader: the model that counts where several read by the same rubric.
        seed: of random permutations.

    Raises:
        ConfideError: an arm or an outcome is unknown, the two sides are the same, or it is not clear which arms.
        InputFileError: a log is damaged.
    """
    left, right = _two_runs(run, against, one, other) if against else _two_arms(run, one, other)
    for name in of:
        outcome_of(name)
    outcomes = [Outcome(id=f"outcome-{n}", of=name, family=EXPLORATORY) for n, name in enumerate(of, 1)] or DEFAULT
    folders = [run, against] if against else [run]
    names = [outcome.of for outcome in outcomes]
    talks = outcomes_of_runs(folders, names, reader)
    found = match(talks, left, right, EXCLUDED)
    tests, _ = adjust(compare_sides("compared", found, outcomes, alpha=ALPHA, seed=seed, mixed=False), ALPHA)
    settings = run_settings(run, against) if against else ()
    conditions = [_condition(folder, side) for folder, side in ((run, left), (against or run, right))]
    if conditions[0] and conditions[1] and conditions[0] != conditions[1]:
        settings += condition_settings(conditions[0], conditions[1])
    return Comparison(
        left,
        right,
        settings,
        run_states(folders, talks),
        arm_states([talk for talk in talks if left.holds(talk) or right.holds(talk)], EXCLUDED),
        tuple(tests),
        compare_strategies("compared", found, alpha=ALPHA, seed=seed),
        _notes(run, against),
    )


def _two_runs(run: RunFolder, against: RunFolder, one: str | None, other: str | None) -> tuple[Side, Side]:
    if run.record.id == against.record.id:
        raise ConfideError(f"the run '{run.record.id}' is given twice: compare two of its arms by --one and --other")
    if (one is None) != (other is None):
        raise ConfideError("give both --one and --other, or neither")
    if one is None:
        only = [arms_in([folder]).conditions for folder in (run, against)]
        if len(only[0]) == len(only[1]) == 1:  # whatever they are called, these are the two to compare
            one, other = only[0][0], only[1][0]
    sides = []
    for folder, arm in ((run, one), (against, other)):
        name = folder.record.id if one == other or arm is None else f"{folder.record.id} {arm}"
        side = Side(name, run=folder.record.id)
        sides.append(side if arm is None else _selected(side, folder, arm))
    return sides[0], sides[1]


def _two_arms(run: RunFolder, one: str | None, other: str | None) -> tuple[Side, Side]:
    known = arms_in([run]).conditions
    if one is None and other is None and len(known) == 2:
        one, other = known
    if one is None or other is None:
        there = f"{run.path} has the conditions {', '.join(known)}"
        raise ConfideError(f"name another run, or two arms by --one and --other: {there}")
    if one == other:
        raise ConfideError(f"'{one}' would be compared with itself")
    return _selected(Side(one), run, one), _selected(Side(other), run, other)


def _selected(side: Side, run: RunFolder, name: str) -> Side:
    """A side that holds one arm."""
    known = arms_in([run])
    if name in known.casts:
        return side._replace(cast=name)
    arm = arm_of(name)
    if arm.condition not in known.conditions or (arm.cast is not None and arm.cast not in known.casts):
        there = (*known.conditions, *known.casts)
        near = get_close_matches(name, there, n=1)
        hint = f", did you mean '{near[0]}'?" if near else ";"
        raise ConfideError(f"{run.path} has no arm '{name}'{hint} there are: {', '.join(there)}")
    return side._replace(condition=arm.condition, cast=arm.cast)


def _condition(run: RunFolder, side: Side) -> Condition | None:
    return next((each for each in run.record.conditions if each.id == side.condition), None)


def _notes(run: RunFolder, against: RunFolder | None) -> tuple[str, ...]:
    if against and run.record.seed != against.record.seed:
        return ("the runs have different seeds: their pairs share scenario and personas, and not the draws",)
    return ()
