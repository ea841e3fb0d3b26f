"""Lets tasks through a few at a time, so that what they send is spread out.

Answers that come together wake their tasks together. An event loop then takes each of them a step forward, and the
next step of all of them after that, so that their next calls leave together too, each as late as the last of them, and
come back together once more: every call waits for all of a bunch to be worked at. Let through one after the other they
spread, and each waits for itself alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

TOGETHER: Final = 32
"""Of so many that stand in line one more is let through together: where the processor is the limit, bunches cost
nothing, and a round of the loop for each task would."""


class Turnstile:
    """Lets tasks of one event loop through in the order in which they come, in each of its rounds a few of them."""

    def __init__(self) -> None:
        """Nobody stands in line."""
        self._line: deque[asyncio.Future[None]] = deque()
        self._turns = False

    async def passed(self) -> None:
        """Wait until it is one's turn: not at all, if nobody came through in this round of the loop."""
        loop = asyncio.get_running_loop()
        if not self._turns:
            self._turns = True
            loop.call_soon(self._let_through, loop)
            return
        turn = loop.create_future()
        self._line.append(turn)
        await turn

    def _let_through(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turns = bool(self._line)
        if not self._turns:
            return
        together = 1 + len(self._line) // TOGETHER
        while self._line and together:
            turn = self._line.popleft()
            if not turn.done():  # else it was cancelled
                turn.set_result(None)
                together -= 1
        loop.call_soon(self._let_through, loop)
