"""What the server tells of runs that go on, and how it lives with an index that is lost and with errors of its own."""

import http.client
import json
import threading
from contextlib import contextmanager
from functools import partial

from confide.viewer import server
from confide.viewer.index import make_index
from confide.viewer.server import SAFE, Watcher
from confide.viewer.shown import Shown
from tests.viewer_helpers import asleep, hand_run, looked, put, serving, small, until, words

__all__ = ["asleep", "small"]  # fixtures


@contextmanager
def listening(served):
    """The lines of the stream of changes, as they come."""
    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    line.request("GET", "/api/changes")
    answer = line.getresponse()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert {name: answer.headers[name] for name in SAFE} == SAFE
    heard = []
    assert answer.readline() == b": here\n"

    def listen():
        while got := answer.readline():
            if got.startswith(b"data: "):
                heard.append(json.loads(got[6:]))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield heard
    thread.join(10)
    assert not thread.is_alive(), "a server that stops ends its streams"
    line.close()


def test_it_tells_of_a_conversation_that_grows(small, monkeypatch):
    monkeypatch.setattr(server, "Watcher", partial(Watcher, every=0.05))
    run = small.runs[0]
    events = words("grows", "first", "second")
    with serving(small) as found, listening(found) as heard:
        with run.writer("grows") as writer:
            writer.write(*events[:2])
            until(lambda: any(each["keys"] for each in heard))
            (key,) = {key for each in heard for key in each["keys"]}
            assert len(found.get(f"/api/talks/{key}").json["turns"]) == 1
            heard.clear()
            writer.write(*events[2:])
            writer.commit()
            until(lambda: any(key in each["keys"] for each in heard))
        until(lambda: found.get(f"/api/talks/{key}").json["state"] == "finished")
        until(lambda: found.get("/api/rows").json["total"] == 2)
        heard.clear()
        run.final("grows").unlink()
        until(lambda: any(key in each["keys"] for each in heard))
        assert found.get(f"/api/talks/{key}").status == 404
        put(run, "after", words("after", "x"))
        until(lambda: found.get("/api/rows?q=x").json["total"] == 1)
        found.server.should_exit = True  # while somebody listens


def test_an_index_that_is_deleted_under_it_is_made_again(small, monkeypatch):
    monkeypatch.setattr(server, "Watcher", partial(Watcher, every=0.2))
    with serving(small) as found:
        until(lambda: found.get("/api/rows").json["total"] == 1)
        for harm in (lambda file: file.unlink(), lambda file: file.write_bytes(b"garbage" * 5000)):
            harm(small.index)
            for path in ("/api/rows", "/api/home", "/api/facets"):
                answer = found.get(path)
                assert answer.status in (200, 503)
                assert answer.status == 200 or answer.error
                assert {name: answer.headers.get(name.lower()) for name in SAFE} == SAFE
            until(lambda: found.get("/api/rows").status == 200 and found.get("/api/rows").json["total"] == 1)


def test_an_error_of_our_own_is_said_and_tells_nothing(small, asleep, monkeypatch):
    def broken(*args, **fields):
        raise RuntimeError("zqsecret")

    with looked(small) as found:
        monkeypatch.setattr(small, "facets", broken)
        answer = found.get("/api/facets")
        assert (answer.status, answer.body) == (500, b"Internal Server Error")
        assert {name: answer.headers.get(name.lower()) for name in SAFE} == SAFE
        assert found.get("/api/rows").status == 200


def test_runs_that_are_begun_later_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "Watcher", partial(Watcher, every=0.05))
    folder = tmp_path / "runs"
    folder.mkdir()
    file = tmp_path / "index.sqlite"
    make_index(file)
    with serving(Shown(file, [], folder)) as found:
        assert found.get("/api/rows").json["total"] == 0
        hand_run(folder, "later", hand=words("hand", "x"))
        until(lambda: found.get("/api/rows").json["total"] == 1)
        assert [run["id"] for run in found.get("/api/home").json["runs"]] == ["later"]
