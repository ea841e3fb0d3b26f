"""Exports. Laws: they hold what the server would have sent; nothing in them can end a script; nothing is left of a failure."""

import base64
import gzip
import hashlib
import json
import re
import resource
import shutil
from contextlib import contextmanager
from html.parser import HTMLParser

import pytest

from confide.scenarios import ConfideError
from confide.viewer import export as module
from confide.viewer import shown as shown_module
from confide.viewer.documents import Agreements, Calls, Facets, Home, NoteDraft, Notes, Rows, Talk, Words
from confide.viewer.export import ALONE, CHUNK, export
from confide.viewer.frame import static
from tests.helpers import HOSTILE
from tests.viewer_helpers import copy_of, draft, hand_run, lab, people, rows, show, talks, words

__all__ = ["lab", "people"]  # fixtures
NASTY = "</script><script>alert(1)</script><!-- ]]> \u2028 "


@pytest.fixture(scope="module")
def shown(lab, people, tmp_path_factory):
    """Conversations of all kinds, hostile words, a damaged log, notes."""
    folder = tmp_path_factory.mktemp("shown")
    hand = hand_run(
        folder,
        hand=words("hand", NASTY, *HOSTILE),
        open=words("open", "a", ended=False),
        bad=words("bad", "x", "y"),
    )
    hand.final("bad").write_bytes(hand.final("bad").read_bytes()[:-40] + b"\n")
    found = show(folder, copy_of(lab, folder / "lab"), people, hand)
    found.save(NoteDraft(**draft(found, text=NASTY, tags=(NASTY[:60],), strategies=("Question",))))
    return found


@pytest.fixture(scope="module")
def page(shown, tmp_path_factory):
    """An export as one file."""
    return export(shown, tmp_path_factory.mktemp("page") / "page.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(shown, tmp_path_factory):
    """An export as a folder."""
    return export(shown, tmp_path_factory.mktemp("folder") / "out").parent


def unpacked(packed):
    return gzip.decompress(base64.b64decode(packed, validate=True))


class Parsed(HTMLParser):
    """What a browser makes of a page: the scripts and styles with their attributes and texts, and what is loaded."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.styles, self.loaded, self.policy, self.ids = [], [], [], "", []
        self._in = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        assert not [name for name in found if name.startswith("on")]
        if found.get("http-equiv"):
            self.policy = found["content"]
        self.loaded += [found[name] for name in ("src", "href") if name in found]
        self.ids += [found["id"]] if "id" in found else []
        if tag in ("script", "style"):
            self._in = (self.scripts if tag == "script" else self.styles, found, [])

    def handle_data(self, data):
        if self._in:
            self._in[2].append(data)

    def handle_endtag(self, tag):
        if self._in and tag in ("script", "style"):
            into, attrs, text = self._in
            into.append((attrs, "".join(text)))
            self._in = None


def documents_in(page):
    return {
        attrs["id"].removeprefix("data-"): unpacked(text)
        for attrs, text in Parsed(page).scripts
        if attrs.get("type") == "text/plain"
    }


def documents_of(folder):
    found = {}
    for file in (folder / "data").iterdir():
        match = re.fullmatch(r'confideData\("([^"\\<]+)","([A-Za-z0-9+/=]+)"\);\n', file.read_text(encoding="ascii"))
        assert match[1] == file.stem
        found[file.stem] = unpacked(match[2])
    return found


def are_what_the_server_sends(found, shown):
    home = Home.model_validate_json(found.pop("home"))
    chunks = -(-len(rows(shown)) // module.CHUNK)
    assert home == shown.home(static=True, chunks=chunks)
    assert (home.token, home.static, home.waiting) == (None, True, 0)
    made = Rows.model_validate_json(found.pop("rows"))
    assert (made.rows, made.total, made.offset) == (rows(shown), len(rows(shown)), 0)
    assert Facets.model_validate_json(found.pop("facets")) == shown.facets()
    assert Notes.model_validate_json(found.pop("notes")) == shown.notes()
    assert Agreements.model_validate_json(found.pop("agreements")) == shown.agreements()
    lines = [line for n in range(chunks) for line in Words.model_validate_json(found.pop(f"words-{n}")).lines]
    expected = []
    for talk in talks(shown):
        assert Talk.model_validate_json(found.pop(talk.key)) == talk
        for measure in talk.measures:
            assert Calls.model_validate_json(found.pop(f"{talk.key}.{measure.key}")) == shown.calls(
                talk.key, measure.key
            )
        for turn in talk.turns:
            expected.append((talk.key, turn.turn, turn.role, False, turn.utterance))
            expected += [(talk.key, turn.turn, turn.role, True, turn.thoughts)] if turn.thoughts else []
    assert [(line.key, line.turn, line.role, line.private, line.text) for line in lines] == expected
    assert found == {}, "and nothing else"


def test_one_file_holds_what_the_server_sends(page, shown):
    are_what_the_server_sends(documents_in(page), shown)


def test_a_folder_holds_what_the_server_sends(folder, shown):
    are_what_the_server_sends(documents_of(folder), shown)
    assert sorted(each.name for each in folder.iterdir()) == ["app.css", "app.js", "data", "icon.svg", "index.html"]
    for name in ("app.js", "app.css", "icon.svg"):
        assert (folder / name).read_text(encoding="utf-8") == static(name)


@pytest.mark.parametrize("most", [2, 5])
def test_parts_of_many_conversations_add_up(shown, tmp_path, monkeypatch, most):
    monkeypatch.setattr(module, "MOST", most)
    monkeypatch.setattr(module, "CHUNK", most)
    are_what_the_server_sends(documents_of(export(shown, tmp_path / "out").parent), shown)


def test_nothing_in_one_file_can_end_a_script(page):
    parsed = Parsed(page)
    assert page.count("</script") == len(parsed.scripts) == page.count("<script")
    assert len(parsed.styles) == page.count("</style") == 1
    for attrs, text in parsed.scripts:
        if attrs:
            assert re.fullmatch(r"[A-Za-z0-9+/=]+", text)
            assert re.fullmatch(r"data-[A-Za-z0-9._-]+", attrs["id"])
    assert [text for attrs, text in parsed.scripts if not attrs] == [static("app.js")]
    assert parsed.styles == [({}, static("app.css"))]
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert NASTY not in page
    assert "alert(1)" not in page


def address(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_of_one_file_lets_in_its_own_script_and_style_alone(page):
    parsed = Parsed(page)
    (script,) = [text for attrs, text in parsed.scripts if not attrs]
    ((_, style),) = parsed.styles
    rules = dict(rule.strip().split(" ", 1) for rule in parsed.policy.split(";"))
    assert rules == {
        "default-src": "'none'", "script-src": address(script), "style-src": address(style), "img-src": "data:",
        "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<script")
    assert all(each.startswith("data:image/svg+xml;base64,") for each in parsed.loaded)


def test_a_folder_loads_nothing_from_elsewhere(folder):
    text = (folder / "index.html").read_text(encoding="utf-8")
    parsed = Parsed(text)
    assert sorted(parsed.loaded) == ["app.css", "app.js", "icon.svg"]
    assert {text for _, text in parsed.scripts} == {""}
    rules = dict(rule.strip().split(" ", 1) for rule in parsed.policy.split(";"))
    assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self' file:")
    assert "unsafe" not in parsed.policy


def test_the_same_runs_give_the_same_bytes(shown, page, tmp_path):
    assert export(shown, tmp_path / "again.html").read_text(encoding="utf-8") == page


# Refusals


def test_one_file_holds_at_most_so_many(shown, tmp_path, monkeypatch):
    assert (ALONE, CHUNK) == (1_000, 1_000)
    total = len(rows(shown))
    monkeypatch.setattr(module, "ALONE", total - 1)
    with pytest.raises(ConfideError) as caught:
        export(shown, tmp_path / "page.html")
    assert str(caught.value) == (
        f"{total} conversations are too many for one file (at most {total - 1}): give a folder, --export {tmp_path / 'page'}"
    )
    assert list(tmp_path.iterdir()) == []
    assert export(shown, tmp_path / "page").name == "index.html"
    monkeypatch.setattr(module, "ALONE", total)
    assert export(shown, tmp_path / "page.html").exists()


def left(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


def test_what_is_there_is_not_written_over(shown, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "page.html").mkdir()
    (tmp_path / "page.html" / "mine").write_text("mine")
    before = left(tmp_path)
    for out in ("there", "file", "file/out", "file/page.html", "page.html", "nowhere/page.html"):
        with pytest.raises(ConfideError) as caught:
            export(shown, tmp_path / out)
        assert "\n" not in str(caught.value)
        assert left(tmp_path) == before, out
    with pytest.raises(ConfideError, match="is not empty: give a new folder"):
        export(shown, tmp_path / "there")


def test_an_empty_folder_may_be_filled(shown, tmp_path):
    (tmp_path / "empty").mkdir()
    assert export(shown, tmp_path / "empty") == tmp_path / "empty" / "index.html"


@contextmanager
def full_disk(size):
    """No file may grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("out", ["page.html", "out", "empty"])
def test_nothing_is_left_where_the_disk_refuses(shown, tmp_path, out):
    (tmp_path / "empty").mkdir()
    for size, wrong in ((2000, "cannot fill the index"), (60_000, "cannot write")):
        with full_disk(size), pytest.raises(ConfideError, match=wrong) as caught:
            export(shown, tmp_path / out)
        assert "\n" not in str(caught.value)
        assert left(tmp_path) == ["empty"]


@pytest.mark.parametrize("out", ["page.html", "out"])
def test_a_page_that_was_there_stays_where_a_conversation_goes_away_meanwhile(shown, tmp_path, monkeypatch, out):
    export(shown, tmp_path / "page.html")
    old, count = (tmp_path / "page.html").read_bytes(), iter(range(3))
    real = shown_module.open_log

    def going(run, conversation):
        if next(count, None) is None:
            raise shown_module.InputFileError([])
        return real(run, conversation)

    monkeypatch.setattr(shown_module, "open_log", going)
    with pytest.raises(ConfideError):
        export(shown, tmp_path / out)
    assert left(tmp_path) == ["page.html"]
    assert (tmp_path / "page.html").read_bytes() == old


def test_there_must_be_something(tmp_path):
    shown = show(tmp_path, hand_run(tmp_path / "runs"))
    with pytest.raises(ConfideError, match="there is no conversation to export"):
        export(shown, tmp_path / "page.html")


@pytest.mark.parametrize(
    "measure", ['x"><script>alert(1)</script>', "../../../../evil", 'x");alert(1);("', "..", "a/b", "x y"]
)
def test_a_readers_name_that_is_no_name_gets_into_no_file_and_no_link(lab, tmp_path, measure):
    """A run that somebody sent may say anything in measure.json."""
    run = copy_of(lab, tmp_path / "runs" / "lab")
    for other in run.path.glob("measures/traits*"):
        shutil.rmtree(other)
    for log in run.logs()[1:]:
        log.unlink()
    file = run.path / "measures" / "identity.scripted" / "measure.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "measure": measure}))
    shown = show(tmp_path, run)
    page = export(shown, tmp_path / "page.html").read_text()
    assert page.count("<script") == len(documents_in(page)) + 1
    folder = export(shown, tmp_path / "out").parent
    assert documents_of(folder).keys() == documents_in(page).keys()
    assert {each.name for each in tmp_path.iterdir()} >= {"page.html", "out", "runs"}
    assert not list(tmp_path.rglob("*evil*"))
    (info,) = shown.home().runs
    assert measure[:20] in info.problem.encode().decode("unicode_escape")
    assert "identity" not in "".join(info.measures)
