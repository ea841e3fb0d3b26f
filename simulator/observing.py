"""Readers: who looks at a conversation from outside, live or later.

Law: measuring changes nothing. A reader gets the public transcript of a conversation and writes to a side log of its
own; no part of a conversation can see it. Read live or afterwards, the same questions are asked under the same seeds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confide.agents import Called, Model, ModelError, ReplyError, text_hash
from confide.agents.agent import SeedFor
from confide.scenarios import Role
from confide.simulator import events as ev
from confide.simulator.calls import CallLog
from confide.simulator.log import Sink
from confide.simulator.seeds import derive_seed


class Line(NamedTuple):
    """What was said in one turn."""

    turn: int
    role: Role
    utterance: str


class Key(NamedTuple):
    """Which answer of a reader's: no two of its answers about a conversation share it."""

    turn: int | None
    role: Role | None
    repeat: int


class Seen(NamedTuple):
    """A conversation as far as it has come."""

    opening: ev.Started | ev.Imported
    """How it began. A blind reader must not use the personas, the facts and the condition that stand in it."""
    lines: tuple[Line, ...]
    """What was said."""
    over: bool
    """Whether it has ended."""
    answers: Mapping[Key, ev.Measured]
    """What the reader has answered so far."""


class Answer(NamedTuple):
    """What a reader found."""

    key: Key
    call: Called | None
    """The model call; None where it failed."""
    error: ModelError | ReplyError | None
    """Why there is no answer; None if there is one."""
    values: Mapping[str, ev.MeasuredValue]
    """The answer to each item, null where there is none."""
    missing: Mapping[str, str]
    """For each null: why."""


class Observer(Protocol):
    """Reads conversations."""

    def observe(self, seen: Seen, seed_for: SeedFor) -> AsyncIterator[Answer]:
        """Ask what is to be asked now and is not answered yet: after each turn, and once more at the end.

        Args:
            seen: the conversation so far.
            seed_for: gives the seed of a question by its name.

        Raises:
            ModelError: the endpoint is in trouble; what was answered is kept.
        """
        ...


class Watch:
    """One reader on one conversation. It is told of every event, in order, and writes the side log."""

    def __init__(self, observer: Observer, model: Model, reading: ev.Reading, sink: Sink) -> None:
        """Begin, or go on with what :meth:`recover` is given.

        Args:
            observer: asks the questions.
            model: what answers them.
            reading: the side log's first event.
            sink: takes the side log's events.
        """
        self._observer = observer
        self._model = model
        self._reading = reading
        self._sink = sink
        self._calls = CallLog()
        self._seq = 0
        self._opening: ev.Started | ev.Imported | None = None
        self._lines: list[Line] = []
        self._answers: dict[Key, ev.Measured] = {}
        self._complete = False

    def recover(self, logged: Sequence[ev.AnyEvent]) -> None:
        """Take up a side log that was interrupted: what it holds is not asked again.

        The next call is logged as if it were the first: its texts are repeated, so that they need not be searched for.
        """
        self._seq = len(logged)
        for event in logged:
            if isinstance(event, ev.Measured):
                self._answers[Key(event.turn, event.role, event.repeat)] = event
            elif isinstance(event, ev.Read):
                self._complete = True

    async def see(self, event: ev.AnyEvent) -> None:
        """Be told of the conversation's next event, and ask what is to be asked.

        Raises:
            ModelError: the endpoint is in trouble; call again with the following events in another attempt.
            ConfideError: the sink cannot write.
        """
        if self._complete:
            return
        if isinstance(event, ev.Started | ev.Imported):
            self._opening = event
            if self._seq == 0:
                self._write(self._reading)
        elif isinstance(event, ev.Spoke):
            self._lines.append(Line(event.turn, event.role, event.reply.utterance))
            await self._ask(over=False)
        elif isinstance(event, ev.Ended):
            await self._ask(over=True)
            missing = sum(bool(answer.missing) for answer in self._answers.values())
            self._write(ev.Read(seq=0, transcript=address_of(self._lines), answers=len(self._answers), missing=missing))
            self._complete = True

    async def _ask(self, *, over: bool) -> None:
        if self._opening is None:
            raise ValueError("a log begins with its 'started' event")
        pair_key = self._opening.pair_key

        def seed_for(question: str) -> int:
            return derive_seed(self._reading.seed, pair_key, f"read:{self._reading.measure}:{question}")

        seen = Seen(self._opening, tuple(self._lines), over, self._answers)
        async for answer in self._observer.observe(seen, seed_for):
            self._take(answer)

    def _take(self, answer: Answer) -> None:
        key = answer.key
        happened: list[ev.AnyEvent] = []
        turn = len(self._lines) - 1 if key.turn is None else key.turn
        if answer.call is not None:
            cost = self._model.cost(answer.call.completion)
            fields = self._calls.fields(f"{key.role}", answer.call, cost)
            happened.append(ev.Called(seq=0, turn=turn, role=key.role, **fields))
        if answer.error is not None:
            happened.append(failed_event(turn, key.role, answer.error))
        measured = ev.Measured(seq=0, **key._asdict(), values=dict(answer.values), missing=dict(answer.missing))
        self._answers[key] = measured
        self._write(*happened, measured)

    def _write(self, *events: ev.AnyEvent) -> None:
        numbered = []
        for event in events:
            numbered.append(event.model_copy(update={"seq": self._seq}))
            self._seq += 1
        self._sink.write(*numbered)


def failed_event(turn: int, role: Role | None, error: ModelError | ReplyError) -> ev.Failed:
    """What a log says of a question that got no answer."""
    fields: dict[str, Any] = {"seq": 0, "turn": turn, "role": role, "message": str(error)}
    if isinstance(error, ModelError):
        return ev.Failed(**fields, stage="call", purpose=None, fault=error.fault.value, attempts=error.attempts)
    return ev.Failed(**fields, stage="read", purpose="read", fault="unreadable")


def address_of(lines: Sequence[Line]) -> str:
    """Content address of a public transcript: of who said what, in order."""
    return text_hash("\n".join(f"{line.role} {text_hash(line.utterance)}" for line in lines))


def lines_of(events: Sequence[ev.AnyEvent]) -> tuple[Line, ...]:
    """The public transcript of a log."""
    return tuple(Line(event.turn, event.role, event.reply.utterance) for event in events if isinstance(event, ev.Spoke))
