"""A strategy taxonomy: the labels that a supporter declares and that readers label with."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios.schema import Frozen, Line, Slug, Text


class Strategy(Frozen):
    """One way to support."""

    label: Annotated[Line, Field(pattern=r"^[^\[\]+,]+$")]
    """The name, as logs and prompts use it. No brackets, plus signs or commas."""
    definition: Text
    """What counts as this strategy."""
    aliases: tuple[Line, ...] = ()
    """Other spellings that a model or a data set may use for it."""


class Taxonomy(Frozen):
    """A closed list of strategies: one YAML file."""

    id: Slug
    """Short name."""
    title: Line
    """One line for people."""
    source: Text
    """Where the labels come from."""
    strategies: Annotated[tuple[Strategy, ...], Field(min_length=1)]
    """The strategies, in the order in which they are shown."""

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        owner: dict[str, str] = {}
        for strategy in self.strategies:
            for name in (strategy.label, *strategy.aliases):
                key = _key(name)
                if owner.setdefault(key, strategy.label) != strategy.label:
                    raise PydanticCustomError(
                        "taxonomy_names",
                        "'{name}' names both '{one}' and '{two}': a label must mean one strategy",
                        {"name": name, "one": owner[key], "two": strategy.label},
                    )
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in order."""
        return tuple(s.label for s in self.strategies)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {_key(name): s.label for s in self.strategies for name in (s.label, *s.aliases)}

    def resolve(self, name: str) -> str | None:
        """The label that ``name`` stands for, by label or alias, ignoring case and spacing; None if there is none."""
        return self._names.get(_key(name))


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
