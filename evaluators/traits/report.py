"""Everything that trait plans found in a run. Law: figures of one plan never mix with another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from confide.agents.models.registry import CAVEATS
from confide.evaluators.readings import Talked, talks_of
from confide.evaluators.traits.bias import FactorBias, bias
from confide.evaluators.traits.drift import Answering, FactorDrift, answering, drift
from confide.evaluators.traits.plan import LoadedPlan
from confide.evaluators.traits.results import (
    RespondentResults,
    SourceResults,
    is_respondents,
    read_respondents,
    read_source,
    trait_folders,
)
from confide.scenarios import Role
from confide.simulator import RunFolder
from confide.simulator.setup import writer_of


class TraitReport(NamedTuple):
    """What a plan found in a run."""

    plan: LoadedPlan
    floor: float
    """Cronbach's alpha below which there are no scores."""
    drift: list[FactorDrift]
    answering: list[Answering]
    bias: list[FactorBias]
    sources: list[SourceResults]
    profiles: list[RespondentResults]


def trait_reports(run: RunFolder, floor: float | None, talks: Mapping[str, Talked] | None = None) -> list[TraitReport]:
    """What each trait plan found in a run.

    Args:
        run: the run.
        floor: in place of the plans' own.
        talks: its finished conversations by id, if they were read already.

    Raises:
        ConfideError: a side log is damaged, or of another transcript.
    """
    folders = trait_folders(run)
    if talks is None:
        talks = talks_of(run) if folders else {}
    players = players_of(run)
    caveats = [CAVEATS[spec.provider] for spec in run.record.models.values() if spec.provider in CAVEATS]
    groups: dict[str, tuple[list[SourceResults], list[RespondentResults]]] = {}
    for folder in folders:
        sources, profiles = groups.setdefault(folder.record.measure.rpartition("-")[0], ([], []))
        if is_respondents(folder):
            profiles.append(read_respondents(folder))
        else:
            sources.append(read_source(folder, talks, players, caveats))
    found = []
    for sources, profiles in groups.values():
        plan = (sources or profiles)[0].plan
        least = plan.plan.floor if floor is None else floor
        errors = [each for model in profiles for each in bias(model)]
        found.append(
            TraitReport(plan, least, drift(sources, profiles, least), answering(sources), errors, sources, profiles)
        )
    return found


def players_of(run: RunFolder) -> dict[Role, list[str]]:
    """The models that play each role in a run, by name."""
    found: dict[Role, list[str]] = {role: [] for role in Role}
    for condition in run.record.conditions:
        for item in run.record.scenarios:
            for role in Role:
                found[role].append(item.models.of_writer(writer_of(condition, role)))
    return {role: list(dict.fromkeys(names)) for role, names in found.items()}
