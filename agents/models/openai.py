"""A client for OpenAI-compatible endpoints, over the SDK's low-level post and its aiohttp transport.

The SDK's ordinary path rewrites every message and rebuilds every schema at every call, and its default transport gives
up under load (docs/decisions/0003-lean-client.md). This one keeps the SDK's authorisation, typed errors and
cancellation, sends plain dicts, and keeps the raw answer's figures. Retries of the SDK's own are off, so that each try
is seen. Whatever a server sends, it becomes an answer or a :class:`ModelError`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import openai
from autogen_core.models import LLMMessage

from confide.agents.completion import Completion, Fault, ModelError
from confide.agents.models.answers import read_answer
from confide.agents.models.base import BaseClient, Request
from confide.agents.models.keys import one_line, read_key
from confide.agents.models.spec import OpenAISpec
from confide.agents.models.turnstile import Turnstile
from confide.scenarios import ConfideError

CONNECT_TIMEOUT_S: Final = 30.0
"""The SDK's own 5 s fires when a thousand calls keep the event loop busy."""
OPENAI_URL: Final = "https://api.openai.com/v1"
_ROLES: Final = {"SystemMessage": "system", "UserMessage": "user", "AssistantMessage": "assistant"}
_STATUS_FAULTS: Final = {
    401: Fault.DENIED,
    402: Fault.DENIED,  # the credit is used up
    403: Fault.DENIED,
    404: Fault.NOT_FOUND,
    408: Fault.TIMEOUT,
    409: Fault.SERVER_ERROR,
    429: Fault.RATE_LIMITED,
}


class OpenAIClient(BaseClient):
    """One model at one endpoint."""

    def __init__(
        self,
        name: str,
        model: str,
        base_url: str,
        key: str | None,
        fixed: Mapping[str, Any],
        timeout_s: float = 120,
    ) -> None:
        """Describe the endpoint; nothing is opened yet.

        Args:
            name: what the user calls the model; for error messages.
            model: what the endpoint calls it.
            base_url: the endpoint.
            key: the key; None for a server that wants none.
            fixed: fields that every request carries.
            timeout_s: seconds until a call is given up.
        """
        super().__init__()
        self._name = name
        self._key = key
        self._timeout_s = timeout_s
        self._fixed = {"model": model, **fixed}
        self.base_url = base_url.rstrip("/")
        """The endpoint."""
        self._turnstile = Turnstile()
        own = self.base_url == OPENAI_URL
        self._sdk = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            http_client=openai.DefaultAioHttpClient(),
            # The SDK reads these from the environment and would send them to anybody's server.
            default_headers=None if own else {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()},  # type: ignore[dict-item]
        )

    @classmethod
    def from_spec(cls, name: str, spec: OpenAISpec, *, asks: bool = True) -> OpenAIClient:
        """The client that ``spec`` describes.

        Args:
            name: what the user calls the model; for error messages.
            spec: its description.
            asks: whether it will be asked; else it needs no key.

        Raises:
            ConfideError: the environment variable that should hold the key is not set, or holds no key.
        """
        key = None if spec.key_env is None or not asks else read_key(name, spec.key_env)
        base_url = spec.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_URL
        if "@" in base_url.partition("://")[2].partition("/")[0]:
            raise ConfideError(f"model '{name}': the endpoint's address must hold no user name; use key_env for a key")
        # OpenAI's own newer models refuse the older name, most other servers know only that one.
        limit = "max_completion_tokens" if base_url.rstrip("/") == OPENAI_URL else "max_tokens"
        fixed: dict[str, Any] = {limit: spec.max_tokens, **spec.extra_body}
        if spec.temperature is not None:
            fixed["temperature"] = spec.temperature
        return cls(name, spec.model, base_url, key, fixed, spec.timeout_s)

    @property
    def identity(self) -> dict[str, Any]:
        """All that says which model at which endpoint is asked, and what each request carries."""
        return {"provider": "openai", "base_url": self.base_url, "fixed": self._fixed}

    async def check(self) -> None:
        """Ask the endpoint for its list of models: any answer but a refusal will do."""
        try:
            await self._send(lambda: self._sdk.get("/models", cast_to=object), min(self._timeout_s, CONNECT_TIMEOUT_S))
        except ModelError as error:
            if error.fault in (Fault.UNREACHABLE, Fault.TIMEOUT, Fault.DENIED):
                raise

    async def close(self) -> None:
        """Close the connections."""
        await self._sdk.close()

    def body(self, request: Request) -> dict[str, Any]:
        """What is posted for ``request``."""
        body = {**self._fixed, "messages": _plain(request.messages), **request.args}
        if "max_completion_tokens" in self._fixed and "max_tokens" in request.args:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return body

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        await self._turnstile.passed()
        body = self.body(request)
        start = asyncio.get_running_loop().time()
        raw = await self._send(lambda: self._sdk.post("/chat/completions", cast_to=object, body=body), self._timeout_s)
        return read_answer(raw, self._name, self._key, asyncio.get_running_loop().time() - start)

    async def _send(self, call: Callable[[], Awaitable[object]], timeout_s: float) -> object:
        where = f"model '{self._name}' at {self._sdk.base_url}"
        try:
            async with asyncio.timeout(timeout_s):
                return await call()
        except openai.APIError as error:
            raise self._fault(error, where) from None
        except TimeoutError:
            raise ModelError(Fault.TIMEOUT, f"{where}: no answer in {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ModelError(Fault.UNREACHABLE, f"{where}: cannot be talked to: {one_line(error, self._key)}") from None
        except (ValueError, RecursionError, EOFError) as error:
            said = one_line(error, self._key)
            raise ModelError(Fault.SERVER_ERROR, f"{where}: the answer cannot be read: {said}") from None

    def _fault(self, error: openai.APIError, where: str) -> ModelError:
        broken = _network_error(error)
        if isinstance(error, openai.APITimeoutError) and broken is None:
            return ModelError(Fault.TIMEOUT, f"{where}: no answer in time")
        if isinstance(error, openai.APIConnectionError):
            said = one_line(broken or error.__cause__ or error, self._key)
            return ModelError(Fault.UNREACHABLE, f"{where}: cannot be reached: {said}")
        said = one_line(error.message, self._key)
        if not isinstance(error, openai.APIStatusError):
            return ModelError(Fault.SERVER_ERROR, f"{where}: {said}")
        fault = _STATUS_FAULTS.get(
            error.status_code, Fault.SERVER_ERROR if error.status_code >= 500 else Fault.BAD_REQUEST
        )
        pause = _seconds(error.response.headers.get("retry-after"))
        return ModelError(fault, f"{where}: {said}", retry_after=pause, status=error.status_code)


def _network_error(error: BaseException) -> BaseException | None:
    """The network's error under ``error``. The SDK calls even a refused connection a time-out."""
    under: BaseException | None = error
    found = None
    while under is not None:
        if isinstance(under, OSError | aiohttp.ClientConnectionError) and not isinstance(under, TimeoutError):
            found = under
        under = under.__cause__ or under.__context__
    return found


def _plain(messages: Sequence[LLMMessage]) -> list[dict[str, object]]:
    return [{"role": _ROLES[message.type], "content": message.content} for message in messages]


def _seconds(header: str | None) -> float | None:
    """The seconds of a Retry-After header, which may be a date too. None for one that has passed."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        pass
    try:
        left = parsedate_to_datetime(header or "").timestamp() - time.time()
    except ValueError:
        return None
    return left if left > 0 else None
