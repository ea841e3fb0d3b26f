"""One conversation, turn by turn: the moderator's work, without AutoGen's surface.

Laws: the two agents meet in nothing but utterances, rebuilt here from plain text; every event is in the sink before
the next model call; all that happens follows from the scenario, the seed and the models' answers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any, NamedTuple

from autogen_agentchat.base import Response
from autogen_agentchat.messages import TextMessage
from autogen_core import CancellationToken

from confide.agents import (
    AgentNote,
    Called,
    Fault,
    Model,
    ModelError,
    Prompt,
    ReplyError,
    ReplyRules,
    RoleAgent,
    SeekerReply,
    Segment,
    SupporterReply,
    Unreadable,
    ViewMessage,
    text_hash,
)
from confide.scenarios import Role, Scenario, Taxonomy
from confide.simulator import events as ev
from confide.simulator.log import Sink
from confide.simulator.seeds import derive_seed
from confide.simulator.state import State
from confide.simulator.views import build_views

_ENDS_THE_TALK = (Fault.BAD_REQUEST, Fault.EMPTY, Fault.FILTERED, Fault.NOT_TEXT)
"""Faults of one talk. Others are the endpoint's: the talk stays open, and can be resumed when the endpoint is well."""


class Setup(NamedTuple):
    """What a conversation is made from."""

    conversation: str
    pair_key: str
    seed: int
    scenario: Scenario
    taxonomy: Taxonomy
    prompts: Mapping[Role, Prompt]
    models: Mapping[Role, Model]


class Conversation:
    """A conversation that can be run, interrupted, and run on."""

    def __init__(self, setup: Setup, sink: Sink) -> None:
        """Prepare the agents; nothing happens before :meth:`run`."""
        self._setup = setup
        self._sink = sink
        self.state = State()
        """Where the conversation stands."""
        self.agents = {role: _agent(setup, role) for role in Role}
        """The two agents."""
        self._views = {
            role: build_views(setup.scenario, setup.taxonomy, role, setup.prompts[role], setup.models[role].format)
            for role in Role
        }
        self._texts: set[str] = set()
        self._prompts: dict[Role, tuple[Segment, ...]] = dict.fromkeys(Role, ())

    async def run(self, token: CancellationToken | None) -> AsyncGenerator[ev.AnyEvent, None]:
        """Run until the conversation is over, giving each event when it is in the sink. Call again after an error.

        Raises:
            ModelError: a model cannot be called; the turn in flight is lost and nothing else.
            ConfideError: the sink cannot write.
        """
        if self.state.started is None:
            for event in self._start():
                yield event
        while self.state.ended is None:
            end = self._end()
            if end is not None:
                yield self._add(ev.Ended, reason=end, turns=len(self.state.turns))
                return
            async for event in self._turn(token):
                yield event

    def _start(self) -> Iterator[ev.AnyEvent]:
        setup = self._setup
        prompts = {role.value: prompt.hash for role, prompt in setup.prompts.items()}
        cast = {role.value: _card(model) for role, model in setup.models.items()}
        yield self._add(
            ev.Started,
            conversation=setup.conversation,
            pair_key=setup.pair_key,
            seed=setup.seed,
            scenario=setup.scenario,
            taxonomy=setup.taxonomy,
            prompts=ev.PerRole(**prompts),
            cast=ev.Cast(**cast),
        )
        yield from self._keep(prompt.text for prompt in setup.prompts.values())

    def _end(self) -> ev.EndReason | None:
        """Why the conversation is over before its next turn; None if it is not."""
        turns, limits = self.state.turns, self._setup.scenario.limits
        if turns and turns[-1].reply.wants_to_end:
            return ev.EndReason.SEEKER_ENDED if turns[-1].role is Role.SEEKER else ev.EndReason.SUPPORTER_ENDED
        own = [" ".join(spoke.reply.utterance.casefold().split()) for spoke in turns[-1 : -2 * limits.repeats : -2]]
        if len(own) == limits.repeats and len(set(own)) == 1:
            return ev.EndReason.REPETITION
        if len(turns) >= limits.turns:
            return ev.EndReason.TURN_LIMIT
        if limits.tokens is not None and self.state.tokens >= limits.tokens:
            return ev.EndReason.BUDGET
        return None

    async def _turn(self, token: CancellationToken | None) -> AsyncGenerator[ev.AnyEvent, None]:
        role, turn = self.state.next_role(), len(self.state.turns)
        view = self._views[role].view(self.state)
        seed, pair_key = self._setup.seed, self._setup.pair_key
        seeds = derive_seed(seed, pair_key, f"speak:{turn}"), derive_seed(seed, pair_key, f"repair:{turn}")
        order = ViewMessage(source="moderator", view=view, seeds=seeds)
        try:
            async for item in self.agents[role].on_messages_stream([order], token):
                if isinstance(item, Response):
                    for event in self._spoken(role, turn, item):
                        yield event
                elif isinstance(item, AgentNote):
                    for event in self._noted(role, turn, item):
                        yield event
        except ReplyError as error:
            yield self._add(ev.Ended, reason=ev.EndReason.ERROR, turns=turn, detail=f"unreadable reply: {error}")
        except ModelError as error:
            yield self._add(
                ev.Failed, turn=turn, role=role, stage="call", purpose=None, fault=error.fault.value,
                message=error.message, attempts=error.attempts,
            )  # fmt: skip
            if error.fault not in _ENDS_THE_TALK:
                raise
            yield self._add(ev.Ended, reason=ev.EndReason.ERROR, turns=turn, detail=error.message)

    def _noted(self, role: Role, turn: int, item: AgentNote) -> Iterator[ev.AnyEvent]:
        note = item.note
        if isinstance(note, Called):
            yield from self._called(role, turn, note)
        elif isinstance(note, Unreadable):
            yield self._add(
                ev.Failed,
                turn=turn,
                role=role,
                stage="read",
                purpose=note.purpose,
                fault="unreadable",
                message=note.reason,
            )

    def _called(self, role: Role, turn: int, call: Called) -> Iterator[ev.AnyEvent]:
        segments, before = call.view.segments, self._prompts[role]
        kept = next(
            (n for n, (new, old) in enumerate(zip(segments, before, strict=False)) if new != old),
            min(len(segments), len(before)),
        )
        self._prompts[role] = segments
        fresh = segments[kept:]
        yield from self._keep(segment.text for segment in fresh)
        answer = call.completion
        yield self._add(
            ev.Called,
            turn=turn,
            role=role,
            purpose=call.purpose,
            kept=kept,
            segments=tuple(ev.SegmentRef(source=s.source, place=s.place, hash=text_hash(s.text)) for s in fresh),
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
        self._texts.add(text_hash(answer.content))

    def _spoken(self, role: Role, turn: int, response: Response) -> Iterator[ev.AnyEvent]:
        """Let the utterance across: a plain text message whose words are the reply's, and nothing else."""
        said = response.chat_message
        notes = [item.note for item in response.inner_messages or [] if isinstance(item, AgentNote)]
        reply = next((note for note in notes if isinstance(note, SeekerReply | SupporterReply)), None)
        if type(said) is not TextMessage or reply is None or reply.role is not role or said.content != reply.utterance:
            raise TypeError(
                f"the {role} must answer with a TextMessage that holds its reply's utterance and nothing else"
            )
        yield self._add(ev.Spoke, turn=turn, role=role, reply=reply)
        self._texts.add(text_hash(reply.utterance))
        for fact in reply.told or ():
            if fact not in self.state.told:
                yield self._add(ev.Learned, turn=turn, fact=fact, by=role.other)

    def _keep(self, texts: Iterator[str]) -> Iterator[ev.AnyEvent]:
        """Texts that the log does not hold yet."""
        for text in texts:
            address = text_hash(text)
            if address not in self._texts:
                self._texts.add(address)
                yield self._add(ev.TextKept, hash=address, text=text)

    def _add(self, kind: type[ev.AnyEvent], **fields: Any) -> ev.AnyEvent:
        event = kind(seq=self.state.seq, **fields)
        self._sink.write(event)
        self.state = self.state.after(event)
        return event


def _agent(setup: Setup, role: Role) -> RoleAgent:
    facts = tuple(fact.id for fact in setup.scenario.role(role).facts)
    rules = ReplyRules(role=role, facts=facts, taxonomy=setup.taxonomy)
    return RoleAgent(rules, setup.models[role], setup.prompts[role])


def _card(model: Model) -> ev.ModelCard:
    return ev.ModelCard(
        name=model.name,
        format=model.format.name,
        structured=model.structured,
        sends_seed=model.sends_seed,
        price=model.price,
        caveat=model.caveat,
    )
