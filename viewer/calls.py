"""The model calls of a log, with the segments that each prompt was made of. Law: what the log says, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from confide.agents import text_hash
from confide.agents.completion import Attempt
from confide.simulator import AnyEvent, Called, Failed, Spoke
from confide.viewer.documents import Call, Calls, Source, Try

BOTH = "both"
"""Whose prompts go on from one another where one model writes both sides."""


def calls_of(events: Sequence[AnyEvent], *, one_writer: bool = False) -> Calls:
    """The calls of a conversation's log, or of a side log.

    Args:
        events: the log.
        one_writer: whether one model writes both sides, so that each prompt goes on from the last one.
    """
    calls: list[Call] = []
    texts: dict[str, str] = {}
    before: dict[str, int] = {}
    for event in events:
        if isinstance(event, Called):
            texts |= event.texts
            texts[text_hash(event.reply)] = event.reply
            writer = BOTH if one_writer or event.role is None else event.role.value
            calls.append(_answered(event, before.get(writer)))
            before[writer] = len(calls) - 1
        elif isinstance(event, Failed) and event.stage == "call":
            calls.append(_unanswered(event))
        elif isinstance(event, Failed) and calls:  # what is wrong with an answer stands right after its call
            calls[-1] = calls[-1].model_copy(update={"fault": event.fault, "message": event.message})
        elif isinstance(event, Spoke):
            texts[text_hash(event.reply.utterance)] = event.reply.utterance
    used = {segment.hash for call in calls for segment in call.segments}
    return Calls(calls=tuple(calls), texts={address: text for address, text in texts.items() if address in used})


def _answered(event: Called, before: int | None) -> Call:
    return Call(
        seq=event.seq,
        turn=event.turn,
        role=event.role,
        purpose=event.purpose,
        base=before if event.kept else None,
        kept=event.kept if before is not None else 0,
        segments=tuple(
            Source(source=each["source"], place=each["place"], hash=each["hash"]) for each in event.segments
        ),
        prompt=event.prompt,
        seed=event.seed,
        reply=event.reply,
        answered=True,
        hit=event.hit,
        fault=None,
        message=None,
        finish_reason=event.finish_reason,
        model=event.model,
        fingerprint=event.fingerprint,
        prompt_tokens=event.prompt_tokens,
        cached_tokens=event.cached_tokens,
        completion_tokens=event.completion_tokens,
        seconds=event.seconds,
        cost=event.cost,
        attempts=_tries(event.attempts),
    )


def _unanswered(event: Failed) -> Call:
    return Call(
        seq=event.seq,
        turn=event.turn,
        role=event.role,
        purpose=event.purpose or "speak",
        base=None,
        kept=0,
        segments=(),
        prompt=None,
        seed=None,
        reply="",
        answered=False,
        hit=False,
        fault=event.fault,
        message=event.message,
        finish_reason=None,
        model=None,
        fingerprint=None,
        prompt_tokens=None,
        cached_tokens=None,
        completion_tokens=None,
        seconds=None,
        cost=None,
        attempts=_tries(event.attempts),
    )


def _tries(attempts: Sequence[Attempt]) -> tuple[Try, ...]:
    return tuple(Try(fault=each.fault.value, message=each.message, seconds=each.seconds) for each in attempts)


def writes_both(event: AnyEvent) -> bool:
    """Whether a conversation that begins so is written by one model."""
    return event.kind == "started" and event.condition.writer.value != "two_agents"
