"""Outcomes of what was said: words, strategies, distress, facts. Law: what is not there is missing, with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

from confide.evaluators.disclosure import FactTold
from confide.evaluators.human import human_figures
from confide.evaluators.outcomes.names import StrategyShare, TalkFigure, Telling
from confide.evaluators.profiles import FIFTHS
from confide.evaluators.statistics import entropy, js_distance
from confide.evaluators.talks import Talk
from confide.scenarios import Role

SUGGESTION: Final = "Providing Suggestions"
NO_STRATEGY: Final = "no strategy was declared"
PEOPLE: Final = "people spoke: they have no facts to tell and no state of their own report"


class Value(NamedTuple):
    """One outcome of one conversation."""

    value: float | None
    missing: str | None
    """Why there is no value; None if there is one."""


class Strategies(NamedTuple):
    """The supporter's strategies in one talk, each counted once per turn."""

    labels: tuple[str, ...]
    """The taxonomy's, in order."""
    counts: tuple[float, ...]
    """How often each was used."""
    steps: Mapping[tuple[int, int], float]
    """How often one was followed by another; between turns of n and m labels each pair counts 1 / (n m)."""


class Spoken(NamedTuple):
    """A finished conversation, as its outcomes are made of it."""

    talk: Talk
    facts: Sequence[FactTold]
    labels: tuple[str, ...]
    """Its taxonomy's strategies."""
    simulated: bool
    """Whether models spoke."""

    def used(self, fifth: int | None = None) -> list[str]:
        """The supporter's labels, turn by turn: of the whole talk, or of one fifth."""
        total = len(self.talk.turns)
        return [
            label
            for index, turn in enumerate(self.talk.turns)
            if fifth is None or FIFTHS * index // total == fifth
            for label in turn.strategies or ()
        ]


def missing(reason: str) -> Value:
    """No value."""
    return Value(None, reason)


def strategies_of(spoken: Spoken) -> Strategies | None:
    """The strategies of a talk; None where there are none."""
    used = spoken.used()
    if not used:
        return None
    place = {label: index for index, label in enumerate(spoken.labels)}
    turns = [turn.strategies or () for turn in spoken.talk.turns if turn.role is Role.SUPPORTER]
    steps: dict[tuple[int, int], float] = {}
    for one, other in pairwise(turns):
        for a in one:
            for b in other:
                step = (place[a], place[b])
                steps[step] = steps.get(step, 0) + 1 / (len(one) * len(other))
    return Strategies(spoken.labels, tuple(float(used.count(label)) for label in spoken.labels), steps)


def share_value(wanted: StrategyShare, spoken: Spoken) -> Value:
    """The share of one strategy."""
    if wanted.label not in spoken.labels:
        return missing(f"its taxonomy has no '{wanted.label}'")
    used = spoken.used(wanted.fifth)
    if not used:
        return missing(NO_STRATEGY if wanted.fifth is None else f"{NO_STRATEGY} in this fifth")
    return Value(used.count(wanted.label) / len(used), None)


_FACTS: Final[Mapping[str, Callable[[FactTold], bool]]] = MappingProxyType({
    "told": lambda fact: fact.told_at is not None,
    "foreknown": lambda fact: fact.foreknown_at is not None,
    "asked": lambda fact: fact.prompted == "asked",
    "against_rule": lambda fact: fact.against_rule is not None,
})  # fmt: skip


def telling_value(wanted: Telling, spoken: Spoken) -> Value:
    """A share of facts."""
    if not spoken.simulated:
        return missing(PEOPLE)
    among = [fact for fact in spoken.facts if fact.role is wanted.role]
    if not among:
        return missing(f"the {wanted.role} has no facts to tell")
    if wanted.what in ("asked", "against_rule"):  # as confide disclosure has it: shares of what was told
        among = [fact for fact in among if fact.told_at is not None]
        if not among:
            return missing(f"the {wanted.role} told no fact")
    return Value(sum(map(_FACTS[wanted.what], among)) / len(among), None)


def talk_value(wanted: TalkFigure, spoken: Spoken) -> Value:
    """A figure of the talk."""
    parts = wanted.name.split(".")
    if parts[1] == "words":
        return _words(spoken.talk, Role(parts[2]))
    if parts[1] == "distress":
        return _distress(spoken, parts[2])
    return _FIGURES[wanted.name](spoken)


def _turns(spoken: Spoken) -> Value:
    return Value(float(len(spoken.talk.turns)), None)


def _questions(spoken: Spoken) -> Value:
    asks = [turn.asks for turn in spoken.talk.turns if turn.role is Role.SUPPORTER]
    return Value(sum(asks) / len(asks), None) if asks else missing("the supporter said nothing")


def _entropy(spoken: Spoken) -> Value:
    found = strategies_of(spoken)
    return missing(NO_STRATEGY) if found is None else Value(entropy(found.counts), None)


def _words(talk: Talk, role: Role) -> Value:
    words = [turn.words for turn in talk.turns if turn.role is role]
    return Value(sum(words) / len(words), None) if words else missing(f"the {role} said nothing")


def _distress(spoken: Spoken, which: str) -> Value:
    if not spoken.simulated:
        return missing(PEOPLE)
    told = [float(turn.distress) for turn in spoken.talk.turns if turn.distress is not None]
    if not told:
        return missing("the seeker reported no distress")
    if which != "change":
        return Value(told[0] if which == "first" else told[-1], None)
    return Value(told[-1] - told[0], None) if len(told) > 1 else missing("the seeker reported distress once only")


def _first_suggestion(spoken: Spoken) -> Value:
    if SUGGESTION not in spoken.labels:
        return missing(f"its taxonomy has no '{SUGGESTION}'")
    turns = spoken.talk.turns
    first = next((index for index, turn in enumerate(turns) if SUGGESTION in (turn.strategies or ())), None)
    return missing("the supporter suggested nothing") if first is None else Value(first / len(turns), None)


def _human_distance(spoken: Spoken) -> Value:
    found, people = strategies_of(spoken), human_figures().labels
    if found is None:
        return missing(NO_STRATEGY)
    if set(people) != set(found.labels):
        return missing("its strategies are others than ESConv's")
    return Value(js_distance(found.counts, [float(people[label]) for label in found.labels]), None)


_FIGURES: Final[Mapping[str, Callable[[Spoken], Value]]] = MappingProxyType({
    "talk.turns": _turns,
    "talk.questions": _questions,
    "talk.entropy": _entropy,
    "talk.first_suggestion": _first_suggestion,
    "distance.human": _human_distance,
})  # fmt: skip
