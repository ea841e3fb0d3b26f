"""The replay, in a real browser: turn by turn, through either pair of eyes, with the panels and the inspector."""

import re

import pytest

from confide.scenarios import Role
from tests.browser_helpers import fits, serious
from tests.viewer_helpers import SEEKER, SUPPORTER, key, prompts, serving, show

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(lab, people, tmp_path_factory):
    with serving(show(tmp_path_factory.mktemp("talk"), lab, people)) as served:
        yield served


@pytest.fixture
def opened(server, tab):
    """Opens a conversation of the lab, at a turn."""

    def at(conversation="shared-dog.partial.0000", turn=0, more="", **fields):
        address = key(server.shown, conversation)
        page = tab(f"http://127.0.0.1:{server.port}/#/talk/{address}?turn={turn}{more}", **fields)
        page.get_by_role("slider", name="Turn", exact=True).wait_for()
        return page

    return at


def talk_of(server, conversation="shared-dog.partial.0000"):
    return server.shown.talk(key(server.shown, conversation))


def standing(page):
    """The turn at which the reader stands."""
    return int(page.get_by_role("slider", name="Turn", exact=True).input_value())


def at_turn(page, turn):
    for _ in range(100):
        if standing(page) == turn:
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"at turn {standing(page)}, not {turn}")


def test_every_turn_is_there_and_has_an_address(opened, server):
    talk = talk_of(server)
    page = opened(turn=3)
    at_turn(page, 3)
    turns = page.get_by_role("list", name="Turns").locator("> li")
    assert turns.count() == len(talk.turns) == 6
    for turn, shown in zip(talk.turns, turns.all(), strict=True):
        assert turn.utterance in shown.text_content()
    page.get_by_role("button", name="Go to turn 5").click()
    page.wait_for_url(re.compile("turn=5"))
    page.reload()
    at_turn(page, 5)


def test_keys_step_play_and_jump(opened):
    page = opened()
    for press, turn in (("j", 1), ("ArrowRight", 2), ("k", 1), ("End", 5), ("Home", 0)):
        page.keyboard.press(press)
        at_turn(page, turn)
    for _ in range(4):
        page.keyboard.press(">")
    assert page.get_by_label("Speed").input_value() == "4"
    page.keyboard.press("Space")
    at_turn(page, 2)
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play").wait_for()


@pytest.mark.parametrize("conversation", ["shared-dog.partial.0000", "shared-dog.omniscient.0000", "shared-dog.author.0001", "shared-dog.script.0000"])  # fmt: skip
def test_through_a_roles_eyes_stands_its_prompt_and_nothing_else(opened, server, conversation):
    """Law 1, as a reader sees it: the segments on the page are those that the model was sent, in their order."""
    talk = talk_of(server, conversation)
    made = prompts(talk.calls, talk.texts)
    for role in Role:
        page = opened(conversation, more=f"&eyes={role}")
        for turn in range(len(talk.turns)):
            page.goto(page.url.replace(f"turn={max(turn - 1, 0)}", f"turn={turn}") if turn else page.url)
            asked = [n for n, call in enumerate(talk.calls) if call.turn <= turn and call.role in (role, None)]
            if conversation.startswith("shared-dog.author"):
                asked = [n for n, call in enumerate(talk.calls) if call.turn <= turn]
            if not asked:
                page.get_by_text("has not been asked yet").wait_for()
                continue
            latest = talk.calls[asked[-1]]
            page.get_by_role("list", name=f"Prompt of turn {latest.turn}").wait_for()
            words = page.locator(".prompt .segment > .text").all_text_contents()
            assert words == [segment.text for segment in made[asked[-1]]]


def test_the_others_private_side_is_veiled(opened, server):
    talk = talk_of(server)
    own, other = talk.setting.supporter, talk.setting.seeker
    told = {each.fact for each in talk.knows if each.role is SUPPORTER and each.how in ("told", "noticed")}
    page = opened(turn=5, more="&eyes=supporter")
    page.locator(".prompt").wait_for()
    shown = page.locator("main").text_content()
    assert all(fact.text in shown for fact in own.facts)
    assert not [fact.id for fact in other.facts if fact.id not in told and fact.text in shown]
    assert other.background not in shown
    assert "not visible to" in shown
    assert next(turn.thoughts for turn in talk.turns if turn.role is SEEKER) not in shown
    page.keyboard.press("1")
    page.get_by_role("list", name="Turns").wait_for()
    assert next(turn.thoughts for turn in talk.turns if turn.role is SEEKER) in page.locator("main").text_content()


def test_people_have_no_prompts_and_it_is_said_why(server, tab, people):
    address = key(server.shown, people.logs()[0].stem)
    page = tab(f"http://127.0.0.1:{server.port}/#/talk/{address}")
    page.get_by_role("list", name="Turns").wait_for()
    eyes = page.get_by_role("radio", name=re.compile("eyes"))
    assert all(each.is_disabled() for each in eyes.all())
    assert serious(page) == []


@pytest.mark.parametrize("name", ["Who knows what", "Strategies", "Distress and trust", "Tokens and seconds"])
def test_a_figure_is_read_by_keys_and_goes_to_the_turn(opened, name):
    page = opened(turn=0)
    figure = page.get_by_role("slider", name=name)
    figure.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert figure.get_attribute("aria-valuenow") == "2"
    assert figure.get_attribute("aria-valuetext")
    assert standing(page) == 0  # to look is not to go
    page.keyboard.press("Enter")
    at_turn(page, 2)


def test_a_figure_is_read_by_the_mouse_and_goes_to_the_turn(opened):
    page = opened(turn=0)
    box = page.get_by_role("slider", name="Strategies").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("turn=[345]"))


def test_who_knows_what_agrees_with_the_log(opened, server):
    talk = talk_of(server)
    page = opened(turn=5)
    panel = page.locator("section", has=page.get_by_role("heading", name="Who knows what")).last
    words = panel.text_content()
    for side in (talk.setting.seeker, talk.setting.supporter):
        for fact in side.facts:
            assert fact.id in words


def test_disagreements_of_annotators_are_marked(opened, server):
    talk = talk_of(server)
    (annotator,) = talk.annotators
    declared = {turn.turn: turn.strategies for turn in talk.turns if turn.strategies}
    differ = [each.turn for each in annotator.turns if set(each.labels) != set(declared[each.turn])]
    page = opened(turn=0)
    figure = page.get_by_role("slider", name="Strategies")
    assert figure.locator("text", has_text="≠").count() == len(differ) > 0


def test_drift_without_a_known_reliability_has_no_line_but_a_reason(opened):
    page = opened()
    panel = page.locator("section.figure", has=page.get_by_role("heading", name="Drift of traits"))
    assert "reliability" in panel.text_content()
    assert panel.locator("svg path").count() == 0


def test_the_inspector_shows_any_call_as_it_was(opened, server):
    talk = talk_of(server)
    page = opened(turn=2)
    page.keyboard.press("i")
    drawer = page.get_by_role("dialog", name="Prompt inspector")
    drawer.wait_for()
    call = next(call for call in talk.calls if call.turn == 2)
    words = drawer.text_content()
    for part in (call.reply, str(call.seed), call.prompt):
        assert part in words
    assert "call=talk" in page.url
    page.keyboard.press("j")  # it goes along
    page.wait_for_url(re.compile("turn=3"))
    assert serious(page) == []
    page.keyboard.press("Escape")
    drawer.wait_for(state="detached")
    assert "call=" not in page.url


def test_what_readers_say_of_a_turn_leads_there_and_to_their_call(opened, server):
    page = opened(turn=0)
    measure = page.locator("section.judges details", has_text="sound like")
    measure.locator("summary").click()
    measure.get_by_role("button", name="turn 3", exact=True).first.click()
    at_turn(page, 3)
    measure.get_by_role("button", name="prompt").nth(3).click()
    drawer = page.get_by_role("dialog", name="Prompt inspector")
    drawer.get_by_text("A call of a reader").wait_for()
    assert "identity" in page.url


@pytest.mark.parametrize("eyes", ["public", "seeker", "supporter"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_nobody_is_kept_out_of_the_replay(opened, eyes, width, scheme):
    page = opened(turn=3, more="" if eyes == "public" else f"&eyes={eyes}", width=width, scheme=scheme)
    assert serious(page) == []
    assert fits(page)
