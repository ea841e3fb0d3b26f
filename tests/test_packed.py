"""Packing. Law: at every moment, a kill included, each finished log can be read, and is listed once."""

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from confide.scenarios import ConfideError, InputFileError
from confide.simulator import MeasureFolder, RunFolder, packed, packing, read_log
from confide.simulator.log import LogWriter
from confide.simulator.packing import log_folders, pack, unpack
from confide.viewer.index import make_index
from confide.viewer.indexing import Indexer
from confide.viewer.talk import open_log, side_calls
from tests.helpers import only_run

NAMES = ["a", "a.b", "a-b", "B", "z.0001", "ä", "x" * 100]
DATA = {name: f'{{"log": "{name}"}}\n'.encode() * (number + 1) for number, name in enumerate(NAMES)}


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "logs"
    found.mkdir()
    for number, (name, data) in enumerate(DATA.items()):
        file = found / f"{name}.jsonl"
        file.write_bytes(data)
        os.utime(file, ns=(number * 10**9 + 7, number * 10**9 + 7))
    return found


def must_be_there(folder, data=DATA):
    """Each log listed once, and readable."""
    assert [log.stem for log in packed.finished(folder)] == sorted(data, key=lambda name: f"{name}.jsonl")
    for name, what in data.items():
        log = folder / f"{name}.jsonl"
        assert packed.is_there(log)
        assert packed.read_bytes(log) == what
    assert [stamp.name for stamp in packed.stamps(folder)] == sorted(data)
    assert not packed.is_there(folder / "nobody.jsonl")


@pytest.mark.parametrize("segment_bytes", [1, 40, 1 << 20])
def test_packed_logs_are_read_and_listed_as_before_and_taken_out_again(folder, segment_bytes):
    files = [log.name for log in packed.finished(folder)]
    stamps = packed.stamps(folder)
    done = pack(folder, segment_bytes)
    assert done.logs == len(DATA)
    assert done.segments == len(list((folder / "packed").glob("*.logs"))) == {1: 7, 40: 6, 1 << 20: 1}[segment_bytes]
    assert not list(folder.glob("*.jsonl"))
    must_be_there(folder)
    assert packed.stamps(folder) == stamps, "who indexed them before has nothing to read again"
    assert pack(folder).logs == 0
    assert unpack(folder).logs == len(DATA)
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(files)
    assert packed.stamps(folder) == stamps
    assert unpack(folder).logs == 0


def test_what_comes_later_is_packed_beside(folder):
    pack(folder)
    (folder / "c.jsonl").write_bytes(b"later\n")
    data = {**DATA, "c": b"later\n"}
    must_be_there(folder, data)
    assert pack(folder) == (1, 2)
    must_be_there(folder, data)


def killed_after(lines, work, folder):
    """Does ``work`` in a process that is killed after so many lines of the packing code. Gives whether it was."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        left = [lines]

        def trace(frame, event, _):
            if frame.f_code.co_filename != packing.__file__:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)
            return trace

        sys.settrace(trace)
        work(folder, 40) if work is pack else work(folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


@pytest.mark.parametrize("then", [pack, unpack])
@pytest.mark.parametrize("work", [pack, unpack])
def test_a_kill_between_any_two_steps_leaves_every_log_readable_once(folder, tmp_path, monkeypatch, work, then):
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # hundreds of times; a kill does not lose what was written
    for name in NAMES[3:]:  # three will do
        (folder / f"{name}.jsonl").unlink()
    data = {name: DATA[name] for name in NAMES[:3]}
    if work is unpack:
        pack(folder, 40)
    lines, killed = 0, True
    while killed:
        copy = shutil.copytree(folder, tmp_path / "copy")
        killed = killed_after(lines, work, copy)
        must_be_there(copy, data)
        then(copy)
        must_be_there(copy, data)
        left = {entry.name for entry in (copy / "packed").iterdir()} if (copy / "packed").exists() else set()
        named = {place.segment for place in packed.places(copy)}
        assert left == ({"index", "lock", *named} if then is pack else set()), "nothing is left lying about"
        shutil.rmtree(copy)
        lines += 1 if lines < 30 else 3
    assert lines > 60


def test_logs_are_read_while_others_pack_and_unpack(folder):
    over = threading.Event()

    def to_and_fro():
        for _ in range(15):
            pack(folder, 40)
            unpack(folder)
        over.set()

    thread = threading.Thread(target=to_and_fro)
    thread.start()
    rounds = 0
    while not over.is_set():
        must_be_there(folder)
        rounds += 1
    thread.join()
    assert rounds


def test_two_who_pack_do_not_get_in_each_others_way(folder):
    with packing._held(folder), pytest.raises(ConfideError, match="is being packed or unpacked by another process"):
        pack(folder)


def test_another_log_under_the_name_of_a_packed_one_is_not_overwritten(folder):
    pack(folder)
    (folder / "a.jsonl").write_bytes(b"other words\n")
    for work in (pack, unpack):
        with pytest.raises(ConfideError, match=r"a\.jsonl is not what is packed under its name"):
            work(folder)
    assert (folder / "a.jsonl").read_bytes() == b"other words\n"


@pytest.mark.parametrize("harm", [b"", b"a\t000001.logs\t0\n", b"a\t1\t2\t3\t4", b"no line"])
def test_a_damaged_index_is_named(folder, harm):
    pack(folder)
    (folder / "packed" / "index").write_bytes(harm)
    with pytest.raises(InputFileError, match="the index of packed logs is damaged"):
        packed.is_there(folder / "a.jsonl")


def test_a_segment_that_is_cut_off_is_named(folder):
    pack(folder)
    os.truncate(folder / "packed" / "000001.logs", 3)
    with pytest.raises(InputFileError, match=r"it is cut off: it should hold"):
        packed.read_bytes(folder / "a.jsonl")
    with pytest.raises(InputFileError, match=r"it is cut off"):
        read_log(folder / "a.jsonl")


def test_a_full_disk_is_one_line(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfideError, match="No space left on device"):
        pack(folder)
    must_be_there(folder)


def test_a_packed_conversation_is_not_committed_again(tmp_path):
    for name in ("live", "final"):
        (tmp_path / name).mkdir()
    file = tmp_path / "final" / "talk.jsonl"
    file.write_bytes(b"first\n")
    pack(tmp_path / "final")
    with LogWriter(tmp_path / "live" / "talk.jsonl", file) as writer:
        assert not writer.commit()
    assert packed.read_bytes(file) == b"first\n"


# --- a packed run, in all that reads runs -----------------------------------------------------------------------------


@pytest.fixture
def run(confide):
    args = ("--n", 2, "--turns", 6, "--model", "scripted", "--reader", "scripted")
    code, _, err = confide("run", "exam-panic", "--condition", "partial", "--condition", "omniscient", "--with", "strategies", *args)  # fmt: skip
    assert code == 0, err
    return only_run()


def shown(confide, run):
    """What commands say of a run."""
    log = run.final("exam-panic.partial.0001")
    found = {}
    for command in (
        ("ls",),
        ("show", run.path, "-c", "exam-panic.partial.0001"),
        ("show", log),
        ("knows", log),
        ("replay", run.path),
        ("replay", log),
        ("audit", run.path, "--jobs", 1),
        ("scores", run.path, "--json"),
        ("profile", run.path, "--json"),
        ("disclosure", run.path, "--json"),
        ("score", run.path, "--with", "strategies", "--model", "scripted", "--json"),
        ("resume", run.path, "--json"),
        ("tables", run.path, "--out", "tables"),
        ("export", run.path, "--to", "esconv", "--out", "out.json"),
        ("report", run.path, "--out", "report.html"),
    ):
        code, out, _ = confide(*command)
        assert code == 0, command
        found[command] = out
    found["export"] = Path("out.json").read_text()
    for name in ("out.json", "report.html"):
        Path(name).unlink()
    shutil.rmtree("tables")
    return found


def test_everything_reads_a_packed_run_as_before(confide, run):
    before = shown(confide, run)
    code, out, err = confide("pack", run.path)
    assert (code, out.strip()) == (0, str(run.path))
    assert err == "confide: 8 logs packed; segments: 2\n"
    assert not list(run.path.rglob("*.jsonl"))
    assert shown(confide, run) == before
    assert [folder.name for folder in log_folders(run.path)] == ["conversations", "strategies.scripted"]
    code, out, _ = confide("fork", run.final("exam-panic.partial.0000"), "--at", 3)
    assert code == 0
    assert RunFolder.open(out.split()[-1]).record.fork.parent.run == run.record.id
    assert confide("unpack", run.path)[0] == 0
    assert len(list(run.path.rglob("*.jsonl"))) == 8
    assert len(MeasureFolder.open(run.path / "measures" / "strategies.scripted").logs()) == 4


def test_the_viewer_shows_a_packed_run_and_reads_nothing_again(confide, run, tmp_path):
    make_index(tmp_path / "index.sqlite")
    indexer = Indexer(tmp_path / "index.sqlite")
    while indexer.refresh([run]):
        pass
    names = [log.stem for log in run.finished()]
    before = [open_log(run, name) for name in names]
    confide("pack", run.path)
    assert not indexer.refresh([run])
    assert [open_log(run, name) for name in names] == before
    assert {opened.state for opened in before} == {"finished"}
    calls = side_calls(run, names[0], "strategies.scripted")
    assert calls is not None
    assert calls.calls


def test_a_packed_run_is_gone_on_with(confide, run):
    gone = run.final("exam-panic.partial.0001")
    gone.unlink()
    confide("pack", run.path)
    code, _, err = confide("resume", run.path)
    assert code in (0, 1), err
    assert [log.name for log in run.path.glob("conversations/*.jsonl")] == [gone.name]
    assert len(run.finished()) == 4


def test_a_large_run_is_packed_when_it_is_done(confide, monkeypatch):
    from confide.commands import scale

    monkeypatch.setattr(scale, "PACK_ABOVE", 3)
    confide("run", "exam-panic", "--n", 3, "--turns", 4, "--model", "scripted")
    assert len(list(only_run().path.glob("conversations/*.jsonl"))) == 3
    shutil.rmtree("runs")
    confide("run", "exam-panic", "--n", 4, "--turns", 4, "--model", "scripted")
    assert not list(only_run().path.glob("conversations/*.jsonl"))
    assert len(only_run().finished()) == 4
