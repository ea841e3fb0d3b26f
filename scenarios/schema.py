"""What a scenario file may say. A scenario that validates can be run: no later step guesses what was meant."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios.facts import fact_problems
from confide.scenarios.vocabulary import Reveal, Role

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]*$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
Score = Annotated[float, Field(ge=1, le=5)] | None


class Frozen(BaseModel):
    """Base of every model: immutable, no unknown fields, descriptions taken from the docstrings under the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Traits(Frozen):
    """HEXACO factors, each 1 (very low) to 5 (very high), or unset: the prompt then says nothing about it."""

    honesty_humility: Score = None
    """Sincere, fair, modest, without greed."""
    emotionality: Score = None
    """Fearful, anxious, dependent, sentimental."""
    extraversion: Score = None
    """Socially confident, sociable, lively."""
    agreeableness: Score = None
    """Forgiving, gentle, flexible, patient."""
    conscientiousness: Score = None
    """Organised, diligent, thorough, prudent."""
    openness: Score = None
    """Inquisitive, creative, drawn to art and to the unusual."""


class Style(Frozen):
    """CSI communication style, each domain 1 (very low) to 5 (very high), or unset."""

    expressiveness: Score = None
    """Talkative, leading the conversation, humorous, informal."""
    preciseness: Score = None
    """Structured, thoughtful, substantive, concise."""
    verbal_aggressiveness: Score = None
    """Angry, authoritarian, derogatory, unsupportive in speech."""
    questioningness: Score = None
    """Philosophical, inquisitive, argumentative."""
    emotionality: Score = None
    """Sentimental, worried, tense, defensive in speech."""
    impression_manipulativeness: Score = None
    """Ingratiating, charming, inscrutable, concealing."""


class Persona(Frozen):
    """Who a role is. Private to the role, but for the name."""

    name: Line
    """What the role is called. The only part of a persona that the other role always sees."""
    background: Text
    """Who this person is, in a few sentences, third person or note form."""
    traits: Traits = Traits()
    """Personality: HEXACO."""
    style: Style = Style()
    """Way of speaking: CSI."""


def _not_reserved(value: str) -> str:
    if value == "nothing":
        raise PydanticCustomError("fact_id", "'nothing' cannot be a fact's id: replies use the word for 'told no fact'")
    return value


class Fact(Frozen):
    """One piece of private information."""

    id: Annotated[Slug, AfterValidator(_not_reserved)]
    """Short name, lower case with hyphens, unique in the scenario. Logs and views refer to the fact by it."""
    text: Text
    """The fact, as a sentence about its owner."""
    reveal: Reveal
    """When it may be told: ``openly``, ``when_asked``, ``when_trusting`` (give ``trust``) or ``never``."""
    trust: Annotated[int, Field(ge=0, le=100)] | None = None
    """For ``when_trusting`` only: the trust, 0 to 100, from which on it may be told."""
    after: tuple[Slug, ...] = ()
    """Ids of facts of the same role that must be told before this one."""
    about: tuple[Line, ...] = ()
    """Words with which the other may ask about this fact, besides its own, such as ``sleep`` or ``nights``. They help
    to tell when a question is about it."""

    @model_validator(mode="after")
    def _trust_fits_reveal(self) -> Self:
        if self.reveal is Reveal.WHEN_TRUSTING and self.trust is None:
            raise PydanticCustomError("fact_trust", "reveal is when_trusting: add trust, the level from 0 to 100")
        if self.reveal is not Reveal.WHEN_TRUSTING and self.trust is not None:
            raise PydanticCustomError("fact_trust", "trust goes with reveal: when_trusting only")
        return self


class SeekerSpec(Frozen):
    """The role that seeks support. All of it is private to the seeker but for the persona's name."""

    persona: Persona
    """Who the seeker is."""
    emotion: Line
    """What the seeker feels. ESConv's words: anger, anxiety, depression, disgust, fear, guilt, jealousy, nervousness,
    pain, sadness, shame."""
    intensity: Annotated[int, Field(ge=1, le=5)]
    """How strong the emotion is when the talk opens, 1 to 5 as in ESConv."""
    trust: Annotated[int, Field(ge=0, le=100)] | None = None
    """Trust in the supporter when the talk opens, 0 to 100. Unset: unknown until the seeker's first reply says it."""
    goals: tuple[Text, ...] = ()
    """What the seeker wants from the talk."""
    facts: tuple[Fact, ...] = ()
    """What only the seeker knows."""


class SupporterSpec(Frozen):
    """The role that gives support. All of it is private to the supporter but for the persona's name."""

    persona: Persona
    """Who the supporter is."""
    goals: tuple[Text, ...] = ()
    """What the supporter tries to do."""
    facts: tuple[Fact, ...] = ()
    """What only the supporter knows."""


class Limits(Frozen):
    """When a conversation ends if no role ends it."""

    turns: Annotated[int, Field(ge=1, le=2000)] = 20
    """Turns in all, both roles counted."""
    tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens that one conversation may use (prompt and completion). Unset: no limit."""
    repeats: Annotated[int, Field(ge=2)] = 3
    """The conversation ends as repetitive when a role says the same words this many times running."""


class RoleNames(Frozen):
    """One name per role, and one for the author of conditions in which one model writes both sides."""

    seeker: Line | None = None
    """For the seeker."""
    supporter: Line | None = None
    """For the supporter."""
    author: Line | None = None
    """For the one who writes both sides, where a condition has such a writer."""

    def of(self, writer: str) -> str | None:
        """The name for a role or for ``author``, or None where it is unset."""
        return {Role.SEEKER.value: self.seeker, Role.SUPPORTER.value: self.supporter}.get(writer, self.author)


class Scenario(Frozen):
    """A situation, two roles, limits: one YAML file."""

    id: Slug
    """Short name, lower case with hyphens. Conversations are grouped by it."""
    title: Line
    """One line for people."""
    problem: Line
    """The kind of problem, in ESConv's words where one fits: academic pressure, appearance anxiety, alcohol abuse,
    breakup with partner, conflict with parents, issues with children, job crisis, ongoing depression,
    problems with friends, procrastination, school bullying, sleep problems."""
    situation: Text
    """What both roles know: where they are, and why they talk. Everything else is private."""
    language: Line = "English"
    """The language that both speak, in words."""
    opens: Role = Role.SUPPORTER
    """Who speaks first."""
    seeker: SeekerSpec
    """The role that seeks support."""
    supporter: SupporterSpec
    """The role that gives support."""
    strategies: Line = "esconv"
    """The strategy taxonomy: ``esconv``, or the path of a taxonomy file, relative to this one."""
    prompts: RoleNames = RoleNames()
    """Your own prompt files in place of the shipped ones, relative to this file."""
    models: RoleNames = RoleNames()
    """Which model plays which role, by name (``confide models`` lists them). Unset: ``local``."""
    limits: Limits = Limits()
    """When the conversation ends."""

    @model_validator(mode="after")
    def _facts_fit(self) -> Self:
        problems = fact_problems(
            {role: [{"id": f.id, "after": f.after} for f in self.role(role).facts] for role in Role}
        )
        if problems:
            raise PydanticCustomError("fact_graph", "{text}", {"text": "; ".join(p.what for p in problems)})
        return self

    def role(self, role: Role) -> SeekerSpec | SupporterSpec:
        """The seeker's or the supporter's side."""
        return self.seeker if role is Role.SEEKER else self.supporter

    def fact(self, fact_id: str) -> Fact:
        """The fact with this id, of either role.

        Raises:
            KeyError: there is none.
        """
        for fact in (*self.seeker.facts, *self.supporter.facts):
            if fact.id == fact_id:
                return fact
        raise KeyError(fact_id)
