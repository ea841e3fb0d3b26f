"""The server, over HTTP. Laws: it answers to loopback names alone, writes notes alone, and joins no name to a path."""

import json
import shutil
from functools import partial
from urllib.parse import quote

import pytest

from confide.viewer.documents import Agreements, Calls, Facets, Home, Notes, Rows, Talk
from confide.viewer.frame import static
from confide.viewer.server import LARGEST_NOTE, SAFE, TOKEN
from tests.helpers import HOSTILE
from tests.viewer_helpers import (
    PRESETS,
    asleep,
    copy_of,
    draft,
    files_in,
    hand_run,
    lab,
    looked,
    rows,
    serving,
    show,
    small,
    until,
    words,
)

__all__ = ["asleep", "lab", "small"]  # fixtures


@pytest.fixture(scope="module")
def served(lab, tmp_path_factory):
    """The lab's runs and one talk by hand, served. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("served")
    run = copy_of(lab, folder / "lab")
    hand = hand_run(folder, hand=words("hand", "one", "two", "three"))
    with serving(show(folder, run, hand)) as found:
        until(lambda: found.get("/api/home").json["waiting"] == 0)
        yield found


# What it answers


def test_documents_are_what_the_runs_say(served):
    shown = served.shown
    assert Home.model_validate_json(served.get("/api/home").body).runs == shown.home().runs
    assert Facets.model_validate_json(served.get("/api/facets").body) == shown.facets()
    assert Rows.model_validate_json(served.get("/api/rows").body).rows == rows(shown, limit=100)
    for row in rows(shown):
        talk = shown.talk(row.key)
        assert Talk.model_validate_json(served.get(f"/api/talks/{row.key}").body) == talk
        assert Talk.model_validate_json(served.get(f"/api/talks/{row.key}?blind").body) == shown.talk(
            row.key, blind=True
        )
        for measure in talk.measures:
            found = served.get(f"/api/talks/{row.key}/calls/{measure.key}")
            assert Calls.model_validate_json(found.body) == shown.calls(row.key, measure.key)
    assert Notes.model_validate_json(served.get("/api/notes").body).notes == ()
    assert Agreements.model_validate_json(served.get("/api/agreements").body).agreements == ()


def test_rows_are_asked_for_by_filter_order_page_and_words(served):
    def asked(query):
        found = served.get(f"/api/rows?{query}")
        assert found.status == 200
        return [row["conversation"] for row in found.json["rows"]]

    every = asked("sort=turns&limit=500")
    assert len(every) == 11
    assert every[0] == "hand"
    assert asked("sort=turns&limit=500&desc")[-1] == "hand"
    assert asked("sort=turns&offset=2&limit=3") == every[2:5]
    assert set(asked("condition=script&condition=gated")) == {
        f"shared-dog.{name}.000{n}" for name in ("script", "gated") for n in (0, 1)
    }
    assert asked("q=two&condition=partial&run=hand") == ["hand"]
    assert asked("q=nothing+of+the+kind") == []
    assert set(asked("blind&condition=script")) == {None}
    for query in (*HOSTILE, '"', "a\0b", "*", "NEAR(", "-", ":", "x" * 5000):
        assert served.get(f"/api/rows?q={quote(query)}").status == 200


@pytest.mark.parametrize(
    "query",
    ["sort=key", "sort=drift;--", "sort=", "limit=-1", "limit=x", "offset=1e3", "offset=99999999999", "limit=%D9%A3"],
)
def test_questions_that_make_no_sense_are_one_line(served, query):
    found = served.get(f"/api/rows?{query}")
    assert found.status == 422
    assert found.error


def test_the_page_is_there(served):
    page = served.get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'src="app.js"' in page.body
    assert b"<script>" not in page.body, "nothing inline: the policy would refuse it"
    for name in ("app.js", "app.css", "icon.svg"):
        assert served.get(f"/{name}").body == static(name).encode()


# Who may ask


EVERY = [
    ("GET", "/"), ("GET", "/app.js"), ("GET", "/favicon.ico"), ("GET", "/api/home"), ("GET", "/api/rows"),
    ("GET", "/api/rows?sort=x"), ("GET", "/api/facets"), ("GET", "/api/talks/none"), ("GET", "/api/notes"),
    ("GET", "/api/notes.csv"), ("GET", "/api/notes.json"), ("GET", "/api/agreements"), ("GET", "/nothing"),
    ("GET", "/api/home/"), ("POST", "/api/notes"), ("POST", "/api/home"), ("DELETE", "/api/notes"), ("PUT", "/"),
    ("OPTIONS", "/api/notes"), ("HEAD", "/"), ("GET", "/api/talks/..%2f..%2fetc%2fpasswd"),
]  # fmt: skip


@pytest.mark.parametrize("host", [None, "evil.example"])
@pytest.mark.parametrize(("method", "path"), EVERY)
def test_every_answer_has_the_safety_headers(served, method, path, host):
    found = served.ask(method, path, host=host)
    assert {name: found.headers.get(name.lower()) for name in SAFE} == SAFE
    assert "access-control-allow-origin" not in found.headers
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert "unsafe" not in found.headers["content-security-policy"]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8731", "127.0.0.1.evil.example", "localhost.evil.example", "xlocalhost", "0.0.0.0", "192.168.1.7",
     "", "evil.example#127.0.0.1", "127.0.0.1@evil.example"],
)  # fmt: skip
def test_a_foreign_name_is_refused(served, host):
    for path in ("/", "/api/home", "/api/rows", "/nothing"):
        found = served.get(path, host=host)
        assert found.status == 400
        assert b"token" not in found.body
        assert b"confide" not in found.body
    posted = served.ask("POST", "/api/notes", b"{}", {TOKEN: served.token()}, host=host or "evil.example")
    assert posted.status == 400


def test_loopback_names_are_answered(served):
    for host in ("127.0.0.1", "localhost", f"localhost:{served.port}", f"127.0.0.1:{served.port}"):
        assert served.get("/api/home", host=host).status == 200


# Paths


HARMFUL = [
    "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "%2e%2e%2f%2e%2e%2frun.json", "..%5c..%5c", "%2fetc%2fpasswd", "%00", "x%00y", ".",
    "a" * 5000, "%ff%fe", "%u002e", "run.json", "shared-dog.partial.0000", "%3cscript%3e", "0" * 16, "*", "%25",
    "conversations%2fshared-dog.partial.0000.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_an_address_is_no_path(served, name):
    good = rows(served.shown)[0].key
    for path in (f"/api/talks/{name}", f"/api/talks/{name}/calls/{name}", f"/api/talks/{good}/calls/{name}"):
        found = served.get(path)
        assert found.status == 404
        assert len(found.body) < 400
        for leak in (b"root:", b"Traceback", b"/tmp", b"conversations/", b"sqlite", b'"kind"'):
            assert leak not in found.body


@pytest.mark.parametrize(
    "path", ["/../../../../etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/app.js/../../server.py", "/static/app.js",
             "/%2e%2e/server.py", "/app.js%00.txt", "/api", "/api/", "/api/talks", "/api/talks/", "/index.html"],
)  # fmt: skip
def test_there_is_nothing_but_the_page_and_its_documents(served, path):
    got = served.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert got.split(b" ", 2)[1] in (b"404", b"307")
    assert b"root:" not in got
    assert b"import " not in got


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n", b"GET /api/home HTTP/1.0\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["no host", "no host, 1.0", "binary", "no path", "two hosts", "endless"],
)  # fmt: skip
def test_what_no_client_would_send_is_refused(served, data):
    got = served.raw(data)
    assert got == b"" or got.split(b" ", 2)[1] in (b"400", b"404", b"431")
    assert b"token" not in got
    assert served.get("/api/home").status == 200


# Notes


def nothing_is_written(shown, act):
    folder = shown.runs[0].path
    before = files_in(folder)
    found = act()
    assert files_in(folder) == before
    return found


@pytest.mark.parametrize("token", ["", "wrong", "é", None])
def test_a_request_without_the_pages_token_writes_nothing(small, token, asleep):
    with looked(small) as found:
        body = json.dumps(draft(small)).encode()
        headers = {} if token is None else {TOKEN: token.encode("latin-1")}
        refused = nothing_is_written(small, lambda: found.ask("POST", "/api/notes", body, headers))
        assert refused.status == 403
        assert "load it again" in refused.error
        assert found.post(draft(small)).status == 200


def test_tokens_are_of_one_server_alone(small, served, asleep):
    with looked(small) as found:
        assert found.token() != served.token()
        assert nothing_is_written(small, lambda: found.post(draft(small), served.token())).status == 403


REFUSED = [
    ({"turn": 3}, 422, "no turn 3"), ({"turn": 10**30}, 422, "no turn"), ({"turn": -1}, 422, "turn: "),
    ({"turn": 1, "strategies": ["Question"]}, 422, "a supporter's turn"),
    ({"turn": None, "strategies": ["Question"]}, 422, "a supporter's turn"),
    ({"strategies": ["Hugging"]}, 422, "no strategy 'Hugging'"), ({"strategies": ["question"]}, 422, "no strategy"),
    ({"strategies": "Question"}, 422, "strategies"), ({"strategies": [None]}, 422, "strategies.0"),
    *[({"reader": name}, 422, "reader: ") for name in ("../x", "", ".hidden", "a/b", "a\\b", "x" * 41, "a\n", "a b", "é", "-x", "\0", "..")],
    ({"reader": None}, 422, "reader: "), ({"transcript": "0" * 32}, 409, "load it again"), ({"key": "0" * 16}, 404, "address"),
    ({"key": "../hand"}, 404, "address"), ({"key": None}, 422, "key: "), ({"text": "x" * 20_001}, 422, "text: "),
    ({"text": None}, 422, "text: "), ({"tags": [""]}, 422, "tags.0: "), ({"tags": ["x" * 81]}, 422, "tags.0: "),
    ({"tags": "x"}, 422, "tags: "), ({"blind": None}, 422, "blind: "), ({"more": 1}, 422, "more: "),
]  # fmt: skip


def test_a_note_that_cannot_be_is_one_line_and_nothing_is_written(small, asleep):
    with looked(small) as found:
        for fields, status, wrong in REFUSED:
            refused = nothing_is_written(small, partial(found.post, draft(small, **fields)))
            assert (refused.status, fields) == (status, fields)
            assert wrong in refused.error
        for body in (b"", b"{", b"null", b"[]", b"\xff\xfe", b'"x"', b"[" * 5000, b'{"key": "\\ud800"}', b"{}"):
            refused = nothing_is_written(small, partial(found.post, body))
            assert refused.status == 422
            assert not refused.error.startswith(":")
        assert found.get("/api/notes").json == {"notes": []}


def test_a_note_that_is_too_large_is_refused_before_it_is_read(small, asleep):
    with looked(small) as found:
        token, size = found.token(), LARGEST_NOTE * 50
        head = f"POST /api/notes HTTP/1.1\r\nHost: localhost\r\n{TOKEN}: {token}\r\nContent-Length: {size}\r\n\r\n"
        got = nothing_is_written(small, lambda: found.raw(head.encode() + b" " * (LARGEST_NOTE + 1)))
        assert got.split(b" ", 2)[1] == b"413"
        assert b"200,000 bytes" in got
        most = json.dumps(draft(small)).encode()
        assert found.post(most + b" " * (LARGEST_NOTE - len(most))).status == 200
        assert found.post(most + b" " * (LARGEST_NOTE + 1 - len(most))).status == 413


def test_a_note_on_a_run_that_is_gone_is_refused(small, asleep):
    with looked(small) as found:
        note, folder = draft(small), small.runs[0].path
        shutil.rmtree(folder)
        for refused in (
            found.post(note),
            found.get(f"/api/talks/{note['key']}"),
            found.get(f"/api/talks/{note['key']}?blind"),
        ):
            assert refused.status == 410
            assert "was the run moved or deleted?" in refused.error
        assert not folder.exists()
        assert found.get("/api/rows").status == found.get("/api/home").status == 200
        assert found.get("/api/home").json["runs"][0]["problem"] == "its folder is gone"


def test_a_blind_reader_is_sent_nothing_private(served):
    text = served.get("/api/rows?blind&q=the&limit=500").body.decode()
    for row in rows(served.shown):
        text += served.get(f"/api/talks/{row.key}?blind").body.decode()
    for secret in [f".{name}." for name in PRESETS] + [
        '"scripted"',
        "strategies.scripted",
        served.shown.runs[0].record.id,
    ]:
        assert secret not in text
