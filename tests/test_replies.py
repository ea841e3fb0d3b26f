"""Replies are read as they were written, or not at all. Prompt files are checked before they are used."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confide.agents import (
    JSON,
    TAGGED,
    ReplyError,
    ReplyRules,
    SeekerReply,
    SupporterReply,
    parse_prompt,
    shipped_prompt,
)
from confide.scenarios import InputFileError, Role
from tests.helpers import ESCONV, hostile_text, one_line, seeker_json, supporter_json

SEEKER = ReplyRules(role=Role.SEEKER, facts=("lost-job", "drinks"), taxonomy=ESCONV)
SUPPORTER = ReplyRules(role=Role.SUPPORTER, facts=("own-loss",), taxonomy=ESCONV)

PERCENT = st.integers(0, 100)
TOLD = st.lists(st.sampled_from(SEEKER.facts), unique=True).map(tuple)
LABELS = st.lists(st.sampled_from(ESCONV.labels), min_size=1, max_size=3, unique=True).map(tuple)


@given(hostile_text(), hostile_text(0), PERCENT, PERCENT, TOLD, st.booleans())
def test_a_seekers_json_reply_survives_the_round_trip(utterance, thoughts, emotion, trust, told, end):
    reply = SeekerReply(
        utterance=utterance, thoughts=thoughts, emotion=emotion, trust=trust, told=told, wants_to_end=end
    )
    assert JSON.parse(JSON.write(reply), SEEKER) == reply


@given(hostile_text(), hostile_text(0), LABELS, st.booleans())
def test_a_supporters_json_reply_survives_the_round_trip(utterance, notes, strategies, end):
    reply = SupporterReply(
        utterance=utterance, notes=notes, strategies=strategies, told=("own-loss",), wants_to_end=end
    )
    assert JSON.parse(JSON.write(reply), SUPPORTER) == reply


@given(one_line(), PERCENT, PERCENT, TOLD)
def test_a_seekers_tagged_reply_survives_the_round_trip(utterance, emotion, trust, told):
    reply = SeekerReply(utterance=utterance, emotion=emotion, trust=trust, told=told)
    assert TAGGED.parse(TAGGED.write(reply), SEEKER) == reply


@given(one_line(), LABELS)
def test_a_supporters_tagged_reply_survives_the_round_trip(utterance, strategies):
    reply = SupporterReply(utterance=utterance, strategies=strategies)
    assert TAGGED.parse(TAGGED.write(reply), SUPPORTER) == reply


def test_the_tagged_format_does_not_invent_what_it_does_not_ask_for():
    reply = TAGGED.parse("[Question] How are you?", SUPPORTER)
    assert (reply.notes, reply.told, reply.wants_to_end) == (None, None, None)


@pytest.mark.parametrize(
    "around",
    ["{}", "```json\n{}\n```", "Sure! Here it is:\n{}\nHope that helps.", "{{not json}} {}", "<think>a { b</think>{}"],
)
def test_prose_around_the_object_is_passed_over(around):
    body = seeker_json("I <3 you & miss you")
    text = (
        around.replace("{}", body).replace("{{", "{").replace("}}", "}")
        if "{{" in around
        else around.replace("{}", body)
    )
    assert JSON.parse(text, SEEKER).utterance == "I <3 you & miss you"


@pytest.mark.parametrize(
    ("text", "rules", "expected"),
    [
        ("", SEEKER, "no whole JSON object found"),
        ("I am fine.", SEEKER, "no whole JSON object found"),
        (seeker_json("x")[:-10], SEEKER, "no whole JSON object found"),
        ("[1, 2]", SEEKER, "no whole JSON object found"),
        ("{" * 3000, SEEKER, "no whole JSON object found"),
        (json.dumps({"utterance": "x"}), SEEKER, "lacks: thoughts, emotion, trust, told, wants_to_end"),
        (seeker_json("x", emotion=None), SEEKER, "lacks: emotion"),
        (seeker_json("x", emotion="quite strong"), SEEKER, "emotion:"),
        (seeker_json("x", emotion=140), SEEKER, "emotion:"),
        (seeker_json("x", emotion=-1), SEEKER, "emotion:"),
        (seeker_json("x", trust=3.7), SEEKER, "trust:"),
        (seeker_json("   "), SEEKER, "the utterance is empty"),
        (seeker_json("x", emotion=True), SEEKER, "emotion: must be a whole number"),
        (seeker_json("x", trust="7"), SEEKER, "trust: must be a whole number"),
        (seeker_json("x", wants_to_end="off"), SEEKER, "wants_to_end: must be true or false"),
        (seeker_json("x", wants_to_end=0), SEEKER, "wants_to_end: must be true or false"),
        (f"<think>{seeker_json('draft')}</think>{seeker_json('x')}", SEEKER, "more than one JSON object"),
        (seeker_json(["a"]), SEEKER, "utterance:"),
        (
            seeker_json("x", told=["unknown"]),
            SEEKER,
            "told names 'unknown', which is no fact of yours; yours: lost-job, drinks",
        ),
        (seeker_json("x", told=["own-loss"]), SEEKER, "no fact of yours"),
        (seeker_json("x").replace('"x"', r'"\ud83d"'), SEEKER, "half a character"),
        (supporter_json("x", strategies=[]), SUPPORTER, "strategies"),
        (
            supporter_json("x", strategies=["Sarcasm"]),
            SUPPORTER,
            "'Sarcasm' is not a strategy; the strategies are: Question,",
        ),
        (supporter_json("x", strategies="Question"), SUPPORTER, "strategies:"),
    ],
)
def test_a_json_reply_that_breaks_the_rules_is_no_reply(text, rules, expected):
    with pytest.raises(ReplyError) as caught:
        JSON.parse(text, rules)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Hello there.", SUPPORTER),
        ("[Question]no space", SUPPORTER),
        ("[Question] ", SUPPORTER),
        ("[Question] two\nlines", SUPPORTER),
        ("[Question + Sarcasm] hm", SUPPORTER),
        ("[] hm", SUPPORTER),
        ("[emotion 101, trust 5, told nothing] hm", SEEKER),
        ("[emotion 5, trust 5] hm", SEEKER),
        ("[emotion five, trust 5, told nothing] hm", SEEKER),
        ("[emotion 5, trust 5, told own-loss] hm", SEEKER),
        ("[emotion 5, trust 5, told nothing + drinks] hm", SEEKER),
        ("[Question] hm", SEEKER),
    ],
)
def test_a_tagged_reply_that_breaks_the_rules_is_no_reply(text, rules):
    with pytest.raises(ReplyError):
        TAGGED.parse(text, rules)


def test_labels_are_read_by_alias_and_case_and_each_once():
    reply = JSON.parse(
        supporter_json("x", strategies=["question", "Questions", "Affirmation & Reassurance"]), SUPPORTER
    )
    assert reply.strategies == ("Question", "Affirmation and Reassurance")
    assert JSON.parse(seeker_json("x", told=["drinks", "drinks"]), SEEKER).told == ("drinks",)


def test_a_schema_asks_for_everything_and_allows_nothing_else():
    for rules in (SEEKER, SUPPORTER):
        schema = JSON.schema(rules)
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    assert JSON.schema(SEEKER)["properties"]["told"]["items"]["enum"] == ["lost-job", "drinks"]
    bare = JSON.schema(SEEKER.model_copy(update={"facts": ()}))
    assert bare["properties"]["told"] == {"type": "array", "items": {"type": "string"}, "maxItems": 0}
    assert list(JSON.schema(SUPPORTER)["properties"])[:2] == ["notes", "strategies"], "private part first, then speech"


# --- prompt files ------------------------------------------------------------------------------------------------------

FILE = Path("mine.md")


@pytest.mark.parametrize("reply_format", ["json", "tagged"])
@pytest.mark.parametrize("role", list(Role))
def test_the_shipped_prompts_are_good(reply_format, role):
    file = shipped_prompt(role, reply_format)
    assert "talk" in parse_prompt(file.read_text(), role, file).blocks


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[[rules]]", "[[rule]]", "there is no block [[rule]]; did you mean [[rules]]?"),
        ("[[rules]]", "[[role]]", "[[role]] is given twice (first on line 8)"),
        ("[[talk]]\n", "", "the block [[talk]] is missing"),
        ("[[fact never]]", "", "the block [[fact never]] is missing"),
        ("How you talk in this chat:", "You are {background}", "[[rules]] cannot name {background}; it can name: {name}, {other}, {language}"),
        ("{error}", "{name}", "[[repair]] cannot name {name}; it can name: {error}"),
        ("[[emotion]]", "[[strategies]]", "there is no block [[strategies]]"),
    ],
)  # fmt: skip
def test_a_wrong_prompt_file_is_named_by_line(old, new, expected):
    text = shipped_prompt(Role.SEEKER, "json").read_text()
    line = text[: text.index(old)].count("\n") + 1 if "missing" not in expected else 1
    with pytest.raises(InputFileError) as caught:
        parse_prompt(text.replace(old, new, 1), Role.SEEKER, FILE)
    assert any(expected in problem.what and problem.line == line for problem in caught.value.problems), str(
        caught.value
    )


def test_blocks_stand_on_their_side_of_the_talk():
    text = shipped_prompt(Role.SEEKER, "json").read_text()
    early = text.replace("[[state]]", "[[stat]]").replace("[[rules]]", "[[state]]\nNow {emotion_now}.\n[[rules]]")
    with pytest.raises(InputFileError, match=r"\[\[state\]\] changes at every turn: it belongs after"):
        parse_prompt(early.replace("[[stat]]", "[[reply]]\nSo.\n[[x]]"), Role.SEEKER, FILE)
    late = text.replace("[[fact never]]", "[[x]]").replace("[[reply]]", "[[fact never]]\n- {text}\n[[reply]]")
    with pytest.raises(InputFileError, match=r"\[\[fact never\]\] belongs before \[\[talk\]\]"):
        parse_prompt(late, Role.SEEKER, FILE)


def test_rules_may_stand_after_the_talk(tmp_path):
    text = shipped_prompt(Role.SEEKER, "json").read_text()
    moved = text.replace("[[talk]]\n", "").replace("[[rules]]", "[[talk]]\n[[rules]]").replace("[[opening]]", "[[x]]")
    moved = moved[: moved.index("[[x]]")] + moved[moved.index("[[state]]") :]
    assert parse_prompt(moved, Role.SEEKER, FILE).blocks["talk"] == ""


@given(hostile_text(), hostile_text())
def test_a_value_is_put_in_once_and_unchanged(name, background):
    prompt = parse_prompt(shipped_prompt(Role.SEEKER, "tagged").read_text(), Role.SEEKER, FILE)
    assert prompt.fill("persona", {"background": background}) == f"About you: {background}"
    filled = prompt.fill("role", {"name": name, "other": background})
    assert filled == f"You are {name}, the seeker in a support chat with {background}, the supporter."


def test_a_block_is_left_out_when_a_value_is_unset():
    prompt = parse_prompt(shipped_prompt(Role.SEEKER, "json").read_text(), Role.SEEKER, FILE)
    assert prompt.fill("trust", {"start_trust": None, "other": "R"}) is None
    assert prompt.fill("trust", {"start_trust": "0", "other": "R"}) is not None
    assert prompt.fill("nowhere", {}) is None


def test_sources_say_where_a_block_comes_from():
    prompt = parse_prompt(shipped_prompt(Role.SEEKER, "json").read_text(), Role.SEEKER, FILE)
    found = {block: prompt.source(block, Role.SEEKER) for block in prompt.blocks}
    assert found["other persona"] == "persona:supporter"
    assert found["other now"] == "state:supporter"
    assert found["persona"] == found["traits"] == "persona:seeker"
    assert found["state"] == "state:seeker"
    assert found["situation"] == "situation"
    assert found["rules"] == "instruction:rules"


@pytest.mark.parametrize("name", ["seeker", "supporter", "author"])
def test_no_prompt_says_what_a_condition_would_make_untrue(name):
    """One wording for all conditions: "only you see this" would be false where the other sees it too."""
    text = shipped_prompt(name, "json").read_text().split("[[role]]")[1]
    assert not re.search(r"(?i)only you (see|know)|what only|visible to|nobody else|secret", text)
