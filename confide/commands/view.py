"""The command ``view``: a page that shows runs and conversations, or an export of it."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Final

import typer

from confide.scenarios import ConfideError
from confide.viewer.export import export
from confide.viewer.index import index_file, make_index
from confide.viewer.server import ViewerServer
from confide.viewer.shown import Shown

LOOPBACK: Final = "127.0.0.1"
PORT: Final = 8731
"""Where the page is, if nobody says otherwise and the port is free."""
_OTHERS: Final = 20
"""Ports after it that are tried."""


def view(paths: list[Path], runs: Path, port: int | None, out: Path | None, *, browser: bool) -> None:
    """Serve the page until interrupted, or export it."""
    shown = _shown(paths, runs)
    if out is not None:
        typer.echo(str(export(shown, out)))
        return
    listening = listen(port)
    address = f"http://{LOOPBACK}:{listening.getsockname()[1]}/"
    typer.echo(f"{address}  (Ctrl-C ends it)", err=True)
    if browser:
        # In a thread: a browser of the terminal's own stays until it is closed, and the server is to answer it.
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    with suppress(KeyboardInterrupt):  # how it is ended
        ViewerServer(shown).run(sockets=[listening])


def _shown(paths: list[Path], runs: Path) -> Shown:
    """The runs that are meant: those that are named, by path or by id, or all of the folder."""
    found = [path if path.exists() or not (runs / path).is_dir() else runs / path for path in paths]
    if not found and not runs.is_dir():
        raise ConfideError(f"no runs in {runs}; start one: confide run exam-panic")
    index = index_file()
    try:
        make_index(index)
    except (OSError, sqlite3.Error) as error:
        raise ConfideError(f"cannot write the index {index}: {error}") from None
    return Shown(index, found, None if found else runs)


def listen(port: int | None) -> socket.socket:
    """A socket on the loopback interface.

    Raises:
        ConfideError: the port that was asked for is taken.
    """
    if port is not None:
        try:
            return socket.create_server((LOOPBACK, port))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise ConfideError(f"cannot listen on port {port}: {why}; choose another with --port") from None
    for candidate in range(PORT, PORT + _OTHERS):
        try:
            return socket.create_server((LOOPBACK, candidate))
        except OSError:
            continue
    return socket.create_server((LOOPBACK, 0))
