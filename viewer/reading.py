"""What readers found, as far as the grid needs it: agreement on strategies, and the drift of traits.

Law: a trait counts only where its reliability over the run is known to reach the plan's floor.
"""

from __future__ import annotations

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
from confide.evaluators.traits.results import plan_of, trait_folders
from confide.scenarios import ConfideError, Role
from confide.simulator import MeasureFolder, RunFolder, Spoke, read_log
from confide.simulator.packed import stamps
from confide.viewer.beside import Figures, annotated_item, labelled, moved, points_of, rubric_of, talk_folders
from confide.viewer.keys import key_of

AGAIN_S: Final = 20.0
"""Reliability is a matter of the whole run: while a run is being read it is worked out no more often than this."""
UNREAD: Final = "it was not read yet"
UNKNOWN: Final = "the reliability of this run is not worked out yet"


class Sides:
    """Reads the side logs of runs into the index. For one thread."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._worked_out: dict[tuple[int, str], float] = {}
        self._stale: set[tuple[int, str]] = set()

    def refresh(self, db: sqlite3.Connection, run: RunFolder, no: int) -> list[str]:
        """Read the side logs that are new or changed; gives the addresses of their conversations."""
        touched: set[str] = set()
        for folder in talk_folders(run):
            key = folder.record.key
            known = dict(db.execute("SELECT conversation, stamp FROM sides WHERE run = ? AND folder = ?", (no, key)))
            new = [(log, stamp) for log, stamp in _stamps(folder) if known.get(log) != stamp]
            for conversation, stamp in new:
                self._take(db, run, no, folder, conversation)
                db.execute("INSERT OR REPLACE INTO sides VALUES (?, ?, ?, ?)", (no, key, conversation, stamp))
                touched.add(conversation)
            if folder.record.files and (new or (no, key) in self._stale):
                self._work_out(db, run, no, folder)
        if touched or self._stale:
            _agreement(db, run, no, touched)
            _drift(db, no)
        return [key_of(run.record, conversation) for conversation in sorted(touched)]

    def _take(self, db: sqlite3.Connection, run: RunFolder, no: int, folder: MeasureFolder, conversation: str) -> None:
        try:
            said = read_log(run.final(conversation)).events
            (transcript,) = db.execute(
                "SELECT transcript FROM talks WHERE run = ? AND conversation = ?", (no, conversation)
            ).fetchone() or ("",)
            events = read_side_log(folder.final(conversation), transcript)
        except ConfideError:
            return  # the conversation's own page says what is wrong
        key = folder.record.key
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
        elif item := annotated_item(rubric_of(folder)):
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

    def _work_out(self, db: sqlite3.Connection, run: RunFolder, no: int, folder: MeasureFolder) -> None:
        """Reliability of every factor over the run."""
        key = (no, folder.record.key)
        if time.monotonic() - self._worked_out.get(key, -AGAIN_S) < AGAIN_S:
            self._stale.add(key)
            return
        self._stale.discard(key)
        asked = questionnaire_of(run, folder, trait_folders(run))
        for (role, factor), found in asked.sound.items():
            if role is not None:
                why = below_floor(found.alpha, found.over, asked.plan.plan.floor)
                row = (no, folder.record.key, role.value, factor, why)
                db.execute("INSERT OR REPLACE INTO sound VALUES (?, ?, ?, ?, ?)", row)
        self._worked_out[key] = time.monotonic()


def unread_notes(run: RunFolder) -> dict[str, str | None]:
    """Why a conversation has no figures before its side logs were read."""
    folders = talk_folders(run)
    traits = any(folder.record.measure.endswith("-self") for folder in folders if folder.record.files)
    labels = any(annotated_item(rubric_of(folder)) for folder in folders if not folder.record.files)
    return {"drift_note": UNREAD if traits else None, "agreement_note": UNREAD if labels else None}


def _stamps(folder: MeasureFolder) -> list[tuple[str, str]]:
    return [(each.name, f"{each.size}:{each.mtime_ns}") for each in stamps(folder.path)]


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
    why: dict[str, str] = {}
    sql = "SELECT folder, conversation, role, factor, change FROM moved WHERE run = ? ORDER BY conversation"
    for folder, conversation, role, factor, change in db.execute(sql, (no,)):
        if not folder.partition(".")[0].endswith("-self"):
            continue
        found = rows.setdefault(conversation, [])
        reason = told.get((folder, role, factor), UNKNOWN)
        if reason is not None or change is None:
            why.setdefault(conversation, reason or "there is no second long form")
        else:
            found.append((f"{role} {factor} {change:+.2f}", change))
    for conversation, found in rows.items():
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
