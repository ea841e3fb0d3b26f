"""Trying out a model over a server that can do everything, little, or nothing."""

from collections.abc import AsyncIterator

import pytest

from confide.agents import Model, build_model
from confide.agents.models import OpenAISpec
from confide.agents.trial import try_model
from tests.fake_server import Answer, FakeServer, Got, completion, refused, said
from tests.model_helpers import is_one_line, reply_for

pytestmark = pytest.mark.usefixtures("environment")


def able(got: Got) -> Answer:
    """A server that can do everything."""
    body = got.body
    form = body.get("response_format", {}).get("json_schema", {}).get("name")
    if form == "colour":
        return said('{"colour": "red", "shade": 3}')
    if form:
        return said(reply_for(got, utterance="What happened?"))
    if body.get("logprobs"):
        answer = completion("2")
        top = [{"token": str(n), "logprob": -n} for n in range(body["top_logprobs"])]
        answer["choices"][0]["logprobs"] = {"content": [{"token": "2", "logprob": -0.1, "top_logprobs": top}]}
        return Answer(body=answer)
    cached = 350 if got.messages[-1]["content"] == "Hello again." else 0
    return said("Hello there.", usage={"prompt_tokens": 400, "completion_tokens": 4,
                                       "prompt_tokens_details": {"cached_tokens": cached}})  # fmt: skip


@pytest.fixture
async def trial_model(server: FakeServer) -> AsyncIterator[Model]:
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url, tries=1)
    model = build_model("mine", spec)
    yield model
    await model.client.close()


async def test_a_trial_of_a_server_that_can_everything(server: FakeServer, trial_model: Model) -> None:
    server.script = able
    findings = {finding.what: (finding.result, finding.detail) for finding in await try_model(trial_model)}
    assert {what: result for what, (result, _) in findings.items()} == {
        "answers": "yes",
        "follows a JSON schema": "yes",
        "returns log-probabilities": "yes",
        "caches prefixes": "yes",
        "plays a role (json replies)": "yes",
    }
    assert "Hello there." in findings["answers"][1]
    assert findings["returns log-probabilities"][1] == "5 alternatives per token"
    assert "350 of 400" in findings["caches prefixes"][1]
    assert findings["plays a role (json replies)"][1] == "What happened?"


async def test_a_trial_of_a_server_that_can_only_talk(server: FakeServer, trial_model: Model) -> None:
    server.script = said("I like blue best.", usage=None)
    results = {finding.what: finding.result for finding in await try_model(trial_model)}
    assert list(results.values()) == ["yes", "no", "no", "unknown", "no"]


async def test_a_trial_tells_a_server_without_a_cache_from_one_that_says_nothing(
    server: FakeServer, trial_model: Model
) -> None:
    usage = {"prompt_tokens": 400, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 0}}
    server.script = said("Hi.", usage=usage)
    findings = {finding.what: finding.result for finding in await try_model(trial_model)}
    assert findings["caches prefixes"] == "no"


async def test_a_trial_needs_a_repair_and_says_so(server: FakeServer, trial_model: Model) -> None:
    def script(got: Got) -> Answer:
        first = "supporter_reply" in got.raw.decode() and len(got.messages) == 2
        return said("not yet") if first else able(got)

    server.script = script
    plays = (await try_model(trial_model))[-1]
    assert (plays.result, plays.detail) == ("yes", "after a repair: What happened?")


@pytest.mark.parametrize("answer", [refused(500, "ill"), refused(400), said(None), Answer(body=b"{"), said("\ud800")])
async def test_a_trial_of_a_server_that_fails_ends_in_findings(
    answer: Answer, server: FakeServer, trial_model: Model
) -> None:
    server.script = answer
    findings = await try_model(trial_model)
    assert [finding.result for finding in findings] == ["no"]
    assert all(is_one_line(finding.detail) for finding in findings)
