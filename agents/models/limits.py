"""Gates: how many calls an endpoint gets at once, and per minute.

Laws: whoever has waited longest goes first; a call that ends, however it ends, gives its place back; who waits between
two tries holds none. All models at one endpoint with one key pass one gate. A gate belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from time import monotonic
from typing import Final, NamedTuple

from confide.agents.completion import Completion, Fault, ModelError
from confide.agents.models.base import LONGEST_WAIT_S, BaseClient, Request, Wrapper

FIRST_WINDOW: Final = 128
"""Calls at once with which an endpoint is first tried: who allows no more has said what it bears, and only beyond is it
looked for. A talk that waits for the window to open ends by as much later."""
SPORADIC: Final = 0.1
"""Share of server errors and time-outs among the answers that says nothing about load. Halving at each one would hold
an endpoint that fails once in 200 calls, as many do, at about 20 calls at once."""
SAYS_OVERLOADED: Final = (503, 529)
"""Statuses that say that the endpoint has too much to do, as 429 does."""
UNKNOWN_TOKENS: Final = 1000.0
"""Tokens that a call is taken to need before any was answered."""
REMEMBERED: Final = 32
"""Calls over which the mean of their tokens is taken, about."""
_DUST: Final = 1e-9


class Bucket:
    """So much per minute, spread evenly. Never more in any minute, but for what a single take is too large for it."""

    def __init__(self, per_minute: int) -> None:
        """Begin full; it holds what flows in within a second, and at least one."""
        self.per_minute = per_minute
        self._most = max(1.0, per_minute / 60)
        self._rate = (per_minute - self._most + 1) / 60  # what it holds at the start counts too
        self._level = self._most
        self._at = -math.inf

    def wait(self, amount: float, now: float) -> float:
        """Seconds until ``amount`` may be taken; what is more than it holds may be taken once it is full."""
        self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now
        lacking = min(amount, self._most) - self._level
        return lacking / self._rate if lacking > _DUST else 0.0

    def take(self, amount: float) -> None:
        """Take ``amount``, or give some back where it is negative."""
        self._level -= amount


class Place(NamedTuple):
    """What a call under way holds."""

    epoch: int
    """How often the window had been narrowed when it began."""
    tokens: float
    """Tokens that were set aside for it."""


class Gate:
    """Lets calls through to an endpoint, first come, first served.

    A gate that adapts looks for the number of calls at once that the endpoint bears. It doubles it with each window of
    answers until the first refusal; each refusal halves it, once per window of calls; then it grows by one with each
    window of answers. After several halvings in a row, as in an outage, it doubles again up to half of what went well.
    """

    def __init__(
        self,
        most: int,
        *,
        adapts: bool = False,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        """Let at most ``most`` calls through at once; at least one.

        Args:
            most: calls at once.
            adapts: whether fewer are let through where the endpoint refuses.
            requests_per_minute: calls that may begin in a minute; None for any number.
            tokens_per_minute: tokens that they may take in a minute; None for any number.
        """
        self._most = most
        self._adapts = adapts
        self._requests = None if requests_per_minute is None else Bucket(requests_per_minute)
        self._tokens = None if tokens_per_minute is None else Bucket(tokens_per_minute)
        self._mean = UNKNOWN_TOKENS
        self._counted = 0
        self.window = float(min(most, FIRST_WINDOW) if adapts else most)
        """Calls that are let through at once now."""
        self._threshold = math.inf
        self._epoch = 0
        self._unproved = 0.0  # of the answers that the window was narrowed to, how many are still to come
        self._good = self._troubles = 0  # of the present window of calls
        self._full = self._was_full = False  # no room at some time of it, or of the last one: it could be wider
        self._paused_until = -math.inf
        self._waiting: OrderedDict[asyncio.Future[Place], None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self.active = 0
        """Calls under way."""
        self.calls = 0
        """Calls that were let through."""
        self.waits = 0
        """Of these, how many had to wait."""
        self.waited_s = 0.0
        """Seconds that they waited, all in all."""
        self.narrowed = 0
        """How often the window was narrowed."""

    def share(self, most: int, requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
        """Let another model through too: the most of both at once, the least of both per minute."""
        self._most = max(self._most, most)
        self.window = float(max(self.window, min(self._most, FIRST_WINDOW)) if self._adapts else self._most)
        self._requests = _stricter(self._requests, requests_per_minute)
        self._tokens = _stricter(self._tokens, tokens_per_minute)

    def enter(self) -> Place | None:
        """Go through, if nobody waits and there is room; else see :meth:`wait`."""
        if self._waiting or self.active + 1 > self.window or self._closed_for():
            return None
        return self._take()

    async def wait(self) -> Place:
        """Stand in line until it is one's turn. Cancelling gives the turn to the next."""
        turn: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        self._admit()
        start = monotonic()
        try:
            return await turn
        except asyncio.CancelledError:
            self._waiting.pop(turn, None)
            if turn.done() and not turn.cancelled():  # let through and broken off at once
                self.leave(turn.result(), None)
            elif not self._waiting:
                self._stop_timer()
            raise
        finally:
            self.waits += 1
            self.waited_s += monotonic() - start

    def leave(self, place: Place, outcome: Completion | ModelError | None) -> None:
        """A call is over.

        Args:
            place: what it held.
            outcome: what came of it; None if it was broken off.
        """
        if self._adapts:
            if isinstance(outcome, ModelError):
                self._failed(place, outcome)
            elif outcome is not None and place.epoch == self._epoch:
                self._went_well()
        if self._tokens is not None:
            self._settle(self._tokens, place.tokens, outcome)
        self.active -= 1
        if self._waiting:
            self._admit()

    def _take(self) -> Place:
        self.active += 1
        self.calls += 1
        if self.active + 1 > self.window:
            self._full = True
        if self._requests is not None:
            self._requests.take(1)
        if self._tokens is None:
            return Place(self._epoch, 0.0)
        self._tokens.take(self._mean)
        return Place(self._epoch, self._mean)

    def _closed_for(self) -> float:
        """Seconds until the next call may begin, as far as pauses and figures per minute go."""
        if self._paused_until < 0 and self._requests is None and self._tokens is None:
            return 0.0
        now = monotonic()
        closed = max(0.0, self._paused_until - now)
        if self._requests is not None:
            closed = max(closed, self._requests.wait(1, now))
        if self._tokens is not None:
            closed = max(closed, self._tokens.wait(self._mean, now))
        return closed

    def _admit(self) -> None:
        """Let through who may go; set the clock where it is only a matter of time."""
        while self._waiting and self.active + 1 <= self.window:
            closed = self._closed_for()
            if closed:
                self._ring_in(closed)
                return
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():  # it is where it was cancelled and does not know it yet
                turn.set_result(self._take())
        if not self._waiting:
            self._stop_timer()

    def _ring_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._timer is not None and self._timer.when() <= due:
            return
        self._stop_timer()
        self._timer = loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._admit()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _went_well(self) -> None:
        if (self._full or self._was_full) and self.window < self._most:
            step = 1.0 if self.window < self._threshold else 1.0 / self.window
            self.window = min(float(self._most), self.window + step)
        self._unproved -= 1
        self._good += 1
        if self._good >= self.window:
            self._was_full, self._full = self._full, bool(self._waiting)
            self._good = self._troubles = 0

    def _failed(self, place: Place, error: ModelError) -> None:
        if error.retry_after:
            self._paused_until = max(self._paused_until, monotonic() + min(error.retry_after, LONGEST_WAIT_S))
        if place.epoch != self._epoch or not error.fault.transient:
            return
        if error.fault is not Fault.RATE_LIMITED and error.status not in SAYS_OVERLOADED:
            self._troubles += 1
            if self._troubles <= 1 + SPORADIC * self._good:
                return
        self.window = max(1.0, min(self.window, self.active) / 2)
        if self._unproved <= 0:  # else it is an outage, and says nothing about what the endpoint bears
            self._threshold = self.window
        self._unproved = self.window
        self._epoch += 1
        self.narrowed += 1
        self._good = self._troubles = 0

    def _settle(self, bucket: Bucket, reserved: float, outcome: Completion | ModelError | None) -> None:
        """Put right what was set aside, once it is known what a call took."""
        if not isinstance(outcome, Completion):
            bucket.take(-reserved)
        elif outcome.prompt_tokens is not None and outcome.completion_tokens is not None:
            used = outcome.prompt_tokens + outcome.completion_tokens
            bucket.take(used - reserved)
            self._counted = min(self._counted + 1, REMEMBERED)
            self._mean += (used - self._mean) / self._counted


def _stricter(bucket: Bucket | None, per_minute: int | None) -> Bucket | None:
    if per_minute is None or (bucket is not None and bucket.per_minute <= per_minute):
        return bucket
    return Bucket(per_minute)


class Limit(Wrapper):
    """Has each call pass a gate. It stands inside of the retries, so that each try passes."""

    def __init__(self, inner: BaseClient, gate: Gate) -> None:
        """Have calls of ``inner`` pass ``gate``."""
        super().__init__(inner)
        self.gate = gate

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        place = self.gate.enter() or await self.gate.wait()
        start = monotonic()
        outcome: Completion | ModelError | None = None
        try:
            outcome = await self.inner.answer(request)
        except ModelError as error:
            error.seconds = monotonic() - start
            outcome = error
            raise
        finally:
            self.gate.leave(place, outcome)
        return outcome
