"""What readers found, as far as the grid needs it: agreement on strategies, and the drift of traits.

Law: a trait counts only where its reliability over the run is known to reach the plan's floor.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from confide.agents import SupporterReply
from confide.evaluators.outcomes.sides import Sides as RunSides
from confide.evaluators.readings import read_side_log
from confide.evaluators.statistics import masi
from confide.evaluators.tabular.traits import questionnaire_of
from confide.evaluators.talks import Talk
from confide.evaluators.traits.drift import below_floor
from confide.scenarios import ConfideError, Role
from confide.simulator import MeasureFolder, RunFolder, Spoke, read_log
from confide.simulator.packed import stamps
from confide.viewer.beside import (
    Figures,
    annotated_item,
    first_line,
    labelled,
    moved,
    plan_of,
    points_of,
    readers_of,
    rubric_of,
    talk_folders,
)
from confide.viewer.index import forget_side
from confide.viewer.keys import key_of

AGAIN_S: Final = 20.0
"""Reliability is a matter of the whole run: while a run is being read it is worked out no more often than this."""
UNREAD: Final = "it was not read yet"
UNKNOWN: Final = "the reliability of this run is not worked out yet"


class Refreshed(NamedTuple):
    """What became of a look at the side logs."""

    keys: list[str]
    """Addresses of the conversations whose side logs are new, changed or gone."""
    changed: bool
    """Whether any figure may have changed."""


class Sides:
    """Reads the side logs of runs into the index. For one thread."""

    def __init__(self, again_s: float | None = None) -> None:
        """Nothing was read yet; reliability is worked out every ``again_s`` seconds at most, or :data:`AGAIN_S`."""
        self._again_s = again_s
        self._worked_out: dict[tuple[int, str, str], float] = {}
        self._annotators: dict[int, list[str]] = {}

    def refresh(self, db: sqlite3.Connection, run: RunFolder, no: int) -> Refreshed:
        """Read the side logs that are new or changed."""
        folders = talk_folders(run)
        worked_out = False
        touched = _forget_gone(db, no, [folder.record.key for folder in folders])
        for folder in folders:
            key = folder.record.key
            known = dict(db.execute("SELECT conversation, stamp FROM sides WHERE run = ? AND folder = ?", (no, key)))
            stamps = _stamps(folder)
            new = [(log, stamp) for log, stamp in stamps.items() if known.get(log) != stamp]
            gone = [log for log in known if log not in stamps]
            for conversation in gone:
                _forget(db, no, key, conversation)
            for conversation, stamp in new:
                _forget(db, no, key, conversation)
                self._take(db, run, no, folder, conversation)
                db.execute("INSERT OR REPLACE INTO sides VALUES (?, ?, ?, ?)", (no, key, conversation, stamp))
            touched.update(gone, (log for log, _ in new))
            if folder.record.files:
                if new or gone:
                    db.execute("INSERT OR IGNORE INTO stale VALUES (?, ?)", (no, key))
                worked_out = self._work_out(db, run, no, folder) or worked_out
        if touched:
            self._agree(db, run, no, touched)
        if touched or worked_out:
            _drift(db, no)
        keys = [key_of(run.record, conversation) for conversation in sorted(touched)]
        return Refreshed(keys, changed=bool(touched) or worked_out)

    def _take(self, db: sqlite3.Connection, run: RunFolder, no: int, folder: MeasureFolder, conversation: str) -> None:
        key = folder.record.key
        item = None if folder.record.files else annotated_item(rubric_of(folder))
        try:
            said = read_log(run.final(conversation)).events
            (transcript,) = db.execute(
                "SELECT transcript FROM talks WHERE run = ? AND conversation = ?", (no, conversation)
            ).fetchone() or ("",)
            events = read_side_log(folder.final(conversation), transcript)
        except ConfideError as error:
            _refuse(db, (no, key, conversation), first_line(error), labels=item is not None)
            return
        if folder.record.files:
            instrument = plan_of(folder).instrument
            talk = Talk(conversation, "", "", "", ())
            rows = []
            for role, points in points_of(talk, events).items():
                for factor in instrument.factors:
                    change, squares = moved(instrument, points, factor)
                    retest = sum(squares) / len(squares) if squares else None
                    rows.append((no, key, conversation, role.value, factor, change, retest))
            db.executemany("INSERT OR REPLACE INTO moved VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        elif item is not None:
            found = {each.turn: each.labels for each in labelled(item, events)}
            declared = {
                event.turn: event.reply.strategies
                for event in said
                if isinstance(event, Spoke) and isinstance(event.reply, SupporterReply)
            }
            value, turns = agreement(declared, found)
            why = None if turns else "no turn was labelled by both"
            row = (no, key, conversation, value, turns, why)
            db.execute("INSERT OR REPLACE INTO labelled VALUES (?, ?, ?, ?, ?, ?)", row)

    def _work_out(self, db: sqlite3.Connection, run: RunFolder, no: int, folder: MeasureFolder) -> bool:
        """Reliability of every factor over the run. Gives False where it is known, or put off."""
        key = (no, run.record.created, folder.record.key)
        of = (no, folder.record.key)
        if db.execute("SELECT 1 FROM stale WHERE run = ? AND folder = ?", of).fetchone() is None:
            return False
        again_s = AGAIN_S if self._again_s is None else self._again_s
        if time.monotonic() - self._worked_out.get(key, -math.inf) < again_s:
            return False  # it stays in the index that it is to be worked out, for whoever opens it next
        db.execute("DELETE FROM stale WHERE run = ? AND folder = ?", of)
        self._worked_out[key] = time.monotonic()
        for (role, factor), why in _why_not(run, folder).items():
            row = (no, folder.record.key, role.value, factor, why)
            db.execute("INSERT OR REPLACE INTO sound VALUES (?, ?, ?, ?, ?)", row)
        return True

    def _agree(self, db: sqlite3.Connection, run: RunFolder, no: int, touched: set[str]) -> None:
        """Agreement of conversations that were ``touched``; of all, where there are other annotators than before."""
        sql = "SELECT DISTINCT folder FROM labelled WHERE run = ? ORDER BY folder"
        folders = [key for (key,) in db.execute(sql, (no,))]
        if self._annotators.get(no) != folders:
            self._annotators[no] = folders
            everyone = db.execute("SELECT DISTINCT conversation FROM labelled WHERE run = ?", (no,))
            touched = touched | {conversation for (conversation,) in everyone}
        _agreement(db, run, no, touched)


def _why_not(run: RunFolder, folder: MeasureFolder) -> dict[tuple[Role, str], str | None]:
    """For every factor, why its scores are not told; None where they are."""
    try:
        asked = questionnaire_of(run, folder, [each for each in readers_of(run).folders if each.record.files])
    except ConfideError as error:
        why = f"reliability unknown: {first_line(error)}"
        return {(role, factor): why for role in Role for factor in plan_of(folder).instrument.factors}
    floor = asked.plan.plan.floor
    sound = {key: below_floor(found.alpha, found.over, floor) for key, found in asked.sound.items()}
    return {(role, factor): why for (role, factor), why in sound.items() if role is not None}


def _forget_gone(db: sqlite3.Connection, no: int, there: Sequence[str]) -> set[str]:
    """Forget the readers whose folders are gone; gives the conversations that they had read."""
    touched = set()
    for (key,) in db.execute("SELECT DISTINCT folder FROM sides WHERE run = ?", (no,)).fetchall():
        if key not in there:
            sql = "SELECT conversation FROM sides WHERE run = ? AND folder = ?"
            for (conversation,) in db.execute(sql, (no, key)).fetchall():
                _forget(db, no, key, conversation)
                touched.add(conversation)
            db.execute("DELETE FROM sound WHERE run = ? AND folder = ?", (no, key))
    return touched


def _forget(db: sqlite3.Connection, no: int, key: str, conversation: str) -> None:
    """Forget what a reader found in a conversation, and the figures that are made of it."""
    forget_side(db, no, key, conversation)
    if _is_self(key):
        sql = "UPDATE talks SET drift = NULL, drift_note = NULL WHERE run = ? AND conversation = ?"
        db.execute(sql, (no, conversation))


def _refuse(db: sqlite3.Connection, side: tuple[int, str, str], why: str, *, labels: bool) -> None:
    """Keep why a reading cannot be used."""
    no, key, conversation = side
    if labels:
        db.execute("INSERT OR REPLACE INTO labelled VALUES (?, ?, ?, NULL, 0, ?)", (*side, why))
    elif _is_self(key):
        sql = "UPDATE talks SET drift = NULL, drift_note = ? WHERE run = ? AND conversation = ?"
        db.execute(sql, (why, no, conversation))


def _is_self(key: str) -> bool:
    """Whether a reader is the self-report of a trait plan."""
    return key.partition(".")[0].endswith("-self")


def unread_notes(run: RunFolder) -> dict[str, str | None]:
    """Why a conversation has no figures before its side logs were read."""
    folders = talk_folders(run)
    traits = any(folder.record.measure.endswith("-self") for folder in folders if folder.record.files)
    labels = any(annotated_item(rubric_of(folder)) for folder in folders if not folder.record.files)
    return {"drift_note": UNREAD if traits else None, "agreement_note": UNREAD if labels else None}


def _stamps(folder: MeasureFolder) -> dict[str, str]:
    return {each.name: f"{each.size}:{each.mtime_ns}" for each in stamps(folder.path)}


class Agreement(NamedTuple):
    """How far two label the same turns alike."""

    value: float | None
    """1 - mean MASI distance, 0 to 1; None where there is no turn."""
    turns: int


def agreement(one: Mapping[int, Sequence[str] | None], other: Mapping[int, Sequence[str] | None]) -> Agreement:
    """Agreement on the turns that both labelled."""
    pairs = [(labels, other.get(turn)) for turn, labels in one.items()]
    found = [1 - masi(frozenset(a), frozenset(b)) for a, b in pairs if a is not None and b is not None]
    return Agreement(sum(found) / len(found) if found else None, len(found))


def _agreement(db: sqlite3.Connection, run: RunFolder, no: int, touched: set[str]) -> None:
    """Which annotator counts is the experiment's matter; where several read and it names none, nobody is chosen."""
    folders = [key for (key,) in db.execute("SELECT DISTINCT folder FROM labelled WHERE run = ?", (no,))]
    chosen = folders[0] if len(folders) == 1 else _declared(run, folders)
    for conversation in touched:
        if chosen is None:
            value, note = None, f"several annotators: {', '.join(sorted(folders))}" if folders else None
        else:
            row = db.execute(
                "SELECT agreement, turns, why FROM labelled WHERE run = ? AND folder = ? AND conversation = ?",
                (no, chosen, conversation),
            ).fetchone()
            value = row[0] if row else None
            note = None if row is None else row[2] or f"{row[1]} turns, {chosen}"
        db.execute(
            "UPDATE talks SET agreement = ?, agreement_note = ? WHERE run = ? AND conversation = ?",
            (value, note, no, conversation),
        )


def _declared(run: RunFolder, folders: Sequence[str]) -> str | None:
    found = {RunSides(run, None).folder(key.partition(".")[0], traits=False) for key in folders}
    named = [each.record.key for each in found if isinstance(each, MeasureFolder)]
    return named[0] if len(named) == 1 else None


def _drift(db: sqlite3.Connection, no: int) -> None:
    """The drift of every conversation, by self-report."""
    told = {
        (folder, role, factor): why
        for folder, role, factor, why in db.execute("SELECT folder, role, factor, why FROM sound WHERE run = ?", (no,))
    }
    rows: dict[str, list[tuple[str, float]]] = {}
    plans: dict[str, set[str]] = {}
    why: dict[str, str] = {}
    sql = "SELECT folder, conversation, role, factor, change FROM moved WHERE run = ? ORDER BY conversation"
    for folder, conversation, role, factor, change in db.execute(sql, (no,)):
        if not _is_self(folder):
            continue
        found = rows.setdefault(conversation, [])
        plans.setdefault(conversation, set()).add(folder.partition(".")[0].removesuffix("-self"))
        reason = told.get((folder, role, factor), UNKNOWN)
        if reason is not None or change is None:
            why.setdefault(conversation, reason or "there is no second long form")
        else:
            found.append((f"{role} {factor} {change:+.2f}", change))
    for conversation, found in rows.items():
        if len(plans[conversation]) > 1:  # their scales may differ, and nobody said which one counts
            found.clear()
            why[conversation] = f"several trait plans: {', '.join(sorted(plans[conversation]))}"
        value = sum(abs(change) for _, change in found) / len(found) if found else None
        note = "self-report: " + ", ".join(name for name, _ in found) if found else why.get(conversation)
        db.execute(
            "UPDATE talks SET drift = ?, drift_note = ? WHERE run = ? AND conversation = ?",
            (value, note, no, conversation),
        )


def figures_of(db: sqlite3.Connection, no: int, condition: str) -> Callable[[str, Role, str], Figures]:
    """What the trait scores of a conversation are held against: reliability and noise of its run and condition."""

    def figures(folder: str, role: Role, factor: str) -> Figures:
        row = db.execute(
            "SELECT why FROM sound WHERE run = ? AND folder = ? AND role = ? AND factor = ?",
            (no, folder, role.value, factor),
        ).fetchone()
        (square,) = db.execute(
            "SELECT avg(retest) FROM moved JOIN talks USING(run, conversation) "
            "WHERE run = ? AND folder = ? AND role = ? AND factor = ? AND condition = ?",
            (no, folder, role.value, factor, condition),
        ).fetchone()
        return Figures(UNKNOWN if row is None else row[0], None if square is None else square**0.5)

    return figures
