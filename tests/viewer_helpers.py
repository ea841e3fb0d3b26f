"""Runs that the viewer is shown: studied by readers, made by hand, or held by people; and its server over real HTTP."""

import asyncio
import http.client
import json
import shutil
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from confide.agents import Place, Segment, View, render
from confide.agents.reply import SeekerReply, SupporterReply
from confide.cli import main
from confide.evaluators.exchange import import_esconv
from confide.scenarios import Role
from confide.simulator import Called, Ended, EndReason, RunFolder, Spoke, read_log
from confide.viewer import server
from confide.viewer.grid import Query
from confide.viewer.index import alone, make_index
from confide.viewer.indexing import Indexer
from confide.viewer.server import TOKEN, ViewerServer, Watcher
from confide.viewer.shown import Shown
from tests.helpers import CONDITIONS
from tests.test_exchange import TALK
from tests.test_sample import SAMPLE

PRESETS = ("partial", "omniscient", "author", "script", "gated")
STUDY = (
    "run shared-dog --model scripted --turns 6 --n 2 --with strategies --with identity --with traits-markers --reader scripted "
    + " ".join(f"--condition {name}" for name in PRESETS)
)
SAID = read_log(SAMPLE / "conversations" / "awake-at-three.partial.0000.jsonl").events
SEEKER, SUPPORTER = Role


def command(folder, line):
    """Run the command line in ``folder``, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CONFIDE_CACHE", str(folder / "cache"))
        patch.setattr(sys, "argv", ["confide", *line.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Ten conversations, two under each preset, read by two readers and asked about traits. Not to be written to."""
    folder = tmp_path_factory.mktemp("lab")
    command(folder, STUDY)
    return RunFolder.open(next(folder.glob("runs/*")))


@pytest.fixture
def run(lab, tmp_path):
    """A copy of it."""
    return copy_of(lab, tmp_path / "runs" / "copy")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Two conversations that people held."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "people.json").write_text(json.dumps([TALK, TALK]))
    return import_esconv(folder / "people.json", folder / "runs", None, ()).run


@pytest.fixture(scope="module")
def fork(lab, tmp_path_factory):
    """A fork of one of the lab's conversations, at turn 3."""
    folder = tmp_path_factory.mktemp("fork")
    command(folder, f"fork {lab.final('shared-dog.partial.0000')} --at 3 --set model=scripted")
    return RunFolder.open(next(folder.glob("runs/*")))


def copy_of(run, path):
    return RunFolder.open(shutil.copytree(run.path, path))


def spoke(turn, role, text, **fields):
    """A turn; ``fields`` are its reply's."""
    if role is SEEKER:
        reply = SeekerReply(**{"utterance": text, "thoughts": "", "emotion": 50, "trust": 40, "told": (), **fields})
    else:
        reply = SupporterReply(**{"utterance": text, "strategies": ("Question",), "told": (), **fields})
    return Spoke(seq=0, turn=turn, role=role, reply=reply)


def numbered(events):
    return [event.model_copy(update={"seq": seq}) for seq, event in enumerate(events)]


def begun(conversation, condition="partial", **fields):
    changed = {"conversation": conversation, "condition": CONDITIONS[condition], **fields}
    return SAID[0].model_copy(update=changed)


def words(conversation, *texts, ended=True, condition="partial", **fields):
    """The events of a talk in which the texts are said in turn, by the supporter first."""
    turns = [spoke(turn, SUPPORTER if turn % 2 == 0 else SEEKER, text) for turn, text in enumerate(texts)]
    end = [Ended(seq=0, reason=EndReason.TURN_LIMIT, turns=len(turns))] if ended else []
    return numbered([begun(conversation, condition, **fields), *turns, *end])


def hand_run(folder, name="hand", created="2026-01-01T00:00:00+00:00", **talks):
    """A run of talks by hand: lists of events by conversation. A talk that has not ended lies in ``live``."""
    record = RunFolder.open(SAMPLE).record.model_copy(update={"id": name, "created": created})
    run = RunFolder.create(folder, record)
    for conversation, events in talks.items():
        put(run, conversation, events)
    return run


def put(run, conversation, events):
    with run.writer(conversation) as writer:
        writer.write(*events)
        if isinstance(events[-1], Ended):
            writer.commit()


def show(folder, *runs, index="index.sqlite"):
    """The runs with an index that is filled."""
    file = folder / index
    make_index(file)
    shown = Shown(file, [run.path for run in runs])
    Indexer(file).refresh(shown.runs)
    return shown


def rows(shown, **query):
    return shown.rows(Query(runs=(), **{"limit": 500, **query})).rows


def row(shown, conversation):
    (found,) = [each for each in rows(shown) if each.conversation == conversation]
    return found


def key(shown, conversation):
    return row(shown, conversation).key


def talks(shown):
    return [shown.talk(each.key) for each in rows(shown)]


def prompts(calls, texts):
    """The segments of each call, rebuilt as the page does; None for a call without an answer."""
    made = []
    for call in calls:
        kept = made[call.base][: call.kept] if call.kept else ()
        assert len(kept) == call.kept
        new = tuple(Segment(each.source, Place(each.place), texts[each.hash]) for each in call.segments)
        made.append((*kept, *new) if call.answered else None)
    return made


def rendered(segments):
    return render(View(SEEKER, 0, segments))


def log_of(talk, *runs):
    """The log of a conversation, wherever it is of."""
    return next(run for run in runs if run.record.id == talk.setting.run).final(talk.setting.conversation)


def called(log):
    return [event for event in read_log(log).events if isinstance(event, Called)]


class Answer(NamedTuple):
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """What it says is wrong: one line, and nothing of the machine."""
        (name, line), *more = self.json.items()
        assert (name, more) == ("error", [])
        assert line.strip() == line != ""
        assert "\n" not in line
        assert "Traceback" not in line
        return line


class Served(NamedTuple):
    """A server that runs."""

    shown: Shown
    port: int
    server: ViewerServer

    def ask(self, method, path, body=None, headers=None, host=None):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if host != "":
                line.putheader("Host", host or f"127.0.0.1:{self.port}")
            for name, value in (headers or {}).items():
                line.putheader(name, value)
            if body is not None:
                line.putheader("Content-Length", str(len(body)))
            line.endheaders(body)
            got = line.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            line.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def token(self):
        return self.get("/api/home").json["token"]

    def post(self, draft, token=None):
        body = draft if isinstance(draft, bytes) else json.dumps(draft).encode()
        return self.ask("POST", "/api/notes", body, {TOKEN: self.token() if token is None else token})

    def raw(self, data):
        """What comes back for bytes that no client would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            got = b""
            with suppress(OSError):  # it may hang up before all is said
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                while part := line.recv(65536):
                    got += part
        return got


@contextmanager
def serving(shown):
    """Serve runs on a free port, in a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    serves = ViewerServer(shown)
    thread = threading.Thread(target=lambda: asyncio.run(serves.serve([listening])))
    thread.start()
    try:
        until(lambda: serves.started)
        yield Served(shown, listening.getsockname()[1], serves)
    finally:
        serves.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def asleep(monkeypatch):
    """Watchers look once, and then not again."""
    monkeypatch.setattr(server, "Watcher", partial(Watcher, every=1000.0))


@pytest.fixture
def small(tmp_path):
    """One talk of three turns; the supporter's are 0 and 2."""
    return show(tmp_path, hand_run(tmp_path / "runs", hand=words("hand", "one", "two", "three")))


@contextmanager
def looked(shown):
    """Serve; begins when the watcher has looked once."""
    with serving(shown) as found:
        until(lambda: found.server._watcher._indexer._tidied)
        with alone(shown.index.with_suffix(".filling")):  # the look is over
            pass
        yield found


def draft(shown, conversation="hand", **fields):
    """A note as the page sends it."""
    where = key(shown, conversation)
    transcript = shown.talk(where).transcript
    return {"key": where, "reader": "ann", "transcript": transcript, "turn": 0, "text": "so", "blind": False, **fields}


def until(true, seconds=15):
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


def files_in(folder):
    return {file: file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}
