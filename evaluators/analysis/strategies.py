"""What a contrast does to the supporter's strategies: their distribution, their order, and each beside the others.

Laws: shares are compared by their ratios, since one can only grow at another's expense; these tests belong to no
declared family and are shown as what they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.evaluators.analysis.arms import Match, Reasoned, pairs_of
from confide.evaluators.analysis.tested import swapping
from confide.evaluators.outcomes import Strategies, TalkOutcomes
from confide.evaluators.outcomes.said import NO_STRATEGY
from confide.evaluators.statistics import (
    Adjusted,
    Composition,
    Permutation,
    composition_contrast,
    holm,
    share_test,
    transition_test,
)

Array = NDArray[np.float64]


class StrategyContrast(NamedTuple):
    """How two sides differ in what supporters do."""

    contrast: str
    pairs: int
    """Pairs of conversations with strategies on both sides."""
    labels: tuple[str, ...]
    """The strategies, in order."""
    one: tuple[float, ...] | None
    """Mean over paired conversations of each strategy's share, on the first side; None without a pair."""
    other: tuple[float, ...] | None
    """The same on the other side."""
    distribution: Permutation
    """Of the same shares: the Jensen-Shannon distance of the pooled ones, 0 to 1."""
    transitions: Permutation
    """Of the same steps from strategy to strategy: the distance of the transition matrices, 0 to 1."""
    swapped: str
    """What is exchanged as a whole in both tests."""
    ratios: Composition
    """Each strategy as a centred log-ratio: 0.7 is about twice as much, beside the others."""
    adjusted: Mapping[str, Adjusted]
    """The p values of the ratios, by Holm's method over the strategies."""
    missing: dict[str, int]
    """Pair keys without a pair, by reason."""


def compare_strategies(contrast: str, found: Match, *, alpha: float, seed: int) -> StrategyContrast:
    """Compare the strategies of two sides.

    Args:
        contrast: its id.
        found: the conversations of its two sides.
        alpha: of the adjusted ratios.
        seed: of random permutations.
    """
    labels = _labels(found)

    def strategies(talk: TalkOutcomes) -> Reasoned[Strategies]:
        if talk.strategies is None:
            return Reasoned(None, NO_STRATEGY)
        if talk.strategies.labels != labels:
            return Reasoned(None, "another taxonomy")
        return Reasoned(talk.strategies, None)

    pairing, missing = pairs_of(found, strategies)
    one, other = _counts(pairing.one, labels), _counts(pairing.other, labels)
    steps = (_steps(pairing.one, labels), _steps(pairing.other, labels))
    how = swapping(pairing.clusters)
    # The smallest share that a conversation could show, the same for both sides, and no more than a fair part.
    most = max([float(len(labels)), 1.0, *one.sum(axis=1), *other.sum(axis=1)])
    ratios = composition_contrast(labels, one, other, pairing.clusters, limit=1 / most)
    return StrategyContrast(
        contrast=contrast,
        pairs=len(pairing.pairs),
        labels=labels,
        one=_shares(one),
        other=_shares(other),
        distribution=share_test(one, other, how.swap, seed, clusters=how.clusters),
        transitions=transition_test(steps[0], steps[1], how.swap, seed, how.clusters),
        swapped=how.words,
        ratios=ratios,
        adjusted=holm({label: part.p for label, part in ratios.parts.items()}, alpha).tests,
        missing=missing,
    )


def _labels(found: Match) -> tuple[str, ...]:
    """The taxonomy of most conversations: strategies of different ones are not mixed."""
    talks = [*found.one.values(), *found.other.values()]
    known = Counter(talk.strategies.labels for talk in talks if talk.strategies)
    return known.most_common(1)[0][0] if known else ()


def _counts(side: Sequence[Strategies], labels: Sequence[str]) -> Array:
    return np.array([each.counts for each in side], dtype=np.float64).reshape(len(side), len(labels))


def _steps(side: Sequence[Strategies], labels: Sequence[str]) -> Array:
    found = np.zeros((len(side), len(labels), len(labels)))
    for index, each in enumerate(side):
        for (a, b), count in each.steps.items():
            found[index, a, b] = count
    return found


def _shares(counts: Array) -> tuple[float, ...] | None:
    if not len(counts):
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    return tuple(float(share) for share in shares.mean(axis=0))
