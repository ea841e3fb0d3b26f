"""Analysis of runs: contrasts of arms by outcomes, within pair keys. Law: what is missing is counted, with why."""

from confide.evaluators.analysis.analyse import (
    DEFAULT,
    Analysed,
    ArmState,
    Plan,
    RunState,
    analyse,
    exploratory,
    plan_of_runs,
)
from confide.evaluators.analysis.arms import Match, Side, match
from confide.evaluators.analysis.compare import Comparison, compare
from confide.evaluators.analysis.settings import Setting
from confide.evaluators.analysis.strategies import StrategyContrast
from confide.evaluators.analysis.tested import FamilyState, Tested

__all__ = [
    "DEFAULT",
    "Analysed",
    "ArmState",
    "Comparison",
    "FamilyState",
    "Match",
    "Plan",
    "RunState",
    "Setting",
    "Side",
    "StrategyContrast",
    "Tested",
    "analyse",
    "compare",
    "exploratory",
    "match",
    "plan_of_runs",
]
