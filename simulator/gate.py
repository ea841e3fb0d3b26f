"""When a fact may be told, worked out from the talk. Law: a gate sees its own role's facts and what was said so far."""

from __future__ import annotations

from confide.agents import SeekerReply
from confide.scenarios import Fact, Reveal
from confide.simulator.state import State


class Gate:
    """Opens the seeker's facts, one by one, as their conditions come to hold. What is open stays open."""

    def __init__(self, facts: tuple[Fact, ...], trust: int | None) -> None:
        """Hold back ``facts``.

        Args:
            facts: the seeker's.
            trust: its trust when the talk opens, 0 to 100; None if it is unknown, which opens nothing.
        """
        self._facts = facts
        self._trust = trust

    def open_at_start(self) -> tuple[str, ...]:
        """Ids of the facts that may be told before anything was said."""
        return tuple(fact.id for fact in self._facts if self._holds(fact, self._trust, frozenset(), frozenset()))

    def open_after(self, state: State, turn: int) -> tuple[str, ...]:
        """Ids of the facts that may be told once ``turn`` was spoken.

        A fact may be told once the facts that it comes ``after`` were declared as told, and it is to be told openly, or
        was asked about, or the seeker's last reply put its trust at the fact's level or more.
        """
        told = frozenset(fact for fact, at in state.told.items() if at <= turn)
        asked = frozenset(fact for fact, at in state.asked.items() if at <= turn)
        trust = self._trust
        for spoke in reversed(state.turns[: turn + 1]):
            if isinstance(spoke.reply, SeekerReply):
                trust = spoke.reply.trust
                break
        return tuple(fact.id for fact in self._facts if self._holds(fact, trust, told, asked))

    def _holds(self, fact: Fact, trust: int | None, told: frozenset[str], asked: frozenset[str]) -> bool:
        if not told.issuperset(fact.after) or fact.reveal is Reveal.NEVER:
            return False
        if fact.reveal is Reveal.WHEN_ASKED:
            return fact.id in asked
        if fact.reveal is Reveal.WHEN_TRUSTING:
            return trust is not None and fact.trust is not None and trust >= fact.trust
        return True
