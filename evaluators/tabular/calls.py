"""Rows of model calls: of conversations and of all who read them.

Law: a call that got no answer is a row like any other; what the server did not report is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from confide.evaluators.tabular.rows import CallRow
from confide.evaluators.tabular.talk import Lead, Told, time_of
from confide.scenarios import Role
from confide.simulator import AnyEvent, Called, Failed, Reading
from confide.simulator.cast import Cast

NameOf = Callable[[Role | None], str]
"""Gives the name of the model that is called for a role."""


class CallsOf(NamedTuple):
    """Where calls were made."""

    run: str
    lead: Lead | None
    """The conversation; None for profiles."""
    log: str
    """Kind of log."""
    measure: str | None
    about: str | None
    name_of: NameOf


def names_in(cast: Cast) -> NameOf:
    """The names of the models that play; a script is both roles', by one model."""
    return lambda role: cast.of(role or Role.SEEKER).name


def reader_name(events: Sequence[AnyEvent], told: Told | None, model: str) -> NameOf:
    """The name of the model that answers in a side log: the reader's, or that which plays the role.

    Args:
        events: the side log.
        told: the conversation that is read.
        model: what the reader is called.
    """
    opening = events[0] if events else None
    own = told.started if told else None
    if isinstance(opening, Reading) and opening.card is None and own is not None:
        return names_in(own.cast)
    return lambda _: model


def talk_calls(told: Told) -> list[CallRow]:
    """The calls of a conversation."""
    started = told.started
    if started is None:
        return []
    of = CallsOf(told.lead.run, told.lead, "conversation", None, None, names_in(started.cast))
    return call_rows(told.events, of)


def call_rows(events: Sequence[AnyEvent], of: CallsOf) -> list[CallRow]:
    """The calls of a log."""
    rows: list[CallRow] = []
    for event in events:
        if isinstance(event, Called):
            rows.append(_answered(event, of))
        elif isinstance(event, Failed) and event.stage == "call":
            rows.append(_unanswered(event, of))
        elif isinstance(event, Failed) and rows:  # what is wrong with an answer stands right after its call
            rows[-1] = rows[-1]._replace(readable=False, fault=event.fault, message=event.message)
    return rows


def _place(event: Called | Failed, of: CallsOf) -> dict[str, Any]:
    """Where and when a call was made, and the tries that failed."""
    return {
        **(of.lead._asdict() if of.lead else {**dict.fromkeys(Lead._fields), "run": of.run}),
        "log": of.log,
        "measure": of.measure,
        "about": of.about,
        "seq": event.seq,
        "at": time_of(event),
        "turn": event.turn,
        "role": event.role,
        "model": of.name_of(event.role),
        "failed_tries": len(event.attempts),
        "failed_seconds": sum((attempt.seconds for attempt in event.attempts), 0.0),
    }


def _answered(event: Called, of: CallsOf) -> CallRow:
    return CallRow(
        **_place(event, of),
        purpose=event.purpose,
        served=event.model,
        answered=True,
        readable=True,
        fault=None,
        message=None,
        finish_reason=event.finish_reason,
        prompt_tokens=event.prompt_tokens,
        cached_tokens=event.cached_tokens,
        completion_tokens=event.completion_tokens,
        cost=event.cost,
        hit=event.hit,
        seconds=event.seconds,
    )


def _unanswered(event: Failed, of: CallsOf) -> CallRow:
    return CallRow(
        **_place(event, of),
        purpose=None if of.log == "conversation" else "read",
        served=None,
        answered=False,
        readable=None,
        fault=event.fault,
        message=event.message,
        finish_reason=None,
        prompt_tokens=None,
        cached_tokens=None,
        completion_tokens=None,
        cost=None,
        hit=None,
        seconds=None,
    )
