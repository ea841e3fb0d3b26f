"""One worker's share of a run: what it runs, with what, and what it says of it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from confide.agents import Model
from confide.agents.models import AnySpec
from confide.simulator.events import AnyEvent, Called, Ended, Measured, Read, Spoke
from confide.simulator.measures import Reader, read_run
from confide.simulator.runner import Outcome, run_conversations
from confide.simulator.store import Planned, RunFolder

REPORT_S: Final = 0.25
"""How often a worker says what it did."""
SHARED: Final = ("concurrency", "requests_per_minute", "tokens_per_minute")
"""Limits of an endpoint that hold for all workers together."""


class Share(NamedTuple):
    """What one of several workers is to do."""

    number: int
    """Which worker it is, from 0."""
    of: int
    """How many there are."""
    only: frozenset[str] | None = None
    """The conversations that are left; None for all that are planned."""
    read: bool = False
    """Whether conversations that were committed by a worker that died are to be read to their end, too."""

    def queue(self, run: RunFolder) -> Iterator[Planned]:
        """What to run, in this order: every n-th of the plan, then what the other workers have not begun.

        The others' shares are gone through from their ends, since their owners begin at the front.
        """
        plan = [each for each in run.planned() if self.only is None or each.id in self.only]
        done = {log.stem for log in run.finished()}
        yield from (each for each in plan[self.number :: self.of] if each.id not in done)
        done = {log.stem for log in run.finished()}
        for step in range(1, self.of):
            for each in reversed(plan[(self.number + step) % self.of :: self.of]):
                # One with a live file is somebody's, or was left open for a reason that trying again would not mend.
                if each.id not in done and not run.live(each.id).exists() and not run.is_finished(each.id):
                    yield each


def part_of(spec: AnySpec, share: Share) -> AnySpec:
    """A model's description with one worker's part of the limits that hold for all; at least 1 of each."""
    parts = {}
    for name in SHARED:
        limit = getattr(spec, name, None)
        if limit is not None:
            parts[name] = max(1, limit * (share.number + 1) // share.of - limit * share.number // share.of)
    return spec.model_copy(update=parts)


class Crew(NamedTuple):
    """Who does the work of one worker."""

    models: Mapping[str, Model]
    """The models that play, by name."""
    readers: Sequence[Reader]
    """Who reads along."""
    all_models: Sequence[Model]
    """All that are to be closed at the end."""


class Hire(Protocol):
    """Makes a crew in a worker's own process. Must be picklable."""

    def __call__(self, run: RunFolder, share: Share) -> Crew:
        """The crew of one worker.

        Raises:
            ConfideError: a key or a package is missing there.
        """
        ...


class Counts(NamedTuple):
    """What some events come to."""

    turns: int = 0
    """Turns spoken, or answers of readers."""
    ended: int = 0
    """Conversations, or side logs, that came to their end."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    """US dollars of the calls whose cost is known."""
    hits: int = 0
    """Answers that came from the cache; their tokens and dollars are not counted."""
    silent: str | None = None
    """A model whose server did not report tokens; None if all did."""
    unpriced: str | None = None
    """A model with a call of unknown cost; None if there is none."""

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.turns + other.turns,
            self.ended + other.ended,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
            self.hits + other.hits,
            self.silent or other.silent,
            self.unpriced or other.unpriced,
        )


NOTHING: Final = Counts()


def counts_of(event: AnyEvent) -> Counts:
    """What one event counts."""
    if isinstance(event, Called):
        if event.hit:  # it was paid for in another run
            return Counts(hits=1)
        model = event.model or "unnamed"
        silent = event.prompt_tokens is None or event.completion_tokens is None
        return Counts(
            prompt_tokens=event.prompt_tokens or 0,
            completion_tokens=event.completion_tokens or 0,
            cost=event.cost or 0.0,
            silent=model if silent else None,
            unpriced=model if event.cost is None else None,
        )
    if isinstance(event, Spoke | Measured):
        return Counts(turns=1)
    return Counts(ended=1) if isinstance(event, Ended | Read) else NOTHING


class Report(NamedTuple):
    """What a worker did since its last report."""

    said: Counts = NOTHING
    """In conversations."""
    read: Counts = NOTHING
    """In side logs."""
    done: int | None = None
    """Conversations of the run that are finished, counted on disk; None: as counted before, and what came since."""


class Over(NamedTuple):
    """A worker is through."""

    outcome: Outcome


class Refused(NamedTuple):
    """A worker cannot go on, and neither could another: the disk or an endpoint refuses everything."""

    why: str


Said = Report | Over | Refused
Tell = Callable[[Report], None]
"""Is told what workers did. It may raise, and with that the run is stopped."""


class _Tally:
    """A sink that counts."""

    def __init__(self) -> None:
        self._counts = NOTHING

    def write(self, *events: AnyEvent) -> None:
        for event in events:
            counts = counts_of(event)
            if counts is not NOTHING:
                self._counts = self._counts.plus(counts)

    def take(self) -> Counts:
        """The counts since the last time."""
        counts, self._counts = self._counts, NOTHING
        return counts


async def run_share(run: RunFolder, hire: Hire, share: Share, tell: Tell) -> Outcome:
    """Run one worker's share, to its end or until it is cancelled.

    Raises:
        ConfideError: the disk or an endpoint refuses everything.
    """
    said, read = _Tally(), _Tally()

    def see(conversation: str, event: AnyEvent) -> None:  # noqa: ARG001
        said.write(event)

    async def keep_telling() -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            tell(Report(said.take(), read.take()))

    crew = hire(run, share)
    telling = asyncio.create_task(keep_telling())
    try:
        outcome = await run_conversations(run, crew.models, see, crew.readers, read, share.queue(run))
        if share.read and crew.readers:
            readings = await read_run(run, crew.readers, read)
            outcome = outcome._replace(unread={**outcome.unread, **readings.unread})
        return outcome
    finally:
        telling.cancel()
        tell(Report(said.take(), read.take()))
        for model in crew.all_models:
            await model.client.close()
