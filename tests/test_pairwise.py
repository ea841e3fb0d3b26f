"""Pairwise judging: both orders, who wins, what is inconsistent, and that nothing is judged twice."""

import asyncio
import json
from collections import Counter

import pytest

from confide.agents import Fault, ModelError
from confide.agents.models import draw_reply
from confide.evaluators.pairwise import Judge, Pair, Side, first_share, pairs_of, winners
from confide.evaluators.rubric import read_rubric
from confide.evaluators.verdicts import verdicts
from confide.scenarios import ConfideError, Role
from confide.simulator import Called, Line, Measured, MeasureFolder, MeasureRecord, Read, read_log
from confide.simulator.store import software
from tests.helpers import only_run, scripted

RUBRIC = read_rubric("empathy")
RECORD = {
    "measure": "empathy", "rubric": RUBRIC.text, "model": "scripted", "spec": {"provider": "scripted"}, "price": None,
    "created": "now", "software": software(), "command": (), "pairwise": True,
}  # fmt: skip


def side(name, condition, text, words=10):
    return Side("run", name, condition, (Line(0, Role.SUPPORTER, text),), words)


def pair(n=0, words=(10, 10)):
    one, other = (
        side(f"a{n}", "partial", "I am the one.", words[0]),
        side(f"b{n}", "omniscient", "I am the other.", words[1]),
    )
    return Pair(f"key-{n}", one, other)


def says(word):
    return json.dumps({"empathy": word, "relevance": "TIE"})


def prefers(text):
    """A judge that goes by what is said."""

    def script(request):
        said = str(request.messages[-1].content)
        return says("FIRST" if said.index(text) < said.index("SECOND conversation:") else "SECOND")

    return script


class Court:
    """A folder for judgements, and a judge by script."""

    def __init__(self, run, script, repeats=1):
        model, self.client = scripted(script)
        self.folder = MeasureFolder.create(run, MeasureRecord(**RECORD, repeats=repeats))
        self.judge = Judge(RUBRIC.rubric, model, repeats)

    def hold(self, *pairs):
        return [asyncio.run(self.judge.judge(each, 1, self.folder)) for each in pairs]

    def verdict(self, *pairs, item="empathy"):
        self.hold(*pairs)
        return next(each for each in verdicts(RUBRIC.rubric, pairs, self.folder) if each.item == item)


@pytest.fixture
def run(confide):
    assert (
        confide("run", "awake-at-three", "--model", "scripted", "--turns", "4", "--condition", "presets", "--n", "2")[0]
        == 0
    )
    return only_run()


def test_a_judge_with_a_reason_wins_in_both_orders(run):
    court = Court(run, prefers("I am the one."))
    found = court.verdict(pair(0), pair(1), pair(2))
    assert found.counts == {"one": 3}
    assert found.rate.raw == 1
    assert found.first == 0.5
    assert (found.one, found.other, found.pairs) == ("partial", "omniscient", 3)
    assert len(court.client.received) == 6
    assert verdicts(RUBRIC.rubric, [pair(0)], court.folder)[1].counts == {"tie": 1}


def test_a_judge_that_likes_the_first_place_is_inconsistent_throughout(run):
    found = Court(run, lambda _: says("FIRST")).verdict(pair(0), pair(1))
    assert found.counts == {"inconsistent": 2}
    assert found.rate.raw == 0.5
    assert found.first == 1


def test_a_tie_in_one_order_alone_is_inconsistent():
    def measured(number, word):
        return Measured(seq=0, turn=None, role=Role.SUPPORTER, repeat=number, values={"x": word}, missing={})

    words = ["FIRST", "SECOND", "TIE", "TIE", "FIRST", "TIE", "SECOND", "FIRST", "FIRST", None]
    answers = {number: measured(number, word) for number, word in enumerate(words)}
    assert winners(answers, "x") == ["one", "tie", "inconsistent", "other", None]
    assert first_share([answers], "x") == 3 / 5, "an answer whose other order is missing would lean to a side"


def test_win_rates_by_hand(run):
    """Of four pairs the one wins two, loses one, and one is tied: (1 + 1 + 0 + 1/2) / 4."""
    outcome = {"key-0": "one", "key-1": "one", "key-2": "other", "key-3": "tie"}
    pairs = [
        Pair(key, side(f"a{key}", "partial", f"one {key}."), side(f"b{key}", "omniscient", f"other {key}."))
        for key in outcome
    ]

    def script(request):
        said = str(request.messages[-1].content)
        key = next(key for key in outcome if f"one {key}." in said)
        if outcome[key] == "tie":
            return says("TIE")
        return prefers(f"{outcome[key]} {key}.")(request)

    found = Court(run, script).verdict(*pairs)
    assert found.counts == {"one": 2, "other": 1, "tie": 1}
    assert found.rate.raw == 2.5 / 4
    assert found.rate.equal is None
    assert found.rate.reason == "4 pairs, at least 10 are needed"


def test_a_judge_that_likes_length_has_no_winner_at_equal_length(run):
    def script(request):
        first, second = str(request.messages[-1].content).split("SECOND conversation:")
        return says("FIRST" if len(first) > len(second) else "SECOND")

    pairs = []
    for n in range(40):
        ours, theirs = 20 + 10 * (n % 7), 20 + 10 * (n % 5)
        one, other = side(f"a{n}", "partial", "x " * ours, ours), side(f"b{n}", "omniscient", "x " * theirs, theirs)
        pairs.append(Pair(f"key-{n}", one, other))
    found = Court(run, script).verdict(*pairs)
    assert found.rate.raw > 0.55
    assert abs(found.rate.equal - 0.5) < abs(found.rate.raw - 0.5)


def test_repeats_agree_or_not(run):
    found = Court(run, prefers("I am the one."), repeats=3).verdict(*(pair(n) for n in range(3)))
    assert found.counts == {"one": 9}
    assert found.repeats.value is None, "without variation there is nothing to agree on"
    other = Court(run, prefers("I am the one."), repeats=3)
    by_key = other.verdict(
        pair(0), pair(1), Pair("key-9", side("a9", "partial", "Me."), side("b9", "omniscient", "I am the one."))
    )
    assert by_key.counts == {"one": 6, "other": 3}
    assert by_key.repeats.value == 1


def test_a_pair_counts_once_however_many_of_its_judgements_can_be_read(run):
    """The one wins a pair in all three repeats, and loses another whose further answers cannot be read."""
    asked = Counter()

    def script(request):
        said = str(request.messages[-1].content)
        key = "key-0" if "one key-0." in said else "key-1"
        asked[key] += 1
        if key == "key-1" and asked[key] > 2:
            return "none"
        return prefers("one key-0." if key == "key-0" else "other key-1.")(request)

    pairs = [
        Pair(key, side(f"a{key}", "partial", f"one {key}."), side(f"b{key}", "omniscient", f"other {key}."))
        for key in ("key-0", "key-1")
    ]
    found = Court(run, script, repeats=3).verdict(*pairs)
    assert found.counts == {"one": 3, "other": 1}
    assert (found.rate.raw, found.rate.pairs) == (0.5, 2)


def test_the_first_place_is_counted_where_both_orders_were_answered(run):
    """A judge that always goes by what is said, and that answers one order alone: it has no bias for a place."""

    def script(request):
        said = str(request.messages[-1].content)
        return prefers("I am the one.")(request) if said.index("the one.") < said.index("the other.") else "none"

    found = Court(run, script).verdict(pair())
    assert (found.first, sum(found.missing.values())) == (None, 1)


def test_a_conversation_without_a_word_of_the_supporter_s_is_not_compared(run):
    log = run.final("awake-at-three.partial.0000")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line["kind"] == "spoke" and line["role"] == "supporter":
            line["reply"]["utterance"] = " "
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = pairs_of(run)
    assert len(found.pairs) == 3 + 6
    assert found.alone == {"the supporter said nothing": 1}


def test_a_pair_that_another_process_judged_meanwhile_is_not_paid_for_again(run, monkeypatch):
    other = Court(run, prefers("I am the one."))
    other.hold(pair())
    done = other.folder.final(pair().id)
    aside = done.rename(done.with_suffix(".aside"))
    court = Court(run, prefers("I am the one."))
    writer = court.folder.writer

    def late(name):
        aside.rename(done)
        return writer(name)

    monkeypatch.setattr(court.folder, "writer", late)
    assert court.hold(pair()) == [None]
    assert court.client.received == []
    assert not court.folder.live(pair().id).exists()


def test_an_interrupted_judgement_is_gone_on_with(run):
    calls = iter(range(100))

    def script(request):
        if next(calls) == 3:
            raise ModelError(Fault.SERVER_ERROR, "overloaded")
        return prefers("I am the one.")(request)

    assert Court(run, script, repeats=2).hold(pair()) == ["overloaded"]
    court = Court(run, prefers("I am the one."), repeats=2)
    assert court.hold(pair()) == [None]
    assert len(court.client.received) == 1
    events = read_log(court.folder.final(pair().id)).events
    assert [event.repeat for event in events if isinstance(event, Measured)] == [0, 1, 2, 3]
    assert isinstance(events[-1], Read)
    assert court.hold(pair()) == [None]
    assert len(court.client.received) == 1, "a finished judgement is not paid for again"


def test_seeds_differ_between_orders_and_repeats(run):
    court = Court(run, draw_reply, repeats=2)
    court.hold(pair())
    events = read_log(court.folder.final(pair().id)).events
    assert len({event.seed for event in events if isinstance(event, Called)}) == 4


@pytest.mark.parametrize("answer", ["none", says("FIRST ONE"), says("TIE").replace("}", ', "x": 1}')])
def test_an_answer_that_cannot_be_read_is_missing(run, answer):
    found = Court(run, lambda _: answer).verdict(pair())
    assert found.counts == {}
    assert sum(found.missing.values()) == 2
    assert found.rate.raw is None


def test_an_answer_that_was_withheld_is_missing_and_a_refused_key_stops(run):
    def withheld(_):
        raise ModelError(Fault.FILTERED, "withheld")

    assert Court(run, withheld).verdict(pair()).missing == {"withheld": 2}

    def refused(_):
        raise ModelError(Fault.DENIED, "refused")

    with pytest.raises(ModelError, match="refused"):
        Court(run, refused).hold(pair(1))


def test_pairs_are_within_pair_keys(run, confide):
    found = pairs_of(run)
    assert len(found.pairs) == 2 * 6
    assert all(one.conversation.split(".")[-1] == other.conversation.split(".")[-1] for _, one, other in found.pairs)
    assert found.alone == {}
    assert (
        confide(
            "run", "awake-at-three", "--model", "scripted", "--turns", "4", "--condition", "partial", "--runs", "more"
        )[0]
        == 0
    )
    other = type(run).open(next(iter(run.path.parent.parent.glob("more/*"))))
    against = pairs_of(run, other)
    assert [(p.one.condition, p.other.condition) for p in against.pairs] == [("partial", "partial")]
    assert against.alone == {"the other run has no such conversation": 7}
    assert pairs_of(other, run).alone == {"only the other run has it": 7}


def test_the_command(confide, run):
    code, out, _ = confide("judge", run.path, "--with", "empathy", "--model", "scripted", "--repeats", "2", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["pairs"] == 12
    assert len(found["verdicts"]) == 12
    assert all(sum(each["counts"].values()) == 4 for each in found["verdicts"])
    code, out, _ = confide("judge", run.path, "--with", "empathy", "--model", "scripted", "--repeats", "2")
    assert code == 0
    assert out.rstrip().endswith("judgements/empathy.scripted")


def test_what_cannot_be_judged_is_refused(confide, run):
    assert "about turns" in confide("judge", run.path, "--with", "strategies", "--model", "scripted")[2]
    for log in run.logs():
        if ".partial." not in log.name:
            log.unlink()
    code, _, err = confide("judge", run.path, "--with", "empathy", "--model", "scripted")
    assert (code, "nothing to compare" in err) == (2, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"of": (Role.SEEKER,)}, "is about the seeker"), ({"shows": ("persona",)}, "shows a persona")],
)
def test_a_rubric_that_asks_for_something_else_is_refused(change, said):
    rubric = RUBRIC.rubric.model_copy(update=change)
    with pytest.raises(ConfideError, match=said):
        Judge(rubric, scripted(draw_reply)[0], 1)


def test_judgements_of_other_transcripts_are_refused(run):
    court = Court(run, prefers("I am the one."))
    court.hold(pair())
    changed = pair()._replace(one=side("a0", "partial", "I said something else."))
    with pytest.raises(ConfideError, match="other transcripts"):
        verdicts(RUBRIC.rubric, [changed], court.folder)
