"""The viewer's server: documents as JSON on the loopback interface, and the page that shows them.

Laws: it answers to loopback names alone (a page elsewhere cannot reach it by a name of its own); it writes nothing but
notes, and these only for a page that it sent itself; everything it sends may load nothing from anywhere else.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders, QueryParams
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from confide.scenarios import ConfideError
from confide.viewer import grid
from confide.viewer.documents import NoteDraft
from confide.viewer.frame import served_page, static
from confide.viewer.index import make_index
from confide.viewer.indexing import Indexer
from confide.viewer.shown import ChangedError, GoneError, NotShownError, Shown

HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
TOKEN: Final = "X-Confide-Token"  # noqa: S105  (the header's name)
ALIVE_S: Final = 15.0
"""How often a stream without changes says that it is there."""
LARGEST_NOTE: Final = 200_000
"""Bytes of a request that saves a note."""
SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATUS: Final[dict[type[ConfideError], int]] = {NotShownError: 404, GoneError: 410, ChangedError: 409}


class Watcher:
    """Keeps the index up, in a thread of its own, and tells whoever listens what changed."""

    def __init__(self, shown: Shown, every: float = 0.7) -> None:
        """Look for changes about every so many seconds: less often where looking takes long."""
        self._shown = shown
        self._every = every
        self._indexer = Indexer(shown.index, self._told)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="index", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ears: set[asyncio.Queue[str | None]] = set()
        shown.waiting = lambda: self._indexer.waiting

    def start(self) -> None:
        """Begin. Call it from the event loop that listens."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def hang_up(self) -> None:
        """End the streams of changes: a server that stops waits for its connections."""
        for ear in self._ears:
            ear.put_nowait(None)

    def stop(self) -> None:
        """End, after the log that is being read."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._shown.look_again()
            try:
                self._indexer.refresh(self._shown.runs, self._stop.is_set)
            except (ConfideError, OSError) as error:  # a folder that goes away meanwhile: look again
                self._say({"keys": [], "waiting": 0, "problem": str(error)})
            except sqlite3.Error as error:  # somebody deleted the index, or the disk is full
                self._say({"keys": [], "waiting": 0, "problem": f"the index: {error}"})
                self._begin_again()
            self._stop.wait(self._every)

    def _begin_again(self) -> None:
        """Fill the index anew, as far as there is none any more."""
        with suppress(OSError, sqlite3.Error):  # else at the next look
            make_index(self._shown.index)
        self._indexer = Indexer(self._shown.index, self._told)

    def _told(self, keys: Sequence[str], waiting: int) -> None:
        self._say({"keys": list(keys), "waiting": waiting})

    def _say(self, change: dict[str, Any]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pass_on, json.dumps(change))

    def _pass_on(self, text: str) -> None:
        for ear in self._ears:
            ear.put_nowait(text)

    async def changes(self) -> AsyncIterator[str]:
        """Changes as server-sent events, with a sign of life now and then."""
        ear: asyncio.Queue[str | None] = asyncio.Queue()
        self._ears.add(ear)
        try:
            yield ": here\n\n"
            while True:
                try:
                    change = await asyncio.wait_for(ear.get(), ALIVE_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if change is None:
                    return
                yield f"data: {change}\n\n"
        finally:
            self._ears.discard(ear)


class SafeHeaders:
    """Puts the safety headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ``app`` does, with the headers."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sent)


class ViewerServer(uvicorn.Server):
    """Serves some runs, until it is told to stop."""

    def __init__(self, shown: Shown, hosts: Sequence[str] = HOSTS) -> None:
        """Serve ``shown`` under the names in ``hosts``."""
        self._watcher = Watcher(shown)
        app = SafeHeaders(_app(shown, self._watcher, hosts))  # outermost: an error of ours has them too
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of who listens for changes, and stop."""
        self._watcher.hang_up()
        await super().shutdown(sockets)


def _app(shown: Shown, watcher: Watcher, hosts: Sequence[str]) -> Starlette:
    token = secrets.token_urlsafe(24)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        watcher.start()
        yield
        await run_in_threadpool(watcher.stop)

    return Starlette(
        routes=[*_pages(), *_documents(shown, token), Route("/api/changes", _changes(watcher))],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={ConfideError: _explain, sqlite3.Error: _unready},
        lifespan=life,
    )


def _pages() -> list[Route]:
    def file(name: str, kind: str) -> Callable[[Request], Response]:
        return lambda _: Response(static(name), media_type=kind)

    return [
        Route("/", lambda _: Response(served_page(), media_type="text/html")),
        Route("/app.js", file("app.js", "text/javascript")),
        Route("/app.css", file("app.css", "text/css")),
        Route("/icon.svg", file("icon.svg", "image/svg+xml")),
        Route("/favicon.ico", file("icon.svg", "image/svg+xml")),
    ]


def _documents(shown: Shown, token: str) -> list[Route]:
    def rows(request: Request) -> Response:
        return _json(shown.rows(_query(request.query_params)))

    def talk(request: Request) -> Response:
        return _json(shown.talk(request.path_params["key"], blind="blind" in request.query_params))

    def calls(request: Request) -> Response:
        return _json(shown.calls(request.path_params["key"], request.path_params["measure"]))

    def notes(request: Request) -> Response:
        return _json(shown.notes(request.query_params.get("key"), request.query_params.get("blind")))

    async def save(request: Request) -> Response:
        if not secrets.compare_digest(request.headers.get(TOKEN, "").encode(), token.encode()):
            return _refuse("this request did not come from the viewer's own page: load it again", 403)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_NOTE:
                return _refuse(f"a note takes at most {LARGEST_NOTE:,} bytes", 413)
        try:
            draft = NoteDraft.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return _refuse(f"{where}: {first['msg']}" if where else first["msg"], 422)
        return _json(await run_in_threadpool(shown.save, draft))

    return [
        Route("/api/home", lambda _: _json(shown.home(token))),
        Route("/api/rows", rows),
        Route("/api/facets", lambda request: _json(shown.facets(blind="blind" in request.query_params))),
        Route("/api/talks/{key}", talk),
        Route("/api/talks/{key}/calls/{measure}", calls),
        Route("/api/notes", notes, methods=["GET"]),
        Route("/api/notes", save, methods=["POST"]),
        Route("/api/notes.csv", lambda _: _download(shown.notes_table(), "notes.csv", "text/csv")),
        Route("/api/notes.json", lambda _: _download(_text(shown.notes()), "notes.json", "application/json")),
        Route("/api/agreements", lambda _: _json(shown.agreements())),
    ]


def _changes(watcher: Watcher) -> Callable[[Request], Response]:
    return lambda _: StreamingResponse(watcher.changes(), media_type="text/event-stream")


def _query(params: QueryParams) -> grid.Query:
    """What of the grid is wanted.

    Raises:
        ConfideError: it cannot be.
    """
    sort = params.get("sort", "began")
    if sort not in grid.SORTS:
        raise ConfideError(f"no column {sort[:40]!r} to sort by; there are: {', '.join(grid.SORTS)}")
    return grid.Query(
        runs=(),
        filters={name: params.getlist(name) for name in grid.FILTERS},
        words=params.get("q", "")[:400],
        sort=sort,
        descending="desc" in params,
        offset=_number(params, "offset", 0),
        limit=_number(params, "limit", 100),
        blind="blind" in params,
    )


def _number(params: QueryParams, name: str, otherwise: int) -> int:
    text = params.get(name, str(otherwise))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ConfideError(f"{name} must be a whole number, not {text[:40]!r}")
    return int(text)


def _text(document: BaseModel) -> str:
    return document.model_dump_json()


def _json(document: BaseModel) -> Response:
    return Response(_text(document), media_type="application/json")


def _download(text: str, name: str, kind: str) -> Response:
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _refuse(why: str, status: int) -> JSONResponse:
    return JSONResponse({"error": why}, status)


def _explain(_: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
    return _refuse(str(error), status)


def _unready(_: Request, error: Exception) -> Response:
    return _refuse(f"the index cannot be read now, and is made again: {error}", 503)
