"""What a log holds: one union of events, told apart by ``kind``.

Law: a log is the whole truth. A conversation's state is a fold over its events, and there is no other state to save.
``at`` and ``digest`` are the only fields that a replay does not reproduce: they are of the file, not of the talk.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter
from typing_extensions import TypedDict

from confide.agents import Attempt
from confide.agents.reply import Reply
from confide.scenarios import Condition, Role, Scenario, Taxonomy
from confide.scenarios.schema import Frozen
from confide.simulator.cast import Cast, ModelCard, PerRole

VERSION: Final = 1
"""Version of the event schema that this code writes."""


class EndReason(StrEnum):
    """Why a conversation ended."""

    TURN_LIMIT = "turn_limit"
    SEEKER_ENDED = "seeker_ended"
    SUPPORTER_ENDED = "supporter_ended"
    SCRIPT_ENDED = "script_ended"
    REPETITION = "repetition"
    BUDGET = "budget"
    ERROR = "error"
    UNKNOWN = "unknown"


class EventBase(Frozen):
    """What all events have."""

    v: Literal[1] = VERSION
    """Version of the event schema."""
    seq: Annotated[int, Field(ge=0)]
    """Number of the event in its conversation, from 0, without gaps."""
    at: float | None = None
    """When it was logged, in seconds since 1970 (UTC)."""

    @classmethod
    def unchecked(cls, values: Mapping[str, Any]) -> Self:
        """An event of ours, made of values of the right types: all that have no default.

        For the two events of every turn: validating values that are known to be right took 3% of a turn's time.
        pydantic's own ``model_construct`` does the same as this, and takes longer than the validation. They come as one
        mapping: as keywords, each of them would be looked up among the parameters, which takes as long as all the rest.
        """
        event = cls.__new__(cls)
        blank, names = _blank(cls)
        object.__setattr__(event, "__dict__", {**blank, **values})
        object.__setattr__(event, "__pydantic_fields_set__", names)
        object.__setattr__(event, "__pydantic_extra__", None)
        object.__setattr__(event, "__pydantic_private__", None)
        return event


@cache
def _blank(kind: type[EventBase]) -> tuple[dict[str, Any], set[str]]:
    """The fields of a kind of event, in their order, with their defaults; and their names, which copies copy."""
    fields = kind.model_fields
    return {name: None if field.is_required() else field.default for name, field in fields.items()}, set(fields)


class Parent(Frozen):
    """Where a fork branched off."""

    run: str
    """Id of the parent's run."""
    conversation: str
    """Id of the parent."""
    at: Annotated[int, Field(ge=0)]
    """The first turn that is the fork's own."""
    changed: dict[str, str]
    """What was set, as it was given."""
    replies: tuple[Reply, ...]
    """The replies of the turns that were taken over."""
    imposed: Reply | None = None
    """What is said at turn ``at``, in place of a model's reply; its private part is the parent's of that turn."""


class Started(EventBase):
    """The conversation begins: everything that it is made from."""

    kind: Literal["started"] = "started"
    """``started``."""
    conversation: str
    """Id of the conversation, unique in its run."""
    pair_key: str
    """Scenario, personas and replicate: what conditions are compared within."""
    seed: int
    """The run's seed."""
    scenario: Scenario
    """The scenario, whole."""
    condition: Condition
    """The condition: who sees what, who writes, and the rest."""
    taxonomy: Taxonomy
    """The strategies that the supporter may declare."""
    prompts: PerRole
    """The text of the prompt file from which each role's turns are written; an author's, where one writes both."""
    prompt_hashes: PerRole
    """Content addresses of the prompt files, to tell runs apart by them."""
    cast: Cast
    """The models that write each role's turns."""
    parent: Parent | None = None
    """For a fork: where it branched off. Its first turns are the parent's, and no model was called for them."""


class Imported(EventBase):
    """A conversation that people held begins: everything that the data say about it as a whole."""

    kind: Literal["imported"] = "imported"
    """``imported``."""
    conversation: str
    """Id of the conversation, unique in its run."""
    pair_key: str
    """The data set and the conversation's place in it: no other conversation has the same."""
    source: str
    """Name of the file that it came from."""
    index: Annotated[int, Field(ge=0)]
    """Its place in the file, from 0."""
    taxonomy: Taxonomy
    """The strategies that its labels were mapped to."""
    problem: str | None
    """The kind of problem; None where the data do not say."""
    emotion: str | None
    """What the seeker feels; None where the data do not say."""
    situation: str | None
    """The situation in the seeker's words; None where the data do not say."""
    record: dict[str, JsonValue]
    """All that the file holds about the conversation beside its messages, as it stands there."""


PlaceName = Literal["head", "opening", "other", "self", "note", "tail"]
"""Values of :class:`confide.agents.Place`; plain text, as logs write nothing as often."""


class SegmentRef(TypedDict):
    """A segment of a prompt, by content address."""

    __pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # type: ignore[misc]

    source: str
    """Where it comes from, such as ``fact:quitting`` or ``utterance:7``."""
    place: PlaceName
    """Where in the prompt it stands."""
    hash: str
    """Content address of its text: the first 128 bits of the text's SHA-256, in hex."""


class Called(EventBase):
    """A model was called, and answered."""

    kind: Literal["called"] = "called"
    """``called``."""
    turn: int
    """Turn that the call was made for, from 0."""
    role: Role | None
    """Role that it was made for; None for a script, which is both's, and for a reader of the whole conversation."""
    purpose: Literal["speak", "script", "repair", "read"]
    """What for: ``read`` is a reader's call, and stands in side logs alone."""
    kept: int
    """The prompt begins with this many segments of the writer's previous call: the same role's, or the author's."""
    segments: tuple[SegmentRef, ...]
    """The segments after those."""
    texts: dict[str, str]
    """Texts of segments by content address, each where it first comes up. An utterance or an answer that stands in an
    earlier event is not repeated."""
    prompt: str
    """Content address of the messages that the model client received."""
    seed: int
    """The seed of the call."""
    reply: str
    """The answer, exactly."""
    finish_reason: str
    """Why the model stopped, as the server said."""
    model: str | None
    """The model's name as the server gave it; None if it gave none."""
    fingerprint: str | None
    """The server's own mark of its configuration; None if it gave none."""
    prompt_tokens: int | None
    """Tokens of the prompt; None if not reported."""
    cached_tokens: int | None
    """Of these, from the server's prefix cache; None if not reported."""
    completion_tokens: int | None
    """Tokens of the answer; None if not reported."""
    seconds: float | None
    """How long the call took, without earlier tries."""
    attempts: tuple[Attempt, ...]
    """Tries that failed before it was answered."""
    cost: float | None
    """US dollars; None where the price or the tokens are unknown."""


class Message(Frozen):
    """One of the messages that a person sent in one turn."""

    text: str
    """Its words, exactly."""
    labels: tuple[str, ...] = ()
    """The strategies that it was labelled with, in the data's own words; empty where it was not."""
    about: dict[str, JsonValue] = Field(default_factory=dict)
    """What else the data say about it, as they say it."""


class Spoke(EventBase):
    """A turn: what was said, and what the speaker kept to itself."""

    kind: Literal["spoke"] = "spoke"
    """``spoke``."""
    turn: int
    """Number of the turn, from 0."""
    role: Role
    """Who spoke."""
    reply: Reply
    """The reply. Its utterance is public; the rest is private to the speaker."""
    messages: tuple[Message, ...] | None = None
    """For a person's turn: the messages that it is made of; the utterance is their texts, joined by line breaks."""


class Learned(EventBase):
    """A role came to know a fact of the other's."""

    kind: Literal["learned"] = "learned"
    """``learned``."""
    turn: int
    """Turn in which it was told."""
    fact: str
    """Id of the fact."""
    by: Role
    """Who learned it."""
    how: Literal["told", "noticed"] = "told"
    """How: its owner declared to have told it, or did not but its words tell it."""


class Noticed(EventBase):
    """The words of a turn say something about a fact that nobody declared, or do not say what was declared."""

    kind: Literal["noticed"] = "noticed"
    """``noticed``."""
    turn: int
    """Turn whose words these are."""
    role: Role
    """Who said them."""
    fact: str
    """Id of the fact."""
    what: Literal["asked", "inferred", "undeclared", "unsaid"]
    """``asked``: they ask about a fact of the other's. ``inferred``: they state a fact of the other's that the speaker
    was not told. ``undeclared``: they tell an own fact that the reply does not declare. ``unsaid``: the reply declares
    a fact that they do not tell."""
    detector: str
    """What read the words."""
    score: float | None
    """How sure it is, 0 to 1; None where it finds nothing or gives no score."""


class Failed(EventBase):
    """Something went wrong. Nothing is put in its place."""

    kind: Literal["failed"] = "failed"
    """``failed``."""
    turn: int
    """Turn in which it happened."""
    role: Role | None
    """Whose turn it was; None for a script, which is both's, and for a reader of the whole conversation."""
    stage: Literal["call", "read"]
    """``call``: the model gave no answer. ``read``: its answer could not be read as a reply."""
    purpose: Literal["speak", "script", "repair", "read"] | None
    """Purpose of the call whose answer could not be read; None where there was no answer."""
    fault: str
    """The kind of failure."""
    message: str
    """What went wrong, in one line."""
    attempts: tuple[Attempt, ...] = ()
    """The tries that were made."""


class Ended(EventBase):
    """The conversation is over."""

    kind: Literal["ended"] = "ended"
    """``ended``."""
    reason: EndReason
    """Why."""
    turns: int
    """Turns that were spoken."""
    detail: str | None = None
    """For ``error``: what went wrong."""
    digest: str | None = None
    """Content address of all lines of the log before this one; put in when the event is written to a file."""


class Reading(EventBase):
    """A side log begins: who reads which conversation, and what it is asked."""

    kind: Literal["reading"] = "reading"
    """``reading``."""
    conversation: str
    """Id of the conversation that is read."""
    measure: str
    """What is measured: the rubric's id."""
    rubric: str
    """Content address of the rubric's file, or of the trait plan's, which measure.json holds."""
    card: ModelCard | None
    """The model that reads; None where each role's own model answers: its card is in the ``started`` event."""
    seed: int
    """The run's seed."""
    repeats: Annotated[int, Field(ge=1)]
    """How many times each question is asked, each time under a seed of its own."""


MeasuredValue = int | float | str | tuple[int, ...] | tuple[str, ...] | None


class Measured(EventBase):
    """A reader's answer about one turn, or about the whole conversation."""

    kind: Literal["measured"] = "measured"
    """``measured``."""
    turn: int | None
    """The turn that it is about, or after which it was asked: -1 before the first; None for the whole conversation."""
    role: Role | None
    """The role that it is about; None for both."""
    repeat: Annotated[int, Field(ge=0)]
    """Which of the repeats it is, from 0."""
    part: str | None = None
    """Which of several questions about the same: a questionnaire's item, or its ``short`` or ``long`` form as a block;
    None where there is one question."""
    values: dict[str, MeasuredValue]
    """The answer to each item of the rubric or questionnaire; null where there is none."""
    missing: dict[str, str]
    """For each null: why."""
    weights: dict[str, tuple[float, ...]] | None = None
    """For values that are the mean of a scale's points, weighted by the model's own probabilities: those
    probabilities, lowest point first; null where no value is."""
    note: str | None = None
    """What a reader of the answer must know about how it was had, such as that the server gave no log-probabilities."""


class Read(EventBase):
    """The side log is complete: the conversation was read to its end."""

    kind: Literal["read"] = "read"
    """``read``."""
    transcript: str
    """Content address of the public transcript that was read."""
    answers: Annotated[int, Field(ge=0)]
    """Answers in all."""
    missing: Annotated[int, Field(ge=0)]
    """Answers of which at least one value is null."""


AnyEvent = Started | Imported | Called | Spoke | Learned | Noticed | Failed | Ended | Reading | Measured | Read
Event = Annotated[AnyEvent, Field(discriminator="kind")]
EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(Event)
"""Reads any event."""
