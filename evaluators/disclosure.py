"""Telling: when each fact was told, how, and whether somebody spoke of it before.

A fact is told when its owner declares it or, undeclared, when its words tell it; whether words tell a fact is read by a
detector whose precision and recall docs/conditions.md gives. Foreknowledge is a role's speaking of a fact of the
other's that it was not told: under ``partial`` it can only be a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from confide.agents import SeekerReply
from confide.evaluators.statistics import Interval, bootstrap_counts
from confide.scenarios import Fact, Reveal, Role
from confide.simulator import AnyEvent, Learned, Noticed, Spoke, Started


class FactTold(NamedTuple):
    """What became of one fact in one conversation."""

    conversation: str
    scenario: str
    condition: str
    pair_key: str
    role: Role
    """Its owner."""
    fact: str
    reveal: Reveal
    turns: int
    """Turns that were spoken in all."""
    told_at: int | None
    """Turn in which it was told; None if it was not."""
    how: Literal["declared", "noticed"] | None
    """Whether its owner declared it, or its words told it undeclared."""
    prompted: Literal["asked", "volunteered"] | None
    """Whether the other had asked about it before it was told; None if it was not told."""
    asked_at: int | None
    """Turn in which it was first asked about."""
    foreknown_at: int | None
    """Turn in which the other first spoke of it untold; None if it did not."""
    unsaid: bool
    """Whether it was declared in a turn whose words do not tell it."""
    against_rule: str | None
    """Why it should not have been told when it was; None if it might, or was not told."""


def facts_told(events: Sequence[AnyEvent]) -> tuple[FactTold, ...]:
    """What became of every fact of a conversation; nothing for conversations that people held.

    Args:
        events: its log, from the first event on.
    """
    if not events or not isinstance(events[0], Started):
        return ()
    started = events[0]
    heard = _Heard(events)
    turns = sum(isinstance(event, Spoke) for event in events)
    rows = []
    for role in Role:
        for fact in started.scenario.role(role).facts:
            told = heard.told.get(fact.id)
            asked = heard.first.get(("asked", fact.id))
            rows.append(
                FactTold(
                    conversation=started.conversation,
                    scenario=started.scenario.id,
                    condition=started.condition.id,
                    pair_key=started.pair_key,
                    role=role,
                    fact=fact.id,
                    reveal=fact.reveal,
                    turns=turns,
                    told_at=told.turn if told else None,
                    how=None if told is None else "declared" if told.how == "told" else "noticed",
                    prompted=None if told is None else "volunteered" if _later(asked, told.turn) else "asked",
                    asked_at=asked,
                    foreknown_at=heard.first.get(("inferred", fact.id)),
                    unsaid=("unsaid", fact.id) in heard.first,
                    against_rule=None if told is None else heard.against_rule(fact, told.turn, role),
                )
            )
    return tuple(rows)


def _later(asked: int | None, told: int) -> bool:
    return asked is None or asked >= told


class _Heard:
    """What a log says of facts."""

    def __init__(self, events: Sequence[AnyEvent]) -> None:
        self.told: dict[str, Learned] = {}
        self.first: dict[tuple[str, str], int] = {}
        self._trust: dict[int, int] = {}
        for event in events:
            if isinstance(event, Learned):
                self.told.setdefault(event.fact, event)
            elif isinstance(event, Noticed):
                self.first.setdefault((event.what, event.fact), event.turn)
            elif isinstance(event, Spoke) and isinstance(event.reply, SeekerReply) and event.reply.trust is not None:
                self._trust[event.turn] = event.reply.trust

    def against_rule(self, fact: Fact, turn: int, role: Role) -> str | None:
        """Why a fact should not have been told at ``turn``, by its reveal and what must come before it."""
        early = [name for name in fact.after if name not in self.told or self.told[name].turn > turn]
        if early:
            return f"told before {', '.join(early)}"
        if fact.reveal is Reveal.NEVER:
            return "never to be told"
        if fact.reveal is Reveal.WHEN_ASKED and _later(self.first.get(("asked", fact.id)), turn):
            return "not asked about"
        if fact.reveal is Reveal.WHEN_TRUSTING and role is Role.SEEKER and fact.trust is not None:
            trust = self._trust.get(turn)
            if trust is not None and trust < fact.trust:
                return f"told at trust {trust}, below {fact.trust}"
        return None


class Share(NamedTuple):
    """A share of facts, with its uncertainty over conversations."""

    value: float | None
    """0 to 1; None where there is nothing to take a share of."""
    n: int
    """Facts, over all conversations."""
    interval: Interval | None
    """95 % interval by resampling conversations; None with fewer than five."""


class Disclosure(NamedTuple):
    """How one role tells its facts under one condition."""

    condition: str
    role: Role
    conversations: int
    told: Share
    """Of all facts, those that were told."""
    by_fifth: tuple[Share, ...]
    """Of all facts, those that were told by the end of each fifth of the talk: five shares, none below the last."""
    asked: Share
    """Of the facts that were told, those that the other had asked about before."""
    noticed: Share
    """Of the facts that were told, those that were not declared."""
    unsaid: Share
    """Of the facts that were declared or told, those that were declared where the words do not tell them."""
    against_rule: Share
    """Of the facts that were told, those that should not have been told when they were."""
    foreknown: Share
    """Of all facts, those that the other spoke of untold."""
    median_position: float | None
    """Median of the turn of telling over the number of turns, 0 to 1; None if nothing was told."""


def disclosure(rows: Iterable[FactTold], seed: int = 0) -> list[Disclosure]:
    """Telling, by condition and role.

    Args:
        rows: facts of many conversations.
        seed: of the resampling.
    """
    groups: dict[tuple[str, Role], list[FactTold]] = {}
    for row in rows:
        groups.setdefault((row.condition, row.role), []).append(row)
    return [_disclosure(condition, role, found, seed) for (condition, role), found in groups.items()]


def _disclosure(condition: str, role: Role, rows: list[FactTold], seed: int) -> Disclosure:
    talks: dict[str, list[FactTold]] = {}
    for row in rows:
        talks.setdefault(row.conversation, []).append(row)
    kinds = _KINDS + tuple((_told_by(fifth), _any) for fifth in range(5))
    # Of each conversation: facts that are so, and facts that might be, kind by kind. Sums of these are all that a
    # resample needs.
    counts = np.zeros((len(talks), 2 * len(kinds)))
    for line, talk in zip(counts, talks.values(), strict=True):
        for row in talk:
            for place, (of, among) in enumerate(kinds):
                if among(row):
                    line[2 * place] += of(row)
                    line[2 * place + 1] += 1
    intervals = bootstrap_counts(counts, _ratios, seed)
    totals = counts.sum(axis=0)
    found = [
        Share(float(part / whole) if whole else None, int(whole), interval)
        for part, whole, interval in zip(totals[::2], totals[1::2], intervals, strict=True)
    ]
    told, asked, noticed, unsaid, against_rule, foreknown, *by_fifth = found
    positions = [row.told_at / row.turns for row in rows if row.told_at is not None]
    return Disclosure(
        condition=condition,
        role=role,
        conversations=len(talks),
        told=told,
        by_fifth=tuple(by_fifth),
        asked=asked,
        noticed=noticed,
        unsaid=unsaid,
        against_rule=against_rule,
        foreknown=foreknown,
        median_position=median(positions) if positions else None,
    )


_Is = Callable[[FactTold], bool]


def _any(row: FactTold) -> bool:
    del row
    return True


def _was_told(row: FactTold) -> bool:
    return row.told_at is not None


def _told_by(fifth: int) -> _Is:
    return lambda row: row.told_at is not None and 5 * row.told_at // row.turns <= fifth


_KINDS: Final[tuple[tuple[_Is, _Is], ...]] = (
    (_was_told, _any),
    (lambda row: row.prompted == "asked", _was_told),
    (lambda row: row.how == "noticed", _was_told),
    (lambda row: row.unsaid, lambda row: _was_told(row) or row.unsaid),
    (lambda row: row.against_rule is not None, _was_told),
    (lambda row: row.foreknown_at is not None, _any),
)
"""Shares of facts, in the order of :class:`Disclosure`: what is counted, and among which."""


def _ratios(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = sums[:, ::2] / sums[:, 1::2]
    return found
