"""Courses: what one role's traits do in each conversation, gathered for the figures of one factor.

Law: a change is made of the items that were asked at both times; a conversation without a baseline has no change.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from confide.evaluators.statistics import ClusteredMean, clustered_mean
from confide.evaluators.traits.instrument import Instrument
from confide.evaluators.traits.results import Point
from confide.evaluators.traits.scores import change, score


class Step(NamedTuple):
    """Drift after one turn."""

    turn: int
    mean: float
    """Mean change since the baseline, by the items asked at both times."""
    n: int
    """Conversations."""


def persona_of(pair_key: str) -> str:
    """Scenario and personas, without the replicate."""
    return pair_key.rpartition("/")[0] or pair_key


def baseline(points: Sequence[Point]) -> Point | None:
    """The baseline: the first long form. None where nothing of it was answered: no later answer stands in for it."""
    asked = [point for point in points if point.turn is not None and point.repeat == 0]
    first = min(asked, key=lambda point: point.turn or 0, default=None)
    return first if first is not None and first.sheet.answers else None


def last_long(points: Sequence[Point], instrument: Instrument) -> Point | None:
    """The last long form."""
    whole = [
        point for point in points
        if point.turn is not None and point.repeat == 0
        and len(point.sheet.answers) + len(point.sheet.missing) == len(instrument.items)
    ]  # fmt: skip
    first = baseline(points)
    last = max(whole, key=lambda point: point.turn or 0, default=None)
    return None if last is None or first is None or last.turn == first.turn else last


def why_nothing(points: Sequence[Point]) -> str:
    """Why there is no baseline."""
    return next((why for point in points for why in point.sheet.missing.values()), "it was not asked")


class Changes:
    """Changes of one factor, one per conversation, with their pair keys."""

    def __init__(self) -> None:
        """None yet."""
        self.values: list[float] = []
        self._keys: list[str] = []

    def add(self, value: float, pair_key: str) -> None:
        """Take a conversation's change."""
        self.values.append(value)
        self._keys.append(pair_key)

    def mean(self) -> ClusteredMean:
        """The mean over conversations, clustered by scenario and by personas: the first two parts of a pair key."""
        parts = [key.rsplit("/", 2) for key in self._keys]
        return clustered_mean(self.values, [[part[0] for part in parts], ["/".join(part[1:2]) for part in parts]])


class Courses:
    """One factor of one role, by one source, over the conversations of one condition."""

    def __init__(self, instrument: Instrument, factor: str) -> None:
        """No conversation yet."""
        self._instrument = instrument
        self._factor = factor
        self.moved, self.again, self.bare, self.net = Changes(), Changes(), Changes(), Changes()
        """Changes from the first to the last long form, to the retest, without a persona, and less these."""
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.missing: Counter[str] = Counter()
        self._noises: list[float] = []
        self._steps: dict[int, list[float]] = {}

    def add(self, points: Sequence[Point], bare: Sequence[Point]) -> None:
        """Take a conversation.

        Args:
            points: where the role was asked.
            bare: where the same model was asked without its persona; empty where it was not.
        """
        first, last = baseline(points), last_long(points, self._instrument)
        if first is None:
            self.missing[why_nothing(points)] += 1
            return
        self._retest(points, first)
        for point in points:
            value = self._change(first, point) if point.repeat == 0 and point.turn != first.turn else None
            if value is not None and point.turn is not None:
                self._steps.setdefault(point.turn, []).append(value)
        found = None if last is None else self._change(first, last)
        if last is None or found is None:
            self.missing["no second long form" if last is None else "too few items were answered"] += 1
            return
        self.moved.add(found, first.talk.pair_key)
        for scores, point in ((self.starts, first), (self.ends, last)):
            value = score(self._instrument, point.sheet, self._factor)
            if value is not None:
                scores.append(value)
        self._beside(found, bare, first.talk.pair_key)

    def _change(self, before: Point, after: Point) -> float | None:
        return change(self._instrument, before.sheet, after.sheet, self._factor)

    def _retest(self, points: Sequence[Point], first: Point) -> None:
        found = [self._change(first, point) for point in points if point.repeat > 0 and point.turn == first.turn]
        values = [value for value in found if value is not None]
        if values:
            self.again.add(sum(values) / len(values), first.talk.pair_key)
            self._noises.append(_root_mean_square(values))

    def _beside(self, found: float, bare: Sequence[Point], pair_key: str) -> None:
        first, last = baseline(bare), last_long(bare, self._instrument)
        other = None if first is None or last is None else self._change(first, last)
        if other is not None:
            self.bare.add(other, pair_key)
            self.net.add(found - other, pair_key)

    @property
    def noise(self) -> float | None:
        """Root mean square over conversations of the change to a retest; None where there was none."""
        return _root_mean_square(self._noises) if self._noises else None

    @property
    def series(self) -> tuple[Step, ...]:
        """Drift turn by turn."""
        return tuple(Step(turn, sum(found) / len(found), len(found)) for turn, found in sorted(self._steps.items()))


def _root_mean_square(values: Sequence[float]) -> float:
    return math.sqrt(sum(value**2 for value in values) / len(values))
