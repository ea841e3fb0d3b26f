"""WHAT is simulated: the vocabulary, the YAML schema, its reader, and the shipped library.

Law: a scenario that validates can be run. Every mistake in a file is found before anything starts, and named by
file, line and field.
"""

from confide.scenarios.errors import ConfideError, InputFileError, Problem
from confide.scenarios.library import shipped_scenarios
from confide.scenarios.reader import LoadedScenario, read_scenario, read_scenarios, read_taxonomy, read_yaml
from confide.scenarios.schema import Fact, Limits, Persona, Scenario, SeekerSpec, Style, SupporterSpec, Traits
from confide.scenarios.taxonomy import Strategy, Taxonomy
from confide.scenarios.vocabulary import CSI, HEXACO, Reveal, Role

__all__ = [
    "CSI",
    "HEXACO",
    "ConfideError",
    "Fact",
    "InputFileError",
    "Limits",
    "LoadedScenario",
    "Persona",
    "Problem",
    "Reveal",
    "Role",
    "Scenario",
    "SeekerSpec",
    "Strategy",
    "Style",
    "SupporterSpec",
    "Taxonomy",
    "Traits",
    "read_scenario",
    "read_scenarios",
    "read_taxonomy",
    "read_yaml",
    "shipped_scenarios",
]
