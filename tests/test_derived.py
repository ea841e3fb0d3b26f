"""What readers' answers come to, by hand-computed examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confide.evaluators import derived
from confide.evaluators.readings import Readings, Row, differences, figures
from confide.evaluators.rubric import read_rubric
from confide.evaluators.talks import Talk, TalkTurn
from confide.scenarios import Role
from tests.helpers import ESCONV

SEEKER, SUPPORTER = Role.SEEKER, Role.SUPPORTER


def a_talk(name="one", *declared, condition="partial", words=10, distress=()):
    """The supporter opens; ``declared`` are its strategies, turn by turn."""
    turns = []
    for index, used in enumerate(declared):
        turns.append(TalkTurn(2 * index, SUPPORTER, words, False, used))
        level = distress[index] if index < len(distress) else None
        turns.append(TalkTurn(2 * index + 1, SEEKER, 5, False, None, level))
    return Talk(name, "s", condition, f"key-{name}", tuple(turns))


def readings(name, rows, repeats=1):
    return Readings(read_rubric(name), "model", None, repeats, rows, 0)


def row(talk, turn, item, value, role=SUPPORTER, repeat=0, why="unreadable"):
    return Row(talk, turn, role, repeat, {item: value}, {} if value is not None else {item: why})


TALK = a_talk("one", ("Question",), ("Question", "Information"), ("Others",), ("Question",), None)


def test_declared_against_read():
    """First labels: Q-Q, Q-Others, Others-Others, Q-missing, unlabelled-Q: of three pairs two agree, p_o = 2/3;
    p_e = 2/3 x 1/3 + 1/3 x 2/3 = 4/9; kappa = (6 - 4) / (9 - 4)."""
    read = [("Question",), ("Others",), ("Others",), None, ("Question",)]
    rows = [row(TALK, 2 * index, "strategies", value) for index, value in enumerate(read)]
    (found,) = derived.declared_and_read(readings("strategies", rows), ESCONV.labels)
    assert found.kappa.value == pytest.approx(2 / 5)
    assert (found.kappa.n, found.kappa.missing) == (3, 2)
    q, i, o = (ESCONV.labels.index(label) for label in ("Question", "Information", "Others"))
    assert found.confusion.counts[q][q] == 1
    assert found.confusion.counts[q][o] == 0.5
    assert found.confusion.counts[i][o] == 0.5
    assert found.confusion.counts[o][o] == 1
    assert (found.confusion.n, found.confusion.missing) == (3, 2)
    assert found.by_label["Others"].value == pytest.approx(2 / 5)
    assert found.by_label["Information"].value == 0, "one said it once, the other never"
    assert found.alpha.n == 3


def test_preference_and_accuracy():
    """Chosen: Question against Question, Question against {Question, Information}, Question against Others."""
    rows = [row(TALK, turn, "strategies", ("Question", "Others")) for turn in (0, 2, 4)]
    (found,) = derived.preferred(readings("next-strategy", rows), ESCONV.labels)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.turns == 3
    assert found.preference.n == 1.5
    assert found.preference.values is None


def test_prompt_to_line():
    """Turns 0 to 8 of ten: consistent, no bearing, contradicts, missing, contradicts: 2 of 4."""
    words = ["CONSISTENT", "NO_BEARING", "CONTRADICTS", None, "CONTRADICTS"]
    rows = [row(TALK, 2 * index, "fits", word) for index, word in enumerate(words)]
    (found,) = derived.prompt_to_line(readings("persona-consistency", rows))
    assert found.overall == 0.5
    assert found.by_fifth == (1, 1, 0, None, 0)
    assert found.interval is None


def test_line_to_line():
    """Of one, two and three earlier own turns, none, one and three are contradicted: (1 + 1/2 + 0) / 3."""
    rows = [
        row(TALK, 2, "contradicts", ()),
        row(TALK, 4, "contradicts", (0,)),
        row(TALK, 6, "contradicts", (0, 2, 4)),
        row(TALK, 8, "contradicts", None),
    ]
    (found,) = derived.line_to_line(readings("self-consistency", rows))
    assert found.overall == pytest.approx(0.5)


def test_own_role():
    rows = [
        row(TALK, turn, "sounds_like", word, SEEKER) for turn, word in ((1, "SEEKER"), (3, "SUPPORTER"), (5, "UNCLEAR"))
    ]
    rows.append(row(TALK, 0, "sounds_like", "SUPPORTER"))
    seeker, supporter = derived.own_role(readings("identity", rows))
    assert (seeker.role, seeker.overall, seeker.by_fifth) == (SEEKER, 0.5, (1, 0, None, None, None))
    assert (supporter.role, supporter.overall) == (SUPPORTER, 1)


def test_means_are_over_conversations_and_not_over_turns():
    """One talk with four consistent turns, one with one that is not: (1 + 0) / 2, and not 4/5."""
    other = a_talk("two", ("Question",))
    rows = [row(TALK, turn, "fits", "CONSISTENT") for turn in (0, 2, 4, 6)]
    rows.append(row(other, 0, "fits", "CONTRADICTS"))
    (found,) = derived.prompt_to_line(readings("persona-consistency", rows))
    assert (found.overall, found.conversations) == (0.5, 2)
    (item,) = figures(readings("persona-consistency", rows))
    assert item.shares == {"CONSISTENT": 0.5, "CONTRADICTS": 0.5}


def test_distress_as_observed_and_as_reported():
    talk = a_talk("one", *[("Question",)] * 5, distress=(80, 40, None, 45, 90))
    rows = [row(talk, 2 * index + 1, "distress", level, SEEKER) for index, level in enumerate((70, 60, None, 62, 66))]
    (found,) = derived.observed_distress(readings("distress", rows))
    assert found.by_fifth == (70, 60, None, 62, 66)
    (told,) = derived.reported_distress([talk])
    assert told.by_fifth == (80, 40, None, 45, 90)
    assert told.overall == pytest.approx(255 / 4)
    (steps,) = derived.reported_distress([talk], 10)
    assert steps.by_fifth == (80, 70, None, 60, 70)


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ((), ()),
        ((50, 55, 40), (50, 55, 45)),
        ((0, 100, 100, None, 0), (0, 10, 20, None, 10)),
        ((None, 30, 41), (None, 30, 40)),
    ],
)
def test_a_bounded_trace(levels, found):
    assert derived.bounded(levels, 10) == found


@given(st.lists(st.integers(0, 100) | st.none(), max_size=20), st.integers(1, 30))
def test_a_bounded_trace_never_jumps(levels, step):
    there = [level for level in derived.bounded(levels, step) if level is not None]
    assert all(abs(a - b) <= step for a, b in zip(there, there[1:], strict=False))
    assert len(there) == sum(level is not None for level in levels)
    assert derived.bounded(levels, 100) == tuple(levels)


def test_scores_by_hand():
    """Talk one scores 2 and 4 in its repeats, talk two 5 and nothing: the mean is (3 + 5) / 2."""
    two = a_talk("two", ("Question",), words=30)
    values = [(TALK, 0, 2), (TALK, 1, 4), (two, 0, 5), (two, 1, None)]
    rows = [row(talk, None, "empathy", value, repeat=repeat) for talk, repeat, value in values]
    (found,) = [each for each in figures(readings("empathy", rows, 2)) if each.item == "empathy"]
    assert (found.mean, found.answers, found.conversations) == (4, 3, 2)
    assert found.missing == {"unreadable": 1}
    assert (found.repeats.n, found.repeats.missing) == (1, 1)
    assert found.words == (50 + 30) / 2
    assert found.interval is None


def test_alpha_over_repeats():
    """Interval scale: 1-1, 2-2, 3-4. D_o = (0 + 0 + 1) x 2 / 6 = 1/3. Ordered pairs of 1,1,2,2,3,4: the squared
    differences sum to 2 x (4 x 1 + 2 x 4 + 2 x 9 + 2 x 1 + 2 x 4 + 1) = 82; D_e = 82 / 30."""
    talks = [a_talk(name, ("Question",)) for name in "abc"]
    rows = [
        row(talk, None, "empathy", value, repeat=repeat)
        for talk, values in zip(talks, ((1, 1), (2, 2), (3, 4)), strict=True)
        for repeat, value in enumerate(values)
    ]
    (found,) = [each for each in figures(readings("empathy", rows, 2)) if each.item == "empathy"]
    assert found.repeats.value == pytest.approx(1 - (1 / 3) / (82 / 30))


def test_differences_between_conditions_are_within_pair_keys():
    """Twelve pairs: partial scores 4 with 50 words and omniscient 3 with as many; one talk has no partner."""
    rows = []
    for index in range(12):
        for condition, score in (("partial", 4), ("omniscient", 3)):
            talk = a_talk(str(index), *[("Question",)] * 5, condition=condition)
            rows.append(row(talk, None, "empathy", score))
    rows.append(row(a_talk("alone", ("Question",)), None, "empathy", 1))
    (found,) = [each for each in differences(readings("empathy", rows)) if each.item == "empathy"]
    assert (found.one, found.other) == ("partial", "omniscient")
    assert (found.difference.pairs, found.difference.raw, found.difference.equal) == (12, 1, 1)
