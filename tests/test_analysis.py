"""Analysis: pairs, families, equivalence, exclusions and all that can be lacking, on hand-made runs."""

from typing import NamedTuple

import numpy as np
import pytest

from confide.agents.reply import SeekerReply, SupporterReply
from confide.evaluators.analysis import analyse, compare, match, plan_of_runs
from confide.evaluators.analysis.analyse import DEFAULT
from confide.evaluators.analysis.arms import Reasoned, Side, pairs_of
from confide.evaluators.analysis.tested import swapping
from confide.evaluators.outcomes import Arm, TalkOutcomes, Value
from confide.evaluators.statistics import Lack, holm, paired_contrast, sign_flip_test
from confide.scenarios import ConfideError, Role
from confide.scenarios.experiments import Analysis, Experiment
from confide.simulator import Ended, EndReason, RunFolder, Spoke, read_log
from confide.simulator.store import ExperimentRecord
from tests.helpers import CONDITIONS
from tests.test_sample import SAMPLE
from tests.test_tables import ID

STARTED = read_log(SAMPLE / "conversations" / f"{ID}.jsonl").events[0]
RECORD = RunFolder.open(SAMPLE).record


class Told(NamedTuple):
    """A conversation to be written: how many words the supporter says, with which strategies, and how it ends."""

    scenario: str
    condition: str
    replicate: int
    words: int = 3
    labels: tuple = ("Question", "Others")
    end: EndReason | None = EndReason.TURN_LIMIT


def events_of(told, pair_key):
    scenario = STARTED.scenario.model_copy(update={"id": told.scenario})
    name = f"{told.scenario}.{told.condition}.{told.replicate:04d}"
    update = {"conversation": name, "scenario": scenario, "condition": CONDITIONS[told.condition], "pair_key": pair_key}
    events = [STARTED.model_copy(update=update)]
    for turn, label in enumerate(told.labels):
        reply = SupporterReply(utterance="w " * told.words, strategies=(label,), told=())
        events.append(Spoke(seq=2 * turn + 1, turn=2 * turn, role=Role.SUPPORTER, reply=reply))
        line = SeekerReply(utterance="Hm.", thoughts=None, emotion=50, trust=None, told=())
        events.append(Spoke(seq=2 * turn + 2, turn=2 * turn + 1, role=Role.SEEKER, reply=line))
    size = len(events)
    return name, [*events, *([Ended(seq=size, reason=told.end, turns=size - 1)] if told.end else [])]


def a_run(folder, talks, name="hand", personas=lambda told: f"{told.scenario}-p", **record):
    """A run of hand-made conversations; personas go with the scenario, unless said otherwise."""
    scenarios = [
        RECORD.scenarios[0].model_copy(update={"scenario": STARTED.scenario.model_copy(update={"id": scenario})})
        for scenario in dict.fromkeys(told.scenario for told in talks)
    ]
    conditions = tuple(CONDITIONS[name] for name in dict.fromkeys(told.condition for told in talks))
    replicates = 1 + max(told.replicate for told in talks)
    update = {"id": name, "conditions": conditions, "scenarios": tuple(scenarios), "replicates": replicates, **record}
    run = RunFolder.create(folder, RECORD.model_copy(update=update))
    for told in talks:
        key = f"{told.scenario}/{personas(told)}/{told.replicate}"
        conversation, events = events_of(told, key)
        with run.writer(conversation) as writer:
            writer.write(*events)
            if told.end:
                writer.commit()
    return run


def an_analysis(*outcomes, contrasts=(("partial", "omniscient"),), **fields):
    made = [{"id": f"o{n}", "of": each, "family": "main"} if isinstance(each, str) else {"id": f"o{n}", **each}
            for n, each in enumerate(outcomes)]  # fmt: skip
    pairs = [{"id": f"c{n}", "one": one, "other": other} for n, (one, other) in enumerate(contrasts)]
    return Analysis.model_validate({"contrasts": pairs, "outcomes": made, **fields})


WORDS = "talk.words.supporter"


def arms(scenarios=4, replicates=2, more=lambda s, r: s + r, conditions=("partial", "omniscient")):
    """Two arms; in the first one the supporter says ``more`` words."""
    return [
        Told(f"s-{s}", condition, r, 5 + (more(s, r) if condition == conditions[0] else 0))
        for s in range(scenarios) for condition in conditions for r in range(replicates)
    ]  # fmt: skip


# Figures


def test_figures_are_those_of_the_statistics(tmp_path):
    found = analyse(a_run(tmp_path, arms()), an_analysis(WORDS, "talk.turns"))
    words, turns = found.tests
    one = [5.0 + s + r for s in range(4) for r in range(2)]
    clusters = [[s for s in range(4) for _ in range(2)]] * 2
    assert words.figures == paired_contrast(one, [5.0] * 8, clusters)
    assert words.figures.difference.mean == 2
    assert words.permutation == sign_flip_test([v - 5 for v in one], clusters[0], 0, clusters=clusters)
    assert (words.pairs, words.missing, words.swapped) == (8, {}, "scenarios")
    assert (turns.figures.p, turns.permutation.reason) == (None, "all differences are zero")
    assert found.plan.written == "after"
    assert [(run.planned, run.finished, run.unfinished, run.not_begun) for run in found.runs] == [(16, 16, 0, 0)]


def test_holm_goes_over_all_contrasts_and_outcomes_of_a_family_and_no_further(tmp_path):
    talks = arms() + [Told(f"s-{s}", "gated", r, 5 + (s * r) % 3) for s in range(4) for r in range(2)]
    outcomes = [WORDS, "talk.turns", {"of": "talk.questions", "family": "side"}]
    plan = an_analysis(*outcomes, contrasts=[("partial", "omniscient"), ("gated", "omniscient")])
    found = analyse(a_run(tmp_path, talks), plan)
    names = [f"{test.contrast}/{test.of}" for test in found.tests if test.family == "main"]
    main = [test for test in found.tests if test.family == "main"]
    expected = holm({name: test.figures.p for name, test in zip(names, main, strict=True)})
    assert [test.adjusted for test in main] == list(expected.tests.values())
    assert main[0].adjusted.adjusted == pytest.approx(4 * main[0].figures.p), "smallest of four declared ones"
    assert {state.family: (state.size, state.missing) for state in found.families} == {"main": (4, 2), "side": (2, 2)}


def test_equivalence_has_a_family_of_its_own(tmp_path):
    bounded = {"of": WORDS, "family": "main", "equivalence": 2.0}
    small = arms(scenarios=6, more=lambda s, r: s % 2 * r)
    found = analyse(a_run(tmp_path, small), an_analysis(bounded, "talk.turns"))
    words, turns = found.tests
    assert (words.bound, words.equivalence.equivalent, words.equivalent.significant) == (2.0, True, True)
    assert words.equivalent.adjusted == words.equivalence.p, "one such test in the family"
    assert (turns.equivalence, turns.equivalent, turns.bound) == (None, None, None)
    tight = analyse(a_run(tmp_path / "b", small), an_analysis({**bounded, "equivalence": 0.1}))
    assert tight.tests[0].equivalent.significant is False


def test_strategies_by_their_distribution_their_order_and_their_ratios(tmp_path):
    talks = [
        Told(f"s-{s}", condition, r, labels=("Question",) * (4 if asks else 1) + ("Information",) * (1 if asks else 4))
        for s in range(6) for condition, asks in (("partial", True), ("omniscient", False)) for r in range(2)
    ]  # fmt: skip
    (found,) = analyse(a_run(tmp_path, talks), an_analysis(WORDS)).strategies
    at = {label: index for index, label in enumerate(found.labels)}
    assert (found.one[at["Question"]], found.other[at["Question"]]) == pytest.approx((0.8, 0.2))
    assert found.pairs == 12
    assert found.distribution.p == 1 / 32, "all of 2 ** 5 ways to swap six scenarios"
    assert found.transitions.p is not None
    assert found.ratios.parts["Others"].reason == "neither arm ever used it"
    # alike in every pair: there is no spread, and so no p
    assert found.ratios.parts["Question"].difference.mean == pytest.approx(np.log(4))
    assert found.adjusted["Question"].p is None


def test_a_mixed_model_on_demand_names_its_formula(tmp_path):
    noise = np.random.default_rng(1).integers(0, 5, 100)
    talks = arms(5, 3, more=lambda s, r: 2 + int(noise[3 * s + r]))
    run = a_run(tmp_path, talks, personas=lambda told: f"p{told.replicate}")
    plan = an_analysis(WORDS)
    assert analyse(run, plan).tests[0].mixed is None
    mixed = analyse(run, plan, mixed=True).tests[0].mixed
    assert mixed.formula.startswith("outcome ~ code + (1 | scenario)")
    assert mixed.n == 30
    assert (mixed.estimate is None) == (mixed.reason is not None)


# What is lacking


def test_one_cluster_has_a_difference_and_no_interval(tmp_path):
    found = analyse(a_run(tmp_path, arms(1, 6)), an_analysis(WORDS), mixed=True)
    (words,) = found.tests
    assert words.figures.difference.mean == 2.5
    assert words.figures.p is None
    assert "one cluster" in words.figures.reason
    assert words.permutation.p == 2 / 32, "one of six differences is zero: its sign is free"
    assert words.swapped.startswith("single pairs: about this scenario")
    assert words.mixed.reason.startswith("one cluster")
    assert found.families[0].missing == 1


def test_missing_pairs_are_counted_by_reason(tmp_path):
    talks = [
        Told("s-0", "partial", 0), Told("s-0", "omniscient", 0),
        Told("s-0", "partial", 1), Told("s-0", "omniscient", 1, end=None),
        Told("s-0", "partial", 2, end=EndReason.ERROR), Told("s-0", "omniscient", 2),
        Told("s-0", "partial", 3),
        Told("s-0", "partial", 4), Told("s-0", "omniscient", 4, labels=()),
        Told("s-0", "partial", 5, labels=()), Told("s-0", "omniscient", 5, labels=()),
    ]  # fmt: skip
    found = analyse(a_run(tmp_path, talks), an_analysis(WORDS))
    (words,) = found.tests
    assert words.missing == {
        "omniscient: unfinished": 1, "partial: excluded: error": 1, "only in partial": 1,
        "omniscient: the supporter said nothing": 1, "both: the supporter said nothing": 1,
    }  # fmt: skip
    assert words.pairs == 1
    excluded = {arm.arm: (arm.finished, arm.unfinished, arm.excluded) for arm in found.arms}
    assert excluded == {"partial": (6, 0, {"error": 1}), "omniscient": (4, 1, {})}
    assert (found.runs[0].planned, found.runs[0].not_begun) == (12, 1)
    kept = analyse(RunFolder.open(tmp_path / "hand"), an_analysis(WORDS, exclude_ends=()))
    assert kept.tests[0].pairs == 2


def test_arms_of_which_nothing_is_there_are_reported(tmp_path):
    conditions = (CONDITIONS["partial"], CONDITIONS["omniscient"])
    run = a_run(tmp_path, [Told(f"s-{s}", "partial", 0) for s in range(3)], conditions=conditions)
    outcomes = [WORDS, {"of": "talk.turns", "family": "main", "equivalence": 1}]
    for one in (("partial", "omniscient"), ("omniscient", "partial")):
        found = analyse(run, an_analysis(*outcomes, contrasts=[one]), mixed=True)
        assert [test.missing for test in found.tests] == [{"only in partial": 3}] * 2
        assert [test.figures.reason for test in found.tests] == ["no conversation"] * 2
        assert found.tests[1].equivalence.reason == "no conversation"
        assert (found.strategies[0].one, found.strategies[0].pairs) == (None, 0)
    empty = a_run(tmp_path / "b", [Told("s-0", "partial", 0, end=None)], conditions=conditions)
    assert analyse(empty).runs[0].not_begun == 1


def test_an_outcome_that_is_missing_everywhere(tmp_path):
    talks = [told._replace(labels=()) for told in arms()]
    found = analyse(a_run(tmp_path, talks))
    assert found.plan.written == "nowhere"
    assert [outcome.of for outcome in found.plan.analysis.outcomes] == [outcome.of for outcome in DEFAULT]
    entropy = next(test for test in found.tests if test.of == "talk.entropy")
    assert (entropy.pairs, entropy.missing) == (0, {"both: no strategy was declared": 8})
    assert found.strategies[0].missing == {"both: no strategy was declared": 8}


# Matching


def a_talk(arm, key, run="a", **fields):
    base = {"conversation": f"{arm}.{key}", "finished": True, "end": "turn_limit", "strategies": None, **fields}
    return TalkOutcomes(run=run, arm=arm, pair_key=key, values={"x": Value(1.0, None)}, **base)


def keys(found):
    pairing, missing = pairs_of(found, lambda talk: Reasoned(*talk.values["x"]))
    return [pair.pair_key for pair in pairing.pairs], missing


def test_conditions_are_compared_within_casts_and_casts_within_conditions():
    talks = [a_talk(Arm(c, m), f"s/p/{r}") for c in ("partial", "all") for m in ("small", "large") for r in (0, 1)]
    by_condition = match(talks, Side("partial", condition="partial"), Side("all", condition="all"))
    assert keys(by_condition) == (["s/p/0@large", "s/p/0@small", "s/p/1@large", "s/p/1@small"], {})
    by_model = match(talks, Side("small", cast="small"), Side("large", cast="large"))
    assert keys(by_model)[0] == ["s/p/0@all", "s/p/0@partial", "s/p/1@all", "s/p/1@partial"]
    pairing = pairs_of(by_model, lambda talk: Reasoned(*talk.values["x"])).pairing
    assert pairing.clusters == (["s"] * 4, ["p"] * 4), "clusters stay what they were"


def test_pairs_are_across_runs_unless_a_key_comes_up_again():
    sides = Side("one", condition="one"), Side("two", condition="two")
    apart = [a_talk(Arm("one"), "s/p/0", "a"), a_talk(Arm("two"), "s/p/0", "b")]
    assert keys(match(apart, *sides)) == (["s/p/0"], {})
    batches = [a_talk(Arm(c), "s/p/0", run) for c in ("one", "two") for run in ("a", "b")]
    found = match(batches, *sides)
    assert (found.within_runs, keys(found)[0]) == (True, ["s/p/0@a", "s/p/0@b"])


def test_no_conversation_is_lost_whatever_its_pair_key():
    odd = [a_talk(Arm("one"), "pair", conversation=name) for name in "xy"] + [a_talk(Arm("two"), "pair")]
    found, missing = keys(match(odd, Side("one", condition="one"), Side("two", condition="two")))
    assert len(found) + sum(missing.values()) == 2
    assert Lack.ONLY_ONE.value not in missing


def test_the_kind_that_has_fewest_clusters_is_swapped():
    assert swapping([["a", "b", "c"], ["p", "q", "p"]]).words == "personas"
    assert swapping([["a", "b"], ["p", "p"]])[:2] == (["a", "b"], (["a", "b"],))
    assert swapping([["a", "a"], ["p", "p"]])[:2] == (None, None)


# What is refused


@pytest.mark.parametrize(
    ("plan", "hint"),
    [
        (an_analysis(WORDS, contrasts=[("partiall", "omniscient")]), "no condition 'partiall', did you mean 'partial'?"),
        (an_analysis("talk.word.supporter"), "did you mean 'talk.words.supporter'?"),
        (an_analysis(WORDS, exclude_ends=("eror",)), "no reason to end 'eror', did you mean 'error'?"),
        (Analysis.model_validate({"contrasts": [{"id": "m", "axis": "model", "one": "a", "other": "b"}],
                                  "outcomes": [{"id": "w", "of": WORDS, "family": "f"}]}), "no model 'a'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_one_line(tmp_path, plan, hint):
    with pytest.raises(ConfideError) as refused:
        analyse(a_run(tmp_path, arms(2, 1)), plan)
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_arm_is_nothing_to_compare(tmp_path):
    with pytest.raises(ConfideError, match="one arm only"):
        analyse(RunFolder.open(SAMPLE))


def test_the_analysis_of_the_record_is_written_before_the_run(tmp_path):
    class Record(NamedTuple):
        experiment: ExperimentRecord

    class Run(NamedTuple):
        record: Record

    plan, another = an_analysis(WORDS), an_analysis("talk.turns")
    base = {"id": "e", "title": "E", "question": "Which?", "scenarios": ("shared-dog",)}
    runs = [
        Run(Record(ExperimentRecord(file="", text="", sha256="", resolved=Experiment(**base, analysis=each))))
        for each in (plan, plan, another)
    ]
    assert plan_of_runs(runs[:2]) == (plan, "before")
    with pytest.raises(ConfideError, match="different analyses"):
        plan_of_runs(runs)


def test_runs_of_different_seeds_are_said_to_be(tmp_path):
    runs = [a_run(tmp_path, [told for told in arms() if told.condition == name], name, seed=seed)
            for name, seed in (("partial", 1), ("omniscient", 2))]  # fmt: skip
    found = analyse(runs, an_analysis(WORDS))
    assert (found.tests[0].pairs, len(found.notes)) == (8, 1)
    assert "different seeds" in found.notes[0]


# Two runs


def test_two_runs_are_matched_arm_by_arm(tmp_path):
    one = a_run(tmp_path, arms(3, 2), "one")
    two = a_run(tmp_path, [told._replace(words=told.words + 2) for told in arms(3, 1)], "two", seed=7)
    found = compare(one, two, of=[WORDS])
    assert (found.tests[0].pairs, found.tests[0].figures.difference.mean) == (6, -2)
    assert found.tests[0].missing == {"only in one": 6}
    assert {setting.name for setting in found.settings} == {"seed", "replicates"}
    assert "different seeds" in found.notes[0]


def test_two_runs_of_one_condition_each_are_the_two_arms(tmp_path):
    one = a_run(tmp_path, [told for told in arms() if told.condition == "partial"], "one")
    two = a_run(tmp_path, [told for told in arms() if told.condition == "omniscient"], "two")
    found = compare(one, two, of=[WORDS])
    assert (found.one.name, found.other.name) == ("one partial", "two omniscient")
    assert (found.tests[0].pairs, found.tests[0].figures.difference.mean) == (8, 2)
    assert ("seeker_sees", "own", "all") in found.settings
