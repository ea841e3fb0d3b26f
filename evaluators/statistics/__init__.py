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
from confide.evaluators.statistics.clustered import ClusteredMean, clustered_mean
from confide.evaluators.statistics.distances import entropy, js_distance, js_distances
from confide.evaluators.statistics.preference import Preference, strategy_preference
from confide.evaluators.statistics.reliability import Reliability, omega_total, reliability
from confide.evaluators.statistics.resampling import Interval, bootstrap, bootstrap_counts

__all__ = [
    "Agreement",
    "ClusteredMean",
    "Confusion",
    "Interval",
    "Preference",
    "Reliability",
    "bootstrap",
    "bootstrap_counts",
    "clustered_mean",
    "confusion",
    "entropy",
    "js_distance",
    "js_distances",
    "krippendorff_alpha",
    "masi",
    "nominal",
    "omega_total",
    "reliability",
    "squared",
    "strategy_preference",
    "two_raters",
]
