"""The embedded model, for real: it keeps the format and the roles, replays to the byte, and reuses prefixes."""

import asyncio
import os
import statistics

import pytest

from confide.agents import build_model, known_models
from confide.agents.models.weights import fetch_weights
from confide.agents.trial import try_model
from confide.scenarios import ConfideError, Role
from confide.simulator import Called, Failed, Moderator, Spoke, replay
from tests.helpers import make_setup

pytestmark = [pytest.mark.model, pytest.mark.slow]


@pytest.fixture(scope="module")
def weights():
    try:
        return fetch_weights(lambda done, total: None)
    except ConfideError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no weights: {error}")


async def run_talks(names, turns):
    model = build_model("local", known_models()["local"])
    try:
        moderators = []
        for name in names:
            setup = make_setup(name, model)
            limits = setup.scenario.limits.model_copy(update={"turns": turns})
            moderators.append(Moderator(setup._replace(scenario=setup.scenario.model_copy(update={"limits": limits}))))
        await asyncio.gather(*(moderator.run() for moderator in moderators))
        return [moderator.events for moderator in moderators], await try_model(model)
    finally:
        await model.client.close()


@pytest.fixture(scope="module")
def talks(weights):
    return asyncio.run(run_talks(["awake-at-three", "exam-panic"], 10))


def test_every_reply_is_well_formed_and_no_talk_breaks_off(talks):
    for events in talks[0]:
        assert events[-1].reason in ("turn_limit", "repetition")
        assert sum(isinstance(event, Spoke) for event in events) >= 10
        assert not any(isinstance(event, Failed) for event in events)


def test_both_roles_keep_their_format_and_private_state(talks):
    for events in talks[0]:
        for event in events:
            if isinstance(event, Spoke) and event.role is Role.SEEKER:
                assert 0 <= event.reply.emotion <= 100
                assert event.reply.thoughts is None
            elif isinstance(event, Spoke):
                assert event.reply.strategies


def test_its_log_replays_without_it(talks):
    for events in talks[0]:
        replay(events)


def test_prefixes_are_taken_from_the_cache(talks):
    calls = [event for events in talks[0] for event in events if isinstance(event, Called) and event.turn >= 4]
    assert statistics.median(call.cached_tokens / call.prompt_tokens for call in calls) > 0.7


def test_the_model_test_finds_what_the_server_can_do(talks):
    found = {finding.what: finding.result for finding in talks[1]}
    assert found == {
        "answers": "yes",
        "follows a JSON schema": "yes",
        "returns log-probabilities": "yes",
        "caches prefixes": "yes",
        "plays a role (tagged replies)": "yes",
    }
