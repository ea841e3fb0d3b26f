"""Statistics by hand-computed examples, by laws, and by simulation."""

import random
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confide.evaluators.length import Compared, compare
from confide.evaluators.statistics import (
    bootstrap,
    bootstrap_counts,
    confusion,
    entropy,
    js_distance,
    krippendorff_alpha,
    masi,
    nominal,
    squared,
    strategy_preference,
    two_raters,
)
from confide.evaluators.statistics.agreement import Confusion


def test_cohens_kappa():
    """20 both yes, 5 yes/no, 10 no/yes, 15 both no: p_o = 35/50, p_e = .5 x .6 + .5 x .4 = .5, kappa = .2 / .5."""
    one = ["yes"] * 25 + ["no"] * 25
    other = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert two_raters(one, other) == (pytest.approx(0.4), 50, 0, None)
    with_gaps = two_raters([*one, None, "yes"], [*other, "no", None])
    assert with_gaps == (pytest.approx(0.4), 50, 2, None)


def test_kappa_is_not_defined_where_chance_agreement_is_whole():
    assert two_raters(["a", "a"], ["a", "a"]).value is None
    assert "same label" in two_raters(["a", "a"], ["a", "a"]).reason
    assert two_raters([None], ["a"]) == (None, 0, 1, "no unit was rated by both")


KRIPPENDORFF = [  # four observers, twelve units, as in Krippendorff (2011), section C
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


@pytest.mark.parametrize(("distance", "value"), [(nominal, 0.743), (squared, 0.849)])
def test_krippendorffs_alpha_on_his_own_example(distance, value):
    found = krippendorff_alpha(list(zip(*KRIPPENDORFF, strict=True)), distance)
    assert found == (pytest.approx(value, abs=5e-4), 11, 1, None)


def test_alpha_of_sets():
    """Two units: {a} {a,b} apart by 2/3, {b} {b} by 0. D_o = (2 x 2/3 + 0) / 4 = 1/3.

    Pooled: {a}, {a,b}, {b}, {b}. Ordered pairs: a-ab 2 x 2/3, a-b 4 x 1, ab-b 4 x 2/3; D_e = (4/3 + 4 + 8/3) / 12 = 2/3.
    """
    a, b, ab = frozenset("a"), frozenset("b"), frozenset("ab")
    assert krippendorff_alpha([[a, ab], [b, b]], masi).value == pytest.approx(1 - (1 / 3) / (2 / 3))


def test_masi():
    assert masi(frozenset("a"), frozenset("ab")) == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert masi(frozenset("ab"), frozenset("bc")) == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert masi(frozenset("ab"), frozenset("cd")) == 1
    assert masi(frozenset("ab"), frozenset("ba")) == 0


def test_alpha_without_variation_or_pairs_is_missing():
    assert krippendorff_alpha([["a", "a"], ["a", "a"]], nominal)[:3] == (None, 2, 0)
    assert krippendorff_alpha([["a", None], [None, None]], nominal)[:3] == (None, 0, 2)


@given(
    st.lists(st.lists(st.sampled_from("abc") | st.none(), min_size=3, max_size=3), min_size=1, max_size=8), st.randoms()
)
def test_alpha_does_not_care_who_rates(units, draw):
    mixed = [draw.sample(unit, len(unit)) for unit in units]
    one, other = krippendorff_alpha(units, nominal), krippendorff_alpha(mixed, nominal)
    assert one[1:] == other[1:]
    assert (one.value is None and other.value is None) or one.value == pytest.approx(other.value)


@given(st.lists(st.sampled_from("ab"), min_size=2, max_size=20).filter(lambda labels: len(set(labels)) == 2))
def test_raters_who_agree_throughout_agree_perfectly(labels):
    assert two_raters(labels, labels).value == pytest.approx(1)
    assert krippendorff_alpha([[label, label] for label in labels], nominal).value == pytest.approx(1)


def test_confusion_shares_a_turn_among_its_labels():
    found = confusion("abc", [["a"], ["a", "b"], None, ["c"]], [["a"], ["b"], ["a"], ["c", "a"]])
    assert found.counts == ((1, 0.5, 0), (0, 0.5, 0), (0.5, 0, 0.5))
    assert (found.n, found.missing) == (3, 1)
    with pytest.raises(ValueError, match="unknown label: d"):
        confusion("abc", [["d"]], [["a"]])


def test_entropy_and_distance():
    """(1/2, 1/2) and (1, 0): m = (3/4, 1/4); the divergence is (log2(2/3)/2 + log2(2)/2 + log2(4/3)) / 2."""
    assert entropy([1, 1, 2]) == pytest.approx(1.5)
    assert entropy([7, 0]) == 0
    expected = sqrt((log(2 / 3, 2) / 2 + 1 / 2 + log(4 / 3, 2)) / 2)
    assert js_distance([5, 5], [3, 0]) == pytest.approx(expected)
    assert js_distance([1, 0], [0, 1]) == pytest.approx(1)
    assert js_distance([0.010000000000000002, 0.01, 0.01], [1, 1, 1]) == pytest.approx(0, abs=1e-7), "and not NaN"
    for bad, what in (([-1, 2], "negative"), ([0, 0], "zero")):
        with pytest.raises(ValueError, match=what):
            entropy(bad)
    with pytest.raises(ValueError, match="different labels"):
        js_distance([1], [1, 2])


SHARES = st.lists(st.floats(0.01, 10), min_size=3, max_size=3)


@given(SHARES, SHARES)
def test_distance_is_symmetric_and_bounded(one, other):
    assert js_distance(one, other) == pytest.approx(js_distance(other, one), abs=1e-9)
    assert 0 <= js_distance(one, other) <= 1
    assert js_distance(one, one) == pytest.approx(0, abs=1e-7)


def test_preference_of_two():
    """Chosen 3 times in place of the other, and 1 time the other way: p1 / p2 = 3, and p1 + p2 = 2."""
    found = strategy_preference(Confusion(("a", "b"), ((9, 3), (1, 5)), 18, 0))
    assert found.values == {"a": pytest.approx(1.5), "b": pytest.approx(0.5)}
    assert found.bias == pytest.approx(0.5)
    assert found.n == 4


def test_preference_fits_the_model_that_made_the_data():
    strength = {"a": 2.0, "b": 1.0, "c": 0.6, "d": 0.4}
    labels = tuple(strength)
    draw = random.Random(3)
    counts = [[0] * 4 for _ in labels]
    for _ in range(40_000):
        i, j = draw.sample(range(4), 2)
        if draw.random() < strength[labels[i]] / (strength[labels[i]] + strength[labels[j]]):
            counts[i][j] += 1
        else:
            counts[j][i] += 1
    found = strategy_preference(Confusion(labels, tuple(map(tuple, counts)), 40_000, 0))
    assert found.values == {label: pytest.approx(value, rel=0.06) for label, value in strength.items()}


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (((5, 0), (0, 5)), "nothing to compare"),
        (((5, 3, 0), (1, 5, 0), (0, 0, 2)), "nothing to compare for: c"),
        (((5, 3), (0, 5)), "too few comparisons"),
    ],
)
def test_a_preference_that_has_no_value_says_why(counts, reason):
    found = strategy_preference(Confusion(tuple("abc")[: len(counts)], counts, 1, 0))
    assert found.values is None
    assert found.bias is None
    assert reason in found.reason


def mean(values):
    return sum(values) / len(values)


def test_an_interval_is_a_function_of_its_seed():
    draw = random.Random(1)
    values = [draw.gauss(0, 1) for _ in range(40)]
    assert bootstrap(values, mean, 5) == bootstrap(values, mean, 5) != bootstrap(values, mean, 6)
    assert bootstrap(values[:4], mean, 5) is None


def test_intervals_cover():
    """Of 300 samples of 30 from a normal distribution, about 95 % of the intervals hold the true mean."""
    draw = random.Random(11)
    held = 0
    for seed in range(300):
        found = bootstrap([draw.gauss(2, 1) for _ in range(30)], mean, seed, 300)
        held += found.low <= 2 <= found.high
    assert 0.89 <= held / 300 <= 0.98


def test_the_fast_way_agrees_with_the_plain_one():
    draw = random.Random(2)
    rows = [[draw.randint(0, 5), draw.randint(1, 5)] for _ in range(60)]
    plain = bootstrap(rows, lambda sample: sum(r[0] for r in sample) / sum(r[0] + r[1] for r in sample), 1, 4000)
    (fast,) = bootstrap_counts(
        np.array(rows, dtype=float), lambda sums: (sums[:, 0] / sums.sum(axis=1))[:, None], 1, 4000
    )
    assert fast.low == pytest.approx(plain.low, abs=0.006)
    assert fast.high == pytest.approx(plain.high, abs=0.006)


def test_a_statistic_that_is_mostly_missing_has_no_interval():
    assert bootstrap(list(range(10)), lambda _: None, 0) is None
    assert bootstrap_counts(np.ones((9, 1)), lambda sums: sums * np.nan, 0) == [None]


def pairs_with(effect, slope, seed, preference, n=300):
    draw = random.Random(seed)
    found = []
    for index in range(n):
        words, other = draw.randint(50, 400), draw.randint(50, 400)
        pull = effect + slope * log(words / other)
        value = float(draw.random() < 1 / (1 + np.exp(-pull))) if preference else pull + draw.gauss(0, 0.3)
        found.append(Compared(f"key-{index}", value, words, other))
    return found


def test_a_difference_at_equal_length():
    found = compare([*pairs_with(0.5, 1.0, 1, preference=False), None], preference=False)
    assert found.equal == pytest.approx(0.5, abs=0.05)
    assert found.equal_interval.low < 0.5 < found.equal_interval.high
    assert (found.pairs, found.left_out) == (300, 1)


def test_least_squares_by_hand():
    """Twelve pairs on the line 1 + 2 x: the intercept is 1, whatever the lengths."""
    pairs = [Compared(f"k{i}", 1 + 2 * log((100 + i) / 100), 100 + i, 100) for i in range(12)]
    assert compare(pairs, preference=False).equal == pytest.approx(1)


def test_a_judge_that_likes_length_alone_has_no_winner_at_equal_length():
    pairs = [pair for pair in pairs_with(0, 3.0, 2, preference=True, n=600) if pair.longer > -0.5]
    found = compare(pairs, preference=True)
    assert found.raw > 0.6
    assert found.equal == pytest.approx(0.5, abs=0.08)


def test_the_logistic_fit_is_where_the_likelihood_is_highest():
    """Against a search over a grid of the penalised likelihood."""
    pairs = pairs_with(0.4, 1.0, 4, preference=True, n=120)
    x = np.array([pair.longer for pair in pairs])
    y = np.array([pair.value for pair in pairs])
    x = x / np.sqrt((x**2).mean())
    best = max(
        (
            (y * (a + b * x) - np.log1p(np.exp(a + b * x))).sum() - 0.5 * 0.01 * len(x) * b**2,
            a,
        )
        for a in np.linspace(-0.5, 1.5, 201)
        for b in np.linspace(-1, 3, 201)
    )
    equal = compare(pairs, preference=True).equal
    assert log(equal / (1 - equal)) == pytest.approx(best[1], abs=0.011)


def test_few_pairs_give_nothing_at_equal_length():
    found = compare(pairs_with(1, 0, 1, preference=False, n=9), preference=False)
    assert found.equal is None
    assert found.reason == "9 pairs, at least 10 are needed"
    assert found.raw is not None
    same = [Compared(f"k{i}", 1.0, 200, 100) for i in range(20)]
    assert compare(same, preference=False).reason == "all pairs differ in length by the same"


def test_a_complete_separation_still_fits():
    pairs = [Compared(f"k{i}", float(i % 2), 100 + (100 if i % 2 else -50), 100) for i in range(20)]
    found = compare(pairs, preference=True)
    assert 0 < found.equal < 1


def test_a_side_that_wins_throughout_wins_at_equal_length():
    """The intercept of the fit has no bound there; the win rate at zero goes to 1, whatever the lengths."""
    found = compare([pair._replace(value=1.0) for pair in pairs_with(0, 0, 5, preference=True, n=40)], preference=True)
    assert (found.equal, found.reason) == (1, None)
    assert (found.equal_interval.low, found.equal_interval.high) == (1, 1)
    none = compare([pair._replace(value=0.0) for pair in pairs_with(0, 0, 5, preference=True, n=40)], preference=True)
    assert none.equal == 0


def test_resamples_in_which_a_side_wins_throughout_are_no_failures():
    """Without them an interval would leave out just the resamples that favour a side most."""
    pairs = [pair._replace(value=float(i > 2)) for i, pair in enumerate(pairs_with(0, 0, 6, preference=True, n=40))]
    found = compare(pairs, preference=True)
    assert found.equal_interval.failed == 0
    assert found.equal_interval.high == 1


def test_where_there_is_no_figure_there_is_a_reason(monkeypatch):
    monkeypatch.setattr("confide.evaluators.length._logistic", lambda _: None)
    assert compare(pairs_with(0, 0, 7, preference=True, n=20), preference=True).reason == "the fit does not settle"
