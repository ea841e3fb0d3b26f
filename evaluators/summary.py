"""One conversation in figures: what ``confide run`` and ``confide show`` say at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from confide.agents import Fault, SupporterReply
from confide.scenarios.schema import Frozen
from confide.simulator import AnyEvent, Called, Ended, EndReason, Failed, Imported, Learned, Noticed, Spoke, Started

HUMAN: Final = "human"
"""Stands in place of a condition where people spoke."""


class Summary(Frozen):
    """Figures of one conversation."""

    conversation: str
    """Its id."""
    scenario: str
    """Id of its scenario; for people's conversations the name of the data's file."""
    pair_key: str
    """What conditions are compared within."""
    turns: int
    """Turns that were spoken, both roles counted."""
    ended: EndReason | None
    """Why it ended; None if it has not."""
    detail: str | None
    """For an end by error: what went wrong."""
    strategies: dict[str, int]
    """How often the supporter declared each strategy."""
    condition: str
    """Id of its condition; ``human`` for people's conversations."""
    told: tuple[str, ...]
    """Facts that were declared as told, in order."""
    noticed: tuple[str, ...]
    """Facts that words told without a declaration, in order."""
    unsaid: tuple[str, ...]
    """Facts that were declared as told and that the words do not tell."""
    inferred: tuple[str, ...]
    """Facts of the other's that a role stated without having been told."""
    asked: tuple[str, ...]
    """Facts that were asked about."""
    calls: int
    """Model calls that were answered."""
    unreadable: int
    """Answers that could not be read as a reply."""
    failed_tries: int
    """Tries that got no answer."""
    prompt_tokens: int | None
    """Tokens of all prompts; None if a call did not report them."""
    cached_tokens: int | None
    """Of these, from the server's prefix cache; None if a call did not report them."""
    completion_tokens: int | None
    """Tokens of all answers; None if a call did not report them."""
    cost: float | None
    """US dollars; None if the cost of a call is unknown."""


def summarise(events: Sequence[AnyEvent]) -> Summary:
    """The figures of one conversation, finished or not.

    Args:
        events: its log, from the first event on.

    Raises:
        ValueError: the log has no beginning.
    """
    opening = events[0] if events else None
    if not isinstance(opening, Started | Imported):
        raise ValueError("a log begins with its 'started' event")
    calls = [event for event in events if isinstance(event, Called)]
    failed = [event for event in events if isinstance(event, Failed)]
    end = events[-1] if isinstance(events[-1], Ended) else None
    strategies = Counter(
        label
        for event in events
        if isinstance(event, Spoke) and isinstance(event.reply, SupporterReply)
        for label in event.reply.strategies or ()
    )
    # An answer that was empty, withheld or late may have been paid for; nobody told how much.
    unknown = [None] * sum(event.fault in _PERHAPS_PAID for event in failed)
    return Summary(
        conversation=opening.conversation,
        scenario=opening.scenario.id if isinstance(opening, Started) else opening.source,
        pair_key=opening.pair_key,
        turns=sum(isinstance(event, Spoke) for event in events),
        ended=end.reason if end else None,
        detail=end.detail if end else None,
        strategies=dict(strategies.most_common()),
        condition=opening.condition.id if isinstance(opening, Started) else HUMAN,
        told=tuple(event.fact for event in events if isinstance(event, Learned) and event.how == "told"),
        noticed=tuple(event.fact for event in events if isinstance(event, Learned) and event.how == "noticed"),
        unsaid=_noticed(events, "unsaid"),
        inferred=_noticed(events, "inferred"),
        asked=_noticed(events, "asked"),
        calls=len(calls),
        unreadable=sum(event.stage == "read" for event in failed),
        failed_tries=sum(len(call.attempts) for call in calls) + sum(len(event.attempts) for event in failed),
        prompt_tokens=_whole([*(call.prompt_tokens for call in calls), *unknown]),
        cached_tokens=_whole([*(call.cached_tokens for call in calls), *unknown]),
        completion_tokens=_whole([*(call.completion_tokens for call in calls), *unknown]),
        cost=_total([*(call.cost for call in calls), *unknown]),
    )


def _noticed(events: Sequence[AnyEvent], what: str) -> tuple[str, ...]:
    return tuple(event.fact for event in events if isinstance(event, Noticed) and event.what == what)


_PERHAPS_PAID: Final = (Fault.EMPTY, Fault.FILTERED, Fault.NOT_TEXT, Fault.TIMEOUT)


def _total(values: Iterable[float | None]) -> float | None:
    """The sum; None if any part of it is unknown."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def _whole(values: Iterable[int | None]) -> int | None:
    total = _total(values)
    return None if total is None else int(total)
