"""Any AutoGen model client, made to answer like ours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Final

from autogen_core.models import ChatCompletionClient

from confide.agents.completion import Completion, Fault, ModelError
from confide.agents.models.base import BaseClient, Request
from confide.agents.models.spec import AutoGenSpec
from confide.scenarios import ConfideError

ALLOWED: Final = ("autogen_ext.models.", "autogen_core.models.")
"""Loading a component imports the module that it names. A YAML file may name AutoGen's own and no other."""


class ForeignClient(BaseClient):
    """A client that is not ours. What it does not report stays None."""

    def __init__(self, name: str, client: ChatCompletionClient, seed_argument: str | None = None) -> None:
        """Wrap ``client``; hand it seeds under ``seed_argument``, if given."""
        super().__init__()
        self._name = name
        self._client = client
        self._seed_argument = seed_argument
        self.info = client.model_info

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        args: Mapping[str, Any] = {self._seed_argument: request.args["seed"]} if self._seed_argument else {}
        start = asyncio.get_running_loop().time()
        create = self._client.create(request.messages, json_output=request.json_output, extra_create_args=args)
        call = asyncio.ensure_future(create)
        try:
            await asyncio.wait({call})
        except asyncio.CancelledError:
            call.cancel()
            raise
        error = call.exception()
        if error is not None:  # foreign code: whatever it raised is a failed call, kept by name
            raise ModelError(Fault.SERVER_ERROR, f"model '{self._name}': {type(error).__name__}: {error}") from error
        result = call.result()
        if not isinstance(result.content, str) or not result.content.strip():
            raise ModelError(Fault.EMPTY, f"model '{self._name}': the answer is empty")
        return Completion(
            finish_reason=result.finish_reason,
            content=result.content,
            usage=result.usage,
            cached=result.cached,
            logprobs=result.logprobs,
            prompt_tokens=result.usage.prompt_tokens or None,
            completion_tokens=result.usage.completion_tokens or None,
            seconds=asyncio.get_running_loop().time() - start,
        )


def load_component(name: str, spec: AutoGenSpec) -> ChatCompletionClient:
    """The client that an AutoGen component describes.

    Raises:
        ConfideError: it is not one of AutoGen's own, its package is missing, or its configuration is wrong.
    """
    component = dict(spec.component)
    provider = str(component.get("provider", ""))
    if not provider.startswith(ALLOWED):
        raise ConfideError(
            f"model '{name}': component.provider must begin with {' or '.join(ALLOWED)}, not '{provider}'; "
            "a client class of your own goes through the Python API"
        )
    if spec.key_env is not None:
        key = os.environ.get(spec.key_env)
        if not key:
            raise ConfideError(f"model '{name}': the environment variable {spec.key_env} is not set")
        component["config"] = {**component.get("config", {}), "api_key": key}
    try:
        return ChatCompletionClient.load_component(component)
    except ImportError as error:
        raise ConfideError(f"model '{name}': {error}; AutoGen's clients need: pip install 'confide[autogen]'") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfideError(f"model '{name}': the component cannot be loaded: {' '.join(str(error).split())}") from None
