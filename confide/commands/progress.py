"""Progress of a run, or of readers of one, on standard error: how much is done, tokens per second, cost, time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from confide.simulator import AnyEvent, Called, Ended, Measured, Read, Spoke
from confide.simulator.executors import Counts, counts_of

LINE_EVERY_S: Final = 10.0
"""Where standard error is no terminal, one line this often."""


class RunProgress:
    """Counts events and shows the counts. A sink."""

    def __init__(self, total: int, done: int, *, quiet: bool, what: str = "conversations", each: str = "turns") -> None:
        """Expect ``total`` of ``what``, of which ``done`` are finished already; show nothing if ``quiet``."""
        self._what, self._each = what, each
        self._console = Console(stderr=True)
        self._quiet = quiet
        self._total, self._done = total, done
        self._turns = self._tokens = self._hits = 0
        self._read = Counts()
        self.readers = _Readers(self.add_reading)
        """Is told what readers beside the conversations were answered."""
        self._cost: float | None = 0.0
        self._start = self._line = time.monotonic()
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
        )  # fmt: skip
        self._bar = Progress(*columns, console=self._console, disable=quiet or not self._console.is_terminal)
        self._task = self._bar.add_task(what, total=total, completed=done, counts="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if not self._quiet and not self._console.is_terminal:
            self._say()

    def write(self, *events: AnyEvent) -> None:
        """Count ``events``."""
        for event in events:
            self.see(event)

    def see(self, event: AnyEvent) -> None:
        """Count ``event``."""
        if isinstance(event, Called):
            if event.hit:
                self._hits += 1
            else:
                self._tokens += event.completion_tokens or 0
            self._cost = None if self._cost is None or event.cost is None else self._cost + event.cost
            return
        if isinstance(event, Spoke | Measured):
            self._turns += 1
        elif isinstance(event, Ended | Read):
            self._done += 1
        else:
            return
        self._show()

    def _show(self) -> None:
        if self._quiet:
            return
        if self._console.is_terminal:
            self._bar.update(self._task, completed=self._done, counts=self._counts())
        elif time.monotonic() - self._line > LINE_EVERY_S:
            self._line = time.monotonic()
            self._say()

    def add(self, counts: Counts, done: int | None = None) -> None:
        """Count what several events come to; ``done``: how many are finished, counted on disk."""
        self._turns += counts.turns
        self._tokens += counts.completion_tokens
        self._hits += counts.hits
        self._cost = None if self._cost is None or counts.unpriced else self._cost + counts.cost
        self._done = self._done + counts.ended if done is None else done
        self._show()

    def add_reading(self, counts: Counts) -> None:
        """Count what readers beside the conversations were answered."""
        self._read = self._read.plus(counts)

    def _counts(self) -> str:
        seconds = max(time.monotonic() - self._start, 1e-3)
        hits = f", {self._hits + self._read.hits} answers from the cache" if self._hits + self._read.hits else ""
        told = f"{self._turns} {self._each}, {self._tokens / seconds:.0f} tokens/s, {_dollars(self._cost)}{hits}"
        if not self._read.turns:
            return told
        cost = None if self._read.unpriced else self._read.cost
        read = f"{self._read.turns} answers, {self._read.completion_tokens / seconds:.0f} tokens/s, {_dollars(cost)}"
        return f"{told}; readers: {read}"

    def _say(self) -> None:
        self._console.print(f"{self._done}/{self._total} {self._what}, {self._counts()}", highlight=False)


def _dollars(cost: float | None) -> str:
    return "cost unknown" if cost is None else f"${cost:.4f}"


class _Readers:
    """A sink of side logs."""

    def __init__(self, add: Callable[[Counts], None]) -> None:
        self._add = add

    def write(self, *events: AnyEvent) -> None:
        for event in events:
            self._add(counts_of(event))
