"""The embedded model: llama.cpp's server in this process, on a loopback port, behind the client of any endpoint."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path
from typing import Any, Final

from confide.agents.completion import Completion, ModelError
from confide.agents.models.base import BaseClient, Request
from confide.agents.models.openai import OpenAIClient
from confide.agents.models.spec import LocalSpec
from confide.agents.models.weights import ADAPTER, ADAPTER_SHA256, SHA256, is_pinned, weights_file
from confide.scenarios import ConfideError

ROLES: Final = 2
"""Prompts that a conversation goes on with."""
REPEAT_WINDOW: Final = 48
"""Tokens back to which repetition is held down: about a turn, so that a fact can be told in its own words."""


class LocalClient(BaseClient):
    """SmolLM2-135M-Instruct with confide's adapter. The server starts at the first check or call."""

    def __init__(self, name: str, spec: LocalSpec) -> None:
        """Describe the server; nothing is loaded yet."""
        super().__init__()
        self._name = name
        self._spec = spec
        self._server: Any = None
        self._client: OpenAIClient | None = None
        self._starting = asyncio.Lock()

    async def check(self) -> None:
        """Load the model.

        Raises:
            ConfideError: the weights are missing or damaged, or the server does not start.
        """
        await self._ready()

    async def close(self) -> None:
        """Stop the server."""
        if self._client is not None:
            await self._client.close()
        self._client = self._server = None

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        client = self._client or await self._ready()
        try:
            completion = await client.answer(request)
        except ModelError as error:
            if "context size" in error.message:
                error.message = (
                    f"model '{self._name}': the talk no longer fits its context of {self._spec.context} tokens"
                )
            raise
        # The server names the path of the weights, which is private to the machine.
        return completion.model_copy(
            update={"model": "SmolLM2-135M-Instruct.Q4_1" + ("+confide-actor" if self._spec.adapter else "")}
        )

    async def _ready(self) -> OpenAIClient:
        async with self._starting:
            if self._client is None:
                weights = weights_file()
                await self._must_be_whole(weights, SHA256, "confide models fetch local")
                if self._spec.adapter:
                    await self._must_be_whole(ADAPTER, ADAPTER_SHA256, "pip install --force-reinstall confide")
                key = secrets.token_hex(16)
                self._server = await asyncio.to_thread(self._start, weights, key)
                address = self._server.listening_address
                fixed = {
                    "temperature": self._spec.temperature,
                    "min_p": self._spec.min_p,
                    "repeat_penalty": self._spec.repeat_penalty,
                    "repeat_last_n": REPEAT_WINDOW,
                    "max_tokens": self._spec.max_tokens,
                    "cache_prompt": True,
                }
                self._client = OpenAIClient(self._name, "local", f"{address}/v1", key, fixed)
            return self._client

    async def _must_be_whole(self, file: Path, sha256: str, remedy: str) -> None:
        whole = await asyncio.to_thread(is_pinned, file, sha256)
        if whole is None:
            raise ConfideError(f"model '{self._name}': {file} is not there; get it: {remedy}")
        if not whole:
            raise ConfideError(f"model '{self._name}': {file} is damaged; delete it, then: {remedy}")

    def _start(self, weights: Path, key: str) -> object:
        import xllamacpp  # noqa: PLC0415  (native code; loaded only where a model is)

        params = xllamacpp.CommonParams()
        params.model.path = str(weights)
        if self._spec.adapter:
            adapter = xllamacpp.CommonAdapterLoraInfo()
            adapter.path = str(ADAPTER)
            adapter.scale = 1.0
            params.lora_adapters = [adapter]
        # Each role of a talk has a prompt of its own, and the server finds the slot that holds most of it.
        params.n_parallel = ROLES * self._spec.concurrency
        params.n_ctx = params.n_parallel * self._spec.context
        threads = self._spec.threads or max(1, (os.cpu_count() or 2) // 2)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.api_keys = [key]
        params.ui = False
        params.verbosity = -1
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise ConfideError(f"model '{self._name}': llama.cpp did not start: {error}") from None
