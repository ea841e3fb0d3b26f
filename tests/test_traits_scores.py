"""From answers to scores, their reliability, and means over clusters: by hand, by laws, and by simulation."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from confide.evaluators.statistics import clustered_mean, reliability
from confide.evaluators.statistics.reliability import FEWEST_RESPONDENTS, omega_total
from confide.evaluators.talks import Talk
from confide.evaluators.traits import drift, read_instrument, read_plan
from confide.evaluators.traits.results import Point, SourceResults
from confide.evaluators.traits.scores import (
    Sheet,
    acquiescence,
    change,
    factor_reliability,
    score,
    valid_share,
)
from confide.scenarios import Role

HEXACO = read_instrument("hexaco-confide").instrument
OPENNESS = HEXACO.by_factor["openness"]
IDS = [item.id for item in HEXACO.items]


def sheet(answers, missing=()):
    return Sheet(answers, dict.fromkeys(missing, "why"), 0)


def alike(answer, items=None):
    """The same answer to every item."""
    return sheet(dict.fromkeys(items or IDS, answer))


# Scores


def test_a_score_is_the_mean_of_keyed_answers():
    """Openness has four items of either key: 5, 4, 3, 2 for it, and 1, 2, 3, 5 against it, turned 5, 4, 3, 1."""
    high = [item.id for item in OPENNESS if item.key == 1]
    low = [item.id for item in OPENNESS if item.key == -1]
    answers = dict(zip(high + low, (5, 4, 3, 2, 1, 2, 3, 5), strict=True))
    assert score(HEXACO, sheet(answers), "openness") == pytest.approx((14 + 13) / 8)
    assert score(HEXACO, sheet(answers), "emotionality") is None, "none of its items was asked"


@pytest.mark.parametrize(("asked", "answered", "there"), [(6, 4, True), (6, 3, False), (8, 6, True), (8, 5, False), (3, 2, True), (1, 1, True), (1, 0, False)])  # fmt: skip
def test_two_thirds_of_what_was_asked_must_be_answered(asked, answered, there):
    ids = [item.id for item in OPENNESS][:asked]
    found = score(HEXACO, sheet(dict.fromkeys(ids[:answered], 3), ids[answered:]), "openness")
    assert (found == 3) if there else (found is None)


ANSWERS = st.dictionaries(st.sampled_from(IDS), st.floats(1, 5))


@given(ANSWERS, st.sets(st.sampled_from(IDS)))
def test_scores_stay_on_the_scale_and_what_is_missing_is_no_number(answers, missing):
    whole = sheet(answers, missing - set(answers))
    for factor in HEXACO.factors:
        found = score(HEXACO, whole, factor)
        given_ = [HEXACO.keyed(i.id, answers[i.id]) for i in HEXACO.by_factor[factor] if i.id in answers]
        if found is not None:
            assert 1 <= found <= 5
            assert found == pytest.approx(np.mean(given_)), "the mean of what was answered, and of nothing else"
        else:
            asked = [i for i in HEXACO.by_factor[factor] if i.id in answers or i.id in whole.missing]
            assert not asked or len(given_) < 2 / 3 * len(asked)
    agree = acquiescence(HEXACO, whole)
    assert agree is None or -2 <= agree <= 2


@given(st.floats(1, 5))
def test_who_agrees_to_everything_scores_in_the_middle(answer):
    assert acquiescence(HEXACO, alike(answer)) == pytest.approx(answer - 3)
    for factor in HEXACO.factors:
        assert score(HEXACO, alike(answer), factor) == pytest.approx(3)


def test_a_yea_sayer_is_two_points_above_the_middle():
    assert acquiescence(HEXACO, alike(5)) == 2
    assert acquiescence(HEXACO, alike(1)) == -2


@given(st.lists(st.integers(1, 5), min_size=6, max_size=6))
def test_traits_alone_are_no_acquiescence(levels):
    """Somebody who answers by level, and turned round where the key is, agrees with neither side more."""
    level = dict(zip(HEXACO.factors, levels, strict=True))
    answers = {item.id: HEXACO.keyed(item.id, level[item.factor]) for item in HEXACO.items}
    assert acquiescence(HEXACO, sheet(answers)) == pytest.approx(0)
    assert [score(HEXACO, sheet(answers), factor) for factor in HEXACO.factors] == pytest.approx(levels)


def test_acquiescence_needs_items_of_either_key():
    high = [item.id for item in HEXACO.items if item.key == 1]
    assert acquiescence(HEXACO, alike(5, high)) is None
    assert acquiescence(HEXACO, sheet({})) is None


# Changes


@given(st.floats(-1, 1), st.lists(st.floats(2, 4), min_size=8, max_size=8))
def test_a_constant_change_is_recovered_exactly(by, start):
    before = {item.id: value for item, value in zip(OPENNESS, start, strict=True)}
    after = {item.id: before[item.id] + item.key * by for item in OPENNESS}
    assert change(HEXACO, sheet(before), sheet(after), "openness") == pytest.approx(by)
    assert change(HEXACO, sheet(after), sheet(before), "openness") == pytest.approx(-by)


def test_a_change_is_made_of_the_items_that_were_answered_at_both_times():
    """The short form has two items; the long form's others, all different, do not enter."""
    short = [item.id for item in HEXACO.short_items if item.factor == "openness"]
    before = sheet({item.id: 1 + (index % 5) for index, item in enumerate(OPENNESS)})
    after = sheet({item: before.answers[item] + (0.5 if HEXACO.by_id[item].key == 1 else 0) for item in short})
    assert change(HEXACO, before, after, "openness") == 0.25
    assert change(HEXACO, before, sheet({short[0]: 3}, [short[1]]), "openness") is None, "one of two"
    assert change(HEXACO, before, sheet({}), "openness") is None
    assert change(HEXACO, sheet({short[0]: 3}), sheet({short[1]: 3}), "openness") is None


def test_the_valid_share_is_over_what_was_asked():
    a, b, c = IDS[:3]
    assert valid_share([sheet({a: 2, b: 1}, [c]), sheet({a: 4}, [b, c])]) == 0.5
    assert valid_share([]) is None


def at(conversation, turn, sheet, repeat=0):
    talk = Talk(conversation, conversation, "partial", f"{conversation}/p/0", ())
    return Point(talk, Role.SEEKER, turn, repeat, sheet)


def test_a_talk_whose_baseline_was_asked_in_vain_has_no_drift():
    """Four talks go from 2 over 3 to 4; in a fifth nobody answered at the start, though it was asked again."""
    short = [item.id for item in HEXACO.short_items]
    level = [{item.id: HEXACO.keyed(item.id, by) for item in HEXACO.items} for by in range(5)]
    points = []
    for name in "abcde":
        points += [at(name, -1, sheet({}, IDS) if name == "e" else sheet(level[2]))]
        points += [at(name, -1, sheet(level[2]), repeat=1)]
        points += [at(name, 2, sheet({item: level[3][item] for item in short})), at(name, 8, sheet(level[4]))]
    (found, *_) = drift(
        [SourceResults(read_plan("traits"), "self", "roles", points, 0, {}, (), dict.fromkeys(Role, ("m",)))], [], 0
    )
    assert (found.drift.mean, found.drift.n, found.start, found.end) == (2, 4, 2, 4)
    assert found.missing == {"why": 1}
    assert found.series == ((2, 1, 4), (8, 2, 4))


# Reliability


def repeated(*rows):
    """Rows as answers of enough respondents: their variances keep their ratios, on which alpha rests."""
    return np.array(rows * 4, dtype=float)


def test_alpha_by_hand():
    """Of (1, 2, 0), (2, 1, 3), (3, 3, 3), (4, 4, 2), in squares about the means:

    items 5, 5 and 6, the sums 3, 6, 9, 10 about 7: 16 + 1 + 4 + 9 = 30; alpha = 3/2 x (1 - 16/30) = 0.7.
    """
    found = reliability(repeated((1, 2, 0), (2, 1, 3), (3, 3, 3), (4, 4, 2)))
    assert found.alpha == pytest.approx(0.7)
    assert (found.respondents, found.items, found.reason) == (16, 3, None)


def test_alpha_of_items_that_contradict_one_another_is_below_zero():
    """Squares 5 and 1, the sums 4, 4, 6, 6 about 5: 4; alpha = 2 x (1 - 6/4) = -1."""
    assert reliability(repeated((1, 3), (2, 2), (3, 3), (4, 2))).alpha == pytest.approx(-1)


def test_omega_is_exact_where_one_factor_made_the_covariances():
    """Loadings .9, .8, .7, .6 sum to 3, unique variances .19, .36, .51, .64 to 1.7: omega = 9 / (9 + 1.7)."""
    loadings = np.array([0.9, 0.8, 0.7, 0.6])
    correlation = np.outer(loadings, loadings)
    np.fill_diagonal(correlation, 1)
    assert omega_total(correlation) == pytest.approx(9 / 10.7, abs=1e-6)
    spread = np.array([1.0, 2.0, 0.5, 3.0])
    common = float(loadings @ spread) ** 2
    unique = float(((1 - loadings**2) * spread**2).sum())
    assert omega_total(correlation * np.outer(spread, spread)) == pytest.approx(common / (common + unique), abs=1e-6)


def test_alpha_is_omega_where_all_items_load_alike_and_less_where_they_do_not():
    equal = np.full((4, 4), 0.36) + 0.64 * np.eye(4)
    draws = np.random.default_rng(5).multivariate_normal(np.zeros(4), equal, 4000)
    found = reliability(draws)
    assert found.alpha == pytest.approx(4 * 0.36 / (0.36 * 3 + 1), abs=0.02)
    assert found.omega == pytest.approx(found.alpha, abs=0.005)
    loadings = np.array([0.95, 0.3, 0.3, 0.3])
    uneven = np.outer(loadings, loadings)
    np.fill_diagonal(uneven, 1)
    found = reliability(np.random.default_rng(5).multivariate_normal(np.zeros(4), uneven, 4000))
    assert found.omega > found.alpha + 0.02


def test_omega_is_missing_where_an_item_would_be_explained_by_more_than_all_of_its_variance():
    heywood = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, 0.5], [0.9, 0.5, 1.0]])
    assert omega_total(heywood) is None, "the first loading would be sqrt(.9 x .9 / .5) > 1"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (np.ones((20, 1)), "a scale needs two items or more"),
        (np.empty((0, 0)), "a scale needs two items or more"),
        (np.arange(18.0).reshape(9, 2), "9 respondents answered every item, and it needs 10"),
        (np.empty((0, 3)), "0 respondents answered every item, and it needs 10"),
        (np.array([[3.0, 2.0], [3.0, 2.0]] * 6), "all respondents answered alike"),
        (np.array([[1.1, 7 / 3], [1.1, 7 / 3]] * 7), "all respondents answered alike"),
        (np.array([[1.0, 5.0], [2.0, 4.0], [4.3, 1.7]] * 5), "the items cancel out: all respondents have the same sum"),
    ],
)
def test_where_there_is_no_reliability_there_is_a_reason(answers, reason):
    found = reliability(answers)
    assert (found.alpha, found.omega, found.reason) == (None, None, reason)


def test_who_left_an_item_out_is_no_respondent():
    answers = repeated((1, 2, 0), (2, 1, 3), (3, 3, 3), (4, 4, 2))
    holed = np.vstack([answers, [[5, np.nan, 1], [np.nan] * 3]])
    assert reliability(holed) == reliability(answers)


MATRICES = st.integers(2, 5).flatmap(
    lambda items: st.lists(
        st.lists(st.integers(1, 5), min_size=items, max_size=items), min_size=FEWEST_RESPONDENTS, max_size=20
    )
)


@settings(deadline=None)
@given(MATRICES, st.integers(-3, 3), st.sampled_from([0.5, 2, 10]), st.randoms(use_true_random=False))
def test_alpha_cares_for_neither_the_origin_nor_the_unit_nor_the_order(rows, by, times, draw):
    answers = np.array(rows, dtype=float)
    found = reliability(answers)
    shifted = answers.copy()
    shifted[:, 0] += by
    order = draw.sample(range(len(rows)), len(rows))
    items = draw.sample(range(answers.shape[1]), answers.shape[1])
    for other in (shifted, answers * times, answers[order][:, items]):
        again = reliability(other)
        assert again.reason == found.reason
        assert (again.alpha is None and found.alpha is None) or again.alpha == pytest.approx(found.alpha, abs=1e-9)
    if found.alpha is not None:
        assert found.alpha <= 1 + 1e-12
    if found.omega is not None:
        assert 0 <= found.omega <= 1 + 1e-9


@given(MATRICES)
def test_alpha_of_two_copies_of_an_item_is_one(rows):
    column = np.array(rows, dtype=float)[:, 0]
    assume(column.std() > 0)
    assert reliability(np.stack([column, column + 1], axis=1)).alpha == pytest.approx(1)


def test_the_reliability_of_a_factor_is_of_keyed_answers():
    """Twelve people who answer by one level each, turned round for items against the factor, with a little noise."""
    draw = np.random.default_rng(1)
    people = [
        sheet({item.id: HEXACO.keyed(item.id, 1 + n % 5) + draw.normal(0, 0.2) for item in OPENNESS}) for n in range(12)
    ]
    assert factor_reliability(HEXACO, people, "openness").alpha > 0.95
    assert (
        factor_reliability(HEXACO, people, "emotionality").reason
        == "0 respondents answered every item, and it needs 10"
    )
    assert factor_reliability(HEXACO, [], "openness").reason == "0 respondents answered every item, and it needs 10"
    holed = [*people[:9], *(sheet(dict(list(p.answers.items())[1:]), [OPENNESS[0].id]) for p in people[9:])]
    assert factor_reliability(HEXACO, holed, "openness").reason == "9 respondents answered every item, and it needs 10"


# Means over clusters


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12))
def test_where_nobody_is_alike_the_interval_is_the_textbooks(values):
    own = list(range(len(values)))
    for clusters in ([own], [own, own]):
        found = clustered_mean(values, clusters)
        se = float(np.std(values, ddof=1)) / sqrt(len(values))
        reach = stats.t.ppf(0.975, len(values) - 1) * se
        assert found.mean == pytest.approx(np.mean(values))
        assert (found.low, found.high) == pytest.approx((found.mean - reach, found.mean + reach), abs=1e-9)
        assert (found.se, found.n, found.clusters, found.reason) == (
            pytest.approx(se, abs=1e-9),
            len(values),
            len(values),
            None,
        )


def test_two_clusters_by_hand():
    """(1, 3) and (5, 7): deviations sum to -4 and 4; V = (16 + 16) / 4^2 x 2 / 1 = 4, t with one degree is 12.706."""
    found = clustered_mean([1, 3, 5, 7], ["aabb"])
    assert (found.mean, found.se, found.clusters) == (4, pytest.approx(2), 2)
    assert found.high == pytest.approx(4 + 12.7062 * 2, abs=1e-3)


def test_clusters_that_cross_by_hand():
    """1, 3 / 3, 5, by row and column: sums -2 and 2 of either, 8/16 x 2 = 1 each; cells 8/16 x 4/3 = 2/3; in all 4/3."""
    assert clustered_mean([1, 3, 3, 5], ["aabb", "xyxy"]).se == pytest.approx(sqrt(4 / 3))


def test_the_larger_kind_stands_where_crossing_would_make_less_of_it():
    """1, 2 / 3, 6, about 3: rows -3 and 3, 18/16 x 2 = 9/4; columns -2 and 2, 1; cells 14/16 x 4/3 = 7/6.

    In all 9/4 + 1 - 7/6 = 25/12 is less than the rows' own 9/4.
    """
    assert clustered_mean([1, 2, 3, 6], ["aabb", "xyxy"]).se == pytest.approx(3 / 2)


def test_personas_within_scenarios_add_nothing_to_scenarios():
    values = [1, 2, 4, 4, 7, 9]
    assert clustered_mean(values, ["aaabbb", ["a1", "a1", "a2", "b1", "b2", "b2"]]).se == pytest.approx(
        clustered_mean(values, ["aaabbb"]).se
    )


def test_one_cluster_has_a_mean_and_no_interval():
    for clusters in (["aaa"], ["aaa", "xxx"]):
        found = clustered_mean([1, 2, 6], clusters)
        assert (found.mean, found.low, found.high, found.se, found.n, found.clusters) == (3, None, None, None, 3, 1)
        assert found.reason == "one cluster only: nothing says how clusters differ"
    assert clustered_mean([1, 2, 6], ["abc", "xxx"]) == clustered_mean([1, 2, 6], ["abc"]), "for those personas"
    assert clustered_mean([], [[]]) == (None, None, None, None, 0, 0, "no conversation")


@given(st.lists(st.tuples(st.floats(-5, 5), st.sampled_from("abc"), st.sampled_from("xy")), min_size=1, max_size=12))
def test_an_interval_holds_its_mean_and_is_none_or_all_there(rows):
    values, one, two = zip(*rows, strict=True)
    found = clustered_mean(values, [one, two])
    ends = (found.low, found.high, found.se)
    assert (found.reason is None) == (None not in ends) == (max(len(set(one)), len(set(two))) > 1)
    if found.reason is None:
        assert found.low <= found.mean <= found.high
        mirrored = clustered_mean([-value for value in values], [two, one])
        assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-9)


def covered(draw, scenarios, each, between, naive=False):
    """Share of 400 samples whose interval holds the true mean, 0, where conversations of a scenario are alike."""
    names = [name for name in range(scenarios) for _ in range(each)]
    hits = 0
    for _ in range(400):
        values = np.repeat(draw.normal(0, between, scenarios), each) + draw.normal(0, 1, scenarios * each)
        found = clustered_mean(values.tolist(), [list(range(len(names))) if naive else names])
        hits += found.low <= 0 <= found.high
    return hits / 400


def test_intervals_hold_the_truth_as_often_as_they_say():
    draw = np.random.default_rng(3)
    for scenarios in (4, 12):
        assert covered(draw, scenarios, each=5, between=1) == pytest.approx(0.95, abs=0.035)
    assert covered(draw, 12, each=5, between=1, naive=True) < 0.8, "as if conversations were strangers"
