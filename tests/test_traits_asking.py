"""Putting items to a model, over real HTTP: what is on the wire, and what becomes of an answer."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confide.agents import Fault, Place, Segment, View, build_model
from confide.agents.models import OpenAISpec
from confide.agents.models.answers import read_answer
from confide.evaluators.traits import read_instrument, read_plan
from confide.evaluators.traits.asking import Examiner, Words
from confide.scenarios import Role
from confide.simulator.observing import Key
from tests.fake_server import refused, said
from tests.helpers import scripted
from tests.model_helpers import fault_of

PLAN = read_plan("traits")
ITEMS = PLAN.instrument.items[:3]
SEED = 11
VIEW = View(Role.SEEKER, 0, (Segment("persona", Place.HEAD, "You are Sam."), Segment("utterance:0", Place.TAIL, "Hi.")))


def logprobs(*tokens):
    """Log-probabilities as servers give them, of tokens: a text, or a text with what else could have stood there."""
    entries = []
    for token in tokens:
        text, odds = token if isinstance(token, tuple) else (token, {token: 1.0})
        top = [{"token": other, "logprob": math.log(chance)} for other, chance in odds.items()]
        entries.append({"token": text, "logprob": math.log(odds.get(text, 0.001)), "top_logprobs": top})
    return {"content": entries}


def answered(content, *tokens, finish="stop", **fields):
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish, **fields}
    return said(choices=[choice | ({"logprobs": logprobs(*tokens)} if tokens else {})])


@pytest.fixture
async def examiner(server):
    """Makes examiners whose model is behind the fake server."""
    made = []

    def make(administration="block", **fields):
        spec = {"provider": "openai", "model": "m", "base_url": server.url, "key_env": None, "tries": 1, **fields}
        model = build_model("far", OpenAISpec(**spec))
        made.append(model)
        plan = PLAN._replace(plan=PLAN.plan.model_copy(update={"administration": administration}))
        return Examiner(plan, model)

    yield make
    for model in made:
        await model.client.close()


async def put(examiner, items=ITEMS, third=False):
    """Put items in their first call; gives the items in the order in which they were put, and the answer."""
    part = examiner.parts(items, "long", SEED)[0]
    words = Words(examiner.asks.lines if third else examiner.asks.own, "Sam")
    answer = await examiner.ask(VIEW, words, part, Key(0, Role.SEEKER, 0, part.part), SEED, third=third)
    return [item.id for item in part.items], answer


async def one(examiner):
    """Put one item; gives its value, why it is missing, and the answer."""
    (item,), answer = await put(examiner, ITEMS[:1])
    return answer.values[item], answer.missing.get(item), answer


TAGGED = {"format": "tagged", "structured": "grammar"}


# On the wire


async def test_a_block_is_one_call_and_its_order_is_drawn_by_the_seed(server, examiner):
    server.script = answered('{"q1": 1, "q2": 2, "q3": 3}')
    block = examiner()
    order, answer = await put(block)
    drawn = list(ITEMS)
    random.Random(SEED).shuffle(drawn)
    assert order == [item.id for item in drawn]
    assert answer.values == dict(zip(order, (1, 2, 3), strict=True)), "each answer goes to the item that was put there"
    assert {tuple(p.items) for p in block.parts(ITEMS, "long", SEED)} == {tuple(drawn)}
    orders = {tuple(item.id for item in block.parts(ITEMS, "long", seed)[0].items) for seed in range(40)}
    assert len(orders) == 6
    (got,) = server.chats
    asked = got.messages[-1]["content"]
    assert "\n".join(f"q{n}: {item.text}" for n, item in enumerate(drawn, start=1)) in asked
    assert "how well does this describe Sam now" in asked
    assert got.messages[0] == {"role": "system", "content": "You are Sam."}
    assert [got.body[name] for name in ("seed", "logprobs", "top_logprobs")] == [SEED, True, 20]
    schema = got.body["response_format"]["json_schema"]["schema"]
    assert schema["properties"] == {f"q{n}": {"type": "integer", "enum": [1, 2, 3, 4, 5]} for n in (1, 2, 3)}
    assert schema["required"] == ["q1", "q2", "q3"]
    assert schema["additionalProperties"] is False


async def test_single_items_are_a_call_each(server, examiner):
    server.script = answered('{"q1": 4}')
    single = examiner("item")
    parts = single.parts(ITEMS, "short", SEED)
    assert sorted(part.part for part in parts) == sorted(item.id for item in ITEMS)
    assert [len(part.items) for part in parts] == [1, 1, 1]
    assert single.parts((), "short", SEED) == examiner().parts((), "short", SEED) == []
    (item,), answer = await put(single)
    assert answer.key.part == item
    assert answer.values == {item: 4}
    assert "q2" not in server.chats[0].raw.decode()


async def test_an_observer_is_asked_in_the_third_person(server, examiner):
    server.script = answered('{"q1": 1, "q2": 2, "q3": 3}')
    await put(examiner(), third=True)
    asked = server.chats[0].messages[-1]["content"]
    assert all(item.other in asked and item.text not in asked for item in ITEMS)
    bare = [item.model_copy(update={"other": None}) for item in ITEMS[:2]]
    await put(examiner(), bare, third=True)
    asked = server.chats[1].messages[-1]["content"]
    assert all(f'would say of themselves: "{item.text}"' in asked for item in bare)


async def test_an_adjective_is_of_nobodys_person(server, examiner):
    server.script = answered('{"q1": 1}')
    adjectives = read_instrument("hexaco-markers").instrument
    asked = examiner()
    asked._plan = asked._plan._replace(instrument=adjectives)
    await put(asked, adjectives.items[:1], third=True)
    assert f": {adjectives.items[0].text}\n" in server.chats[0].messages[-1]["content"]


async def test_small_models_are_held_by_a_grammar_and_answer_in_one_line(server, examiner):
    server.script = answered("3 1 5")
    order, answer = await put(examiner(**TAGGED))
    assert answer.values == dict(zip(order, (3, 1, 5), strict=True))
    body = server.chats[0].body
    assert body["grammar"] == 'root ::= point " " point " " point\npoint ::= "1" | "2" | "3" | "4" | "5"'
    assert "response_format" not in body
    assert "\n1. " in server.chats[0].messages[-1]["content"]
    await put(examiner(**TAGGED), ITEMS[:1])
    assert f'1 to 5? "{ITEMS[0].text}"' in server.chats[1].messages[-1]["content"]


async def test_what_a_server_does_not_know_is_not_sent(server, examiner):
    server.script = answered('{"q1": 2}')
    await one(examiner(seed=False, structured="json_object"))
    assert server.chats[0].body["response_format"] == {"type": "json_object"}
    await one(examiner(structured="none"))
    assert "response_format" not in server.chats[1].body
    server.script = answered("2")
    await one(examiner(format="tagged"))
    assert "grammar" not in server.chats[2].body
    assert ["seed" in got.body for got in server.chats] == [False, True, True]


# Answers


async def test_an_answer_is_the_mean_of_the_points_by_their_probabilities(server, examiner):
    """First item: 4 has .5 + .1 with its other spelling, 5 has .3, and .1 is none; (4 x .6 + 5 x .3) / .9 = 4.333333."""
    server.script = answered(
        '{"q1": 4, "q2":1, "q3": 3}',
        '{"q1":', (" 4", {" 4": 0.5, "4": 0.1, " 5": 0.3, "x": 0.1}), ', "q', '2":', ("1", {"1": 1.0}), ",", ' "q3": ',
        ("3", {"3": 0.4, "4": 0.1, "2": 0.5}), "}",
    )  # fmt: skip
    order, answer = await put(examiner())
    assert answer.values == dict(zip(order, (4.333333, 1, 2.6), strict=True))
    assert answer.weights == dict(
        zip(order, ((0, 0, 0, 0.666667, 0.333333), (1, 0, 0, 0, 0), (0, 0.5, 0.4, 0.1, 0)), strict=True)
    )
    assert (answer.missing, answer.note, answer.error) == ({}, None, None)
    assert answer.call.seed == SEED


async def test_lines_of_small_models_are_weighted_too(server, examiner):
    server.script = answered("2 5", ("2", {"2": 0.5, "3": 0.5}), (" 5", {" 5": 0.75, "1": 0.25}), "<|im_end|>")
    order, answer = await put(examiner(**TAGGED), ITEMS[:2])
    assert answer.values == dict(zip(order, (2.5, 4), strict=True))


async def test_where_the_points_have_less_than_half_of_the_mass_there_is_no_answer(server, examiner):
    for odds in ({"4": 0.3, "5": 0.19, "x": 0.51}, {"x": 0.9, "y": 0.05}):
        server.script = answered('{"q1": 4}', '{"q1": ', ("4", odds), "}")
        value, why, answer = await one(examiner())
        assert value is None
        assert why == "less than 50% of the model's answer was a point of the scale"
        assert answer.weights == {}
    server.script = answered('{"q1": 4}', '{"q1": ', ("4", {"4": 0.31, "5": 0.19, "x": 0.5}), "}")
    assert (await one(examiner()))[0] == 4.38, "at a half there is"


HIDDEN = [
    ("tokens of another answer", ["no", " answer"]),
    ("the digit is part of a longer token", ['{"q1": 4', "}"]),
    ("a thought has the same words", ['{"q1": ', ("4", {"4": 0.6, "1": 0.4}), "}", "</think>", '{"q1": ', "4", "}"]),
    ("no alternatives", ['{"q1": ', ("4", {}), "}"]),
]


@pytest.mark.parametrize("tokens", [tokens for _, tokens in HIDDEN], ids=[name for name, _ in HIDDEN])
async def test_tokens_that_do_not_tell_of_the_points_leave_the_answer_as_it_was_drawn(server, examiner, tokens):
    server.script = answered('{"q1": 4}', *tokens)
    value, why, answer = await one(examiner())
    assert (value, why, answer.weights) == (4, None, {})
    assert answer.note == "the server's log-probabilities do not tell of the points: the answer counts as it was drawn"


async def test_a_draft_in_front_of_the_answer_is_not_weighed_in_its_place(server, examiner):
    server.script = answered(
        'Is "q1": 1 right? {"q1": 4}', 'Is "q1": ', ("1", {"1": 0.7, "4": 0.3}), ' right? {"q1": ', "4", "}"
    )
    value, _, answer = await one(examiner())
    assert (value, answer.weights) == (4, {})
    assert answer.note is not None


async def test_without_log_probabilities_the_drawn_answer_counts_and_the_note_says_so(server, examiner):
    server.script = answered('{"q1": 4}')
    value, why, answer = await one(examiner())
    assert (value, why, answer.weights) == (4, None, {})
    assert answer.note == "the server gives no log-probabilities: the answer counts as it was drawn"


@pytest.mark.parametrize("wrong", [1000, 10**400, float("nan"), float("inf"), True, "0", None])
async def test_a_probability_that_is_none_is_not_reckoned_with(server, examiner, wrong):
    for place in ("logprob", "top"):
        entries = logprobs('{"q1": ', ("4", {"4": 0.5, "5": 0.5}), "}")
        digit = entries["content"][1]
        (digit if place == "logprob" else digit["top_logprobs"][1])["logprob"] = wrong
        server.script = answered('{"q1": 4}', logprobs=entries)
        value, _, answer = await one(examiner())
        assert (value, answer.weights) == (4, {})
        assert answer.note is not None


async def test_what_has_no_chance_weighs_nothing(server, examiner):
    entries = logprobs('{"q1": ', ("4", {"4": 1.0, "5": 0.5, "1": 0.5, "2": 0.5}), "}")
    for top, value in zip(
        entries["content"][1]["top_logprobs"], (1e-7, -9999.0, float("-inf"), -(10**400)), strict=True
    ):
        top["logprob"] = value
    server.script = answered('{"q1": 4}', logprobs=entries)
    assert (await one(examiner()))[0] == 4


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"q2": 4}', "the answer leaves this item out"),
        ('{"q1": null}', "the answer leaves this item out"),
        ('{"q1": true}', "expected a whole number, not true"),
        ('{"q1": 3.0}', "expected a whole number, not 3.0"),
        ('{"q1": "3"}', 'expected a whole number, not "3"'),
        ('{"q1": [3]}', "expected a whole number, not [3]"),
        ('{"q1": -3}', "expected a whole number, not -3"),
        ('{"q1": 9}', "9 is no point of the scale from 1 to 5"),
        ('{"q1": 0}', "0 is no point of the scale from 1 to 5"),
        ('{"q1": 44}', "44 is no point of the scale from 1 to 5"),
        ('{"q1": 3} or {"q1": 4}', "there is more than one JSON object: send one"),
        ("Three.", "no whole JSON object found"),
        ('{"q1": 3', "no whole JSON object found"),
    ],
)
async def test_what_is_no_point_is_null_with_the_reason_and_never_a_default(server, examiner, content, why):
    server.script = answered(content)
    value, reason, answer = await one(examiner())
    assert (value, reason) == (None, why)
    assert answer.call is not None, "what was paid for is kept"
    assert answer.note is None


async def test_one_item_that_is_wrong_leaves_the_others(server, examiner):
    server.script = answered('{"q1": 9, "q3": 2}')
    order, answer = await put(examiner())
    assert answer.values == dict(zip(order, (None, None, 2), strict=True))
    assert set(answer.missing) == set(order[:2])


@pytest.mark.parametrize("content", ["3", "3 4 ", "3  4 5", "3 4 5 1", "3 4 x", "3, 4, 5", "3 4 5.", "3 4 55"])
async def test_a_line_that_is_not_as_many_points_is_null(server, examiner, content):
    server.script = answered(content)
    order, answer = await put(examiner(**TAGGED))
    assert answer.values == dict.fromkeys(order)
    assert all("expected 3 of the scale's points and nothing else" in answer.missing[item] for item in order)


async def test_a_line_with_a_point_beyond_the_scale_keeps_the_others(server, examiner):
    server.script = answered("3 9 5")
    order, answer = await put(examiner(**TAGGED))
    assert answer.values == dict(zip(order, (3, None, 5), strict=True))


async def test_an_answer_that_was_cut_off_is_null(server, examiner):
    server.script = answered('{"q1": 3}', finish="length")
    assert (await one(examiner()))[:2] == (None, "the answer was cut off at the token limit")


# Servers that refuse


def refusing_logprobs(got):
    return refused(400, "logprobs are not supported") if "logprobs" in got.body else answered('{"q1": 2}')


async def test_a_server_that_refuses_log_probabilities_is_asked_without_and_not_again_with(server, examiner):
    server.script = refusing_logprobs
    asked = examiner()
    for _ in range(2):
        value, why, answer = await one(asked)
        assert (value, why) == (2, None)
        assert answer.note.startswith("the server refuses log-probabilities, the answer counts as it was drawn: ")
        assert "logprobs are not supported" in answer.note
    assert [got.body.get("top_logprobs") for got in server.chats] == [20, 5, None, None]
    assert not any("logprobs" in got.body for got in server.chats[2:])


async def test_a_server_that_gives_fewer_log_probabilities_is_asked_for_fewer(server, examiner):
    fits = answered('{"q1": 4}', '{"q1": ', ("4", {"4": 0.5, "5": 0.5}), "}")
    server.script = lambda got: refused(400, "at most 5") if got.body["top_logprobs"] > 5 else fits
    asked = examiner()
    for _ in range(2):
        value, _, answer = await one(asked)
        assert (value, answer.note) == (4.5, None)
    assert [got.body["top_logprobs"] for got in server.chats] == [20, 5, 5]


async def test_a_refusal_for_another_reason_is_that_calls_alone(server, examiner):
    asked = examiner()
    server.script = refused(400, "the prompt is too long")
    value, why, answer = await one(asked)
    assert value is None
    assert "the prompt is too long" in why
    assert answer.error.fault is Fault.BAD_REQUEST
    server.script = answered('{"q1": 4}', '{"q1": ', ("4", {"4": 0.5, "5": 0.5}), "}")
    assert (await one(asked))[0] == 4.5
    assert [got.body.get("top_logprobs") for got in server.chats] == [20, 5, None, 20]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (answered(""), "the answer is empty"),
        (answered("x", finish="content_filter"), "the answer was withheld"),
    ],
)
async def test_a_fault_of_one_call_is_null_with_the_reason(server, examiner, fault, why):
    server.script = fault
    value, reason, answer = await one(examiner())
    assert value is None
    assert why in reason
    assert answer.call is None
    assert len(server.chats) == 1


@pytest.mark.parametrize(
    ("status", "fault"), [(500, Fault.SERVER_ERROR), (429, Fault.RATE_LIMITED), (401, Fault.DENIED)]
)
async def test_an_endpoint_in_trouble_is_no_answer(server, examiner, status, fault):
    server.script = refused(status)
    assert (await fault_of(one(examiner()))).fault is fault
    assert len(server.chats) == 1


# Laws

CHANCES = st.lists(st.floats(-40, 0) | st.sampled_from([0.0, -14.0, -14.5]), min_size=5, max_size=5)
TAGGED_EXAMINER = Examiner(PLAN, scripted(reply="tagged")[0])
PART = TAGGED_EXAMINER.parts(ITEMS[:1], "long", 0)[0]


@given(logs=CHANCES, drawn=st.integers(1, 5))
def test_a_weighted_answer_stays_on_the_scale_and_its_weights_sum_to_one(logs, drawn):
    whole = math.fsum(map(math.exp, logs))
    top = [{"token": str(n), "logprob": value - math.log(whole)} for n, value in enumerate(logs, start=1)]
    entry = {"token": str(drawn), "logprob": top[drawn - 1]["logprob"], "top_logprobs": top}
    raw = answered(str(drawn), logprobs={"content": [entry]}).body
    completion = read_answer(raw, "far", None, 0.0)
    points = TAGGED_EXAMINER._read(completion, PART, tagged=True)
    found = TAGGED_EXAMINER._answer(completion, points, Key(0, None, 0), None, None)
    (value,), (weights,) = found.values.values(), found.weights.values()
    assert 1 <= value <= 5
    assert value == pytest.approx(math.fsum(n * math.exp(v) for n, v in enumerate(logs, start=1)) / whole, abs=1e-6)
    assert math.fsum(weights) == pytest.approx(1, abs=5e-6)
