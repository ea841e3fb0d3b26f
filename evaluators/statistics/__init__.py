"""Statistics. Law: a turn is not a sample, so uncertainty comes from resampling conversations; missing is missing."""

from confide.evaluators.statistics.agreement import (
    Agreement,
    Confusion,
    confusion,
    krippendorff_alpha,
    masi,
    nominal,
    squared,
    two_raters,
)
from confide.evaluators.statistics.distances import entropy, js_distance, js_distances
from confide.evaluators.statistics.preference import Preference, strategy_preference
from confide.evaluators.statistics.resampling import Interval, bootstrap, bootstrap_counts

__all__ = [
    "Agreement",
    "Confusion",
    "Interval",
    "Preference",
    "bootstrap",
    "bootstrap_counts",
    "confusion",
    "entropy",
    "js_distance",
    "js_distances",
    "krippendorff_alpha",
    "masi",
    "nominal",
    "squared",
    "strategy_preference",
    "two_raters",
]
