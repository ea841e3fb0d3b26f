"""The index. Laws: it holds what the logs say; a file that did not change is not read again; it can be lost at any time."""

import json
import os
import shutil
import sqlite3
import threading
from collections import Counter

import pytest

from confide.simulator import Learned, read_log
from confide.viewer import indexing, reading
from confide.viewer.grid import FILTERS, SORTS, Query
from confide.viewer.index import VERSION, index_file, make_index
from confide.viewer.indexing import Indexer
from confide.viewer.keys import key_of
from confide.viewer.shown import NotShownError, Shown
from tests.viewer_helpers import (
    PRESETS,
    copy_of,
    fork,
    hand_run,
    key,
    lab,
    log_of,
    people,
    put,
    row,
    rows,
    run,
    show,
    talks,
    words,
)

__all__ = ["fork", "lab", "people", "run"]  # fixtures


@pytest.fixture
def plain(tmp_path):
    """Ten conversations of two turns, read by nobody."""
    return hand_run(tmp_path / "runs", **{f"talk-{n}": words(f"talk-{n}", f"word{n}", "yes") for n in range(10)})


@pytest.fixture
def reads(monkeypatch):
    """Counts what is read: logs of conversations, and side logs."""
    count = Counter()
    for module, name in ((indexing, "open_log"), (reading, "read_side_log")):
        real = getattr(module, name)

        def counted(*args, name=name, real=real):
            count[name] += 1
            return real(*args)

        monkeypatch.setattr(module, name, counted)
    return count


def names(shown):
    return sorted(each.conversation for each in rows(shown))


def consistent(shown):
    """Nothing is there twice, and no word is of nobody."""
    with sqlite3.connect(shown.index) as db:
        keys = [found for (found,) in db.execute("SELECT key FROM talks")]
        assert len(keys) == len(set(keys))
        owners = {found for (found,) in db.execute("SELECT DISTINCT rowid >> 24 FROM words")}
        assert owners <= {found for (found,) in db.execute("SELECT no FROM talks")}
        for table in ("sides", "moved", "labelled"):
            sql = f"SELECT count(*) FROM {table} LEFT JOIN talks USING(run, conversation) WHERE talks.no IS NULL"
            assert db.execute(sql).fetchone() == (0,), table
    db.close()


def test_rows_are_what_the_documents_say(lab, people, fork, tmp_path):
    shown = show(tmp_path, lab, people, fork)
    assert len(rows(shown)) == 13
    assert shown.rows(Query(runs=())).total == 13
    for each, talk in zip(rows(shown), talks(shown), strict=True):
        setting = talk.setting
        assert (each.key, each.run, each.conversation) == (talk.key, setting.run, setting.conversation)
        assert (each.scenario, each.condition, each.pair_key) == (talk.scenario, setting.condition.id, setting.pair_key)
        assert (each.state, each.end, each.turns) == (talk.state, talk.end, len(talk.turns))
        human = setting.seeker is None
        facts = None if human else len(setting.seeker.facts) + len(setting.supporter.facts)
        events = read_log(log_of(talk, lab, people, fork)).events
        told = None if human else len({event.fact for event in events if isinstance(event, Learned)})
        assert (each.facts, each.told) == (facts, told)
        assert each.model == (None if human else "scripted")
        assert each.began is not None
        assert each.drift is not None or each.drift_note
        assert each.agreement is not None or each.agreement_note
    consistent(shown)


def test_addresses_are_opaque_and_the_same_wherever_a_run_is_opened(lab, tmp_path):
    one = show(tmp_path, lab)
    two = show(tmp_path, copy_of(lab, tmp_path / "elsewhere"), index="other.sqlite")
    assert {each.conversation: each.key for each in rows(one)} == {each.conversation: each.key for each in rows(two)}
    for each in rows(one):
        assert len(each.key) == 16
        int(each.key, 16)
        assert each.key == key_of(lab.record, each.conversation)


@pytest.mark.parametrize("quick", [False, True])
def test_what_did_not_change_is_not_read_again(run, tmp_path, reads, monkeypatch, quick):
    monkeypatch.setattr(indexing, "SETTLED_S", -1.0 if quick else 1000.0)
    shown = show(tmp_path, run)
    assert (reads["open_log"], reads["read_side_log"]) == (10, 50)
    before = rows(shown)
    reads.clear()
    for indexer in (Indexer(shown.index), again := Indexer(shown.index), again, again):
        assert not indexer.refresh(shown.runs)
        assert indexer.waiting == 0
    assert reads == {}
    assert rows(shown) == before


@pytest.mark.parametrize("quick", [False, True])
def test_a_log_that_grows_is_read_again_and_nothing_else(plain, tmp_path, reads, monkeypatch, quick):
    monkeypatch.setattr(indexing, "SETTLED_S", -1.0 if quick else 1000.0)
    told = []
    file = tmp_path / "index.sqlite"
    make_index(file)
    shown, indexer = Shown(file, [plain.path]), Indexer(file, lambda keys, waiting: told.append((list(keys), waiting)))
    indexer.refresh(shown.runs)
    events = words("grows", "one", "two", "three", "four")
    with plain.writer("grows") as writer:
        writer.write(*events[:2])
        for count, event in enumerate(events[2:], start=1):
            reads.clear()
            told.clear()
            assert indexer.refresh(shown.runs)
            assert reads == {"open_log": 1}
            assert told == [([key_of(plain.record, "grows")], 0)]
            assert not indexer.refresh(shown.runs)
            found = row(shown, "grows")
            assert (found.state, found.turns, found.end) == ("open", count, None)
            writer.write(event)
        writer.commit()
    assert indexer.refresh(shown.runs)
    assert (row(shown, "grows").state, row(shown, "grows").end, row(shown, "grows").turns) == (
        "finished",
        "turn_limit",
        4,
    )
    assert len(rows(shown)) == 11
    consistent(shown)


@pytest.mark.parametrize("quick", [False, True])
def test_what_is_deleted_vanishes(plain, tmp_path, monkeypatch, quick):
    monkeypatch.setattr(indexing, "SETTLED_S", -1.0 if quick else 1000.0)
    put(plain, "live", words("live", "zebra", ended=False))
    shown = show(tmp_path, plain)
    told = []
    indexer = Indexer(shown.index, lambda keys, waiting: told.extend(keys))
    indexer.refresh(shown.runs)
    indexer.refresh(shown.runs)
    assert len(rows(shown, words="zebra")) == 1
    plain.live("live").unlink()
    assert indexer.refresh(shown.runs)
    assert told == [key_of(plain.record, "live")]
    assert "live" not in names(shown)
    assert rows(shown, words="zebra") == ()
    gone = key(shown, "talk-3")
    plain.final("talk-3").unlink()
    assert indexer.refresh(shown.runs)
    assert len(rows(shown)) == 9
    with pytest.raises(NotShownError, match="no conversation has the address"):
        shown.talk(gone)
    for log in plain.logs():
        log.unlink()
    indexer.refresh(shown.runs)
    assert rows(shown) == ()


def test_a_run_that_is_deleted_vanishes_from_the_index(lab, run, tmp_path):
    other = hand_run(tmp_path / "other", hand=words("hand", "x"))
    shown = show(tmp_path, run, other)
    shutil.rmtree(run.path)
    left = Shown(shown.index, [other.path])
    Indexer(left.index).refresh(left.runs)
    consistent(left)
    with sqlite3.connect(shown.index) as db:
        assert db.execute("SELECT path FROM runs").fetchall() == [(str(other.path.resolve()),)]
        for table in ("sides", "moved", "sound", "labelled"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    db.close()
    assert names(left) == ["hand"]


def test_another_run_at_the_same_place_takes_its_place(tmp_path):
    one = hand_run(tmp_path / "runs", a=words("a", "zebra"), b=words("b", "heron"))
    shown = show(tmp_path, one)
    old = {each.key for each in rows(shown)}
    shutil.rmtree(one.path)
    hand_run(tmp_path / "runs", created="2027-01-01T00:00:00+00:00", b=words("b", "otter"))
    other = Shown(shown.index, [one.path])
    Indexer(other.index).refresh(other.runs)
    assert names(other) == ["b"]
    assert [len(rows(other, words=word)) for word in ("zebra", "heron", "otter")] == [0, 0, 1]
    assert not old & {each.key for each in rows(other)}
    consistent(other)


def test_runs_of_other_places_are_not_shown(lab, people, tmp_path):
    shown = show(tmp_path, lab, people)
    only = Shown(shown.index, [people.path])
    assert len(rows(only)) == 2
    assert {facet.value for facet in only.facets().run} == {people.record.id}
    with pytest.raises(NotShownError):
        only.talk(rows(shown)[0].key)


def test_runs_that_are_begun_later_are_found_and_a_copy_is_passed_over(tmp_path):
    folder = tmp_path / "runs"
    hand_run(folder, "one", a=words("a", "x"))
    file = tmp_path / "index.sqlite"
    make_index(file)
    shown = Shown(file, [], folder)
    assert [run.record.id for run in shown.runs] == ["one"]
    hand_run(folder, "two", created="2025-01-01T00:00:00+00:00", b=words("b", "x"))
    shutil.copytree(folder / "one", folder / "one copy")
    (folder / "broken").mkdir()
    (folder / "broken" / "run.json").write_text("{")
    shown.look_again()
    assert [run.record.id for run in shown.runs] == ["two", "one"], "oldest first, none twice"
    Indexer(file).refresh(shown.runs)
    assert [info.id for info in shown.home().runs] == ["two", "one"]
    assert len(rows(shown)) == 2


# The file


@pytest.mark.parametrize("harm", ["garbage", "version", "cut", "empty", "gone"])
def test_an_index_that_cannot_be_read_is_made_again(plain, tmp_path, harm):
    shown = show(tmp_path, plain)
    before, file = rows(shown), shown.index
    if harm == "garbage":
        file.write_bytes(os.urandom(8192))
    elif harm == "version":
        with sqlite3.connect(file) as db:
            db.execute(f"PRAGMA user_version = {VERSION + 1}")
        db.close()
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif harm == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    make_index(file)
    Indexer(file).refresh(shown.runs)
    assert rows(shown) == before
    consistent(shown)


def test_an_index_that_can_be_read_is_kept(plain, tmp_path, reads):
    shown = show(tmp_path, plain)
    reads.clear()
    make_index(shown.index)
    Indexer(shown.index).refresh(shown.runs)
    assert reads == {}
    assert len(rows(shown)) == 10


def test_where_the_index_is(tmp_path, monkeypatch):
    monkeypatch.setenv("CONFIDE_CACHE", str(tmp_path / "cache"))
    assert index_file() == tmp_path / "cache" / "viewer" / "index.sqlite"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONFIDE_CACHE", str(tmp_path / "file"))
    elsewhere = index_file()
    assert elsewhere.parent.is_dir()
    assert tmp_path not in elsewhere.parents
    elsewhere.parent.rmdir()


def test_indexers_at_once_do_no_harm(lab, tmp_path):
    """Threads that begin with no index, each with a look of its own, while logs come."""
    runs = [
        hand_run(tmp_path / "runs", f"r{n}", **{f"c{i}": words(f"c{i}", f"word{i}", "b") for i in range(25)})
        for n in range(3)
    ]
    file, failed = tmp_path / "index.sqlite", []
    start = threading.Barrier(4)

    def work(number):
        try:
            start.wait()
            make_index(file)
            indexer = Indexer(file)
            for turn in range(3):
                indexer.refresh(runs)
                put(runs[turn], f"late{number}", words(f"late{number}", "late"))
            indexer.refresh(runs)
        except Exception as error:  # noqa: BLE001  (it is told below)
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    shown = Shown(file, [run.path for run in runs])
    Indexer(file).refresh(runs)
    assert len(rows(shown)) == 3 * (25 + 4)
    assert len(rows(shown, words="late")) == 12
    consistent(shown)


def test_an_indexer_that_is_told_to_stop_keeps_what_it_read(run, tmp_path):
    file = tmp_path / "index.sqlite"
    make_index(file)
    shown, left = Shown(file, [run.path]), iter(range(4))
    indexer = Indexer(file)
    indexer.refresh(shown.runs, lambda: next(left, None) is None)
    assert 0 < len(rows(shown)) < 10
    assert indexer.waiting == 10 - len(rows(shown))
    some = {each.agreement_note for each in rows(shown)}
    assert some == {"it was not read yet"}
    indexer.refresh(shown.runs)
    assert (len(rows(shown)), indexer.waiting) == (10, 0)


def test_an_indexer_that_broke_off_reads_the_rest_at_its_next_look(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "SETTLED_S", -1.0)
    file = tmp_path / "index.sqlite"
    make_index(file)
    shown, real, left = Shown(file, [plain.path]), indexing.open_log, iter(range(4))

    def broken(*args):
        if next(left, None) == 3:
            raise OSError("the disk is away")
        return real(*args)

    monkeypatch.setattr(indexing, "open_log", broken)
    indexer = Indexer(file)
    with pytest.raises(OSError, match="away"):
        indexer.refresh(shown.runs)
    indexer.refresh(shown.runs)
    assert (len(rows(shown)), indexer.waiting) == (10, 0)


def test_a_run_says_how_far_it_is(run, tmp_path):
    put(run, "more", words("more", "x", ended=False))
    shown = show(tmp_path, run)
    (info,) = shown.home().runs
    assert (info.planned, info.begun, info.finished, info.kind, info.problem) == (10, 11, 10, "simulated", None)
    assert len(info.measures) == 5
    shutil.rmtree(run.path)
    assert shown.home().runs[0].problem == "its folder is gone"


# What a blind reader is not told


def test_blind_rows_hold_nothing_and_their_order_tells_nothing(lab, people, tmp_path):
    shown = show(tmp_path, lab, people)
    blind = rows(shown, blind=True)
    assert [each.key for each in blind] == sorted(each.key for each in rows(shown))
    allowed = {"key", "scenario", "state", "turns"}
    assert {name for each in blind for name, value in each.model_dump().items() if value is not None} == allowed
    text = json.dumps([each.model_dump() for each in blind])
    for secret in (*PRESETS, "human", lab.record.id, "scripted", "shared-dog.", "self-report"):
        assert secret not in text
    for sort in SORTS:
        for descending in (False, True):
            assert rows(shown, blind=True, sort=sort, descending=descending) == blind
    for name in FILTERS:
        if name != "scenario":
            assert rows(shown, blind=True, filters={name: ["partial"]}) == blind
    assert len(rows(shown, blind=True, filters={"scenario": ["shared-dog"]})) == 10


def test_the_order_of_blind_rows_is_not_by_condition(lab, tmp_path):
    """It is that of addresses, which no name of a condition orders."""
    shown = show(tmp_path, lab)
    conditions = {each.key: each.condition for each in rows(shown)}
    order = [conditions[each.key] for each in rows(shown, blind=True)]
    assert order != sorted(order)
