"""Reads ESConv's release and the forms in which it went on: all mistakes of a file are reported, and none is mended.

============  =========================================================================================
``esconv``    one JSON list; messages have ``speaker``, ``content`` and ``annotation`` (ESConv, FailedESConv)
``jsonl``     one JSON object per line; messages have ``speaker``, ``text`` and ``strategy`` (Hugging Face, PPDPP)
``tsv``       one line per conversation, messages ended by ``EOS``, as DialoGPT is trained on: the emotion's
              number, the role (0 seeks, 1 supports), the message's number, the label in brackets, the words
============  =========================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from confide.agents.completion import is_text
from confide.scenarios import InputFileError, Problem, Role
from confide.scenarios.yamlfile import read_text

Form = Literal["esconv", "jsonl", "tsv"]
SPEAKERS: Final[Mapping[str, Role]] = {
    "seeker": Role.SEEKER, "speaker": Role.SEEKER, "usr": Role.SEEKER, "user": Role.SEEKER,
    "supporter": Role.SUPPORTER, "listener": Role.SUPPORTER, "sys": Role.SUPPORTER, "system": Role.SUPPORTER,
}  # fmt: skip
"""Who is who, in the words of each form."""
_SHOWN: Final = 20
_NUMBERS = re.compile(r" ?(\d+) ([01]) (\d+) ?")
_LABEL = re.compile(r" ?\[([^\[\]]*)\] ?")


class HumanMessage(NamedTuple):
    """One message, as the file has it."""

    role: Role
    text: str
    labels: tuple[str, ...]
    """Strategies, in the file's words."""
    about: dict[str, Any]
    """What else the file says about it."""


class HumanTalk(NamedTuple):
    """One conversation, as the file has it."""

    messages: tuple[HumanMessage, ...]
    record: dict[str, Any]
    """All but the messages."""


class HumanTalks(NamedTuple):
    """A file of conversations."""

    form: Form
    talks: tuple[HumanTalk, ...]


class _BadError(Exception):
    """What is wrong with one conversation."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.where, self.what = where, what


def read_human(file: Path) -> HumanTalks:
    """Read a file of conversations that people held.

    Raises:
        InputFileError: with every problem, up to twenty, and how many more there are.
    """
    text = read_text(file)
    if not text.strip():
        raise InputFileError([Problem(file, 1, 1, "", "the file is empty")])
    form, found = _parts(file, text)
    talks: list[HumanTalk] = []
    problems: list[Problem] = []
    for index, (line, part) in enumerate(found):
        try:
            talks.append(_tsv_talk(part) if isinstance(part, str) else _json_talk(part))
        except _BadError as error:
            where = f"conversation {index}" + (f", {error.where}" if error.where else "")
            problems.append(Problem(file, line, 1, where, error.what))
    if len(problems) > _SHOWN:
        more = len(problems) - _SHOWN
        problems = [*problems[:_SHOWN], Problem(file, 1, 1, "", f"and {more} more conversations that cannot be read")]
    if problems:
        raise InputFileError(problems)
    return HumanTalks(form, tuple(talks))


def _parts(file: Path, text: str) -> tuple[Form, list[tuple[int, Any]]]:
    """The conversations with the lines on which they begin, as far as it can be told."""
    if re.match(r"\s*\[\s*[\[{\]\"\d]", text):
        data = _load(file, text, 1)
        if not isinstance(data, list) or not data:
            raise InputFileError([Problem(file, 1, 1, "", "expected a list with at least one conversation")])
        short = isinstance(data[0], dict) and _is_short(data[0])
        return ("jsonl" if short else "esconv"), [(1, part) for part in data]
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if text.lstrip().startswith("{"):
        return "jsonl", [(number, _load(file, line, number)) for number, line in lines]
    if " EOS" in text:
        return "tsv", list(lines)
    what = "neither a JSON list, nor JSON lines, nor lines with ' EOS' after each message: no form of ESConv"
    raise InputFileError([Problem(file, 1, 1, "", what)])


def _is_short(record: dict[str, Any]) -> bool:
    dialog = record.get("dialog")
    return isinstance(dialog, list) and any(isinstance(each, dict) and "text" in each for each in dialog)


def _load(file: Path, text: str, line: int) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise InputFileError([Problem(file, line, 1, twice, f"'{twice}' is given twice in one object")])
        return made

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        cut = error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg
        what = f"the JSON breaks off: is the file whole? ({error.msg})" if cut else f"not valid JSON: {error.msg}"
        raise InputFileError([Problem(file, at, error.colno, "", what)]) from None
    except RecursionError:
        raise InputFileError([Problem(file, line, 1, "", "nested too deeply")]) from None


def _json_talk(part: Any) -> HumanTalk:
    if not isinstance(part, dict):
        raise _BadError("", "expected an object with a 'dialog'")
    dialog = part.get("dialog")
    if not isinstance(dialog, list):
        raise _BadError("dialog", "'dialog' is missing, or no list of messages")
    if not dialog:
        raise _BadError("dialog", "it holds no message: take the conversation out of the file")
    record = {name: value for name, value in part.items() if name != "dialog"}
    if not is_text(json.dumps(part, ensure_ascii=False)):
        raise _BadError("", "it holds half a character (a lone surrogate)")
    return HumanTalk(tuple(_json_message(index, each) for index, each in enumerate(dialog)), record)


def _json_message(index: int, message: Any) -> HumanMessage:
    where = f"dialog.{index}"
    if not isinstance(message, dict):
        raise _BadError(where, "expected an object")
    speaker = message.get("speaker")
    if not isinstance(speaker, str) or speaker not in SPEAKERS:
        raise _BadError(f"{where}.speaker", f"{speaker!r} is no speaker; known: {', '.join(SPEAKERS)}")
    text = message.get("content", message.get("text"))
    if not isinstance(text, str):
        raise _BadError(f"{where}.content", "'content' (or 'text') is missing, or no text")
    annotation = message.get("annotation", {})
    if not isinstance(annotation, dict):
        raise _BadError(f"{where}.annotation", "expected an object")
    rest = {name: each for name, each in message.items() if name not in ("speaker", "content", "text", "annotation")}
    if clash := sorted(set(rest) & set(annotation)):
        raise _BadError(f"{where}.{clash[0]}", f"'{clash[0]}' stands in the message and in its annotation")
    about = {**rest, **annotation}
    one, several = about.pop("strategy", None), about.pop("strategies", None)
    labels = several if several is not None else [] if one is None else [one]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise _BadError(f"{where}.strategy", "expected a label, or under 'strategies' a list of labels")
    if labels and SPEAKERS[speaker] is Role.SEEKER:
        raise _BadError(f"{where}.strategy", "a message of the seeker's has a strategy")
    return HumanMessage(SPEAKERS[speaker], text, tuple(labels), about)


def _tsv_talk(line: str) -> HumanTalk:
    return HumanTalk(tuple(_tsv_messages(line)), {})


def _tsv_messages(line: str) -> Iterator[HumanMessage]:
    parts = line.split(" EOS")
    for index, part in enumerate(parts):
        if not part.strip() and index == len(parts) - 1:
            return
        about: dict[str, Any] = {}
        role: Role | None = None
        rest = part
        if numbers := _NUMBERS.match(rest):
            about = {"emotion": int(numbers[1]), "number": int(numbers[3])}
            role = Role.SUPPORTER if numbers[2] == "1" else Role.SEEKER
            rest = rest[numbers.end() :]
        label = _LABEL.match(rest)
        if label and role is not Role.SEEKER:
            role, rest = Role.SUPPORTER, rest[label.end() :]
        elif numbers is None:
            rest = rest.removeprefix(" ")
        labels = (label[1],) if label and role is Role.SUPPORTER else ()
        yield HumanMessage(role or Role.SEEKER, rest, labels, about)
