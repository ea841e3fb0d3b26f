"""The turnstile: who is let through when."""

import asyncio

import pytest

from confide.agents.models.turnstile import TOGETHER, Turnstile
from tests.fake_server import FakeServer
from tests.model_helpers import Make, ask

pytestmark = pytest.mark.usefixtures("environment")


async def rounds_of(tasks: int, cancelled: frozenset[int] = frozenset()) -> list[list[int]]:
    """Who was let through in each round of the loop, of so many tasks that come in one."""
    turnstile = Turnstile()
    passed: list[int] = []

    async def come(number: int) -> None:
        await turnstile.passed()
        passed.append(number)

    crew = [asyncio.create_task(come(number)) for number in range(tasks)]
    rounds: list[list[int]] = []
    while not all(task.done() for task in crew):
        await asyncio.sleep(0)
        for number in cancelled:
            crew[number].cancel()
        rounds.append(passed.copy())
        passed.clear()
    await asyncio.gather(*crew, return_exceptions=True)
    return [through for through in rounds if through]


async def test_one_after_the_other_in_the_order_in_which_they_came() -> None:
    assert await rounds_of(TOGETHER) == [[number] for number in range(TOGETHER)]


async def test_of_a_long_line_several_are_let_through_together() -> None:
    rounds = await rounds_of(8 * TOGETHER + 1)
    assert [number for through in rounds for number in through] == list(range(8 * TOGETHER + 1))
    assert [len(through) for through in rounds[:2]] == [1, 9]
    assert len(rounds) < 3 * TOGETHER
    assert all(len(one) >= len(next_one) for one, next_one in zip(rounds[1:], rounds[2:], strict=False))


async def test_who_is_cancelled_in_line_takes_nobodys_turn() -> None:
    assert await rounds_of(6, frozenset({2, 3})) == [[0], [1], [4], [5]]


async def test_who_comes_alone_does_not_wait() -> None:
    turnstile = Turnstile()
    for _ in range(3):
        with pytest.raises(StopIteration):
            turnstile.passed().send(None)  # it is through without having waited for anything
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_calls_to_an_endpoint_pass_one(server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = Turnstile.passed
    through: list[Turnstile] = []

    async def watched(self: Turnstile) -> None:
        await passed(self)
        through.append(self)

    monkeypatch.setattr(Turnstile, "passed", watched)
    client = make()
    await asyncio.gather(*(ask(client) for _ in range(5)))
    assert len(server.chats) == 5
    assert through == [client._turnstile] * 5
