"""Holding a run to its budget. Law: it ends between two calls, and what was answered is kept."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confide.agents import Model
from confide.scenarios import ConfideError
from confide.scenarios.experiments import Budget
from confide.simulator import AnyEvent, Called, RunRecord
from confide.simulator.executors import Counts, counts_of


class BudgetReachedError(ConfideError):
    """The run may cost no more."""


def budget_of(record: RunRecord, readers: Sequence[Model] = ()) -> Budget:
    """The budget of a run that ``readers`` read; none where it is no experiment's.

    Raises:
        ConfideError: it is in dollars, and the price of a model is unknown.
    """
    budget = record.experiment.resolved.budget if record.experiment else Budget()
    if record.shard:  # shards know nothing of one another: each may cost its part
        tokens, usd, of = budget.tokens, budget.usd, record.shard.of
        part = {"tokens": tokens and max(1, tokens // of), "usd": usd and usd / of}
        budget = budget.model_copy(update=part)
    unknown = [name for name, price in record.prices.items() if price is None]
    unknown += [model.name for model in readers if model.price is None]
    if budget.usd is not None and unknown:
        raise ConfideError(
            f"budget.usd cannot be held: the price of model '{unknown[0]}' is unknown; give it one in models.yaml, or "
            "set budget.tokens"
        )
    return budget


class Spending:
    """What a run has cost since it was begun or gone on with. A sink of what readers are answered."""

    def __init__(self, budget: Budget) -> None:
        """Nothing is spent yet."""
        self._budget = budget
        self._start = time.monotonic()
        self._tokens = 0
        self._usd = 0.0
        self._stop: ConfideError | None = None

    def write(self, *events: AnyEvent) -> None:
        """Count what a reader was answered. With the budget used up it reads no further, and the conversations end.

        Raises:
            ConfideError: as :meth:`see`.
        """
        for event in events:
            self.see(event)

    def see(self, event: AnyEvent) -> None:
        """Count an event.

        Raises:
            ConfideError: as :meth:`add`.
        """
        if self._stop is not None:
            raise self._stop
        if isinstance(event, Called):
            self.add(counts_of(event))

    def add(self, counts: Counts) -> None:
        """Count what several events come to.

        Raises:
            BudgetReachedError: with it, the budget is used up.
            ConfideError: what it took is unknown, so that the budget cannot be held.
        """
        if self._stop is not None:
            raise self._stop
        try:
            self._count(counts)
        except ConfideError as error:
            self._stop = error
            raise

    def _count(self, counts: Counts) -> None:
        self._must_be_counted(counts)
        self._tokens += counts.prompt_tokens + counts.completion_tokens
        self._usd += counts.cost
        budget, minutes = self._budget, (time.monotonic() - self._start) / 60
        if budget.tokens is not None and self._tokens >= budget.tokens:
            raise BudgetReachedError(f"the budget of {budget.tokens:,} tokens is used up ({self._tokens:,})")
        if budget.usd is not None and self._usd >= budget.usd:
            raise BudgetReachedError(f"the budget of ${budget.usd:.2f} is used up (${self._usd:.4f})")
        if budget.minutes is not None and minutes >= budget.minutes:
            raise BudgetReachedError(f"the budget of {budget.minutes:g} minutes is used up")

    def _must_be_counted(self, counts: Counts) -> None:
        for name, model in (("tokens", counts.silent), ("usd", counts.unpriced)):
            if getattr(self._budget, name) is not None and model is not None:
                raise ConfideError(
                    f"budget.{name} cannot be held: the server of model '{model}' does not report the tokens; "
                    "set budget.minutes"
                )
