"""Strategy profiles: what supporters do, when, and how far that is from what people do.

Laws: a strategy counts once per turn; uncertainty comes from resampling conversations; turns without a label are
counted as unlabelled and enter nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from confide.evaluators.human import HumanFigures
from confide.evaluators.statistics import Interval, bootstrap_counts, entropy, js_distances
from confide.evaluators.talks import Talk
from confide.scenarios import Role

FIFTHS: Final = 5
Array = NDArray[np.float64]


class Estimate(NamedTuple):
    """A figure with its uncertainty over conversations."""

    value: float | None
    """None where there is nothing to count."""
    interval: Interval | None
    """95 % interval; None with fewer than five conversations, or where resamples give no value."""


class Profile(NamedTuple):
    """What the supporters of some conversations do."""

    conversations: int
    labels: tuple[str, ...]
    """The strategies, in the order of all shares."""
    supporter_turns: int
    unlabelled: int
    """Supporter turns without a strategy."""
    shares: tuple[Estimate, ...]
    """Share of each strategy among all labels."""
    by_fifth: tuple[tuple[float | None, ...], ...]
    """The same by fifth of the talk; 5 x labels. Turn i of n is in fifth floor(5 i / n), both roles counted."""
    transitions: nx.DiGraph[str]
    """Strategy to next strategy: ``count`` and ``share`` (of all steps from it). A step between turns of n and m labels
    counts 1 / (n m) for each pair."""
    entropy: Estimate
    """Mean over conversations of the entropy of the strategies, in bits."""
    first_suggestion: Estimate
    """Mean over conversations of the turn of the first suggestion over the number of turns, 0 to 1."""
    no_suggestion: int
    """Conversations without one."""
    questions: Estimate
    """Share of supporter turns with a question mark."""
    seeker_words: Estimate
    """Words per turn of the seeker."""
    supporter_words: Estimate
    """Words per turn of the supporter."""
    supporter_part: Estimate
    """The supporter's share of all words."""
    turns: Estimate
    """Turns per conversation, both roles counted."""
    human_distance: Estimate | None
    """Jensen-Shannon distance of the shares to the human ones, 0 to 1; None where the labels are others."""
    human_distance_by_fifth: tuple[Estimate, ...] | None
    """The same by fifth of the talk."""


_SCALARS: Final = (
    "entropies", "entropy_n", "first", "first_n", "asking", "supporter_turns", "supporter_words", "seeker_turns",
    "seeker_words", "talks", "unlabelled",
)  # fmt: skip


def profile(
    talks: Sequence[Talk],
    labels: Sequence[str],
    human: HumanFigures | None,
    *,
    suggestion: str = "Providing Suggestions",
    seed: int = 0,
) -> Profile:
    """The profile of ``talks``.

    Args:
        talks: the conversations.
        labels: all strategies, in order.
        human: what people do; used where its labels are the same.
        suggestion: the strategy whose first use is looked for.
        seed: of the resampling.

    Raises:
        ValueError: there is no conversation, or a turn has an unknown strategy.
    """
    if not talks:
        raise ValueError("there is no conversation to profile")
    counts = np.stack([_row(talk, labels, suggestion) for talk in talks])
    comparable = human is not None and set(human.labels) == set(labels)
    reference = _reference(human, labels) if human is not None and comparable else None

    def statistic(sums: Array) -> Array:
        return _figures(sums, len(labels), reference)

    values = statistic(counts.sum(axis=0, keepdims=True))[0]
    intervals = bootstrap_counts(counts, statistic, seed)
    found = [
        Estimate(None if np.isnan(value) else float(value), interval)
        for value, interval in zip(values, intervals, strict=True)
    ]
    size = len(labels)
    shares, rest = found[:size], found[size + FIFTHS * size :]
    fifths = [found[size + fifth * size : size + (fifth + 1) * size] for fifth in range(FIFTHS)]
    totals = dict(zip(_SCALARS, counts[:, -len(_SCALARS) :].sum(axis=0), strict=True))
    return Profile(
        conversations=len(talks),
        labels=tuple(labels),
        supporter_turns=int(totals["supporter_turns"]),
        unlabelled=int(totals["unlabelled"]),
        shares=tuple(shares),
        by_fifth=tuple(tuple(each.value for each in fifth) for fifth in fifths),
        transitions=_transitions(talks, labels),
        entropy=rest[0],
        first_suggestion=rest[1],
        no_suggestion=len(talks) - int(totals["first_n"]),
        questions=rest[2],
        seeker_words=rest[3],
        supporter_words=rest[4],
        supporter_part=rest[5],
        turns=rest[6],
        human_distance=rest[7] if reference is not None else None,
        human_distance_by_fifth=tuple(rest[8:]) if reference is not None else None,
    )


def _row(talk: Talk, labels: Sequence[str], suggestion: str) -> Array:
    """Counts of one conversation: labels, labels by fifth, scalars."""
    place = {label: index for index, label in enumerate(labels)}
    uses = np.zeros((FIFTHS, len(labels)))
    scalar = dict.fromkeys(_SCALARS, 0.0)
    scalar["talks"] = 1
    total = len(talk.turns)
    for index, turn in enumerate(talk.turns):
        side = turn.role.value
        scalar[f"{side}_turns"] += 1
        scalar[f"{side}_words"] += turn.words
        if turn.role is not Role.SUPPORTER:
            continue
        scalar["asking"] += turn.asks
        scalar["unlabelled"] += turn.strategies is None
        for label in turn.strategies or ():
            if label not in place:
                raise ValueError(f"'{label}' is none of the strategies: {', '.join(labels)}")
            uses[FIFTHS * index // total, place[label]] += 1
            if label == suggestion and not scalar["first_n"]:
                scalar["first"], scalar["first_n"] = index / total, 1
    if uses.any():
        scalar["entropies"], scalar["entropy_n"] = entropy(uses.sum(axis=0).tolist()), 1
    return np.concatenate([uses.sum(axis=0), uses.ravel(), np.array(list(scalar.values()))])


def _reference(human: HumanFigures, labels: Sequence[str]) -> Array:
    """The human shares: overall, then by fifth; 6 x labels."""
    rows: list[Mapping[str, float]] = [human.labels, *human.fifths]
    found = np.array([[row[label] for label in labels] for row in rows], dtype=np.float64)
    shares: Array = found / found.sum(axis=1, keepdims=True)
    return shares


def _figures(sums: Array, size: int, reference: Array | None) -> Array:
    """From sums, draws x columns, to figures, draws x figures. NaN where there is nothing to divide by."""
    overall, fifths = sums[:, :size], sums[:, size : size + FIFTHS * size].reshape(-1, FIFTHS, size)
    scalar = dict(zip(_SCALARS, sums[:, -len(_SCALARS) :].T, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = overall / overall.sum(axis=1, keepdims=True)
        by_fifth = fifths / fifths.sum(axis=2, keepdims=True)
        words = scalar["seeker_words"] + scalar["supporter_words"]
        columns = [
            scalar["entropies"] / scalar["entropy_n"],
            scalar["first"] / scalar["first_n"],
            scalar["asking"] / scalar["supporter_turns"],
            scalar["seeker_words"] / scalar["seeker_turns"],
            scalar["supporter_words"] / scalar["supporter_turns"],
            scalar["supporter_words"] / words,
            (scalar["seeker_turns"] + scalar["supporter_turns"]) / scalar["talks"],
        ]
        if reference is not None:
            columns.append(js_distances(shares, reference[0]))
            columns += [js_distances(by_fifth[:, fifth], reference[fifth + 1]) for fifth in range(FIFTHS)]
    return np.concatenate([shares, by_fifth.reshape(len(sums), -1), np.stack(columns, axis=1)], axis=1)


def _transitions(talks: Sequence[Talk], labels: Sequence[str]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(labels)
    counts: dict[tuple[str, str], float] = {}
    for talk in talks:
        supported = [turn.strategies for turn in talk.turns if turn.role is Role.SUPPORTER]
        for one, other in pairwise(supported):
            for a in one or ():
                for b in other or ():
                    counts[a, b] = counts.get((a, b), 0) + 1 / (len(one or ()) * len(other or ()))
    out = dict.fromkeys(labels, 0.0)
    for (a, _), count in counts.items():
        out[a] += count
    for (a, b), count in counts.items():
        graph.add_edge(a, b, count=count, share=count / out[a])
    return graph
