"""Pairing, contrasts, equivalence, families and power: by hand, against statsmodels and scipy, and by laws."""

from math import sqrt

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from confide.evaluators.statistics import (
    Design,
    Lack,
    Observation,
    Spread,
    cluster_bootstrap,
    clustered_mean,
    clustered_p_values,
    equivalence,
    holm,
    pair_up,
    paired_contrast,
    simulate_differences,
    simulated_power,
)


def seen(key, value, *, finished=True):
    return Observation(key, value, finished)


def test_pairs_and_what_is_missing():
    one = [seen("exam/ab/0", 3.0), seen("exam/ab/1", None), seen("exam/cd/0", 1.0), seen("x/y/ab/0", 2.0)]
    other = [
        seen("x/y/ab/0", 5.0),
        seen("exam/ab/1", 1.0),
        seen("exam/ab/0", 4.0, finished=False),
        seen("job/ab/0", 1.0),
    ]
    found = pair_up(one, other)
    assert [pair[:6] for pair in found.pairs] == [("x/y/ab/0", "x/y", "ab", "0", 2.0, 5.0)]
    assert found.counts == {Lack.ONLY_ONE: 1, Lack.ONLY_OTHER: 1, Lack.UNFINISHED: 1, Lack.NO_VALUE: 1}
    assert found.one == [2.0]
    assert found.clusters == (["x/y"], ["ab"])


def test_nan_is_missing_and_zero_is_not():
    found = pair_up([seen("a/b/0", float("nan")), seen("a/b/1", 0.0)], [seen("a/b/0", 1.0), seen("a/b/1", 0.0)])
    assert (len(found.pairs), found.counts[Lack.NO_VALUE]) == (1, 1)


def test_duplicates_and_odd_keys_are_errors():
    with pytest.raises(ValueError, match="a/b/0 stands twice in the other arm"):
        pair_up([], [seen("a/b/0", 1.0), seen("a/b/0", None)])
    with pytest.raises(ValueError, match="not scenario/personas/replicate: a//0"):
        pair_up([seen("a//0", 1.0)], [])


KEYS = st.dictionaries(
    st.sampled_from([f"s{i}/p{j}/0" for i in range(3) for j in range(3)]), st.none() | st.floats(-1, 1)
)


@given(KEYS, KEYS)
def test_every_key_is_a_pair_or_missing(one, other):
    found = pair_up([seen(*item) for item in one.items()], [seen(*item) for item in other.items()])
    assert len(found.pairs) + len(found.missing) == len(one.keys() | other.keys())
    assert sum(found.counts.values()) == len(found.missing)
    back = pair_up([seen(*item) for item in other.items()], [seen(*item) for item in one.items()])
    assert [(pair.one, pair.other) for pair in back.pairs] == [(pair.other, pair.one) for pair in found.pairs]


def drawn(scenarios=6, personas=5, replicates=2, seed=0):
    design = Design(scenarios, personas, replicates)
    random = np.random.default_rng(seed)
    return design, simulate_differences(design, 0.3, Spread(0.5, 0.4, 0.2, 1.0), 1, random)[0]


def test_two_way_errors_are_those_of_statsmodels():
    design, x = drawn()
    groups = np.array(design.clusters).T
    fit = sm.OLS(x, np.ones(len(x))).fit(cov_type="cluster", cov_kwds={"groups": groups, "df_correction": False})
    found = paired_contrast(x, np.zeros(len(x)), design.clusters)
    assert found.difference.se == pytest.approx(fit.bse[0])
    assert found.p == pytest.approx(2 * stats.t.sf(abs(x.mean()) / fit.bse[0], 4))
    assert clustered_p_values(x[None, :], design.clusters)[0] == pytest.approx(found.p)


def test_clusters_of_one_each_are_the_paired_t_test():
    """Then d_z is t over root n."""
    random = np.random.default_rng(1)
    one, other = random.normal(size=(2, 12))
    found = paired_contrast(one, other, [range(12)])
    expected = stats.ttest_rel(one, other)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))
    assert found.d_z.value == pytest.approx(expected.statistic / sqrt(12))


def test_effect_sizes_by_hand():
    """Differences 1, 3, 2, 2: mean 2, variance 2/3. Arms 2, 5, 4, 5 and 1, 2, 2, 3: variances 2 and 2/3, mean 4/3."""
    found = paired_contrast([2, 5, 4, 5], [1, 2, 2, 3], [range(4)])
    assert (found.mean_one, found.mean_other, found.difference.mean) == (4, 2, 2)
    assert found.d_z.value == pytest.approx(2 / sqrt(2 / 3))
    assert found.d_av.value == pytest.approx(2 / sqrt(4 / 3))
    # Influence on d_z: (x - 2) / s - d ((x - 2)^2 - s^2) / (2 s^2), with s^2 = 2/3.
    s2, d = 2 / 3, 2 / sqrt(2 / 3)
    influence = [c / sqrt(s2) - d * (c * c - s2) / (2 * s2) for c in (-1, 1, 0, 0)]
    expected = clustered_mean(influence, [range(4)])
    assert found.d_z.high - found.d_z.value == pytest.approx(expected.high - expected.mean)


def test_one_cluster_gives_no_interval_and_says_why():
    found = paired_contrast([1, 2, 4], [0, 0, 1], [["a"] * 3, ["x"] * 3])
    assert found.difference.mean == 2
    assert (found.difference.low, found.p, found.d_z.low) == (None, None, None)
    for reason in (found.reason, found.difference.reason, found.d_z.reason, found.d_av.reason):
        assert "one cluster" in reason
    assert "one cluster" in cluster_bootstrap([1, 2, 4], [["a"] * 3], 1).reason
    assert paired_contrast([1, 2, 4], [0, 0, 1], [["a"] * 3, "xyz"]) == paired_contrast([1, 2, 4], [0, 0, 1], ["xyz"])
    assert "one cluster" in equivalence([1, 2, 4], [["a"] * 3], lower=-1, upper=1).reason


def test_nothing_and_no_spread():
    assert paired_contrast([], [], [[], []]).reason == "no conversation"
    assert cluster_bootstrap([], [[], []], 1).mean is None
    assert equivalence([], [[]], lower=-1, upper=1).reason == "no conversation"
    same = paired_contrast([1.1, 2.1, 3.1], [1.0, 2.0, 3.0], ["abc"])
    assert (same.p, same.d_z.value) == (None, None)
    assert "same value" in same.reason
    assert equivalence([0.5, 0.5], ["ab"], lower=-1, upper=1).p is None
    with pytest.raises(ValueError, match="missing or infinite"):
        paired_contrast([1.0, float("nan")], [1.0, 2.0], ["ab"])
    with pytest.raises(ValueError, match="clusters of"):
        paired_contrast([1.0], [1.0], ["ab"])


VALUES = st.lists(st.floats(-10, 10), min_size=12, max_size=12).filter(lambda values: np.std(values) > 0.1)
CLUSTERS = Design(4, 3, 1).clusters


@given(VALUES, st.floats(0.1, 10), st.randoms())
def test_contrasts_do_not_care_about_units_order_or_direction(values, factor, draw):
    zeros = [0.0] * 12
    found = paired_contrast(values, zeros, CLUSTERS)
    scaled = paired_contrast([value * factor for value in values], zeros, CLUSTERS)
    assert scaled.p == pytest.approx(found.p, rel=1e-6)
    assert scaled.d_z[:3] == pytest.approx(found.d_z[:3], rel=1e-6, abs=1e-9)
    back = paired_contrast(zeros, values, CLUSTERS)
    assert back.difference.mean == pytest.approx(-found.difference.mean)
    assert back.p == pytest.approx(found.p, rel=1e-6)
    order = draw.sample(range(12), 12)
    mixed = paired_contrast([values[i] for i in order], zeros, [[kind[i] for i in order] for kind in CLUSTERS])
    assert mixed.difference.se == pytest.approx(found.difference.se)


def test_pigeonhole_draws_clusters():
    """Two scenarios of mean 0 and 1, no difference between personas: means of resamples are 0, 1/2 and 1."""
    scenario, personas = Design(2, 3, 1).clusters
    found = cluster_bootstrap([float(name) for name in scenario], [scenario, personas], 1, level=0.4)
    assert found == (0.5, 0.0, 1.0, 1000, 0, None) or (found.low, found.high) == (0.5, 0.5)
    assert (
        cluster_bootstrap([0.0, 1.0], [["a", "b"], ["x", "y"]], 1).reason == "too many resamples drew no conversation"
    )


def test_bootstrap_of_one_kind_is_close_to_t_and_seeded():
    _, x = drawn(40, 2, 1)
    design = Design(40, 2, 1)
    found = cluster_bootstrap(x, design.clusters[:1], 3, 4000)
    expected = clustered_mean(x, design.clusters[:1])
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.05)
    assert found == cluster_bootstrap(x, design.clusters[:1], 3, 4000)


def test_two_one_sided_tests_are_scipys():
    x = np.random.default_rng(2).normal(0.1, 1, 30)
    found = equivalence(x, [range(30)], lower=-0.5, upper=0.6)
    low = stats.ttest_1samp(x, -0.5, alternative="greater").pvalue
    high = stats.ttest_1samp(x, 0.6, alternative="less").pvalue
    assert (found.p_low, found.p_high, found.p) == pytest.approx((low, high, max(low, high)))
    interval = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


@given(VALUES, st.floats(-5, 0), st.floats(0.1, 5))
def test_equivalent_is_the_interval_within_the_bounds(values, lower, width):
    found = equivalence(values, CLUSTERS, lower=lower, upper=lower + width)
    assert found.equivalent == (lower <= found.low and found.high <= lower + width)


def test_bounds_need_room():
    with pytest.raises(ValueError, match="not below"):
        equivalence([1, 2], ["ab"], lower=1, upper=1)


def test_holm_by_hand():
    """0.01 x 3, then 0.02 x 2 and 0.04 x 1, none below the one before: R's p.adjust gives 0.03, 0.04, 0.04."""
    found = holm({"b": 0.04, "a": 0.01, "c": 0.02})
    assert [test.adjusted for test in found.tests.values()] == pytest.approx([0.04, 0.03, 0.04])
    assert list(found.tests) == ["b", "a", "c"]
    assert all(test.significant for test in found.tests.values())


def test_what_could_not_be_tested_stays_in_the_family():
    found = holm({"a": 0.02, "b": None})
    assert found.tests == {"a": (0.02, pytest.approx(0.04), True), "b": (None, None, None)}
    assert (found.size, found.missing, found.reason) == (2, 1, None)
    assert holm({"a": None}).reason == "no test could be done"
    assert holm({}).reason == "no test"
    with pytest.raises(ValueError, match="no p value"):
        holm({"a": 1.2})


@settings(max_examples=20)  # statsmodels collects garbage at every call
@given(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=8))
def test_adjusted_values_are_no_smaller_and_keep_their_order(p_values):
    found = holm({str(index): p for index, p in enumerate(p_values)})
    done = sorted((test for test in found.tests.values() if test.p is not None), key=lambda test: test.p)
    assert all(test.adjusted >= test.p - 1e-12 for test in done)
    assert all(a.adjusted <= b.adjusted + 1e-12 for a, b in zip(done, done[1:], strict=False))


def test_power_where_theory_knows_it():
    """Scenarios differ and next to nothing else: their 8 means are a sample of 8, and the noncentral t has the power."""
    found = simulated_power(Design(8, 8, 1), effect=0.5, spread=Spread(0.5, 0, 0, 0.01), draws=20_000, seed=1)
    limit = stats.t.ppf(0.975, 7)
    expected = stats.nct.sf(limit, 7, sqrt(8)) + stats.nct.cdf(-limit, 7, sqrt(8))
    assert found.power == pytest.approx(expected, abs=0.012)
    assert found.low < found.power < found.high
    assert (found.draws, found.n) == (20_000, 64)


def test_power_grows_with_the_effect_and_is_seeded():
    design, spread = Design(6, 5, 2), Spread(0.3, 0.3, 0.2, 1.0)
    found = [simulated_power(design, effect=e, spread=spread, draws=500, seed=4).power for e in (0.0, 0.5, 1.5)]
    assert found == sorted(found)
    assert found[0] == simulated_power(design, effect=0.0, spread=spread, draws=500, seed=4).power
    with pytest.raises(ValueError, match="no such experiment"):
        simulated_power(Design(1, 5, 2), effect=0, spread=spread, draws=10, seed=1)
