"""The audit passes on what the code made, and finds every way of tampering that it promises to find."""

import json
import shutil
from pathlib import Path

import pytest

from confide.agents import Place, Segment
from confide.agents.models import known_models
from confide.evaluators import audit_run
from confide.evaluators.audit import NOTHING
from confide.scenarios import read_conditions, read_scenarios, shipped_conditions
from confide.simulator import RunFolder, Wishes, plan_run, run_conversations
from confide.simulator.views import ViewBuilder


def audited(run: RunFolder, jobs: int = 1):
    total = NOTHING
    for part in audit_run(run, jobs):
        total = total.plus(part)
    return total


async def make_run(runs: Path, conditions=("presets", "gated", "no-persona"), turns: int = 6, replicates: int = 1):
    wishes = Wishes(
        model="scripted", turns=turns, replicates=replicates, conditions=read_conditions(conditions), seed=3
    )
    record, models = plan_run(read_scenarios(["awake-at-three", "shared-dog"]), known_models(), wishes)
    run = RunFolder.create(runs, record)
    outcome = await run_conversations(run, models, lambda *_: None)
    assert outcome.finished == record.size
    return run


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    import asyncio

    return asyncio.run(make_run(tmp_path_factory.mktemp("runs"), shipped_conditions()))


@pytest.fixture
def run(made, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(made.path, copy)
    return RunFolder.open(copy)


def log_of(run: RunFolder, condition: str) -> Path:
    return next(file for file in run.logs() if file.stem == f"awake-at-three.{condition}.0000")


def change(file: Path, number: int, edit) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    event = json.loads(lines[number - 1])
    edit(event)
    lines[number - 1] = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    file.write_text("\n".join(lines), encoding="utf-8")


def line_of(file: Path, kind: str, nth: int = 0) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [n for n, line in enumerate(lines, start=1) if json.loads(line)["kind"] == kind][nth]


def test_every_shipped_condition_passes(made):
    total = audited(made)
    assert total.breaches == ()
    assert total.conversations == total.replayed == made.record.size
    assert total.unfinished == 0
    assert total.prompts > 50
    assert total.searched > 100


def test_more_processes_find_the_same(made):
    assert audited(made, jobs=2) == audited(made)


def test_one_byte_of_a_prompt(run):
    file = log_of(run, "partial")
    line = line_of(file, "called", 1)

    def edit(event):
        address, text = next(iter(event["texts"].items()))
        event["texts"][address] = text[:-1] + ("x" if text[-1] != "x" else "y")

    change(file, line, edit)
    checks = {(breach.check, breach.line) for breach in audited(run).breaches}
    assert ("prompt", line) in checks


@pytest.mark.parametrize("fact", ["guest-room", "night-work"])
def test_one_fact_of_another_owner(run, fact):
    file = log_of(run, "partial")

    def edit(event):
        sides = event["scenario"]["seeker"]["facts"], event["scenario"]["supporter"]["facts"]
        start, end = sides if any(f["id"] == fact for f in sides[0]) else sides[::-1]
        moved = next(f for f in start if f["id"] == fact)
        start.remove(moved)
        end.append(moved)

    change(file, 1, edit)
    breaches = audited(run).breaches
    assert {"source", "run", "replay"} <= {breach.check for breach in breaches}
    assert any(fact in breach.what for breach in breaches if breach.check == "source")


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("spoke", lambda e: e["reply"].update(utterance=e["reply"]["utterance"] + " ")),
        ("called", lambda e: e.update(seed=e["seed"] + 1)),
        ("called", lambda e: e["segments"][0].update(hash="0" * 32)),
        ("called", lambda e: e.update(kept=99)),
        ("called", lambda e: e.update(prompt="0" * 32)),
        ("ended", lambda e: e.update(turns=5)),
        ("started", lambda e: e.update(pair_key="another/0")),
    ],
)
@pytest.mark.parametrize("condition", ["partial", "gated", "author"])
def test_other_tampering_is_named_by_file_and_line(run, kind, edit, condition):
    file = log_of(run, condition)
    line = line_of(file, kind, -1)
    change(file, line, edit)
    breaches = audited(run).breaches
    assert breaches
    assert all(breach.log == str(file) for breach in breaches)
    assert min(breach.line for breach in breaches) <= line + 1


def test_a_change_that_changes_nothing_in_the_talk_is_found_by_the_digest(run):
    file = log_of(run, "partial")
    change(file, line_of(file, "called"), lambda e: e.update(reply=e["reply"].replace("}", " }", 1)))
    change(file, line_of(file, "called", 1), lambda e: e.update(seconds=99.0))
    (breach,) = audited(run).breaches
    assert (breach.check, breach.line) == ("log", line_of(file, "ended"))


def test_a_segment_from_nowhere(run):
    file = log_of(run, "partial")
    line = line_of(file, "called", 2)
    change(file, line, lambda e: e["segments"][0].update(source="fact:cancelled-check-up"))
    assert any("fact:cancelled-check-up" in breach.what for breach in audited(run).breaches)


def test_logs_that_should_not_be_there_and_logs_that_are_missing(run):
    file = log_of(run, "partial")
    shutil.copy(file, file.with_name("awake-at-three.other.0000.jsonl"))
    log_of(run, "gated").unlink()
    total = audited(run)
    assert total.unfinished == 1
    assert next(breach.check for breach in total.breaches) == "run"


def test_a_log_of_a_newer_schema_is_named(run):
    file = log_of(run, "partial")
    file.write_text(file.read_text(encoding="utf-8").replace('{"v":1,', '{"v":2,'), encoding="utf-8")
    (breach,) = audited(run).breaches
    assert breach.check == "log"
    assert breach.line == 1
    assert "another version" in breach.what


async def test_the_negative_control_a_view_that_leaks_is_found(tmp_path, monkeypatch):
    honest = ViewBuilder.view

    def leaking(self, state):
        view = honest(self, state)
        return view.plus(Segment("instruction:reply", Place.TAIL, "He counts his pulse in the dark."))

    monkeypatch.setattr(ViewBuilder, "view", leaking)
    run = await make_run(tmp_path, ["partial"])
    found = [breach for breach in audited(run).breaches if "awake-at-three" in breach.log]
    assert {breach.check for breach in found} == {"words"}
    assert all("'counts-pulse'" in breach.what and "supporter" in breach.what for breach in found)


async def test_a_fact_that_was_told_is_no_breach_afterwards(tmp_path, monkeypatch):
    """The same words in a supporter's prompt are a breach before the seeker told the fact, and none after."""
    honest = ViewBuilder.view

    def late(self, state):
        view = honest(self, state)
        words = "He wakes at three and lies there until it gets light."
        told = {**state.told, **state.heard}
        return view.plus(Segment("instruction:reply", Place.TAIL, words)) if "wakes-at-three" in told else view

    monkeypatch.setattr(ViewBuilder, "view", late)
    run = await make_run(tmp_path, ["partial"], turns=12, replicates=6)
    total = audited(run)
    assert total.breaches == ()
    assert any("wakes-at-three" in file.read_text() for file in run.logs())


async def test_a_resumed_run_passes_too(made, tmp_path):
    from confide.simulator import models_of

    copy = tmp_path / "run"
    shutil.copytree(made.path, copy)
    run = RunFolder.open(copy)
    for number, file in enumerate(run.logs()):
        data = file.read_bytes()
        run.live(file.stem).write_bytes(data[: len(data) * (number % 7) // 7])
        file.unlink()
    outcome = await run_conversations(run, models_of(run.record, known_models()), lambda *_: None)
    assert outcome.finished == run.record.size
    assert audited(run).breaches == ()
