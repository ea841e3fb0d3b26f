"""Traits: questionnaires, who is asked them and when, and what comes of it.

Laws: a probe sees what the agent sees and never enters a history; an observer sees one role's lines; an answer is a
point of the scale, a mean weighted by probabilities, or missing; below the reliability floor there is no score.
"""

from confide.evaluators.traits.bias import FactorBias, bias
from confide.evaluators.traits.drift import Answering, FactorDrift, answering, drift
from confide.evaluators.traits.instrument import (
    Instrument,
    LoadedInstrument,
    TraitItem,
    doubts,
    read_instrument,
    shipped_instruments,
)
from confide.evaluators.traits.plan import LoadedPlan, TraitPlan, Wording, is_plan, read_plan, shipped_plans
from confide.evaluators.traits.probes import ObserverReport, SelfReport
from confide.evaluators.traits.profiles import drawn_profiles, sampled_personas
from confide.evaluators.traits.report import TraitReport, trait_reports
from confide.evaluators.traits.results import read_respondents, read_source, trait_folders

__all__ = [
    "Answering",
    "FactorBias",
    "FactorDrift",
    "Instrument",
    "LoadedInstrument",
    "LoadedPlan",
    "ObserverReport",
    "SelfReport",
    "TraitItem",
    "TraitPlan",
    "TraitReport",
    "Wording",
    "answering",
    "bias",
    "doubts",
    "drawn_profiles",
    "drift",
    "is_plan",
    "read_instrument",
    "read_plan",
    "read_respondents",
    "read_source",
    "sampled_personas",
    "shipped_instruments",
    "shipped_plans",
    "trait_folders",
    "trait_reports",
]
