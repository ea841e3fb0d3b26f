"""Questions to models that are too small for JSON: a few words, and the answer in one bracket.

The embedded model was taught some of these questions; benchmarks/actor/prepare.py has the same words.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from confide.agents import Model, Place, ReplyError, Segment, View
from confide.evaluators.rubric import Choice, Item, Labels, Level, Offer, Rubric, Scale
from confide.scenarios import Role
from confide.simulator.observing import Key, Seen

_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,8}")
_BRACKET: Final = re.compile(r"\s*\[([^\[\]]*)\]\s*")


def ask_short(
    rubric: Rubric, item: Item, seen: Seen, key: Key, offer: Offer, model: Model
) -> tuple[View, dict[str, Any]]:
    """The question as a small model gets it, and how the request holds the answer to a bracket."""
    short = rubric.short
    if short is None:
        raise ValueError(f"rubric '{rubric.id}' has no short form")
    last = len(seen.lines) if key.turn is None else key.turn + (rubric.line == "shown")
    lines = seen.lines[max(0, last - short.lines) : last]
    task = short.task.strip().replace("{labels}", ", ".join(offer.labels))
    words = [" ".join(line.utterance.splitlines()).strip() for line in lines]  # one line each: a break would make two
    said = [
        f"{line.role.capitalize()}: {text}" if short.names else text for line, text in zip(lines, words, strict=True)
    ]
    segments = [
        Segment("instruction:task", Place.HEAD, task),
        *(Segment(f"utterance:{line.turn}", Place.TAIL, words) for line, words in zip(lines, said, strict=True)),
    ]
    if short.question:
        segments.append(Segment("instruction:question", Place.TAIL, f"\n{short.question.strip()}"))
    view = View(key.role or Role.SEEKER, len(seen.lines), tuple(segments))
    return view, {"grammar": _grammar(item, offer)} if model.structured == "grammar" else {}


def _grammar(item: Item, offer: Offer) -> str:
    """The bracket as a GBNF grammar, as llama.cpp reads it."""
    form = item.answer
    if isinstance(form, Labels):
        more = ' (" + " word)?' * (form.most - 1)
        return f'root ::= "[" word{more} "]"\nword ::= {_either(offer.labels)}'
    if isinstance(form, Choice):
        return f'root ::= "[" word "]"\nword ::= {_either([word.lower() for word in form.words])}'
    if isinstance(form, Scale):
        return f'root ::= "[" word "]"\nword ::= {_either([str(point) for point in form.anchors])}'
    if isinstance(form, Level):
        low, high = offer.bounds(item.id, form)
        return f'root ::= "[" word "]"\nword ::= {_either([str(point) for point in range(low, high + 1)])}'
    return f'root ::= "[" ("nothing" | word (" + " word)*) "]"\nword ::= {_either([str(t) for t in offer.turns])}'


def _either(words: list[str] | tuple[str, ...]) -> str:
    return " | ".join(json.dumps(word, ensure_ascii=False) for word in words)


def read_short(content: str, item: Item) -> dict[str, Any]:
    """What a bracket says.

    Raises:
        ReplyError: the answer is no bracket.
    """
    match = _BRACKET.fullmatch(content)
    if match is None:
        raise ReplyError("expected one bracket and nothing else")
    words, form = match[1].split(" + "), item.answer
    if isinstance(form, Labels):
        return {item.id: words}
    if isinstance(form, Choice):
        offered = {word.lower(): word for word in form.words}
        return {item.id: offered.get(match[1], match[1])}
    if isinstance(form, Scale | Level):
        return {item.id: _number(match[1])}
    return {item.id: [] if words == ["nothing"] else [_number(word) for word in words]}


def _number(word: str) -> int:
    """The number that ``word`` spells, as it would be offered: no other digits, no leading zeros.

    Raises:
        ReplyError: it spells none.
    """
    if not _NUMBER.fullmatch(word):
        raise ReplyError("expected whole numbers in the bracket")
    return int(word)
