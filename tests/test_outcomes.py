"""Outcomes: each by hand on hand-made logs, all of them on a scripted run, and every reason why one is missing."""

import json
import sys
from pathlib import Path

import pytest

from confide.agents.reply import SeekerReply, SupporterReply
from confide.cli import main
from confide.evaluators.exchange import import_esconv
from confide.evaluators.human import human_figures
from confide.evaluators.outcomes import (
    FORMS,
    Arm,
    Known,
    arm_of,
    describe_outcomes,
    known_in,
    outcome_of,
    outcomes_of_runs,
    talk_outcomes,
)
from confide.evaluators.rubric import read_rubric
from confide.evaluators.statistics import js_distance
from confide.evaluators.traits import trait_reports
from confide.scenarios import ConfideError, Role
from confide.simulator import Ended, EndReason, Measured, RunFolder, Spoke, read_log
from tests.helpers import ESCONV
from tests.test_exchange import TALK
from tests.test_sample import SAMPLE
from tests.test_tables import ID, hand_made, written
from tests.trait_helpers import a_plan

DOCS = Path(__file__).parent.parent / "docs" / "experiments.md"


def values(run, *names, reader=None):
    """Values of the run's only conversation, or the reasons."""
    (talk,) = talk_outcomes(run, names, reader)
    return [each.missing if each.value is None else each.value for each in talk.values.values()]


# Names


def test_the_document_lists_every_name():
    assert describe_outcomes() in DOCS.read_text(encoding="utf-8"), "docs/experiments.md must hold describe_outcomes()"


def test_shares_take_any_label():
    assert outcome_of("share.Reflection of feelings") == ("Reflection of feelings", None)
    assert outcome_of("share.Others.fifth5") == ("Others", 4)
    assert outcome_of("share.St. Nobody.fifth9") == ("St. Nobody.fifth9", None), "five fifths; the rest is a label"


def test_the_shipped_plan_need_not_be_named():
    short, long = (outcome_of(f"traits.{plan}self.seeker.openness.net") for plan in ("", "traits."))
    assert short == long == ("traits", "self", Role.SEEKER, "openness", "net")


def test_readings_take_a_role_and_a_word():
    assert outcome_of("reading.strategies.strategies.supporter=Question") == (
        "strategies", "strategies", Role.SUPPORTER, "Question",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("talk.turn", "did you mean 'talk.turns'?"),
        ("telling.seeker.foreknow", "did you mean 'telling.seeker.foreknown'?"),
        ("nonsense", "Outcomes: talk.turns, "),
        ("share.", "Outcomes: "),
        ("share.Questions", "no strategy 'Questions', did you mean 'Question'?"),
        ("distance.people", "Outcomes: "),
        ("traits.self.seeker.openness", "it is traits.PLAN.SOURCE.ROLE.FACTOR.start|end|drift|abs_drift|net"),
        ("traits.observer.seeker.openness.net", "no figure 'net'"),
        ("traits.itself.seeker.openness.end", "no source 'itself', did you mean 'self'?"),
        ("traits.small.self.seeker.emotion.end", "no factor 'emotion', did you mean 'emotionality'?"),
        ("traits.self.client.openness.end", "no role 'client'"),
        ("reading.empathy", "it is reading.RUBRIC.ITEM"),
        ("reading.empathy.empathi", "no item 'empathi', did you mean 'empathy'?"),
        ("reading.empathy.empathy.seeker", "no role 'seeker'; supporter"),
        ("reading.empathy.empathy=HIGH", "answered by numbers"),
        ("reading.strategies.strategies", "answered by words: say whose share, by =WORD, one of Question, "),
        ("reading.strategies.strategies=Questions", "no word 'Questions', did you mean 'Question'?"),
        ("reading.identity.sounds_like=", "it is reading.RUBRIC.ITEM"),
    ],
)
def test_an_unknown_name_is_refused_in_one_line_with_the_nearest(name, hint):
    with pytest.raises(ConfideError) as refused:
        outcome_of(name, Known(ESCONV.labels, {}, {"small": a_plan()}))
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_experiment_refuses_what_nobody_will_be_asked():
    complete = Known(ESCONV.labels, {"hill": read_rubric("hill").rubric}, {"small": a_plan(sources=["self"])}, True)
    for name, hint in {
        "reading.empathy.empathy": "no rubric 'empathy'; hill",
        "traits.self.seeker.openness.end": "no trait plan 'traits'; small",
        "traits.small.self.seeker.emotionality.net": "no source 'bare'; self",
    }.items():
        with pytest.raises(ConfideError, match=hint):
            outcome_of(name, complete)
    assert outcome_of("traits.small.self.seeker.emotionality.end", complete).factor == "emotionality"


def test_arms():
    assert arm_of("partial") == Arm("partial", None)
    assert str(arm_of("partial+large")) == "partial+large"
    assert arm_of("partial+large") == Arm("partial", "large")


# By hand


def test_a_hand_made_log(tmp_path):
    run = written(tmp_path, hand_made())
    people = human_figures().labels
    counts = [float(label in ("Question", "Others", "Providing Suggestions")) for label in people]
    known = {
        "talk.turns": 3, "talk.words.seeker": 1, "talk.words.supporter": 3, "talk.questions": 0.5,
        "talk.entropy": 1.584962500721156, "talk.first_suggestion": 2 / 3, "talk.distress.first": 0,
        "talk.distress.last": 0, "share.Question": 1 / 3, "share.Question.fifth1": 0.5, "share.Others.fifth4": 0,
        "share.Information": 0, "distance.human": js_distance(counts, list(people.values())),
        "telling.seeker.told": 1 / 3, "telling.seeker.asked": 1, "telling.seeker.against_rule": 0,
        "telling.seeker.foreknown": 1 / 3, "telling.supporter.told": 0,
    }  # fmt: skip
    known["telling.seeker.told"] = known["telling.seeker.foreknown"] = 1 / len(
        run.record.scenarios[0].scenario.seeker.facts
    )
    assert values(run, *known) == pytest.approx(list(known.values()))
    reasons = {
        "talk.distress.change": "the seeker reported distress once only",
        "share.Question.fifth2": "no strategy was declared in this fifth",
        "telling.supporter.asked": "the supporter told no fact",
        "reading.empathy.empathy": "nobody was asked 'empathy'",
        "traits.self.seeker.openness.drift": "nobody was asked 'traits-self'",
    }
    assert values(run, *reasons) == list(reasons.values())
    (talk,) = talk_outcomes(run, [])
    assert (talk.finished, talk.end, talk.arm, talk.run) == (True, "error", Arm("partial"), "hand")
    at = {label: index for index, label in enumerate(talk.strategies.labels)}
    suggestions = at["Providing Suggestions"]
    assert talk.strategies.steps == {(at["Question"], suggestions): 0.5, (at["Others"], suggestions): 0.5}


def test_what_a_talk_lacks_is_missing_with_its_reason(tmp_path):
    started = hand_made()[0]
    line = SeekerReply(utterance="Hm.", thoughts=None, emotion=None, trust=None, told=())
    bare = [
        started,
        Spoke(seq=1, turn=0, role=Role.SEEKER, reply=line),
        Ended(seq=2, reason=EndReason.SEEKER_ENDED, turns=1),
    ]
    reasons = {
        "talk.words.supporter": "the supporter said nothing",
        "talk.questions": "the supporter said nothing",
        "talk.entropy": "no strategy was declared",
        "talk.first_suggestion": "the supporter suggested nothing",
        "talk.distress.first": "the seeker reported no distress",
        "share.Question": "no strategy was declared",
        "distance.human": "no strategy was declared",
        "telling.seeker.against_rule": "the seeker told no fact",
    }
    assert values(written(tmp_path / "a", bare), *reasons) == list(reasons.values())
    scenario = started.scenario
    nothing = scenario.model_copy(update={"supporter": scenario.supporter.model_copy(update={"facts": ()})})
    own = ESCONV.model_copy(update={"strategies": ESCONV.strategies[:3]})
    other = started.model_copy(update={"scenario": nothing, "taxonomy": own})
    said = SupporterReply(utterance="So?", strategies=(own.labels[0],), told=())
    talk = [other, Spoke(seq=1, turn=0, role=Role.SUPPORTER, reply=said), bare[2]]
    reasons = {
        "telling.supporter.told": "the supporter has no facts to tell",
        "talk.first_suggestion": "its taxonomy has no 'Providing Suggestions'",
        "share.Others": "its taxonomy has no 'Others'",
        "distance.human": "its strategies are others than ESConv's",
        "talk.words.seeker": "the seeker said nothing",
    }
    assert values(written(tmp_path / "b", talk), *reasons) == list(reasons.values())


def test_an_unfinished_talk_has_no_value(tmp_path):
    run = written(tmp_path, hand_made()[:8], finished=False)
    assert values(run, "talk.turns", "telling.seeker.told") == ["unfinished"] * 2
    run.live(ID).write_bytes(b'{"v":1,"se')
    assert list(talk_outcomes(run, ["talk.turns"])) == [], "one that has no whole line was not begun"


def test_people_have_words_and_strategies_and_no_state(tmp_path):
    (tmp_path / "people.json").write_text(json.dumps([TALK]))
    run = import_esconv(tmp_path / "people.json", tmp_path / "runs", None, ()).run
    found = values(run, "talk.turns", "share.Question", "talk.distress.last", "telling.seeker.told")
    assert found[:2] == [3, 0.5]
    assert all("people spoke" in each for each in found[2:])
    with pytest.raises(ConfideError, match="did you mean 'Question'"):
        values(run, "share.Questions")


# Readers


@pytest.fixture(scope="module")
def scripted_run(tmp_path_factory):
    """Four scripted conversations with two readers and a questionnaire of no floor."""
    folder = tmp_path_factory.mktemp("scripted")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        text = (Path(trait_file())).read_text(encoding="utf-8")
        Path("loose.yaml").write_text(text.replace("id: traits", "id: loose").replace("floor: 0.7", "floor: 0"))
        command = (
            "confide run shared-dog --model scripted --turns 8 --condition partial --condition omniscient --n 2 "
            "--with loose.yaml --with traits --with strategies --with self-consistency --with empathy --reader scripted"
        )
        patch.setattr(sys, "argv", command.split())
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    return RunFolder.open(next(folder.glob("runs/*")))


def trait_file():
    from confide.evaluators.traits.plan import PLANS

    return PLANS / "traits.yaml"


def every_name():
    """One name of every form."""
    fill = {"LABEL": "Question", "fifthN": "fifth1", "PLAN": "loose", "SOURCE": "observer", "ROLE": "supporter", "FACTOR": "openness"}  # fmt: skip
    found = []
    for form in FORMS:
        name = form.name
        for word, value in fill.items():
            name = name.replace(word, value)
        worded = name.endswith("=WORD")
        name = name.replace("RUBRIC.ITEM", "strategies.strategies" if worded else "empathy.empathy")
        found.append(name.replace("WORD", "Question"))
    return found


def test_every_name_on_a_scripted_run(scripted_run):
    names = every_name()
    talks = list(talk_outcomes(scripted_run, names))
    assert len(talks) == 4
    assert {str(talk.arm) for talk in talks} == {"partial", "omniscient"}
    for talk in talks:
        assert list(talk.values) == names
        for name, value in talk.values.items():
            assert (value.value is None) != (value.missing is None), name
    there = {name for talk in talks for name, value in talk.values.items() if value.value is not None}
    maybe = {"talk.first_suggestion", "telling.supporter.asked", "telling.supporter.against_rule", "share.Question.fifth1"}  # fmt: skip
    assert set(names) - there <= maybe


def test_traits_are_those_that_confide_traits_shows(scripted_run):
    report = next(each for each in trait_reports(scripted_run, None) if each.plan.plan.id == "loose")
    rows = {
        f"traits.loose.{row.source}.{row.role}.{row.factor}": row for row in report.drift if row.condition == "partial"
    }
    figures = ["start", "end", "drift", "abs_drift"]
    names = [f"{base}.{name}" for base in rows for name in figures] + [
        f"{base}.net" for base, row in rows.items() if row.net
    ]
    talks = [talk for talk in talk_outcomes(scripted_run, names) if talk.arm.condition == "partial"]
    for base, row in rows.items():
        found = {name: [talk.values[f"{base}.{name}"].value for talk in talks] for name in figures}
        assert sum(found["drift"]) / 2 == pytest.approx(row.drift.mean)
        assert sum(found["start"]) / 2 == pytest.approx(row.start)
        assert sum(found["end"]) / 2 == pytest.approx(row.end)
        assert found["abs_drift"] == [abs(value) for value in found["drift"]]
        if row.net is not None:
            assert sum(talk.values[f"{base}.net"].value for talk in talks) / 2 == pytest.approx(row.net.mean)


def test_below_the_floor_there_is_a_reason_and_no_score(scripted_run):
    reports = trait_reports(scripted_run, None)
    nulls = {row.factor: row.null for each in reports if each.plan.plan.id == "traits" for row in each.drift
             if (row.source, row.role, row.condition) == ("self", Role.SEEKER, "partial")}  # fmt: skip
    names = [f"traits.self.seeker.{factor}.drift" for factor in nulls]
    talk = next(iter(talk_outcomes(scripted_run, names)))
    for factor, null in nulls.items():
        found = talk.values[f"traits.self.seeker.{factor}.drift"]
        assert found.missing == null
        assert (found.value is None) == (null is not None)
    assert any(nulls.values()), "a scripted model is not reliable"


def test_answers_by_hand(scripted_run):
    side = scripted_run.path / "measures"
    talk = next(
        iter(talk_outcomes(scripted_run, ["reading.empathy.empathy", "reading.strategies.strategies=Question"]))
    )
    asked = [
        e for e in read_log(side / "empathy.scripted" / f"{talk.conversation}.jsonl").events if isinstance(e, Measured)
    ]
    assert talk.values["reading.empathy.empathy"].value == asked[0].values["empathy"]
    events = read_log(side / "strategies.scripted" / f"{talk.conversation}.jsonl").events
    shares = [list(e.values["strategies"]).count("Question") / len(e.values["strategies"])
              for e in events if isinstance(e, Measured) and e.values["strategies"]]  # fmt: skip
    assert talk.values["reading.strategies.strategies=Question"].value == pytest.approx(sum(shares) / len(shares))
    assert known_in(scripted_run).rubrics.keys() == {"empathy", "strategies", "self-consistency"}


def copy_of(run, tmp_path):
    import shutil

    return RunFolder.open(shutil.copytree(run.path, tmp_path / "copy"))


def test_what_was_not_read_to_its_end_or_by_several_is_missing(scripted_run, tmp_path):
    run = copy_of(scripted_run, tmp_path)
    folder = run.path / "measures" / "empathy.scripted"
    first, second, third, _ = sorted(folder.glob("*.jsonl"))
    first.unlink()
    second.rename(folder / "live" / second.name)
    found = [talk.values["reading.empathy.empathy"].missing for talk in talk_outcomes(run, ["reading.empathy.empathy"])]
    assert found == ["it was not read yet", "it was not read to its end", None, None]
    lines = third.read_text().replace('"transcript":"', '"transcript":"0')
    third.write_text(lines)
    with pytest.raises(ConfideError, match="another transcript"):
        list(talk_outcomes(run, ["reading.empathy.empathy"]))


def test_of_several_readers_one_must_be_named(scripted_run, tmp_path):
    import shutil

    run = copy_of(scripted_run, tmp_path)
    folder = run.path / "measures" / "empathy.scripted"
    shutil.copytree(folder, folder.with_name("empathy.other"))
    record = folder.with_name("empathy.other") / "measure.json"
    record.write_text(record.read_text().replace('"model": "scripted"', '"model": "other"', 1))
    talk = next(iter(talk_outcomes(run, ["reading.empathy.empathy"])))
    assert talk.values["reading.empathy.empathy"].missing == "several models were asked 'empathy': other, scripted"
    talk = next(iter(talk_outcomes(run, ["reading.empathy.empathy"], "other")))
    assert talk.values["reading.empathy.empathy"].value is not None


def test_a_rubric_that_nobody_read_is_missing_with_the_nearest(scripted_run):
    talk = next(iter(talk_outcomes(scripted_run, ["reading.empaty.empathy", "traits.lose.self.seeker.openness.end"])))
    assert talk.values["reading.empaty.empathy"].missing == "nobody was asked 'empaty'; did you mean 'empathy'?"
    assert (
        "nobody was asked 'lose-self'; did you mean 'loose-self'?"
        in talk.values["traits.lose.self.seeker.openness.end"].missing
    )


def test_a_strategy_of_another_runs_taxonomy_is_missing(tmp_path):
    own = ESCONV.model_copy(update={"strategies": ESCONV.strategies[:3]})
    opening = hand_made()[0].model_copy(update={"taxonomy": own})
    run = written(tmp_path, [opening, Ended(seq=1, reason=EndReason.SEEKER_ENDED, turns=0)])
    record = run.record.model_copy(update={"scenarios": tuple(
        each.model_copy(update={"taxonomy": own}) for each in run.record.scenarios)})  # fmt: skip
    with pytest.raises(ConfideError, match="no strategy 'Others'"):
        values(RunFolder(run.path, record), "share.Others")
    found = outcomes_of_runs([RunFolder(run.path, record), RunFolder.open(SAMPLE)], ["share.Others"])
    assert [talk.values["share.Others"].missing for talk in found] == ["its taxonomy has no 'Others'", None]


def test_the_sample():
    assert values(RunFolder.open(SAMPLE), "talk.turns") == [12]
