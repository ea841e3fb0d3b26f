"""What the server tells the page, and an export holds: plain documents, made from logs and from nothing else.

Law: what is hidden from a blind reader is not in the document. A page cannot show what it does not have.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from confide.scenarios import Role
from confide.scenarios.schema import Frozen
from confide.simulator.events import MeasuredValue, PlaceName

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


class Words(Frozen):
    """Part of an export's searchable words."""

    lines: tuple[WordsOf, ...]
    """By conversation and turn."""


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


class Source(Frozen):
    """A segment of a prompt."""

    source: str
    """Where it comes from, such as ``fact:quitting`` or ``utterance:7``."""
    place: PlaceName
    """Where it stands: neighbouring ``head`` segments make one system message, neighbouring ``tail`` segments one user
    message, ``self`` an assistant message each, and all others a user message each."""
    hash: str
    """Address of its text in ``texts``."""


class Try(Frozen):
    """A try at a call that failed."""

    fault: str
    """Why."""
    message: str
    """In one line."""
    seconds: float
    """How long it took."""


class Call(Frozen):
    """A model call. Its prompt is the first ``kept`` segments of call ``base``, and ``segments`` after them."""

    seq: int
    """Number of its event in the log."""
    turn: int
    """The turn that it was made for; -1 before the first."""
    role: Role | None
    """For whom; None for both."""
    purpose: str
    """``speak``, ``script``, ``repair`` or ``read``."""
    base: int | None
    """Place of the call that it goes on from in the list of calls; None where ``kept`` is 0."""
    kept: int
    """Segments that it shares with that call."""
    segments: tuple[Source, ...]
    """The segments after those."""
    prompt: str | None
    """Content address of the messages; None where there was no answer, as the seed."""
    seed: int | None
    """The seed."""
    reply: str
    """The answer, exactly; empty where there was none."""
    answered: bool
    """Whether there was an answer."""
    fault: str | None
    """What was wrong with the answer, or why there was none; None if it could be read."""
    message: str | None
    """The same in one line."""
    finish_reason: str | None
    """Why the model stopped."""
    model: str | None
    """What the server calls the model."""
    fingerprint: str | None
    """The server's mark of its configuration."""
    prompt_tokens: int | None
    """Tokens of the prompt."""
    cached_tokens: int | None
    """Of these, from the prefix cache."""
    completion_tokens: int | None
    """Tokens of the answer."""
    seconds: float | None
    """How long it took, without earlier tries."""
    cost: float | None
    """US dollars."""
    attempts: tuple[Try, ...]
    """Tries that failed before."""


class Calls(Frozen):
    """The calls of a log, with the texts of their segments."""

    calls: tuple[Call, ...]
    """In order."""
    texts: dict[str, str]
    """Texts by content address. One that is not here stands in the conversation's own ``texts``."""


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


class Item(Frozen):
    """A question that a reader was asked."""

    id: str
    """Its id."""
    question: str
    """Its words."""
    kind: Literal["labels", "choice", "scale", "level", "turns"]
    """What is answered: strategies, a word, a point, a number, or a list of turns that the reader cites."""
    low: float | None
    """Lowest point; None for words and turns."""
    high: float | None
    """Highest point."""
    words: tuple[str, ...] = ()
    """The words that a ``choice`` is one of."""


class Answer(Frozen):
    """A reader's answers at one place."""

    turn: int | None
    """The turn; None for the whole conversation."""
    role: Role | None
    """About whom."""
    repeat: int
    """Which of the repeats, from 0."""
    part: str | None
    """Which part of a questionnaire."""
    values: dict[str, MeasuredValue]
    """The answer to each item; None where there is none."""
    missing: dict[str, str]
    """For each of those, why."""
    call: int | None
    """Place of its call in the reader's calls; None where none was logged."""


class Measure(Frozen):
    """What one reader found in this conversation."""

    key: str
    """Name of the reader's folder."""
    id: str
    """Id of the rubric."""
    title: str
    """Its title."""
    model: str
    """Who answered; ``roles`` where the roles' own models did."""
    kind: Literal["rubric", "traits"]
    """What was asked."""
    caveat: str | None
    """What a reader of the figures must know about the model."""
    items: tuple[Item, ...]
    """What was asked; empty for questionnaires, whose scores are in ``drift``."""
    answers: tuple[Answer, ...]
    """What was answered; empty for questionnaires."""
    problem: str | None
    """Why it cannot be used: not read to its end, or read from another transcript; None if it can."""


class DriftPoint(Frozen):
    """A trait at one time."""

    turn: int
    """After which turn; -1 before the first."""
    change: float | None
    """Change since the baseline, by the items asked both times; points of the scale; 0 at the baseline."""


class DriftLine(Frozen):
    """One trait of one role over the conversation."""

    plan: str
    """The trait plan."""
    source: str
    """``self``, ``bare`` (the same model without its persona) or ``observer``."""
    role: Role
    """Whose."""
    factor: str
    """Which trait."""
    model: str
    """Who answered."""
    why: str | None
    """Why there are no scores; None where there are."""
    noise: float | None
    """Root mean square of the change without a talk between, over the run's conversations of this condition; None
    where nobody was asked twice."""
    low: float | None
    """Lowest score of the scale."""
    high: float | None
    """Highest score."""
    start: float | None
    """Score at the baseline."""
    points: tuple[DriftPoint, ...]
    """In order; empty where there are no scores."""


class Labelled(Frozen):
    """An annotator's strategies of one supporter turn."""

    turn: int
    """The turn."""
    labels: tuple[str, ...] | None
    """What it found; None where it gave none."""
    why: str | None
    """Then: why."""


class Annotator(Frozen):
    """Who labelled the strategies again, blind to what was declared."""

    name: str
    """The reader's folder, or the person."""
    person: bool
    """Whether it is a person."""
    turns: tuple[Labelled, ...]
    """By turn."""


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


class Note(Frozen):
    """A person's note on a turn, or on the whole conversation. A later one at the same place takes its place."""

    v: Literal[1] = 1
    """Version of this line's schema."""
    at: float
    """When, in seconds since 1970 (UTC)."""
    reader: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    """Who."""
    conversation: str
    """The conversation."""
    transcript: str
    """Content address of what was said when the note was made."""
    turn: int | None
    """The turn; None for the whole conversation."""
    text: Annotated[str, Field(max_length=20_000)] = ""
    """The note."""
    tags: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = ()
    """The reader's own labels."""
    strategies: tuple[str, ...] | None = None
    """Strategies of a supporter's turn, labelled again; None where the reader did not label it."""
    blind: bool
    """Whether the reader could see neither condition nor declared strategies."""


class NoteDraft(Frozen):
    """What the page sends to be saved."""

    key: str
    """Address of the conversation."""
    reader: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    """Who."""
    transcript: str
    """Content address of what was read."""
    turn: Annotated[int, Field(ge=0)] | None
    """The turn; None for the whole conversation."""
    text: Annotated[str, Field(max_length=20_000)] = ""
    """The note."""
    tags: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = ()
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
