"""The OpenAI client over real HTTP: what it sends and reads, how faults are told, tries, limits, whole talks."""

import asyncio
import json
import socket
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from autogen_core import CancellationToken
from autogen_core.models import AssistantMessage, LLMMessage, SystemMessage, UserMessage
from pydantic import ValidationError

from confide.agents import (
    JSON,
    Completion,
    Fault,
    Model,
    ModelError,
    ReplyError,
    RoleAgent,
    build_model,
    known_models,
)
from confide.agents.models import BaseClient, OpenAISpec
from confide.agents.models import base as base_module
from confide.agents.models.base import Limit, Retry
from confide.agents.models.openai import OpenAIClient
from confide.agents.reply import ReplyRules
from confide.agents.trial import try_model
from confide.scenarios import ConfideError, Role, read_scenario, read_taxonomy
from confide.scenarios.library import STRATEGIES
from confide.simulator import Moderator, Outcome, RunFolder, Wishes, plan_run, read_log, run_conversations
from confide.simulator.events import AnyEvent
from confide.simulator.runner import setup_of
from tests.fake_server import MODELS, Answer, FakeServer, Got, completion, failing_plainly, refused, said

KEY = "sk-Sesame-4711"
HOSTILE = (
    "\U0001f600 \u202eevil\u202c \ufeff \u2028 \u0000 \x1b[31m \ud7ff\ue000\uffff \U0010ffff",
    'quote " back \\ slash / </script> {name} %s ${HOME} \\ud83d',
    "e\u0301 \u00e9 \u0130 \u00df \u200b\u200d line\r\nbreak\ttab",
)
Make = Callable[..., OpenAIClient]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as fake:
        yield fake


@pytest.fixture
async def make(server: FakeServer) -> AsyncIterator[Make]:
    """Makes clients of the fake server, and closes them."""
    made: list[OpenAIClient] = []

    def client(**fields: Any) -> OpenAIClient:
        spec = OpenAISpec(**{"provider": "openai", "model": "fake-1", "base_url": server.url, **fields})
        made.append(OpenAIClient.from_spec("mine", spec))
        return made[-1]

    yield client
    for each in made:
        await each.close()


async def ask(client: BaseClient, text: str = "hi", token: CancellationToken | None = None, **args: Any) -> Completion:
    messages = [UserMessage(content=text, source="user")]
    return await client.create(messages, extra_create_args=args, cancellation_token=token)


async def fault_of(call: Awaitable[object]) -> ModelError:
    with failing_plainly(), pytest.raises(ModelError) as caught:
        await call
    return caught.value


def is_one_line(text: str) -> bool:
    return bool(text.strip()) and len(text.splitlines()) == 1


def told(error: BaseException) -> str:
    """Everything that a person may get to see of an error."""
    attempts = repr(error.attempts) if isinstance(error, ModelError) else ""
    return f"{error} {error!r} {attempts} {''.join(traceback.format_exception(error))}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


async def test_the_key_goes_into_the_header(server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    await ask(make())
    await ask(make(key_env="OTHER_KEY"))
    assert [got.headers["Authorization"] for got in server.chats] == [f"Bearer {KEY}", "Bearer sk-other"]
    assert KEY not in server.chats[0].raw.decode()


async def test_a_server_that_wants_no_key_gets_none_of_ours(
    server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-key")
    await ask(make(key_env=None))
    sent = repr(server.chats[0])
    assert KEY not in sent
    assert "sk-admin-key" not in sent


async def test_each_try_is_one_request(server: FakeServer, make: Make) -> None:
    server.script = refused(503)
    await fault_of(ask(make()))
    assert len(server.chats) == 1  # the SDK's own retries are off


@pytest.mark.parametrize("key", [KEY + "\n", "sk-\u00fcmlaut", "sk-\u2028"])
async def test_a_key_that_fits_no_header_is_told_without_the_key(
    key: str, server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    try:
        await ask(make())
    except ConfideError as error:
        assert key.strip() not in told(error)  # noqa: PT017  (a stripped key that works will do as well)
    else:
        assert server.chats[0].headers["Authorization"] == f"Bearer {key.strip()}"


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
    wrapped = Limit(Retry(client, 2), 2)
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


def with_message(message: object, finish: str = "stop") -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": finish}]}


SURROGATE = "a\ud800b"
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


# Faults


@pytest.mark.parametrize(
    ("status", "fault", "transient"),
    [
        (400, Fault.BAD_REQUEST, False),
        (401, Fault.DENIED, False),
        (403, Fault.DENIED, False),
        (404, Fault.NOT_FOUND, False),
        (408, Fault.TIMEOUT, True),
        (409, Fault.SERVER_ERROR, True),
        (422, Fault.BAD_REQUEST, False),
        (429, Fault.RATE_LIMITED, True),
        (500, Fault.SERVER_ERROR, True),
        (503, Fault.SERVER_ERROR, True),
        (529, Fault.SERVER_ERROR, True),
    ],
)
async def test_statuses(status: int, fault: Fault, transient: bool, server: FakeServer, make: Make) -> None:
    server.script = refused(status, "the reason")
    error = await fault_of(ask(make()))
    assert (error.fault, error.fault.transient) == (fault, transient)
    assert "mine" in error.message
    assert server.url in error.message
    assert str(status) in error.message
    assert "the reason" in error.message
    assert is_one_line(error.message)
    assert str(error) == error.message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.25", 0.25),
        ("0", 0.0),
        ("-3", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("soon", None),
        ("", None),
    ],
)
async def test_retry_after(header: str, seconds: float | None, server: FakeServer, make: Make) -> None:
    server.script = refused(429, headers={"Retry-After": header})
    assert (await fault_of(ask(make()))).retry_after == seconds


async def test_a_pause_that_was_not_asked_for_is_none(server: FakeServer, make: Make) -> None:
    server.script = refused(429)
    assert (await fault_of(ask(make()))).retry_after is None


async def test_nobody_listens(make: Make) -> None:
    error = await fault_of(ask(make(base_url=f"http://127.0.0.1:{free_port()}/v1")))
    assert error.fault is Fault.UNREACHABLE
    assert "cannot be reached" in error.message
    assert is_one_line(error.message)


async def test_no_such_host(make: Make) -> None:
    error = await fault_of(ask(make(base_url="http://no-such-host.invalid/v1")))
    assert error.fault is Fault.UNREACHABLE
    assert "no-such-host.invalid" in error.message


async def test_the_server_hangs_up(server: FakeServer, make: Make) -> None:
    server.script = Answer(hang_up=True)
    error = await fault_of(ask(make()))
    assert error.fault in (Fault.UNREACHABLE, Fault.SERVER_ERROR)  # at once: it is no timeout
    assert "in time" not in error.message


async def test_the_server_speaks_no_http(make: Make) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as babbler:
        port = babbler.sockets[0].getsockname()[1]
        client = make(base_url=f"http://127.0.0.1:{port}/v1")
        for call in (lambda: ask(client), client.check):
            error = await fault_of(call())
            assert error.fault in (Fault.UNREACHABLE, Fault.SERVER_ERROR)
            assert is_one_line(error.message)


async def test_a_password_in_the_address_is_refused_or_used_but_never_told(server: FakeServer, make: Make) -> None:
    try:
        client = make(base_url=server.url.replace("://", "://user:hunter2@"))
        server.script = refused(400)
        await ask(client)
    except (ConfideError, ValidationError) as error:
        assert "hunter2" not in str(error)  # noqa: PT017


async def test_the_answer_breaks_off(server: FakeServer, make: Make) -> None:
    server.script = Answer(body=completion("x" * 500), cut=True)
    error = await fault_of(ask(make()))
    assert error.fault.transient
    assert is_one_line(error.message)


async def test_the_server_hangs(server: FakeServer, make: Make) -> None:
    server.script = said(delay=5)
    start = time.monotonic()
    error = await fault_of(ask(make(timeout_s=0.2)))
    assert error.fault is Fault.TIMEOUT
    assert 0.15 < time.monotonic() - start < 2
    await asyncio.wait_for(server.gone.wait(), 2)


async def test_a_server_that_drips_is_given_up_in_time_as_well(server: FakeServer, make: Make) -> None:
    server.script = Answer(body=completion("x" * 200), drip=0.02)
    call = asyncio.wait_for(fault_of(ask(make(timeout_s=0.2))), 1)
    assert (await call).fault is Fault.TIMEOUT


NO_COMPLETION = {
    "broken JSON": Answer(body=b'{"choices": ['),
    "no body": Answer(body=b""),
    "no content": Answer(status=204),
    "not UTF-8": Answer(body=b'{"choices": "\xff\xfe"}'),
    "without bottom": Answer(body=b"[" * 100_000),
    "a page": Answer(body="<html>\n<body>\n" + "busy\n" * 200, content_type="text/html"),
    "a list": Answer(body=[]),
    "null": Answer(body=b"null"),
    "a word": Answer(body='"hi"'),
    "an error in disguise": Answer(body={"error": {"message": "line one\nline two", "code": 429}}),
    "no choices": Answer(body={"choices": []}),
    "choices null": Answer(body={"choices": None}),
    "choice a word": Answer(body={"choices": ["hi"]}),
    "no message": Answer(body={"choices": [{}]}),
    "message null": Answer(body=with_message(None)),
    "message a word": Answer(body=with_message("hi")),
}


@pytest.mark.parametrize("answer", NO_COMPLETION.values(), ids=NO_COMPLETION)
async def test_what_is_no_chat_completion(answer: Answer, server: FakeServer, make: Make) -> None:
    server.script = answer
    error = await fault_of(ask(make()))
    assert error.fault is Fault.SERVER_ERROR
    assert "mine" in error.message
    assert is_one_line(error.message)
    assert len(error.message) < 600


@pytest.mark.parametrize("content", [None, "", " \n\t\u2003", [], {"text": "hi"}, 5])
async def test_an_empty_answer_is_an_error(content: object, server: FakeServer, make: Make) -> None:
    server.script = said(content)
    error = await fault_of(ask(make()))
    assert error.fault is Fault.EMPTY
    assert "max_tokens" not in error.message


@pytest.mark.parametrize("content", [None, "", " "])
async def test_an_answer_without_words_at_the_limit_says_what_to_raise(
    content: object, server: FakeServer, make: Make
) -> None:
    server.script = said(content, finish="length")
    error = await fault_of(ask(make()))
    assert error.fault is Fault.EMPTY
    assert "max_tokens" in error.message
    assert "raise" in error.message


@pytest.mark.parametrize(
    "body",
    [
        with_message({"content": "half of", "refusal": None}, "content_filter"),
        with_message({"content": None}, "content_filter"),
        with_message({"content": None, "refusal": "I can't."}),
        with_message({"content": "x", "refusal": f"I\ncan't {SURROGATE} {'x' * 5000}"}),
    ],
)
async def test_a_withheld_answer_is_never_a_reply(body: object, server: FakeServer, make: Make) -> None:
    server.script = Answer(body=body)
    error = await fault_of(ask(make()))
    assert error.fault is Fault.FILTERED
    assert is_one_line(error.message)
    assert len(error.message) < 600
    error.message.encode()


@pytest.mark.parametrize("content", ["\ud83d", "a\ude00b", "\ude00\ud83d", "fine so far \udc80"])
async def test_half_a_character_is_not_text(content: str, server: FakeServer, make: Make) -> None:
    server.script = said(content)
    error = await fault_of(ask(make()))
    assert error.fault is Fault.NOT_TEXT
    error.message.encode()


async def test_an_error_message_can_be_written_whatever_the_server_says(server: FakeServer, make: Make) -> None:
    server.script = refused(400, f"one\r\ntwo\u2028three {SURROGATE} {'x' * 5000}")
    error = await fault_of(ask(make()))
    assert is_one_line(error.message)
    assert len(error.message) < 600
    error.message.encode()


@pytest.mark.parametrize(
    "answer",
    [
        refused(401, f"Incorrect API key provided: {KEY}"),
        refused(400, f"headers were: Authorization: Bearer {KEY}"),
        Answer(body={"detail": f"no model for key {KEY}"}),
        Answer(body=f"<p>{KEY}</p>", content_type="text/html"),
        Answer(body=with_message({"content": None, "refusal": f"not to {KEY}"})),
        Answer(body=b"{", headers={"X-Key": KEY}),
        Answer(hang_up=True),
        Answer(cut=True, body="x" * 100),
        said(None),
        said(delay=5),
    ],
    ids=["401", "400", "JSON", "page", "refusal", "broken", "hang-up", "cut", "empty", "late"],
)
async def test_the_key_is_in_no_error_even_if_the_server_repeats_it(
    answer: Answer, server: FakeServer, make: Make
) -> None:
    server.script = answer
    client = Retry(make(timeout_s=0.2), tries=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  (that it is a ModelError is tested above)
        await ask(client)
    assert KEY not in told(caught.value)
    assert KEY not in repr(client.inner)


# Can it be called at all?


async def test_check_asks_for_the_models_with_the_key(server: FakeServer, make: Make) -> None:
    await make().check()
    assert [(got.method, got.path) for got in server.got] == [("GET", MODELS)]
    assert server.got[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "answer",
    [refused(404), refused(400), refused(405), refused(429), refused(500), Answer(body="hi", content_type="text/plain"),
     Answer(body=b"{"), Answer(body=b"")],
)  # fmt: skip
async def test_check_takes_any_answer_but_a_refusal(answer: Answer, server: FakeServer, make: Make) -> None:
    server.other[MODELS] = answer
    await make().check()
    assert len(server.got) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_check_raises_where_the_key_is_refused(status: int, server: FakeServer, make: Make) -> None:
    server.other[MODELS] = refused(status)
    error = await fault_of(make().check())
    assert error.fault is Fault.DENIED
    assert KEY not in told(error)


async def test_check_raises_where_nobody_listens(make: Make) -> None:
    error = await fault_of(make(base_url=f"http://127.0.0.1:{free_port()}/v1").check())
    assert error.fault is Fault.UNREACHABLE
    assert is_one_line(error.message)


async def test_check_reaches_through_the_wrappers(server: FakeServer, make: Make) -> None:
    server.other[MODELS] = refused(401)
    assert (await fault_of(Limit(Retry(make(), 3), 2).check())).fault is Fault.DENIED


# Tries


def now_again(status: int, message: str = "no") -> Answer:
    return refused(status, message, headers={"Retry-After": "0"})


async def test_failed_tries_stay_on_the_answer_in_order(server: FakeServer, make: Make) -> None:
    server.queue.extend([now_again(503, "first"), now_again(429, "second"), now_again(408, "third"), said("At last.")])
    answer = await ask(Retry(make(), tries=4))
    assert answer.content == "At last."
    assert [attempt.fault for attempt in answer.attempts] == [Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.TIMEOUT]
    assert [attempt.message.rpartition(" ")[2] for attempt in answer.attempts] == ["first", "second", "third"]
    assert all(0 <= attempt.seconds < 1 for attempt in answer.attempts)
    assert len({got.raw for got in server.chats}) == 1
    assert len(server.chats) == 4


async def test_an_answer_at_the_first_try_has_no_failed_ones(make: Make) -> None:
    assert (await ask(Retry(make(), tries=4))).attempts == ()


async def test_it_gives_up_and_tells_all_tries(server: FakeServer, make: Make) -> None:
    server.queue.extend(now_again(500, f"try {number}") for number in range(9))
    error = await fault_of(ask(Retry(make(), tries=3)))
    assert error.fault is Fault.SERVER_ERROR
    assert [attempt.message[-5:] for attempt in error.attempts] == ["try 0", "try 1", "try 2"]
    assert error.message == error.attempts[-1].message
    assert len(server.chats) == 3


@pytest.mark.parametrize(
    "answer",
    [
        refused(400),
        refused(401),
        refused(404),
        refused(422),
        said(None),
        said("\ud800"),
        said("x", finish="content_filter"),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(answer: Answer, server: FakeServer, make: Make) -> None:
    server.queue.append(answer)
    error = await fault_of(ask(Retry(make(), tries=5)))
    assert len(server.chats) == 1
    assert {attempt.fault for attempt in error.attempts} <= {error.fault}


async def test_a_last_fault_that_will_not_pass_keeps_the_tries_before_it(server: FakeServer, make: Make) -> None:
    server.queue.extend([now_again(503), refused(400), said("never asked for")])
    error = await fault_of(ask(Retry(make(), tries=5)))
    assert [attempt.fault for attempt in error.attempts] == [Fault.SERVER_ERROR, Fault.BAD_REQUEST]


async def test_the_pause_that_the_server_asks_for_is_kept(server: FakeServer, make: Make) -> None:
    server.queue.extend([refused(429, headers={"Retry-After": "0.8"}), said()])  # our own first pause ends before 0.5 s
    start = time.monotonic()
    answer = await ask(Retry(make(), tries=2))
    assert 0.8 <= time.monotonic() - start < 2
    assert len(answer.attempts) == 1
    assert answer.attempts[0].seconds < 0.5  # the pause is not part of the try
    assert answer.seconds is not None
    assert answer.seconds < 0.5


async def test_a_pause_of_none_is_kept_as_well(server: FakeServer, make: Make) -> None:
    server.queue.extend(now_again(429) for _ in range(8))
    start = time.monotonic()
    await ask(Retry(make(), tries=9))  # our own pauses would add up to many seconds
    assert time.monotonic() - start < 1


async def test_a_pause_that_is_too_long_is_cut(server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "LONGEST_WAIT_S", 0.05)
    server.queue.extend([refused(429, headers={"Retry-After": "86400"}), said()])
    assert len((await asyncio.wait_for(ask(Retry(make(), tries=2)), 3)).attempts) == 1


async def test_an_endpoint_that_comes_up_late_is_reached(server: FakeServer, make: Make) -> None:
    server.queue.extend([Answer(hang_up=True), said("Here.")])
    answer = await ask(Retry(make(), tries=2))
    assert answer.content == "Here."
    assert len(answer.attempts) == 1


async def test_tries_of_calls_at_once_are_not_mixed_up(server: FakeServer, make: Make) -> None:
    seen: dict[str, int] = {}

    def script(got: Got) -> Answer:
        text = got.messages[0]["content"]
        seen[text] = seen.get(text, 0) + 1
        return said(text) if seen[text] > int(text) else now_again(503, f"for {text}")

    server.script = script
    client = Retry(make(), tries=6)
    answers = await asyncio.gather(*(ask(client, str(number)) for number in range(5)))
    assert [(answer.content, len(answer.attempts)) for answer in answers] == [(str(n), n) for n in range(5)]
    assert all(f"for {n}" in attempt.message for n, answer in enumerate(answers) for attempt in answer.attempts)


# Many at once


def echo(got: Got) -> Answer:
    return said(got.messages[0]["content"], delay=0.05)


async def test_two_hundred_calls_at_once_get_each_their_own_answer(server: FakeServer, make: Make) -> None:
    server.script, server.hold = echo, 200
    client = make()
    answers = await asyncio.wait_for(asyncio.gather(*(ask(client, f"number {n}") for n in range(200))), 10)
    assert [answer.content for answer in answers] == [f"number {n}" for n in range(200)]
    assert server.most_in_flight == 200


async def test_a_limit_lets_so_many_through_and_no_more(server: FakeServer, make: Make) -> None:
    def script(got: Got) -> Answer:
        number = int(got.messages[0]["content"])
        return said(str(number), delay=0.01 * (number % 4))

    server.script = script
    client = Limit(make(), 3)
    answers = await asyncio.gather(*(ask(client, str(number)) for number in range(24)))
    assert [answer.content for answer in answers] == [str(number) for number in range(24)]
    assert server.most_in_flight == 3


async def test_without_a_limit_more_get_through(server: FakeServer, make: Make) -> None:
    server.script, server.hold = echo, 12
    client = make()
    await asyncio.wait_for(asyncio.gather(*(ask(client) for _ in range(12))), 5)
    assert server.most_in_flight == 12


async def test_a_limit_gives_places_back_after_faults_and_cancellations(server: FakeServer, make: Make) -> None:
    client = Limit(make(), 1)
    server.queue.extend([refused(400), said(delay=5), said("free again")])
    await fault_of(ask(client))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(client), 0.1)
    assert (await asyncio.wait_for(ask(client), 2)).content == "free again"


async def test_a_built_model_tries_again_within_its_limit(server: FakeServer) -> None:
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url, concurrency=2, tries=2, key_env=None)
    model = build_model("mine", spec)
    server.queue.append(now_again(503))
    server.script = said(delay=0.02)
    answers = await asyncio.gather(*(ask(model.client) for _ in range(8)))
    assert sum(len(answer.attempts) for answer in answers) == 1
    assert server.most_in_flight == 2
    server.script = now_again(503)
    assert len((await fault_of(ask(model.client))).attempts) == 2
    await model.client.close()


# Cancelling


async def test_cancelling_the_task_closes_the_request(server: FakeServer, make: Make) -> None:
    server.script = said(delay=30)
    task = asyncio.create_task(ask(Limit(Retry(make(), 3), 2)))
    await asyncio.wait_for(server.arrived.wait(), 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 2)
    await asyncio.wait_for(server.gone.wait(), 2)
    assert server.dropped == 1
    assert len(server.chats) == 1


async def test_autogens_token_cancels_the_call(server: FakeServer, make: Make) -> None:
    server.script = said(delay=30)
    token = CancellationToken()
    task = asyncio.create_task(ask(Limit(Retry(make(), 3), 2), token=token))
    await asyncio.wait_for(server.arrived.wait(), 2)
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 2)
    await asyncio.wait_for(server.gone.wait(), 2)


async def test_cancelling_the_task_of_a_call_with_a_token_closes_the_request(server: FakeServer, make: Make) -> None:
    server.script = said(delay=30)
    task = asyncio.create_task(ask(make(), token=CancellationToken()))
    await asyncio.wait_for(server.arrived.wait(), 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 2)
    await asyncio.wait_for(server.gone.wait(), 2)


async def test_a_cancelled_token_lets_no_call_through(server: FakeServer, make: Make) -> None:
    token = CancellationToken()
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ask(make(), token=token)
    assert server.chats == []


async def test_cancelling_ends_a_pause_between_tries(server: FakeServer, make: Make) -> None:
    server.script = refused(429, headers={"Retry-After": "60"})
    task = asyncio.create_task(ask(Retry(make(), 5)))
    await asyncio.wait_for(server.arrived.wait(), 2)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)
    assert len(server.chats) == 1


async def test_a_key_does_not_follow_a_redirection_to_another_host(server: FakeServer, make: Make) -> None:
    elsewhere = server.origin.replace("127.0.0.1", "localhost")
    server.script = Answer(307, headers={"Location": f"{elsewhere}/v1/other"})
    await fault_of(ask(make()))
    assert all("Authorization" not in got.headers for got in server.got if got.path == "/v1/other")
    assert KEY not in repr(server.got[1:])


async def test_one_cancelled_call_leaves_its_neighbours_alone(server: FakeServer, make: Make) -> None:
    server.script = said(delay=0.2)
    client = make()
    tasks = [asyncio.create_task(ask(client, str(number))) for number in range(6)]
    await asyncio.wait_for(server.arrived.wait(), 2)
    tasks[2].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, Completion) for result in results] == [True, True, False, True, True, True]


# A role that speaks through it


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


def play(got: Got) -> Answer:
    return said(reply_for(got), usage={"prompt_tokens": 1000, "completion_tokens": 100,
                                       "prompt_tokens_details": {"cached_tokens": 400}})  # fmt: skip


class Talk:
    """One whole conversation over the fake server, run as ``confide run`` runs it."""

    def __init__(self, outcome: Outcome, run: RunFolder, events: list[AnyEvent]) -> None:
        self.outcome = outcome
        self.run = run
        self.events = events

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.kind == kind]

    @property
    def log(self) -> tuple[AnyEvent, ...]:
        return tuple(read_log(self.run.final(next(self.run.planned()).id)).events)


Play = Callable[..., Awaitable[Talk]]


@pytest.fixture
def converse(server: FakeServer, tmp_path: Path) -> Play:
    async def run(turns: int = 4, replicates: int = 1, more: str = "") -> Talk:
        file = tmp_path / "models.yaml"
        file.write_text(
            f"models:\n  fake:\n    provider: openai\n    model: fake-1\n    base_url: {server.url}\n"
            f"    price: {{prompt: 10, cached: 1, completion: 100}}\n    tries: 3\n{more}"
        )
        wishes = Wishes(model="fake", turns=turns, replicates=replicates, seed=7)
        record, models = plan_run([read_scenario("after-work-beers")], known_models(file), wishes)
        folder = RunFolder.create(tmp_path / "runs", record)
        events: list[AnyEvent] = []
        call = run_conversations(folder, models, lambda _, event: events.append(event))
        with failing_plainly():
            return Talk(await asyncio.wait_for(call, 10), folder, events)

    return run


async def test_a_whole_talk(server: FakeServer, converse: Play) -> None:
    server.script = play
    talk = await converse(turns=6)
    assert talk.outcome == Outcome(1, {})
    assert [event.role for event in talk.of("spoke")] == [Role.SUPPORTER, Role.SEEKER] * 3
    assert [event.reply.utterance for event in talk.of("spoke")] == [
        json.loads(event.reply)["utterance"] for event in talk.of("called")
    ]
    assert talk.of("failed") == []
    assert [(event.reason.value, event.turns) for event in talk.of("ended")] == [("turn_limit", 6)]
    calls = talk.of("called")
    assert [call.seed for call in calls] == [got.body["seed"] for got in server.chats]
    assert len({call.seed for call in calls}) == 6
    assert [got.body["response_format"]["type"] for got in server.chats] == ["json_schema"] * 6
    assert all(got.body["response_format"]["json_schema"]["strict"] is True for got in server.chats)
    cost = (600 * 10 + 400 * 1 + 100 * 100) / 1e6
    assert {(c.prompt_tokens, c.cached_tokens, c.completion_tokens, c.model) for c in calls} == {
        (1000, 400, 100, "fake-1")
    }
    assert [call.cost for call in calls] == pytest.approx([cost] * 6)
    assert [event.kind for event in talk.log] == [event.kind for event in talk.events]
    assert all(KEY not in file.read_text() for file in talk.run.path.rglob("*") if file.is_file())


async def test_the_team_over_the_server_gives_the_public_talk(server: FakeServer, tmp_path: Path) -> None:
    server.script = play
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url, key_env=None)
    record, models = plan_run([read_scenario("after-work-beers")], {"m": spec}, Wishes(model="m", turns=4))
    planned = next(RunFolder(tmp_path, record).planned())
    result = await Moderator(setup_of(record, planned, models)).run(task="go")
    await models["m"].client.close()
    assert result.stop_reason == "turn_limit"
    assert [message.source for message in result.messages] == ["user", "supporter", "seeker", "supporter", "seeker"]
    assert all(message["content"] != "go" for got in server.chats for message in got.messages)


async def test_each_role_hears_the_other_and_never_its_private_part(server: FakeServer, converse: Play) -> None:
    own = {Role.SUPPORTER: {"notes": "SECRET-N"}, Role.SEEKER: {"thoughts": "SECRET-T"}}
    server.script = lambda got: said(reply_for(got, **own[role_of(got)]))
    await converse(turns=6)
    for got in server.chats:
        assert ("SECRET-T" if role_of(got) is Role.SUPPORTER else "SECRET-N") not in got.raw.decode()
    last = server.chats[-1].messages
    spoken = [message for message in last if message["content"].startswith(("How so", '{"thoughts"'))]
    assert [message["role"] for message in spoken] == ["user", "assistant", "user", "assistant", "user"]
    assert ["SECRET-T" in message["content"] for message in spoken] == [False, True, False, True, False]


async def test_an_unreadable_reply_is_repaired(server: FakeServer, converse: Play) -> None:
    bad = 'Sure! {"thoughts": "t", "emotion": 130, \U0001f600 "utterance'

    def script(got: Got) -> Answer:
        return said(bad) if len(server.chats) == 2 else play(got)

    server.script = script
    talk = await converse(turns=4)
    assert [(e.kind, e.turn) for e in talk.events if e.kind in ("called", "failed", "spoke")] == [
        ("called", 0), ("spoke", 0), ("called", 1), ("failed", 1), ("called", 1), ("spoke", 1),
        ("called", 2), ("spoke", 2), ("called", 3), ("spoke", 3),
    ]  # fmt: skip
    assert [call.purpose for call in talk.of("called")] == ["speak", "speak", "repair", "speak", "speak"]
    (failed,) = talk.of("failed")
    assert (failed.stage, failed.purpose, failed.fault, failed.role) == ("read", "speak", "unreadable", Role.SEEKER)
    assert talk.of("called")[1].reply == bad
    spoken, repair = server.chats[1], server.chats[2]
    assert repair.messages[: len(spoken.messages)] == spoken.messages
    reply, order = repair.messages[len(spoken.messages) :]
    assert reply == {"role": "assistant", "content": bad}
    assert order["role"] == "user"
    assert failed.message in order["content"]
    assert repair.body["seed"] != spoken.body["seed"]
    assert {**repair.body, "messages": 0, "seed": 0} == {**spoken.body, "messages": 0, "seed": 0}
    assert bad not in "".join(got.raw.decode() for got in server.chats[3:])  # no later prompt holds it
    assert talk.outcome.finished == 1


async def test_a_reply_that_was_cut_off_is_repaired_not_used(server: FakeServer, converse: Play) -> None:
    server.script = lambda got: said(reply_for(got), finish="length" if len(server.chats) == 1 else "stop")
    talk = await converse(turns=2)
    assert [call.purpose for call in talk.of("called")] == ["speak", "repair", "speak"]
    assert "cut off" in talk.of("failed")[0].message
    assert "cut off" in server.chats[1].messages[-1]["content"]


async def test_two_unreadable_replies_end_the_talk(server: FakeServer, converse: Play) -> None:
    server.script = lambda got: said("no JSON at all") if len(server.chats) > 2 else play(got)
    talk = await converse(turns=6)
    assert [(e.stage, e.purpose) for e in talk.of("failed")] == [("read", "speak"), ("read", "repair")]
    (ended,) = talk.of("ended")
    assert (ended.reason.value, ended.turns) == ("error", 2)
    assert len(server.chats) == 4
    assert talk.outcome == Outcome(1, {})


async def test_failed_tries_are_in_the_log(server: FakeServer, converse: Play) -> None:
    server.queue.extend([now_again(503, "busy"), now_again(429)])
    server.script = play
    talk = await converse(turns=2)
    first, second = talk.of("called")
    assert [attempt.fault for attempt in first.attempts] == [Fault.SERVER_ERROR, Fault.RATE_LIMITED]
    assert second.attempts == ()
    logged = [event for event in talk.log if event.kind == "called"]
    assert [attempt.message for attempt in logged[0].attempts] == [attempt.message for attempt in first.attempts]


async def test_an_endpoint_that_stays_ill_leaves_the_talk_open(server: FakeServer, converse: Play) -> None:
    server.script = lambda got: play(got) if len(server.chats) < 3 else now_again(503, "ill")
    talk = await converse(turns=6)
    assert talk.outcome.finished == 0
    assert ["ill" in why for why in talk.outcome.unfinished.values()] == [True]
    (failed,) = talk.of("failed")
    assert (failed.stage, failed.purpose, failed.fault, len(failed.attempts)) == ("call", None, "server_error", 3)
    assert talk.of("ended") == []


async def test_a_refused_key_stops_the_run(server: FakeServer, converse: Play) -> None:
    server.script = refused(401)
    with pytest.raises(ModelError) as caught:
        await converse(replicates=3)
    assert caught.value.fault is Fault.DENIED


@pytest.mark.parametrize(
    "answer",
    [
        refused(400, "this prompt is not allowed"),
        refused(400, f"half a character: {SURROGATE}"),
        Answer(body=with_message({"content": None, "refusal": f"no \ud83d\n{'x' * 3000}"})),
        said(None),
        said("\ud83d"),
    ],
    ids=["400", "400 with half a character", "refusal with half a character", "empty", "half a character"],
)
async def test_a_fault_of_one_talk_ends_that_talk_alone(answer: Answer, server: FakeServer, converse: Play) -> None:
    server.script = lambda got: answer if len(server.chats) == 3 else play(got)
    talk = await converse(turns=4, replicates=3)
    assert talk.outcome == Outcome(3, {})
    assert sorted(event.reason.value for event in talk.of("ended")) == ["error", "turn_limit", "turn_limit"]
    assert [is_one_line(event.message) for event in talk.of("failed")] == [True]


@pytest.mark.parametrize(
    "answer", [Answer(body=b'{"choices": ['), Answer(body=b""), Answer(body=b"\xff"), said("hi", usage=[1])]
)
async def test_a_garbled_answer_takes_no_other_talk_with_it(answer: Answer, server: FakeServer, converse: Play) -> None:
    server.script = lambda got: answer if len(server.chats) == 3 else play(got)
    talk = await converse(turns=4, replicates=3)
    assert talk.outcome.finished + len(talk.outcome.unfinished) == 3
    assert talk.outcome.finished >= 2


@pytest.mark.parametrize(
    "fields",
    [{"utterance": "oh \ud83d"}, {"thoughts": "\udc00"}, {"told": ["\ud83d"]}],
    ids=["utterance", "thoughts", "fact"],
)
async def test_half_a_character_escaped_inside_the_reply_is_unreadable_and_repaired(
    fields: dict[str, object], server: FakeServer, converse: Play
) -> None:
    def script(got: Got) -> Answer:
        return said(reply_for(got, **fields)) if len(server.chats) == 2 else play(got)

    server.script = script
    talk = await converse(turns=4)
    assert [call.purpose for call in talk.of("called")] == ["speak", "speak", "repair", "speak", "speak"]
    assert [(failed.stage, failed.purpose) for failed in talk.of("failed")] == [("read", "speak")]
    assert len(talk.log) == len(talk.events)


@pytest.mark.parametrize(
    ("more", "key", "value"),
    [
        ("    structured: json_object\n", "response_format", {"type": "json_object"}),
        ("    structured: none\n", "response_format", None),
        ("    seed: false\n", "seed", None),
        ("    temperature: 0.5\n", "temperature", 0.5),
        ("    max_tokens: 99\n", "max_tokens", 99),
        ("    extra_body: {reasoning_effort: low}\n", "reasoning_effort", "low"),
    ],
)
async def test_what_models_yaml_says_reaches_the_wire(
    more: str, key: str, value: object, server: FakeServer, converse: Play
) -> None:
    last = {"notes": "n", "strategies": ["Question"], "told": [], "utterance": "Hm?", "wants_to_end": True}
    server.script = said(json.dumps(last))
    talk = await converse(turns=2, more=more)
    assert server.chats[0].body.get(key) == value
    assert talk.of("ended")[0].reason.value == "supporter_ended"


async def test_tagged_replies_with_a_grammar(server: FakeServer, converse: Play) -> None:
    def script(got: Got) -> Answer:
        supporter = "name ::=" in got.body["grammar"]
        return said("[Question] How so?" if supporter else "[emotion 60, trust 30, told nothing] So.")

    server.script = script
    talk = await converse(turns=2, more="    format: tagged\n    structured: grammar\n")
    assert [event.reply.utterance for event in talk.of("spoke")] == ["How so?", "So."]
    assert all("response_format" not in got.body for got in server.chats)


def rules() -> ReplyRules:
    return ReplyRules(role=Role.SUPPORTER, facts=("own",), taxonomy=read_taxonomy(STRATEGIES / "esconv.yaml"))


def test_a_reply_nested_to_any_depth_is_read_or_unreadable() -> None:
    reply = {"notes": "n", "strategies": ["Question"], "told": [], "utterance": "Hm?", "wants_to_end": False}
    ends = set()
    for depth in range(sys.getrecursionlimit() - 300, sys.getrecursionlimit() + 20):
        text = f'{json.dumps(reply)[:-1]}, "more": {"[" * depth}{"]" * depth}}}'
        try:
            ends.add(JSON.parse(text, rules()).utterance)
        except ReplyError:
            ends.add("unreadable")
    assert ends <= {"Hm?", "unreadable"}


@pytest.mark.parametrize("lines", ["format: tagged", "format: json\n    structured: grammar"])
def test_a_reply_is_never_held_to_a_form_that_its_format_cannot_read(lines: str, tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(f"models:\n  m:\n    provider: openai\n    model: x\n    key_env: null\n    {lines}\n")
    try:
        model = build_model("m", known_models(file)["m"])
    except ConfideError:
        return  # to refuse the contradiction is as good
    agent = RoleAgent(rules(), model, None)  # type: ignore[arg-type]
    assert ("response_format" in agent._args) <= (model.format.name == "json")
    assert ("grammar" in agent._args) <= (model.format.name == "tagged")


# Trying out


def able(got: Got) -> Answer:
    """A server that can do everything."""
    body = got.body
    form = body.get("response_format", {}).get("json_schema", {}).get("name")
    if form == "colour":
        return said('{"colour": "red", "shade": 3}')
    if form:
        return said(reply_for(got, utterance="What happened?"))
    if body.get("logprobs"):
        answer = completion("2")
        top = [{"token": str(n), "logprob": -n} for n in range(body["top_logprobs"])]
        answer["choices"][0]["logprobs"] = {"content": [{"token": "2", "logprob": -0.1, "top_logprobs": top}]}
        return Answer(body=answer)
    cached = 350 if got.messages[-1]["content"] == "Hello again." else 0
    return said("Hello there.", usage={"prompt_tokens": 400, "completion_tokens": 4,
                                       "prompt_tokens_details": {"cached_tokens": cached}})  # fmt: skip


@pytest.fixture
async def trial_model(server: FakeServer) -> AsyncIterator[Model]:
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url, tries=1)
    model = build_model("mine", spec)
    yield model
    await model.client.close()


async def test_a_trial_of_a_server_that_can_everything(server: FakeServer, trial_model: Model) -> None:
    server.script = able
    findings = {finding.what: (finding.result, finding.detail) for finding in await try_model(trial_model)}
    assert {what: result for what, (result, _) in findings.items()} == {
        "answers": "yes",
        "follows a JSON schema": "yes",
        "returns log-probabilities": "yes",
        "caches prefixes": "yes",
        "plays a role (json replies)": "yes",
    }
    assert "Hello there." in findings["answers"][1]
    assert findings["returns log-probabilities"][1] == "5 alternatives per token"
    assert "350 of 400" in findings["caches prefixes"][1]
    assert findings["plays a role (json replies)"][1] == "What happened?"


async def test_a_trial_of_a_server_that_can_only_talk(server: FakeServer, trial_model: Model) -> None:
    server.script = said("I like blue best.", usage=None)
    results = {finding.what: finding.result for finding in await try_model(trial_model)}
    assert list(results.values()) == ["yes", "no", "no", "unknown", "no"]


async def test_a_trial_tells_a_server_without_a_cache_from_one_that_says_nothing(
    server: FakeServer, trial_model: Model
) -> None:
    usage = {"prompt_tokens": 400, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 0}}
    server.script = said("Hi.", usage=usage)
    findings = {finding.what: finding.result for finding in await try_model(trial_model)}
    assert findings["caches prefixes"] == "no"


async def test_a_trial_needs_a_repair_and_says_so(server: FakeServer, trial_model: Model) -> None:
    def script(got: Got) -> Answer:
        first = "supporter_reply" in got.raw.decode() and len(got.messages) == 2
        return said("not yet") if first else able(got)

    server.script = script
    plays = (await try_model(trial_model))[-1]
    assert (plays.result, plays.detail) == ("yes", "after a repair: What happened?")


@pytest.mark.parametrize("answer", [refused(500, "ill"), refused(400), said(None), Answer(body=b"{"), said("\ud800")])
async def test_a_trial_of_a_server_that_fails_ends_in_findings(
    answer: Answer, server: FakeServer, trial_model: Model
) -> None:
    server.script = answer
    findings = await try_model(trial_model)
    assert [finding.result for finding in findings] == ["no", "no", "no", "unknown", "no"]
    assert all(is_one_line(finding.detail) for finding in findings)
