"""Permutation tests: every swap by hand, against scipy, and by laws."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from confide.evaluators.statistics import (
    Design,
    clustered_errors,
    js_distance,
    share_test,
    sign_flip_test,
    transition_test,
)


def test_sign_flips_by_hand():
    """The sum of (1, 2, 3, -1) is 5. Sums of 7 (all alike) or 5 (a one turned, in two ways), and their mirrors: 6 of 16."""
    found = sign_flip_test([1, 2, 3, -1], None, 1)
    assert found == (1.25, pytest.approx(6 / 16), 8, True, 4, 4, None)


def test_exact_sign_flips_are_scipys():
    x = np.random.default_rng(0).normal(0.4, 1, 9)
    expected = stats.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=10_000)
    found = sign_flip_test(x, None, 1)
    assert (found.p, found.exact) == (pytest.approx(expected.pvalue), True)


def test_units_are_flipped_together():
    """Then only their sums matter: 3, 2 and -1."""
    found = sign_flip_test([1, 2, 2, -1], ["a", "a", "b", "c"], 1)
    sums = [abs(3 * a + 2 * b - c) for a, b, c in product((1, -1), repeat=3)]
    assert found.p == pytest.approx(np.mean([total >= 4 for total in sums]))
    assert (found.units, found.n) == (3, 4)


def test_scaled_by_the_clustered_error():
    design = Design(4, 3, 1)
    x = np.random.default_rng(3).normal(0.3, 1, 12)
    personas = design.clusters[1]
    t = []
    for signs in product((1, -1), repeat=3):
        flipped = np.array([signs[name] for name in personas]) * x
        t.append(flipped.mean() / clustered_errors(flipped[None, :], design.clusters)[0])
    found = sign_flip_test(x, personas, 1, clusters=design.clusters)
    assert found.statistic == pytest.approx(t[0])
    assert found.p == pytest.approx(np.mean(np.abs(t) >= abs(t[0]) - 1e-9))


def test_random_flips_count_the_observed_one_and_are_seeded():
    x = np.full(40, 1.0) + np.arange(40) / 100
    found = sign_flip_test(x, None, 7, draws=999)
    assert (found.p, found.draws, found.exact) == (1 / 1000, 999, False)
    y = np.random.default_rng(1).normal(0.2, 1, 40)
    assert sign_flip_test(y, None, 7, draws=999) == sign_flip_test(y, None, 7, draws=999)
    exact = stats.permutation_test((y,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1)
    assert sign_flip_test(y, None, 7).p == pytest.approx(exact.pvalue, abs=0.015)


def test_no_test_and_why():
    assert sign_flip_test([], None, 1).reason == "no pair"
    assert "one unit" in sign_flip_test([1, 2], ["a", "a"], 1).reason
    assert "zero" in sign_flip_test([0, 0], None, 1).reason
    assert "one cluster" in sign_flip_test([1, 2], None, 1, clusters=["aa", "bc"]).reason
    assert "no counts" in share_test(np.zeros((2, 3)), np.ones((2, 3)), None, 1).reason
    one = share_test(np.eye(3), np.ones((3, 3)), ["a"] * 3, 1)
    assert (one.p, one.statistic is None) == (None, False)
    for bad, what in (
        (np.ones((2, 4)), "shapes"),
        (-np.ones((2, 3)), "negative"),
        (np.full((2, 3), np.nan), "missing"),
    ):
        with pytest.raises(ValueError, match=what):
            share_test(bad, np.ones((2, 3)), None, 1)
    with pytest.raises(ValueError, match="units of 1"):
        sign_flip_test([1, 2], ["a"], 1)
    with pytest.raises(ValueError, match="clusters of"):
        sign_flip_test([1, 2], None, 1, clusters=["a"])


def counts(pairs, *shape, seed=0):
    random = np.random.default_rng(seed)
    return random.poisson(2, (2, pairs, *shape)).astype(float)


def test_shares_by_every_swap():
    one, other = counts(6, 4)
    distances = []
    for signs in product((True, False), repeat=6):
        kept = np.array(signs)[:, None]
        pooled = np.where(kept, one, other).sum(axis=0), np.where(kept, other, one).sum(axis=0)
        distances.append(js_distance(*pooled))
    found = share_test(one, other, None, 1)
    assert found.statistic == pytest.approx(distances[0])
    assert found.p == pytest.approx(np.mean(np.array(distances) >= distances[0] - 1e-9))
    assert (found.draws, found.exact) == (32, True)


def test_transitions_by_hand():
    """From a: 1/2 1/2 against 1 0; from b: the same; from c in one arm only. Rows count 4 + 4 and 2 + 2 steps."""
    one = np.array([[[2, 2, 0], [1, 1, 0], [1, 0, 0]], [[0, 0, 0]] * 3])
    other = np.array([[[4, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 0]]])
    expected = sqrt(8 / 12 * js_distance([1, 1], [1, 0]) ** 2)
    assert transition_test(one, other, None, 1).statistic == pytest.approx(expected)


def scaled_by_hand(one, other, clusters):
    """Divergence over chance, written out; for one row."""
    totals = one.sum(), other.sum()
    shares = one.sum(axis=0) / totals[0], other.sum(axis=0) / totals[1]
    influence = (one - shares[0] * one.sum(axis=1, keepdims=True)) / totals[0]
    influence = influence - (other - shares[1] * other.sum(axis=1, keepdims=True)) / totals[1]
    middle = (shares[0] + shares[1]) / 2
    parts = []
    for kind in (*clusters, list(zip(*clusters, strict=True))):
        names = sorted(set(kind))
        sums = np.array([influence[[name == own for own in kind]].sum(axis=0) for name in names])
        parts.append((sums**2 / middle).sum() * len(names) / (len(names) - 1))
    g, h = (len(set(kind)) for kind in clusters)
    both = (parts[2] - parts[0] / h - parts[1] / g) / (1 - 1 / g - 1 / h)  # solved from the expected mean squares
    return js_distance(*shares) ** 2 / max(parts[0] + parts[1] - max(both, 0), *parts[:2])


@pytest.mark.parametrize("which", [0, 1])
def test_shares_scaled_by_clustered_variances(which):
    design = Design(4, 3, 2)
    one, other = counts(24, 3, seed=5)
    swap = design.clusters[which]
    values = []
    for signs in product((True, False), repeat=len(set(swap))):
        kept = np.array([signs[name] for name in swap])[:, None]
        arms = np.where(kept, one, other), np.where(kept, other, one)
        values.append(scaled_by_hand(*arms, design.clusters))
    found = share_test(one, other, swap, 1, clusters=design.clusters)
    assert found.p == pytest.approx(np.mean(np.array(values) >= values[0] * (1 - 1e-9)))
    assert found.statistic == pytest.approx(js_distance(one.sum(axis=0), other.sum(axis=0)))


def test_pairs_of_a_cell_must_stay_together():
    design = Design(3, 3, 2)
    one, other = counts(18, 3)
    with pytest.raises(ValueError, match="not swapped together"):
        share_test(one, other, None, 1, clusters=design.clusters)
    assert share_test(one, other, None, 1, clusters=design.clusters[:1]).p is not None


TABLES = st.lists(st.lists(st.integers(0, 4), min_size=8, max_size=8), min_size=6, max_size=6).filter(
    lambda rows: np.array(rows)[:, :4].sum() > 0 and np.array(rows)[:, 4:].sum() > 0
)


@given(TABLES, st.randoms(), st.booleans())
def test_tests_of_strategies_do_not_care_about_order_or_direction(rows, draw, scaled):
    table = np.array(rows, dtype=float)
    one, other = table[:, :4].reshape(6, 2, 2), table[:, 4:].reshape(6, 2, 2)
    scenario, personas = Design(3, 2, 1).clusters
    swap, clusters = (scenario, [scenario, personas]) if scaled else (None, None)
    found = transition_test(one, other, swap, 1, clusters)
    assert found.p is None or 0 < found.p <= 1
    back = transition_test(other, one, swap, 1, clusters)
    assert (back.statistic, back.p) == (pytest.approx(found.statistic), pytest.approx(found.p))
    order = draw.sample(range(6), 6)
    moved = [[kind[i] for i in order] for kind in (scenario, personas)]
    mixed = transition_test(one[order], other[order], swap and moved[0], 1, clusters and moved)
    assert (mixed.statistic, mixed.p) == (pytest.approx(found.statistic), pytest.approx(found.p))
    assert found.statistic is None or 0 <= found.statistic <= 1


@given(TABLES)
def test_the_same_counts_are_no_difference(rows):
    one = np.array(rows, dtype=float)
    found = share_test(one, one, None, 1)
    assert (found.statistic, found.p) == (pytest.approx(0, abs=1e-7), 1)
