"""A stand-in for an OpenAI-compatible endpoint: after a fixed time it answers any chat request, and counts.

    python -m benchmarks.throughput.server --replies FILE [--latency 0.2] [--calls N] [--seconds S]

A process of its own on a loopback port, over asyncio's protocols alone so that it costs little: it reads no JSON and
looks only for a word in the request that says which reply will do. It ends with its parent (its standard input is
closed then), after so many calls, and after so many seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

MOST_CALLS: Final = 2_000_000
MOST_SECONDS: Final = 1800.0
NUMBER: Final = "#"
"""Stands in a reply where the number of the call goes, so that no two replies are the same."""
_HEAD: Final = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


class _Reply:
    """A reply that is put together but for the call's number and the length of its prompt."""

    def __init__(self, content: str) -> None:
        completion = max(1, len(content) // 4)
        usage = {"prompt_tokens": "PROMPT", "completion_tokens": completion, "total_tokens": "TOTAL"}
        message = {"role": "assistant", "content": content}
        body = {
            "id": f"chatcmpl-{NUMBER}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "fake",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": usage,
        }
        text = json.dumps(body).replace('"PROMPT"', "PROMPT").replace('"TOTAL"', "TOTAL")
        front, text = text.split("PROMPT")
        middle, end = text.split("TOTAL")
        self._completion = completion
        self._front, self._middle, self._end = front.split(NUMBER), middle, end

    def to(self, number: int, length: int) -> bytes:
        """The whole answer to call ``number``, whose prompt has ``length`` bytes."""
        prompt = max(1, length // 4)
        front = str(number).join(self._front)
        body = f"{front}{prompt}{self._middle}{prompt + self._completion}{self._end}"
        return (_HEAD.format(len(body)) + body).encode("ascii")


class _Server:
    """What all connections share."""

    def __init__(self, replies: Mapping[str, str], latency_s: float, most: int) -> None:
        self._replies = [(word.encode(), _Reply(content)) for word, content in replies.items()]
        self._latency_s = latency_s
        self._most = most
        self.calls = self.prompt_bytes = 0
        self.at_once = self.most_at_once = 0
        self.over = asyncio.Event()

    def stats(self) -> bytes:
        """What was counted; the most calls at once are counted anew from here."""
        body = json.dumps(
            {
                "calls": self.calls,
                "prompt_bytes": self.prompt_bytes,
                "most_at_once": self.most_at_once,
                "cpu_s": time.process_time(),
            }
        )
        self.most_at_once = self.at_once
        return (_HEAD.format(len(body)) + body).encode("ascii")

    def asked(self, connection: _Connection, body: bytes) -> None:
        """A chat request is here whole."""
        self.calls += 1
        if self.calls >= self._most:
            self.over.set()
        self.prompt_bytes += len(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        reply = next(reply for word, reply in self._replies if word in body)
        payload = reply.to(self.calls, len(body))
        asyncio.get_running_loop().call_later(self._latency_s, self._answer, connection, payload)

    def _answer(self, connection: _Connection, payload: bytes) -> None:
        self.at_once -= 1
        connection.send(payload)


class _Connection(asyncio.Protocol):
    """One connection, kept alive; one request after the other."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._got = bytearray()
        self._body_at = self._needed = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        del exc
        self._transport = None

    def send(self, payload: bytes) -> None:
        """Send, if the client is still there."""
        if self._transport is not None:
            self._transport.write(payload)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self._got += data
        if not self._needed:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._got[:end]).lower()
            if b"transfer-encoding:" in head and self._transport is not None:
                self._transport.write(b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n\r\n")
                self._transport.close()
                return
            _, found, rest = head.partition(b"\r\ncontent-length:")
            length = int(rest.partition(b"\r\n")[0]) if found else 0
            self._body_at, self._needed = end + 4, end + 4 + length
        if len(self._got) < self._needed:
            return
        body = bytes(self._got[self._body_at : self._needed])
        is_stats = self._got.startswith(b"GET ")
        del self._got[: self._needed]
        self._needed = 0
        if is_stats:
            self.send(self._server.stats())
        else:
            self._server.asked(self, body)


async def _serve(server: _Server, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: _Connection(server), "127.0.0.1", 0, backlog=4096)
    print(listener.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin.fileno(), server.over.set)
    try:
        await asyncio.wait_for(server.over.wait(), seconds)
    except TimeoutError:
        print("benchmark server: its time is over", file=sys.stderr)
    listener.close()


class Counted(NamedTuple):
    """What a server counted."""

    calls: int
    prompt_bytes: int
    most_at_once: int
    """Since it was asked last."""
    cpu_s: float
    """Its processor time."""


class Served(NamedTuple):
    """A server that runs."""

    url: str
    """What goes into ``base_url``."""
    pid: int

    def counted(self) -> Counted:
        """What it counted since its start."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats", timeout=30) as answer:
            return Counted(**json.loads(answer.read()))


@contextmanager
def serving(
    replies: Path, latency_s: float, *, calls: int = MOST_CALLS, seconds: float = MOST_SECONDS
) -> Iterator[Served]:
    """A server in a process of its own, which ends with this block whatever happens.

    Args:
        replies: a JSON file: a word in the request, and the reply to it; the first word that fits, and so "" last.
        latency_s: seconds from a request to its answer.
        calls: calls after which it ends.
        seconds: seconds after which it ends.
    """
    command = [sys.executable, "-m", "benchmarks.throughput.server", "--replies", str(replies)]
    command += ["--latency", str(latency_s), "--calls", str(calls), "--seconds", str(seconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise SystemExit("benchmark: the server did not start")
        yield Served(f"http://127.0.0.1:{port}/v1", process.pid)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Serve until the parent is gone, or enough was done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput.server")
    parser.add_argument("--replies", type=Path, required=True)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--calls", type=int, default=MOST_CALLS)
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS)
    options = parser.parse_args()
    replies = json.loads(options.replies.read_text(encoding="utf-8"))

    async def serve() -> None:
        await _serve(_Server(replies, options.latency, options.calls), options.seconds)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
