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
from confide.evaluators.statistics.clustered import ClusteredMean, Clusters, clustered_errors, clustered_mean
from confide.evaluators.statistics.composition import (
    Composition,
    PartContrast,
    aitchison_distance,
    centred_log_ratios,
    composition_contrast,
    replace_zeros,
)
from confide.evaluators.statistics.contrasts import (
    ClusterBootstrap,
    Contrast,
    Effect,
    cluster_bootstrap,
    effect_sizes,
    paired_contrast,
)
from confide.evaluators.statistics.distances import entropy, js_distance, js_distances
from confide.evaluators.statistics.equivalence import Equivalence, equivalence
from confide.evaluators.statistics.mixed import MixedEffect, mixed_effect
from confide.evaluators.statistics.multiplicity import Adjusted, Family, holm
from confide.evaluators.statistics.pairing import Lack, Observation, Pair, Pairing, Unpaired, pair_up
from confide.evaluators.statistics.permutation import Permutation, share_test, sign_flip_test, transition_test
from confide.evaluators.statistics.power import (
    Design,
    Power,
    Spread,
    clustered_p_values,
    simulate_differences,
    simulated_power,
)
from confide.evaluators.statistics.preference import Preference, strategy_preference
from confide.evaluators.statistics.reliability import Reliability, omega_total, reliability
from confide.evaluators.statistics.resampling import Interval, bootstrap, bootstrap_counts

__all__ = [
    "Adjusted",
    "Agreement",
    "ClusterBootstrap",
    "ClusteredMean",
    "Clusters",
    "Composition",
    "Confusion",
    "Contrast",
    "Design",
    "Effect",
    "Equivalence",
    "Family",
    "Interval",
    "Lack",
    "MixedEffect",
    "Observation",
    "Pair",
    "Pairing",
    "PartContrast",
    "Permutation",
    "Power",
    "Preference",
    "Reliability",
    "Spread",
    "Unpaired",
    "aitchison_distance",
    "bootstrap",
    "bootstrap_counts",
    "centred_log_ratios",
    "cluster_bootstrap",
    "clustered_errors",
    "clustered_mean",
    "clustered_p_values",
    "composition_contrast",
    "confusion",
    "effect_sizes",
    "entropy",
    "equivalence",
    "holm",
    "js_distance",
    "js_distances",
    "krippendorff_alpha",
    "masi",
    "mixed_effect",
    "nominal",
    "omega_total",
    "pair_up",
    "paired_contrast",
    "reliability",
    "replace_zeros",
    "share_test",
    "sign_flip_test",
    "simulate_differences",
    "simulated_power",
    "squared",
    "strategy_preference",
    "transition_test",
    "two_raters",
]
