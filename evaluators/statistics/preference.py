"""A model's own preference among strategies (Kang et al., ACL 2024, arXiv 2402.13211).

On conversations that people held, the model says what it would do; what it chooses in place of what the person did is
a comparison that the chosen strategy wins. Preferences are fitted to these comparisons by the Bradley-Terry model.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import networkx as nx
import numpy as np

from confide.evaluators.statistics.agreement import Confusion

_STEPS: Final = 20_000
_CLOSE: Final = 1e-10


class Preference(NamedTuple):
    """How much a model favours each strategy."""

    values: dict[str, float] | None
    """By strategy; they sum to the number of strategies, so that 1 is no preference. None where there is no answer."""
    bias: float | None
    """Standard deviation of the values over the strategies: 0 for a model that favours none."""
    n: float
    """Comparisons: choices that differ from the person's."""
    reason: str | None
    """Why there are no values; None if there are."""


def strategy_preference(matrix: Confusion) -> Preference:
    """Fit Bradley-Terry preferences to a confusion matrix.

    The iteration is Newman's (2023): p_i <- sum_j w_ij p_j / (p_i + p_j) over sum_j w_ji / (p_i + p_j), where w_ij is
    how often the model chose i where the person did j.

    Args:
        matrix: rows are what the model chose, columns what the person did.
    """
    wins = np.array(matrix.counts, dtype=np.float64)
    np.fill_diagonal(wins, 0)
    n = float(wins.sum())
    met = wins.sum(axis=0) + wins.sum(axis=1) > 0
    if not met.any():
        return Preference(None, None, n, "the model chose what the person did throughout: nothing to compare")
    if missing := [label for label, seen in zip(matrix.labels, met, strict=True) if not seen]:
        return Preference(None, None, n, f"nothing to compare for: {', '.join(missing)}")
    graph = nx.from_numpy_array(wins, create_using=nx.DiGraph)
    if not nx.is_strongly_connected(graph):
        # Then a group of strategies never loses to the others, or never wins, and the likelihood has no maximum.
        group = min(nx.strongly_connected_components(graph), key=len)
        names = ", ".join(matrix.labels[index] for index in sorted(group))
        return Preference(None, None, n, f"too few comparisons: always, or never, preferred to the others: {names}")
    p = np.ones(len(wins))
    for _ in range(_STEPS):
        before = p.copy()
        for i in range(len(p)):  # one after the other: all at once, two strategies would swing for ever
            pair = p[i] + p
            p[i] = (wins[i] * p / pair).sum() / (wins[:, i] / pair).sum()
        p *= len(p) / p.sum()
        if np.abs(p - before).max() < _CLOSE:
            break
    values = {label: float(value) for label, value in zip(matrix.labels, p, strict=True)}
    return Preference(values, float(p.std()), n, None)
