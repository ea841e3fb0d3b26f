"""Simulate emotional support conversations between agents that know different things, and measure the difference.

The public API. Each name is loaded when it is first used, so that ``import confide`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from confide.agents import wrap_client
    from confide.evaluators import Summary, summarise
    from confide.evaluators.tabular import tables
    from confide.scenarios import ConfideError, Role, Scenario, read_scenario
    from confide.simulator import Moderator, RunFolder, Setup, fold, read_log, replay

_HOME: Final = {
    "ConfideError": "scenarios",
    "Moderator": "simulator",
    "Role": "scenarios",
    "RunFolder": "simulator",
    "Scenario": "scenarios",
    "Setup": "simulator",
    "Summary": "evaluators",
    "fold": "simulator",
    "read_log": "simulator",
    "read_scenario": "scenarios",
    "replay": "simulator",
    "summarise": "evaluators",
    "tables": "evaluators.tabular",
    "wrap_client": "agents",
}

__all__ = [
    "ConfideError",
    "Moderator",
    "Role",
    "RunFolder",
    "Scenario",
    "Setup",
    "Summary",
    "fold",
    "read_log",
    "read_scenario",
    "replay",
    "summarise",
    "tables",
    "wrap_client",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"confide.{_HOME[name]}"), name)
    raise AttributeError(f"module 'confide' has no attribute '{name}'")
