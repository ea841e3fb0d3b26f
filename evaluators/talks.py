"""A conversation as figures are made of it: who spoke, how much, with which strategies. The words are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from confide.agents import SeekerReply, SupporterReply
from confide.evaluators.summary import HUMAN
from confide.scenarios import InputFileError, Role
from confide.simulator import AnyEvent, Imported, RunFolder, Spoke, Started, read_log
from confide.simulator.packed import is_there

QUESTION_MARKS: Final = "?\uff1f\u061f\u037e"
"""Question marks: Latin, full-width, Arabic, Greek."""


class TalkTurn(NamedTuple):
    """One turn."""

    turn: int
    role: Role
    words: int
    """Words, as white space parts them."""
    asks: bool
    """Whether there is a question mark in it."""
    strategies: tuple[str, ...] | None
    """For the supporter's turns: the declared strategies, or a person's labels; None where there are none."""
    distress: int | None = None
    """For the seeker's turns: distress by its own report, 0 to 100; None where it was not asked."""


class Talk(NamedTuple):
    """One conversation."""

    conversation: str
    scenario: str
    condition: str
    pair_key: str
    turns: tuple[TalkTurn, ...]


def talk_of(events: Sequence[AnyEvent]) -> Talk:
    """The conversation that a log holds.

    Raises:
        ValueError: the log has no beginning.
    """
    opening = events[0] if events else None
    if not isinstance(opening, Started | Imported):
        raise ValueError("a log begins with its 'started' event")
    turns = []
    for event in events:
        if isinstance(event, Spoke):
            reply = event.reply
            strategies = reply.strategies if isinstance(reply, SupporterReply) else None
            asks = any(mark in reply.utterance for mark in QUESTION_MARKS)
            distress = reply.emotion if isinstance(reply, SeekerReply) else None
            turns.append(TalkTurn(event.turn, event.role, len(reply.utterance.split()), asks, strategies, distress))
    return Talk(
        conversation=opening.conversation,
        scenario=opening.scenario.id if isinstance(opening, Started) else opening.source,
        condition=arm_of(opening) if isinstance(opening, Started) else HUMAN,
        pair_key=opening.pair_key,
        turns=tuple(turns),
    )


def arm_of(started: Started) -> str:
    """What conversations are grouped by: the condition, and the cast where the experiment has several."""
    return started.condition.id if started.cast.name is None else f"{started.condition.id}+{started.cast.name}"


def events_in(log: Path, final: Path) -> list[AnyEvent]:
    """What a log holds; one that was finished since the folder was looked at lies in its final place.

    Raises:
        InputFileError: it is damaged.
    """
    try:
        return read_log(log).events
    except InputFileError:
        if log.exists() or not is_there(final):
            raise
        return read_log(final).events


def events_of(run: RunFolder) -> Iterator[list[AnyEvent]]:
    """The finished conversations of a run, log by log.

    Raises:
        InputFileError: a log is damaged.
    """
    for log in run.finished():
        yield read_log(log).events
