"""Limits over real HTTP: what an endpoint sees of many calls at once, when it bears them and when it does not."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from confide.agents import Completion, Model
from confide.agents.models import Endpoints, OpenAISpec, build_models
from confide.agents.models.limits import FIRST_WINDOW, Gate
from confide.scenarios import read_yaml
from confide.scenarios.errors import ConfideError
from tests.fake_server import FakeServer, now_again, refused, said
from tests.model_helpers import ask

pytestmark = pytest.mark.usefixtures("environment")
Build = Callable[..., dict[str, Model]]


@pytest.fixture
async def build(server: FakeServer) -> AsyncIterator[Build]:
    """Builds models at the fake server, side by side; ``fields`` by name."""
    made: list[Model] = []

    def models(endpoints: Endpoints | None = None, **fields: dict[str, object]) -> dict[str, Model]:
        base = {"provider": "openai", "model": "fake-1", "base_url": server.url, "key_env": None, "tries": 20}
        found = build_models({name: OpenAISpec(**{**base, **each}) for name, each in fields.items()}, endpoints)
        made.extend(found.values())
        return found

    yield models
    for model in made:
        await model.client.close()


def gate_of(endpoints: Endpoints) -> Gate:
    (gate,) = endpoints.gates.values()
    return gate


async def talk(model: Model, calls: int, at_once: int) -> list[Completion]:
    """Many calls, as so many conversations make them."""

    async def one(number: int) -> list[Completion]:
        return [await ask(model.client, f"{number}.{turn}") for turn in range(calls // at_once)]

    return [answer for part in await asyncio.gather(*(one(number) for number in range(at_once))) for answer in part]


async def test_it_finds_its_way_up_to_the_limit(server: FakeServer, build: Build) -> None:
    endpoints = Endpoints()
    model = build(endpoints, m={"concurrency": 150})["m"]
    server.script = said(delay=0.15)
    answers = await talk(model, 900, 180)
    assert len(answers) == 900
    assert FIRST_WINDOW < server.most_in_flight <= 150  # a busy server counts a call when it comes round to it
    assert gate_of(endpoints).window == 150
    assert gate_of(endpoints).waited_s > 0


async def test_an_endpoint_that_bears_less_gets_less_and_nothing_is_lost(server: FakeServer, build: Build) -> None:
    endpoints = Endpoints()
    model = build(endpoints, m={"concurrency": 200})["m"]
    server.bears, server.script = 20, said(delay=0.01)
    answers = await talk(model, 1200, 200)
    assert len(answers) == 1200
    gate = gate_of(endpoints)
    assert gate.narrowed >= 1
    assert gate.window < FIRST_WINDOW  # a call counts from when it is let through, some time before the server has it
    assert sum(len(answer.attempts) for answer in answers) == server.refused
    assert server.refused < 2 * FIRST_WINDOW  # until it is found
    before = server.refused
    await talk(model, 1200, 200)
    assert server.refused - before < 0.1 * 1200


async def test_it_recovers_when_the_endpoint_does(server: FakeServer, build: Build) -> None:
    endpoints = Endpoints()
    model = build(endpoints, m={"concurrency": 40})["m"]
    server.bears, server.script = 5, said(delay=0.002)
    await talk(model, 200, 40)
    assert gate_of(endpoints).window < 12
    server.bears = None
    await talk(model, 1200, 60)
    assert gate_of(endpoints).window > 25


async def test_a_pause_that_is_asked_for_holds_for_all_models_of_the_endpoint(server: FakeServer, build: Build) -> None:
    models = build(one={"concurrency": 4}, other={"concurrency": 4, "model": "fake-2"})
    server.queue.append(refused(429, headers={"Retry-After": "0.6"}))
    server.script = said(delay=0.05)
    first = asyncio.create_task(ask(models["one"].client))
    await asyncio.wait_for(server.arrived.wait(), 2)
    await asyncio.sleep(0.1)
    refused_at = server.chats[0].at
    await asyncio.gather(first, *(ask(models[name].client) for name in ("one", "other") * 5))
    later = [got.at - refused_at for got in server.chats[1:]]
    assert len(later) == 11
    assert 0.55 < min(later) < 3


async def test_what_was_under_way_when_the_pause_began_is_not_broken_off(server: FakeServer, build: Build) -> None:
    model = build(m={"concurrency": 4})["m"]
    server.queue.extend([said("slow", delay=0.2), refused(429, headers={"Retry-After": "0.4"})])
    answers = await asyncio.gather(ask(model.client, "a"), ask(model.client, "b"))
    assert sorted(answer.content for answer in answers) == ["Hello.", "slow"]
    assert sum(len(answer.attempts) for answer in answers) == 1


async def test_two_models_at_one_endpoint_share_its_places(server: FakeServer, build: Build) -> None:
    endpoints = Endpoints()
    models = build(endpoints, one={"concurrency": 3}, other={"concurrency": 5, "base_url": f"{server.url}/"})
    server.script = said(delay=0.02)
    await asyncio.gather(*(ask(models[name].client) for name in ("one", "other") * 20))
    assert server.most_in_flight == 5
    assert len(endpoints.gates) == 1


async def test_another_key_or_other_endpoints_have_places_of_their_own(
    server: FakeServer, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "k")
    endpoints = Endpoints()
    models = build(endpoints, one={"concurrency": 3}, other={"concurrency": 2, "key_env": "OTHER_KEY"})
    server.script = said(delay=0.05)
    await asyncio.gather(*(ask(models[name].client) for name in ("one", "other") * 20))
    assert server.most_in_flight == 5
    assert len(endpoints.gates) == 2


async def test_who_waits_for_its_next_try_holds_no_place(server: FakeServer, build: Build) -> None:
    model = build(m={"concurrency": 1})["m"]
    server.queue.append(refused(408))  # waits up to half a second, by our own backoff
    server.script = said(delay=0.001)
    first = asyncio.create_task(ask(model.client, "first"))
    await asyncio.wait_for(server.arrived.wait(), 2)
    await asyncio.gather(*(ask(model.client, "other") for _ in range(3)))
    await first
    assert len(server.chats) == 5
    assert server.most_in_flight == 1


async def test_waiting_for_its_turn_is_no_part_of_a_call_or_a_try(server: FakeServer, build: Build) -> None:
    model = build(m={"concurrency": 1})["m"]
    server.queue.extend([said(delay=0.4), now_again(408), said()])
    _, second = await asyncio.gather(ask(model.client, "a"), ask(model.client, "b"))
    assert second.seconds is not None
    assert second.seconds < 0.3
    assert [attempt.seconds < 0.3 for attempt in second.attempts] == [True]


async def test_calls_per_minute_are_held(server: FakeServer, build: Build) -> None:
    model = build(m={"requests_per_minute": 300})["m"]  # five a second
    start = time.monotonic()
    await asyncio.gather(*(ask(model.client) for _ in range(9)))
    assert sum(got.at - start < 0.15 for got in server.chats) <= 5
    assert 0.75 <= time.monotonic() - start < 5


async def test_tokens_per_minute_are_held(server: FakeServer, build: Build) -> None:
    model = build(m={"tokens_per_minute": 12_000})["m"]  # 200 a second, and an answer takes 150
    start = time.monotonic()
    await asyncio.gather(*(ask(model.client) for _ in range(4)))
    gaps = [after.at - before.at for before, after in zip(server.chats, server.chats[1:], strict=False)]
    assert len(gaps) == 3
    assert 1 <= time.monotonic() - start < 15
    assert min(gaps) > 0.1


async def test_an_endpoint_that_slows_down_tenfold_loses_nothing(server: FakeServer, build: Build) -> None:
    model = build(m={"concurrency": 64, "timeout_s": 20})["m"]
    server.script = lambda got: said(got.messages[0]["content"], delay=0.02 if len(server.chats) < 300 else 0.2)
    answers = await talk(model, 640, 64)
    assert sorted(answer.content for answer in answers) == sorted(
        f"{n}.{turn}" for n in range(64) for turn in range(10)
    )
    assert all(answer.attempts == () for answer in answers)
    assert server.most_in_flight == 64


async def test_an_endpoint_that_stops_to_answer_in_time_gets_less(server: FakeServer, build: Build) -> None:
    endpoints = Endpoints()
    model = build(endpoints, m={"concurrency": 32, "timeout_s": 0.4})["m"]
    server.script = said(delay=5)
    calls = asyncio.gather(*(ask(model.client) for _ in range(32)))
    async with asyncio.timeout(5):
        while gate_of(endpoints).window == 32:  # noqa: ASYNC110  (nobody tells of it)
            await asyncio.sleep(0.05)
    server.script = said()
    assert len(await calls) == 32


async def test_cancelled_calls_give_their_places_back(server: FakeServer, build: Build) -> None:
    endpoints = Endpoints()
    model = build(endpoints, m={"concurrency": 4, "tokens_per_minute": 10**7})["m"]
    server.script = said(delay=30)
    calls = [asyncio.create_task(ask(model.client)) for _ in range(12)]
    await asyncio.wait_for(server.arrived.wait(), 2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    server.script = said()
    await asyncio.wait_for(asyncio.gather(*(ask(model.client) for _ in range(8))), 5)
    assert gate_of(endpoints).active == 0


@pytest.mark.parametrize("field", ["requests_per_minute", "tokens_per_minute"])
@pytest.mark.parametrize("value", ["0", "-5", "many", "1.5"])
def test_figures_per_minute_that_make_no_sense_are_told_by_line(field, value, tmp_path):
    from confide.agents.models import ModelsFile

    file = tmp_path / "models.yaml"
    file.write_text(f"models:\n  far:\n    provider: openai\n    model: x\n    {field}: {value}\n")
    with pytest.raises(ConfideError) as caught:
        read_yaml(file, ModelsFile)
    assert str(caught.value).startswith(f"{file}:5:")
    assert field in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
