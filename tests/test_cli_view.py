"""``confide view``: how it begins and ends, and what it says where it cannot."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from confide.simulator import RunFolder
from tests.test_sample import SAMPLE
from tests.viewer_helpers import hand_run, words


@pytest.fixture(autouse=True)
def folder(own_folder, tmp_path, monkeypatch):
    """Runs of their own, and an index of their own."""
    monkeypatch.setenv("CONFIDE_CACHE", str(tmp_path / "cache"))
    hand_run(tmp_path / "runs", "one", hand=words("hand", "x"))
    return tmp_path


def one_line(err):
    (line,) = err.splitlines()
    assert line.startswith("confide: ")
    return line


@pytest.mark.parametrize(
    ("args", "wrong"),
    [
        (["--runs", "nowhere"], "no runs in nowhere; start one: confide run exam-panic"),
        (["nowhere"], "nowhere/run.json"),
        (["runs"], "runs/run.json"),
        (["../../../etc/passwd"], "is the folder a run's?"),
        (["runs/one", "runs/one"], "the run 'one' is given twice"),
        (["one", "runs/one"], "the run 'one' is given twice"),
        (["--runs", "empty", "--export", "page.html"], "there is no conversation to export"),
        (["one", "--export", "there"], "is not empty: give a new folder"),
        (["one", "--export", "nowhere/page.html"], "cannot write nowhere/page.html: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(confide, args, wrong):
    Path("empty").mkdir()
    Path("there").mkdir()
    Path("there/mine").write_text("mine")
    code, out, err = confide("view", "--no-browser", *args)
    assert (code, out) == (2, "")
    assert wrong in one_line(err)


def test_a_copy_of_a_run_beside_it_is_the_same_run(confide):
    shutil.copytree("runs/one", "copied")
    code, _, err = confide("view", "--no-browser", "runs/one", "copied")
    assert (code, one_line(err)) == (2, "confide: the run 'one' is given twice")


def test_a_run_that_is_damaged_is_named(confide):
    Path("runs/one/run.json").write_text("{")
    code, _, err = confide("view", "--no-browser", "one")
    assert code == 2
    assert "runs/one/run.json" in err
    assert "Traceback" not in err


def test_a_port_that_is_taken(confide):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = confide("view", "--no-browser", "--port", port)
    assert (code, out) == (2, "")
    assert one_line(err) == f"confide: cannot listen on port {port}: Address already in use; choose another with --port"


@pytest.mark.parametrize("port", [-1, 65536, "x", "8731.5", ""])
def test_a_port_that_is_none(confide, port):
    code, out, err = confide("view", "--no-browser", "--port", port)
    assert (code, out) == (2, "")
    assert "--port" in err
    assert "Traceback" not in err


def test_an_export_prints_where_it_is(confide, folder):
    code, out, err = confide("view", "one", "--export", "page.html")
    assert (code, out, err) == (0, "page.html\n", "")
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    code, out, _ = confide("view", SAMPLE, "runs/one", "--export", "out")
    assert (code, out) == (0, "out/index.html\n")
    assert len(list(Path("out/data").glob("*.js"))) > 2
    assert (folder / "cache" / "viewer" / "index.sqlite").exists()
    assert not Path("runs/one/notes").exists()


def test_an_index_that_is_garbage_stops_nobody(confide, folder):
    file = folder / "cache" / "viewer" / "index.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"garbage" * 1000)
    assert confide("view", "one", "--export", "page.html")[0] == 0


@pytest.mark.slow
def test_it_serves_until_it_is_interrupted(folder):
    command = [sys.executable, "-m", "confide", "view", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = process.stderr.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}api/home", timeout=20) as answer:
            assert [run["id"] for run in json.load(answer)["runs"]] == ["one"]
        stream = urllib.request.urlopen(f"{address}api/changes", timeout=20)
        assert stream.readline() == b": here\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        stream.close()
    finally:
        process.kill()
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert RunFolder.open(folder / "runs" / "one").logs()
