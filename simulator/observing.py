"""Readers: who looks at a conversation from outside, live or later.

Law: measuring changes nothing. A reader follows the events of a conversation and writes to a side log of its own; no
part of a conversation can see it. Read live or afterwards, the same questions are asked under the same seeds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confide.agents import Called, ModelError, ReplyError, text_hash
from confide.agents.agent import SeedFor
from confide.scenarios import Role
from confide.simulator import events as ev
from confide.simulator.calls import CallLog
from confide.simulator.log import Sink
from confide.simulator.seeds import derive_seed
from confide.simulator.state import State


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
    part: str | None = None
    """Which of several questions about the same; None where there is one."""


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
    state: State
    """Where the conversation stands, private parts and all: what a probe rebuilds a role's own view from. A blind
    reader must not use it."""


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
    cost: float | None = None
    """What the call cost, in US dollars; None if unknown, or if there was none."""
    weights: Mapping[str, tuple[float, ...]] = {}
    """For values that were weighted by the model's own probabilities: those of each point, lowest first."""
    note: str | None = None
    """What a reader of the answer must know about how it was had."""


class Observer(Protocol):
    """Reads conversations."""

    def observe(self, seen: Seen, seed_for: SeedFor) -> AsyncIterator[Answer]:
        """Ask what is to be asked now and is not answered yet: at the start, after each turn, and once more at the end.

        Args:
            seen: the conversation so far.
            seed_for: gives the seed of a question by its name.

        Raises:
            ModelError: the endpoint is in trouble; what was answered is kept.
        """
        ...


class SideLog:
    """Writes what a reader is answered: numbered events, each with the call that it came from."""

    def __init__(self, sink: Sink, logged: Sequence[ev.AnyEvent] = ()) -> None:
        """Begin, or go on with a log that was interrupted: what it holds is not asked again.

        The next call is logged as if it were the first: its texts are repeated, so that they need not be searched for.

        Args:
            sink: takes the events.
            logged: what the log holds.
        """
        self._sink = sink
        self._calls = CallLog()
        self._seq = len(logged)
        self.answers: dict[Key, ev.Measured] = {}
        """What was answered so far."""
        self.begun = bool(logged)
        self.complete = False
        for event in logged:
            if isinstance(event, ev.Measured):
                self.answers[Key(event.turn, event.role, event.repeat, event.part)] = event
            elif isinstance(event, ev.Read):
                self.complete = True

    def begin(self, reading: ev.Reading) -> None:
        """Write the first event, if it is not there."""
        if not self.begun:
            self._write(reading)
            self.begun = True

    def take(self, answer: Answer, turn: int) -> None:
        """Write an answer. ``turn`` says for which turn the call was made."""
        key = answer.key
        happened: list[ev.AnyEvent] = []
        if answer.call is not None:
            fields = self._calls.fields(f"{key.role}", answer.call, answer.cost)
            happened.append(ev.Called(seq=0, turn=turn, role=key.role, **fields))
        if answer.error is not None:
            happened.append(failed_event(turn, key.role, answer.error))
        measured = ev.Measured(
            seq=0,
            **key._asdict(),
            values=dict(answer.values),
            missing=dict(answer.missing),
            weights=dict(answer.weights) or None,
            note=answer.note,
        )
        self.answers[key] = measured
        self._write(*happened, measured)

    def end(self, lines: Sequence[Line]) -> None:
        """Write the last event. ``lines`` is what was read."""
        missing = sum(bool(answer.missing) for answer in self.answers.values())
        self._write(ev.Read(seq=0, transcript=address_of(lines), answers=len(self.answers), missing=missing))
        self.complete = True

    def _write(self, *events: ev.AnyEvent) -> None:
        numbered = []
        for event in events:
            numbered.append(event.model_copy(update={"seq": self._seq}))
            self._seq += 1
        self._sink.write(*numbered)


class Watch:
    """One reader on one conversation. It is told of every event, in order, and writes the side log."""

    def __init__(self, observer: Observer, reading: ev.Reading, log: SideLog) -> None:
        """Begin, or go on with what ``log`` holds.

        Args:
            observer: asks the questions.
            reading: the side log's first event.
            log: takes the answers.
        """
        self._observer = observer
        self._reading = reading
        self._log = log
        self._state = State()
        self._opening: ev.Started | ev.Imported | None = None
        self._lines: list[Line] = []

    async def see(self, event: ev.AnyEvent) -> None:
        """Be told of the conversation's next event, and ask what is to be asked.

        Raises:
            ModelError: the endpoint is in trouble; call again with the following events in another attempt.
            ConfideError: the sink cannot write.
        """
        if self._log.complete:
            return
        self._state = self._state.after(event)
        if isinstance(event, ev.Started | ev.Imported):
            self._opening = event
            self._log.begin(self._reading)
            await self._ask(over=False)
        elif isinstance(event, ev.Spoke):
            self._lines.append(Line(event.turn, event.role, event.reply.utterance))
            await self._ask(over=False)
        elif isinstance(event, ev.Ended):
            await self._ask(over=True)
            self._log.end(self._lines)

    async def _ask(self, *, over: bool) -> None:
        if self._opening is None:
            raise ValueError("a log begins with its 'started' event")
        pair_key = self._opening.pair_key

        def seed_for(question: str) -> int:
            return derive_seed(self._reading.seed, pair_key, f"read:{self._reading.measure}:{question}")

        seen = Seen(self._opening, tuple(self._lines), over, self._log.answers, self._state)
        async for answer in self._observer.observe(seen, seed_for):
            turn = len(self._lines) - 1 if answer.key.turn is None else answer.key.turn
            self._log.take(answer, turn)


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
