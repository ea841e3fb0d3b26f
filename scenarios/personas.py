"""Lists of personas, as YAML files: drawn, imported or written by hand.

Law: what a list does not say about a persona stays unset; no score is made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios.errors import InputFileError, Problem
from confide.scenarios.reader import read_yaml
from confide.scenarios.schema import Frozen, Line, Slug, Style, Text, Traits
from confide.scenarios.yamlfile import read_text, yaml_text

_FIELDS = ("persona", "input persona", "text", "description")
"""Fields under which lists of JSON lines, PersonaHub's among them, keep a persona's text."""


class ListedPersona(Frozen):
    """One persona of a list."""

    id: Slug
    """Short name, unique in the list."""
    name: Line = "Sam"
    """What the person is called."""
    background: Text | None = None
    """Who the person is, in a few sentences; unset where only scores are known."""
    traits: Traits = Traits()
    """HEXACO."""
    style: Style = Style()
    """CSI."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        scores = (*self.traits.model_dump().values(), *self.style.model_dump().values())
        if self.background is None and not any(score is not None for score in scores):
            raise PydanticCustomError("personas", "persona '{id}' says nothing about anybody", {"id": self.id})
        return self


class PersonaList(Frozen):
    """A list of personas: one YAML file."""

    source: Text
    """Where they come from."""
    personas: Annotated[tuple[ListedPersona, ...], Field(min_length=1)]
    """The personas."""

    @model_validator(mode="after")
    def _ids_are_distinct(self) -> Self:
        ids: set[str] = set()
        for persona in self.personas:
            if persona.id in ids:
                raise PydanticCustomError("personas", "two personas have the id '{id}'", {"id": persona.id})
            ids.add(persona.id)
        return self


def read_personas(file: Path) -> PersonaList:
    """Read a list of personas.

    Raises:
        InputFileError: with every problem of the file.
    """
    return read_yaml(file, PersonaList)


def personas_text(personas: PersonaList) -> str:
    """A list as YAML, as :func:`read_personas` reads it; what is unset is left out."""
    data = personas.model_dump(mode="json", exclude_none=True)
    listed = [{name: value for name, value in persona.items() if value != {}} for persona in data["personas"]]
    return yaml_text({**data, "personas": listed})


def import_personas(file: Path, most: int | None = None) -> PersonaList:
    """The personas of a text list: one per line, as plain text or as a JSON object with a field ``persona``.

    Args:
        file: the list, such as PersonaHub's.
        most: how many of the first ones; all if None.

    Raises:
        InputFileError: with every line that holds no persona.
    """
    found: list[ListedPersona] = []
    problems: list[Problem] = []
    for number, line in enumerate(read_text(file).split("\n"), start=1):
        if not line.strip() or (most is not None and len(found) + len(problems) >= most):
            continue
        text = _text(line.strip())
        if text is None:
            what = f"expected plain text, or a JSON object with one of the fields {', '.join(_FIELDS)}"
            problems.append(Problem(file, number, 1, "", what))
            continue
        found.append(ListedPersona(id=f"p{len(found) + 1:05d}", background=text))
    if not found and not problems:
        problems.append(Problem(file, 1, 1, "", "the file holds no persona"))
    if problems:
        raise InputFileError(problems)
    return PersonaList(source=f"imported from {file.name}", personas=tuple(found))


def _text(line: str) -> str | None:
    if not line.startswith("{"):
        return line
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    texts = [data[name] for name in _FIELDS if isinstance(data, dict) and isinstance(data.get(name), str)]
    return next((text.strip() for text in texts if text.strip() and _is_whole(text)), None)


def _is_whole(text: str) -> bool:
    """JSON may hold half a character, which no file can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
