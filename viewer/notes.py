"""People's notes: saved beside the run, one file per reader.

::

    runs/<run>/notes/<reader>.jsonl     one note per line; a later one at the same place, blind or in sight as that one
                                        was, takes its place

Law: nothing is overwritten. A note says what transcript it is about, and counts no more once that has changed.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from confide.evaluators.statistics import krippendorff_alpha, masi, two_raters
from confide.scenarios import ConfideError
from confide.simulator import RunFolder
from confide.viewer.documents import Agreed, Note, NoteDraft

FOLDER = "notes"
DECLARED = "declared"
Place = tuple[str, int | None]
"""A conversation and a turn; None for the whole conversation."""


def save_note(run: RunFolder, conversation: str, draft: NoteDraft) -> Note:
    """Append a note to its reader's file.

    Raises:
        ConfideError: the file cannot be written.
    """
    note = Note(
        at=round(time.time(), 3),
        reader=draft.reader,
        conversation=conversation,
        transcript=draft.transcript,
        turn=draft.turn,
        text=draft.text,
        tags=draft.tags,
        strategies=draft.strategies,
        blind=draft.blind,
    )
    file = run.path / FOLDER / f"{note.reader}.jsonl"
    try:
        file.parent.mkdir(exist_ok=True)
        with file.open("ab+", buffering=0) as out:  # one write: lines of several writers do not mix
            size = out.seek(0, os.SEEK_END)
            torn = size > 0 and os.pread(out.fileno(), 1, size - 1) != b"\n"
            out.write((b"\n" if torn else b"") + note.model_dump_json().encode() + b"\n")
            os.fsync(out.fileno())
    except OSError as error:
        raise ConfideError(f"cannot write {file}: {error.strerror or error}") from None
    return note


class Kept(NamedTuple):
    """The notes of a run."""

    notes: list[Note]
    """The latest of each reader at each place, blind and in sight apart; by reader, conversation and turn."""
    problems: tuple[str, ...]
    """What of the files cannot be read, in a line each; the rest of them is here."""


def read_notes(run: RunFolder) -> Kept:
    """The notes of a run. Lines torn by a kill are passed over; what else is no note is told."""
    found: dict[tuple[str, bool, Place], Note] = {}
    problems = []
    for file in sorted((run.path / FOLDER).glob("*.jsonl")):
        try:
            *lines, _ = file.read_bytes().split(b"\n")
        except OSError as error:
            problems.append(f"{file}: cannot be read: {error.strerror or error}")
            continue
        for number, line in enumerate(lines, start=1):
            try:
                note = Note.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                if first["type"] != "json_invalid":  # else it was torn by a kill
                    where = ".".join(str(part) for part in first["loc"])
                    problems.append(f"{file}:{number}: not a note: {where}: {first['msg']}")
                continue
            found[note.reader, note.blind, (note.conversation, note.turn)] = note
    kept = [note for note in found.values() if note.text or note.tags or note.strategies is not None]
    kept.sort(key=lambda each: (each.reader, each.conversation, -1 if each.turn is None else each.turn, each.blind))
    return Kept(kept, tuple(problems))


class Labels(NamedTuple):
    """What somebody labelled."""

    name: str
    by_turn: Mapping[Place, Sequence[str]]
    blind: bool = False
    """For a person: whether the labels were made blind."""


def labels_of(notes: Iterable[Note]) -> list[Labels]:
    """What each person labelled, by name: blind, and in sight of what was declared."""
    found: dict[tuple[str, bool], dict[Place, Sequence[str]]] = {}
    for note in notes:
        if note.strategies:
            found.setdefault((note.reader, note.blind), {})[note.conversation, note.turn] = note.strategies
    return [Labels(name, by_turn, blind) for (name, blind), by_turn in found.items()]


def agreements(people: Sequence[Labels], others: Sequence[Labels]) -> list[Agreed]:
    """Agreement of each person with what was declared, with annotators, and with other people who labelled alike.

    Labels made blind and labels made in sight never count together.
    """
    found = []
    for number, person in enumerate(people):
        rivals = [other for other in people[number + 1 :] if other.blind == person.blind]
        found += [_agreed(person, other) for other in (*others, *rivals)]
    return found


def _agreed(one: Labels, other: Labels) -> Agreed:
    places = [place for place in one.by_turn if place in other.by_turn]
    pairs = [(one.by_turn[place], other.by_turn[place]) for place in places]
    kappa = two_raters([a[0] for a, _ in pairs], [b[0] for _, b in pairs])
    alpha = krippendorff_alpha([[frozenset(a), frozenset(b)] for a, b in pairs], masi)
    return Agreed(
        reader=one.name,
        blind=one.blind,
        against=other.name,
        turns=len(pairs),
        conversations=len({conversation for conversation, _ in places}),
        kappa=kappa.value,
        alpha=alpha.value,
        why=kappa.reason or alpha.reason,
    )


_COLUMNS = ("run", "conversation", "turn", "reader", "at", "blind", "stale", "text", "tags", "strategies")


def notes_table(rows: Iterable[tuple[str, bool, Note]]) -> str:
    """Notes as CSV: run, whether the transcript has changed since, and the note. Lists are joined by `` + ``."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # with "\n" alone, a "\r" in a note would not be quoted
    writer.writerow(_COLUMNS)
    for run, stale, note in rows:
        turn = "" if note.turn is None else note.turn
        lists = (" + ".join(note.tags), " + ".join(note.strategies or ()))
        row = (run, note.conversation, turn, note.reader, f"{note.at:.3f}", note.blind, stale, note.text, *lists)
        writer.writerow(row)
    return out.getvalue()
