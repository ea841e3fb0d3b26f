"""What passes between the moderator and an agent, in AutoGen's message types.

Law: only :class:`TextMessage` is chat, and it holds the utterance alone. What is private travels as an
:class:`AgentNote`, an event that AutoGen never forwards to another agent's model.
"""

from __future__ import annotations

from typing import NamedTuple

from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage
from autogen_core.models import UserMessage
from pydantic import ConfigDict, SkipValidation

from confide.agents.completion import Completion
from confide.agents.reply import SeekerReply, SupporterReply
from confide.agents.view import View


class ViewMessage(BaseChatMessage):
    """The moderator's order to speak: what the agent may see, and the seeds for its model calls."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    view: SkipValidation[View]
    """What the agent may see."""
    seeds: dict[str, int]
    """Seeds by purpose: of the call that speaks (``speak``), and of the one that repairs (``repair``)."""

    def to_text(self) -> str:
        """A line for consoles that names no content."""
        return f"(turn {self.view.turn}: {self.view.role} may see {len(self.view.segments)} segments)"

    def to_model_text(self) -> str:
        """A view is never handed to a model as one text."""
        raise NotImplementedError("a view is rendered to messages, not to one text")

    def to_model_message(self) -> UserMessage:
        """A view is never handed to a model as one message."""
        raise NotImplementedError("a view is rendered to messages, not to one message")


class Called(NamedTuple):
    """A model call that was answered."""

    purpose: str
    """``speak``, ``script`` or ``repair``."""
    view: View
    """What the prompt was made from."""
    prompt_hash: str
    """Content address of the messages that the client received."""
    seed: int
    completion: Completion


class Unreadable(NamedTuple):
    """An answer that could not be read as a reply."""

    purpose: str
    """Purpose of the call whose answer it was."""
    reason: str
    """What is wrong with it."""


class AgentNote(BaseAgentEvent):
    """Something an agent tells the moderator and nobody else."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    note: SkipValidation[Called | Unreadable | SeekerReply | SupporterReply]
    """The call, the failure or the reply."""

    def to_text(self) -> str:
        """A line for consoles that names no content."""
        return f"({self.source}: {type(self.note).__name__})"
