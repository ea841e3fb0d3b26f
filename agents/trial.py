"""Tries out a model: does it answer, hold a schema, give log-probabilities, reuse prefixes, and play a role?"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from autogen_core.models import LLMMessage, SystemMessage, UserMessage
from pydantic import BaseModel

from confide.agents.agent import Order, RoleAgent
from confide.agents.completion import Completion, ModelError
from confide.agents.messages import Called, Unreadable
from confide.agents.models import Model
from confide.agents.prompts import read_prompt, shipped_prompt
from confide.agents.reply import ReplyError, ReplyRules
from confide.agents.view import Place, Segment, View
from confide.scenarios import Role, read_taxonomy
from confide.scenarios.library import STRATEGIES

Result = Literal["yes", "no", "unknown"]


class Finding(NamedTuple):
    """What one check found."""

    what: str
    result: Result
    detail: str


class _Colour(BaseModel):
    colour: Literal["red", "green", "blue"]
    shade: int


_COLOUR_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}, "shade": {"type": "integer"}},
    "required": ["colour", "shade"],
    "additionalProperties": False,
}
_LONG: Final = "You are a patient listener in a support chat. " * 40


async def try_model(model: Model) -> list[Finding]:
    """Run all checks, one after another; the last one is whether the model can play a role in confide.

    A model that does not answer at all is not asked again.
    """
    findings = [await _answers(model)]
    if findings[0].result == "yes":
        findings += [await check(model) for check in (_holds_schema, _gives_logprobs, _reuses_prefixes, _plays)]
    return findings


async def _ask(model: Model, messages: list[LLMMessage], **args: Any) -> Completion:
    seed = {"seed": 1} if model.sends_seed else {}
    json_output = args.pop("json_output", None)
    return await model.client.create(messages, json_output=json_output, extra_create_args={**seed, **args})


async def _answers(model: Model) -> Finding:
    what = "answers"
    try:
        completion = await _ask(model, [UserMessage(content="Say hello in one short sentence.", source="user")])
    except ModelError as error:
        return Finding(what, "no", error.message)
    took = "" if completion.seconds is None else f"{completion.seconds:.2f} s: "
    return Finding(what, "yes", took + " ".join(completion.content.split())[:80])


async def _holds_schema(model: Model) -> Finding:
    what = "follows a JSON schema"
    form = {"type": "json_schema", "json_schema": {"name": "colour", "strict": True, "schema": _COLOUR_SCHEMA}}
    args: dict[str, Any] = {"json_output": _Colour} if model.structured == "autogen" else {"response_format": form}
    question = "Ignore any form and answer in one long sentence of plain prose: what is your favourite colour?"
    try:
        completion = await _ask(model, [UserMessage(content=question, source="user")], **args)
        _Colour.model_validate_json(completion.content)
    except ModelError as error:
        return Finding(what, "no", error.message)
    except ValueError:
        return Finding(what, "no", f"it wrote: {' '.join(completion.content.split())[:80]}; use structured: none")
    return Finding(what, "yes", "held to it against the question's wording")


async def _gives_logprobs(model: Model) -> Finding:
    what = "returns log-probabilities"
    if model.structured == "autogen":
        return Finding(what, "unknown", "cannot be asked for through this provider")
    try:
        question = UserMessage(content="Answer with one digit: 1, 2 or 3.", source="user")
        completion = await _ask(model, [question], logprobs=True, top_logprobs=5)
    except ModelError as error:
        return Finding(what, "no", error.message)
    if not completion.logprobs:
        return Finding(what, "no", "the server passed the request over")
    top = len(completion.logprobs[0].top_logprobs or [])
    return Finding(what, "yes", f"{top} alternatives per token")


async def _reuses_prefixes(model: Model) -> Finding:
    what = "caches prefixes"
    try:
        for turn in ("Hello.", "Hello again."):
            messages: list[LLMMessage] = [SystemMessage(content=_LONG), UserMessage(content=turn, source="user")]
            completion = await _ask(model, messages)
    except ModelError as error:
        return Finding(what, "unknown", error.message)
    if completion.cached_tokens is None:
        return Finding(what, "unknown", "the server does not report cached tokens")
    found: Result = "yes" if completion.cached_tokens else "no"
    return Finding(
        what, found, f"{completion.cached_tokens} of {completion.prompt_tokens} prompt tokens at the second call"
    )


async def _plays(model: Model) -> Finding:
    """A supporter's first turn, as a conversation would ask for it, a repair included."""
    what = f"plays a role ({model.format.name} replies)"
    rules = ReplyRules(role=Role.SUPPORTER, facts=("own-closure",), taxonomy=read_taxonomy(STRATEGIES / "esconv.yaml"))
    prompt = read_prompt(shipped_prompt(Role.SUPPORTER, model.format.name), Role.SUPPORTER)
    values = {"name": "Robin", "other": "Alex", "strategies": ", ".join(rules.taxonomy.labels)}
    head = [Segment("instruction:trial", Place.HEAD, prompt.fill(block, values) or "") for block in ("role", "format")]
    view = View(
        Role.SUPPORTER, 0, (*head, Segment("instruction:opening", Place.OPENING, "(the chat opens)")), rules.facts
    )
    notes: list[Called | Unreadable] = []
    try:
        agent, seeds = RoleAgent(rules, model, prompt), {"speak": 1, "repair": 2}
        reply = await agent.speak(Order(view, seeds.__getitem__, None, notes.append))
    except (ModelError, ReplyError) as error:
        return Finding(what, "no", str(error))
    repaired = "after a repair: " if any(isinstance(note, Unreadable) for note in notes) else ""
    return Finding(what, "yes", repaired + " ".join(reply.utterance.split())[:80])
