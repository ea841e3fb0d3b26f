"""Filling the index: one pass over what changed in the runs' folders since the last one.

Law: a file that did not change is not read again; what is being written is read as far as it goes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from confide.agents import SeekerReply, SupporterReply
from confide.evaluators.summary import HUMAN
from confide.evaluators.talks import arm_of
from confide.scenarios import InputFileError, Role
from confide.simulator import AnyEvent, Imported, Learned, RunFolder, Spoke, Started
from confide.simulator.observing import address_of, lines_of
from confide.simulator.packed import stamps
from confide.viewer.index import MOST_TURNS, LineOf, alone, connect, forget_gone, forget_run, forget_talk
from confide.viewer.keys import key_of
from confide.viewer.reading import Sides, unread_notes
from confide.viewer.talk import Opened, open_log

BATCH_S: Final = 0.2
"""How long logs are read before what they say is shown."""
SETTLED_S: Final = 2.0
"""A folder that changed so short a time ago is looked through again: clocks of file systems tick slowly."""
Told = Callable[[Sequence[str], int], None]
"""Is told the addresses of the conversations that were read again, and how many logs are still waiting."""


class _File(NamedTuple):
    """A log on disk."""

    conversation: str
    stamp: str
    """Changes whenever the file does."""


class Indexer:
    """Keeps the index up with some runs. For one thread."""

    def __init__(self, file: Path, told: Told = lambda *_: None, again_s: float | None = None) -> None:
        """Fill the index in ``file``, and tell ``told`` about it.

        Args:
            file: the index.
            told: is told what was read.
            again_s: how often, in seconds, reliability is worked out again while a run is being read; None for the
                usual.
        """
        self._file = file
        self._told = told
        self._settled: dict[Path, int] = {}
        self._sides = Sides(again_s)
        self._tidied = False
        self.waiting = 0
        """Logs that are still to be read."""

    def refresh(self, runs: Sequence[RunFolder], stop: Callable[[], bool] = lambda: False) -> bool:
        """Read what changed. Gives whether anything did.

        Args:
            runs: the runs.
            stop: says when to break off; what was read until then is kept.
        """
        whole = False
        try:
            with alone(self._file.with_suffix(".filling"), stop) as held, connect(self._file) as db:
                if not held:
                    return False
                changed = self._refresh(db, runs, stop)
            whole = self.waiting == 0
            return changed
        finally:
            if not whole:  # folders that were looked through, and whose logs were not read
                self._settled.clear()

    def _refresh(self, db: sqlite3.Connection, runs: Sequence[RunFolder], stop: Callable[[], bool]) -> bool:
        changed = False
        if not self._tidied:
            forget_gone(db)
            db.commit()
            self._tidied = True
        found = [(run, _run_number(db, run), self._changed(db, run)) for run in runs]
        self.waiting = sum(len(files) for _, _, (files, _) in found)
        for run, no, (files, gone) in found:
            for conversation in gone:
                forget_talk(db, no, conversation)
            db.commit()
            if gone:
                self._told([key_of(run.record, conversation) for conversation in gone], self.waiting)
            changed = self._read(db, run, no, files, stop) or bool(gone) or changed
        for run, no, _ in found:
            if not stop():
                found_beside = self._sides.refresh(db, run, no)
                db.commit()
                if found_beside.changed:
                    self._told(found_beside.keys, self.waiting)
                changed = changed or found_beside.changed
        return changed

    def _read(
        self, db: sqlite3.Connection, run: RunFolder, no: int, files: Sequence[_File], stop: Callable[[], bool]
    ) -> bool:
        keys: list[str] = []
        notes = unread_notes(run) if files else {}
        since = time.monotonic()
        for file in files:
            if stop():
                break
            if _index_talk(db, run, no, file, notes):
                keys.append(key_of(run.record, file.conversation))
            self.waiting -= 1
            if time.monotonic() - since > BATCH_S:
                db.commit()
                self._told(keys, self.waiting)
                keys, since = [], time.monotonic()
        db.commit()
        if files:
            self._told(keys, self.waiting)
        return bool(files)

    def _changed(self, db: sqlite3.Connection, run: RunFolder) -> tuple[list[_File], list[str]]:
        """The logs that changed, and the conversations that are gone."""
        no = _run_number(db, run)
        folder = run.conversations
        settled = self._is_settled(folder)
        live = list(_files(run.under_way, "live"))  # what is finished from here on is found in its final place
        if settled:
            files = [file for file in live if not run.is_finished(file.conversation)]
            marks = ",".join("?" * len(files))
            sql = (
                f"SELECT conversation, stamp FROM talks WHERE run = ? AND conversation IN ({marks}) "  # noqa: S608
                "UNION SELECT conversation, stamp FROM talks "
                "WHERE run = ? AND ending IN ('open', 'damaged') AND stamp LIKE 'live:%'"
            )
            known = dict(db.execute(sql, (no, *(file.conversation for file in files), no)))
        else:
            finished = list(_files(folder, "final"))
            done = {file.conversation for file in finished}
            files = finished + [file for file in live if file.conversation not in done]
            known = dict(db.execute("SELECT conversation, stamp FROM talks WHERE run = ?", (no,)))
        there = {file.conversation for file in files}
        gone = [name for name in known if name not in there and not run.is_finished(name)]
        return [file for file in files if known.get(file.conversation) != file.stamp], gone

    def _is_settled(self, folder: Path) -> bool:
        """Whether nothing was added to a folder since it was looked through."""
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            return False
        if self._settled.get(folder) == changed:
            return True
        if time.time_ns() - changed > SETTLED_S * 1e9:
            self._settled[folder] = changed
        return False


def _files(folder: Path, place: str) -> Iterator[_File]:
    for each in stamps(folder):
        yield _File(each.name, f"{place}:{each.size}:{each.mtime_ns}")


def _run_number(db: sqlite3.Connection, run: RunFolder) -> int:
    """The number of a run in the index; another run that has taken its place on disk has another."""
    path, record = str(run.path.resolve()), run.record
    row = db.execute("SELECT no FROM runs WHERE path = ? AND id = ? AND created = ?", (path, record.id, record.created))
    found = row.fetchone()
    if found is not None:
        return int(found[0])
    for (no,) in db.execute("SELECT no FROM runs WHERE path = ?", (path,)).fetchall():
        forget_run(db, no)
    made = db.execute("INSERT INTO runs(path, id, created) VALUES (?, ?, ?)", (path, record.id, record.created))
    return int(made.lastrowid or 0)


def _index_talk(db: sqlite3.Connection, run: RunFolder, no: int, file: _File, notes: Mapping[str, str | None]) -> bool:
    """Put a conversation into the index; False if it is gone meanwhile. ``notes`` say why there are no figures yet."""
    try:
        opened = open_log(run, file.conversation)
    except InputFileError:
        return False
    forget_talk(db, no, file.conversation)
    row = {
        "run": no,
        "key": key_of(run.record, file.conversation),
        "conversation": file.conversation,
        "stamp": file.stamp,
        **_columns(opened),
        **notes,
    }
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    talk = db.execute(f"INSERT INTO talks({names}) VALUES ({marks})", row).lastrowid or 0  # noqa: S608  (our own names)
    db.executemany("INSERT OR REPLACE INTO words(rowid, text) VALUES (?, ?)", _words(talk, opened.events))
    return True


def _columns(opened: Opened) -> dict[str, object]:
    events = opened.events
    opening = events[0] if events else None
    end = events[-1] if events else None
    started = opening if isinstance(opening, Started) else None
    imported = opening if isinstance(opening, Imported) else None
    ended = end.reason.value if end is not None and end.kind == "ended" and opened.state != "damaged" else None
    facts = [fact.id for role in Role for fact in started.scenario.role(role).facts] if started else None
    return {
        "state": opened.state,
        "scenario": started.scenario.id if started else imported.source if imported else None,
        "condition": arm_of(started) if started else HUMAN if imported else None,
        "model": _model(started) if started else None,
        "pair_key": opening.pair_key if started or imported else None,  # type: ignore[union-attr]
        "ending": ended or opened.state,
        "turns": sum(isinstance(event, Spoke) for event in events),
        "facts": None if facts is None else len(facts),
        "told": None if facts is None else len({event.fact for event in events if isinstance(event, Learned)}),
        "began": opening.at if opening is not None else None,
        "parent_run": started.parent.run if started and started.parent else None,
        "parent": started.parent.conversation if started and started.parent else None,
        "transcript": address_of(lines_of(events)),
    }


def _model(started: Started) -> str:
    one, other = started.cast.seeker.name, started.cast.supporter.name
    return one if one == other else f"{one} + {other}"


def _words(talk: int, events: Sequence[AnyEvent]) -> Iterator[tuple[int, str]]:
    for event in events:
        if isinstance(event, Spoke) and 0 <= event.turn < MOST_TURNS:  # an altered log may say anything
            line = LineOf(talk, event.turn, event.role, private=False)
            yield line.number, _searchable(event.reply.utterance)
            kept = kept_back(event.reply)
            if kept:
                yield line._replace(private=True).number, _searchable(kept)


def _searchable(text: str) -> str:
    """SQLite's functions take NUL for the end of a text."""
    return text.replace("\0", " ")


def kept_back(reply: SeekerReply | SupporterReply) -> str | None:
    """What a role kept to itself, in words."""
    return reply.thoughts if isinstance(reply, SeekerReply) else reply.notes
