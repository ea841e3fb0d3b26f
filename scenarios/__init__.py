"""WHAT is simulated: the vocabulary, the YAML schema, its reader, and the shipped library.

Law: a scenario that validates can be run. Every mistake in a file is found before anything starts, and named by
file, line and field.
"""

from confide.scenarios.conditions import (
    PRESETS,
    Condition,
    PersonasShown,
    Sight,
    TellingPolicy,
    Writer,
    shipped_conditions,
)
from confide.scenarios.errors import ConfideError, InputFileError, Problem
from confide.scenarios.library import shipped_scenarios
from confide.scenarios.reader import (
    LoadedScenario,
    read_conditions,
    read_scenario,
    read_scenarios,
    read_taxonomy,
    read_yaml,
)
from confide.scenarios.schema import Fact, Limits, Persona, Scenario, SeekerSpec, Style, SupporterSpec, Traits
from confide.scenarios.taxonomy import Strategy, Taxonomy
from confide.scenarios.vocabulary import CSI, HEXACO, Reveal, Role

__all__ = [
    "CSI",
    "HEXACO",
    "PRESETS",
    "Condition",
    "ConfideError",
    "Fact",
    "InputFileError",
    "Limits",
    "LoadedScenario",
    "Persona",
    "PersonasShown",
    "Problem",
    "Reveal",
    "Role",
    "Scenario",
    "SeekerSpec",
    "Sight",
    "Strategy",
    "Style",
    "SupporterSpec",
    "Taxonomy",
    "TellingPolicy",
    "Traits",
    "Writer",
    "read_conditions",
    "read_scenario",
    "read_scenarios",
    "read_taxonomy",
    "read_yaml",
    "shipped_conditions",
    "shipped_scenarios",
]
