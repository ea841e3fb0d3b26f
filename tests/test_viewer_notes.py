"""Notes. Laws: nothing is overwritten; the latest counts; a note on what was not said is stale; agreement is by hand."""

import csv
import io
import json
import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confide.scenarios import ConfideError
from confide.viewer.documents import Note, NoteDraft
from confide.viewer.indexing import Indexer
from confide.viewer.notes import Labels, agreements, notes_table, read_notes
from confide.viewer.shown import ChangedError, NotShownError
from tests.condition_helpers import GIVEN
from tests.helpers import HOSTILE, hostile_text
from tests.viewer_helpers import (
    asleep,
    draft,
    hand_run,
    key,
    lab,
    looked,
    put,
    rows,
    run,
    show,
    small,
    talks,
    words,
)

__all__ = ["asleep", "lab", "run", "small"]  # fixtures


def save(shown, conversation="hand", **fields):
    return shown.save(NoteDraft(**draft(shown, conversation, **fields)))


def texts(shown, **more):
    return [(each.note.reader, each.note.turn, each.note.text) for each in shown.notes(**more).notes]


def file_of(shown, reader="ann"):
    return shown.runs[0].path / "notes" / f"{reader}.jsonl"


# What is kept


def test_a_note_is_one_more_line_and_nothing_else_changes(small):
    folder = small.runs[0].path
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    for count, text in enumerate(["first", "second", "third"], start=1):
        old = file_of(small).read_bytes() if count > 1 else b""
        placed = save(small, text=text, tags=("a", "b"), strategies=("Question",), blind=True)
        assert file_of(small).read_bytes().startswith(old)
        assert len(file_of(small).read_bytes().splitlines()) == count
        note = placed.note
        assert (note.text, note.tags, note.strategies, note.blind, note.turn) == (
            text,
            ("a", "b"),
            ("Question",),
            True,
            0,
        )
        assert (placed.key, placed.stale, note.conversation) == (key(small, "hand"), False, "")  # it was made blind
        kept = Note.model_validate_json(file_of(small).read_bytes().splitlines()[-1])
        assert kept == note.model_copy(update={"conversation": "hand"})
    assert {file: file.read_bytes() for file in before} == before
    assert texts(small) == [("ann", 0, "third")], "the latest at a place counts"


def test_notes_of_several_readers_and_places_stand_side_by_side(small):
    for reader in ("ann", "Bob.2", "c_d-e"):
        save(small, reader=reader, turn=None, text=f"{reader} on all")
        for turn in (2, 0):
            save(small, reader=reader, turn=turn, text=f"{reader} {turn}")
    assert texts(small) == [
        (reader, turn, f"{reader} on all" if turn is None else f"{reader} {turn}")
        for reader in ("Bob.2", "ann", "c_d-e")
        for turn in (None, 0, 2)
    ]
    assert texts(small, key=key(small, "hand")) == texts(small)
    assert texts(small, key="0" * 16) == []


def test_an_emptied_note_disappears_and_may_come_back(small):
    save(small, text="here")
    save(small, turn=2, text="stays")
    save(small, text="")
    assert texts(small) == [("ann", 2, "stays")]
    assert len(file_of(small).read_text().splitlines()) == 3, "what was written stays in the file"
    for fields in ({"tags": ("x",)}, {"strategies": ()}, {"strategies": ("Question",)}):
        save(small, text="", **fields)
        assert [each.note.turn for each in small.notes().notes] == [0, 2]
        save(small, text="")
        assert [each.note.turn for each in small.notes().notes] == [2]


@settings(max_examples=25, **GIVEN)
@given(st.data())
def test_wherever_a_kill_tears_a_line_the_other_notes_are_kept(tmp_path_factory, data):
    shown = show(
        tmp_path_factory.mktemp("torn"), hand_run(tmp_path_factory.mktemp("runs"), hand=words("hand", "a", "b", "c"))
    )
    text = data.draw(st.one_of(hostile_text(), st.just('} {}} \\} " }')))
    save(shown, turn=0, text="before")
    whole = file_of(shown).read_bytes()
    save(shown, turn=1, text=text)
    line = file_of(shown).read_bytes()[len(whole) :]
    cut = data.draw(st.integers(0, 10**6)) % len(line)
    file_of(shown).write_bytes(whole + line[:cut])
    assert texts(shown) == [("ann", 0, "before")]
    save(shown, turn=2, text="after")
    kept = [each for each in texts(shown) if each[1] != 1 or cut < len(line) - 1]
    assert kept == [("ann", 0, "before"), ("ann", 2, "after")]
    assert file_of(shown).read_bytes().startswith(whole + line[:cut])


def test_a_line_that_was_torn_at_a_brace_is_no_note(small):
    save(small, turn=1, text="a } b")
    line = file_of(small).read_bytes()
    file_of(small).write_bytes(line[: line.index(b"}") + 1])
    save(small, turn=2, text="after")
    assert texts(small) == [("ann", 2, "after")]


def test_a_line_that_is_no_note_is_named(small):
    save(small)
    with file_of(small).open("a") as file:
        file.write('{"v":1,"reader":"ann"}\n')
    kept = read_notes(small.runs[0])
    assert len(kept.notes) == 1, "the rest is there"
    assert re.search(r"ann\.jsonl:2: not a note: ", kept.problems[0])
    assert small.home().runs[0].problem == kept.problems[0]
    small.talk(key(small, "hand"))


def test_a_file_that_cannot_be_read_closes_nothing(small):
    save(small)
    (file_of(small).parent / "bob.jsonl").symlink_to("/nowhere/at/all")
    (problem,) = read_notes(small.runs[0]).problems
    assert "bob.jsonl: cannot be read" in problem
    assert texts(small)
    small.talk(key(small, "hand"))


def test_what_was_labelled_blind_and_in_sight_never_mixes(small):
    save(small, strategies=("Question",), blind=True)
    save(small, strategies=("Others",), blind=False)
    assert [(note.note.blind, note.note.strategies) for note in small.notes().notes] == [
        (False, ("Others",)),
        (True, ("Question",)),
    ]
    (mine,) = small.notes(key(small, "hand"), blind="ann").notes
    assert (mine.note.strategies, mine.note.conversation) == (("Question",), "")
    assert {(row.reader, row.blind) for row in small.agreements().agreements} == {("ann", True), ("ann", False)}


def test_what_many_write_at_once_is_kept(small):
    def work(number):
        for turn in range(20):
            save(small, turn=turn % 3, text=f"{number} {turn} " + "x" * 5000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [Note.model_validate_json(line) for line in file_of(small).read_bytes().split(b"\n") if line]
    assert sorted(line.text[:4].strip() for line in lines) == sorted(f"{n} {t}" for n in range(4) for t in range(20))
    assert len(small.notes().notes) == 3


def test_a_note_that_cannot_be_written_is_one_line(small):
    (small.runs[0].path / "notes").write_text("a file")
    with pytest.raises(ConfideError, match="cannot write") as caught:
        save(small)
    assert "\n" not in str(caught.value)


# What it is about


def test_a_note_on_what_is_not_said_any_more_is_stale(tmp_path):
    run = hand_run(tmp_path / "runs", hand=words("hand", "one", "two"))
    shown = show(tmp_path, run)
    old = draft(shown, strategies=("Question",))
    shown.save(NoteDraft(**old))
    assert [each.stale for each in shown.notes().notes] == [False]
    assert [(each.against, each.turns) for each in shown.agreements().agreements] == [("declared", 1)]
    run.final("hand").unlink()
    put(run, "hand", words("hand", "one", "other"))
    Indexer(shown.index).refresh(shown.runs)
    assert [each.stale for each in shown.notes().notes] == [True]
    assert ",True,so," in shown.notes_table()
    assert shown.agreements().agreements == ()
    with pytest.raises(ChangedError, match="load it again"):
        shown.save(NoteDraft(**old))
    save(shown, text="again")
    assert [(each.stale, each.note.text) for each in shown.notes().notes] == [(False, "again")]


def test_a_conversation_under_way_may_grow_while_it_is_annotated(tmp_path):
    run = hand_run(tmp_path / "runs", hand=words("hand", "one", "two", ended=False))
    shown = show(tmp_path, run)
    old = draft(shown)
    run.live("hand").unlink()
    put(run, "hand", words("hand", "one", "two", "three", ended=False))
    Indexer(shown.index).refresh(shown.runs)
    assert shown.save(NoteDraft(**old)).note.text == "so"


def test_a_note_on_nothing_is_refused(small):
    for fields, wrong in (({"turn": 9}, "no turn 9"), ({"strategies": ("Hugging",)}, "no strategy 'Hugging'")):
        with pytest.raises(ConfideError, match=wrong):
            save(small, **fields)
    with pytest.raises(NotShownError):
        small.save(NoteDraft(**{**draft(small), "key": "../hand"}))
    assert not file_of(small).parent.exists()


def test_peoples_labels_stand_beside_the_annotators(run, tmp_path):
    shown = show(tmp_path, run)
    name = "shared-dog.partial.0000"
    turn = next(turn.turn for turn in shown.talk(key(shown, name)).turns if turn.role == "supporter")
    save(shown, name, reader="ann", turn=turn, strategies=("Question", "Others"))
    save(shown, name, reader="ann", turn=None, text="no label")
    found = shown.talk(key(shown, name)).annotators
    assert [(each.name, each.person) for each in found] == [("strategies.scripted", False), ("ann", True)]
    assert [(each.turn, each.labels) for each in found[1].turns] == [(turn, ("Question", "Others"))]
    assert [each.name for each in shown.talk(key(shown, "shared-dog.script.0000")).annotators] == [
        "strategies.scripted"
    ]
    assert shown.talk(key(shown, name), blind=True).annotators == ()


# Copies


@settings(max_examples=40, **GIVEN)
@given(st.lists(st.tuples(st.one_of(hostile_text(), st.sampled_from(["\r", "a\rb", "x,y;\"z\"\n", "=1+1"])), st.lists(hostile_text().map(lambda t: t[:80]), max_size=2)), max_size=4), st.booleans())  # fmt: skip
def test_csv_gives_back_what_was_written(given_notes, blind):
    notes = [
        Note(at=1.5, reader="ann", conversation=f"c{n}", transcript="t", turn=n or None, text=text, tags=tuple(tags),
             strategies=("Question", "Others") if n % 2 else None, blind=blind)
        for n, (text, tags) in enumerate(given_notes)
    ]  # fmt: skip
    found = list(csv.DictReader(io.StringIO(notes_table([("run", False, note) for note in notes]), newline="")))
    assert [(row["conversation"], row["text"], row["tags"]) for row in found] == [
        (note.conversation, note.text, " + ".join(note.tags)) for note in notes
    ]
    for row, note in zip(found, notes, strict=True):
        assert (row["run"], row["reader"], row["at"], row["stale"]) == ("run", "ann", "1.500", "False")
        assert row["turn"] == ("" if note.turn is None else str(note.turn))
        assert row["blind"] == str(blind)
        assert row["strategies"] == " + ".join(note.strategies or ())


def test_hostile_words_come_through_http_and_both_copies(small, asleep):
    with looked(small) as found:
        for number, text in enumerate(HOSTILE):
            answer = found.post(draft(small, reader=f"r{number}", text=text, tags=[text]))
            assert (answer.status, answer.json["note"]["text"]) == (200, text)
        listed = found.get("/api/notes").json["notes"]
        assert {each["note"]["text"] for each in listed} == set(HOSTILE)
        copies = found.get("/api/notes.json"), found.get("/api/notes.csv")
        assert json.loads(copies[0].body)["notes"] == listed
        table = list(csv.DictReader(io.StringIO(copies[1].body.decode(), newline="")))
        assert {row["text"] for row in table} == {row["tags"] for row in table} == set(HOSTILE)
        names = ["notes.json", "notes.csv"]
        assert [copy.headers["content-disposition"] for copy in copies] == [
            f'attachment; filename="{name}"' for name in names
        ]


def test_a_blind_reader_is_sent_only_what_that_reader_wrote_blind(small, asleep):
    with looked(small) as found:
        for reader in ("ann", "bob"):
            for turn, blind in ((0, True), (2, False)):
                assert (
                    found.post(draft(small, reader=reader, turn=turn, blind=blind, text=f"{reader} {blind}")).status
                    == 200
                )
        sent = found.get("/api/notes?blind=ann").json["notes"]
        assert [each["note"]["text"] for each in sent] == ["ann True"]
        assert len(found.get("/api/notes").json["notes"]) == 4
        assert found.get("/api/notes?blind=").json["notes"] == []


# Agreement


def by_hand(pairs):
    """Cohen's kappa of the first labels, and Krippendorff's alpha of the sets by MASI distance, from their definitions."""
    n = len(pairs)
    firsts = [(a[0], b[0]) for a, b in pairs]
    observed = sum(a == b for a, b in firsts) / n
    names = {name for pair in firsts for name in pair}
    chance = sum(sum(a == x for a, _ in firsts) * sum(b == x for _, b in firsts) for x in names) / n**2
    kappa = None if chance == 1 else (observed - chance) / (1 - chance)
    sets = [(frozenset(a), frozenset(b)) for a, b in pairs]
    every = [one for pair in sets for one in pair]

    def masi(a, b):
        nested = 1 if a == b else 2 / 3 if a < b or b < a else 1 / 3 if a & b else 0
        return 1 - len(a & b) / len(a | b) * nested

    disagreed = sum(masi(a, b) for a, b in sets) / n
    size = len(every)
    expected = sum(masi(every[i], every[j]) for i in range(size) for j in range(size) if i != j) / (size * (size - 1))
    return kappa, None if expected == 0 else 1 - disagreed / expected


LABELS = ["Question", "Others", "Information", "Self-disclosure"]
some_labels = st.lists(st.sampled_from(LABELS), min_size=1, max_size=3, unique=True)


@settings(max_examples=60, **GIVEN)
@given(st.lists(st.tuples(some_labels, some_labels), min_size=1, max_size=8))
def test_agreement_is_kappa_and_alpha_by_hand(pairs):
    one = Labels("ann", {("c", n): a for n, (a, _) in enumerate(pairs)} | {("d", 0): ["Question"]})
    two = Labels("declared", {("c", n): b for n, (_, b) in enumerate(pairs)} | {("e", 0): ["Others"]})
    (found,) = agreements([one], [two])
    kappa, alpha = by_hand(pairs)
    assert (found.reader, found.against, found.turns, found.conversations) == ("ann", "declared", len(pairs), 1)
    assert found.kappa == (None if kappa is None else pytest.approx(kappa))
    assert found.alpha == (None if alpha is None else pytest.approx(alpha))
    assert (found.why is None) == (None not in (kappa, alpha))


def test_people_are_held_against_what_was_declared_annotators_and_one_another(run, tmp_path):
    shown = show(tmp_path, run)
    declared, annotated, people = {}, {}, {"ann": {}, "bob": {}}
    for count, talk in enumerate(talks(shown)[:4]):
        machine = {each.turn: each.labels for each in talk.annotators[0].turns}
        for turn in (turn for turn in talk.turns if turn.role == "supporter"):
            place = (talk.key, turn.turn)
            declared[place], annotated[place] = turn.strategies, machine[turn.turn]
            for reader, labels in (("ann", turn.strategies if count % 2 else ("Others",)), ("bob", machine[turn.turn])):
                if reader == "ann" or count:
                    name = talk.setting.conversation
                    save(shown, name, reader=reader, turn=turn.turn, strategies=labels)
                    people[reader][place] = labels
    found = {(each.reader, each.against): each for each in shown.agreements().agreements}
    others = {"declared": declared, "strategies.scripted": annotated, "bob": people["bob"]}
    assert set(found) == {(reader, other) for reader in people for other in others if reader != other}
    for (reader, against), each in found.items():
        mine, theirs = people[reader], others[against]
        pairs = [(mine[place], theirs[place]) for place in mine if place in theirs]
        kappa, alpha = by_hand(pairs)
        assert (each.turns, each.conversations) == (
            len(pairs),
            len({key for key, turn in mine if (key, turn) in theirs}),
        )
        assert each.kappa == (None if kappa is None else pytest.approx(kappa))
        assert each.alpha == (None if alpha is None else pytest.approx(alpha))
    assert found["bob", "strategies.scripted"].kappa == 1


def test_conversations_of_the_same_name_in_two_runs_are_two(tmp_path):
    runs = [hand_run(tmp_path / "runs", name, hand=words("hand", "one", "two")) for name in ("r1", "r2")]
    shown = show(tmp_path, *runs)
    for row, label in zip(rows(shown), ("Question", "Others"), strict=True):
        talk = shown.talk(row.key)
        note = {"reader": "ann", "transcript": talk.transcript, "turn": 0, "strategies": (label,), "blind": False}
        shown.save(NoteDraft(key=row.key, **note))
    (found,) = shown.agreements().agreements
    assert (found.turns, found.conversations, found.kappa) == (2, 2, 0.0)
    assert {each.key for each in shown.notes().notes} == {row.key for row in rows(shown)}
