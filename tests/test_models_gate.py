"""The gate and its buckets, without a server: who goes when, and what a window comes to."""

import asyncio
import itertools
import time
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confide.agents import Fault, ModelError
from confide.agents.models.limits import FIRST_WINDOW, Bucket, Gate, Place
from tests.model_helpers import answer

OK = answer(100, 20)


def refusal(retry_after: float | None = None) -> ModelError:
    return ModelError(Fault.RATE_LIMITED, "no", retry_after=retry_after, status=429)


def trouble(fault: Fault = Fault.TIMEOUT, status: int | None = None) -> ModelError:
    return ModelError(fault, "no", status=status)


def fill(gate: Gate) -> list[Place]:
    """As many calls as the gate lets through."""
    places = []
    while (place := gate.enter()) is not None:
        places.append(place)
    return places


def rounds(gate: Gate, most: int) -> int:
    """Windows of answers until the gate lets ``most`` calls through at once."""
    for count in itertools.count():
        places = fill(gate)
        if len(places) >= most:
            return count
        for place in places:
            gate.leave(place, OK)
    raise AssertionError


# The window


def test_a_thousand_at_once_are_reached_in_three_windows():
    gate = Gate(1000, adapts=True)
    assert len(fill(gate)) == FIRST_WINDOW
    gate = Gate(1000, adapts=True)
    assert rounds(gate, 1000) == 3


def test_it_is_never_above_the_limit_and_never_below_one():
    gate = Gate(3, adapts=True)
    for _ in range(20):
        places = fill(gate)
        assert len(places) <= 3
        for place in places:
            gate.leave(place, OK)
    for _ in range(20):
        places = fill(gate)
        assert places
        for place in places:
            gate.leave(place, refusal())
    assert gate.window == 1


def test_a_window_of_refusals_halves_it_once():
    gate = Gate(FIRST_WINDOW, adapts=True)
    places = fill(gate)
    for place in places:
        gate.leave(place, refusal())
    assert (gate.window, gate.narrowed) == (FIRST_WINDOW / 2, 1)


def test_after_a_refusal_it_grows_by_one_with_each_window_of_answers():
    gate = Gate(1000, adapts=True)
    places = fill(gate)
    gate.leave(places.pop(), refusal())
    for place in places:
        gate.leave(place, OK)
    before = gate.window
    for expected in range(1, 6):
        for place in fill(gate):
            gate.leave(place, OK)
        assert before + 0.8 * expected < gate.window <= before + expected


@pytest.mark.parametrize("bears", [3, 20, 33, 64, 90, 127, 300])
def test_what_the_endpoint_bears_is_found_and_kept_to(bears):
    gate = Gate(1000, adapts=True)
    answered = refused = 0
    for number in range(200):
        places = fill(gate)
        if number >= 100:
            answered += min(bears, len(places))
            refused += max(0, len(places) - bears)
        for place in places[bears:]:  # a refusal comes sooner than an answer
            gate.leave(place, refusal())
        for place in places[:bears]:
            gate.leave(place, OK)
    assert refused <= 0.1 * answered if bears > 3 else refused < answered
    assert answered > 0.5 * 100 * bears


def test_it_does_not_grow_while_it_is_not_full():
    gate = Gate(1000, adapts=True)
    for _ in range(500):
        place = gate.enter()
        assert place is not None
        gate.leave(place, OK)
    assert gate.window == FIRST_WINDOW


def test_after_an_outage_it_is_soon_back_at_half():
    gate = Gate(1000, adapts=True)
    rounds(gate, 1000)
    for place in [Place(0, 0.0)] * 1000:  # the calls of the last round
        gate.leave(place, OK)
    for _ in range(6):
        for place in fill(gate):
            gate.leave(place, refusal())
    assert gate.window < 20
    assert rounds(gate, 490) < 8


@pytest.mark.parametrize("error", [trouble(), trouble(Fault.SERVER_ERROR, 500), trouble(Fault.UNREACHABLE)])
def test_sporadic_troubles_are_passed_over_and_many_are_not(error):
    gate = Gate(100, adapts=True)
    rounds(gate, 100)
    places = deque([Place(0, 0.0)] * gate.active)
    for number in range(2000):
        gate.leave(places.popleft(), error if number % 100 == 99 else OK)
        places.extend(fill(gate))
    assert gate.window == 100
    for _ in range(60):
        gate.leave(places.popleft(), error)
    assert gate.window <= 50
    assert gate.narrowed == 1


@pytest.mark.parametrize("status", [503, 529])
def test_a_server_that_says_that_it_is_overloaded_is_heard_at_once(status):
    gate = Gate(32, adapts=True)
    gate.leave(fill(gate)[0], trouble(Fault.SERVER_ERROR, status))
    assert gate.window == 16


@pytest.mark.parametrize("fault", [Fault.BAD_REQUEST, Fault.EMPTY, Fault.FILTERED, Fault.DENIED, Fault.NOT_FOUND])
def test_what_is_no_matter_of_load_changes_nothing(fault):
    gate = Gate(32, adapts=True)
    for place in fill(gate):
        gate.leave(place, ModelError(fault, "no", status=400))
    assert gate.window == 32


def test_a_gate_that_does_not_adapt_stays_as_it_is():
    gate = Gate(200)
    for place in fill(gate):
        gate.leave(place, refusal(retry_after=60))
    assert len(fill(gate)) == 200


def test_models_that_share_a_gate_get_the_most_of_both_at_once_and_the_least_per_minute():
    gate = Gate(3, adapts=True, requests_per_minute=600)
    gate.share(5, 60, None)
    gate.share(2, 6000, 100)
    assert gate._requests is not None
    assert gate._tokens is not None
    assert (gate.window, gate._requests.per_minute, gate._tokens.per_minute) == (5, 60, 100)


# Waiting


async def test_first_come_first_served():
    gate, order = Gate(2), []

    async def call(number: int) -> None:
        place = gate.enter() or await gate.wait()
        order.append(number)
        await asyncio.sleep(0)
        gate.leave(place, OK)

    await asyncio.gather(*(call(number) for number in range(50)))
    assert order == list(range(50))
    assert (gate.active, gate.calls, gate.waits) == (0, 50, 48)
    assert gate.waited_s > 0


async def test_nobody_slips_past_those_who_wait():
    gate = Gate(1)
    place = gate.enter()
    assert place is not None
    waiting = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    gate.leave(place, OK)  # the turn is given, though it was not taken up yet
    assert gate.enter() is None
    gate.leave(await waiting, OK)


async def test_who_waits_leaves_nothing_behind_when_cancelled():
    gate = Gate(1, adapts=True)
    place = gate.enter()
    assert place is not None
    waiting = [asyncio.create_task(gate.wait()) for _ in range(100)]
    await asyncio.sleep(0)
    for task in waiting[1:]:
        task.cancel()
    await asyncio.gather(*waiting[1:], return_exceptions=True)
    assert len(gate._waiting) == 1
    gate.leave(place, OK)
    waiting[0].cancel()  # it has its turn and does not know it
    await asyncio.gather(*waiting, return_exceptions=True)
    assert gate.active == 0
    assert gate.enter() is not None


STEPS = st.lists(st.tuples(st.sampled_from(["come", "end", "fail", "pause", "cancel", "turn"]), st.integers(0, 30)))
OUTCOMES = {"end": None, "fail": None, "pause": 0.002}


class Callers:
    """Calls through a gate that a test begins, ends and breaks off in any order."""

    def __init__(self, gate: Gate, most: int) -> None:
        self.gate, self.most = gate, most
        self.begun = self.ended = 0
        self.calls: list[tuple[asyncio.Task[None], asyncio.Future[object]]] = []

    def do(self, what: str, which: int) -> None:
        if what == "come":
            over = asyncio.get_running_loop().create_future()
            self.calls.append((asyncio.create_task(self._call(over)), over))
        elif self.calls:
            task, over = self.calls[which % len(self.calls)]
            if what == "cancel":
                task.cancel()
            elif not over.done():
                over.set_result(OK if what == "end" else refusal(OUTCOMES[what]))

    async def _call(self, over: asyncio.Future[object]) -> None:
        place = self.gate.enter() or await self.gate.wait()
        self.begun += 1
        assert self.gate.active <= self.most
        outcome = None
        try:
            outcome = await over
        finally:
            self.ended += 1
            self.gate.leave(place, outcome)

    async def finish(self) -> list[object]:
        for _, over in self.calls:
            if not over.done():
                over.set_result(OK)
        return await asyncio.wait_for(asyncio.gather(*(task for task, _ in self.calls), return_exceptions=True), 5)


@given(STEPS, st.integers(1, 4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_happens_places_are_given_back_and_everybody_gets_a_turn(steps, most, adapts):
    async def play() -> None:
        gate = Gate(most, adapts=adapts, requests_per_minute=10**6, tokens_per_minute=10**9)
        callers = Callers(gate, most)
        for what, which in steps:
            if what == "turn":
                await asyncio.sleep(0)
            else:
                callers.do(what, which)
        became = await callers.finish()
        assert {type(each) for each in became} <= {type(None), asyncio.CancelledError}
        assert (gate.active, len(gate._waiting), gate._timer) == (0, 0, None)
        assert callers.begun == callers.ended
        assert gate.enter() or await asyncio.wait_for(gate.wait(), 1)

    asyncio.run(play())


# Per minute


@given(st.integers(1, 10_000), st.floats(0, 7))
@settings(deadline=None, max_examples=60)
def test_no_minute_gets_more_than_was_said(per_minute, start):
    bucket, now, taken = Bucket(per_minute), start, []
    while now < start + 150 and len(taken) < 3000:
        wait = bucket.wait(1, now)
        if wait:
            now += wait
            continue
        bucket.take(1)
        taken.append(now)
    for first, beyond in zip(taken, taken[per_minute:], strict=False):
        assert beyond - first >= 60 - 1e-6
    assert len(taken) >= min(3000, 2 * (per_minute - per_minute // 60) - 2)


@given(st.integers(60, 100_000), st.lists(st.integers(1, 5000), min_size=20, max_size=60))
@settings(deadline=None, max_examples=60)
def test_no_minute_gets_more_tokens_but_for_the_last_call(per_minute, sizes):
    bucket, now, taken = Bucket(per_minute), 0.0, []
    for size in sizes:
        while wait := bucket.wait(size, now):
            now += wait
        bucket.take(size)
        taken.append((now, size))
    for index, (first, _) in enumerate(taken):
        inside = [size for at, size in taken[index:] if at < first + 60]
        assert sum(inside[:-1]) <= per_minute + 1


def test_what_was_set_aside_is_put_right_by_what_was_used():
    gate = Gate(10, tokens_per_minute=60_000)  # a thousand a second
    place = gate.enter()
    assert place is not None
    assert gate.enter() is None  # the first call may take all of it
    gate.leave(place, None)  # broken off
    place = gate.enter()
    assert place is not None
    gate.leave(place, answer(10, 10))
    assert gate._mean == 20
    assert len(fill(gate)) == 10  # 20 tokens each, and 980 are there
    assert gate._closed_for() == 0


async def test_a_figure_per_minute_holds_calls_up():
    gate, times = Gate(100, requests_per_minute=600), []
    start = time.monotonic()

    async def call() -> None:
        place = gate.enter() or await gate.wait()
        times.append(time.monotonic() - start)
        gate.leave(place, OK)

    await asyncio.gather(*(call() for _ in range(14)))
    assert sum(at < 0.09 for at in times) == 10  # what flows in within a second
    assert 0.39 <= max(times) < 3
    assert gate._timer is None
