"""Drift, noise and agreement. Law: they are those of the evaluators, or null with the reason."""

import asyncio
import json
import random
import re
import shutil
from functools import partial
from itertools import product
from statistics import fmean

import pytest

import confide as api
from confide.agents import ScriptedClient, wrap_client
from confide.agents.models import draw_reply
from confide.evaluators.traits import trait_reports
from confide.evaluators.traits.panel import trait_readers
from confide.scenarios import Role, read_conditions, read_scenario
from confide.simulator import (
    Measured,
    MeasureFolder,
    RunFolder,
    Spoke,
    Wishes,
    plan_run,
    read_log,
    read_run,
    run_conversations,
)
from confide.viewer import reading
from confide.viewer.indexing import Indexer
from confide.viewer.shown import Shown
from tests.test_side_logs import SPECS, reader_of, record_of, scripted_model
from tests.trait_helpers import TEXTS, a_plan, measure_record
from tests.viewer_helpers import copy_of, rows, show, talks

PERSONAS = 11
FLOOR = 0.7
PLANS = {"small": {"floor": FLOOR, "every": 1, "retests": 2, "lines": 1}}


def answering(request):
    """Says lines; answers for persona n by n: alike where an honest scale would be turned around."""
    last = str(request.messages[-1].content)
    if not any(text in last for text in TEXTS.values()):
        return draw_reply(request)
    shown = re.search(r"Somebody number (\d+)", str(request.messages[0].content))
    draw = random.Random(request.args["seed"])
    base = int(shown[1]) % 5 + 1 if shown else draw.randint(1, 5)
    names = request.args["response_format"]["json_schema"]["schema"]["required"]
    return json.dumps({name: min(5, max(1, base + draw.choice([-1, 0, 0, 1]))) for name in names})


def variants():
    """A scenario with as many seekers and supporters."""
    loaded = read_scenario("shared-dog")
    for number in range(PERSONAS):
        sides = {}
        for role in Role:
            side = loaded.scenario.role(role)
            persona = side.persona.model_copy(update={"background": f"Somebody number {number}."})
            sides[role.value] = side.model_copy(update={"persona": persona})
        yield loaded._replace(scenario=loaded.scenario.model_copy(update={"id": f"dog-{number}", **sides}))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Two conversations with each of eleven personas, with a questionnaire of which one scale is sound."""
    wishes = Wishes(model="slow", turns=4, seed=7, conditions=read_conditions(["partial", "omniscient"]))
    record, _ = plan_run(list(variants()), SPECS, wishes)
    run = RunFolder.create(tmp_path_factory.mktemp("asked"), record.model_copy(update={"id": "asked"}))
    model = wrap_client(ScriptedClient(answering), "slow")
    plan = a_plan(**PLANS["small"])
    readers = trait_readers(run, plan, {"slow": model}, model, partial(measure_record, plan))
    annotator = reader_of(run)
    asyncio.run(run_conversations(run, {"slow": model}, lambda conversation, event: None, [*readers, annotator]))
    return run


@pytest.fixture(scope="module")
def shown(asked, tmp_path_factory):
    return show(tmp_path_factory.mktemp("shown"), asked)


@pytest.fixture
def run(asked, tmp_path):
    return copy_of(asked, tmp_path / "asked")


@pytest.fixture(scope="module")
def lines(shown):
    """Every line of drift with its conversation."""
    return [(talk, line) for talk in talks(shown) for line in talk.drift]


def by_arm(lines):
    found = {}
    for talk, line in lines:
        found.setdefault((talk.setting.condition.id, line.role, line.source, line.factor), []).append(line)
    return found


def test_drift_and_noise_are_those_of_the_report(asked, lines):
    (report,) = trait_reports(asked, None)
    found = by_arm(lines)
    arms = {(each.condition, each.role, each.source, each.factor): each for each in report.drift}
    assert {key for key in found if key[2] != "bare"} == set(arms)
    kinds = set()
    for key, expected in arms.items():
        mine = found[key]
        assert {line.why for line in mine} == {expected.null}
        if expected.null is not None:
            assert not any(line.points or line.start is not None or line.noise is not None for line in mine)
            kinds.add(expected.source + " refused")
            continue
        kinds.add(expected.source)
        assert [line.noise for line in mine] == [pytest.approx(expected.noise)] * len(mine)
        assert fmean(line.points[-1].change for line in mine) == pytest.approx(expected.drift.mean)
        assert fmean(line.start for line in mine) == pytest.approx(expected.start)
        for step in expected.series:
            at = [point.change for line in mine for point in line.points if point.turn == step.turn]
            assert (len(at), fmean(at)) == (step.n, pytest.approx(step.mean))
        assert all(line.points[0].change == 0 for line in mine)
    assert kinds >= {"self", "self refused"}, "one scale is sound, and one is not"


def test_why_a_trait_has_no_scores(lines):
    for (_, _, source, factor), mine in by_arm(lines).items():
        (why,) = {line.why for line in mine}
        if source == "self" and factor == "emotionality":
            assert why is None
        elif source == "self":
            assert re.fullmatch(
                r"alpha -?\d+\.\d\d < 0\.70 \(\d+ personas of the run\)|reliability unknown: .+", why
            ), why
        assert {line.plan for line in mine} == {"small"}
        assert {(line.low, line.high) for line in mine} == {(1.0, 5.0)}


def test_starts_are_the_scores_of_the_table(asked, lines):
    table = api.tables(asked.path, "measures").query("kind == 'factor' and repeat == 0 and source == 'self'")
    checked = 0
    for talk, line in lines:
        if line.source == "self" and line.why is None:
            same = table[(table["conversation"] == talk.setting.conversation) & (table["role"] == line.role)]
            first = same[(same["factor"] == line.factor) & (same["turn"] == -1)]
            assert line.start == pytest.approx(first["value"].item())
            checked += 1
    assert checked == PERSONAS * 2 * 2


def drift_by_hand(talk):
    """Mean size of the change to the last long form, over the roles and factors that are told."""
    told = [line.points[-1].change for line in talk.drift if line.source == "self" and line.why is None]
    return told, [line for line in talk.drift if line.source == "self"]


def test_the_grid_has_the_mean_size_of_what_is_told(shown):
    for talk, row in zip(talks(shown), rows(shown), strict=True):
        told, every = drift_by_hand(talk)
        assert (len(told), len(every)) == (2, 4)
        assert row.drift == pytest.approx(fmean(abs(change) for change in told))
        assert row.drift_note.startswith("self-report: ")
        for role, change in zip(Role, told, strict=True):
            assert f"{role} emotionality {change:+.2f}" in row.drift_note


def masi_by_hand(one, other):
    one, other = set(one), set(other)
    if not one & other:
        return float(one == other)
    nested = 1 if one == other else 2 / 3 if one <= other or other <= one else 1 / 3
    return len(one & other) / len(one | other) * nested


def labels_in(run, key, conversation):
    log = run.path / "measures" / key / f"{conversation}.jsonl"
    return {event.turn: event.values["strategies"] for event in read_log(log).events if isinstance(event, Measured)}


def test_agreement_of_the_declared_strategies_and_an_annotators(asked, shown):
    seen = set()
    for talk, row in zip(talks(shown), rows(shown), strict=True):
        events = read_log(asked.final(row.conversation)).events
        declared = {e.turn: e.reply.strategies for e in events if isinstance(e, Spoke) and e.role is Role.SUPPORTER}
        found = labels_in(asked, "strategies.reader", row.conversation)
        expected = [masi_by_hand(declared[turn], labels) for turn, labels in found.items() if labels is not None]
        assert row.agreement == pytest.approx(fmean(expected))
        assert row.agreement_note == f"{len(expected)} turns, strategies.reader"
        (annotator,) = talk.annotators
        assert {each.turn: each.labels for each in annotator.turns} == found
        seen |= {*expected}
    assert len(seen) > 1


def write_labels(run, conversation, labels):
    """Let the annotator have found something else."""
    log = run.path / "measures" / "strategies.reader" / f"{conversation}.jsonl"
    lines = []
    for line in (json.loads(line) for line in log.read_text().splitlines()):
        if line["kind"] == "measured":
            given = labels.get(line["turn"])
            line["values"]["strategies"] = given
            line["missing"] = {} if given else {"strategies": "no answer"}
        lines.append(json.dumps(line))
    log.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        (["Question"], ["Question"], 1.0),
        (["Question"], ["Question", "Others"], 1 / 2 * 2 / 3),
        (["Question", "Information"], ["Question", "Others"], 1 / 3 * 1 / 3),
        (["Question"], ["Others"], 0.0),
        (["Question"], None, None),
    ],
)
def test_agreement_by_hand(run, tmp_path, declared, given, expected):
    name = "dog-0.partial.0000"
    log = run.final(name)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    spoken = [line for line in lines if line["kind"] == "spoke" and line["role"] == "supporter"]
    for line in spoken:
        line["reply"]["strategies"] = declared
    events = [type(event).model_validate(line) for event, line in zip(read_log(log).events, lines, strict=True)]
    log.unlink()
    with run.writer(name) as writer:
        writer.write(
            *(
                event.model_copy(update={"at": None, **({"digest": None} if event.kind == "ended" else {})})
                for event in events
            )
        )
        writer.commit()
    write_labels(run, name, {line["turn"]: given for line in spoken} if given else {})
    (row,) = [row for row in rows(show(tmp_path, run)) if row.conversation == name]
    assert row.agreement == (None if expected is None else pytest.approx(expected))
    assert row.agreement_note == (
        "no turn was labelled by both" if given is None else f"{len(spoken)} turns, strategies.reader"
    )


def test_a_turn_that_the_annotator_did_not_label_does_not_count(run, tmp_path):
    name = "dog-0.partial.0000"
    declared = {
        e.turn: e.reply.strategies
        for e in read_log(run.final(name)).events
        if isinstance(e, Spoke) and e.role is Role.SUPPORTER
    }
    first, second = declared
    write_labels(run, name, {first: list(declared[first])})
    shown = show(tmp_path, run)
    (row,) = [row for row in rows(shown) if row.conversation == name]
    assert (row.agreement, row.agreement_note) == (1.0, "1 turns, strategies.reader")
    assert [(each.turn, each.labels, each.why) for each in shown.talk(row.key).annotators[0].turns] == [
        (first, declared[first], None), (second, None, "no answer"),
    ]  # fmt: skip


def test_of_several_annotators_nobody_is_chosen(run, tmp_path):
    model = scripted_model("near")[0]
    asyncio.run(read_run(run, [reader_of(run, model=model)]))
    shown = show(tmp_path, run)
    for row in rows(shown):
        assert (row.agreement, row.agreement_note) == (None, "several annotators: strategies.near, strategies.reader")
    assert [each.name for each in talks(shown)[0].annotators] == ["strategies.near", "strategies.reader"]


def test_a_reader_that_answers_for_whole_conversations_is_no_annotator(run, tmp_path):
    shutil.rmtree(run.path / "measures" / "strategies.reader")
    asyncio.run(read_run(run, [reader_of(run, name="identity")]))
    assert MeasureFolder.create(run, record_of("identity")).logs()
    shown = show(tmp_path, run)
    assert {(row.agreement, row.agreement_note) for row in rows(shown)} == {
        (None, "nobody labelled the strategies again")
    }
    assert talks(shown)[0].annotators == ()


# Readings that come and go


@pytest.fixture
def at_once(monkeypatch):
    """Reliability is worked out each time."""
    monkeypatch.setattr(reading, "AGAIN_S", 0.0)


def figures(shown):
    return [(row.conversation, row.drift, row.drift_note, row.agreement, row.agreement_note) for row in rows(shown)]


def test_figures_follow_readings_that_are_added_and_taken_away(run, shown, tmp_path, at_once):
    complete = figures(shown)
    aside = tmp_path / "aside"
    shutil.move(run.path / "measures", aside)
    mine = show(tmp_path, run)
    indexer = Indexer(mine.index)
    without = [
        (name, None, "nobody was asked about traits", None, "nobody labelled the strategies again")
        for name, *_ in complete
    ]
    assert figures(mine) == without
    few = ("dog-0", "dog-1", "dog-2")
    shutil.copytree(aside, run.path / "measures", ignore=lambda folder, names: [
        name for name in names if name.endswith(".jsonl") and not name.startswith(tuple(f"{one}." for one in few))
    ])  # fmt: skip
    assert indexer.refresh(mine.runs)
    for (name, drift, drift_note, agreement, agreement_note), known in zip(figures(mine), complete, strict=True):
        if name.split(".")[0] in few:
            assert (drift, drift_note) == (
                None,
                "reliability unknown: 3 respondents answered every item, and it needs 10",
            )
            assert (agreement, agreement_note) == known[3:]
        else:
            assert (drift, agreement) == (None, None)
    assert {line.why for talk in talks(mine) for line in talk.drift if line.source == "self"} == {
        "reliability unknown: 3 respondents answered every item, and it needs 10"
    }
    shutil.copytree(aside, run.path / "measures", dirs_exist_ok=True)
    assert indexer.refresh(mine.runs)
    assert figures(mine) == complete
    assert not indexer.refresh(mine.runs), "nothing changed since"
    (run.path / "measures" / "strategies.reader" / "dog-0.partial.0000.jsonl").unlink()
    shutil.rmtree(run.path / "measures" / "small-self.roles")
    assert indexer.refresh(mine.runs)
    for (_, drift, note, agreement, _), known in zip(figures(mine), complete, strict=True):
        assert (drift, note) == (None, "nobody was asked about traits")
        assert agreement == (None if known[0] == "dog-0.partial.0000" else known[3])
    shutil.rmtree(run.path / "measures")
    assert indexer.refresh(mine.runs)
    assert figures(mine) == without


def test_a_reading_that_is_there_before_its_conversation_is_not_lost(run, shown, tmp_path, at_once):
    name = "dog-0.partial.0000"
    log = run.final(name).rename(tmp_path / "aside.jsonl")
    mine = show(tmp_path, run)
    indexer = Indexer(mine.index)
    indexer.refresh(mine.runs)
    log.rename(run.final(name))
    indexer.refresh(mine.runs)
    assert figures(mine) == figures(shown)


def test_a_reading_of_what_was_said_before_leaves_no_figures_behind(run, tmp_path, at_once):
    name = "dog-0.partial.0000"
    mine = show(tmp_path, run)
    (before,) = [row for row in rows(mine) if row.conversation == name]
    assert None not in (before.drift, before.agreement)
    for key, role in product(("small-self.roles", "strategies.reader"), ["transcript"]):
        log = run.path / "measures" / key / f"{name}.jsonl"
        log.write_text(log.read_text().replace(f'"{role}":"', f'"{role}":"0'))
    Indexer(mine.index).refresh(mine.runs)
    (after,) = [row for row in rows(mine) if row.conversation == name]
    assert (after.drift, after.agreement) == (None, None)
    assert "another transcript" in after.drift_note
    assert "another transcript" in after.agreement_note


def test_another_run_at_the_same_place_has_none_of_the_others_figures(run, tmp_path, at_once):
    mine = show(tmp_path, run)
    assert None not in {row.agreement for row in rows(mine)}
    file = run.path / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "created": "2031-01-01T00:00:00+00:00"}))
    shutil.rmtree(run.path / "measures")
    asyncio.run(read_run(RunFolder.open(run.path), [reader_of(run, model=scripted_model("near")[0])]))
    other = Shown(mine.index, [run.path])
    Indexer(other.index).refresh(other.runs)
    assert len(rows(other)) == 2 * PERSONAS
    assert {row.agreement_note for row in rows(other)} == {"2 turns, strategies.near"}
    assert {row.drift for row in rows(other)} == {None}
