"""Conditions: the arms of an ablation, as axes rather than modes.

Who sees what, who writes, whether personas are in the prompts and how facts are gated vary one at a time; the familiar
names (``partial``, ``omniscient``, ``author``, ``script``) are YAML files over these axes, beside this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios.errors import ConfideError
from confide.scenarios.schema import Frozen, Line, Slug
from confide.scenarios.vocabulary import Role

CONDITIONS: Final = Path(__file__).parent / "conditions"
"""Folder of the shipped conditions; a file's name is its condition's id."""
PRESETS: Final = ("partial", "omniscient", "author", "script")
"""The four arms that the literature compares, in the order in which they give away more."""


class Sight(StrEnum):
    """A part of a scenario that a role may be shown. Names, situation and what was said are always seen by both."""

    OWN = "own"
    """Its own persona, goals, feelings and facts."""
    OTHER_PERSONA = "other.persona"
    """The other's background, traits and style."""
    OTHER_FACTS = "other.facts"
    """The other's facts, told or not."""
    OTHER_INNER = "other.inner"
    """The other's goals and feelings, and at every turn what it keeps to itself."""
    ALL = "all"
    """All of these."""


class Writer(StrEnum):
    """Who writes the conversation."""

    TWO_AGENTS = "two_agents"
    """One agent per role, turn by turn, in the first person."""
    ONE_AUTHOR = "one_author"
    """One model that writes both sides, turn by turn."""
    SCRIPT = "script"
    """One model that writes the whole conversation in one call."""


class TellingPolicy(StrEnum):
    """How the seeker's facts are held back."""

    INSTRUCTED = "instructed"
    """The seeker sees all its facts, each with when it may be told."""
    GATED = "gated"
    """A fact enters the seeker's view only when it may be told."""


class PersonasShown(Frozen):
    """Whose persona (background, traits, style) stands in prompts; names always do."""

    seeker: bool = True
    """The seeker's."""
    supporter: bool = True
    """The supporter's."""


Sights = Annotated[tuple[Sight, ...], Field(min_length=1)]


class Condition(Frozen):
    """One arm of an ablation: one YAML file."""

    id: Slug
    """Short name, lower case with hyphens. Conversations carry it in their name."""
    title: Line
    """One line for people."""
    seeker_sees: Sights = (Sight.OWN,)
    """What the seeker sees: any of ``own``, ``other.persona``, ``other.facts``, ``other.inner``; or
    ``[all]``."""
    supporter_sees: Sights = (Sight.OWN,)
    """What the supporter sees, likewise."""
    writer: Writer = Writer.TWO_AGENTS
    """Who writes: ``two_agents``, ``one_author`` (both sides, turn by turn) or ``script`` (everything in one call)."""
    personas: PersonasShown = PersonasShown()
    """Whose persona stands in prompts."""
    telling: TellingPolicy = TellingPolicy.INSTRUCTED
    """How the seeker's facts are held back: ``instructed`` or ``gated``."""

    @model_validator(mode="after")
    def _one_writer_sees_everything(self) -> Self:
        if self.writer is Writer.TWO_AGENTS:
            return self
        if any(self.sees(role) != _EVERYTHING for role in Role):
            raise PydanticCustomError(
                "condition",
                "writer: {writer} sees both sides: seeker_sees and supporter_sees must be [all]",
                {"writer": self.writer.value},
            )
        if self.telling is TellingPolicy.GATED:
            raise PydanticCustomError(
                "condition", "telling: gated needs writer: two_agents; one writer sees every fact from the start", {}
            )
        return self

    def sees(self, role: Role) -> frozenset[Sight]:
        """What ``role`` sees, with ``all`` spelled out."""
        given = self.seeker_sees if role is Role.SEEKER else self.supporter_sees
        return _EVERYTHING if Sight.ALL in given else frozenset(given)

    def shows_persona(self, role: Role) -> bool:
        """Whether the persona of ``role`` stands in any prompt."""
        return self.personas.seeker if role is Role.SEEKER else self.personas.supporter


_EVERYTHING: Final = frozenset(Sight) - {Sight.ALL}


def shipped_conditions() -> list[str]:
    """Ids of the shipped conditions, sorted."""
    return sorted(file.stem for file in CONDITIONS.glob("*.yaml"))


def find_conditions(names: Iterable[str | Path]) -> list[Path]:
    """The files that ``names`` mean: existing paths, ids of shipped conditions, or ``presets`` for the four of them.

    Raises:
        ConfideError: a name is none of these.
    """
    found: list[Path] = []
    for name in names:
        found += [CONDITIONS / f"{preset}.yaml" for preset in PRESETS] if str(name) == "presets" else [_find(name)]
    return list(dict.fromkeys(found))


def _find(name: str | Path) -> Path:
    path = Path(name)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    ids = shipped_conditions()
    if str(name) in ids:
        return CONDITIONS / f"{name}.yaml"
    near = get_close_matches(str(name), [*ids, "presets"], n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"shipped: {', '.join(ids)}, or presets for four of them"
    raise ConfideError(f"no condition file and no shipped condition is called '{name}'; {hint}")
