"""Telling: when each fact was told, how, and whether somebody spoke of it before.

A fact is told when its owner declares it or, undeclared, when its words tell it; whether words tell a fact is read by a
detector whose precision and recall docs/conditions.md gives. Foreknowledge is a role's speaking of a fact of the
other's that it was not told: under ``partial`` it can only be a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Literal, NamedTuple

from confide.agents import SeekerReply
from confide.evaluators.statistics import Interval, bootstrap
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
    whole = list(talks.values())

    def share(of: Callable[[FactTold], bool], among: Callable[[FactTold], bool] = lambda _: True) -> Share:
        def value(sample: Sequence[list[FactTold]]) -> float | None:
            found = [of(row) for talk in sample for row in talk if among(row)]
            return sum(found) / len(found) if found else None

        n = sum(among(row) for row in rows)
        return Share(value(whole), n, bootstrap(whole, value, seed) if n else None)

    def told(row: FactTold) -> bool:
        return row.told_at is not None

    def told_by(fifth: int) -> Callable[[FactTold], bool]:
        return lambda row: row.told_at is not None and 5 * row.told_at // row.turns <= fifth

    positions = [row.told_at / row.turns for row in rows if row.told_at is not None]
    return Disclosure(
        condition=condition,
        role=role,
        conversations=len(whole),
        told=share(told),
        by_fifth=tuple(share(told_by(fifth)) for fifth in range(5)),
        asked=share(lambda row: row.prompted == "asked", told),
        noticed=share(lambda row: row.how == "noticed", told),
        unsaid=share(lambda row: row.unsaid, lambda row: told(row) or row.unsaid),
        against_rule=share(lambda row: row.against_rule is not None, told),
        foreknown=share(lambda row: row.foreknown_at is not None),
        median_position=median(positions) if positions else None,
    )
