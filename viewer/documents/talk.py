"""One conversation: what it was made under, its turns, who knew what."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from confide.scenarios import Role
from confide.scenarios.schema import Frozen
from confide.viewer.documents.calls import Call
from confide.viewer.documents.grid import Named, State
from confide.viewer.documents.measures import Annotator, DriftLine, Measure


class FactInfo(Frozen):
    """A fact of the scenario."""

    id: str
    """Its id."""
    text: str
    """Its words."""
    reveal: str
    """When it may be told."""
    trust: int | None
    """From which trust on; None for none."""
    after: tuple[str, ...]
    """Facts that must be told before it."""


class Side(Frozen):
    """One role of the conversation."""

    name: str
    """What it is called."""
    background: str
    """Who it is."""
    traits: dict[str, float | None]
    """HEXACO factors, 1 to 5; None where unset."""
    style: dict[str, float | None]
    """CSI styles, 1 to 5; None where unset."""
    goals: tuple[str, ...]
    """What it wants of the talk."""
    facts: tuple[FactInfo, ...]
    """What it knows."""
    sees: tuple[str, ...]
    """What the condition shows it: ``own``, ``other.persona``, ``other.facts``, ``other.inner``."""
    shown_persona: bool
    """Whether the condition gives it its persona."""
    model: str
    """The model that plays it."""
    caveat: str | None
    """What a reader of the model's figures must know."""


class Message(Frozen):
    """One of the messages that a person sent in one turn."""

    text: str
    """Its words."""
    labels: tuple[str, ...]
    """Its labels, in the data's words."""
    about: dict[str, JsonValue]
    """What else the data say about it."""


class Turn(Frozen):
    """One turn. What its speaker did not report, or was not asked, is None."""

    turn: int
    """Number, from 0."""
    role: Role
    """Who spoke."""
    utterance: str
    """What it said."""
    strategies: tuple[str, ...] | None
    """Declared strategies of a supporter's turn, or a person's labels."""
    told: tuple[str, ...] | None
    """Facts that the reply declares as told."""
    emotion: int | None
    """The seeker's distress after it, 0 to 100."""
    trust: int | None
    """The seeker's trust after it, 0 to 100."""
    thoughts: str | None
    """What the seeker thinks, or the supporter's notes."""
    wants_to_end: bool | None
    """Whether it wants to stop."""
    at: float | None
    """When it was logged, in seconds since 1970 (UTC)."""
    messages: tuple[Message, ...]
    """The messages of a person's turn; empty for a model's."""


class Knowing(Frozen):
    """That a role knows a fact, or what it did about one."""

    role: Role
    """Who."""
    fact: str
    """The fact."""
    turn: int
    """From which turn on, or in which; -1 before the talk."""
    how: Literal["owns", "sees", "told", "noticed", "asked", "inferred", "undeclared", "unsaid"]
    """``owns``, ``sees`` (in its prompt by the condition), ``told``, ``noticed`` (told without being declared): it
    knows. ``asked``, ``inferred``: it asked about the other's fact, or stated it untold. ``undeclared``, ``unsaid``:
    its words tell an own fact that the reply does not declare, or do not tell one that it declares."""


class Kin(Frozen):
    """A conversation that this one can be held against."""

    key: str
    """Its address."""
    run: str
    """Its run."""
    conversation: str
    """Its id."""
    condition: str
    """Its condition."""
    relation: Literal["pair", "parent", "fork"]
    """``pair``: the same pair key under another condition or in another run."""


class Parent(Frozen):
    """Where a fork branched off."""

    key: str | None
    """Address of the parent; None where it is not shown here."""
    run: str
    """Its run."""
    conversation: str
    """Its id."""
    at: int
    """First turn that is the fork's own."""
    changed: dict[str, str]
    """What was set."""


class Setting(Frozen):
    """What the conversation was made under; hidden from a blind reader."""

    run: str
    """The run."""
    conversation: str
    """Its id."""
    condition: Named
    """The condition; ``human`` for people's."""
    writer: str | None
    """Who writes: ``two_agents``, ``one_author``, ``script``; None for people's."""
    telling: str | None
    """Who decides what may be told; None for people's."""
    pair_key: str
    """What conditions are compared within."""
    seed: int | None
    """The run's seed; None for people's."""
    seeker: Side | None
    """The seeker; None for people's."""
    supporter: Side | None
    """The supporter; None for people's."""
    parent: Parent | None
    """For a fork: where it branched off."""
    record: dict[str, JsonValue]
    """What the data say about people's conversation."""


class Talk(Frozen):
    """One conversation, whole."""

    key: str
    """Its address."""
    blind: bool
    """Whether what a blind reader may not see was left out."""
    title: str
    """One line for people."""
    scenario: str
    """Id of the scenario."""
    situation: str | None
    """What both know; None where people's data do not say."""
    problem: str | None
    """Kind of problem."""
    emotion: str | None
    """What the seeker feels."""
    names: dict[Role, str]
    """What the roles are called."""
    labels: tuple[Named, ...]
    """The strategies: label and definition."""
    state: State
    """Whether it is finished."""
    damage: str | None
    """What is wrong with its log; the turns before that are here."""
    end: str | None
    """Why it ended; None while it has not."""
    detail: str | None
    """For an end by error: what went wrong."""
    setting: Setting | None
    """What it was made under; None for a blind reader."""
    turns: tuple[Turn, ...]
    """The turns."""
    calls: tuple[Call, ...]
    """The calls that made the turns; none for people's and for a blind reader."""
    texts: dict[str, str]
    """Texts of segments, by content address."""
    knows: tuple[Knowing, ...]
    """Who knows what, and from when on."""
    measures: tuple[Measure, ...]
    """What readers found."""
    drift: tuple[DriftLine, ...]
    """Traits over the conversation."""
    annotators: tuple[Annotator, ...]
    """Who labelled the strategies again."""
    kin: tuple[Kin, ...]
    """What it can be compared with."""
    transcript: str
    """Content address of what was said: notes are about it."""
