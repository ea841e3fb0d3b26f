"""Reads ESConv's release and the forms in which it went on: all mistakes of a file are reported, and none is mended.

============  =========================================================================================
``esconv``    one JSON list; messages have ``speaker``, ``content`` and ``annotation`` (ESConv, FailedESConv)
``jsonl``     one JSON object per line; messages have ``speaker``, ``text`` and ``strategy`` (Hugging Face, PPDPP)
``tsv``       lines of messages parted by ``EOS``, as DialoGPT is trained on: see :mod:`.dialogpt`
============  =========================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from confide.agents.completion import is_text
from confide.evaluators.exchange.dialogpt import is_lines, read_lines
from confide.evaluators.exchange.found import BadError, HumanMessage, HumanTalk, Wrong
from confide.scenarios import InputFileError, Problem, Role
from confide.scenarios.yamlfile import read_text

Form = Literal["esconv", "jsonl", "tsv"]
SPEAKERS: Final[Mapping[str, Role]] = {
    "seeker": Role.SEEKER, "speaker": Role.SEEKER, "usr": Role.SEEKER, "user": Role.SEEKER,
    "supporter": Role.SUPPORTER, "listener": Role.SUPPORTER, "sys": Role.SUPPORTER, "system": Role.SUPPORTER,
}  # fmt: skip
"""Who is who, in the words of each form."""
_SHOWN: Final = 20


class HumanTalks(NamedTuple):
    """A file of conversations."""

    form: Form
    talks: tuple[HumanTalk, ...]


def read_human(file: Path) -> HumanTalks:
    """Read a file of conversations that people held.

    Raises:
        InputFileError: with every problem, up to twenty, and how many more there are.
    """
    text = read_text(file)
    if not text.strip():
        raise InputFileError([Problem(file, 1, 1, "", "the file is empty")])
    form, parts = _parts(file, text)
    found = list(parts)
    problems = [Problem(file, each.line, 1, each.where, each.what) for each in found if isinstance(each, Wrong)]
    if len(problems) > _SHOWN:
        more = f"and {len(problems) - _SHOWN} more conversations or lines that cannot be read"
        problems = [*problems[:_SHOWN], Problem(file, problems[_SHOWN].line, 1, "", more)]
    if problems:
        raise InputFileError(problems)
    return HumanTalks(form, tuple(each for each in found if isinstance(each, HumanTalk)))


def _parts(file: Path, text: str) -> tuple[Form, Iterator[HumanTalk | Wrong]]:
    """The conversations of a file, and what is wrong in it."""
    if re.match(r"\s*\[\s*[\[{\]\"\d]", text):
        data = _load(file, text, 1)
        if not isinstance(data, list) or not data:
            raise InputFileError([Problem(file, 1, 1, "", "expected a list with at least one conversation")])
        short = isinstance(data[0], dict) and _is_short(data[0])
        return ("jsonl" if short else "esconv"), _json_talks([(1, part) for part in data])
    if text.lstrip().startswith("{"):
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        return "jsonl", _json_talks([(number, _load(file, line, number)) for number, line in lines])
    if is_lines(text):
        # With its own line ends: a carriage return may stand in the words.
        return "tsv", read_lines(file.read_bytes().decode("utf-8-sig"))
    what = "neither a JSON list, nor JSON lines, nor lines with ' EOS' between messages: no form of ESConv"
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
    except ValueError:  # Python turns no more than 4,300 digits into a number
        raise InputFileError([Problem(file, line, 1, "", "a number is too long")]) from None
    except RecursionError:
        raise InputFileError([Problem(file, line, 1, "", "nested too deeply")]) from None


def _json_talks(parts: Iterable[tuple[int, Any]]) -> Iterator[HumanTalk | Wrong]:
    """The conversations of parsed JSON, each with the line on which it begins, as far as it can be told."""
    for index, (line, part) in enumerate(parts):
        try:
            yield _json_talk(part)
        except BadError as error:
            yield Wrong(line, f"conversation {index}" + (f", {error.where}" if error.where else ""), error.what)


def _json_talk(part: Any) -> HumanTalk:
    if not isinstance(part, dict):
        raise BadError("", "expected an object with a 'dialog'")
    dialog = part.get("dialog")
    if not isinstance(dialog, list):
        raise BadError("dialog", "'dialog' is missing, or no list of messages")
    if not dialog:
        raise BadError("dialog", "it holds no message: take the conversation out of the file")
    record = {name: value for name, value in part.items() if name != "dialog"}
    try:
        text = json.dumps(part, ensure_ascii=False, allow_nan=False)
    except ValueError:
        what = "it holds a number that JSON does not have: NaN, or one without a bound"
        raise BadError("", what) from None
    if not is_text(text):
        raise BadError("", "it holds half a character (a lone surrogate)")
    return HumanTalk(tuple(_json_message(index, each) for index, each in enumerate(dialog)), record)


def _json_message(index: int, message: Any) -> HumanMessage:
    where = f"dialog.{index}"
    if not isinstance(message, dict):
        raise BadError(where, "expected an object")
    speaker = message.get("speaker")
    if not isinstance(speaker, str) or speaker not in SPEAKERS:
        raise BadError(f"{where}.speaker", f"{speaker!r} is no speaker; known: {', '.join(SPEAKERS)}")
    text = message.get("content", message.get("text"))
    if not isinstance(text, str):
        raise BadError(f"{where}.content", "'content' (or 'text') is missing, or no text")
    if message.get("text", text) != text:
        raise BadError(f"{where}.text", "'content' says something else: which of them was said?")
    annotation = message.get("annotation", {})
    if not isinstance(annotation, dict):
        raise BadError(f"{where}.annotation", "expected an object")
    rest = {name: each for name, each in message.items() if name not in ("speaker", "content", "text", "annotation")}
    if clash := sorted(set(rest) & set(annotation)):
        raise BadError(f"{where}.{clash[0]}", f"'{clash[0]}' stands in the message and in its annotation")
    about = {**rest, **annotation}
    one, several = about.pop("strategy", None), about.pop("strategies", None)
    if one is not None and several is not None:
        raise BadError(f"{where}.strategies", "'strategy' and 'strategies' are both given")
    labels = several if several is not None else [] if one is None else [one]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise BadError(f"{where}.strategy", "expected a label, or under 'strategies' a list of labels")
    if labels and SPEAKERS[speaker] is Role.SEEKER:
        raise BadError(f"{where}.strategy", "a message of the seeker's has a strategy")
    return HumanMessage(SPEAKERS[speaker], text, tuple(labels), about)
