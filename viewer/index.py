"""The index: what the grid shows and searches, kept in SQLite so that 100,000 conversations need no memory.

Laws: it is derived and holds nothing that the logs do not; whoever deletes it loses time alone. A file of another
version, or one that is damaged, is thrown away and made again.
"""

from __future__ import annotations

import fcntl
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from confide.agents.models.weights import cache_folder
from confide.scenarios import Role

VERSION: Final = 2
"""Version of the tables below."""
LINE_BITS: Final = 24
"""A line's number in ``words`` is the conversation's, and in so many bits after it which of its lines it is."""
MOST_TURNS: Final = 1 << (LINE_BITS - 2)
"""Turns of a conversation whose words are found."""
_TABLES: Final = """
CREATE TABLE runs(no INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, id TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE talks(
    no INTEGER PRIMARY KEY, run INTEGER NOT NULL, key TEXT NOT NULL, conversation TEXT NOT NULL, stamp TEXT NOT NULL,
    state TEXT NOT NULL, scenario TEXT, condition TEXT, model TEXT, pair_key TEXT, ending TEXT NOT NULL,
    turns INTEGER NOT NULL, facts INTEGER, told INTEGER, drift REAL, drift_note TEXT, agreement REAL,
    agreement_note TEXT, began REAL, parent_run TEXT, parent TEXT, transcript TEXT NOT NULL,
    UNIQUE(run, conversation)
);
CREATE INDEX talks_by_key ON talks(key);
CREATE INDEX talks_by_pair ON talks(pair_key);
CREATE INDEX talks_by_parent ON talks(parent_run, parent);
CREATE INDEX talks_by_scenario ON talks(run, scenario);
CREATE INDEX talks_by_condition ON talks(run, condition);
CREATE INDEX talks_by_model ON talks(run, model);
CREATE INDEX talks_by_ending ON talks(run, ending);
CREATE INDEX talks_by_began ON talks(run, began);
CREATE VIRTUAL TABLE words USING fts5(text, tokenize = "unicode61 remove_diacritics 2");
CREATE TABLE sides(
    run INTEGER NOT NULL, folder TEXT NOT NULL, conversation TEXT NOT NULL, stamp TEXT NOT NULL,
    PRIMARY KEY(run, folder, conversation)
) WITHOUT ROWID;
CREATE INDEX sides_by_talk ON sides(run, conversation);
CREATE TABLE moved(
    run INTEGER NOT NULL, folder TEXT NOT NULL, conversation TEXT NOT NULL, role TEXT NOT NULL, factor TEXT NOT NULL,
    change REAL, retest REAL,
    PRIMARY KEY(run, folder, conversation, role, factor)
) WITHOUT ROWID;
CREATE TABLE sound(
    run INTEGER NOT NULL, folder TEXT NOT NULL, role TEXT NOT NULL, factor TEXT NOT NULL, why TEXT,
    PRIMARY KEY(run, folder, role, factor)
) WITHOUT ROWID;
CREATE TABLE stale(run INTEGER NOT NULL, folder TEXT NOT NULL, PRIMARY KEY(run, folder)) WITHOUT ROWID;
CREATE TABLE labelled(
    run INTEGER NOT NULL, folder TEXT NOT NULL, conversation TEXT NOT NULL, agreement REAL, turns INTEGER NOT NULL,
    why TEXT,
    PRIMARY KEY(run, folder, conversation)
) WITHOUT ROWID;
"""


def index_file() -> Path:
    """Where the index is kept: in the user's cache, or for one session alone where that cannot be written."""
    folder = cache_folder() / "viewer"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder / "index.sqlite"
    except OSError:
        return Path(tempfile.mkdtemp(prefix="confide-")) / "index.sqlite"


@contextmanager
def alone(file: Path, stop: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Hold a lock, waiting for whoever holds it, in this process or in another. Gives False if ``stop`` came first."""
    with file.open("a") as lock:
        held = False
        while not held and not stop():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = True
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:  # a file system without locks
                held = True
        yield held


def make_index(file: Path) -> None:
    """See to it that there is an index of this version that can be read."""
    with alone(file.with_suffix(".making")):
        _make_index(file)


def _make_index(file: Path) -> None:
    file.touch(mode=0o600)  # it holds what was thought and said; SQLite would let everybody read it
    try:
        with connect(file) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == VERSION and db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                return
    except sqlite3.DatabaseError:
        pass
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        file.with_name(name).unlink(missing_ok=True)
    file.touch(mode=0o600)
    with connect(file) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_TABLES)
        db.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def connect(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the index, for one thread; what was changed is kept if nothing was raised."""
    db = sqlite3.connect(file, timeout=30)
    try:
        db.execute("PRAGMA synchronous = OFF")  # a lost index is made again
        with db:
            yield db
    finally:
        db.close()


class LineOf(NamedTuple):
    """A line of ``words``."""

    talk: int
    """Number of the conversation."""
    turn: int
    role: Role
    private: bool
    """Whether the role kept it to itself."""

    @property
    def number(self) -> int:
        """Its number: by conversation and turn."""
        return (self.talk << LINE_BITS) | (self.turn << 2) | ((self.role is Role.SUPPORTER) << 1) | int(self.private)

    @classmethod
    def of(cls, number: int) -> LineOf:
        """The line that has a number."""
        role = Role.SUPPORTER if number & 2 else Role.SEEKER
        return cls(number >> LINE_BITS, (number & ((1 << LINE_BITS) - 1)) >> 2, role, bool(number & 1))


def forget_talk(db: sqlite3.Connection, run: int, conversation: str) -> None:
    """Take a conversation out of the index, with its words; what readers found in it is to be read again."""
    sql = "SELECT folder FROM sides WHERE run = ? AND conversation = ?"
    for (folder,) in db.execute(sql, (run, conversation)).fetchall():
        forget_side(db, run, folder, conversation)
    for (no,) in db.execute("SELECT no FROM talks WHERE run = ? AND conversation = ?", (run, conversation)).fetchall():
        db.execute("DELETE FROM words WHERE rowid BETWEEN ? AND ?", (no << LINE_BITS, ((no + 1) << LINE_BITS) - 1))
        db.execute("DELETE FROM talks WHERE no = ?", (no,))


def forget_side(db: sqlite3.Connection, run: int, folder: str, conversation: str) -> None:
    """Take out of the index what one reader found in a conversation."""
    for table in ("sides", "moved", "labelled"):
        sql = f"DELETE FROM {table} WHERE run = ? AND folder = ? AND conversation = ?"  # noqa: S608  (names of our own)
        db.execute(sql, (run, folder, conversation))


def forget_run(db: sqlite3.Connection, no: int) -> None:
    """Take a run out of the index."""
    for (conversation,) in db.execute("SELECT conversation FROM talks WHERE run = ?", (no,)).fetchall():
        forget_talk(db, no, conversation)
    for table in ("sides", "moved", "sound", "stale", "labelled"):
        db.execute(f"DELETE FROM {table} WHERE run = ?", (no,))  # noqa: S608  (names of our own)
    db.execute("DELETE FROM runs WHERE no = ?", (no,))


def forget_gone(db: sqlite3.Connection) -> None:
    """Take the runs out of the index whose folders are gone."""
    for no, path in db.execute("SELECT no, path FROM runs").fetchall():
        if not (Path(path) / "run.json").exists():
            forget_run(db, no)
