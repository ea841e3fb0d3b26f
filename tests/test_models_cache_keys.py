"""What calls share an answer: those that are the same to the last field, seed and all."""

import json
from functools import cache
from typing import Any

from autogen_core.models import AssistantMessage, SystemMessage, UserMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from confide.agents import build_model
from confide.agents.models import Answers, Endpoints, OpenAISpec, Request
from confide.agents.models.cache import Cached
from tests.model_helpers import SURROGATE


class Form(BaseModel):
    a: int


class OtherForm(BaseModel):
    b: int


SPECS: list[dict[str, Any]] = [
    {}, {"model": "fake-2"}, {"base_url": "http://a.example/v1"}, {"base_url": "http://b.example/v1"},
    {"temperature": 0}, {"temperature": 0.5}, {"max_tokens": 7}, {"extra_body": {"top_k": 1}},
    {"extra_body": {"top_k": True}}, {"extra_body": {"a": {"b": 1}}}, {"extra_body": {"a": {"b": None}}},
]  # fmt: skip
MESSAGES: list[list[Any]] = [
    [UserMessage(content="hi", source="user")],
    [AssistantMessage(content="hi", source="user")],
    [SystemMessage(content="hi")],
    [UserMessage(content="hi ", source="user")],
    [UserMessage(content="h", source="user"), UserMessage(content="i", source="user")],
    [UserMessage(content="i", source="user"), UserMessage(content="h", source="user")],
    [UserMessage(content=SURROGATE, source="user")],
    [UserMessage(content="a\ud801b", source="user")],
]
ARGS: list[dict[str, Any]] = [
    {}, {"seed": 1}, {"seed": 2}, {"grammar": "x"}, {"response_format": {"type": "json_object"}}, {"logprobs": True},
    {"logprobs": True, "top_logprobs": 5}, {"max_tokens": 1},
]  # fmt: skip
FORMS: list[Any] = [None, True, Form, OtherForm]
CHOICE = st.tuples(
    st.sampled_from(range(len(SPECS))), st.sampled_from(range(len(MESSAGES))), st.sampled_from(range(len(ARGS))),
    st.sampled_from(range(len(FORMS))), st.integers(0, 2**31 - 1),
)  # fmt: skip


@cache
def built(fields: str) -> Cached:
    full = {"provider": "openai", "model": "fake-1", "base_url": "http://c.example/v1", "key_env": None}
    client = build_model("x", OpenAISpec(**full | json.loads(fields)), Endpoints(Answers(print))).client
    assert isinstance(client, Cached)
    return client


def key_of(choice: tuple[int, ...], **fields: Any) -> bytes:
    spec, messages, args, form, seed = choice
    client = built(json.dumps({**SPECS[spec], **fields}))
    return client.key(Request(MESSAGES[messages], ARGS[args], FORMS[form]), seed)


@given(CHOICE, CHOICE)
@settings(max_examples=60, deadline=None)
def test_two_calls_share_an_answer_where_they_are_the_same_and_nowhere_else(one, other):
    assert (key_of(one) == key_of(other)) is (one == other)


@given(CHOICE, st.integers(0, 4), st.integers(0, 2**31 - 1))
@settings(max_examples=60, deadline=None)
def test_one_difference_is_enough(choice, where, value):
    sizes = (len(SPECS), len(MESSAGES), len(ARGS), len(FORMS), 2**31)
    other = tuple(value % sizes[where] if at == where else each for at, each in enumerate(choice))
    assert (key_of(choice) == key_of(other)) is (choice == other)


def test_what_the_answer_does_not_depend_on_is_not_part_of_the_key():
    plain = key_of((0, 0, 0, 0, 1))
    for fields in (
        {"concurrency": 1}, {"timeout_s": 1}, {"tries": 1}, {"price": {"prompt": 1, "completion": 1}},
        {"requests_per_minute": 1}, {"tokens_per_minute": 1}, {"base_url": "http://c.example/v1/"},
    ):  # fmt: skip
        assert key_of((0, 0, 0, 0, 1), **fields) == plain
    assert key_of((0, 0, 0, 0, 1), extra_body={"b": 1, "a": 2}) == key_of((0, 0, 0, 0, 1), extra_body={"a": 2, "b": 1})


def test_names_in_a_request_that_are_no_texts_do_no_harm():
    spec = OpenAISpec(provider="openai", model="x", key_env=None, extra_body={"logit_bias": {50256: -100, "a": 1}})
    client = build_model("x", spec, Endpoints(Answers(print))).client
    assert isinstance(client, Cached)
    assert client.key(Request(MESSAGES[0], {}), 1)
