"""A view is what one role may see at one turn. A prompt is made from a view and from nothing else.

Law: :func:`render` is pure. Equal views give equal messages, byte for byte, and no text is changed on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from autogen_core.models import AssistantMessage, LLMMessage, SystemMessage, UserMessage

from confide.scenarios import Role


class Place(StrEnum):
    """Where in a prompt a segment stands, and so who seems to say it."""

    HEAD = "head"
    """Who the role is and what it knows: one system message, the same at every turn."""
    OPENING = "opening"
    """What stands before the talk when the role speaks first: a user message."""
    OTHER = "other"
    """An utterance of the other role: a user message of its own."""
    SELF = "self"
    """An earlier reply of the role's own, in its reply format: an assistant message of its own."""
    TAIL = "tail"
    """What changes from turn to turn: one user message after the talk."""


class Segment:
    """A piece of a prompt, with where it comes from. Its address and message are worked out once and kept with it."""

    __slots__ = ("address", "message", "place", "source", "text")

    def __init__(self, source: str, place: Place, text: str) -> None:
        """Make a segment.

        Args:
            source: ``persona:seeker``, ``fact:quitting``, ``utterance:7``, ``reply:6``, ``instruction:rules``, …
            place: where it stands.
            text: the words, exactly.
        """
        self.source = source
        self.place = place
        self.text = text
        self.address = text_hash(text)
        """Content address of the text."""
        self.message: LLMMessage | None = None
        """The message that it makes alone, once rendered; None for places that share one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segment) and (
            (self.source, self.place, self.text) == (other.source, other.place, other.text)
        )

    def __hash__(self) -> int:
        return hash((self.source, self.text))

    def __repr__(self) -> str:
        return f"Segment({self.source!r}, {self.place.value!r}, {self.text!r})"


class View(NamedTuple):
    """What ``role`` may see when it speaks at ``turn``."""

    role: Role
    turn: int
    """0-based number of the turn that is to be spoken."""
    segments: tuple[Segment, ...]

    def plus(self, *more: Segment) -> View:
        """This view with further segments at its end."""
        return self._replace(segments=(*self.segments, *more))


def text_hash(text: str) -> str:
    """Content address of a text: the first 128 bits of its SHA-256, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def render(view: View) -> list[LLMMessage]:
    """The messages for the model, in AutoGen's types. They are shared between calls: nobody may change them.

    Neighbouring head segments share one message, and so do neighbouring tail segments, joined by line breaks; every
    utterance and every reply keeps a message to itself.
    """
    messages: list[LLMMessage] = []
    joined: list[str] = []
    last: Place | None = None
    for segment in view.segments:
        place = segment.place
        if joined and place is not last:
            messages.append(_shared(last, joined))
            joined = []
        last = place
        if place is Place.HEAD or place is Place.TAIL:
            joined.append(segment.text)
        else:
            segment.message = segment.message or _alone(view.role, place, segment.text)
            messages.append(segment.message)
    if joined:
        messages.append(_shared(last, joined))
    return messages


def _alone(role: Role, place: Place, text: str) -> LLMMessage:
    if place is Place.SELF:
        return AssistantMessage(content=text, source=role.value)
    return UserMessage(content=text, source=role.other.value if place is Place.OTHER else "moderator")


def _shared(place: Place | None, texts: list[str]) -> LLMMessage:
    text = "\n".join(texts)
    return _system(text) if place is Place.HEAD else UserMessage(content=text, source="moderator")


@lru_cache(maxsize=1024)
def _system(text: str) -> SystemMessage:
    return SystemMessage(content=text)


def prompt_hash(messages: Sequence[LLMMessage]) -> str:
    """Content address of a whole prompt: of all messages' exact texts in order, their types and their lengths.

    Args:
        messages: the messages, at least one.
    """
    contents = [str(message.content) for message in messages]
    shape = [message.type for message in messages], list(map(len, contents))
    digest = _begun(contents[0]).copy()  # the longest message by far, and always the same
    digest.update("".join(contents[1:]).encode())
    digest.update(repr(shape).encode())
    return digest.hexdigest()[:32]


@lru_cache(maxsize=1024)
def _begun(content: str) -> hashlib._Hash:
    return hashlib.sha256(content.encode())
