"""The embedded model, for real: it keeps the format and the roles, replays to the byte, and reuses prefixes."""

import asyncio
import os
import statistics
from functools import partial

import pytest

from confide.agents import build_model, known_models
from confide.agents.models.weights import fetch_weights
from confide.agents.trial import try_model
from confide.evaluators.traits.panel import trait_readers
from confide.scenarios import ConfideError, Role, read_scenario
from confide.simulator import (
    Called,
    Failed,
    Measured,
    Moderator,
    RunFolder,
    Spoke,
    Wishes,
    measure_folders,
    plan_run,
    read_log,
    replay,
    run_conversations,
)
from tests.helpers import make_setup
from tests.trait_helpers import a_plan, measure_record

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


PLAN = a_plan(administration="item", every=None, retests=0, sources=["self"], of=["seeker"])


@pytest.fixture(scope="module")
def probed(weights, tmp_path_factory):
    """A short talk whose seeker is asked about itself, at its start and its end."""
    scenario = read_scenario("awake-at-three")
    record, models = plan_run([scenario], known_models(), Wishes(model="local", turns=4, seed=3))
    run = RunFolder.create(tmp_path_factory.mktemp("runs"), record)
    readers = trait_readers(run, PLAN, models, models["local"], partial(measure_record, PLAN))

    async def work():
        try:
            return await run_conversations(run, models, lambda conversation, event: None, readers)
        finally:
            await models["local"].client.close()

    outcome = asyncio.run(work())
    assert (outcome.finished, dict(outcome.unread)) == (1, {})
    (folder,) = measure_folders(run)
    return read_log(run.logs()[0]).events, read_log(folder.logs()[0]).events


def test_probes_leave_no_trace_in_what_is_spoken_from(probed):
    talk, _ = probed
    replay(talk)  # the same prompts, from the log alone
    spoken = "\n".join(text for event in talk if isinstance(event, Called) for text in event.texts.values())
    assert not any(item.text in spoken for item in PLAN.instrument.items)


def test_its_answers_are_weighted_by_its_own_probabilities(probed):
    found = [event for event in probed[1] if isinstance(event, Measured)]
    assert [(event.turn, event.part) for event in sorted(found, key=lambda each: (each.turn, each.part))] == [
        (turn, item) for turn in (-1, 3) for item in sorted(PLAN.instrument.by_id)
    ]
    for event in found:
        assert (event.missing, event.note) == ({}, None)
        (weights,) = event.weights.values()
        (value,) = event.values.values()
        assert sum(weights) == pytest.approx(1, abs=1e-5)
        assert value == pytest.approx(sum(point * weight for point, weight in enumerate(weights, start=1)), abs=1e-5)
        assert value != round(value)
