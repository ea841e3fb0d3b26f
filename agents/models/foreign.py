"""Any AutoGen model client, made to answer like ours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Final

import openai
from autogen_core.models import ChatCompletionClient
from pydantic import ValidationError

from confide.agents.completion import Completion, Fault, ModelError
from confide.agents.models.base import BaseClient, Request
from confide.agents.models.keys import one_line, read_key
from confide.agents.models.spec import AutoGenSpec
from confide.scenarios import ConfideError

_ADDRESSES: Final = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "ANTHROPIC_BASE_URL", "OLLAMA_HOST")
"""Variables from which the clients' own libraries take an address that the configuration does not name."""
ALLOWED: Final = ("autogen_ext.models.", "autogen_core.models.")
"""Loading a component imports the module that it names. A YAML file may name AutoGen's own and no other."""


class ForeignClient(BaseClient):
    """A client that is not ours. What it does not report stays None."""

    def __init__(
        self, name: str, client: ChatCompletionClient, seed_argument: str | None = None, secret: str | None = None
    ) -> None:
        """Wrap ``client``.

        Args:
            name: what the user calls the model; for error messages.
            client: the client.
            seed_argument: the name under which it takes seeds, if it does.
            secret: its key, to be kept out of error messages.
        """
        super().__init__()
        self._secret = secret
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
        if call.cancelled():  # by the client itself: our own cancelling was raised above
            raise ModelError(Fault.SERVER_ERROR, f"model '{self._name}': its client broke the call off")
        error = call.exception()
        if isinstance(error, ModelError):
            raise error
        if error is not None:  # foreign code: whatever it raised is a failed call, kept by name
            said = one_line(f"{type(error).__name__}: {error}", self._secret)
            raise ModelError(Fault.SERVER_ERROR, f"model '{self._name}': {said}") from error
        result = call.result()
        if result.finish_reason == "content_filter":
            raise ModelError(Fault.FILTERED, f"model '{self._name}': the answer was withheld: content filter")
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


def load_component(name: str, spec: AutoGenSpec) -> tuple[ChatCompletionClient, str | None]:
    """The client that an AutoGen component describes, and its key, to be kept out of error messages.

    Raises:
        ConfideError: it is not one of AutoGen's own, its package is missing, or its configuration is wrong.
    """
    component = dict(spec.component)
    _must_be_autogens(name, component)
    key = None
    if spec.key_env is not None:
        key = read_key(name, spec.key_env)
        config = component.get("config", {})
        if not isinstance(config, Mapping):
            raise ConfideError(f"model '{name}': component.config must be a group of 'name: value' lines")
        component["config"] = {**config, "api_key": key}
    try:
        return ChatCompletionClient.load_component(component), key
    except ImportError as error:
        said = one_line(error, key)
        raise ConfideError(f"model '{name}': {said}; AutoGen's clients need: pip install 'confide[autogen]'") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        said = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise ConfideError(f"model '{name}': the component's config is wrong: {one_line(said, key)}") from None
    except (ValueError, TypeError, AttributeError, KeyError, openai.OpenAIError) as error:
        raise ConfideError(f"model '{name}': the component cannot be loaded: {one_line(error, key)}") from None


def identity_of(spec: AutoGenSpec) -> dict[str, Any]:
    """All that says which model at which endpoint a component asks, and what each request carries."""
    where = {name: os.environ.get(name) for name in _ADDRESSES}
    return {"provider": "autogen", "component": spec.component, "seed_argument": spec.seed_argument, "where": where}


_PARTS: Final = (*ALLOWED, "autogen_ext.cache_store.", "autogen_core.CacheStore")
"""What a client may be made of."""


def _must_be_autogens(name: str, part: object, allowed: tuple[str, ...] = ALLOWED) -> None:
    """Components nest: every ``provider`` in one is a module that loading would import."""
    if isinstance(part, Mapping):
        provider = part.get("provider")
        if (provider is not None or allowed is ALLOWED) and not str(provider or "").startswith(allowed):
            raise ConfideError(
                f"model '{name}': component.provider must begin with {' or '.join(ALLOWED)}, not '{provider or ''}'; "
                "a client class of your own goes through the Python API"
            )
        if isinstance(part.get("api_key"), str):
            raise ConfideError(f"model '{name}': no keys in files: put the key in a variable and name it in key_env")
    values = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    for value in values:
        _must_be_autogens(name, value, _PARTS)
