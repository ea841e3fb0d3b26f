"""One conversation, turn by turn: the moderator's work, without AutoGen's surface.

Laws: the two agents meet in nothing but utterances, which cross as plain strings; every event is in the sink before
the next model call; all that happens follows from the scenario, the seed and the models' answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from autogen_core import CancellationToken

from confide.agents import (
    AnyReply,
    Called,
    Fault,
    Model,
    ModelError,
    Prompt,
    ReplyError,
    ReplyRules,
    RoleAgent,
    Segment,
    Unreadable,
    read_prompt,
    shipped_prompt,
)
from confide.scenarios import LoadedScenario, Role, Scenario, Taxonomy
from confide.simulator import events as ev
from confide.simulator.log import Sink
from confide.simulator.seeds import derive_seed
from confide.simulator.state import State
from confide.simulator.views import Frame, ViewBuilder, frame_of

_ENDS_THE_TALK = (Fault.BAD_REQUEST, Fault.EMPTY, Fault.FILTERED, Fault.NOT_TEXT)
"""Faults of one talk. Others are the endpoint's: the talk stays open, and can be resumed when the endpoint is well."""


_NO_BUDGET = "limits.tokens cannot be held: the server does not report the tokens of its calls"


class Part(NamedTuple):
    """A role made ready: what does not change between the conversations of a scenario, and so can be shared."""

    agent: RoleAgent
    frame: Frame


class Setup(NamedTuple):
    """What a conversation is made from."""

    conversation: str
    """Its id."""
    pair_key: str
    """What conditions are compared within."""
    seed: int
    """The run's seed."""
    scenario: Scenario
    taxonomy: Taxonomy
    prompts: Mapping[Role, Prompt]
    models: Mapping[Role, Model]

    @classmethod
    def of(cls, loaded: LoadedScenario, models: Mapping[Role, Model], seed: int = 0) -> Setup:
        """A single conversation of a scenario, with the scenario's own prompt files or the shipped ones.

        Raises:
            InputFileError: a prompt file is wrong.
        """
        files = {role: prompt_file(loaded, role, models[role].format.name) for role in Role}
        prompts = {role: read_prompt(file, role) for role, file in files.items()}
        name = loaded.scenario.id
        return cls(name, f"{name}/0", seed, loaded.scenario, loaded.taxonomy, prompts, models)

    def parts(self) -> dict[Role, Part]:
        """The two roles, made ready."""
        parts = {}
        for role in Role:
            facts = tuple(fact.id for fact in self.scenario.role(role).facts)
            rules = ReplyRules(role=role, facts=facts, taxonomy=self.taxonomy)
            agent = RoleAgent(rules, self.models[role], self.prompts[role])
            frame = frame_of(self.scenario, self.taxonomy, role, self.prompts[role], self.models[role].format)
            parts[role] = Part(agent, frame)
        return parts


def prompt_file(loaded: LoadedScenario, role: Role, reply_format: str) -> Path:
    """The prompt file of a role: the scenario's own, or the shipped one for the reply format."""
    own = loaded.scenario.prompts.of(role)
    return loaded.file.parent / own if own else shipped_prompt(role, reply_format)


class _Said(NamedTuple):
    """What a role said last, but for case and spacing, and how many times in a row."""

    words: str
    times: int


class Conversation:
    """A conversation that can be run, interrupted, and run on."""

    def __init__(self, setup: Setup, sink: Sink, parts: Mapping[Role, Part] | None = None) -> None:
        """Prepare the conversation; nothing happens before :meth:`run`.

        Args:
            setup: what it is made from.
            sink: takes the events.
            parts: what ``setup.parts()`` gave, if the caller has it already.
        """
        self._setup = setup
        self._sink = sink
        self.state = State()
        """Where the conversation stands."""
        parts = parts or setup.parts()
        self.agents = {role: part.agent for role, part in parts.items()}
        """The two agents."""
        self._views = {role: ViewBuilder(part.frame) for role, part in parts.items()}
        self._same = dict.fromkeys(Role, _Said("", 0))
        self._known: set[str] = set()  # texts that the log holds
        self._prompts: dict[Role, tuple[Segment, ...]] = dict.fromkeys(Role, ())

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
        if end is None:
            await self._turn(token)
            return
        detail = _NO_BUDGET if end is ev.EndReason.ERROR else None
        self._sink.write(self._next(ev.Ended, reason=end, turns=len(self.state.turns), detail=detail))

    def _start(self) -> ev.AnyEvent:
        setup = self._setup
        return self._next(
            ev.Started,
            conversation=setup.conversation,
            pair_key=setup.pair_key,
            seed=setup.seed,
            scenario=setup.scenario,
            taxonomy=setup.taxonomy,
            prompts=ev.PerRole(**{role.value: prompt.text for role, prompt in setup.prompts.items()}),
            prompt_hashes=ev.PerRole(**{role.value: prompt.hash for role, prompt in setup.prompts.items()}),
            cast=ev.Cast(**{role.value: _card(model) for role, model in setup.models.items()}),
        )

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
        return None

    async def _turn(self, token: CancellationToken | None) -> None:
        role, turn = self.state.next_role(), len(self.state.turns)
        view = self._views[role].view(self.state)

        def seed_for(purpose: str) -> int:
            return derive_seed(self._setup.seed, self._setup.pair_key, f"{purpose}:{turn}")

        call: list[ev.AnyEvent] = []  # is written together with what came of it, which is known at once

        def note(happened: Called | Unreadable) -> None:
            if isinstance(happened, Called):
                call[:] = [self._called(role, turn, happened)]
            else:
                self._sink.write(*call, self._unreadable(role, turn, happened))

        try:
            reply = await self.agents[role].speak(view, seed_for, token, note)
            self._sink.write(*call, *self._spoken(role, turn, reply))
        except ReplyError as error:
            self._broken(turn, f"unreadable reply: {error}")
        except ModelError as error:
            failed = self._next(
                ev.Failed, turn=turn, role=role, stage="call", purpose=None, fault=error.fault.value,
                message=error.message, attempts=error.attempts,
            )  # fmt: skip
            self._sink.write(failed)
            if error.fault in _ENDS_THE_TALK:
                self._broken(turn, error.message)
            elif not error.replayed:
                raise

    def _broken(self, turn: int, detail: str) -> None:
        self._sink.write(self._next(ev.Ended, reason=ev.EndReason.ERROR, turns=turn, detail=detail))

    def _unreadable(self, role: Role, turn: int, note: Unreadable) -> ev.AnyEvent:
        return self._next(
            ev.Failed, turn=turn, role=role, stage="read", purpose=note.purpose, fault="unreadable", message=note.reason
        )

    def _called(self, role: Role, turn: int, call: Called) -> ev.AnyEvent:
        segments, before = call.view.segments, self._prompts[role]
        kept = min(len(before), len(segments))
        while before[:kept] != segments[:kept]:  # most often all but a short tail is the very same
            kept -= 1
        self._prompts[role] = segments
        answer = call.completion
        event = self._next(
            ev.Called,
            turn=turn,
            role=role,
            purpose=call.purpose,
            kept=kept,
            segments=tuple([{"source": s.source, "place": s.place, "hash": s.address} for s in segments[kept:]]),
            texts=self._new_texts(segments[kept:]),
            prompt=call.prompt_hash,
            seed=call.seed,
            reply=answer.content,
            finish_reason=answer.finish_reason,
            model=answer.model,
            fingerprint=answer.fingerprint,
            prompt_tokens=answer.prompt_tokens,
            cached_tokens=answer.cached_tokens,
            completion_tokens=answer.completion_tokens,
            seconds=answer.seconds,
            attempts=answer.attempts,
            cost=self._setup.models[role].cost(answer),
        )
        self._known.add(answer.content)
        return event

    def _new_texts(self, segments: tuple[Segment, ...]) -> dict[str, str]:
        """Texts that the log does not hold yet, by content address."""
        fresh = {}
        for segment in segments:
            if segment.text not in self._known:
                self._known.add(segment.text)
                fresh[segment.address] = segment.text
        return fresh

    def _spoken(self, role: Role, turn: int, reply: AnyReply) -> list[ev.AnyEvent]:
        """A turn is spoken. Of the reply, the other side's views read the utterance, a plain string, and no more."""
        if reply.role is not role or type(reply.utterance) is not str:
            raise TypeError(f"the {role} must answer with a reply of its own whose utterance is a plain string")
        spoke = self._next(ev.Spoke, turn=turn, role=role, reply=reply)
        self._known.add(reply.utterance)
        words = " ".join(reply.utterance.casefold().split())
        before = self._same[role]
        self._same[role] = _Said(words, before.times + 1 if words == before.words else 1)
        new = [fact for fact in reply.told or () if fact not in self.state.told]
        return [spoke, *(self._next(ev.Learned, turn=turn, fact=fact, by=role.other) for fact in new)]

    def _next(self, kind: type[ev.AnyEvent], **fields: Any) -> ev.AnyEvent:
        """The next event. It counts from now on, and must be put into the sink before anything is awaited."""
        event = kind(seq=self.state.seq, **fields)
        self.state = self.state.after(event)
        return event


def _card(model: Model) -> ev.ModelCard:
    return ev.ModelCard(
        name=model.name,
        format=model.format.name,
        structured=model.structured,
        sends_seed=model.sends_seed,
        price=model.price,
        caveat=model.caveat,
    )
