"""A provider that is no model. Its replies are a pure function of the request, so that every test can be repeated.

It follows the JSON Schema that the request carries, so that it exercises what a hosted model would.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from autogen_core.models import RequestUsage

from confide.agents.completion import Completion
from confide.agents.models.base import BaseClient, Request

Script = Callable[[Request], str]
"""Gives the reply to a request. It may raise :class:`~confide.agents.ModelError`."""

_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    "seeker": (
        "I don't really know where to start.",
        "It's been like this for weeks now.",
        "Maybe. I'm not sure that would change anything.",
        "I keep thinking about it at night.",
        "Nobody around me seems to notice.",
        "I tried that once. It didn't help.",
        "That's the part I can't explain.",
        "I guess I'm just tired.",
        "It sounds small when I write it down.",
        "Thanks for asking, I suppose.",
    ),
    "supporter": (
        "What has this week been like for you?",
        "That sounds exhausting.",
        "So it was going on long before anyone saw it.",
        "You have kept going through all of that.",
        "Who else knows about it?",
        "What would a slightly better day look like?",
        "I had a time like that once.",
        "There is no rush here.",
        "What did you try before?",
        "That makes sense to me, after what you told me.",
    ),
}


class ScriptedClient(BaseClient):
    """Answers from a script, after a fixed time, and keeps what it received. Its token counts are stand-ins too."""

    def __init__(self, script: Script | None = None, latency_s: float = 0.0, *, keep: bool = True) -> None:
        """Answer by ``script``, by default by drawing from a short list of lines.

        Args:
            script: gives the reply to each request.
            latency_s: seconds that each call takes.
            keep: keep every request in :attr:`received`.
        """
        super().__init__()
        self._script = script or draw_reply
        self._latency_s = latency_s
        self._keep = keep
        self.received: list[Request] = []
        """Every request, in the order of arrival."""

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        if self._keep:
            self.received.append(request)
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        content = self._script(request)
        prompt, completion = 10 * len(request.messages), len(content) // 4
        return Completion(
            finish_reason="stop",
            content=content,
            usage=RequestUsage(prompt, completion),
            cached=False,
            model="scripted",
            prompt_tokens=prompt,
            cached_tokens=0,
            completion_tokens=completion,
            seconds=self._latency_s,
        )


def draw_reply(request: Request) -> str:
    """A reply that fits the schema in the request, or a line where it has none, drawn by the request's seed."""
    draw = random.Random(request.args.get("seed", 0))  # noqa: S311  (a repeatable draw is the point)
    if "response_format" not in request.args:
        return draw.choice(_LINES["supporter"])
    schema = request.args["response_format"]["json_schema"]["schema"]
    script = schema["properties"].get("turns")
    if script is None:
        return json.dumps(_reply(schema, draw), ensure_ascii=False)
    kinds = script["items"]["anyOf"]
    turns = [_reply(kinds[turn % len(kinds)], draw) for turn in range(script["maxItems"])]
    return json.dumps({"turns": turns}, ensure_ascii=False)


def _reply(schema: Mapping[str, Any], draw: random.Random) -> dict[str, object]:
    role = "supporter" if "strategies" in schema["properties"] else "seeker"
    return {name: _value(name, part, draw, role) for name, part in schema["properties"].items()}


def _value(name: str, schema: Mapping[str, Any], draw: random.Random, role: str) -> object:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if schema["type"] == "integer":
        return draw.randint(schema.get("minimum", 0), schema.get("maximum", 100))
    if schema["type"] == "boolean":
        return False
    if schema["type"] == "array":
        choices = schema["items"].get("enum", [])
        fewest = schema.get("minItems", 0)
        return draw.sample(choices, min(len(choices), max(fewest, draw.choice((0, 0, 1)))))
    return draw.choice(_LINES[role]) if name == "utterance" else f"(a scripted {role} has no {name})"
