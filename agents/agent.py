"""The seeker and the supporter: AutoGen agents that speak from a view.

Law: an agent sees the view that it is handed and nothing else. It holds no history, no persona and no state of its own
between turns, so there is nothing in it that could leak or that a log would not show.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from autogen_agentchat.agents import BaseChatAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage, TextMessage
from autogen_core import CancellationToken
from pydantic import BaseModel, Field, create_model

from confide.agents.completion import Completion
from confide.agents.formats import JSON, SEEKER_ORDER, SUPPORTER_ORDER, TAGGED, AnyReply
from confide.agents.messages import AgentNote, Called, Unreadable, ViewMessage
from confide.agents.models import Model
from confide.agents.prompts import Prompt
from confide.agents.reply import Percent, ReplyError, ReplyRules
from confide.agents.view import Place, Segment, View, render
from confide.scenarios import Role

SeedFor = Callable[[str], int]
"""Gives the seed of a call by its purpose."""
Note = Callable[[Called | Unreadable], None]
"""Is told what happens on the way to a reply."""


class RoleAgent(BaseChatAgent):
    """One role, played by one model."""

    def __init__(self, rules: ReplyRules, model: Model, prompt: Prompt) -> None:
        """Set up the agent.

        Args:
            rules: what its replies may name.
            model: what plays it.
            prompt: its prompt file; used for the wording of a repair.
        """
        super().__init__(rules.role.value, f"The {rules.role} of a support chat, played by {model.name}.")
        self.rules = rules
        self.model = model
        self._prompt = prompt
        self._args, self._json_output = _asking(model, rules)

    @property
    def produced_message_types(self) -> Sequence[type[BaseChatMessage]]:
        """Plain text: the utterance alone."""
        return (TextMessage,)

    async def on_reset(self, cancellation_token: CancellationToken | None) -> None:
        """Nothing to forget: an agent keeps nothing between turns."""

    async def on_messages(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken | None
    ) -> Response:
        """Speak; what happened on the way is in the response's inner messages."""
        notes: list[BaseAgentEvent | BaseChatMessage] = []
        async for item in self.on_messages_stream(messages, cancellation_token):
            if isinstance(item, Response):
                return Response(chat_message=item.chat_message, inner_messages=[*notes, *(item.inner_messages or [])])
            notes.append(item)
        raise RuntimeError("the stream ended without a response")

    async def on_messages_stream(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken | None
    ) -> AsyncGenerator[BaseAgentEvent | BaseChatMessage | Response, None]:
        """Speak, in AutoGen's types: notes for the moderator, then a text message that holds the utterance alone.

        Raises:
            ValueError: it was handed anything but one view of its own role.
            ModelError: the model cannot be called.
            ReplyError: neither the reply nor its repair could be read.
        """
        order = messages[0] if len(messages) == 1 else None
        if not isinstance(order, ViewMessage):
            raise ValueError(f"the {self.name} speaks from one view of its own, handed to it by a moderator")
        notes: list[Called | Unreadable] = []
        reply = await self.speak(order.view, order.seeds.__getitem__, cancellation_token, notes.append)
        for note in notes:
            yield AgentNote(source=self.name, note=note)
        usage = next(note.completion.usage for note in reversed(notes) if isinstance(note, Called))
        message = TextMessage(content=reply.utterance, source=self.name, models_usage=usage)
        yield Response(chat_message=message, inner_messages=[AgentNote(source=self.name, note=reply)])

    async def speak(self, view: View, seed_for: SeedFor, token: CancellationToken | None, note: Note) -> AnyReply:
        """Speak.

        Args:
            view: what the role may see.
            seed_for: gives the seed of a call by its purpose: ``speak``, or ``repair`` for an unreadable reply.
            token: AutoGen's way to cancel; None where there is none.
            note: is told of each model call as soon as it is answered, so that it can be logged before the next one.

        Returns:
            The reply.

        Raises:
            ValueError: the view is another role's.
            ModelError: the model cannot be called.
            ReplyError: neither the reply nor its repair could be read.
        """
        if view.role is not self.rules.role:
            raise ValueError(f"the {self.name} speaks from one view of its own, not from the {view.role}'s")
        completion = await self._call("speak", view, seed_for("speak"), token, note)
        try:
            return self._read(completion)
        except ReplyError as error:
            note(Unreadable("speak", str(error)))
            view = self._repair(view, completion.content, str(error))
        completion = await self._call("repair", view, seed_for("repair"), token, note)
        try:
            return self._read(completion)
        except ReplyError as error:
            note(Unreadable("repair", str(error)))
            raise

    async def _call(
        self, purpose: str, view: View, seed: int, token: CancellationToken | None, note: Note
    ) -> Completion:
        prompt = render(view)
        args = {**self._args, "seed": seed} if self.model.sends_seed else self._args
        completion = await self.model.client.create(
            prompt.messages, json_output=self._json_output, extra_create_args=args, cancellation_token=token
        )
        note(Called(purpose, view, prompt.hash, seed, completion))
        return completion

    def _read(self, completion: Completion) -> AnyReply:
        if completion.finish_reason == "length":
            raise ReplyError("the reply was cut off at the token limit: answer shorter")
        return self.model.format.parse(completion.content, self.rules)

    def _repair(self, view: View, content: str, error: str) -> View:
        """The view of the second try: with what was wrong, or, where the prompt has no words for that, as before."""
        words = self._prompt.fill("repair", {"error": error})
        if words is None:
            return view
        return view.plus(
            Segment("reply:unreadable", Place.SELF, content), Segment("instruction:repair", Place.TAIL, words)
        )


def _asking(model: Model, rules: ReplyRules) -> tuple[dict[str, Any], bool | type[BaseModel] | None]:
    """The fields of each request that hold the model to its format, and AutoGen's way to say the same."""
    if model.structured == "grammar":
        return {"grammar": TAGGED.grammar(rules)}, None
    if model.structured == "json_object":
        return {"response_format": {"type": "json_object"}}, None
    if model.structured == "json_schema":
        schema = {"name": f"{rules.role}_reply", "strict": True, "schema": JSON.schema(rules)}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}, None
    if model.structured == "autogen" and model.format is JSON:
        info = model.client.model_info
        if info.get("structured_output"):
            return {}, _reply_class(rules)
        return {}, True if info["json_output"] else None
    return {}, None


def _reply_class(rules: ReplyRules) -> type[BaseModel]:
    """A class that AutoGen's clients turn into the reply's JSON Schema."""
    known: dict[str, Any] = {
        "thoughts": (str, ...),
        "emotion": (Percent, ...),
        "trust": (Percent, ...),
        "notes": (str, ...),
        "strategies": (
            list[str],
            Field(json_schema_extra={"items": {"type": "string", "enum": list(rules.taxonomy.labels)}}),
        ),
        "told": (list[str], ...),
        "utterance": (str, ...),
        "wants_to_end": (bool, ...),
    }
    order = SEEKER_ORDER if rules.role is Role.SEEKER else SUPPORTER_ORDER
    return create_model(f"{rules.role.value.title()}Reply", **{name: known[name] for name in order})
