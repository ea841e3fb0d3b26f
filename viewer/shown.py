"""The runs that are shown, and every document about them. The server and the export ask here and nowhere else.

Law: an address is looked up in the index. Nothing that a page sends becomes part of a path.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from confide.evaluators.tabular import open_runs
from confide.scenarios import ConfideError, InputFileError
from confide.simulator import RunFolder
from confide.viewer import grid, notes
from confide.viewer.beside import readers_of, talk_folders
from confide.viewer.documents import (
    Agreements,
    Annotator,
    Calls,
    Facets,
    Home,
    Labelled,
    Note,
    NoteDraft,
    Notes,
    PlacedNote,
    Rows,
    RunInfo,
    Talk,
)
from confide.viewer.keys import key_of
from confide.viewer.reading import figures_of
from confide.viewer.talk import Context, blinded, make_talk, open_log, side_calls


class NotShownError(ConfideError):
    """There is no such conversation here."""


class GoneError(ConfideError):
    """A conversation was here, and its log is not there any more."""


class ChangedError(ConfideError):
    """A note is about another transcript than the conversation's now."""


class Shown:
    """Some runs, with their index."""

    def __init__(self, index: Path, paths: Sequence[Path], folder: Path | None = None) -> None:
        """Show the runs at ``paths``, or all that are in ``folder``, also those that are begun later.

        Raises:
            ConfideError: a path is no run, or two runs have the same id.
        """
        self.index = index
        self._folder = folder
        self._runs = list(open_runs(paths)) if paths else []
        self.waiting: Callable[[], int] = lambda: 0
        """Says how many logs are not in the index yet."""
        self.look_again()

    def look_again(self) -> None:
        """Look for runs that were begun since. A copy of a run that is shown, with its id, is passed over."""
        if self._folder is None:
            return
        known = {run.path: run for run in self._runs}
        for file in sorted(self._folder.glob("*/run.json")):
            if file.parent not in known:
                try:
                    run = RunFolder.open(file.parent)
                except InputFileError:
                    continue
                if run.record.id not in {each.record.id for each in known.values()}:
                    known[file.parent] = run
        self._runs = sorted((run for run in known.values()), key=lambda run: run.record.created)

    @property
    def runs(self) -> Sequence[RunFolder]:
        """The runs."""
        return self._runs

    @property
    def _paths(self) -> list[str]:
        return [str(run.path.resolve()) for run in self._runs]

    def _ask(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(f"file:{self.index}?mode=ro", uri=True, timeout=30))

    def home(self, token: str | None = None, *, static: bool = False, chunks: int = 0) -> Home:
        """What the page begins with."""
        counts: dict[str, tuple[int, int]] = {}
        with self._ask() as db:
            sql = (
                "SELECT runs.path, count(*), sum(state = 'finished') "
                "FROM talks JOIN runs ON runs.no = talks.run GROUP BY run"
            )
            counts = {path: (begun, finished) for path, begun, finished in db.execute(sql)}
        return Home(
            version=_version(),
            runs=tuple(_run_info(run, *counts.get(str(run.path.resolve()), (0, 0))) for run in self._runs),
            waiting=self.waiting(),
            token=token,
            static=static,
            chunks=chunks,
        )

    def rows(self, query: grid.Query) -> Rows:
        """Part of the grid."""
        with self._ask() as db:
            return grid.rows(db, query._replace(runs=self._paths))

    def facets(self, *, blind: bool = False) -> Facets:
        """What the grid can be filtered by; a blind reader by scenarios alone."""
        with self._ask() as db:
            found = grid.facets(db, self._paths, blind=blind)
        return Facets(run=(), scenario=found.scenario, condition=(), model=(), end=()) if blind else found

    def _locate(self, db: sqlite3.Connection, key: str) -> _Place:
        located = grid.locate(db, self._paths, key)
        if located is None:
            raise NotShownError(f"no conversation has the address {key[:40]!r} here; was it in another run?")
        run = next(run for run in self._runs if str(run.path.resolve()) == located.path)
        return _Place(run, located)

    def talk(self, key: str, *, blind: bool = False) -> Talk:
        """A conversation.

        Raises:
            NotShownError: there is none with this address.
            GoneError: its log is gone.
        """
        with self._ask() as db:
            run, located = self._locate(db, key)
            try:
                opened = open_log(run, located.conversation)
            except InputFileError as error:
                raise GoneError(f"{error}: was the run moved or deleted?") from None
            kin = grid.kin(db, self._paths, located, run.record.id)
            parent = next((each.key for each in kin if each.relation == "parent"), None)
            context = Context(figures_of(db, located.run, located.condition or ""), kin, parent)
            talk = make_talk(run, located.conversation, opened, context)
        if blind:
            return blinded(talk)
        people = [_person(each, located.conversation) for each in notes.labels_of(notes.read_notes(run).notes)]
        return talk.model_copy(update={"annotators": (*talk.annotators, *(each for each in people if each.turns))})

    def calls(self, key: str, measure: str) -> Calls:
        """The calls of a reader of a conversation.

        Raises:
            NotShownError: there is no such conversation or reader.
            GoneError: its log is gone.
        """
        with self._ask() as db:
            run, located = self._locate(db, key)
        try:
            found = side_calls(run, located.conversation, measure)
        except InputFileError as error:
            raise GoneError(str(error)) from None
        if found is None:
            raise NotShownError(f"nobody of the name {measure[:80]!r} read this run")
        return found

    def notes(self, key: str | None = None, blind: str | None = None) -> Notes:
        """Notes on one conversation, or on all.

        Args:
            key: the conversation; None for all.
            blind: a reader who reads blind, and so sees only what that reader wrote blind; None for all notes.
        """
        found = [
            PlacedNote(key=key_of(run.record, note.conversation), stale=stale, note=note)
            for run, stale, note in self._all_notes()
        ]
        if blind is not None:  # others' labels, and what was written with all in sight, would end the blindness
            found = [_unnamed(each) for each in found if each.note.blind and each.note.reader == blind]
        return Notes(notes=tuple(each for each in found if key is None or each.key == key))

    def _all_notes(self) -> Iterator[tuple[RunFolder, bool, Note]]:
        for run in self._runs:
            kept = notes.read_notes(run).notes
            if not kept:
                continue
            with self._ask() as db:
                sql = "SELECT conversation, transcript FROM talks JOIN runs ON runs.no = talks.run WHERE runs.path = ?"
                said = dict(db.execute(sql, (str(run.path.resolve()),)))
            for note in kept:
                yield run, said.get(note.conversation) != note.transcript, note

    def notes_table(self) -> str:
        """All notes as CSV."""
        return notes.notes_table((run.record.id, stale, note) for run, stale, note in self._all_notes())

    def save(self, draft: NoteDraft) -> PlacedNote:
        """Save a note.

        Raises:
            NotShownError: there is no such conversation.
            ChangedError: it says something else now than what the reader read.
            ConfideError: a strategy is unknown, or the note cannot be written.
        """
        talk = self.talk(draft.key)
        if draft.transcript != talk.transcript and talk.state == "finished":
            raise ChangedError("the conversation has changed since it was read: load it again")
        _fits(draft, talk)
        with self._ask() as db:
            run, located = self._locate(db, draft.key)
        note = notes.save_note(run, located.conversation, draft)
        placed = PlacedNote(key=draft.key, stale=False, note=note)
        return _unnamed(placed) if draft.blind else placed

    def agreements(self) -> Agreements:
        """Agreement of people with what was declared, with annotators and with one another.

        Labels of a transcript that has changed since do not count.
        """
        kept = [(run, note) for run, stale, note in self._all_notes() if not stale and note.strategies]
        everywhere = [
            note.model_copy(update={"conversation": f"{run.record.id}/{note.conversation}"}) for run, note in kept
        ]
        people = notes.labels_of(everywhere)
        others: dict[str, dict[notes.Place, Sequence[str]]] = {}
        for run, conversation in dict.fromkeys((run, note.conversation) for run, note in kept):
            talk = self.talk(key_of(run.record, conversation))
            place = f"{run.record.id}/{conversation}"
            for turn in talk.turns:
                if turn.strategies:
                    others.setdefault(notes.DECLARED, {})[place, turn.turn] = turn.strategies
            for annotator in talk.annotators:
                for each in annotator.turns:
                    if each.labels and not annotator.person:
                        others.setdefault(annotator.name, {})[place, each.turn] = each.labels
        return Agreements(
            agreements=tuple(notes.agreements(people, [notes.Labels(name, found) for name, found in others.items()]))
        )


class _Place(NamedTuple):
    run: RunFolder
    located: grid.Located


def _person(labels: notes.Labels, conversation: str) -> Annotator:
    """What a person labelled in one conversation."""
    found = [(turn, names) for (of, turn), names in labels.by_turn.items() if of == conversation and turn is not None]
    turns = tuple(Labelled(turn=turn, labels=tuple(names), why=None) for turn, names in sorted(found))
    return Annotator(name=f"{labels.name}, blind" if labels.blind else labels.name, person=True, turns=turns)


def _unnamed(placed: PlacedNote) -> PlacedNote:
    """A note for a blind reader: the id of its conversation holds the condition."""
    return placed.model_copy(update={"note": placed.note.model_copy(update={"conversation": ""})})


def _fits(draft: NoteDraft, talk: Talk) -> None:
    """See to it that a note is about something that is there.

    Raises:
        ConfideError: it is not.
    """
    turn = None if draft.turn is None else next((each for each in talk.turns if each.turn == draft.turn), None)
    if draft.turn is not None and turn is None:
        raise ConfideError(f"the conversation has no turn {draft.turn}")
    if draft.strategies is not None and (turn is None or turn.role.value != "supporter"):
        raise ConfideError("strategies are labels of a supporter's turn")
    labels = [each.id for each in talk.labels]
    if wrong := [name for name in draft.strategies or () if name not in labels]:
        raise ConfideError(f"no strategy {wrong[0]!r}; there are: {', '.join(labels)}")


def _run_info(run: RunFolder, begun: int, finished: int) -> RunInfo:
    record = run.record
    gone = not (run.path / "run.json").exists()
    problem = (
        "its folder is gone" if gone else readers_of(run).problem or next(iter(notes.read_notes(run).problems), None)
    )
    return RunInfo(
        id=record.id,
        kind="imported" if record.imported else "fork" if record.fork else "simulated",
        created=record.created,
        planned=record.size,
        begun=begun,
        finished=finished,
        measures=tuple(folder.record.key for folder in talk_folders(run)),
        problem=problem,
    )


def _version() -> str:
    try:
        return version("confide")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
