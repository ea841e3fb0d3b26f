"""A view is what one role may see at one turn. A prompt is made from a view and from nothing else.

Law: :func:`render` is pure. Equal views give equal messages, byte for byte, and no text is changed on the way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
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


class Segment(NamedTuple):
    """A piece of a prompt, with where it comes from."""

    source: str
    """``persona:seeker``, ``fact:quitting``, ``utterance:7``, ``reply:6``, ``instruction:rules`` and the like."""
    place: Place
    """Where it stands."""
    text: str
    """The words, exactly."""


class View(NamedTuple):
    """What ``role`` may see when it speaks at ``turn``."""

    role: Role
    turn: int
    """0-based number of the turn that is to be spoken."""
    segments: tuple[Segment, ...]

    def plus(self, *more: Segment) -> View:
        """This view with further segments at its end."""
        return self._replace(segments=(*self.segments, *more))


def _address(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=65536)
def text_hash(text: str) -> str:
    """Content address of a text: the first 128 bits of its SHA-256, in hex."""
    return _address(text)


def render(view: View) -> list[LLMMessage]:
    """The messages for the model, in AutoGen's types. They are shared between calls: nobody may change them.

    Neighbouring head segments share one message, and so do neighbouring tail segments, joined by line breaks; every
    utterance and every reply keeps a message to itself.
    """
    messages: list[LLMMessage] = []
    own, other = view.role.value, view.role.other.value
    for place, group in groupby(view.segments, key=_place):
        texts = [segment.text for segment in group]
        if place is Place.HEAD:
            messages.append(_system("\n".join(texts)))
        elif place is Place.TAIL:
            messages.append(_user("\n".join(texts), _MODERATOR))
        elif place is Place.SELF:
            messages += [_assistant(text, own) for text in texts]
        else:
            messages += [_user(text, other if place is Place.OTHER else _MODERATOR) for text in texts]
    return messages


_place = attrgetter("place")
_MODERATOR = "moderator"


@lru_cache(maxsize=4096)
def _system(text: str) -> SystemMessage:
    return SystemMessage(content=text)


@lru_cache(maxsize=65536)
def _assistant(text: str, source: str) -> AssistantMessage:
    return AssistantMessage(content=text, source=source)


@lru_cache(maxsize=65536)
def _user(text: str, source: str) -> UserMessage:
    return UserMessage(content=text, source=source)


def prompt_hash(messages: Sequence[LLMMessage]) -> str:
    """Content address of a whole prompt: of each message's type and exact text, in order."""
    return _address("\n".join(f"{message.type} {text_hash(str(message.content))}" for message in messages))
