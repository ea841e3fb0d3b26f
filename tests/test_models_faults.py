"""The OpenAI client over real HTTP: whatever goes wrong is one clear error."""

import asyncio
import time

import pytest

from confide.agents import Fault
from tests.fake_server import Answer, FakeServer, completion, refused, said, with_message
from tests.model_helpers import SURROGATE, Make, ask, fault_of, free_port, is_one_line

pytestmark = pytest.mark.usefixtures("environment")


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
