"""The seeker and the supporter: AutoGen agents that speak from a view.

Law: an agent sees the view that it is handed and nothing else. It holds no history, no persona and no state of its own
between turns, so there is nothing in it that could leak or that a log would not show.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

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
from confide.agents.scripts import ScriptRules, read_script, script_grammar, script_schema
from confide.agents.view import Place, Segment, View, render
from confide.scenarios import Role

SeedFor = Callable[[str], int]
"""Gives the seed of a call by its purpose."""
Note = Callable[[Called | Unreadable], None]
"""Is told of each model call as soon as it is answered, so that it can be logged before the next one."""
Read = TypeVar("Read")


class Order(NamedTuple):
    """What an agent is to do."""

    view: View
    """What it may see."""
    seed_for: SeedFor
    """Gives the seed of a call by its purpose: ``speak``, ``script``, or ``repair`` for an unreadable reply."""
    token: CancellationToken | None
    """AutoGen's way to cancel; None where there is none."""
    note: Note


class Asking(NamedTuple):
    """How a request holds the model to its format."""

    args: dict[str, Any]
    """Fields of the request."""
    json_output: bool | type[BaseModel] | None
    """AutoGen's way to say the same."""


class Held(NamedTuple):
    """What a reply may name, and how a model is held to it."""

    rules: ReplyRules
    asking: Asking


class ModelAgent(BaseChatAgent):
    """What all agents share: one model call, one repair, and word of each as it happens."""

    def __init__(self, name: str, description: str, model: Model, prompt: Prompt) -> None:
        """Set up the agent.

        Args:
            name: AutoGen's name for it.
            description: what it does, in a sentence.
            model: what plays it.
            prompt: its prompt file; used for the wording of a repair.
        """
        super().__init__(name, description)
        self.model = model
        self._prompt = prompt

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

    @property
    def produced_message_types(self) -> Sequence[type[BaseChatMessage]]:
        """Plain text: the utterance alone."""
        return (TextMessage,)

    @abstractmethod
    def on_messages_stream(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken | None
    ) -> AsyncGenerator[BaseAgentEvent | BaseChatMessage | Response, None]:
        """As AutoGen's, but a token is not needed."""

    async def _answer(self, order: Order, read: Callable[[str], Read], asking: Asking, purpose: str) -> Read:
        """Call the model, read its answer, and have it mended once if it cannot be read."""
        completion = await self._call(purpose, order, order.view, asking)
        try:
            return _read(completion, read)
        except ReplyError as error:
            order.note(Unreadable(purpose, str(error)))
            view = self._repair(order.view, completion.content, str(error))
        completion = await self._call("repair", order, view, asking)
        try:
            return _read(completion, read)
        except ReplyError as error:
            order.note(Unreadable("repair", str(error)))
            raise

    async def _call(self, purpose: str, order: Order, view: View, asking: Asking) -> Completion:
        prompt = render(view)
        seed = order.seed_for(purpose)
        args = {**asking.args, "seed": seed} if self.model.sends_seed else asking.args
        completion = await self.model.client.create(
            prompt.messages,
            json_output=asking.json_output,
            extra_create_args=args,
            cancellation_token=order.token,
            seed=seed,
        )
        order.note(Called(purpose, view, prompt.hash, seed, completion))
        return completion

    def _repair(self, view: View, content: str, error: str) -> View:
        """The view of the second try: with what was wrong, or, where the prompt has no words for that, as before."""
        words = self._prompt.fill("repair", {"error": error})
        if words is None:
            return view
        return view.plus(
            Segment("reply:unreadable", Place.SELF, content), Segment("instruction:repair", Place.TAIL, words)
        )


class RoleAgent(ModelAgent):
    """One role, played by one model."""

    def __init__(self, rules: ReplyRules, model: Model, prompt: Prompt) -> None:
        """Set up the agent.

        Args:
            rules: what its replies may name.
            model: what plays it.
            prompt: its prompt file; used for the wording of a repair.
        """
        what = f"The {rules.role} of a support chat, played by {model.name}."
        super().__init__(rules.role.value, what, model, prompt)
        self.rules = rules
        self._held: dict[tuple[str, ...], Held] = {}

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
        reply = await self.speak(Order(order.view, order.seeds.__getitem__, cancellation_token, notes.append))
        for note in notes:
            yield AgentNote(source=self.name, note=note)
        usage = next(note.completion.usage for note in reversed(notes) if isinstance(note, Called))
        message = TextMessage(content=reply.utterance, source=self.name, models_usage=usage)
        yield Response(chat_message=message, inner_messages=[AgentNote(source=self.name, note=reply)])

    async def speak(self, order: Order) -> AnyReply:
        """Speak.

        Raises:
            ValueError: the view is another role's.
            ModelError: the model cannot be called.
            ReplyError: neither the reply nor its repair could be read.
        """
        view = order.view
        if view.role is not self.rules.role:
            raise ValueError(f"the {self.name} speaks from one view of its own, not from the {view.role}'s")
        held = self._held.get(view.facts)
        if held is None:  # a reply may declare only what the role can see
            rules = self.rules.model_copy(update={"facts": view.facts})
            held = self._held[view.facts] = Held(rules, _asking(self.model, rules))
        parse = self.model.format.parse
        return await self._answer(order, lambda text: parse(text, held.rules), held.asking, "speak")


class ScriptAgent(ModelAgent):
    """An author who writes the whole conversation in one answer."""

    def __init__(self, rules: ScriptRules, model: Model, prompt: Prompt) -> None:
        """Set up the agent; arguments as for :class:`RoleAgent`."""
        super().__init__("author", f"The author of a whole support chat, played by {model.name}.", model, prompt)
        self.rules = rules
        self._asking = _asking_for_script(model, rules)

    def on_messages_stream(
        self, messages: Sequence[BaseChatMessage], cancellation_token: CancellationToken | None
    ) -> AsyncGenerator[BaseAgentEvent | BaseChatMessage | Response, None]:
        """Refused: a script is many utterances, and AutoGen's agents answer with one message."""
        del messages, cancellation_token
        raise NotImplementedError("a script is written by write(), for a moderator that gives out its turns")

    async def write(self, order: Order) -> tuple[AnyReply, ...]:
        """Write the conversation: its turns, at least one.

        Raises:
            ModelError: the model cannot be called.
            ReplyError: neither the script nor its repair could be read.
        """
        form = self.model.format
        return await self._answer(order, lambda text: read_script(text, self.rules, form), self._asking, "script")


def _read(completion: Completion, read: Callable[[str], Read]) -> Read:
    if completion.finish_reason == "length":
        raise ReplyError("the reply was cut off at the token limit: answer shorter")
    return read(completion.content)


def _asking(model: Model, rules: ReplyRules) -> Asking:
    """How a request holds ``model`` to a reply's form."""
    if model.structured == "grammar":
        return Asking({"grammar": TAGGED.grammar(rules)}, None)
    if model.structured == "json_object":
        return Asking({"response_format": {"type": "json_object"}}, None)
    if model.structured == "json_schema":
        return Asking(_by_schema(f"{rules.role}_reply", JSON.schema(rules)), None)
    if model.structured == "autogen" and model.format is JSON:
        info = model.client.model_info
        if info.get("structured_output"):
            return Asking({}, _reply_class(rules))
        return Asking({}, True if info["json_output"] else None)
    return Asking({}, None)


def _asking_for_script(model: Model, rules: ScriptRules) -> Asking:
    """How a request holds ``model`` to a script's form, with room for all of its turns."""
    room = {} if model.max_tokens is None else {"max_tokens": model.max_tokens * rules.turns}
    if model.structured == "grammar":
        return Asking({**room, "grammar": script_grammar(rules)}, None)
    if model.structured == "json_object":
        return Asking({**room, "response_format": {"type": "json_object"}}, None)
    if model.structured == "json_schema":
        return Asking({**room, **_by_schema("script", script_schema(rules))}, None)
    any_json = model.structured == "autogen" and model.format is JSON and model.client.model_info["json_output"]
    return Asking(room, True if any_json else None)


def _by_schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    form = {"name": name, "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


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
