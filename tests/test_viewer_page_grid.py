"""The viewer's grid, in a real browser: sorted, filtered, searched, kept up with runs, by keyboard alone, and blind."""

import json
import re

import pytest

from confide.viewer.grid import Query
from tests.browser_helpers import fits, grid, serious
from tests.viewer_helpers import SEEKER, SUPPORTER, hand_run, key, put, rows, serving, show, spoke, words

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(lab, people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    talk = words("cafe", "How was the Café?", "Quiet <b>today</b>.", "And tomorrow?")
    with serving(show(folder, lab, people, hand_run(folder, "hand", cafe=talk))) as served:
        yield served


@pytest.fixture
def page(server, tab):
    return tab(f"http://127.0.0.1:{server.port}/")


def column(page, name):
    """What stands in a column, row by row."""
    there = grid(page)
    headers = [each.strip() for each in page.get_by_role("columnheader").all_inner_texts()]
    place = next(number for number, header in enumerate(headers) if name in header)
    return [row.get_by_role("gridcell").nth(place).inner_text().strip() for row in there.all()]


def test_every_conversation_has_its_row(page, server):
    rows_shown = grid(page)
    known = server.shown.rows(Query(runs=(), limit=100))
    assert rows_shown.count() == known.total == 13
    assert page.get_by_role("grid").get_attribute("aria-rowcount") == "14"
    assert sorted(column(page, "Scenario")) == sorted(row.scenario for row in known.rows)
    assert page.get_by_text("13 of 13 conversations finished").count() == 1


def test_rows_are_sorted_by_a_click_on_a_header(page):
    grid(page)
    header = page.get_by_role("columnheader").filter(has_text="Turns")
    header.get_by_role("button").click()
    page.wait_for_selector("[role=columnheader][aria-sort=ascending]:has-text('Turns')")
    first = [int(each) for each in column(page, "Turns")]
    assert first == sorted(first)
    header.get_by_role("button").click()
    page.wait_for_selector("[role=columnheader][aria-sort=descending]:has-text('Turns')")
    assert [int(each) for each in column(page, "Turns")] == sorted(first, reverse=True)
    assert "sort=turns" in page.url


def test_rows_are_filtered_by_what_a_menu_offers(page):
    grid(page)
    page.get_by_title("Filter by condition").click()
    page.get_by_role("checkbox", name=re.compile("omniscient")).check()
    page.keyboard.press("Escape")
    page.wait_for_selector("[role=grid][aria-rowcount='3']")
    assert set(column(page, "Condition")) == {"omniscient"}
    page.reload()  # the address holds it
    assert grid(page).count() == 2
    page.get_by_role("button", name=re.compile("clear", re.IGNORECASE)).first.click()
    page.wait_for_selector("[role=grid][aria-rowcount='14']")


def test_a_search_shows_where_the_words_stand_and_opens_there(page):
    grid(page)
    page.keyboard.press("/")
    page.keyboard.type("cafe")
    page.wait_for_selector("[role=grid][aria-rowcount='2']")
    assert page.locator("mark").inner_text() == "Café"
    page.get_by_role("searchbox").fill("today")
    page.wait_for_selector("mark:has-text('today')")
    page.keyboard.press("Enter")  # on to the rows
    page.keyboard.press("Enter")
    page.wait_for_selector("ol[aria-label=Turns]")
    assert "turn=1" in page.url
    page.keyboard.press("g")
    grid(page)


def test_nothing_found_says_what_to_do(page):
    grid(page)
    page.get_by_role("searchbox").fill("zzzz")
    button = page.get_by_role("button", name=re.compile("clear", re.IGNORECASE)).first
    button.wait_for()
    button.click()
    assert grid(page).count() == 13


def test_the_keyboard_alone_goes_everywhere(page):
    grid(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("ol[aria-label=Turns]")
    page.keyboard.press("g")
    grid(page)
    page.wait_for_selector("[role=grid]:focus[aria-activedescendant=row-2]")  # where the reader left off
    page.wait_for_selector("#row-3 input")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.wait_for_url(re.compile("#/compare/"))
    page.keyboard.press("?")
    assert "no therapist" in page.get_by_role("dialog").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("[role=dialog]", state="hidden")


def test_what_is_spoken_appears_as_it_is_spoken(tmp_path, tab):
    run = hand_run(tmp_path, "live", one=words("one", "Hello.", ended=False))
    with serving(show(tmp_path, run)) as served:
        page = tab(f"http://127.0.0.1:{served.port}/")
        assert column(page, "Turns") == ["1"]
        with run.writer("one") as writer:
            last = writer.recover()[-1]
            writer.write(spoke(1, SEEKER, "I cannot sleep.").model_copy(update={"seq": last.seq + 1}))
        page.locator("[role=row][aria-rowindex='2'] [role=gridcell]", has_text=re.compile("^2$")).wait_for()
        put(run, "two", words("two", "A second one."))
        page.wait_for_selector("[role=grid][aria-rowcount='3']")
        page.goto(f"http://127.0.0.1:{served.port}/#/talk/{key(served.shown, 'one')}?turn=1")
        page.wait_for_selector("text=I cannot sleep.")
        with run.writer("one") as writer:
            last = writer.recover()[-1]
            writer.write(spoke(2, SUPPORTER, "Since when?").model_copy(update={"seq": last.seq + 1}))
        page.wait_for_url(re.compile("turn=2"))  # who stands at the end goes along
        page.wait_for_selector("text=Since when?")


def test_a_blind_reader_sees_neither_condition_nor_labels_and_labels_blind(server, tab, lab):
    page = tab(f"http://127.0.0.1:{server.port}/#/?blind=1")
    grid(page)
    page.wait_for_selector("[role=grid][aria-rowcount='14']")
    everything = page.locator("body").inner_text()
    assert not [word for word in ("omniscient", "gated", "scripted", lab.record.id) if word in everything]
    found = next(each for each in rows(server.shown) if each.condition == "omniscient")
    page.goto(f"http://127.0.0.1:{server.port}/#/talk/{found.key}?blind=1&turn=1")
    page.wait_for_selector("ol[aria-label=Turns]")
    everything = page.locator("main").inner_text()
    assert not [word for word in ("omniscient", "scripted supporter", "trust", "distress ") if word in everything]
    supporter = next(turn.turn for turn in server.shown.talk(found.key).turns if turn.role is SUPPORTER)
    page.goto(f"http://127.0.0.1:{server.port}/#/talk/{found.key}?blind=1&turn={supporter}")
    page.keyboard.press("n")
    page.get_by_label(re.compile("name|sign", re.IGNORECASE)).first.fill("mira")
    page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Question", exact=True).check()
    page.get_by_role("button", name=re.compile("^Save", re.IGNORECASE)).first.click()
    page.get_by_text(re.compile("1 note saved")).wait_for()
    (line,) = (lab.path / "notes" / "mira.jsonl").read_text().splitlines()
    note = json.loads(line)
    assert (note["blind"], note["strategies"], note["turn"], note["conversation"]) == (
        True,
        ["Question"],
        supporter,
        found.conversation,
    )
    page.goto(f"http://127.0.0.1:{server.port}/#/")
    page.get_by_text("Agreement", exact=True).first.click()
    table = page.get_by_role("dialog").get_by_role("table")
    table.wait_for()
    assert "mira" in table.inner_text()
    assert "declared" in table.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_nobody_is_kept_out_of_the_grid(server, tab, width, scheme):
    page = tab(f"http://127.0.0.1:{server.port}/", width=width, scheme=scheme)
    grid(page)
    assert serious(page) == []
    assert fits(page)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert serious(page) == []


def test_an_empty_folder_says_how_to_begin(tmp_path, tab):
    from confide.viewer.index import make_index
    from confide.viewer.shown import Shown

    make_index(tmp_path / "index.sqlite")
    (tmp_path / "runs").mkdir()
    with serving(Shown(tmp_path / "index.sqlite", [], tmp_path / "runs")) as served:
        page = tab(f"http://127.0.0.1:{served.port}/")
        page.get_by_text("confide run exam-panic").wait_for()
