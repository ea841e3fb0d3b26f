"""Rubrics: what a file may ask, and what an answer may be."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from confide.evaluators.rubric import Offer, answer_model, read_rubric, read_rubrics, shipped_rubrics
from confide.scenarios import ConfideError, InputFileError
from tests.helpers import ESCONV

GOOD = """\
id: mine
title: Mine
source: ours
task: Judge.
unit: conversation
items:
  - id: warmth
    question: How warm?
    answer: {kind: scale, anchors: {1: cold, 2: mild, 3: warm}}
"""
OFFER = Offer(ESCONV.labels, (1, 3), {"distress": 50})


def problem(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError) as error:
        read_rubric(file)
    assert len(error.value.problems) == 1
    return str(error.value).removeprefix(f"{file}:")


def test_a_good_file_is_read(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD, encoding="utf-8")
    loaded = read_rubric(file)
    assert loaded.rubric.items[0].answer.anchors == {1: "cold", 2: "mild", 3: "warm"}
    assert loaded.text == GOOD


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{1: cold, 2: mild, 3: warm}", "{1: cold, 3: warm, 6: hot}", "9:13: items[0].answer: the scale runs from 1 to 6 and has no anchor for 2, 4, 5: give every point one"),
        ("{1: cold, 2: mild, 3: warm}", "{1: cold}", "9:36: items[0].answer.anchors"),
        ("kind: scale, anchors: {1: cold, 2: mild, 3: warm}", "kind: choice, words: {YES: warm, NO: cold}", "9:13: items[0].answer: YES changes its meaning with the question: use a word that says it"),
        ("kind: scale, anchors: {1: cold, 2: mild, 3: warm}", "kind: turns", "1:1: 'warmth' names earlier turns: unit must be turn"),
        ("kind: scale, anchors: {1: cold, 2: mild, 3: warm}", "kind: level, low: 5, high: 5", "9:13: items[0].answer: low must be less than high"),
        ("kind: scale", "kind: scales", "9:20: items[0].answer.kind: \"scales\" is not allowed here; did you mean 'scale'?"),
        ("unit: conversation", "unit: talk", "5:7: unit"),
        ("title: Mine", "titel: Mine", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_line_and_field(tmp_path, old, new, said):
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(InputFileError) as error:
        read_rubric(file)
    assert f"{file}:{said}" in str(error.value)


def test_items_must_differ_and_a_short_form_goes_with_one(tmp_path):
    item = GOOD[GOOD.index("  - id") :]
    assert "two items have the id 'warmth'" in problem(tmp_path, GOOD + item)
    both = GOOD + item.replace("warmth", "care") + "short: {task: t, lines: 3}\n"
    assert "short goes with one item, and there are 2" in problem(tmp_path, both)


def test_unknown_names_are_told_what_there_is():
    with pytest.raises(ConfideError, match="did you mean 'strategies'"):
        read_rubric("strategy")
    with pytest.raises(ConfideError, match="two rubrics have the id"):
        read_rubrics(["hill", str(read_file("hill"))])


def read_file(name):
    from confide.evaluators.rubric import RUBRICS

    return RUBRICS / f"{name}.yaml"


def test_all_shipped_rubrics_are_read():
    found = read_rubrics(["shipped"])
    assert [loaded.rubric.id for loaded in found] == list(shipped_rubrics())
    assert {"strategies", "next-strategy", "identity", "distress", "hill", "support", "empathy"} <= set(
        shipped_rubrics()
    )


MODELS = {name: answer_model(read_rubric(name).rubric.items, OFFER) for name in shipped_rubrics()}


def right(draw, rubric):
    """An answer that fits, drawn."""
    values = {}
    for item in rubric.items:
        form = item.answer
        if form.kind == "labels":
            values[item.id] = draw(st.lists(st.sampled_from(ESCONV.labels), min_size=1, max_size=form.most))
        elif form.kind == "turns":
            values[item.id] = draw(st.lists(st.sampled_from(OFFER.turns), unique=True))
        elif form.kind == "level":
            values[item.id] = draw(st.integers(*OFFER.bounds(item.id, form)))
        else:
            values[item.id] = draw(st.sampled_from(sorted(form.words if form.kind == "choice" else form.anchors)))
    return values


@pytest.mark.parametrize("name", shipped_rubrics())
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_offered_is_taken_and_nothing_else(name, data):
    rubric = read_rubric(name).rubric
    model = MODELS[name]
    values = right(data.draw, rubric)
    assert model.model_validate(values).model_dump() == values
    item = data.draw(st.sampled_from(rubric.items)).id
    wrong = data.draw(
        st.sampled_from([None, True, 1.0, "", "YES", -1, 101, 2.5, "3", [], ["Joke"], [2], [99], {"a": 1}]).filter(
            lambda value: not (value == [] and rubric.items[0].answer.kind == "turns")
        )
    )
    with pytest.raises(ValidationError):
        model.model_validate({**values, item: wrong})
    with pytest.raises(ValidationError):
        model.model_validate({**values, "extra": 1})
    with pytest.raises(ValidationError):
        model.model_validate({key: value for key, value in values.items() if key != item})


@pytest.mark.parametrize("name", shipped_rubrics())
def test_the_schema_is_in_the_subset_that_servers_hold(name):
    rubric = read_rubric(name).rubric
    schema = answer_model(rubric.items, OFFER).model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == list(schema["properties"]) == [item.id for item in rubric.items]
    assert "$ref" not in json.dumps(schema)


def test_a_level_moves_by_its_step_and_stays_in_its_range():
    (item,) = read_rubric("distress").rubric.items
    assert Offer((), (), {}).bounds("distress", item.answer) == (0, 100)
    assert Offer((), (), {"distress": 50}).bounds("distress", item.answer) == (40, 60)
    assert Offer((), (), {"distress": 4}).bounds("distress", item.answer) == (0, 14)
    assert Offer((), (), {"distress": 95}).bounds("distress", item.answer) == (85, 100)
