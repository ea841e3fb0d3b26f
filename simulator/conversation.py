"""One conversation, turn by turn: the moderator's work, without AutoGen's surface.

Laws: the two agents meet in nothing but utterances, which cross as plain strings; every event is in the sink before
the next model call; all that happens follows from the scenario, the seed and the models' answers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from autogen_core import CancellationToken

from confide.agents import AnyReply, Called, Fault, ModelError, Order, ReplyError, Unreadable
from confide.agents.agent import Note, SeedFor
from confide.scenarios import Role
from confide.simulator import events as ev
from confide.simulator.authorship import AuthorViews
from confide.simulator.calls import CallLog
from confide.simulator.log import Sink
from confide.simulator.reading import read_words
from confide.simulator.seeds import derive_seed
from confide.simulator.setup import Setup, Stage, writer_of
from confide.simulator.state import State
from confide.simulator.telling import FactDetector

_NO_BUDGET = "limits.tokens cannot be held: the server does not report the tokens of its calls"


class _Said(NamedTuple):
    """What a role said last, but for case and spacing, and how many times in a row."""

    words: str
    times: int


class Conversation:
    """A conversation that can be run, interrupted, and run on."""

    def __init__(self, setup: Setup, sink: Sink, stage: Stage | None = None) -> None:
        """Prepare the conversation; nothing happens before :meth:`run`.

        Args:
            setup: what it is made from.
            sink: takes the events.
            stage: what ``setup.prepare()`` gave, if the caller has it already.
        """
        self._setup = setup
        self._sink = sink
        self.state = State()
        """Where the conversation stands."""
        self._stage = stage or setup.prepare()
        self._views = self._stage.views()
        given = () if setup.parent is None else (*setup.parent.replies, setup.parent.imposed)
        self._given = [reply for reply in given if reply is not None]
        self._same = dict.fromkeys(Role, _Said("", 0))
        self._calls = CallLog()
        self._writers = {role: writer_of(setup.condition, role) for role in Role}

    async def run(self, token: CancellationToken | None) -> None:
        """Run until the conversation is over. Call again after an error.

        Raises:
            ModelError: a model cannot be called; the turn in flight is lost and nothing else.
            ConfideError: the sink cannot write.
        """
        while self.state.ended is None:
            await self.step(token)

    async def step(self, token: CancellationToken | None) -> None:
        """Do what comes next: start, let a role speak, or end. Every event is in the sink before the next model call.

        Raises:
            ModelError: as :meth:`run`.
            ConfideError: as :meth:`run`.
        """
        if self.state.started is None:
            self._sink.write(self._start())
            return
        end = self._end()
        if end is not None:
            detail = _NO_BUDGET if end is ev.EndReason.ERROR else None
            self._sink.write(self._next(ev.Ended, reason=end, turns=len(self.state.turns), detail=detail))
        elif (turn := len(self.state.turns)) < len(self._given):
            self._sink.write(*self._spoken(self.state.next_role(), turn, self._given[turn]))
        else:
            await self._turn(token)

    def _start(self) -> ev.AnyEvent:
        setup = self._setup
        own = {"conversation": setup.conversation, "pair_key": setup.pair_key, "seed": setup.seed}
        started = self._stage.started.model_copy(update={**own, "parent": setup.parent})
        self.state = self.state.after(started)
        return started

    def _end(self) -> ev.EndReason | None:
        """Why the conversation is over before its next turn; None if it is not."""
        turns, limits = self.state.turns, self._setup.scenario.limits
        if turns and turns[-1].reply.wants_to_end:
            return ev.EndReason.SEEKER_ENDED if turns[-1].role is Role.SEEKER else ev.EndReason.SUPPORTER_ENDED
        if turns and self._same[turns[-1].role].times >= limits.repeats:
            return ev.EndReason.REPETITION
        if len(turns) >= limits.turns:
            return ev.EndReason.TURN_LIMIT
        tokens = self.state.tokens
        if limits.tokens is not None and tokens is None:
            return ev.EndReason.ERROR
        if limits.tokens is not None and tokens is not None and tokens >= limits.tokens:
            return ev.EndReason.BUDGET
        return ev.EndReason.SCRIPT_ENDED if turns and self._stage.script else None

    async def _turn(self, token: CancellationToken | None) -> None:
        """Have the next turn spoken, or, where the condition has it so, the whole script written."""
        script, turn = self._stage.script, len(self.state.turns)
        role = None if script else self.state.next_role()

        def seed_for(purpose: str) -> int:
            return derive_seed(self._setup.seed, self._setup.pair_key, f"{purpose}:{turn}")

        call: list[ev.AnyEvent] = []  # is written together with what came of it, which is known at once

        def note(happened: Called | Unreadable) -> None:
            if isinstance(happened, Called):
                call[:] = [self._called(role, turn, happened)]
            else:
                self._sink.write(*call, self._unreadable(role, turn, happened))

        try:
            if role is None:
                await self._script(seed_for, token, note, call)
            else:
                view = self._views[role].view(self.state)
                reply = await self._stage.agents[role].speak(Order(view, seed_for, token, note))
                self._sink.write(*call, *self._spoken(role, turn, reply))
        except ReplyError as error:
            self._broken(turn, f"unreadable reply: {error}")
        except ModelError as error:
            if error.fault is Fault.NOT_KEPT:  # nothing happened
                raise
            failed = self._next(
                ev.Failed, turn=turn, role=role, stage="call", purpose=None, fault=error.fault.value,
                message=error.message, attempts=error.attempts,
            )  # fmt: skip
            self._sink.write(failed)
            if error.fault.of_one_call:  # others are the endpoint's: the talk can be resumed when it is well
                self._broken(turn, error.message)
            elif not error.replayed:
                raise

    async def _script(
        self, seed_for: SeedFor, token: CancellationToken | None, note: Note, call: list[ev.AnyEvent]
    ) -> None:
        views, script = self._views[Role.SEEKER], self._stage.script
        if not isinstance(views, AuthorViews) or script is None:
            raise TypeError("only an author writes scripts")
        replies = await script.write(Order(views.script(self.state), seed_for, token, note))
        spoken = list(call)
        for reply in replies:
            spoken += self._spoken(reply.role, len(self.state.turns), reply)
            if reply.wants_to_end:
                break
        self._sink.write(*spoken)

    def _broken(self, turn: int, detail: str) -> None:
        self._sink.write(self._next(ev.Ended, reason=ev.EndReason.ERROR, turns=turn, detail=detail))

    def _unreadable(self, role: Role | None, turn: int, note: Unreadable) -> ev.AnyEvent:
        return self._next(
            ev.Failed, turn=turn, role=role, stage="read", purpose=note.purpose, fault="unreadable", message=note.reason
        )

    def _called(self, role: Role | None, turn: int, call: Called) -> ev.AnyEvent:
        writer = self._writers[call.view.role]
        fields = self._calls.fields(writer, call, self._setup.models[call.view.role].cost(call.completion))
        fields |= {"seq": self.state.seq, "turn": turn, "role": role}
        return self._happened(ev.Called.unchecked(fields))

    def _spoken(self, role: Role, turn: int, reply: AnyReply) -> list[ev.AnyEvent]:
        """A turn is spoken. Of the reply, the other side's views read the utterance, a plain string, and no more."""
        if reply.role is not role or type(reply.utterance) is not str:
            raise TypeError(f"the {role} must answer with a reply of its own whose utterance is a plain string")
        spoke = self._happened(ev.Spoke.unchecked({"seq": self.state.seq, "turn": turn, "role": role, "reply": reply}))
        self._calls.know(reply.utterance)
        words = " ".join(reply.utterance.casefold().split())
        before = self._same[role]
        self._same[role] = _Said(words, before.times + 1 if words == before.words else 1)
        return [spoke, *self._learned(role, turn, reply), *self._noticed(role, turn, reply)]

    def _learned(self, role: Role, turn: int, reply: AnyReply) -> list[ev.AnyEvent]:
        """What the other comes to know because the reply declares it."""
        new = [fact for fact in reply.told or () if fact not in self.state.told]
        return [self._next(ev.Learned, turn=turn, fact=fact, by=role.other) for fact in new]

    def _noticed(self, role: Role, turn: int, reply: AnyReply) -> list[ev.AnyEvent]:
        """What the words say beside what was declared, and what the other comes to know by it."""
        found: list[ev.AnyEvent] = []
        for reading in read_words(self._stage.met, self.state, role, reply):
            found.append(self._next(ev.Noticed, turn=turn, role=role, detector=FactDetector.name, **reading._asdict()))
            if reading.what == "undeclared":
                found.append(self._next(ev.Learned, turn=turn, fact=reading.fact, by=role.other, how="noticed"))
        return found

    def _next(self, kind: type[ev.AnyEvent], **fields: Any) -> ev.AnyEvent:
        """The next event, of ``kind``; see :meth:`_happened`."""
        return self._happened(kind(seq=self.state.seq, **fields))

    def _happened(self, event: ev.AnyEvent) -> ev.AnyEvent:
        """The next event. It counts from now on, and must be put into the sink before anything is awaited."""
        self.state = self.state.after(event)
        return event
