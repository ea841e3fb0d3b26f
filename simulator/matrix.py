"""The matrix of an experiment: scenarios x personas x casts. Law: conditions and casts share their cell's pair key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from confide.scenarios import LoadedScenario, Persona, Role
from confide.scenarios.experiments import EXPERIMENTS, LoadedExperiment
from confide.scenarios.personas import ListedPersona
from confide.simulator.store import ExperimentRecord


class Variant(NamedTuple):
    """A scenario with the personas and the models of one cell."""

    loaded: LoadedScenario
    persona: ListedPersona | None = None
    """The listed persona, if one took the place of a role's own."""
    cast: str | None = None
    """What the experiment calls the models, if it has casts."""


def variants_of(loaded: Sequence[LoadedScenario], experiment: LoadedExperiment | None) -> list[Variant]:
    """All scenarios with all personas and casts of an experiment; as they are without one."""
    if experiment is None:
        return [Variant(item) for item in loaded]
    axis, casts = experiment.experiment.personas, experiment.experiment.models
    listed: list[ListedPersona | None] = [*experiment.personas] or [None]
    found = []
    for item in loaded:
        for persona in listed:
            changed = item if persona is None or axis is None else _with_persona(item, axis.role, persona)
            for cast in casts or [None]:
                models = changed.scenario.models if cast is None else cast.models
                scenario = changed.scenario.model_copy(update={"models": models})
                found.append(Variant(changed._replace(scenario=scenario), persona, cast.id if cast else None))
    return found


def _with_persona(item: LoadedScenario, role: Role, listed: ListedPersona) -> LoadedScenario:
    """A scenario whose role has the traits, the style and, if the list gives one, the background of another persona."""
    side = item.scenario.role(role)
    persona = Persona(
        name=side.persona.name,
        background=listed.background or side.persona.background,
        traits=listed.traits,
        style=listed.style,
    )
    changed = side.model_copy(update={"persona": persona})
    return item._replace(scenario=item.scenario.model_copy(update={role.value: changed}))


def record_of(experiment: LoadedExperiment) -> ExperimentRecord:
    """What a run keeps of its experiment."""
    digest = hashlib.sha256(experiment.text.encode()).hexdigest()
    shipped = experiment.file.parent == EXPERIMENTS
    return ExperimentRecord(
        file=experiment.file.stem if shipped else str(experiment.file.resolve()),
        text=experiment.text,
        sha256=digest,
        resolved=experiment.experiment,
    )
