"""Compositions and mixed models: by hand, against analysis of variance, and by laws."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from confide.evaluators.statistics import (
    Design,
    Spread,
    aitchison_distance,
    centred_log_ratios,
    clustered_mean,
    composition_contrast,
    mixed_effect,
    replace_zeros,
    simulate_differences,
)


def test_zeros_are_replaced_and_ratios_stay():
    """(1/2, 1/2, 0) with 0.1: the others become 0.45 each."""
    found = replace_zeros(np.array([[0.5, 0.5, 0], [0.2, 0.3, 0.5]]), 0.1)
    assert found.tolist() == [pytest.approx([0.45, 0.45, 0.1]), [0.2, 0.3, 0.5]]
    with pytest.raises(ValueError, match="between 0 and 1 / 3"):
        replace_zeros(np.array([[0.5, 0.5, 0]]), 0.4)


def test_log_ratios_and_distance_by_hand():
    """Of (1, 2, 4) the geometric mean is 2; against (1, 1, 1) the distance is root 2 x ln 2."""
    assert centred_log_ratios(np.array([[1.0, 2, 4]]))[0] == pytest.approx([-log(2), 0, log(2)])
    assert aitchison_distance([1, 2, 4], [1, 1, 1]) == pytest.approx(sqrt(2) * log(2))
    with pytest.raises(ValueError, match="replace zeros"):
        aitchison_distance([1, 0], [1, 1])
    with pytest.raises(ValueError, match="different parts"):
        aitchison_distance([1], [1, 1])


PARTS = st.lists(st.floats(0.01, 10), min_size=4, max_size=4)


@given(PARTS, PARTS, PARTS, st.floats(0.1, 10))
def test_aitchisons_distance_is_a_distance_of_ratios(a, b, change, factor):
    found = aitchison_distance(a, b)
    assert aitchison_distance(b, a) == pytest.approx(found)
    assert aitchison_distance([factor * part for part in a], b) == pytest.approx(found, abs=1e-9)
    moved = [[x * y for x, y in zip(parts, change, strict=True)] for parts in (a, b)]
    assert aitchison_distance(*moved) == pytest.approx(found, abs=1e-9)
    kept = aitchison_distance(a[:3], b[:3])
    assert kept <= found + 1e-9, "of some of the parts, it is no larger"


def test_contrast_of_compositions():
    one = np.array([[2, 2, 0, 0], [4, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
    other = np.array([[1, 2, 1, 0], [1, 1, 2, 0], [1, 3, 0, 0], [1, 1, 1, 0]])
    found = composition_contrast("abcd", one, other, [["x", "y", "z", "w"]], limit=0.1)
    assert (found.n, found.missing, found.reason) == (3, 1, None)
    assert found.zero_share == pytest.approx(0.065)
    assert found.parts["d"].reason == "neither arm ever used it"
    assert (found.parts["c"].zeros_one, found.parts["c"].zeros_other) == (3, 1)
    shares = [table[:3, :3] / table[:3].sum(axis=1, keepdims=True) for table in (one, other)]
    ratios = [centred_log_ratios(replace_zeros(part, 0.065)) for part in shares]
    for place, label in enumerate("abc"):
        values = (ratios[0] - ratios[1])[:, place]
        assert found.parts[label].difference == pytest.approx(clustered_mean(values, [range(3)]))
        assert found.parts[label].p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert sum(found.parts[label].difference.mean for label in "abc") == pytest.approx(0)
    centres = [np.exp(part.mean(axis=0)) for part in ratios]
    assert found.distance == pytest.approx(aitchison_distance(*centres))


def test_no_composition_and_why():
    none = composition_contrast("ab", np.zeros((2, 2)), np.ones((2, 2)), ["xy"], limit=0.1)
    assert (none.distance, none.n, none.missing, none.reason) == (None, 0, 2, "no pair with counts on both sides")
    single = composition_contrast("ab", np.eye(2)[[0, 0]], np.eye(2)[[0, 0]], ["xy"], limit=0.1)
    assert single.reason == "fewer than two parts are in use"
    same = composition_contrast("ab", np.ones((2, 2)), np.ones((2, 2)), ["xy"], limit=0.1)
    assert (same.distance, same.parts["a"].p) == (0, None)
    with pytest.raises(ValueError, match="labels"):
        composition_contrast("abc", np.ones((2, 2)), np.ones((2, 2)), ["xy"], limit=0.1)


def talks(effect=1.0, seed=0):
    design = Design(8, 6, 1)
    random = np.random.default_rng(seed)
    base = simulate_differences(design, 0, Spread(1.0, 0.8, 0, 1.0), 1, random)[0]
    other = simulate_differences(design, 0, Spread(0, 0, 0, 1.0), 1, random)[0] + base + effect
    names = [[f"{kind}{name}" for name in names] for kind, names in zip("sp", design.clusters, strict=True)]
    return [*base, *other], ["partial"] * 48 + ["omniscient"] * 48, names[0] * 2, names[1] * 2


def test_the_mixed_model_is_the_analysis_of_variance_where_that_is_exact():
    """In a balanced design the estimate is the difference of means, its variance 2/n times the residual's, and the
    residual is that of the two-way analysis of variance without interaction.
    """
    y, condition, scenario, personas = talks()
    found = mixed_effect(y, condition, scenario, personas, reference="partial", slopes=False)
    table = np.array(y).reshape(2, 8, 6)
    effects = sum(table.mean(axis=axes, keepdims=True) - table.mean() for axes in ((1, 2), (0, 2), (0, 1)))
    residual = ((table - table.mean() - effects) ** 2).sum() / (96 - 1 - 1 - 7 - 5)
    assert found.estimate == pytest.approx(table[1].mean() - table[0].mean(), abs=1e-6)
    assert found.variances["residual"] == pytest.approx(residual, rel=1e-3)
    assert found.se == pytest.approx(sqrt(residual * 2 / 48), rel=1e-3)
    between = 12 * ((table.mean(axis=(0, 2)) - table.mean()) ** 2).sum() / 7
    assert found.variances["scenario"] == pytest.approx((between - residual) / 12, rel=1e-3)
    assert (found.converged, found.n, found.missing, found.reason) == (True, 96, 0, None)
    assert found.formula == "outcome ~ code + (1 | scenario) + (1 | personas)"
    back = mixed_effect(y, condition, scenario, personas, reference="omniscient", slopes=False)
    assert (back.estimate, back.p) == (pytest.approx(-found.estimate), pytest.approx(found.p, rel=1e-3))


def test_slopes_widen_the_interval_and_missing_is_counted():
    y, condition, scenario, personas = talks()
    shift = {name: 2.0 * (index % 2) for index, name in enumerate(dict.fromkeys(scenario))}
    y = [v + shift[s] * (c == "omniscient") for v, c, s in zip(y, condition, scenario, strict=True)]
    y[3] = None
    plain = mixed_effect(y, condition, scenario, personas, reference="partial", slopes=False)
    found = mixed_effect(y, condition, scenario, personas, reference="partial", slopes=True)
    assert (found.missing, found.n) == (1, 95)
    assert found.converged
    assert found.se > 1.3 * plain.se
    assert found.variances["scenario:code"] > 0.3
    assert "(0 + code | scenario)" in found.formula


def test_no_mixed_model_and_why():
    assert "two conditions" in mixed_effect([1, 2], "aa", "xy", "pq", reference="a", slopes=False).reason
    assert "two conditions" in mixed_effect([1, 2, 3], "abc", "xyx", "pqp", reference="a", slopes=False).reason
    assert "one cluster" in mixed_effect([1, 2], "ab", "xx", "pq", reference="a", slopes=False).reason
    missing = mixed_effect([None, float("nan")], "ab", "xy", "pq", reference="a", slopes=False)
    assert (missing.estimate, missing.missing, missing.converged) == (None, 2, False)
    with pytest.raises(ValueError, match="none of the conditions"):
        mixed_effect([1, 2], "ab", "xy", "pq", reference="c", slopes=False)
