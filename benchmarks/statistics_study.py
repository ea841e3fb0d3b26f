"""Do the statistics hold what they say? Intervals, tests and power on made-up experiments whose truth is known.

It is a study and no test: a missed target is shown in the table, and the exit code stays 0.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.spine import PROGRESS, Row, machine, show_rows
from benchmarks.statistics_worlds import BOTH, NONE, PERSONAS, SCENARIO, World, Worlds
from confide.evaluators.statistics import (
    Design,
    cluster_bootstrap,
    clustered_errors,
    composition_contrast,
    equivalence,
    holm,
    mixed_effect,
    paired_contrast,
    share_test,
    sign_flip_test,
    simulated_power,
    transition_test,
)

Array = NDArray[np.float64]
DESIGN: Final = Design(24, 12, 1)
SMALL: Final = Design(12, 8, 1)
"""For the mixed model, which is slow."""
COVERAGE: Final = (0.93, 0.97)
SIZE: Final = (0.03, 0.07)
EFFECT: Final = 0.3
ALPHA: Final = 0.05
BOUND: Final = 0.5
SHIFT: Final = 0.25
NAMES: Final = tuple("abcdefgh")


class Sizes(NamedTuple):
    """Made-up experiments per figure."""

    closed: int = 10_000
    """Where there is a formula for many at once."""
    one_by_one: int = 2000
    """Where the public function is called for each."""
    tables: int = 1500
    """For tests of strategies."""
    mixed: int = 400
    swaps: int = 199
    """Per permutation test."""
    resamples: int = 499


QUICK: Final = Sizes(2000, 200, 100, 20, 99, 199)


class Study:
    """All figures of one table."""

    def __init__(self, sizes: Sizes, seed: int) -> None:
        """Draw nothing yet."""
        self._sizes = sizes
        self._seed = seed

    def rows(self) -> list[Row]:
        """Everything, in the order of the table."""
        parts: list[Callable[[], list[Row]]] = [
            self.coverage,
            self.effect_coverage,
            self.mean_tests,
            self.equivalence_tests,
            self.strategy_tests,
            self.part_tests,
            self.mixed_models,
            self.power,
        ]
        found = []
        for number, part in enumerate(parts):
            start = time.perf_counter()
            self._worlds = Worlds(DESIGN, self._seed + number)
            self._small = Worlds(SMALL, self._seed + number)
            found += part()
            PROGRESS.print(f"{part.__name__}: {time.perf_counter() - start:.0f} s")
        return found

    def coverage(self) -> list[Row]:
        """How often intervals of a mean difference hold the true one."""
        found = []
        for world in (BOTH, SCENARIO, NONE):
            x = self._worlds.differences(world, EFFECT, self._sizes.closed)
            scenario, personas = self._worlds.clusters
            alone = list(range(len(scenario)))
            kinds = {
                "naive paired t": ([alone], len(alone)),
                "clusters of scenario": ([scenario], DESIGN.scenarios),
                "clusters of personas": ([personas], DESIGN.personas),
                "two-way clusters (default)": ([scenario, personas], DESIGN.personas),
            }
            for name, (clusters, size) in kinds.items():
                reach = stats.t.ppf(1 - ALPHA / 2, size - 1) * clustered_errors(x, clusters)
                held = np.abs(x.mean(axis=1) - EFFECT) <= reach
                target = COVERAGE if world is BOTH and "default" in name else None
                found.append(_rate(f"coverage, {world.name}: {name}", held, target))
            held = np.array([self._in_bootstrap(values) for values in x[: self._sizes.one_by_one]])
            name = f"coverage, {world.name}: pigeonhole bootstrap"
            found.append(_rate(name, held, COVERAGE if world is BOTH else None))
        return found

    def _in_bootstrap(self, values: Array) -> bool:
        found = cluster_bootstrap(list(values), self._worlds.clusters, self._seed, self._sizes.resamples)
        return found.low is not None and found.high is not None and found.low <= EFFECT <= found.high

    def effect_coverage(self) -> list[Row]:
        """How often intervals of standardised effects hold the true ones."""
        one, other = self._worlds.arms(BOTH, EFFECT, self._sizes.one_by_one)
        differences = sum(part**2 for part in BOTH.spread())
        arms = 0.5**2 + 0.5**2 + 0.3**2 + 0.5**2 + differences / 4
        truth = EFFECT / np.sqrt([differences, arms])
        held = []
        for a, b in zip(one, other, strict=True):
            contrast = paired_contrast(list(a), list(b), self._worlds.clusters)
            effects = (contrast.d_z, contrast.d_av)
            held.append([_within(e.low, value, e.high) for e, value in zip(effects, truth, strict=True)])
        columns = zip(("d_z", "d_av"), np.array(held).T, strict=True)
        return [_rate(f"coverage, {BOTH.name}: {name}", column, COVERAGE) for name, column in columns]

    def mean_tests(self) -> list[Row]:
        """How often tests of a mean difference reject where there is none."""
        cases = [
            (NONE, "sign flips, pair by pair", None, False, SIZE),
            (SCENARIO, "sign flips by scenario", "scenario", False, SIZE),
            (PERSONAS, "sign flips by personas", "personas", False, SIZE),
            (BOTH, "sign flips by personas, over the two-way error", "personas", True, SIZE),
            (SCENARIO, "sign flips by personas, over the two-way error", "personas", True, SIZE),
            (NONE, "sign flips by personas, over the two-way error", "personas", True, SIZE),
            (BOTH, "sign flips, pair by pair (not meant for this)", None, False, None),
            (BOTH, "sign flips by scenario (not meant for this)", "scenario", False, None),
        ]
        found = []
        x = self._worlds.differences(BOTH, 0.0, self._sizes.closed)
        for name, (clusters, size), target in (
            ("paired contrast, two-way t", (self._worlds.clusters, DESIGN.personas), SIZE),
            ("naive paired t (not meant for this)", ([range(x.shape[1])], x.shape[1]), None),
        ):
            t = np.abs(x.mean(axis=1)) / clustered_errors(x, clusters)
            found.append(_rate(f"type I error, {BOTH.name}: {name}", t > stats.t.ppf(1 - ALPHA / 2, size - 1), target))
        for world, name, swap, scaled, target in cases:
            x = self._worlds.differences(world, 0.0, self._sizes.one_by_one)
            rejected = [self._flips(values, swap, scaled=scaled) for values in x]
            found.append(_rate(f"type I error, {world.name}: {name}", np.array(rejected), target))
        return found

    def _flips(self, values: Array, swap: str | None, *, scaled: bool) -> bool:
        clusters = self._worlds.clusters if scaled else None
        found = sign_flip_test(list(values), self._swap(swap), self._next(), clusters=clusters, draws=self._sizes.swaps)
        return found.p is not None and found.p <= ALPHA

    def equivalence_tests(self) -> list[Row]:
        """How often a mean that lies on a bound is called equivalent."""
        x = self._worlds.differences(BOTH, BOUND, self._sizes.one_by_one)
        return [_rate(f"type I error, {BOTH.name}: equivalence, truth on a bound", self._equivalent(x), SIZE)]

    def _equivalent(self, x: Array) -> NDArray[np.bool_]:
        clusters = self._worlds.clusters
        found = [equivalence(list(values), clusters, lower=-BOUND, upper=BOUND) for values in x]
        return np.array([bool(item.equivalent) for item in found])

    def strategy_tests(self) -> list[Row]:
        """How often tests of strategies reject where conditions do not differ in the mean."""
        cases = [
            (NONE, "swaps pair by pair", None, False, SIZE),
            (SCENARIO, "swaps by scenario", "scenario", False, SIZE),
            (BOTH, "swaps by personas, over the two-way error", "personas", True, SIZE),
            (NONE, "swaps by personas, over the two-way error", "personas", True, SIZE),
            (BOTH, "swaps pair by pair (not meant for this)", None, False, None),
        ]
        found = []
        for what, shares in (("shares", True), ("transitions", False)):
            for world, name, swap, scaled, target in cases:
                rejected = self._tables(world, 0.0, swap, scaled=scaled, shares=shares)
                found.append(_rate(f"type I error, {world.name}: {what}, {name}", rejected, target))
        return found

    def _tables(self, world: World, shift: float, swap: str | None, *, scaled: bool, shares: bool) -> NDArray[np.bool_]:
        worlds, size = self._worlds, self._sizes
        rejected = []
        for _ in range(size.tables):
            one, other = worlds.counts(world, shift) if shares else worlds.steps(world, shift)
            test = share_test if shares else transition_test
            clusters = worlds.clusters if scaled else None
            found = test(one, other, self._swap(swap), self._next(), clusters=clusters, draws=size.swaps)
            rejected.append(found.p is not None and found.p <= ALPHA)
        return np.array(rejected)

    def part_tests(self) -> list[Row]:
        """How often strategy by strategy a difference of log-ratios is found where there is none."""
        parts, families = [], []
        for _ in range(self._sizes.tables):
            one, other = self._worlds.counts(BOTH, 0.0)
            found = composition_contrast(NAMES, one, other, self._worlds.clusters, limit=1 / 12)
            p_values = {name: part.p for name, part in found.parts.items()}
            parts += [p is not None and p <= ALPHA for p in p_values.values()]
            # Nothing is significant after the adjustment that was not before it, and statsmodels takes its time.
            chance = any(p is not None and p <= ALPHA for p in p_values.values())
            families.append(chance and any(test.significant for test in holm(p_values, ALPHA).tests.values()))
        return [
            _rate(f"type I error, {BOTH.name}: log-ratios, per strategy", np.array(parts), SIZE),
            _rate(f"any error in a family of 8, {BOTH.name}: log-ratios, Holm", np.array(families), (0.0, SIZE[1])),
        ]

    def mixed_models(self) -> list[Row]:
        """Coverage and size of the mixed models."""
        found = []
        for slopes in (True, False):
            name = "random slopes" if slopes else "random intercepts only (not meant for this)"
            one, other = self._small.arms(BOTH, 0.0, self._sizes.mixed)
            fits = [self._mixed(a, b, slopes=slopes) for a, b in zip(one, other, strict=True)]
            rejected = [p <= ALPHA for p in fits if p is not None]
            row = _rate(f"type I error, {BOTH.name}, 12 x 8: mixed model, {name}", np.array(rejected), SIZE)
            row = row if slopes else row._replace(target="", met=None)
            lost = len(fits) - len(rejected)
            found.append(row._replace(measured=f"{row.measured}; {lost} did not converge"))
        return found

    def _mixed(self, one: Array, other: Array, *, slopes: bool) -> float | None:
        scenario, personas = ([str(name) for name in kind] * 2 for kind in self._small.clusters)
        condition = ["a"] * len(one) + ["b"] * len(other)
        return mixed_effect([*one, *other], condition, scenario, personas, reference="b", slopes=slopes).p

    def power(self) -> list[Row]:
        """How often what is there is found."""
        size = self._sizes
        told = simulated_power(DESIGN, effect=EFFECT, spread=BOTH.spread(), draws=size.closed, seed=self._seed)
        x = self._worlds.differences(BOTH, EFFECT, size.one_by_one)
        zeros = [0.0] * x.shape[1]
        tested = [paired_contrast(list(values), zeros, self._worlds.clusters).p for values in x]
        flips = [self._flips(values, "personas", scaled=True) for values in x]
        none = self._worlds.differences(BOTH, 0.0, size.one_by_one)
        shares = self._tables(BOTH, SHIFT, "personas", scaled=True, shares=True)
        alike = self._tables(NONE, SHIFT, None, scaled=False, shares=True)
        steps = self._tables(BOTH, SHIFT, "personas", scaled=True, shares=False)
        effect = f"power, {BOTH.name}, effect {EFFECT} of the noise"
        shift = f"odds of the first strategy to the last times {np.exp(2 * SHIFT):.1f}"
        return [
            Row(f"{effect}: as simulated_power says", f"{told.power:.1%} ({told.low:.1%} to {told.high:.1%})"),
            _rate(f"{effect}: paired contrast", np.array([p is not None and p <= ALPHA for p in tested])),
            _rate(f"{effect}: sign flips by personas, over the two-way error", np.array(flips)),
            _rate(f"power, {BOTH.name}, no effect, bounds of {BOUND}: equivalence", self._equivalent(none)),
            _rate(f"power, {BOTH.name}, {shift}: shares, swaps by personas, over the two-way error", shares),
            _rate(f"power, the same for everyone, {shift}: shares, swaps pair by pair", alike),
            _rate(f"power, {BOTH.name}, {shift}: transitions, swaps by personas, over the two-way error", steps),
        ]

    def _swap(self, name: str | None) -> list[int] | None:
        if name is None:
            return None
        kind = self._worlds.scenario if name == "scenario" else self._worlds.personas
        return [int(number) for number in kind]

    def _next(self) -> int:
        return int(self._worlds.random.integers(2**31))


def _rate(what: str, hits: NDArray[np.bool_], target: tuple[float, float] | None = None) -> Row:
    """A share with the interval that the number of experiments allows (Wilson); the share is what the target is for."""
    share = float(np.mean(hits))
    low, high = stats.binomtest(int(np.sum(hits)), len(hits)).proportion_ci(method="wilson")
    measured = f"{share:.1%} ({low:.1%} to {high:.1%}; {len(hits):,})"
    if target is None:
        return Row(what, measured)
    named = f"at most {target[1]:.0%}" if target[0] == 0 else f"{target[0]:.0%} to {target[1]:.0%}"
    return Row(what, measured, named, target[0] <= share <= target[1])


def _within(low: float | None, value: float, high: float | None) -> bool:
    return low is not None and high is not None and low <= value <= high


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics_study", description="Do statistics hold?")
    parser.add_argument("--quick", action="store_true", help="fewer experiments; good for a look, not for a record")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    title = machine()
    start = time.perf_counter()
    rows = Study(QUICK if options.quick else Sizes(), options.seed).rows()
    rows.append(Row("the whole study", f"{time.perf_counter() - start:.0f} s"))
    show_rows(rows, title, markdown=options.markdown)


if __name__ == "__main__":
    main()
