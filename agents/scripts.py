"""A whole conversation written in one answer. Law: its replies are read as single turns are, and none is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from confide.agents.formats import JSON, TAGGED, AnyReply, ReplyFormat, json_object
from confide.agents.reply import ReplyError, ReplyRules
from confide.scenarios import Role

_LINE_END: Final = re.compile(r"\r\n|[\r\n]")
"""The line breaks that end a line in the grammar too; others are characters of an utterance."""
LONGEST_LINE: Final = 300
"""Characters of one line under a grammar: a small model that finds no end would use up the tokens of all lines."""


class ScriptRules(NamedTuple):
    """What a script may hold."""

    rules: Mapping[Role, ReplyRules]
    """What each role's replies may name."""
    opens: Role
    """Who speaks first; then they take turns."""
    turns: int
    """Most turns."""

    def role(self, turn: int) -> Role:
        """Who speaks at ``turn``, from 0."""
        return self.opens if turn % 2 == 0 else self.opens.other


def read_script(text: str, rules: ScriptRules, reply_format: ReplyFormat) -> tuple[AnyReply, ...]:
    """The replies that ``text`` holds, at least one. Turns beyond the most that there may be are left out.

    Raises:
        ReplyError: it holds none, or one that breaks the rules; the turn is named, from 1.
    """
    parts = json_object(text, "turns").get("turns") if reply_format is JSON else _LINE_END.split(text.strip("\r\n"))
    if not isinstance(parts, list) or not any(parts):
        raise ReplyError("'turns' must be a list with at least one message")
    replies = []
    for turn, part in enumerate(parts[: rules.turns]):
        role = rules.role(turn)
        try:
            replies.append(_read(part, role, text, rules, reply_format))
        except ReplyError as error:
            raise ReplyError(f"message {turn + 1}, of the {role}: {error}") from None
    return tuple(replies)


def _read(part: object, role: Role, text: str, rules: ScriptRules, reply_format: ReplyFormat) -> AnyReply:
    if isinstance(part, str) and reply_format is TAGGED:
        return reply_format.parse(part, rules.rules[role])
    if not isinstance(part, dict):
        raise ReplyError("expected an object")
    if part.get("role") != role:
        raise ReplyError(f"its role must be '{role}': they take turns, and the {rules.opens} writes first")
    return JSON.read(part, text, rules.rules[role])


def script_schema(rules: ScriptRules) -> dict[str, Any]:
    """JSON Schema of a script, in the strict subset that servers hold models to."""
    kinds = []
    for role in (rules.opens, rules.opens.other):
        schema = JSON.schema(rules.rules[role])
        named = {"role": {"type": "string", "enum": [role.value]}, **schema["properties"]}
        kinds.append({**schema, "properties": named, "required": list(named)})
    turns = {"type": "array", "items": {"anyOf": kinds}, "minItems": 1, "maxItems": rules.turns}
    return {"type": "object", "properties": {"turns": turns}, "required": ["turns"], "additionalProperties": False}


def script_grammar(rules: ScriptRules) -> str:
    """A script of exactly ``rules.turns`` lines as a GBNF grammar."""
    lines = ' "\\n" '.join(rules.role(turn).value for turn in range(rules.turns))
    roles = [f"{role} ::= {TAGGED.line(rules.rules[role])}" for role in Role]
    parts = [part for role in Role for part in TAGGED.rules(rules.rules[role])]
    words = f"words ::= [^\\r\\n]{{1,{LONGEST_LINE}}}"
    return "\n".join([f"root ::= {lines}", *roles, *parts, words])
