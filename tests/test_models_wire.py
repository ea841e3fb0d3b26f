"""The OpenAI client over real HTTP: what it sends, and what it makes of what comes back."""

from typing import Any

import pytest
from autogen_core.models import AssistantMessage, LLMMessage, SystemMessage, UserMessage

from confide.agents import ModelError
from confide.agents.models.base import Retry
from confide.agents.models.limits import Gate, Limit
from tests.fake_server import Answer, FakeServer, completion, refused, said
from tests.model_helpers import SURROGATE, Make, ask, fault_of, is_one_line

pytestmark = pytest.mark.usefixtures("environment")

HOSTILE = (
    "\U0001f600 \u202eevil\u202c \ufeff \u2028 \u0000 \x1b[31m \ud7ff\ue000\uffff \U0010ffff",
    'quote " back \\ slash / </script> {name} %s ${HOME} \\ud83d',
    "e\u0301 \u00e9 \u0130 \u00df \u200b\u200d line\r\nbreak\ttab",
)


# What is sent


async def test_the_body_holds_what_was_asked_for_and_nothing_else(server: FakeServer, make: Make) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}}}
    messages: list[LLMMessage] = [
        SystemMessage(content=HOSTILE[0]),
        UserMessage(content=HOSTILE[1], source="seeker"),
        AssistantMessage(content=HOSTILE[2], source="supporter"),
        UserMessage(content="last", source="moderator"),
    ]
    client = make(max_tokens=77, extra_body={"top_k": 5, "nested": {"a": [1, None, "é"]}})
    await client.create(messages, extra_create_args={"seed": 2**53 - 1, "response_format": form})
    assert server.chats[0].body == {
        "model": "fake-1",
        "max_tokens": 77,
        "top_k": 5,
        "nested": {"a": [1, None, "é"]},
        "messages": [
            {"role": "system", "content": HOSTILE[0]},
            {"role": "user", "content": HOSTILE[1]},
            {"role": "assistant", "content": HOSTILE[2]},
            {"role": "user", "content": "last"},
        ],
        "seed": 2**53 - 1,
        "response_format": form,
    }
    assert server.chats[0].method == "POST"


async def test_temperature_is_sent_only_when_set(server: FakeServer, make: Make) -> None:
    await ask(make())
    await ask(make(temperature=0))
    assert "temperature" not in server.chats[0].body
    assert server.chats[1].body["temperature"] == 0


async def test_endpoints_of_others_get_max_tokens(
    server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    await ask(make(base_url=None, max_tokens=9))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    await ask(make(max_tokens=9))  # what the description says goes before the environment
    for got in server.chats:
        assert got.body["max_tokens"] == 9
        assert "max_completion_tokens" not in got.body


async def test_openai_itself_gets_max_completion_tokens(server: FakeServer, make: Make) -> None:
    client = make(base_url=None, max_tokens=9)
    assert str(client._sdk.base_url) == "https://api.openai.com/v1/"
    client._sdk.base_url = server.url
    await ask(client)
    assert server.chats[0].body["max_completion_tokens"] == 9
    assert "max_tokens" not in server.chats[0].body


async def test_an_empty_base_url_in_the_environment_is_none(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    client = make(base_url=None)
    assert str(client._sdk.base_url) == "https://api.openai.com/v1/"
    assert "max_completion_tokens" in client._fixed


async def test_each_try_is_one_request(server: FakeServer, make: Make) -> None:
    server.script = refused(503)
    await fault_of(ask(make()))
    assert len(server.chats) == 1  # the SDK's own retries are off


# What is read


async def test_everything_that_the_server_says_is_kept(server: FakeServer, make: Make) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}}
    body = completion("Hi.", model="fake-1-0613", system_fingerprint="fp_9", usage=usage)
    top = [{"token": "Hi", "logprob": -0.25}, {"token": "\u00dc", "logprob": -2.5}]
    body["choices"][0]["logprobs"] = {"content": [{"token": "Hi", "logprob": -0.25, "top_logprobs": top}]}
    server.script = Answer(body=body, delay=0.05)
    client = make()
    answer = await ask(client)
    assert (answer.content, answer.finish_reason, answer.model, answer.fingerprint) == (
        "Hi.", "stop", "fake-1-0613", "fp_9",
    )  # fmt: skip
    assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == (100, 64, 7)
    assert answer.seconds is not None
    assert 0.05 <= answer.seconds < 2
    assert answer.attempts == ()
    assert answer.logprobs is not None
    assert (answer.logprobs[0].token, answer.logprobs[0].logprob) == ("Hi", -0.25)
    alternatives = answer.logprobs[0].top_logprobs or []
    assert [(t.logprob, bytes(t.bytes or [])) for t in alternatives] == [(-0.25, b"Hi"), (-2.5, "\u00dc".encode())]


@pytest.mark.parametrize("text", HOSTILE)
async def test_the_answers_words_come_out_as_they_went_in(text: str, server: FakeServer, make: Make) -> None:
    server.script = said(text)
    assert (await ask(make())).content == text


async def test_a_surrogate_pair_is_one_whole_character(server: FakeServer, make: Make) -> None:
    server.script = said("\U0001f600")
    assert b"\\ud83d\\ude00" in server.script.payload
    assert (await ask(make())).content == "\U0001f600"


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None}])
async def test_figures_that_were_not_given_are_none(usage: object, server: FakeServer, make: Make) -> None:
    server.script = said("Hi.", usage=usage, model=None)
    answer = await ask(make())
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (None, None, None)
    assert (answer.model, answer.fingerprint, answer.logprobs) == (None, None, None)


async def test_zero_cached_tokens_is_not_unknown(server: FakeServer, make: Make) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0}}
    server.script = said(usage=usage)
    answer = await ask(make())
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (5, 0, 0)


@pytest.mark.parametrize(("said_by_server", "kept"), [("stop", "stop"), ("length", "length"), (None, "unknown")])
async def test_finish_reasons(said_by_server: str | None, kept: str, server: FakeServer, make: Make) -> None:
    server.script = said("Hi.", finish=said_by_server)
    assert (await ask(make())).finish_reason == kept


async def test_usage_adds_up(make: Make) -> None:
    client = make()
    for _ in range(3):
        await ask(client)
    assert (client.actual_usage().prompt_tokens, client.total_usage().completion_tokens) == (360, 90)


async def test_closing_reaches_through_the_wrappers_and_closes_the_connections(make: Make) -> None:
    client = make()
    wrapped = Retry(Limit(client, Gate(2)), 2)
    await ask(wrapped)
    assert not client._sdk.is_closed()
    await wrapped.close()
    assert client._sdk.is_closed()


async def test_tools_and_streaming_are_refused(server: FakeServer, make: Make) -> None:
    client, messages = make(), [UserMessage(content="hi", source="user")]
    with pytest.raises(NotImplementedError, match="tools"):
        await client.create(messages, tool_choice="required")
    with pytest.raises(NotImplementedError, match="streaming"):
        client.create_stream(messages)
    assert server.got == []


ODD_FIELDS = {
    "usage a list": {"usage": [1]},
    "usage a number": {"usage": 5},
    "tokens a word": {"usage": {"prompt_tokens": "many"}},
    "tokens a fraction": {"usage": {"prompt_tokens": 1.5}},
    "tokens not a number": {"usage": {"prompt_tokens": float("nan")}},
    "tokens below zero": {"usage": {"prompt_tokens": -1, "completion_tokens": 1}},
    "details a list": {"usage": {"prompt_tokens": 1, "prompt_tokens_details": [1]}},
    "cached a word": {"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": "x"}}},
    "model a number": {"model": 5},
    "model half a character": {"model": SURROGATE},
    "fingerprint a number": {"system_fingerprint": 5},
    "fingerprint half a character": {"system_fingerprint": SURROGATE},
}


@pytest.mark.parametrize("fields", ODD_FIELDS.values(), ids=ODD_FIELDS)
async def test_odd_figures_beside_a_good_answer_raise_nothing_but_model_errors(
    fields: dict[str, Any], server: FakeServer, make: Make
) -> None:
    server.script = said("Hi.", **fields)
    try:
        answer = await ask(make())
    except ModelError as error:
        assert is_one_line(error.message)  # noqa: PT017  (either is fine, a traceback is not)
    else:
        assert answer.content == "Hi."
        assert answer.prompt_tokens is None or answer.prompt_tokens >= 0
        answer.model_dump_json()  # what cannot be written would stop the log


ODD_LOGPROBS = {
    "no token": {"content": [{"logprob": -1}]},
    "a number": 5,
    "no value": {"content": [{"token": "a", "logprob": None}]},
    "half a character": {
        "content": [{"token": "\ud83d", "logprob": -1, "top_logprobs": [{"token": "\ud83d", "logprob": -1}]}]
    },
    "the older form": {"tokens": ["a"], "token_logprobs": [-1]},
}


@pytest.mark.parametrize("logprobs", ODD_LOGPROBS.values(), ids=ODD_LOGPROBS)
async def test_odd_log_probabilities_raise_nothing_but_model_errors(
    logprobs: object, server: FakeServer, make: Make
) -> None:
    body = completion("Hi.")
    body["choices"][0]["logprobs"] = logprobs
    server.script = Answer(body=body)
    try:
        answer = await ask(make())
    except ModelError as error:
        assert is_one_line(error.message)  # noqa: PT017
    else:
        assert answer.content == "Hi."
