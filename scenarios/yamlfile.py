"""YAML with positions. Every value keeps the line and column it came from, so that any later complaint can name them.

Stricter than PyYAML on purpose: a duplicate key is an error, only ``true`` and ``false`` are booleans (``no`` is a
word), ``12:30`` is text, and neither tags nor merge keys are followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from confide.scenarios.errors import InputFileError, Problem

Loc = tuple[str | int, ...]
MAX_NODES = 100_000
"""Aliases may repeat a value; past this many repeated values the file is refused rather than expanded."""


class Position(NamedTuple):
    """Where a value stands, 1-based."""

    line: int
    column: int


class YamlDocument(NamedTuple):
    """A parsed file."""

    file: Path
    text: str
    """The file's text, as read."""
    data: Any
    """Plain dicts, lists, strings, numbers, booleans and None."""
    values: dict[Loc, Position]
    """Position of each value by its path from the top."""
    keys: dict[Loc, Position]
    """Position of each mapping key by the path of its value."""
    problems: list[Problem]
    """Mistakes that did not stop the parser, such as duplicate keys."""

    def problem(self, loc: Loc, what: str, *, at_key: bool = False) -> Problem:
        """A problem at ``loc``, or at its nearest parent that stands in the file."""
        known = self.keys if at_key and loc in self.keys else self.values
        near = loc
        while near and near not in known:
            near = near[:-1]
        position = known.get(near, Position(1, 1))
        return Problem(self.file, position.line, position.column, dotted(loc), what)


def dotted(loc: Loc) -> str:
    """``('seeker', 'facts', 2, 'after')`` as ``seeker.facts[2].after``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars by the rules of YAML 1.2's core schema."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (PyYAML declares it so)


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:null|Null|NULL|~|)$", ["n", "N", "~", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


class _Dumper(yaml.SafeDumper):
    """Quotes a text that a reader of YAML 1.1 or :class:`_Loader` would take for something else."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """A reader makes a line feed of U+0085, unless it is escaped."""
        style = '"' if "\x85" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Dumper.add_representer(str, _Dumper.represent_str)

for _first, _resolvers in _Loader.yaml_implicit_resolvers.items():
    for _tag, _pattern in _resolvers:
        _Dumper.add_implicit_resolver(_tag, _pattern, [_first])

_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    "tag:yaml.org,2002:bool": lambda s: s.lower() == "true",
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}


def read_text(file: Path) -> str:
    """The file's text.

    Raises:
        InputFileError: it is missing, cannot be read, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputFileError([Problem(file, 1, 1, "", "there is no such file")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputFileError([Problem(file, line, 1, "", "not UTF-8 text: save the file as UTF-8")]) from None
    except OSError as error:
        raise InputFileError([Problem(file, 1, 1, "", f"cannot be read: {error.strerror}")]) from None


def yaml_text(data: Any) -> str:
    """Plain data as YAML that :func:`parse_yaml` reads back as it was."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def parse_yaml(file: Path, text: str) -> YamlDocument:
    """Parse ``text`` and keep positions.

    Raises:
        InputFileError: the text is no YAML at all, holds several documents, or loops through its own anchors.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputFileError(
            [Problem(file, line, 1, "", f"character {error.character!r} is not allowed in YAML")]
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = " ".join(str(part) for part in (error.problem, error.context) if part)
        raise InputFileError([Problem(file, line, column, "", f"not valid YAML: {what}")]) from None
    except OverflowError:
        raise InputFileError(
            [Problem(file, 1, 1, "", "an escape (\\U...) names a character that does not exist")]
        ) from None
    except RecursionError:
        raise InputFileError([Problem(file, 1, 1, "", "nested too deeply")]) from None
    document = YamlDocument(file, text, None, {}, {}, [])
    data = _Builder(document).build(node, ()) if node is not None else None
    return document._replace(data=data)


class _Builder:
    """Turns nodes into plain data, filling the document's positions and problems."""

    def __init__(self, document: YamlDocument) -> None:
        self._doc = document
        self._open: set[int] = set()
        self._built: set[int] = set()
        self._repeated = 0

    def build(self, node: yaml.Node, loc: Loc) -> Any:
        """The data under ``node``."""
        mark = node.start_mark
        self._doc.values.setdefault(loc, Position(mark.line + 1, mark.column + 1))
        self._repeated += id(node) in self._built
        self._built.add(id(node))
        if id(node) in self._open or self._repeated > MAX_NODES:
            raise InputFileError([self._doc.problem(loc, "an alias (*name) repeats itself without end")])
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, loc)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(child, (*loc, index)) for index, child in enumerate(node.value)]
            return self._scalar(node, loc)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            here = Position(mark.line + 1, mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                self._doc.problems.append(Problem(self._doc.file, *here, dotted(loc), "a key must be a plain word"))
                continue
            key = str(key_node.value)
            path = (*loc, key)
            if key in data:
                first = self._doc.keys[path].line
                what = f"'{key}' is given twice (first on line {first}): keep one"
                self._doc.problems.append(Problem(self._doc.file, *here, dotted(path), what))
                continue
            self._doc.keys[path] = here
            data[key] = self.build(value_node, path)
        return data

    def _scalar(self, node: yaml.Node, loc: Loc) -> Any:
        convert = _SCALARS.get(node.tag)
        if convert is None:
            self._doc.problems.append(
                self._doc.problem(loc, f"the tag '{node.tag}' is not supported: write plain YAML")
            )
            return node.value
        try:
            return convert(node.value)
        except ValueError:  # int() refuses thousands of digits
            self._doc.problems.append(self._doc.problem(loc, "the number is too long"))
            return None
