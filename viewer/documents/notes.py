"""People's notes, and how far people agree."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from confide.scenarios.schema import Frozen

ReaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
"""A reader's name: it names a file, and so it is plain."""
Tag = Annotated[str, Field(min_length=1, max_length=80)]


class Note(Frozen):
    """A person's note on a turn, or on the whole conversation. A later one at the same place takes its place."""

    v: Literal[1] = 1
    """Version of this line's schema."""
    at: float
    """When, in seconds since 1970 (UTC)."""
    reader: ReaderName
    """Who."""
    conversation: str
    """The conversation."""
    transcript: str
    """Content address of what was said when the note was made."""
    turn: int | None
    """The turn; None for the whole conversation."""
    text: Annotated[str, Field(max_length=20_000)] = ""
    """The note."""
    tags: tuple[Tag, ...] = ()
    """The reader's own labels."""
    strategies: tuple[str, ...] | None = None
    """Strategies of a supporter's turn, labelled again; None where the reader did not label it."""
    blind: bool
    """Whether the reader could see neither condition nor declared strategies."""


class NoteDraft(Frozen):
    """What the page sends to be saved."""

    key: str
    """Address of the conversation."""
    reader: ReaderName
    """Who."""
    transcript: str
    """Content address of what was read."""
    turn: Annotated[int, Field(ge=0)] | None
    """The turn; None for the whole conversation."""
    text: Annotated[str, Field(max_length=20_000)] = ""
    """The note."""
    tags: tuple[Tag, ...] = ()
    """Labels."""
    strategies: tuple[str, ...] | None = None
    """Strategies; None where not labelled."""
    blind: bool
    """Whether it was made blind."""


class PlacedNote(Frozen):
    """A note with the address of its conversation."""

    key: str
    """The conversation."""
    stale: bool
    """Whether the conversation says something else now than when the note was made."""
    note: Note
    """The note."""


class Notes(Frozen):
    """Notes."""

    notes: tuple[PlacedNote, ...]
    """By conversation and turn, the latest at each place."""


class Agreed(Frozen):
    """Agreement of a person's strategies with somebody else's, over all turns that both labelled."""

    reader: str
    """The person."""
    blind: bool
    """Whether the person's labels were made blind; those made in sight of what was declared are counted apart."""
    against: str
    """``declared``, an annotator's folder, or another person."""
    turns: int
    """Turns that both labelled."""
    conversations: int
    """Conversations that these are of."""
    kappa: float | None
    """Cohen's kappa of the first label of each."""
    alpha: float | None
    """Krippendorff's alpha of the lists as sets, by MASI distance."""
    why: str | None
    """Why one of them is None."""


class Agreements(Frozen):
    """Agreement of people with what was declared and with annotators."""

    agreements: tuple[Agreed, ...]
    """By person."""
