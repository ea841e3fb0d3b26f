"""A copy of the page with its documents in it, which opens from a file. Law: it holds what the server would have sent.

One HTML file, up to :data:`ALONE` conversations; above, or where the name does not end in ``.html``, a folder whose
``index.html`` loads each conversation's document when it is opened.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel

from confide.scenarios import ConfideError
from confide.viewer.documents import Rows, Talk, Words, WordsOf
from confide.viewer.frame import BODY, END, HEAD, static
from confide.viewer.grid import MOST, Query
from confide.viewer.indexing import Indexer
from confide.viewer.shown import Shown

ALONE: Final = 1_000
"""Conversations that one file may hold: browsers take seconds to open more."""
CHUNK: Final = 1_000
"""Conversations whose words are in one part."""
_CSP: Final = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; script-src {scripts}; '
    "style-src {styles}; img-src {images}; base-uri 'none'; form-action 'none'\">\n"
)


class Part(NamedTuple):
    """A document of the export."""

    name: str
    document: BaseModel

    @property
    def packed(self) -> str:
        """The document as JSON, compressed, in base64: no text in it can end a script or be taken for one."""
        raw = self.document.model_dump_json().encode()
        return base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode()


def export(shown: Shown, out: Path) -> Path:
    """Write the page with all documents about some runs; gives the file to open.

    Raises:
        ConfideError: there is nothing to show, it is too much for one file, or the file cannot be written.
    """
    try:
        Indexer(shown.index, again_s=0).refresh(shown.runs)
    except (OSError, sqlite3.Error) as error:
        raise ConfideError(f"cannot fill the index {shown.index}: {error}") from None
    total = shown.rows(Query(runs=(), limit=1)).total
    if total == 0:
        raise ConfideError("there is no conversation to export")
    alone = out.suffix.lower() in (".html", ".htm")
    if alone and total > ALONE:
        raise ConfideError(
            f"{total:,} conversations are too many for one file (at most {ALONE:,}): "
            f"give a folder, --export {out.with_suffix('')}"
        )
    try:
        return _file(shown, out, total) if alone else _folder(shown, out, total)
    except OSError as error:
        raise ConfideError(f"cannot write {out}: {error.strerror or error}") from None


def _parts(shown: Shown, total: int) -> Iterator[Part]:
    """All documents, a conversation's at a time."""
    rows = [
        row for offset in range(0, total, MOST) for row in shown.rows(Query(runs=(), offset=offset, limit=MOST)).rows
    ]
    chunks = -(-len(rows) // CHUNK)
    yield Part("home", shown.home(static=True, chunks=chunks))
    yield Part("rows", Rows(total=len(rows), offset=0, rows=tuple(rows)))
    yield Part("facets", shown.facets())
    yield Part("notes", shown.notes())
    yield Part("agreements", shown.agreements())
    for chunk in range(chunks):
        words: list[WordsOf] = []
        for row in rows[chunk * CHUNK : (chunk + 1) * CHUNK]:
            talk = shown.talk(row.key)
            yield Part(row.key, talk)
            for measure in talk.measures:
                yield Part(f"{row.key}.{measure.key}", shown.calls(row.key, measure.key))
            words += _words(talk)
        yield Part(f"words-{chunk}", Words(lines=tuple(words)))


def _words(talk: Talk) -> Iterator[WordsOf]:
    for turn in talk.turns:
        yield WordsOf(key=talk.key, turn=turn.turn, role=turn.role, private=False, text=turn.utterance)
        if turn.thoughts:
            yield WordsOf(key=talk.key, turn=turn.turn, role=turn.role, private=True, text=turn.thoughts)


def _file(shown: Shown, out: Path, total: int) -> Path:
    """One file with everything in it, which appears whole or not at all."""
    script, style = static("app.js"), static("app.css")
    policy = _CSP.format(scripts=_hash(script), styles=_hash(style), images="data:")
    icon = "data:image/svg+xml;base64," + base64.b64encode(static("icon.svg").encode()).decode()
    draft = out.with_name(out.name + ".draft")
    try:
        with draft.open("w", encoding="utf-8") as page:
            page.write(HEAD.format(mark=" data-export", more=policy, icon=icon))
            page.write(f"<style>{style}</style>\n{BODY}")
            for part in _parts(shown, total):
                page.write(f'<script type="text/plain" id="data-{part.name}">{part.packed}</script>\n')
            page.write(f"<script>{script}</script>\n{END}")
        draft.rename(out)
    finally:
        draft.unlink(missing_ok=True)
    return out


def _hash(text: str) -> str:
    """How a policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _folder(shown: Shown, out: Path, total: int) -> Path:
    """A folder, which appears whole or not at all; an empty one that is there makes room."""
    if out.exists() and any(out.iterdir()):
        raise ConfideError(f"{out} is not empty: give a new folder")
    draft = out.with_name(out.name + ".draft")
    try:
        _fill(shown, draft, total)
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out / "index.html"


def _fill(shown: Shown, out: Path, total: int) -> None:
    data = out / "data"
    data.mkdir(parents=True)
    for part in _parts(shown, total):
        (data / f"{part.name}.js").write_text(f'confideData("{part.name}","{part.packed}");\n', encoding="ascii")
    for name in ("app.js", "app.css", "icon.svg"):
        (out / name).write_text(static(name), encoding="utf-8")
    policy = _CSP.format(scripts="'self' file:", styles="'self' file:", images="'self' file:")
    head = HEAD.format(mark=" data-export", more=policy, icon="icon.svg")
    page = f'{head}<link rel="stylesheet" href="app.css">\n{BODY}<script src="app.js"></script>\n{END}'
    (out / "index.html").write_text(page, encoding="utf-8")
