"""Everything that trait plans found in a run. Law: figures of one plan never mix with another's."""

from __future__ import annotations

from typing import NamedTuple

from confide.evaluators.readings import talks_of
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
from confide.simulator import RunFolder, Started, read_log


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


def trait_reports(run: RunFolder, floor: float | None) -> list[TraitReport]:
    """What each trait plan found in a run.

    Args:
        run: the run.
        floor: in place of the plans' own.

    Raises:
        ConfideError: a side log is damaged, or of another transcript.
    """
    folders = trait_folders(run)
    talks = talks_of(run) if folders else {}
    caveats = _caveats(run)
    groups: dict[str, tuple[list[SourceResults], list[RespondentResults]]] = {}
    for folder in folders:
        sources, profiles = groups.setdefault(folder.record.measure.rpartition("-")[0], ([], []))
        if is_respondents(folder):
            profiles.append(read_respondents(folder))
        else:
            sources.append(read_source(folder, talks, caveats))
    found = []
    for sources, profiles in groups.values():
        plan = (sources or profiles)[0].plan
        least = plan.plan.floor if floor is None else floor
        errors = [each for model in profiles for each in bias(model)]
        found.append(
            TraitReport(plan, least, drift(sources, profiles, least), answering(sources), errors, sources, profiles)
        )
    return found


def _caveats(run: RunFolder) -> dict[str, str]:
    """By the name of each model that plays, what a reader of its figures must know."""
    for log in run.logs():
        events = read_log(log).events
        if events and isinstance(events[0], Started):
            cards = (events[0].cast.seeker, events[0].cast.supporter)
            return {card.name: card.caveat for card in cards if card.caveat}
    return {}
