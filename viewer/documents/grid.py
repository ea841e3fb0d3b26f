"""Runs, and the grid of their conversations."""

from __future__ import annotations

from typing import Literal

from confide.scenarios import Role
from confide.scenarios.schema import Frozen

State = Literal["finished", "open", "damaged"]
"""``open``: under way or interrupted. ``damaged``: its log cannot be read, or is not as it was written."""


class Named(Frozen):
    """Something with an id and a title."""

    id: str
    """Its id."""
    title: str
    """One line for people."""


class RunInfo(Frozen):
    """One of the runs that are shown."""

    id: str
    """Name of the run's folder."""
    kind: Literal["simulated", "fork", "imported"]
    """Where its conversations come from."""
    created: str
    """When, in ISO 8601 (UTC)."""
    planned: int
    """Conversations that it is to have."""
    begun: int
    """Conversations that have a log in the index."""
    finished: int
    """Of these, those that are finished."""
    measures: tuple[str, ...]
    """Readers and questionnaires that read it."""
    problem: str | None
    """What is wrong with its folder now; None if nothing is."""


class Home(Frozen):
    """What the page begins with."""

    version: str
    """Version of confide."""
    runs: tuple[RunInfo, ...]
    """The runs, oldest first."""
    waiting: int
    """Logs that are not in the index yet, or that changed since."""
    token: str | None
    """What a request that writes must carry; None in an export, where nothing can be written."""
    static: bool
    """Whether this is an export: no server, nothing live."""
    chunks: int = 0
    """In an export: parts that the searchable words are in; see :class:`Words`."""


class Hit(Frozen):
    """Where words that were searched for stand."""

    turn: int
    """The turn."""
    role: Role
    """Whose."""
    private: bool
    """Whether they stand in what the role kept to itself."""
    before: str
    """The words before."""
    match: str
    """The words that were found."""
    after: str
    """The words after."""


class Row(Frozen):
    """One conversation in the grid. None where it is unknown, with why beside it where that is not plain."""

    key: str
    """Address of the conversation in links: opaque, and the same wherever the run is opened."""
    run: str | None
    """Its run; None for a blind reader, as the following."""
    conversation: str | None
    """Its id in the run."""
    scenario: str | None
    """Id of the scenario; the data's file for people's."""
    condition: str | None
    """Condition, and the cast where there are several; ``human`` for people's."""
    model: str | None
    """The model that plays; ``one + other`` where the supporter's is another than the seeker's."""
    pair_key: str | None
    """What conditions are compared within."""
    state: State
    """Whether it is finished."""
    end: str | None
    """Why it ended; None while it has not."""
    turns: int
    """Turns that were spoken."""
    facts: int | None
    """Facts of both roles."""
    told: int | None
    """Of these, those that were told, declared or not."""
    drift: float | None
    """Mean size of the change of a trait from the first to the last long form, by self-report, over roles and factors
    whose reliability is known to be good enough; points of the scale."""
    drift_note: str | None
    """What it is made of, or why there is none."""
    agreement: float | None
    """Agreement of declared strategies and an annotator's: 1 - mean MASI distance over turns, 0 to 1."""
    agreement_note: str | None
    """How many turns, and by whom; or why there is none."""
    began: float | None
    """When, in seconds since 1970 (UTC)."""
    hit: Hit | None = None
    """Where the searched words stand first."""


class Rows(Frozen):
    """Part of the grid."""

    total: int
    """Conversations that pass the filters."""
    offset: int
    """Number of the first row here among them."""
    rows: tuple[Row, ...]
    """The rows."""


class Facet(Frozen):
    """A value that a column can be filtered by."""

    value: str
    """The value."""
    count: int
    """Conversations that have it."""


class Facets(Frozen):
    """What the grid can be filtered by: all values of some columns, in alphabetical order."""

    run: tuple[Facet, ...]
    """Runs."""
    scenario: tuple[Facet, ...]
    """Scenarios."""
    condition: tuple[Facet, ...]
    """Conditions."""
    model: tuple[Facet, ...]
    """Models."""
    end: tuple[Facet, ...]
    """Reasons to end; ``open`` and ``damaged`` where there is none."""


class WordsOf(Frozen):
    """What was said, or kept back, in one turn."""

    key: str
    """The conversation."""
    turn: int
    """The turn."""
    role: Role
    """Whose."""
    private: bool
    """Whether the role kept it to itself."""
    text: str
    """The words."""


class Words(Frozen):
    """Part of an export's searchable words."""

    lines: tuple[WordsOf, ...]
    """By conversation and turn."""
