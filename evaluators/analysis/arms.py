"""The two sides of a contrast, conversation by conversation. Law: what has no pair is counted, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from confide.evaluators.outcomes import TalkOutcomes
from confide.evaluators.statistics import Lack, Observation, Pairing, pair_up

Found = TypeVar("Found")


class Side(NamedTuple):
    """Which conversations are one side of a contrast: those that fit all that is set."""

    name: str
    condition: str | None = None
    cast: str | None = None
    run: str | None = None

    def holds(self, talk: TalkOutcomes) -> bool:
        """Whether a conversation is on this side."""
        return (
            self.condition in (None, talk.arm.condition)
            and self.cast in (None, talk.arm.cast)
            and self.run in (None, talk.run)
        )


class Match(NamedTuple):
    """The conversations of two sides, by what they are compared within."""

    names: tuple[str, str]
    """What the sides are called."""
    one: Mapping[str, TalkOutcomes]
    other: Mapping[str, TalkOutcomes]
    excluded: frozenset[str]
    """Conversations that ended for one of these reasons are left out."""
    within_runs: bool
    """Whether pairs are sought within each run, since pair keys come up again in several."""


class Reasoned(NamedTuple, Generic[Found]):
    """A figure of one conversation, or why it is missing."""

    value: Found | None
    missing: str | None


class Matched(NamedTuple, Generic[Found]):
    """The pairs of one figure."""

    pairing: Pairing[Found]
    missing: dict[str, int]
    """Pair keys without a pair, by reason, most frequent first."""


def match(talks: Sequence[TalkOutcomes], one: Side, other: Side, excluded: Collection[str] = ()) -> Match:
    """Sort conversations into the two sides of a contrast.

    What neither side sets must be the same in a pair: conditions are compared within each cast, casts within each
    condition. Pairs of several runs are sought across the runs, unless a pair key comes up again on one side: then each
    run is a batch of its own.

    Args:
        talks: the conversations of all runs.
        one: differences are this side less the other.
        other: the other side.
        excluded: reasons of ending for which a conversation is left out.
    """
    held = [name for name in ("condition", "cast") if getattr(one, name) is None and getattr(other, name) is None]
    sides = [[talk for talk in talks if side.holds(talk)] for side in (one, other)]
    within = any(len({_key(talk, held) for talk in side}) < len(side) for side in sides)
    held = [*held, "run"] if within else held
    left, right = (_by_key(side, held) for side in sides)
    return Match((one.name, other.name), left, right, frozenset(excluded), within)


def pairs_of(found: Match, figure: Callable[[TalkOutcomes], Reasoned[Found]]) -> Matched[Found]:
    """Pair a figure up.

    Args:
        found: the conversations.
        figure: of a finished one that is not excluded.
    """
    one, other = (
        {key: _figure(talk, found.excluded, figure) for key, talk in side.items()} for side in (found.one, found.other)
    )
    pairing = pair_up(_observed(found.one, one), _observed(found.other, other))
    reasons: Counter[str] = Counter()
    for lost in pairing.missing:
        if lost.reason is Lack.ONLY_ONE:
            reasons[f"only in {found.names[0]}"] += 1
        elif lost.reason is Lack.ONLY_OTHER:
            reasons[f"only in {found.names[1]}"] += 1
        else:
            reasons[_why(found.names, one[lost.pair_key].missing, other[lost.pair_key].missing)] += 1
    return Matched(pairing, dict(reasons.most_common()))


def _figure(
    talk: TalkOutcomes, excluded: frozenset[str], figure: Callable[[TalkOutcomes], Reasoned[Found]]
) -> Reasoned[Found]:
    if not talk.finished:
        return Reasoned(None, "unfinished")
    return Reasoned(None, f"excluded: {talk.end}") if talk.end in excluded else figure(talk)


def _observed(talks: Mapping[str, TalkOutcomes], values: Mapping[str, Reasoned[Found]]) -> Iterator[Observation[Found]]:
    for key, talk in talks.items():
        yield Observation(key, values[key].value, talk.finished)


def _why(names: tuple[str, str], one: str | None, other: str | None) -> str:
    """The reason on each side that has one; once where it is the same."""
    if one == other:
        return f"both: {one}"
    return "; ".join(f"{name}: {why}" for name, why in zip(names, (one, other), strict=True) if why)


def _by_key(side: Sequence[TalkOutcomes], held: Collection[str]) -> dict[str, TalkOutcomes]:
    found: dict[str, TalkOutcomes] = {}
    for talk in side:
        key = _key(talk, held)
        found[key if key not in found else f"{key}@{talk.conversation}"] = talk  # none is lost, be it without a pair
    return found


def _key(talk: TalkOutcomes, held: Collection[str]) -> str:
    """The pair key, with what else must be the same in a pair; scenario and personas stay the first two parts."""
    parts = talk.pair_key.rsplit("/", 2)
    if len(parts) != 3 or not all(parts):  # who sets up a talk in Python may call it anything
        parts = [talk.pair_key or "-", "-", "-"]
    also = {"condition": talk.arm.condition, "cast": talk.arm.cast, "run": talk.run}
    same = [also[name] for name in held]
    return "/".join(parts) + "".join(f"@{name}" for name in same if name is not None)
