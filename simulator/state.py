"""The state of a conversation: a fold over its events. Law: :meth:`State.after` sees state and event alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from confide.agents import SeekerReply, SupporterReply
from confide.scenarios import Role
from confide.simulator.events import AnyEvent, Called, Ended, Learned, Noticed, Spoke, Started


class State(NamedTuple):
    """Where a conversation stands."""

    seq: int = 0
    """Number of the next event."""
    started: Started | None = None
    """The first event, once there is one."""
    turns: tuple[Spoke, ...] = ()
    """The turns that were spoken."""
    told: Mapping[str, int] = {}
    """Facts that were declared as told, with the turn."""
    heard: Mapping[str, int] = {}
    """Facts that were told without being declared, with the turn."""
    asked: Mapping[str, int] = {}
    """Facts that were asked about, with the turn in which they first were."""
    tokens: int | None = 0
    """Tokens used; None once a call did not report them."""
    ended: Ended | None = None
    """The last event, once there is one."""

    def after(self, event: AnyEvent) -> State:
        """The state after ``event``.

        Raises:
            ValueError: the event is not the next one.
        """
        if event.seq != self.seq:
            raise ValueError(f"event {event.seq} does not follow event {self.seq - 1}")
        _, started, turns, told, heard, asked, tokens, ended = self
        if isinstance(event, Called):
            reported = event.prompt_tokens is not None and event.completion_tokens is not None
            known = tokens is not None and reported
            tokens = (tokens or 0) + (event.prompt_tokens or 0) + (event.completion_tokens or 0) if known else None
        elif isinstance(event, Spoke):
            turns = (*turns, event)
        elif isinstance(event, Learned):
            if event.how == "told":
                told = {**told, event.fact: event.turn}
            else:
                heard = {**heard, event.fact: event.turn}
        elif isinstance(event, Noticed):
            if event.what == "asked" and event.fact not in asked:
                asked = {**asked, event.fact: event.turn}
        elif isinstance(event, Started):
            started = event
        elif isinstance(event, Ended):
            ended = event
        return State(self.seq + 1, started, turns, told, heard, asked, tokens, ended)

    def next_role(self) -> Role:
        """Whose turn it is.

        Raises:
            ValueError: the conversation has not started.
        """
        if self.turns:
            return self.turns[-1].role.other
        if self.started is None:
            raise ValueError("the conversation has not started")
        return self.started.scenario.opens

    def last_reply(self, role: Role) -> SeekerReply | SupporterReply | None:
        """What ``role`` replied last: its private state is in it. None before its first turn."""
        for spoke in reversed(self.turns[-2:]):
            if spoke.role is role:
                return spoke.reply
        return None

    def told_by(self, role: Role) -> tuple[str, ...]:
        """Facts that ``role`` told, in the order in which it told them."""
        return tuple([fact for fact, turn in self.told.items() if self.turns[turn].role is role])


def fold(events: Iterable[AnyEvent]) -> State:
    """The state after all ``events``.

    Raises:
        ValueError: they are not numbered from 0 without gaps.
    """
    state = State()
    for event in events:
        state = state.after(event)
    return state
