"""The page in a real browser: two conversations, notes, hostile texts, damaged logs, a run that goes away, exports."""

import json
import re
import shutil

import pytest

from confide.viewer.export import export
from tests.browser_helpers import fits, grid, serious
from tests.helpers import HOSTILE
from tests.viewer_helpers import (
    SUPPORTER,
    begun,
    copy_of,
    hand_run,
    key,
    numbered,
    rows,
    serving,
    show,
    spoke,
    words,
)

pytestmark = pytest.mark.browser
EVIL = (
    *HOSTILE,
    "</script><script>window.pwned = 1</script>",
    '<img src=x onerror="window.pwned = 1">',
    "javascript:window.pwned = 1",
    "\u0639\u0631\u0628\u064a abc \u202e123",
    "e\u0301" * 40 + " z\u0335\u0321\u033b",
    "\u2066\u2067",
)


@pytest.fixture(scope="module")
def server(lab, fork, tmp_path_factory):
    with serving(show(tmp_path_factory.mktemp("more"), lab, fork)) as served:
        yield served


def address(server, conversation, run):
    return next(
        each.key for each in rows(server.shown) if (each.conversation, each.run) == (conversation, run.record.id)
    )


def compared(server, tab, one, other, **fields):
    page = tab(f"http://127.0.0.1:{server.port}/#/compare/{one}/{other}", **fields)
    page.get_by_role("slider", name="Turn", exact=True).wait_for()
    return page


def test_two_conditions_are_scrubbed_together(server, tab, lab):
    one, other = (address(server, f"shared-dog.{name}.0000", lab) for name in ("partial", "omniscient"))
    page = compared(server, tab, one, other)
    for conversation in (one, other):
        for turn in server.shown.talk(conversation).turns:
            assert turn.utterance in page.locator("main").text_content()
    page.keyboard.press("j")
    page.wait_for_url(re.compile("turn=1"))
    for name in ("Who knows what", "Strategies", "Distress and trust"):
        assert page.get_by_role("heading", name=re.compile(name)).count() >= 1
    assert serious(page) == []


def test_a_fork_parts_from_its_parent_where_it_was_made(server, tab, lab, fork):
    child, parent = address(server, "shared-dog.partial.0000", fork), address(server, "shared-dog.partial.0000", lab)
    said = [[turn.utterance for turn in server.shown.talk(each).turns] for each in (child, parent)]
    pairs = list(zip(*said, strict=False))
    part = next((turn for turn, (a, b) in enumerate(pairs) if a != b), None)
    page = compared(server, tab, child, parent)
    words_shown = page.locator("main").text_content()
    assert "turn 3" in words_shown  # where it branched off
    if part is not None:
        page.keyboard.press("d")
        page.wait_for_url(re.compile(f"turn={part}"))


def test_the_replay_leads_to_what_it_can_be_compared_with(server, tab, lab, fork):
    page = tab(f"http://127.0.0.1:{server.port}/#/talk/{address(server, 'shared-dog.partial.0000', fork)}")
    page.get_by_role("slider", name="Turn", exact=True).wait_for()
    choice = page.get_by_label(re.compile("compare with"))
    value = choice.locator("option").nth(1).get_attribute("value")
    choice.select_option(value)
    page.wait_for_url(re.compile("#/compare/"))
    page.get_by_role("slider", name="Turn", exact=True).wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_nobody_is_kept_out_of_a_comparison(server, tab, lab, width, scheme):
    one, other = (address(server, f"shared-dog.{name}.0000", lab) for name in ("partial", "script"))
    page = compared(server, tab, one, other, width=width, scheme=scheme)
    assert serious(page) == []
    assert fits(page)


def test_a_note_is_kept_beside_the_run_and_comes_back(tmp_path, tab, lab):
    run = copy_of(lab, tmp_path / "runs" / "mine")
    with serving(show(tmp_path, run)) as served:
        talk = served.shown.talk(key(served.shown, "shared-dog.partial.0000"))
        turn = next(turn.turn for turn in talk.turns if turn.role is SUPPORTER)
        page = tab(f"http://127.0.0.1:{served.port}/#/talk/{talk.key}?turn={turn}")
        page.get_by_role("slider", name="Turn", exact=True).wait_for()
        page.keyboard.press("n")
        page.get_by_label(re.compile("name|sign", re.IGNORECASE)).first.fill("mira")
        page.keyboard.press("Enter")
        page.keyboard.press("n")
        page.keyboard.type("Too early a suggestion. </script>")
        page.get_by_role("checkbox", name="Question", exact=True).check()
        page.keyboard.press("Control+Enter")
        page.get_by_text("1 note saved").wait_for()
        (line,) = (run.path / "notes" / "mira.jsonl").read_text().splitlines()
        note = json.loads(line)
        assert (note["text"], note["strategies"], note["blind"]) == (
            "Too early a suggestion. </script>",
            ["Question"],
            False,
        )
        page.reload()
        page.get_by_text("1 note saved").wait_for()
        with page.expect_download() as loading:
            page.goto(f"http://127.0.0.1:{served.port}/#/")
            page.get_by_role("link", name="CSV").click()
        assert "Too early" in loading.value.path().read_text()


def evil_run(folder):
    """Talks whose every text is hostile, one with a megabyte in it, one without a turn, and damaged ones."""
    turns = [
        spoke(n, SUPPORTER, text, notes=text, strategies=("Question",)) if n % 2 == 0 else spoke(n, SUPPORTER.other, text, thoughts=text)
        for n, text in enumerate(EVIL)
    ]  # fmt: skip
    end = words("evil")[-1]
    opening = begun("evil")
    scenario = opening.scenario.model_copy(update={"title": EVIL[-5], "situation": EVIL[-6]})
    run = hand_run(
        folder, "evil",
        evil=numbered([begun("evil", scenario=scenario), *turns, end.model_copy(update={"turns": len(turns)})]),
        huge=words("huge", "Hello.", "x" * 1_000_000 + " the end"),
        empty=words("empty"),
        cut=words("cut", "One.", "Two.", "Three."),
        altered=words("altered", "Before.", "After."),
    )  # fmt: skip
    whole = run.final("cut").read_bytes()
    run.final("cut").write_bytes(whole[: len(whole) - 200])
    log = run.final("altered")
    log.write_bytes(log.read_bytes().replace(b"After.", b"Other."))
    return run


def test_hostile_texts_are_texts(tmp_path, tab):
    run = evil_run(tmp_path)
    with serving(show(tmp_path, run)) as served:
        page = tab(f"http://127.0.0.1:{served.port}/#/talk/{key(served.shown, 'evil')}?turn={len(EVIL) - 1}")
        turns = page.get_by_role("list", name="Turns").locator("> li")
        turns.first.wait_for()
        assert turns.count() == len(EVIL)
        shown = turns.all_text_contents()
        assert "</script><script>window.pwned = 1</script>" in shown[len(HOSTILE)]
        assert "\u241b[31m" in "".join(shown)  # an escape is seen and does nothing
        page.keyboard.press("2")
        page.wait_for_timeout(100)
        page.goto(f"http://127.0.0.1:{served.port}/#/?q=pwned")
        grid(page)
        assert page.locator("mark").first.inner_text() == "pwned"
        assert page.evaluate("window.pwned") is None
        page.goto(f"http://127.0.0.1:{served.port}/#/talk/{key(served.shown, 'huge')}?turn=1")
        more = page.get_by_role("button", name=re.compile("show all 1,000,008 characters"))
        more.wait_for()
        assert "the end" not in page.locator("main").text_content()
        more.click()
        page.get_by_text("the end").wait_for()
        assert fits(page)


@pytest.mark.parametrize(
    ("conversation", "says"),
    [("empty", "turn"), ("cut", "cut off"), ("altered", "not those that were written")],
)
def test_what_is_wrong_with_a_log_is_said(tmp_path, tab, conversation, says):
    with serving(show(tmp_path, evil_run(tmp_path))) as served:
        page = tab(f"http://127.0.0.1:{served.port}/#/talk/{key(served.shown, conversation)}")
        page.get_by_text(re.compile(says)).first.wait_for()
        assert serious(page) == []


def test_a_run_that_is_deleted_while_open_says_so(tmp_path, tab):
    run = hand_run(tmp_path, "gone", one=words("one", "Hello.", "Hi."))
    with serving(show(tmp_path, run)) as served:
        address = key(served.shown, "one")
        page = tab(f"http://127.0.0.1:{served.port}/#/")
        grid(page)
        shutil.rmtree(run.path)
        page.goto(f"http://127.0.0.1:{served.port}/#/talk/{address}")
        page.get_by_text(re.compile("moved or deleted|no conversation")).first.wait_for()
        page.get_by_role("link", name=re.compile("conversations", re.IGNORECASE)).first.click()
        page.get_by_text("its folder is gone").wait_for()
        page.said.clear()  # the browser itself says that a request was answered by 410


@pytest.mark.parametrize("name", ["page.html", "folder"])
def test_an_export_opens_from_a_file_and_shows_the_same(tmp_path, tab, lab, name):
    run = copy_of(lab, tmp_path / "runs" / "mine")
    shown = show(tmp_path, run, evil_run(tmp_path / "evil"))
    file = export(shown, tmp_path / name)
    page = tab(file.as_uri())
    assert grid(page).count() == 15
    page.get_by_role("searchbox").fill("pwned")
    page.wait_for_selector("[role=grid][aria-rowcount='2']")
    page.goto(f"{file.as_uri()}#/talk/{key(shown, 'shared-dog.partial.0000')}?turn=2&eyes=seeker")
    page.get_by_role("list", name=re.compile("Prompt of turn")).wait_for()
    page.keyboard.press("i")
    page.get_by_role("dialog", name="Prompt inspector").wait_for()
    page.goto(f"{file.as_uri()}#/talk/{key(shown, 'evil')}")
    page.get_by_role("list", name="Turns").wait_for()
    assert page.evaluate("window.pwned") is None
    assert serious(page) == []
