"""From the body of a chat completion to a :class:`Completion`.

Law: the words come out exactly, or there is an error. A figure beside them that makes no sense is None: it is not worth
the answer, which was paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from autogen_core.models import ChatCompletionTokenLogprob, FinishReasons, RequestUsage, TopLogprob

from confide.agents.completion import Completion, Fault, ModelError, is_text
from confide.agents.models.keys import one_line

_ROUNDING: Final = 1e-3
"""By how much the logarithm of a sure thing may be above 0."""
_NEVER: Final = -1e4
"""Stands for what has no chance: servers say minus infinity, or -9999."""
_FINISH: Final[Mapping[str, FinishReasons]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
}


def read_answer(raw: object, name: str, secret: str | None, seconds: float) -> Completion:
    """The completion that ``raw`` holds.

    Args:
        raw: the body, decoded from JSON.
        name: what the user calls the model; for error messages.
        secret: the key, to be kept out of error messages.
        seconds: how long the call took.

    Raises:
        ModelError: the body is no chat completion, or its words were withheld, or there are none.
    """
    body = _mapping(raw)
    choices = body.get("choices")
    choice = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    if not isinstance(choice.get("message"), Mapping):
        raise ModelError(
            Fault.SERVER_ERROR, f"model '{name}': the answer is no chat completion: {one_line(raw, secret)}"
        )
    message, usage = choice["message"], _mapping(body.get("usage"))
    content, reason = message.get("content"), str(choice.get("finish_reason"))
    if reason == "content_filter" or message.get("refusal"):
        why = one_line(message.get("refusal") or "content filter", secret)
        raise ModelError(Fault.FILTERED, f"model '{name}': the answer was withheld: {why}")
    if not isinstance(content, str) or not content.strip():
        hint = "; it used up max_tokens before it spoke: raise it" if reason == "length" else ""
        raise ModelError(Fault.EMPTY, f"model '{name}': the answer is empty{hint}")
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return Completion(
        finish_reason=_FINISH.get(reason, "unknown"),
        content=content,
        usage=RequestUsage(prompt_tokens=prompt or 0, completion_tokens=completion or 0),
        cached=False,
        logprobs=_logprobs(choice.get("logprobs")),
        model=_word(body.get("model")),
        fingerprint=_word(body.get("system_fingerprint")),
        prompt_tokens=prompt,
        cached_tokens=_count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
        completion_tokens=completion,
        seconds=seconds,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and is_text(value) else None


def _logprobs(raw: object) -> list[ChatCompletionTokenLogprob] | None:
    entries = _mapping(raw).get("content")
    if not isinstance(entries, list) or not entries:
        return None
    found = [_logprob(entry) for entry in entries]
    return None if None in found else [entry for entry in found if entry is not None]


def _logprob(entry: object) -> ChatCompletionTokenLogprob | None:
    data = _mapping(entry)
    token, value = data.get("token"), _log_of_chance(data.get("logprob"))
    if not isinstance(token, str) or value is None:
        return None
    tops = data.get("top_logprobs")
    found: list[TopLogprob] = []
    for each in map(_mapping, tops if isinstance(tops, list) else ()):
        top = _log_of_chance(each.get("logprob"))
        if top is None:  # the others would be taken for all that there is
            return None
        found.append(TopLogprob(top, list(str(each.get("token")).encode(errors="replace"))))
    return ChatCompletionTokenLogprob(token=token.encode(errors="replace").decode(), logprob=value, top_logprobs=found)


def _log_of_chance(value: object) -> float | None:
    """The logarithm of a probability; None where it is none, such as one of more than 1, or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= _ROUNDING:
        return None
    return float(max(min(value, 0), _NEVER))
