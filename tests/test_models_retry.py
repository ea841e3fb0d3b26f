"""Tries, limits, many calls at once, and cancelled ones."""

import asyncio
import gc
import time

import pytest
from autogen_core import CancellationToken

from confide.agents import Completion, Fault, build_model
from confide.agents.models import OpenAISpec
from confide.agents.models import base as base_module
from confide.agents.models.base import Retry
from confide.agents.models.limits import Gate, Limit
from tests.fake_server import Answer, FakeServer, Got, now_again, refused, said
from tests.model_helpers import Make, ask, fault_of

pytestmark = pytest.mark.usefixtures("environment")


# Tries


async def test_failed_tries_stay_on_the_answer_in_order(server: FakeServer, make: Make) -> None:
    server.queue.extend([now_again(503, "first"), now_again(429, "second"), now_again(408, "third"), said("At last.")])
    answer = await ask(Retry(make(), tries=4))
    assert answer.content == "At last."
    assert [attempt.fault for attempt in answer.attempts] == [Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.TIMEOUT]
    assert [attempt.message.rpartition(" ")[2] for attempt in answer.attempts] == ["first", "second", "third"]
    assert all(0 <= attempt.seconds < 1 for attempt in answer.attempts)
    assert len({got.raw for got in server.chats}) == 1
    assert len(server.chats) == 4


async def test_an_answer_at_the_first_try_has_no_failed_ones(make: Make) -> None:
    assert (await ask(Retry(make(), tries=4))).attempts == ()


async def test_answers_leave_no_garbage_in_cycles(make: Make) -> None:
    """A run looks for such garbage seldom; thousands of calls must not pile it up meanwhile."""
    client = Retry(Limit(make(), Gate(4)), tries=4)
    await ask(client)  # the connection is there from now on
    gc.collect()
    gc.disable()
    try:
        for _ in range(30):
            await ask(client)
        left = gc.collect()
    finally:
        gc.enable()
    assert left < 30


async def test_it_gives_up_and_tells_all_tries(server: FakeServer, make: Make) -> None:
    server.queue.extend(now_again(500, f"try {number}") for number in range(9))
    error = await fault_of(ask(Retry(make(), tries=3)))
    assert error.fault is Fault.SERVER_ERROR
    assert [attempt.message[-5:] for attempt in error.attempts] == ["try 0", "try 1", "try 2"]
    assert error.message == error.attempts[-1].message
    assert len(server.chats) == 3


@pytest.mark.parametrize(
    "answer",
    [
        refused(400),
        refused(401),
        refused(404),
        refused(422),
        said(None),
        said("\ud800"),
        said("x", finish="content_filter"),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(answer: Answer, server: FakeServer, make: Make) -> None:
    server.queue.append(answer)
    error = await fault_of(ask(Retry(make(), tries=5)))
    assert len(server.chats) == 1
    assert {attempt.fault for attempt in error.attempts} <= {error.fault}


async def test_a_last_fault_that_will_not_pass_keeps_the_tries_before_it(server: FakeServer, make: Make) -> None:
    server.queue.extend([now_again(503), refused(400), said("never asked for")])
    error = await fault_of(ask(Retry(make(), tries=5)))
    assert [attempt.fault for attempt in error.attempts] == [Fault.SERVER_ERROR, Fault.BAD_REQUEST]


async def test_the_pause_that_the_server_asks_for_is_kept(server: FakeServer, make: Make) -> None:
    server.queue.extend([refused(429, headers={"Retry-After": "0.8"}), said()])  # our own first pause ends before 0.5 s
    start = time.monotonic()
    answer = await ask(Retry(make(), tries=2))
    assert 0.8 <= time.monotonic() - start < 2
    assert len(answer.attempts) == 1
    assert answer.attempts[0].seconds < 0.5  # the pause is not part of the try
    assert answer.seconds is not None
    assert answer.seconds < 0.5


async def test_a_pause_of_none_is_kept_as_well(server: FakeServer, make: Make) -> None:
    server.queue.extend(now_again(429) for _ in range(8))
    start = time.monotonic()
    await ask(Retry(make(), tries=9))  # our own pauses would add up to many seconds
    assert time.monotonic() - start < 1


async def test_a_pause_that_is_too_long_is_cut(server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "LONGEST_WAIT_S", 0.05)
    server.queue.extend([refused(429, headers={"Retry-After": "86400"}), said()])
    assert len((await asyncio.wait_for(ask(Retry(make(), tries=2)), 3)).attempts) == 1


async def test_an_endpoint_that_comes_up_late_is_reached(server: FakeServer, make: Make) -> None:
    server.queue.extend([Answer(hang_up=True), said("Here.")])
    answer = await ask(Retry(make(), tries=2))
    assert answer.content == "Here."
    assert len(answer.attempts) == 1


async def test_tries_of_calls_at_once_are_not_mixed_up(server: FakeServer, make: Make) -> None:
    seen: dict[str, int] = {}

    def script(got: Got) -> Answer:
        text = got.messages[0]["content"]
        seen[text] = seen.get(text, 0) + 1
        return said(text) if seen[text] > int(text) else now_again(503, f"for {text}")

    server.script = script
    client = Retry(make(), tries=6)
    answers = await asyncio.gather(*(ask(client, str(number)) for number in range(5)))
    assert [(answer.content, len(answer.attempts)) for answer in answers] == [(str(n), n) for n in range(5)]
    assert all(f"for {n}" in attempt.message for n, answer in enumerate(answers) for attempt in answer.attempts)


# Many at once


def echo(got: Got) -> Answer:
    return said(got.messages[0]["content"], delay=0.05)


async def test_two_hundred_calls_at_once_get_each_their_own_answer(server: FakeServer, make: Make) -> None:
    server.script, server.hold = echo, 200
    client = make()
    answers = await asyncio.wait_for(asyncio.gather(*(ask(client, f"number {n}") for n in range(200))), 10)
    assert [answer.content for answer in answers] == [f"number {n}" for n in range(200)]
    assert server.most_in_flight == 200


async def test_a_limit_lets_so_many_through_and_no_more(server: FakeServer, make: Make) -> None:
    def script(got: Got) -> Answer:
        number = int(got.messages[0]["content"])
        return said(str(number), delay=0.01 * (number % 4))

    server.script = script
    client = Limit(make(), Gate(3))
    answers = await asyncio.gather(*(ask(client, str(number)) for number in range(24)))
    assert [answer.content for answer in answers] == [str(number) for number in range(24)]
    assert server.most_in_flight == 3


async def test_without_a_limit_more_get_through(server: FakeServer, make: Make) -> None:
    server.script, server.hold = echo, 12
    client = make()
    await asyncio.wait_for(asyncio.gather(*(ask(client) for _ in range(12))), 5)
    assert server.most_in_flight == 12


async def test_a_limit_gives_places_back_after_faults_and_cancellations(server: FakeServer, make: Make) -> None:
    client = Limit(make(), Gate(1))
    server.queue.extend([refused(400), said(delay=5), said("free again")])
    await fault_of(ask(client))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(client), 0.1)
    assert (await asyncio.wait_for(ask(client), 2)).content == "free again"


async def test_a_built_model_tries_again_within_its_limit(server: FakeServer) -> None:
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url, concurrency=2, tries=2, key_env=None)
    model = build_model("mine", spec)
    server.queue.append(now_again(503))
    server.script = said(delay=0.02)
    answers = await asyncio.gather(*(ask(model.client) for _ in range(8)))
    assert sum(len(answer.attempts) for answer in answers) == 1
    assert server.most_in_flight == 2
    server.script = now_again(503)
    assert len((await fault_of(ask(model.client))).attempts) == 2
    await model.client.close()


# Cancelling


async def test_cancelling_the_task_closes_the_request(server: FakeServer, make: Make) -> None:
    server.script = said(delay=30)
    task = asyncio.create_task(ask(Retry(Limit(make(), Gate(2)), 3)))
    await asyncio.wait_for(server.arrived.wait(), 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 2)
    await asyncio.wait_for(server.gone.wait(), 2)
    assert server.dropped == 1
    assert len(server.chats) == 1


async def test_autogens_token_cancels_the_call(server: FakeServer, make: Make) -> None:
    server.script = said(delay=30)
    token = CancellationToken()
    task = asyncio.create_task(ask(Retry(Limit(make(), Gate(2)), 3), token=token))
    await asyncio.wait_for(server.arrived.wait(), 2)
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 2)
    await asyncio.wait_for(server.gone.wait(), 2)


async def test_cancelling_the_task_of_a_call_with_a_token_closes_the_request(server: FakeServer, make: Make) -> None:
    server.script = said(delay=30)
    task = asyncio.create_task(ask(make(), token=CancellationToken()))
    await asyncio.wait_for(server.arrived.wait(), 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 2)
    await asyncio.wait_for(server.gone.wait(), 2)


async def test_a_cancelled_token_lets_no_call_through(server: FakeServer, make: Make) -> None:
    token = CancellationToken()
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ask(make(), token=token)
    assert server.chats == []


async def test_cancelling_ends_a_pause_between_tries(server: FakeServer, make: Make) -> None:
    server.script = refused(429, headers={"Retry-After": "60"})
    task = asyncio.create_task(ask(Retry(make(), 5)))
    await asyncio.wait_for(server.arrived.wait(), 2)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)
    assert len(server.chats) == 1


async def test_one_cancelled_call_leaves_its_neighbours_alone(server: FakeServer, make: Make) -> None:
    server.script = said(delay=0.2)
    client = make()
    tasks = [asyncio.create_task(ask(client, str(number))) for number in range(6)]
    await asyncio.wait_for(server.arrived.wait(), 2)
    tasks[2].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, Completion) for result in results] == [True, True, False, True, True, True]
