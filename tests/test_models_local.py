"""The embedded model, as far as it goes without running it."""

import asyncio
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from confide.agents import Fault, build_model
from confide.agents.models import LocalSpec
from confide.agents.models import local as local_module
from confide.agents.models.local import LocalClient
from confide.agents.models.weights import fetch_weights, weights_file
from confide.scenarios import ConfideError
from tests.fake_server import FakeServer, refused, said
from tests.model_helpers import HI, PINNED, failure, is_one_line, put_weights, quiet, source


async def check_fails(spec: LocalSpec | None = None) -> str:
    client = LocalClient("local", spec or LocalSpec(provider="local"))
    with pytest.raises(ConfideError) as caught:
        await client.check()
    assert is_one_line(str(caught.value))
    await client.close()
    return str(caught.value)


async def test_missing_weights_are_told_with_what_to_do(cache: Path) -> None:
    said_to_user = await check_fails()
    assert str(weights_file()) in said_to_user
    assert "confide models fetch local" in said_to_user


async def test_damaged_weights_are_told_with_what_to_do(cache: Path) -> None:
    put_weights(PINNED[:-1] + b"!")
    said_to_user = await check_fails()
    assert "damaged" in said_to_user
    assert str(weights_file()) in said_to_user


async def test_a_damaged_adapter_is_found(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_weights(quiet, source(tmp_path, PINNED))
    adapter = tmp_path / "actor.gguf"
    adapter.write_bytes(b"x")
    monkeypatch.setattr(local_module, "ADAPTER", adapter)
    said_to_user = await check_fails()
    assert "damaged" in said_to_user
    assert str(adapter) in said_to_user
    assert "fetch local" not in said_to_user  # which brings the weights, not the adapter


async def test_without_the_adapter_its_file_is_not_needed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_weights(quiet, source(tmp_path, PINNED))
    monkeypatch.setattr(local_module, "ADAPTER", tmp_path / "nowhere.gguf")
    stub_llama(monkeypatch, "http://127.0.0.1:1")
    client = LocalClient("local", LocalSpec(provider="local", adapter=False))
    await client.check()
    await client.close()


def stub_llama(monkeypatch: pytest.MonkeyPatch, address: str, error: Exception | None = None) -> list[Any]:
    """Stands in for the native library, with a server at ``address``; gives the parameters of each start."""
    started: list[Any] = []

    class Params:
        """Takes any setting, however deep."""

        def __getattr__(self, name: str) -> Any:
            setattr(self, name, Params())
            return self.__dict__[name]

    class Server:
        listening_address = address

        def __init__(self, params: Params) -> None:
            if error is not None:
                raise error
            started.append(params)

    stub = ModuleType("xllamacpp")
    stub.CommonParams, stub.Server, stub.CommonAdapterLoraInfo = Params, Server, Params  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xllamacpp", stub)
    return started


async def test_the_embedded_server_is_started_once_and_asked_with_its_own_key(
    weights: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = stub_llama(monkeypatch, server.origin)
    server.script = said("[Question] Hm?", model=str(weights))
    model = build_model("local", LocalSpec(provider="local", concurrency=3, context=1024, temperature=0.5))
    answers = await asyncio.gather(*(model.client.create(HI, extra_create_args={"seed": n}) for n in range(3)))
    await model.client.close()
    (params,) = started
    assert params.model.path == str(weights)
    assert (params.n_parallel, params.n_ctx) == (6, 6144)
    assert {got.headers["Authorization"] for got in server.chats} == {f"Bearer {params.api_keys[0]}"}
    assert len(params.api_keys[0]) >= 32
    body = server.chats[0].body
    assert (body["temperature"], body["min_p"], body["max_tokens"], body["cache_prompt"]) == (0.5, 0.1, 160, True)
    assert {answer.model for answer in answers} == {"SmolLM2-135M-Instruct.Q4_1+confide-actor"}  # and no path


async def test_a_talk_that_outgrew_the_context_is_told_in_those_words(
    weights: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_llama(monkeypatch, server.origin)
    server.script = refused(400, "the request exceeds the available context size, try increasing it")
    model = build_model("local", LocalSpec(provider="local", context=1024))
    error = await failure(model)
    await model.client.close()
    assert error.fault is Fault.BAD_REQUEST
    assert "1024 tokens" in error.message
    assert str(error) == error.message


async def test_a_server_that_does_not_start_is_one_line(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_llama(monkeypatch, "", RuntimeError("failed to load model"))
    assert "failed to load model" in await check_fails()


async def test_the_embedded_model_can_be_closed_and_called_again(
    weights: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = stub_llama(monkeypatch, server.origin)
    model = build_model("local", LocalSpec(provider="local"))
    await model.client.create(HI)
    await model.client.close()
    assert (await model.client.create(HI)).content == "Hello."
    await model.client.close()
    assert len(started) == 2
