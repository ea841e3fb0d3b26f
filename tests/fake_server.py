"""An OpenAI-compatible server on a loopback port that does what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
USAGE = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}


@dataclass(frozen=True)
class Got:
    """One request, as it came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    at: float = 0.0
    """When it had come, by the monotonic clock."""

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def messages(self) -> list[dict[str, str]]:
        return self.body["messages"]


@dataclass(frozen=True)
class Answer:
    """What the server does with one request."""

    status: int = 200
    body: object = b""
    """Bytes go out as they are, text as UTF-8, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay: float = 0.0
    """Seconds before the status line."""
    hang_up: bool = False
    """Close the connection in place of an answer."""
    cut: bool = False
    """Promise the body, send half of it, close the connection."""
    drip: float = 0.0
    """Seconds between single bytes of the body."""

    @property
    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Script = Callable[[Got], Answer]


def completion(content: object = "Hello.", *, finish: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """The body of a chat completion; ``fields`` replace or add to its own, and None takes one away."""
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "fake-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": dict(USAGE),
    }
    body |= fields
    return {name: value for name, value in body.items() if value is not None}


def with_message(message: object, finish: str = "stop") -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": finish}]}


def said(content: object = "Hello.", *, delay: float = 0.0, finish: str | None = "stop", **fields: Any) -> Answer:
    return Answer(body=completion(content, finish=finish, **fields), delay=delay)


def refused(status: int, message: str = "no", *, headers: Mapping[str, str] | None = None) -> Answer:
    """An error as OpenAI words it."""
    return Answer(status, {"error": {"message": message, "type": "t", "code": None}}, headers or {})


def now_again(status: int, message: str = "no") -> Answer:
    return refused(status, message, headers={"Retry-After": "0"})


@contextmanager
def failing_plainly() -> Iterator[None]:
    """An error whose text cannot be encoded would stop pytest-xdist itself; it is raised anew in ASCII."""
    try:
        yield
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        if text.encode(errors="replace") == text.encode(errors="surrogatepass"):
            raise
        raise AssertionError(ascii(text[-3000:])) from None


class FakeServer:
    """Answers chat requests from :attr:`queue`, then by :attr:`script`; other paths by :attr:`other`."""

    def __init__(self, script: Script | Answer | None = None) -> None:
        self.script: Script | Answer = script or said()
        self.queue: deque[Answer] = deque()
        self.other: dict[str, Answer] = {MODELS: Answer(body={"object": "list", "data": []})}
        self.got: list[Got] = []
        """Every request, in the order of arrival."""
        self.in_flight = 0
        self.most_in_flight = 0
        self.dropped = 0
        """Requests whose client went away before the answer."""
        self.hold = 0
        """Answer nobody before so many requests are in flight at once."""
        self.bears: int | None = None
        """Refuse chats when more than so many are in flight."""
        self.overload = now_again(429, "too many at once")
        """What they are refused with."""
        self.refused = 0
        """Chats that were refused so."""
        self.arrived = asyncio.Event()
        """A request is here."""
        self.gone = asyncio.Event()
        """A client went away."""
        self._full = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.origin = ""

    @property
    def url(self) -> str:
        """What goes into ``base_url``."""
        return f"{self.origin}/v1"

    @property
    def chats(self) -> list[Got]:
        return [got for got in self.got if got.path == CHAT]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            got = Got(request.method, request.path, dict(request.headers), await request.read(), time.monotonic())
            self.got.append(got)
            self.arrived.set()
            if self.in_flight >= self.hold:
                self._full.set()
            if self.hold:
                await self._full.wait()
            return await self._play(request, self._answer(got))
        except (asyncio.CancelledError, ConnectionResetError):
            self.dropped += 1
            self.gone.set()
            raise
        finally:
            self.in_flight -= 1

    def _answer(self, got: Got) -> Answer:
        if got.path != CHAT:
            return self.other.get(got.path, refused(404, f"no route {got.path}"))
        if self.queue:
            return self.queue.popleft()
        if self.bears is not None and self.in_flight > self.bears:
            self.refused += 1
            return self.overload
        return self.script if isinstance(self.script, Answer) else self.script(got)

    async def _play(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if answer.delay:
            await asyncio.sleep(answer.delay)
        payload = answer.payload
        headers = {"Content-Type": answer.content_type, **answer.headers}
        if not (answer.hang_up or answer.cut or answer.drip):
            return web.Response(status=answer.status, body=payload, headers=headers)
        response = web.StreamResponse(status=answer.status, headers={**headers, "Content-Length": str(len(payload))})
        assert request.transport is not None
        if answer.hang_up:
            request.transport.close()
            return response
        await response.prepare(request)
        if answer.cut:
            await response.write(payload[: len(payload) // 2])
            request.transport.close()
            return response
        for byte in payload:
            await response.write(bytes([byte]))
            await asyncio.sleep(answer.drip)
        return response
