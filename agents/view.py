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
from typing import Final, NamedTuple

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
    NOTE = "note"
    """A word of the moderator's to the role alone that stays in its history: a user message of its own."""
    TAIL = "tail"
    """What changes from turn to turn: one user message after the talk."""


_SHARED: Final = (Place.HEAD, Place.TAIL)
_JOINS: Final = attrgetter("joins")


Made = tuple[LLMMessage, str]
"""A message, with the line that it adds to the content address of its prompt."""


class Segment:
    """A piece of a prompt, with where it comes from. Its address and message are worked out once and kept with it."""

    __slots__ = ("address", "joins", "made", "place", "source", "text")

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
        self.joins = place if place in _SHARED else None
        """The place whose one message it joins; None if it makes a message alone."""
        self.made: Made | None = None
        """The message that it makes alone, once rendered."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segment) and (
            (self.source, self.place, self.text) == (other.source, other.place, other.text)
        )

    def __hash__(self) -> int:
        return hash((self.source, self.text))

    def __repr__(self) -> str:
        return f"Segment({self.source!r}, {self.place.value!r}, {self.text!r})"


class Begun:
    """The beginning that the views of one talk share, rendered: the head, and what was said.

    No head segment may follow it: it would join a message that is made. Beginnings that grow out of one another hold
    the same lists, each as much of them as is its own: a turn copies nothing of what was said before it.
    """

    __slots__ = ("_messages", "_segments", "count", "marks", "size")

    def __init__(self, segments: list[Segment], messages: list[LLMMessage], marks: str) -> None:
        """Begin with all of two lists, that only grow from now on."""
        self._segments = segments
        self._messages = messages
        self.size = len(segments)
        """How many segments it holds."""
        self.count = len(messages)
        """How many messages it holds."""
        self.marks = marks
        """What they add to the content address of a prompt: a line each."""

    @classmethod
    def of(cls, role: Role, head: Sequence[Segment]) -> Begun:
        """The beginning of views of ``role`` before anything is said."""
        made = _made_of(role, head)
        return cls([*head], [message for message, _ in made], "".join([mark for _, mark in made]))

    def plus(self, role: Role, talk: Sequence[Segment]) -> Begun:
        """This beginning with more of the ``talk`` at its end: segments that make a message each."""
        segments, messages, marks = self._segments, self._messages, self.marks
        if len(segments) > self.size:  # another one grew out of it already
            segments, messages = segments[: self.size], self.messages
        for segment in talk:
            message, mark = segment.made or _alone(role, segment)
            segments.append(segment)
            messages.append(message)
            marks += mark
        return Begun(segments, messages, marks)

    @property
    def messages(self) -> list[LLMMessage]:
        """What it makes: a list of the caller's own."""
        return self._messages[: self.count]

    def after(self, size: int) -> list[Segment]:
        """Its segments but for the first ``size``."""
        return self._segments[size : self.size]

    def same(self, other: Begun) -> int:
        """How many segments both begin with, as far as that is known without a look at them; there may be more."""
        return min(self.size, other.size) if self._segments is other._segments else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Begun) and (self.after(0), self.marks) == (other.after(0), other.marks)

    def __hash__(self) -> int:
        return hash(self.marks)


class View(NamedTuple):
    """What ``role`` may see when it speaks at ``turn``."""

    role: Role
    turn: int
    """0-based number of the turn that is to be spoken."""
    more: tuple[Segment, ...]
    """The segments, but for those in :attr:`begun`."""
    facts: tuple[str, ...] = ()
    """Ids of the facts of the role's own that are in the view: those that its reply may declare as told."""
    begun: Begun = Begun([], [], "")
    """What the segments begin with, rendered already; most often all but a short tail."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of its segments, in order."""
        return self.after(0)

    def after(self, count: int) -> tuple[Segment, ...]:
        """Its segments but for the first ``count``, which must be of :attr:`begun`."""
        return (*self.begun.after(count), *self.more)

    def plus(self, *more: Segment) -> View:
        """This view with further segments at its end."""
        role, turn, before, facts, begun = self
        return View(role, turn, before + more, facts, begun)


def text_hash(text: str) -> str:
    """Content address of a text: the first 128 bits of its SHA-256, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Rendered(NamedTuple):
    """A prompt as a model client receives it."""

    messages: list[LLMMessage]
    """In AutoGen's types. They are shared between calls: nobody may change them."""
    hash: str
    """Their content address: what :func:`prompt_hash` gives for them."""


def render(view: View) -> Rendered:
    """The prompt that ``view`` makes.

    Neighbouring head segments share one message, and so do neighbouring tail segments, joined by line breaks; every
    utterance and every reply keeps a message to itself.
    """
    messages, marks = view.begun.messages, view.begun.marks
    for message, mark in _made_of(view.role, view.more):
        messages.append(message)
        marks += mark
    return Rendered(messages, text_hash(marks[:-1]))


def _made_of(role: Role, segments: Sequence[Segment]) -> list[Made]:
    made: list[Made] = []
    for joins, group in groupby(segments, _JOINS):
        if joins is None:
            made += [segment.made or _alone(role, segment) for segment in group]
        else:
            text = "\n".join([segment.text for segment in group])
            made.append(
                _head(text) if joins is Place.HEAD else _made(text, UserMessage(content=text, source="moderator"))
            )
    return made


def _alone(role: Role, segment: Segment) -> Made:
    if segment.place is Place.SELF:
        message: LLMMessage = AssistantMessage(content=segment.text, source=role.value)
    else:
        source = role.other.value if segment.place is Place.OTHER else "moderator"
        message = UserMessage(content=segment.text, source=source)
    segment.made = made = (message, f"{message.type} {segment.address}\n")
    return made


@lru_cache(maxsize=1024)
def _head(text: str) -> Made:
    return _made(text, SystemMessage(content=text))


def _made(text: str, message: LLMMessage) -> Made:
    return message, f"{message.type} {text_hash(text)}\n"


def prompt_hash(messages: Sequence[LLMMessage]) -> str:
    """Content address of a whole prompt: of the types and the content addresses of its messages, in order.

    :func:`render` gives the same without reading every text again; whoever holds only the messages uses this.
    """
    return text_hash("\n".join(f"{message.type} {text_hash(str(message.content))}" for message in messages))
