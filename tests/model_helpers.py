"""Shared by the tests of the model clients: calls and what became of them, replies that fit, and weights that are none."""

import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from autogen_core import CancellationToken
from autogen_core.models import RequestUsage, UserMessage

from confide.agents import Completion, Model, ModelError
from confide.agents.models import BaseClient
from confide.agents.models.openai import OpenAIClient
from confide.agents.models.weights import weights_file
from confide.scenarios import ConfideError, Role
from tests.fake_server import Got, failing_plainly

KEY = "sk-Sesame-4711"
SURROGATE = "a\ud800b"
HI = [UserMessage(content="hi", source="user")]
PINNED = b"GGUF, but short" * 100
Make = Callable[..., OpenAIClient]


async def ask(client: BaseClient, text: str = "hi", token: CancellationToken | None = None, **args: Any) -> Completion:
    messages = [UserMessage(content=text, source="user")]
    return await client.create(messages, extra_create_args=args, cancellation_token=token)


async def fault_of(call: Awaitable[object]) -> ModelError:
    with failing_plainly(), pytest.raises(ModelError) as caught:
        await call
    return caught.value


async def failure(model: Model) -> ModelError:
    with failing_plainly(), pytest.raises(ModelError) as caught:
        await model.client.create(HI, extra_create_args={"seed": 1})
    return caught.value


def is_one_line(text: str) -> bool:
    return bool(text.strip()) and len(text.splitlines()) == 1


def wrong(call: Any, *args: Any) -> str:
    """The one line that ``call`` raises."""
    with pytest.raises(ConfideError) as caught:
        call(*args)
    assert is_one_line(str(caught.value))
    return str(caught.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(prompt: int | None, completion: int | None, cached: int | None = None) -> Completion:
    return Completion(
        finish_reason="stop", content="x", usage=RequestUsage(0, 0), cached=False,
        prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached,
    )  # fmt: skip


def reply_for(got: Got, **fields: object) -> str:
    """A reply that fits the schema in the request, told apart by the length of the talk."""
    count = len(got.messages)
    if role_of(got) is Role.SUPPORTER:
        reply = {"notes": "n", "strategies": ["Question"], "told": [], "utterance": f"How so ({count})?"}
    else:
        reply = {"thoughts": "t", "emotion": 60, "trust": 30, "told": [], "utterance": f"I am {count}."}
    return json.dumps({**reply, "wants_to_end": False, **fields})


def role_of(got: Got) -> Role:
    name = got.body["response_format"]["json_schema"]["name"]
    return Role(name.removesuffix("_reply"))


def quiet(_: int, __: int) -> None:
    """Watches no progress."""


def source(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "download.gguf"
    file.write_bytes(content)
    return file


def put_weights(content: bytes) -> Path:
    weights_file().parent.mkdir()
    weights_file().write_bytes(content)
    return weights_file()
