"""Made-up experiments with known truth, for :mod:`benchmarks.statistics_study`."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.statistics import Design, Spread, simulate_differences

Array = NDArray[np.float64]
LABELS: Final = 8
TURNS: Final = 12


class World(NamedTuple):
    """What the condition does, between clusters."""

    name: str
    scenario: float
    personas: float
    cell: float

    def spread(self) -> Spread:
        """Of differences, in units of the noise of one pair."""
        return Spread(self.scenario, self.personas, self.cell, 1.0)


BOTH: Final = World("random slopes of scenario and personas", 0.4, 0.3, 0.3)
SCENARIO: Final = World("random slopes of scenario only", 0.4, 0.0, 0.0)
PERSONAS: Final = World("random slopes of personas only", 0.0, 0.3, 0.0)
NONE: Final = World("the condition changes nothing for anyone", 0.0, 0.0, 0.0)


class Worlds:
    """Draws experiments of one design."""

    def __init__(self, design: Design, seed: int) -> None:
        """Number the clusters."""
        self.design = design
        self.clusters = design.clusters
        self.scenario, self.personas = (np.array(kind) for kind in design.clusters)
        self.random = np.random.default_rng(seed)
        cells = self.scenario * design.personas + self.personas
        self._levels = {"scenario": self.scenario, "personas": self.personas, "cell": cells}

    def differences(self, world: World, effect: float, draws: int) -> Array:
        """Paired differences, shape draws x pairs."""
        return simulate_differences(self.design, effect, world.spread(), draws, self.random)

    def arms(self, world: World, effect: float, draws: int) -> tuple[Array, Array]:
        """Both arms' outcomes, draws x pairs; conversations of one scenario, or of one persona, are alike in both."""
        baseline = simulate_differences(self.design, 0.0, Spread(0.5, 0.5, 0.3, 0.5), draws, self.random)
        half = self.differences(world, effect, draws) / 2
        return baseline + half, baseline - half

    def counts(self, world: World, shift: float) -> tuple[Array, Array]:
        """Both arms' counts of strategies in one experiment, pairs x labels."""
        base = np.linspace(1, -1, LABELS) + self._vary((LABELS,), 0.4, 0.4, 0.0)
        half = self._halves(world, (LABELS,), shift)
        return self._drawn(base + half), self._drawn(base - half)

    def steps(self, world: World, shift: float) -> tuple[Array, Array]:
        """Both arms' steps from strategy to strategy in one experiment, pairs x labels x labels."""
        base = np.linspace(1, -1, LABELS) + np.eye(LABELS) * 0.8 + self._vary((1, LABELS), 0.4, 0.4, 0.0)
        half = self._halves(world, (LABELS, LABELS), shift)
        return self._walked(base + half), self._walked(base - half)

    def _halves(self, world: World, shape: tuple[int, ...], shift: float) -> Array:
        """Half of what the condition adds to the logits; ``shift`` favours the first label over the last."""
        found = self._vary(shape, world.scenario, world.personas, world.cell) / 2
        found[..., 0] += shift / 2
        found[..., -1] -= shift / 2
        return found

    def _vary(self, shape: tuple[int, ...], *spreads: float) -> Array:
        found = np.zeros((len(self.scenario), *shape))
        for index, spread in zip(self._levels.values(), spreads, strict=True):
            found += spread * self.random.standard_normal((int(index.max()) + 1, *shape))[index]
        return found

    def _drawn(self, logits: Array) -> Array:
        chances = np.exp(logits)
        return self.random.multinomial(TURNS, chances / chances.sum(axis=-1, keepdims=True)).astype(float)

    def _walked(self, logits: Array) -> Array:
        pairs = np.arange(len(logits))
        limits = np.exp(logits).cumsum(axis=-1)
        limits /= limits[..., -1:]
        now = self.random.integers(0, LABELS, len(pairs))
        found = np.zeros((len(pairs), LABELS, LABELS))
        for _ in range(TURNS - 1):
            after = (self.random.random((len(pairs), 1)) > limits[pairs, now]).sum(axis=-1)
            found[pairs, now, after] += 1
            now = after
        return found
