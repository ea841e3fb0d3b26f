"""Two arms, value by value. Law: every conversation of either arm ends up in a pair or in the count of missing ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class Lack(StrEnum):
    """Why a pair key has no pair."""

    ONLY_ONE = "only in the first arm"
    ONLY_OTHER = "only in the other arm"
    UNFINISHED = "unfinished"
    NO_VALUE = "value missing"


class Observation(NamedTuple, Generic[Value]):
    """What one conversation gave."""

    pair_key: str
    """``scenario/personas/replicate``."""
    value: Value | None
    """None, or NaN, where it is missing."""
    finished: bool = True
    """Whether the conversation came to its end; the value of an unfinished one is not used."""


class Pair(NamedTuple, Generic[Value]):
    """Two conversations that differ in the condition alone."""

    pair_key: str
    scenario: str
    personas: str
    replicate: str
    one: Value
    """The first arm's value."""
    other: Value
    """The other arm's."""


class Unpaired(NamedTuple):
    """A pair key without a pair."""

    pair_key: str
    reason: Lack


class Pairing(NamedTuple, Generic[Value]):
    """What two arms have in common, and what they lack."""

    pairs: tuple[Pair[Value], ...]
    """In order of the pair keys' text."""
    missing: tuple[Unpaired, ...]
    """In the same order."""

    @property
    def counts(self) -> dict[Lack, int]:
        """Pair keys without a pair by reason; every reason is there, with 0 if need be."""
        found = Counter(item.reason for item in self.missing)
        return {reason: found[reason] for reason in Lack}

    @property
    def one(self) -> list[Value]:
        """The first arm's values, one per pair."""
        return [pair.one for pair in self.pairs]

    @property
    def other(self) -> list[Value]:
        """The other arm's values, in the same order."""
        return [pair.other for pair in self.pairs]

    @property
    def clusters(self) -> tuple[list[str], list[str]]:
        """Scenario and personas of each pair: what the other functions call clusters."""
        return [pair.scenario for pair in self.pairs], [pair.personas for pair in self.pairs]


def pair_up(one: Iterable[Observation[Value]], other: Iterable[Observation[Value]]) -> Pairing[Value]:
    """Match the conversations of two arms by their pair keys.

    A key is missing for one reason, the first that holds: in one arm only, unfinished in either arm, without a value
    in either arm.

    Args:
        one: the first arm's conversations; differences are first less other.
        other: the other arm's.

    Raises:
        ValueError: a pair key stands twice in an arm, or is not ``scenario/personas/replicate``.
    """
    left, right = _by_key(one, "first"), _by_key(other, "other")
    pairs, missing = [], []
    for key in sorted(left.keys() | right.keys()):
        lack = _lack(left.get(key), right.get(key))
        if lack:
            missing.append(Unpaired(key, lack))
            continue
        a, b = left[key].value, right[key].value
        if a is not None and b is not None:
            pairs.append(Pair(key, *_parts(key), a, b))
    return Pairing(tuple(pairs), tuple(missing))


def _lack(one: Observation[Value] | None, other: Observation[Value] | None) -> Lack | None:
    if other is None:
        return Lack.ONLY_ONE
    if one is None:
        return Lack.ONLY_OTHER
    if not (one.finished and other.finished):
        return Lack.UNFINISHED
    return Lack.NO_VALUE if _is_missing(one.value) or _is_missing(other.value) else None


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _by_key(arm: Iterable[Observation[Value]], name: str) -> dict[str, Observation[Value]]:
    found: dict[str, Observation[Value]] = {}
    for item in arm:
        if item.pair_key in found:
            raise ValueError(f"{item.pair_key} stands twice in the {name} arm")
        _parts(item.pair_key)
        found[item.pair_key] = item
    return found


def _parts(pair_key: str) -> tuple[str, str, str]:
    """Scenario, personas and replicate. A scenario's id may hold a slash; the other two may not."""
    parts = pair_key.rsplit("/", 2)
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"not scenario/personas/replicate: {pair_key}")
    return parts[0], parts[1], parts[2]
