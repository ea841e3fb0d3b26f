"""Questions to the index: rows of the grid, filtered, sorted and searched; what a conversation can be compared with.

Law: what a blind reader may not see is neither told nor to be learned from the order of rows.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from confide.evaluators.summary import HUMAN
from confide.viewer.documents import Facet, Facets, Hit, Kin, Row, Rows
from confide.viewer.index import LINE_BITS, LineOf

SORTS: Final = {
    "run": "runs.created, runs.id", "scenario": "scenario", "condition": "condition", "model": "model",
    "end": "ending", "turns": "turns", "told": "told", "drift": "drift", "agreement": "agreement", "began": "began",
}  # fmt: skip
"""What rows can be sorted by."""
FILTERS: Final = {
    "run": "runs.id", "scenario": "scenario", "condition": "condition", "model": "model", "end": "ending",
}  # fmt: skip
"""What rows can be filtered by; several values of one: any of them."""
MOST: Final = 500
"""Rows at a time."""
_BEFORE, _AFTER = 60, 120
_FROM: Final = "FROM talks JOIN runs ON runs.no = talks.run"


class Query(NamedTuple):
    """What of the grid is wanted."""

    runs: Sequence[str]
    """Paths of the runs that are shown."""
    filters: Mapping[str, Sequence[str]] = {}
    words: str = ""
    sort: str = "began"
    descending: bool = False
    offset: int = 0
    limit: int = 100
    blind: bool = False


class _Found(NamedTuple):
    """A piece of SQL with its values."""

    sql: str
    values: list[Any]


def rows(db: sqlite3.Connection, query: Query) -> Rows:
    """Part of the grid."""
    query = query._replace(words=query.words.replace("\0", " "))  # SQLite takes it for the end of a text
    where = _where(query)
    (total,) = db.execute(f"SELECT count(*) {where.sql}", where.values).fetchone()
    direction = "DESC" if query.descending else "ASC"
    by = ", ".join(f"{name} {direction} NULLS LAST" for name in SORTS[query.sort].split(", "))
    order = "talks.key" if query.blind else f"{by}, talks.key"
    hit = "hits.line" if query.words.strip() else "NULL"
    # Numbers are sorted, and whole rows fetched of those alone that are shown: half the time far down.
    part = f"SELECT talks.no AS no, {hit} AS line {where.sql} ORDER BY {order} LIMIT ? OFFSET ?"
    sql = (
        f"SELECT runs.id AS run_id, talks.*, line FROM ({part}) AS part "  # noqa: S608  (our own)
        f"JOIN talks ON talks.no = part.no JOIN runs ON runs.no = talks.run ORDER BY {order}"
    )
    db.row_factory = sqlite3.Row
    try:
        found = db.execute(sql, [*where.values, min(query.limit, MOST), query.offset]).fetchall()
        made = tuple(_row(db, each, query) for each in found)
    finally:
        db.row_factory = None
    return Rows(total=total, offset=query.offset, rows=made)


def _where(query: Query) -> _Found:
    """The part of a question from FROM on. What stands in the SQL is of our own; what a user gave is a value."""
    marks = ",".join("?" * len(query.runs))
    clauses, values = [f"runs.path IN ({marks})"], list(query.runs)
    for name, wanted in query.filters.items():
        if wanted and not (query.blind and name != "scenario"):
            clauses.append(f"{FILTERS[name]} IN ({','.join('?' * len(wanted))})")
            values += wanted
    join = ""
    if query.words.strip():
        hits = _hits(query.words, blind=query.blind)
        join, values = f" JOIN ({hits.sql}) AS hits ON hits.talk = talks.no", [*hits.values, *values]
    return _Found(f"{_FROM}{join} WHERE {' AND '.join(clauses)}", values)


def _hits(words: str, *, blind: bool) -> _Found:
    """Each conversation's first line in which all words occur; a blind reader finds only what was said."""
    public = " AND rowid & 1 = 0" if blind else ""
    said = f"SELECT rowid >> {LINE_BITS} AS talk, min(rowid) AS line FROM words WHERE"  # noqa: S608  (our own)
    if _without_spaces(words):
        parts = words.split()
        like = " AND ".join("text LIKE ? ESCAPE '\\'" for _ in parts)
        return _Found(f"{said} {like}{public} GROUP BY talk", [f"%{_escaped(part)}%" for part in parts])
    return _Found(f"{said} words MATCH ?{public} GROUP BY talk", [_match(words)])


def _match(words: str) -> str:
    """The words in the index's own language: all of them, the last one perhaps unfinished."""
    parts = [part.replace('"', '""') for part in words.split()]
    return " ".join(f'"{part}"' for part in parts) + "*"


def _without_spaces(words: str) -> bool:
    """Whether words are in a script that has no spaces, or have no letter: then every line is looked through."""
    letters = [sign for sign in words if unicodedata.category(sign)[0] in "LN"]
    return not letters or any(unicodedata.category(sign) == "Lo" and sign >= "\u0e00" for sign in letters)


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _row(db: sqlite3.Connection, found: sqlite3.Row, query: Query) -> Row:
    blind = query.blind
    hidden = dict.fromkeys(
        ("run", "conversation", "condition", "model", "pair_key", "end", "facts", "told", "drift", "drift_note",
         "agreement", "agreement_note", "began")
    )  # fmt: skip
    finished = found["state"] == "finished"
    open_ = {
        "run": found["run_id"],
        "conversation": found["conversation"],
        "condition": found["condition"],
        "model": found["model"],
        "pair_key": found["pair_key"],
        "end": found["ending"] if finished else None,
        "facts": found["facts"],
        "told": found["told"],
        "drift": found["drift"],
        "drift_note": found["drift_note"] or ("nobody was asked about traits" if finished else "it is not finished"),
        "agreement": found["agreement"],
        "agreement_note": found["agreement_note"]
        or ("nobody labelled the strategies again" if finished else "it is not finished"),
        "began": found["began"],
    }
    return Row(
        key=found["key"],
        scenario=None if blind and found["condition"] == HUMAN else found["scenario"],
        state=found["state"],
        turns=found["turns"],
        **(hidden if blind else open_),
        hit=None if found["line"] is None else _hit(db, found["line"], query.words),
    )


def _hit(db: sqlite3.Connection, line: int, words: str) -> Hit:
    """The line with the first of the words marked."""
    (text,) = db.execute("SELECT text FROM words WHERE rowid = ?", (line,)).fetchone()
    start, end = _first(db, line, text, words)
    where = LineOf.of(line)
    before, after = text[:start], text[end:]
    return Hit(
        turn=where.turn,
        role=where.role,
        private=where.private,
        before=("…" if len(before) > _BEFORE else "") + before[-_BEFORE:],
        match=text[start:end],
        after=after[:_AFTER] + ("…" if len(after) > _AFTER else ""),
    )


class _Span(NamedTuple):
    start: int
    end: int


def _first(db: sqlite3.Connection, line: int, text: str, words: str) -> _Span:
    """Where the first word that was searched for stands in a line."""
    if _without_spaces(words):
        part = words.split(maxsplit=1)[0]
        found = re.search(re.escape(part), text, re.IGNORECASE)
        return _Span(*found.span()) if found else _Span(0, 0)
    left, right = secrets.token_hex(8), secrets.token_hex(8)  # no text holds them
    sql = "SELECT highlight(words, 0, ?, ?) FROM words WHERE rowid = ? AND words MATCH ?"
    found = db.execute(sql, (left, right, line, _match(words))).fetchone()
    marked = found[0] if found else text
    start = max(marked.find(left), 0)
    end = marked.find(right, start)
    return _Span(start, start if end < 0 else end - len(left))


def facets(db: sqlite3.Connection, runs: Sequence[str], *, blind: bool = False) -> Facets:
    """All values that the grid can be filtered by; for a blind reader, without those of people's conversations."""
    marks = ",".join("?" * len(runs))
    models_alone = f" AND condition != '{HUMAN}'" if blind else ""

    def values(column: str) -> tuple[Facet, ...]:
        sql = (
            f"SELECT {column} AS value, count(*) {_FROM} WHERE runs.path IN ({marks}) "
            f"AND value IS NOT NULL{models_alone} GROUP BY value ORDER BY value"
        )
        return tuple(Facet(value=value, count=count) for value, count in db.execute(sql, list(runs)))

    return Facets(**{name: values(column) for name, column in FILTERS.items()})


class Located(NamedTuple):
    """Where a conversation is."""

    path: str
    """Its run's folder."""
    run: int
    """The run's number in the index."""
    conversation: str
    condition: str | None
    pair_key: str | None


def locate(db: sqlite3.Connection, runs: Sequence[str], key: str) -> Located | None:
    """The conversation that has an address; None if none of the runs has."""
    marks = ",".join("?" * len(runs))
    sql = (
        f"SELECT runs.path, talks.run, conversation, condition, pair_key {_FROM} "
        f"WHERE talks.key = ? AND runs.path IN ({marks})"
    )
    found = db.execute(sql, [key, *runs]).fetchone()
    return None if found is None else Located(*found)


def kin(db: sqlite3.Connection, runs: Sequence[str], located: Located, run_id: str) -> tuple[Kin, ...]:
    """What a conversation can be held against: its pair key's others, its parent, its forks."""
    marks = ",".join("?" * len(runs))
    sql = (
        f"SELECT talks.key, runs.id, conversation, condition, pair_key, parent_run, parent, state {_FROM} "
        f"WHERE runs.path IN ({marks}) AND condition IS NOT NULL AND (pair_key = ? OR (parent_run = ? AND parent = ?)) "
        f"ORDER BY runs.created, condition, conversation"
    )
    own = parent_of(db, located)
    found = []
    for key, run, conversation, condition, _, parent_run, parent, _ in db.execute(
        sql, [*runs, located.pair_key, run_id, located.conversation]
    ):
        if (run, conversation) == (run_id, located.conversation):
            continue
        relation = "fork" if (parent_run, parent) == (run_id, located.conversation) else "pair"
        if own == (run, conversation):
            relation = "parent"
        found.append(Kin(key=key, run=run, conversation=conversation, condition=condition, relation=relation))
    return tuple(found)


def parent_of(db: sqlite3.Connection, located: Located) -> tuple[str, str] | None:
    """Run and id of the conversation that this one branched off from."""
    sql = "SELECT parent_run, parent FROM talks WHERE run = ? AND conversation = ?"
    found = db.execute(sql, (located.run, located.conversation)).fetchone()
    return None if found is None or found[0] is None else (found[0], found[1])
