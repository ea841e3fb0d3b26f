"""How often an experiment would find what is there. Law: whatever is assumed about the world, the caller says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics.clustered import Clusters, clustered_errors, fewest_clusters
from confide.evaluators.statistics.student import t_above

Array = NDArray[np.float64]


class Design(NamedTuple):
    """An experiment in which every persona meets every scenario, in both arms."""

    scenarios: int
    personas: int
    replicates: int
    """Pairs of conversations per scenario and personas."""

    @property
    def clusters(self) -> Clusters:
        """Scenario and personas of each pair."""
        cells = self.personas * self.replicates
        scenario = [number // cells for number in range(self.scenarios * cells)]
        return scenario, [number // self.replicates % self.personas for number in range(self.scenarios * cells)]


class Spread(NamedTuple):
    """Standard deviations of the paired differences, in the outcome's unit; effects are normal and independent."""

    scenario: float
    """Of what the condition changes, between scenarios."""
    personas: float
    """Between personas."""
    cell: float
    """Between combinations of scenario and personas, beyond these two."""
    noise: float
    """Between replicates of one combination."""


class Power(NamedTuple):
    """How often a true effect would be found."""

    power: float
    """Share of simulated experiments with p at most alpha, 0 to 1; with no effect, the test's actual size."""
    low: float
    """Lower end of the 95 % interval that the number of simulations allows (Wilson, 1927)."""
    high: float
    """Its upper end."""
    draws: int
    """Simulated experiments."""
    n: int
    """Pairs per experiment."""


def simulate_differences(
    design: Design, effect: float, spread: Spread, draws: int, random: np.random.Generator
) -> Array:
    """Paired differences of many experiments.

    Returns:
        Shape experiments x pairs, in the order of :attr:`Design.clusters`.
    """
    g, h, k = design
    found = effect + spread.noise * random.standard_normal((draws, g, h, k))
    found += spread.scenario * random.standard_normal((draws, g, 1, 1))
    found += spread.personas * random.standard_normal((draws, 1, h, 1))
    found += spread.cell * random.standard_normal((draws, g, h, 1))
    result: Array = found.reshape(draws, -1)
    return result


def clustered_p_values(differences: Array, clusters: Clusters) -> Array:
    """Two-sided p values of no mean difference, as :func:`paired_contrast` gives them, for many experiments at once.

    Args:
        differences: shape experiments x pairs.
        clusters: per kind, each pair's cluster; two clusters or more of each kind.

    Returns:
        Shape experiments.
    """
    errors = clustered_errors(differences, clusters)
    found: Array = 2 * t_above(np.abs(differences.mean(axis=1)) / errors, fewest_clusters(clusters) - 1)
    return found


def simulated_power(
    design: Design, *, effect: float, spread: Spread, draws: int, seed: int, alpha: float = 0.05
) -> Power:
    """The power of the two-way clustered test of a mean difference, by simulation.

    Args:
        design: how many scenarios, personas and replicates.
        effect: the true mean difference, in the outcome's unit.
        spread: how differences vary; from a pilot run, or a range of guesses.
        draws: simulated experiments.
        seed: of the simulation.
        alpha: size of the test.

    Raises:
        ValueError: fewer than two scenarios or personas, no replicate, no draw, or a negative standard deviation.
    """
    if min(design.scenarios, design.personas) < 2 or min(design.replicates, draws) < 1 or min(spread) < 0:
        raise ValueError(f"no such experiment: {design}, {spread}, {draws} draws")
    random = np.random.default_rng(seed)
    clusters = design.clusters
    n = design.scenarios * design.personas * design.replicates
    at_once = max(1, 4_000_000 // n)
    found = 0
    for start in range(0, draws, at_once):
        differences = simulate_differences(design, effect, spread, min(at_once, draws - start), random)
        found += int((clustered_p_values(differences, clusters) <= alpha).sum())
    from scipy.stats import binomtest  # noqa: PLC0415  (loads slowly, and is seldom needed)

    interval = binomtest(found, draws).proportion_ci(method="wilson")
    return Power(found / draws, float(interval.low), float(interval.high), draws, n)
