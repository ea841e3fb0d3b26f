"""Profiles and telling, by hand-computed examples."""

import json
import random
from math import log2

import pytest

from confide.evaluators.disclosure import disclosure, facts_told
from confide.evaluators.human import human_figures
from confide.evaluators.profiles import profile
from confide.evaluators.statistics import js_distance
from confide.evaluators.talks import Talk, TalkTurn, talk_of
from confide.scenarios import Role
from confide.simulator import Learned, Noticed, Spoke
from tests.helpers import (
    CONDITIONS,
    ESCONV,
    by_role,
    make_setup,
    scenario_from,
    scripted,
    seeker_json,
    supporter_json,
    talk,
)

LABELS = ESCONV.labels


def spoken(*strategies, words=10, name="talk"):
    """A talk in which the supporter opens and uses these strategies, turn by turn."""
    turns = []
    for used in strategies:
        turns.append(TalkTurn(len(turns), Role.SUPPORTER, words, used == ("Question",), used))
        turns.append(TalkTurn(len(turns), Role.SEEKER, 5, False, None))
    return Talk(name, "s", "partial", name, tuple(turns))


ONE = spoken(("Question",), ("Question", "Information"), None, ("Providing Suggestions",), ("Others",))


def value(found, label):
    return found.shares[LABELS.index(label)].value


def test_shares_by_hand():
    """Five supporter turns: Question 2, Information 1, Suggestions 1, Others 1 of 5 labels; one turn has none."""
    found = profile([ONE], LABELS, human_figures())
    assert (found.conversations, found.supporter_turns, found.unlabelled) == (1, 5, 1)
    assert value(found, "Question") == pytest.approx(2 / 5)
    assert value(found, "Self-disclosure") == 0
    assert found.entropy.value == pytest.approx(-(0.4 * log2(0.4) + 3 * 0.2 * log2(0.2)))
    assert found.first_suggestion.value == pytest.approx(6 / 10)
    assert found.no_suggestion == 0
    assert found.questions.value == pytest.approx(1 / 5)
    assert found.supporter_words.value == 10
    assert found.seeker_words.value == 5
    assert found.supporter_part.value == pytest.approx(2 / 3)
    assert found.turns.value == 10
    assert found.shares[0].interval is None, "one conversation has no uncertainty that could be known"


def test_fifths_by_hand():
    """Ten turns, two to a fifth; the supporter's fall on 0, 2, 4, 6, 8: one to each."""
    found = profile([ONE], LABELS, None)
    question, information = LABELS.index("Question"), LABELS.index("Information")
    assert [row[question] for row in found.by_fifth] == [1, 0.5, None, 0, 0]
    assert found.by_fifth[1][information] == 0.5
    assert found.human_distance is None


def test_transitions_by_hand():
    """Question to {Question, Information} is half a step each; a turn without a label breaks the chain."""
    edges = {
        (a, b): (data["count"], data["share"])
        for a, b, data in profile([ONE], LABELS, None).transitions.edges(data=True)
    }
    assert edges == {
        ("Question", "Question"): (0.5, 0.5),
        ("Question", "Information"): (0.5, 0.5),
        ("Providing Suggestions", "Others"): (1, 1),
    }


def test_distance_to_people():
    human = human_figures()
    found = profile([ONE], LABELS, human)
    counts = [2, 0, 0, 0, 0, 1, 1, 1]
    assert found.human_distance.value == pytest.approx(js_distance(counts, [human.labels[label] for label in LABELS]))
    first = [human.fifths[0][label] for label in LABELS]
    assert found.human_distance_by_fifth[0].value == pytest.approx(js_distance([1, 0, 0, 0, 0, 0, 0, 0], first))
    assert found.human_distance_by_fifth[2].value is None, "no label falls into the third fifth"


def test_a_profile_does_not_care_in_what_order_talks_come():
    draw = random.Random(1)
    talks = [spoken(*[(draw.choice(LABELS),) for _ in range(6)], name=str(n)) for n in range(12)]
    one, other = profile(talks, LABELS, human_figures()), profile(talks[::-1], LABELS, human_figures())
    assert [each.value for each in one.shares] == pytest.approx([each.value for each in other.shares])
    assert sum(each.value for each in one.shares) == pytest.approx(1)
    low, high = one.shares[0].interval[:2]
    assert low <= one.shares[0].value <= high


def test_conversations_are_resampled_and_not_turns():
    """Twenty talks that each use one strategy throughout: as uncertain as twenty draws, however long they are."""
    talks = [spoken(*[("Question",) if n % 2 else ("Others",)] * 50, name=str(n)) for n in range(20)]
    interval = profile(talks, LABELS, None).shares[0].interval
    assert interval.high - interval.low > 0.35


def test_bad_talks_are_refused():
    with pytest.raises(ValueError, match="'Jokes' is none of the strategies"):
        profile([spoken(("Jokes",))], LABELS, None)
    with pytest.raises(ValueError, match="no conversation"):
        profile([], LABELS, None)


def test_the_human_figures_are_whole():
    human = human_figures()
    assert set(human.labels) == set(LABELS) == set(human.transitions) == set(human.words)
    assert sum(human.labels.values()) == 17_121
    for fifth in human.fifths:
        assert sum(fifth.values()) == pytest.approx(1, abs=0.002)


FACTS = [
    {"id": "lost-job", "text": "The printing works dismissed him in October.", "reveal": "openly"},
    {"id": "borrowed", "text": "He borrowed nine thousand from his sister.", "reveal": "when_trusting", "trust": 60},
    {"id": "gambles", "text": "He gambles on horses at weekends.", "reveal": "when_asked", "after": ["lost-job"]},
    {"id": "drinks", "text": "He keeps whisky in the garage.", "reveal": "never"},
]


def telling_talk():
    """Turns 0, 2, 4 are the supporter's; 1, 3, 5 the seeker's."""
    seeker = {
        0: seeker_json("The printing works dismissed me in October.", told=["lost-job"], trust=20),
        1: seeker_json("I borrowed nine thousand from my sister.", told=["borrowed"], trust=40),
        2: seeker_json("Yes, I gamble on horses at weekends.", told=["gambles"], trust=70),
    }
    supporter = {
        0: supporter_json("Hello."),
        1: supporter_json("You keep whisky in the garage, I suppose."),
        2: supporter_json("Do you gamble on horses at weekends?"),
    }
    data = {
        "id": "told", "title": "Told", "problem": "job crisis", "situation": "A chat.",
        "seeker": {"persona": {"name": "Alex", "background": "34."}, "emotion": "fear", "intensity": 3, "facts": FACTS},
        "supporter": {"persona": {"name": "Robin", "background": "51."}},
        "limits": {"turns": 6},
    }  # fmt: skip
    model, _ = scripted(by_role(seeker.__getitem__, supporter.__getitem__))
    return talk(make_setup(scenario_from(json.loads(json.dumps(data))), model, condition=CONDITIONS["partial"]))


def test_telling_by_hand():
    rows = {row.fact: row for row in facts_told(telling_talk())}
    job, loan, horses, whisky = (rows[fact["id"]] for fact in FACTS)
    assert (job.told_at, job.how, job.prompted, job.against_rule) == (1, "declared", "volunteered", None)
    assert (loan.told_at, loan.prompted, loan.against_rule) == (3, "volunteered", "told at trust 40, below 60")
    assert (horses.told_at, horses.prompted, horses.asked_at, horses.against_rule) == (5, "asked", 4, None)
    assert (whisky.told_at, whisky.how, whisky.prompted) == (None, None, None)
    assert whisky.foreknown_at == 2, "the supporter spoke of the whisky, which nobody had told"
    (found,) = [each for each in disclosure(rows.values()) if each.role is Role.SEEKER]
    assert found.told.value == 3 / 4
    assert [share.value for share in found.by_fifth] == [1 / 4, 1 / 4, 2 / 4, 2 / 4, 3 / 4]
    assert found.asked.value == 1 / 3
    assert found.against_rule.value == 1 / 3
    assert found.foreknown.value == 1 / 4
    assert found.told.interval is None
    assert found.median_position == 3 / 6


def test_what_comes_too_soon_and_what_is_said_without_a_word_of_it():
    """Events made by hand: a fact before the one that it comes after, a declared one whose words do not tell it."""
    events = [event for event in telling_talk() if not isinstance(event, Learned | Noticed)]
    end = len(events)
    events += [
        Learned(seq=end, turn=1, fact="gambles", by=Role.SUPPORTER),
        Noticed(seq=end + 1, turn=1, role=Role.SEEKER, fact="gambles", what="unsaid", detector="words", score=None),
        Learned(seq=end + 2, turn=3, fact="drinks", by=Role.SUPPORTER, how="noticed"),
    ]
    rows = {row.fact: row for row in facts_told(events)}
    assert rows["gambles"].against_rule == "told before lost-job"
    assert rows["gambles"].unsaid
    assert (rows["drinks"].how, rows["drinks"].against_rule) == ("noticed", "never to be told")


def test_a_talk_is_read_from_its_log():
    events = telling_talk()
    found = talk_of(events)
    assert [turn.role for turn in found.turns] == [event.role for event in events if isinstance(event, Spoke)]
    assert found.turns[0] == TalkTurn(0, Role.SUPPORTER, 1, False, ("Question",))
    assert found.turns[4].asks
    assert found.turns[1].strategies is None
    assert (found.scenario, found.condition) == ("told", "partial")
