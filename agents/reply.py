"""What a role gives back at its turn. Law: nothing is filled in.

A field that the format does not ask for is None; a field that it asks for and that the model left out is a
:class:`ReplyError`, never a default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from confide.scenarios import ConfideError, Role, Taxonomy
from confide.scenarios.schema import Frozen

Percent = Annotated[int, Field(ge=0, le=100)]


class ReplyError(ConfideError):
    """A reply that cannot be read. The text says what is wrong with it, in words that a model can act on."""


class SeekerReply(Frozen):
    """One turn of the seeker's: what it says, and what it keeps to itself."""

    role: Literal[Role.SEEKER] = Role.SEEKER
    """Always ``seeker``."""
    utterance: str
    """What the other role hears, exactly as the model wrote it."""
    thoughts: str | None = None
    """What the seeker thinks and does not say; None where the reply format does not ask."""
    emotion: Percent | None = None
    """Intensity of the distressing emotion now, 0 to 100, as the seeker reports it; None for a person, who was not
    asked."""
    trust: Percent | None = None
    """Trust in the supporter now, 0 to 100, as the seeker reports it; None for a person."""
    told: tuple[str, ...] | None = None
    """Ids of the own facts that the seeker says this utterance tells; None for a person."""
    wants_to_end: bool | None = None
    """Whether the seeker wants to stop after this utterance; None where the reply format does not ask."""


class SupporterReply(Frozen):
    """One turn of the supporter's: what it says, and what it keeps to itself."""

    role: Literal[Role.SUPPORTER] = Role.SUPPORTER
    """Always ``supporter``."""
    utterance: str
    """What the other role hears, exactly as the model wrote it."""
    notes: str | None = None
    """What the supporter notes about the seeker; None where the reply format does not ask."""
    strategies: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The strategies that the supporter means to use in this utterance, as labels of the taxonomy; None for a person
    whose turn nobody labelled."""
    told: tuple[str, ...] | None = None
    """Ids of the own facts that this utterance tells; None where the reply format does not ask."""
    wants_to_end: bool | None = None
    """Whether the supporter wants to stop after this utterance; None where the reply format does not ask."""


Reply = Annotated[SeekerReply | SupporterReply, Field(discriminator="role")]


class ReplyRules(Frozen):
    """What the replies of one role in one scenario may name."""

    role: Role
    """Whose replies."""
    facts: tuple[str, ...]
    """Ids of the facts that the role knows as its own."""
    taxonomy: Taxonomy
    """The strategies that a supporter may declare."""

    def known_facts(self, ids: Sequence[str]) -> tuple[str, ...]:
        """The ids, each once.

        Raises:
            ReplyError: one of them is no fact of the role's.
        """
        for fact_id in ids:
            if fact_id not in self.facts:
                raise ReplyError(
                    f"told names '{fact_id}', which is no fact of yours; yours: {', '.join(self.facts) or 'none'}"
                )
        return tuple(dict.fromkeys(ids))

    def known_strategies(self, names: Sequence[str]) -> tuple[str, ...]:
        """The labels that the names stand for, each once.

        Raises:
            ReplyError: a name stands for no strategy, or there is none.
        """
        labels = []
        for name in names:
            label = self.taxonomy.resolve(name)
            if label is None:
                raise ReplyError(f"'{name}' is not a strategy; the strategies are: {', '.join(self.taxonomy.labels)}")
            labels.append(label)
        if not labels:
            raise ReplyError("strategies is empty: name at least one")
        return tuple(dict.fromkeys(labels))
