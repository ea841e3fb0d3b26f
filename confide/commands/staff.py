"""Who works in a worker's process. It imports nothing of what is needed where nobody reads along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from confide.agents.models import AnySpec, Endpoints
from confide.simulator import RunFolder, models_of
from confide.simulator.executors import Crew, Share, part_of

if TYPE_CHECKING:
    from confide.commands.score import ReadingPlan


class Staff(NamedTuple):
    """Makes what a worker needs, in its own process."""

    specs: Mapping[str, AnySpec]
    """The models that play, by name, with the limits that hold for all workers together."""
    plans: Sequence[ReadingPlan]
    """Who reads along."""
    endpoints: Endpoints
    """Where they are built: the cache is shared by all workers, and each has its part of an endpoint's limits."""

    def __call__(self, run: RunFolder, share: Share) -> Crew:
        """See :class:`confide.simulator.executors.Hire`."""
        specs = {name: part_of(spec, share) for name, spec in self.specs.items()}
        models = models_of(run.record, specs, self.endpoints)
        plans = [plan.part(share) for plan in self.plans]
        readers = [reader for plan in plans for reader in plan.readers(run, models)]
        return Crew(models, readers, (*models.values(), *(plan.model for plan in plans)))
