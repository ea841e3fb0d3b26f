"""A client for OpenAI-compatible endpoints.

It sends plain dicts, and keeps the raw answer's figures. It tries once, so that each try is seen. Whatever a server
sends, it becomes an answer or a :class:`ModelError`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from autogen_core.models import LLMMessage

from confide.agents.completion import Completion, Fault, ModelError
from confide.agents.models.answers import read_answer
from confide.agents.models.base import BaseClient, Request
from confide.agents.models.keys import read_key
from confide.agents.models.spec import OpenAISpec
from confide.agents.models.wire import CONNECT_TIMEOUT_S, Wire
from confide.scenarios import ConfideError

OPENAI_URL: Final = "https://api.openai.com/v1"
_ROLES: Final = {"SystemMessage": "system", "UserMessage": "user", "AssistantMessage": "assistant"}
_ACCOUNT: Final = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
"""What of the environment goes to OpenAI beside the key, and to nobody else."""


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
        account = _ACCOUNT if self.base_url == OPENAI_URL else {}
        headers = {header: os.environ[variable] for header, variable in account.items() if os.environ.get(variable)}
        self._wire = Wire(name, self.base_url, key, headers)

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
            await self._wire.get("/models", min(self._timeout_s, CONNECT_TIMEOUT_S))
        except ModelError as error:
            if error.fault in (Fault.UNREACHABLE, Fault.TIMEOUT, Fault.DENIED):
                raise

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        body = {**self._fixed, "messages": _plain(request.messages), **request.args}
        if "max_completion_tokens" in self._fixed and "max_tokens" in request.args:
            body["max_completion_tokens"] = body.pop("max_tokens")
        start = asyncio.get_running_loop().time()
        raw = await self._wire.post("/chat/completions", body, self._timeout_s)
        return read_answer(raw, self._name, self._key, asyncio.get_running_loop().time() - start)


def _plain(messages: Sequence[LLMMessage]) -> list[dict[str, object]]:
    return [{"role": _ROLES[message.type], "content": message.content} for message in messages]
