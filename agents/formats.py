"""The two ways in which a model may write a reply. Both read into, and write from, the same reply models.

``json`` is for capable models: one JSON object, by schema where the server can hold one. ``tagged`` is for models that
are too small for it: one line, a bracket and then the words, the bracket held by a grammar where the server can.
Law: the words of an utterance come out exactly as they went in.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, Protocol

from pydantic import ValidationError
from pydantic_core import to_json

from confide.agents.completion import is_text
from confide.agents.reply import ReplyError, ReplyRules, SeekerReply, SupporterReply
from confide.scenarios import Role

AnyReply = SeekerReply | SupporterReply


class ReplyFormat(Protocol):
    """Reads and writes replies."""

    name: str

    def parse(self, text: str, rules: ReplyRules) -> AnyReply:
        """The reply that ``text`` holds.

        Raises:
            ReplyError: it holds none, or one that breaks the rules.
        """
        ...

    def write(self, reply: AnyReply) -> str:
        """The reply as the model would have written it: so it stands in the role's own history."""
        ...


class JsonFormat:
    """One JSON object."""

    name = "json"

    def parse(self, text: str, rules: ReplyRules) -> AnyReply:
        """See :class:`ReplyFormat`. Prose or a code fence around the object is passed over."""
        return self.read(json_object(text, "utterance"), text, rules)

    def read(self, data: dict[str, Any], text: str, rules: ReplyRules) -> AnyReply:
        """The reply that ``data`` holds, a JSON object that came in ``text``.

        Raises:
            ReplyError: it breaks the rules.
        """
        model, wanted = _MODELS[rules.role]
        wished = {name: data.get(name) for name in wanted}
        if None in wished.values():
            missing = [name for name in wanted if wished[name] is None]
            raise ReplyError(f"the JSON object lacks: {', '.join(missing)}")
        if "\\u" in text:
            _must_be_text(data)
        if isinstance(wished["utterance"], str):
            _must_speak(wished["utterance"])
        _must_be_whole_numbers(wished)
        try:
            reply = model.model_validate(wished)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ReplyError(f"{where}: {first['msg']}") from None
        update: dict[str, Any] = {}
        if reply.told and (told := rules.known_facts(reply.told)) != reply.told:
            update["told"] = told
        if isinstance(reply, SupporterReply):
            strategies = rules.known_strategies(reply.strategies or ())
            if strategies != reply.strategies:
                update["strategies"] = strategies
        return reply.model_copy(update=update) if update else reply

    def write(self, reply: AnyReply) -> str:
        """See :class:`ReplyFormat`."""
        values = reply.__dict__
        return to_json({name: values[name] for name in _MODELS[reply.role][1]}).decode()

    def schema(self, rules: ReplyRules) -> dict[str, Any]:
        """JSON Schema of a reply, in the strict subset that servers hold models to: all required, nothing extra."""
        facts: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": 0}
        if rules.facts:
            facts = {"type": "array", "items": {"type": "string", "enum": list(rules.facts)}}
        percent = {"type": "integer", "minimum": 0, "maximum": 100}
        labels = {"type": "string", "enum": list(rules.taxonomy.labels)}
        known: dict[str, dict[str, Any]] = {
            "thoughts": {"type": "string"},
            "emotion": percent,
            "trust": percent,
            "notes": {"type": "string"},
            "strategies": {"type": "array", "items": labels, "minItems": 1},
            "told": facts,
            "utterance": {"type": "string", "minLength": 1},
            "wants_to_end": {"type": "boolean"},
        }
        order = SEEKER_ORDER if rules.role is Role.SEEKER else SUPPORTER_ORDER
        properties = {name: known[name] for name in order}
        return {"type": "object", "properties": properties, "required": list(order), "additionalProperties": False}


class TaggedFormat:
    """``[emotion N, trust N, told IDS] words`` for a seeker, ``[STRATEGIES] words`` for a supporter."""

    name = "tagged"

    def parse(self, text: str, rules: ReplyRules) -> AnyReply:
        """See :class:`ReplyFormat`. The words run from the bracket to the end of the line."""
        match = _TAGGED.fullmatch(text)
        if not match:
            raise ReplyError("expected one line and no more: a bracket and then the words")
        bracket, words = match.groups()
        _must_speak(words)
        if rules.role is Role.SUPPORTER:
            return SupporterReply(utterance=words, strategies=rules.known_strategies(bracket.split(" + ")))
        state = _SEEKER_BRACKET.fullmatch(bracket)
        if not state:
            raise ReplyError("the bracket must read: emotion N, trust N, told ids or nothing")
        emotion, trust, told = state.groups()
        ids = [] if told == "nothing" else told.split(" + ")
        try:
            return SeekerReply(utterance=words, emotion=int(emotion), trust=int(trust), told=rules.known_facts(ids))
        except ValidationError:
            raise ReplyError("emotion and trust must be whole numbers from 0 to 100") from None

    def write(self, reply: AnyReply) -> str:
        """See :class:`ReplyFormat`."""
        if isinstance(reply, SupporterReply):
            return f"[{' + '.join(reply.strategies or ())}] {reply.utterance}"
        told = " + ".join(reply.told or ()) or "nothing"
        return f"[emotion {reply.emotion}, trust {reply.trust}, told {told}] {reply.utterance}"

    def grammar(self, rules: ReplyRules) -> str:
        """The line as a GBNF grammar, as llama.cpp reads it: the bracket is held, the words are free."""
        return "\n".join([f"root ::= {self.line(rules)}", *self.rules(rules), _WORDS])

    def line(self, rules: ReplyRules) -> str:
        """A role's line in the grammar, in terms of :meth:`rules` and ``words``."""
        if rules.role is Role.SUPPORTER:
            return '"[" name (" + " name)? "] " words'
        return '"[emotion " number ", trust " number ", told " told "] " words'

    def rules(self, rules: ReplyRules) -> list[str]:
        """The parts of a role's line; no two roles have a part of one name."""
        if rules.role is Role.SUPPORTER:
            names = " | ".join(json.dumps(label, ensure_ascii=False) for label in rules.taxonomy.labels)
            return [f"name ::= {names}"]
        ids = " | ".join(json.dumps(fact) for fact in rules.facts)
        told = '"nothing" | id (" + " id)*' if ids else '"nothing"'
        return ['number ::= "100" | [1-9] [0-9] | [0-9]', f"told ::= {told}", *([f"id ::= {ids}"] if ids else [])]


JSON: Final = JsonFormat()
TAGGED: Final = TaggedFormat()

SEEKER_ORDER: Final = ("thoughts", "emotion", "trust", "told", "utterance", "wants_to_end")
"""Fields of a seeker's JSON reply. The private part comes first: a model settles what it feels, then speaks."""
SUPPORTER_ORDER: Final = ("notes", "strategies", "told", "utterance", "wants_to_end")
"""Fields of a supporter's JSON reply."""

_MODELS: Final[dict[Role, tuple[type[SeekerReply] | type[SupporterReply], tuple[str, ...]]]] = {
    Role.SEEKER: (SeekerReply, SEEKER_ORDER),
    Role.SUPPORTER: (SupporterReply, SUPPORTER_ORDER),
}


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose fields are each given once: of two values nobody knows which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ReplyError("the JSON object gives a field twice")
    return found


_DECODER: Final = json.JSONDecoder()
_CAREFUL: Final = json.JSONDecoder(object_pairs_hook=_each_once)
_WORDS = r"words ::= [^\r\n]+"
_TAGGED = re.compile(r"\s*\[([^\[\]\r\n]*)\] ([^\r\n]*)\s*")
_SEEKER_BRACKET = re.compile(r"emotion (\d{1,3}), trust (\d{1,3}), told (\S.*)")


def reply_format(name: str) -> ReplyFormat:
    """The format of this name.

    Raises:
        KeyError: there is none.
    """
    formats: dict[str, ReplyFormat] = {"json": JSON, "tagged": TAGGED}
    return formats[name]


def _must_speak(words: str) -> None:
    if not words.strip():
        raise ReplyError("the utterance is empty")


def _must_be_text(data: dict[str, Any]) -> None:
    """JSON can spell half a character, which no log can hold."""
    try:
        whole = is_text(json.dumps(data, ensure_ascii=False))
    except RecursionError:
        raise ReplyError("the JSON object is nested too deeply") from None
    if not whole:
        raise ReplyError("it holds half a character (a lone surrogate)")


def json_object(text: str, mark: str) -> dict[str, Any]:
    """The one JSON object in ``text`` that has a field ``mark``. There may be no second: a draft would be taken for it.

    An object without the field is given where there is none with it, so that its reader can say what it lacks; but
    not one from inside of an object that breaks off.

    Raises:
        ReplyError: there is none, or more than one.
    """
    found: list[dict[str, Any]] = []
    first: dict[str, Any] | None = None
    broken = False
    start = text.find("{")
    while start >= 0:
        try:
            data, end = _DECODER.raw_decode(text, start)
            if text.count(":", start, end) > len(data):  # with a colon per field none is given twice; else look closer
                _CAREFUL.raw_decode(text, start)
        except (ValueError, RecursionError):
            broken = True
            start = text.find("{", start + 1)
            continue
        if isinstance(data, dict) and mark in data:
            found.append(data)
        elif isinstance(data, dict) and first is None and not broken:
            first = data
        start = text.find("{", end)
    if len(found) > 1:
        raise ReplyError("there is more than one JSON object: send one")
    if not found and first is None:
        raise ReplyError("no whole JSON object found")
    return found[0] if found else first or {}


def _must_be_whole_numbers(data: dict[str, Any]) -> None:
    """Nothing is guessed: ``true`` is no 1, and ``"off"`` is no false."""
    for name in ("emotion", "trust"):
        if name in data and type(data[name]) is not int:
            raise ReplyError(f"{name}: must be a whole number from 0 to 100")
    if type(data["wants_to_end"]) is not bool:
        raise ReplyError("wants_to_end: must be true or false")
