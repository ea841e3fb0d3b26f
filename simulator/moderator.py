"""The moderator as an AutoGen team: AutoGen's consoles, and AutoGen's own teams, can run a conversation.

Law: what leaves here is the public transcript. A task's text only starts the conversation; neither role ever sees it.
The moderator calls its two agents directly: AutoGen's own group chats broadcast every message to every participant.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from autogen_agentchat.base import TaskResult, Team
from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage, TextMessage
from autogen_core import CancellationToken
from pydantic import BaseModel

from confide.scenarios import ConfideError
from confide.simulator.events import EVENTS, AnyEvent, Ended, Spoke
from confide.simulator.log import Sink, Tee
from confide.simulator.replay import resumed
from confide.simulator.setup import Setup

Task = str | BaseChatMessage | Sequence[BaseChatMessage] | None


class Memory:
    """A sink that keeps events in a list."""

    def __init__(self) -> None:
        """Start empty."""
        self.events: list[AnyEvent] = []
        """The events, in order."""

    def write(self, *events: AnyEvent) -> None:
        """Keep ``events``."""
        self.events.extend(events)


class Moderator(Team):
    """Runs one conversation between a seeker and a supporter."""

    component_config_schema = BaseModel
    component_provider_override = "confide.simulator.Moderator"

    def __init__(self, setup: Setup, sink: Sink | None = None, logged: Sequence[AnyEvent] = ()) -> None:
        """Set up the conversation.

        Args:
            setup: what it is made from.
            sink: takes the events; by default they are kept in memory alone.
            logged: events of an earlier, interrupted run of the same conversation, which is then run on.
        """
        self._setup = setup
        self._sink = sink
        self._memory = Memory()
        self._memory.events.extend(logged)

    @property
    def name(self) -> str:
        """The team's name."""
        return "moderator"

    @property
    def description(self) -> str:
        """What the team does."""
        return "Holds a support conversation between a seeker and a supporter who know different things."

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """The events so far: the conversation's whole truth."""
        return tuple(self._memory.events)

    async def converse(self, token: CancellationToken | None = None) -> AsyncGenerator[AnyEvent, None]:
        """Run the conversation to its end, giving each new event once it is in the sink. Call again after an error.

        Raises:
            ModelError: a model cannot be called; the turn in flight is lost and nothing else.
            ConfideError: the sink cannot write.
        """
        sink: Sink = Tee(self._sink, self._memory) if self._sink else self._memory
        conversation = resumed(self._setup, self.events, sink)
        seen = len(self._memory.events)
        error: ConfideError | None = None
        while conversation.state.ended is None and error is None:
            try:
                await conversation.step(token)
            except ConfideError as raised:  # what happened before it is told first
                error = raised
            for event in self._memory.events[seen:]:
                yield event
            seen = len(self._memory.events)
        if error is not None:
            raise error

    async def run(
        self,
        *,
        task: Task = None,
        cancellation_token: CancellationToken | None = None,
        output_task_messages: bool = True,
    ) -> TaskResult:
        """Run the conversation to its end; see :meth:`run_stream`."""
        async for item in self.run_stream(
            task=task, cancellation_token=cancellation_token, output_task_messages=output_task_messages
        ):
            if isinstance(item, TaskResult):
                return item
        raise RuntimeError("the stream ended without a result")

    async def run_stream(
        self,
        *,
        task: Task = None,
        cancellation_token: CancellationToken | None = None,
        output_task_messages: bool = True,
    ) -> AsyncGenerator[BaseAgentEvent | BaseChatMessage | TaskResult, None]:
        """Run the conversation: each utterance as a text message, and at last the result with the reason of the end.

        Args:
            task: ignored but for giving it back; the conversation needs none and shows it to nobody.
            cancellation_token: AutoGen's way to cancel.
            output_task_messages: whether the task's messages are given back.
        """
        said: list[BaseAgentEvent | BaseChatMessage] = list(_messages(task)) if output_task_messages else []
        for message in said:
            yield message
        async for event in self.converse(cancellation_token):
            if isinstance(event, Spoke):
                message = TextMessage(content=event.reply.utterance, source=event.role.value)
                said.append(message)
                yield message
        end = self.events[-1]
        yield TaskResult(messages=said, stop_reason=end.reason.value if isinstance(end, Ended) else None)

    async def reset(self) -> None:
        """Forget the conversation; the next run begins it anew."""
        self._memory.events.clear()

    async def pause(self) -> None:
        """Refused: stop reading the stream instead; it goes on when :meth:`run_stream` is called again."""
        raise NotImplementedError("stop reading run_stream, and call it again to go on")

    async def resume(self) -> None:
        """Refused; see :meth:`pause`."""
        raise NotImplementedError("call run_stream again to go on")

    async def save_state(self) -> Mapping[str, Any]:
        """The events so far, as JSON."""
        return {"events": [event.model_dump(mode="json") for event in self._memory.events]}

    async def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up a conversation where :meth:`save_state` left it."""
        self._memory.events[:] = [EVENTS.validate_json(json.dumps(event)) for event in state["events"]]


def _messages(task: Task) -> list[BaseChatMessage]:
    if task is None:
        return []
    if isinstance(task, str):
        return [TextMessage(content=task, source="user")]
    return [task] if isinstance(task, BaseChatMessage) else list(task)
