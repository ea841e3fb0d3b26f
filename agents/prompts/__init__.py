"""Prompt files: one per role and reply format, plain text that a researcher can read and replace.

Law: a block may name only what its source covers. A file that puts a persona into the rules is refused, so that the
sources in a log are true. Values are put in once; braces inside a value stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from confide.agents.view import text_hash
from confide.scenarios import InputFileError, Problem, Reveal, Role
from confide.scenarios.yamlfile import read_text

AUTHOR: Final = "author"
"""Who writes where one model writes both sides. The other prompt files are for a role each."""

PUBLIC: Final = ("name", "other", "language")
"""Values that every block may name: they are known to both roles. An author's may name ``seeker`` and ``supporter``
too; ``name`` and ``other`` are then those of the side that the block is about, or that is to speak."""

FACT_BLOCKS: Final = {reveal: f"fact {reveal}" for reveal in Reveal}
"""The block that words a fact of each reveal kind."""

_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "role": (),
    "persona": ("background",),
    "traits": ("traits", "style", "character"),
    "style": ("style",),
    "situation": ("situation",),
    "emotion": ("emotion", "intensity"),
    "trust": ("start_trust",),
    "goals": ("goals",),
    "facts": (),
    **dict.fromkeys(FACT_BLOCKS.values(), ("id", "text", "trust", "after")),
    "after": ("ids",),
    "strategies": ("strategies", "definitions"),
    "rules": (),
    "language": (),
    "format": ("strategies", "definitions"),
    "opening": (),
    "talk": (),
    "state": ("emotion_now", "trust_now", "told_now", "notes_now"),
    "reply": (),
    "repair": ("error",),
    "unlocked": ("fact",),
    "other": (),
    "other persona": ("background", "about"),
    "other traits": ("traits", "style", "character"),
    "other emotion": ("emotion", "intensity"),
    "other goals": ("goals",),
    "other fact": ("id", "text"),
    "other now": ("emotion_now", "trust_now", "told_now", "thoughts_now", "notes_now", "strategies_now"),
    "seeker side": (),
    "supporter side": (),
    "cue": (),
    "script format": ("strategies", "definitions", "turns"),
    "script": ("turns",),
}
INLINE: Final = ("after", "repair", "unlocked")
"""Blocks that are filled apart from the others, with their own value alone."""
OTHER_BLOCKS: Final = tuple(name for name in _VALUES if name.split()[0] == "other")
"""Blocks about the other's side, for conditions in which a role sees it."""
_AUTHOR_ONLY = ("seeker side", "supporter side", "cue", "script format", "script")
_SEEKER_ONLY = ("emotion", "trust", "unlocked")
_SUPPORTER_ONLY = ("strategies", "other emotion")
_NOT_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    Role.SEEKER: (*_AUTHOR_ONLY, *_SUPPORTER_ONLY),
    Role.SUPPORTER: (*_AUTHOR_ONLY, *_SEEKER_ONLY),
    AUTHOR: (*OTHER_BLOCKS, "unlocked", "opening", "state", "reply"),
}
"""Blocks that a file may not have, by whose it is."""
_REQUIRED = ("role", *FACT_BLOCKS.values(), "format", "talk")
_REQUIRED_OF_AUTHOR = (*_REQUIRED, "seeker side", "supporter side", "cue", "script format", "script")
_PRIVATE = {"persona": "persona", "traits": "persona", "style": "persona", "emotion": "state", "trust": "state",
            "goals": "goals", "state": "state"}  # fmt: skip
_PRIVATE_OF_OTHER = {"other persona": "persona", "other traits": "persona", "other emotion": "state",
                     "other goals": "goals", "other now": "state"}  # fmt: skip
_HEADER = re.compile(r"\[\[([a-z_ ]+)\]\]\s*")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Prompt(NamedTuple):
    """A prompt file, parsed."""

    role: str
    """Whose it is: a role's, or ``author``."""
    text: str
    """The whole file."""
    blocks: Mapping[str, str]
    """Block name to template, in the order of the file."""

    @property
    def hash(self) -> str:
        """Content address of the file."""
        return text_hash(self.text)

    def source(self, block: str, side: Role) -> str:
        """Where a segment made from ``block``, a block of ``side`` or about the other of ``side``, comes from."""
        if block in _PRIVATE:
            return f"{_PRIVATE[block]}:{side}"
        if block in _PRIVATE_OF_OTHER:
            return f"{_PRIVATE_OF_OTHER[block]}:{side.other}"
        return "situation" if block == "situation" else f"instruction:{block}"

    def fill(self, block: str, values: Mapping[str, str | None]) -> str | None:
        """The block with its values put in; None if the block is absent or a value that it names is unset."""
        template = self.blocks.get(block)
        if template is None:
            return None
        parts = list(_parts(template))
        for index in range(1, len(parts), 2):
            value = values[parts[index]]
            if value is None:
                return None
            parts[index] = value
        return "".join(parts)


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[str, ...]:
    """The template, taken apart: words and names of values, in turn."""
    return tuple(_PLACEHOLDER.split(template))


def shipped_prompt(role: str, reply_format: str) -> Path:
    """The shipped file for a role, or for the author, and a reply format (``json`` or ``tagged``)."""
    return Path(__file__).parent / reply_format / f"{role}.md"


def read_prompt(file: Path, role: str) -> Prompt:
    """Read a prompt file.

    Raises:
        InputFileError: with every problem of the file.
    """
    return parse_prompt(read_text(file), role, file)


def parse_prompt(text: str, role: str, file: Path) -> Prompt:
    """Parse the text of a prompt file; ``file`` is for the error messages.

    Raises:
        InputFileError: with every problem of the file.
    """
    lines: dict[str, list[str]] = {}
    starts: dict[str, int] = {}
    problems: list[Problem] = []
    block: str | None = None
    allowed = [b for b in _VALUES if b not in _NOT_FOR[role]]
    for number, line in enumerate(text.split("\n"), start=1):
        header = _HEADER.fullmatch(line)
        if not header:
            if block is not None:
                lines[block].append(line)
            continue
        block = header[1]
        if block not in allowed:
            near = get_close_matches(block, allowed, n=1)
            hint = f"did you mean [[{near[0]}]]?" if near else f"the {role}'s blocks are: {', '.join(allowed)}"
            problems.append(Problem(file, number, 1, "", f"there is no block [[{block}]]; {hint}"))
        elif block in lines:
            problems.append(Problem(file, number, 1, "", f"[[{block}]] is given twice (first on line {starts[block]})"))
        starts[block] = number
        lines[block] = []
    for name, start in starts.items():
        problems += _wrong_values(file, role, name, lines[name], start)
    required = _REQUIRED_OF_AUTHOR if role == AUTHOR else _REQUIRED
    problems += [Problem(file, 1, 1, "", f"the block [[{name}]] is missing") for name in required if name not in lines]
    problems += _misplaced(file, starts)
    if "".join(lines.get("talk", [])).strip():
        problems.append(Problem(file, starts["talk"] + 1, 1, "", "nothing may stand under [[talk]]: begin a block"))
    if problems:
        raise InputFileError(problems)
    return Prompt(role, text, {name: "\n".join(body).rstrip() for name, body in lines.items()})


def _misplaced(file: Path, starts: Mapping[str, int]) -> list[Problem]:
    """What changes from turn to turn stands after the talk; facts and the opening stand before it."""
    talk = starts.get("talk")
    if talk is None:
        return []
    found = []
    for block, line in starts.items():
        if block in ("state", "other now") and line < talk:
            found.append(Problem(file, line, 1, "", f"[[{block}]] changes at every turn: it belongs after [[talk]]"))
        if block in (*FACT_BLOCKS.values(), "facts", "opening", "other fact") and line > talk:
            found.append(Problem(file, line, 1, "", f"[[{block}]] belongs before [[talk]]"))
    return found


def _wrong_values(file: Path, role: str, block: str, body: list[str], start: int) -> list[Problem]:
    public = () if block in INLINE else PUBLIC + (tuple(Role) if role == AUTHOR else ())
    allowed = (*public, *_VALUES.get(block, ()))
    found = []
    for offset, line in enumerate(body, start=1):
        for match in _PLACEHOLDER.finditer(line):
            if match[1] not in allowed and block in _VALUES:
                known = ", ".join(f"{{{name}}}" for name in allowed)
                what = f"[[{block}]] cannot name {match[0]}; it can name: {known}"
                found.append(Problem(file, start + offset, match.start() + 1, "", what))
    return found
