"""A client for OpenAI-compatible endpoints, over the SDK's low-level post and its aiohttp transport.

The SDK's ordinary path rewrites every message and rebuilds every schema at every call, and its default transport gives
up under load (docs/decisions/0003-lean-client.md). This one keeps the SDK's authorisation, typed errors and cancellation, sends plain
dicts, and keeps the raw answer's figures. Retries of the SDK's own are off, so that each try is seen.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import openai
from autogen_core.models import ChatCompletionTokenLogprob, FinishReasons, LLMMessage, RequestUsage, TopLogprob

from confide.agents.completion import Completion, Fault, ModelError
from confide.agents.models.base import BaseClient, Request
from confide.agents.models.spec import OpenAISpec
from confide.scenarios import ConfideError

CONNECT_TIMEOUT_S: Final = 30.0
"""The SDK's own 5 s fires when a thousand calls keep the event loop busy."""
_ROLES: Final = {"SystemMessage": "system", "UserMessage": "user", "AssistantMessage": "assistant"}
_FINISH: Final[Mapping[str, FinishReasons]] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


class OpenAIClient(BaseClient):
    """One model at one endpoint."""

    def __init__(
        self,
        name: str,
        model: str,
        base_url: str | None,
        key: str | None,
        fixed: Mapping[str, Any],
        timeout_s: float = 120,
    ) -> None:
        """Describe the endpoint; nothing is opened yet.

        Args:
            name: what the user calls the model; for error messages.
            model: what the endpoint calls it.
            base_url: the endpoint; None for OpenAI's own.
            key: the key; None for a server that wants none.
            fixed: fields that every request carries.
            timeout_s: seconds until a call is given up.
        """
        super().__init__()
        self._name = name
        self._fixed = {"model": model, **fixed}
        self._sdk = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            http_client=openai.DefaultAioHttpClient(),
        )

    @classmethod
    def from_spec(cls, name: str, spec: OpenAISpec) -> OpenAIClient:
        """The client that ``spec`` describes.

        Raises:
            ConfideError: the environment variable that should hold the key is not set.
        """
        key = None
        if spec.key_env is not None:
            key = os.environ.get(spec.key_env)
            if not key:
                raise ConfideError(
                    f"model '{name}': the environment variable {spec.key_env} is not set; put the key in it, "
                    "or write 'key_env: null' for a server that wants none"
                )
        base_url = spec.base_url or os.environ.get("OPENAI_BASE_URL") or None
        # OpenAI's own newer models refuse the older name, most other servers know only that one.
        limit = "max_tokens" if base_url else "max_completion_tokens"
        fixed: dict[str, Any] = {limit: spec.max_tokens, **spec.extra_body}
        if spec.temperature is not None:
            fixed["temperature"] = spec.temperature
        return cls(name, spec.model, base_url, key, fixed, spec.timeout_s)

    async def check(self) -> None:
        """Ask the endpoint for its list of models: any answer but a refusal will do."""
        try:
            await self._sdk.get("/models", cast_to=object, options={"timeout": CONNECT_TIMEOUT_S})
        except openai.APIError as error:
            fault = self._fault(error)
            if fault.fault in (Fault.UNREACHABLE, Fault.TIMEOUT, Fault.DENIED):
                raise fault from None

    async def close(self) -> None:
        """Close the connections."""
        await self._sdk.close()

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        body = {**self._fixed, "messages": _plain(request.messages), **request.args}
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            raw = await self._sdk.post("/chat/completions", cast_to=object, body=body)
        except openai.APIError as error:
            raise self._fault(error) from None
        return self._completion(raw, loop.time() - start)

    def _completion(self, raw: object, seconds: float) -> Completion:
        try:
            choice = raw["choices"][0]  # type: ignore[index]
            message, usage = choice["message"], raw.get("usage") or {}  # type: ignore[attr-defined]
            content, reason = message.get("content"), str(choice.get("finish_reason"))
        except (KeyError, IndexError, TypeError, AttributeError):
            raise ModelError(
                Fault.SERVER_ERROR, f"model '{self._name}': the answer is no chat completion: {str(raw)[:200]}"
            ) from None
        if reason == "content_filter" or message.get("refusal"):
            raise ModelError(
                Fault.FILTERED,
                f"model '{self._name}': the answer was withheld: {message.get('refusal') or 'content filter'}",
            )
        if not isinstance(content, str) or not content.strip():
            hint = "; it used up max_tokens before it spoke: raise it" if reason == "length" else ""
            raise ModelError(Fault.EMPTY, f"model '{self._name}': the answer is empty{hint}")
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        return Completion(
            finish_reason=_FINISH.get(reason, "unknown"),
            content=content,
            usage=RequestUsage(prompt_tokens=prompt or 0, completion_tokens=completion or 0),
            cached=False,
            logprobs=_logprobs(choice.get("logprobs")),
            model=raw.get("model"),  # type: ignore[attr-defined]
            fingerprint=raw.get("system_fingerprint"),  # type: ignore[attr-defined]
            prompt_tokens=prompt,
            cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
            completion_tokens=completion,
            seconds=seconds,
        )

    def _fault(self, error: openai.APIError) -> ModelError:
        where = f"model '{self._name}' at {self._sdk.base_url}"
        refused = _network_error(error)
        if isinstance(error, openai.APITimeoutError) and refused is None:
            return ModelError(Fault.TIMEOUT, f"{where}: no answer in time")
        if isinstance(error, openai.APIConnectionError):
            return ModelError(Fault.UNREACHABLE, f"{where}: cannot be reached: {refused or error.__cause__ or error}")
        if not isinstance(error, openai.APIStatusError):
            return ModelError(Fault.SERVER_ERROR, f"{where}: {error.message}")
        status = error.status_code
        said = " ".join(str(error.message).split())[:300]
        faults = {
            401: Fault.DENIED,
            403: Fault.DENIED,
            404: Fault.NOT_FOUND,
            408: Fault.TIMEOUT,
            409: Fault.SERVER_ERROR,
            429: Fault.RATE_LIMITED,
        }
        fault = faults.get(status, Fault.SERVER_ERROR if status >= 500 else Fault.BAD_REQUEST)
        return ModelError(
            fault, f"{where}: {said}", retry_after=_retry_after(error.response.headers.get("retry-after"))
        )


def _network_error(error: BaseException) -> OSError | None:
    """The operating system's error under ``error``. The SDK calls even a refused connection a time-out."""
    under: BaseException | None = error
    found = None
    while under is not None:
        if isinstance(under, OSError) and not isinstance(under, TimeoutError):
            found = under
        under = under.__cause__ or under.__context__
    return found


def _plain(messages: Sequence[LLMMessage]) -> list[dict[str, object]]:
    return [{"role": _ROLES[message.type], "content": message.content} for message in messages]


def _retry_after(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:  # the date form; our own backoff will do
        return None


def _logprobs(raw: Mapping[str, Any] | None) -> list[ChatCompletionTokenLogprob] | None:
    if not raw or not raw.get("content"):
        return None
    return [
        ChatCompletionTokenLogprob(
            token=entry["token"],
            logprob=entry["logprob"],
            top_logprobs=[
                TopLogprob(top["logprob"], list(top["token"].encode())) for top in entry.get("top_logprobs") or []
            ],
        )
        for entry in raw["content"]
    ]
