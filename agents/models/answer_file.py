"""The file in which answers of models are kept, so that a call that was paid for is not paid for twice.

Laws: an answer is in the file whole or not at all, however many processes write; a file that cannot be used is set
aside and never deleted; nothing that is wrong with the file stops a run. Values are JSON, and nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

VERSION: Final = 1
"""Of the file's layout and of what its keys are made from."""
READ_BUSY_S: Final = 1.0
"""Reading waits for nobody but in the moment in which a file is opened or mended."""
WRITE_BUSY_S: Final = 30.0
"""So long other processes may write before this one gives up."""
_UNFIT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""SQLite's codes for a file that is damaged, is no database, or holds other tables."""


class Row(NamedTuple):
    """One answer."""

    key: bytes
    answer: str
    """As JSON."""


class AnswerFileError(Exception):
    """The file cannot be used now: it is locked, or the disk refuses."""


class _UnfitError(AnswerFileError):
    """The file is none of ours."""


class AnswerFile:
    """The file, opened at first use."""

    def __init__(self, path: Path) -> None:
        """The file at ``path``; it need not be there."""
        self.path = path
        self.aside: list[str] = []
        """What was set aside and why, to be told to the user, who takes it out of here."""
        self._db: sqlite3.Connection | None = None
        self._inode = 0

    def read(self, key: bytes) -> str | None:
        """The answer under ``key``; None if there is none.

        Raises:
            AnswerFileError: the file cannot be used.
        """
        try:
            if self._db is None:
                self._db, self._inode = self._open(READ_BUSY_S)
            row = self._db.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            if not _is_unfit(error):
                raise AnswerFileError(str(error)) from None
            self.mend("is damaged")
            return None
        except OSError as error:
            raise AnswerFileError(error.strerror or str(error)) from None
        return None if row is None else str(row[0])

    def write(self, rows: Sequence[Row]) -> None:
        """Add answers, all or none; one that is there already stays as it is. May be called in any thread.

        Raises:
            AnswerFileError: they could not be written.
        """
        for last in (False, True):
            inode = 0
            try:
                db, inode = self._open(WRITE_BUSY_S)
                with contextlib.closing(db):
                    db.execute("BEGIN IMMEDIATE")
                    db.executemany("INSERT OR IGNORE INTO answers (key, answer) VALUES (?, ?)", rows)
                    db.execute("COMMIT")
            except sqlite3.Error as error:
                if last or not _is_unfit(error):
                    raise AnswerFileError(str(error)) from None
                self._put_aside(inode, "is damaged")
                continue
            except OSError as error:
                raise AnswerFileError(error.strerror or str(error)) from None
            return

    def mend(self, what: str) -> None:
        """Set aside the file that was read, which ``what``, unless another process did so already."""
        inode = self._inode
        self.close()
        self._put_aside(inode, what)

    def close(self) -> None:
        """Let go of the file; reading opens it again."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _open(self, busy_s: float) -> tuple[sqlite3.Connection, int]:
        """A connection, and which file it is to."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            try:
                db = _connect(self.path, busy_s)
            except _UnfitError as why:
                self._set_aside(str(why))
                db = _connect(self.path, busy_s)
            return db, self.path.stat().st_ino

    def _put_aside(self, inode: int, what: str) -> None:
        try:
            with self._locked():
                if self.path.exists() and self.path.stat().st_ino == inode:
                    self._set_aside(what)
        except OSError as error:
            raise AnswerFileError(error.strerror or str(error)) from None

    def _set_aside(self, what: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        name = f"{self.path.stem}-{stamp}{self.path.suffix}"
        for part in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self.path}{part}").rename(self.path.with_name(name + part))
        self.aside.append(f"{self.path} {what}: it is set aside as {name}, and answers are kept in a new file")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time opens a file or sets it aside, over all processes and threads."""
        fd = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _is_unfit(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _UNFIT


def _connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """A connection to a file of ours, which is made if it is not there.

    Raises:
        _UnfitError: the file is another's, of another version, or damaged.
    """
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            db.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL)")
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        elif version != VERSION:
            raise _UnfitError(f"is of another version ({version}; this confide writes {VERSION})")
        db.execute("PRAGMA synchronous = NORMAL")  # with WAL, a power cut may lose the last answers, but tears none
        db.execute("SELECT key, answer FROM answers LIMIT 0")
    except _UnfitError:
        db.close()
        raise
    except sqlite3.Error as error:
        db.close()
        if _is_unfit(error):
            raise _UnfitError(f"is no cache of answers ({error})") from None
        raise
    return db
