"""The commands that look into logs, and those about conditions, as a user types them."""

import json
from pathlib import Path

import pytest

from confide.evaluators.rubric import shipped_rubrics
from confide.scenarios import shipped_conditions, shipped_scenarios
from tests.helpers import only_run


def test_scenarios_lists_what_is_shipped(confide):
    code, out, _ = confide("scenarios")
    assert code == 0
    for name in (*shipped_scenarios(), *shipped_conditions(), *shipped_rubrics()):
        assert name in out


def test_audit_replay_knows_and_fork_from_the_command_line(confide, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    code, *_ = confide("run", "awake-at-three", "--model", "scripted", "--condition", "presets", "--turns", 6)
    assert code == 0
    run = only_run()
    assert [log.stem.split(".")[1] for log in run.logs()] == ["author", "omniscient", "partial", "script"]
    code, out, _ = confide("audit", run.path)
    assert (code, "no breach: 4 conversations" in out) == (0, True)
    code, out, _ = confide("audit", run.path, "--json")
    assert json.loads(out)["breaches"] == []
    code, out, _ = confide("replay", run.path)
    assert (code, out) == (0, "4 of 4 conversations replay to the same events\n")
    code, out, _ = confide("knows", run.path, "-c", "awake-at-three.partial.0000", "--graph", "g.graphml")
    assert "counts-pulse" in out
    assert Path("g.graphml").exists()
    log = run.final("awake-at-three.partial.0000")
    code, out, _ = confide("fork", log, "--at", 3, "--set", "condition=omniscient", "--runs", "forks")
    assert code == 0
    assert confide("audit", out.splitlines()[-1])[0] == 0
    log.write_bytes(log.read_bytes().replace(b'"seed":', b'"seed": 1', 1))
    code, out, _ = confide("audit", run.path)
    assert code == 1
    assert f"{log}:" in out
    code, _, err = confide("replay", run.path)
    assert code == 1
    assert f"{log}:1:" in err or f"{log}:2:" in err


@pytest.mark.parametrize(
    ("args", "wrong"),
    [
        (("audit", "nowhere"), "is the folder a run's"),
        (("replay", "nowhere"), "is the folder a run's"),
        (("fork", "nowhere.jsonl", "--at", 1), "is no log"),
        (("run", "exam-panic", "--model", "scripted", "--condition", "omnicient"), "did you mean 'omniscient'"),
        (("run", "exam-panic", "--model", "scripted", "--condition", "mine.yaml"), "mine.yaml"),
        (("run", "exam-panic", "--model", "scripted", "--condition", "bad.yaml"), "did you mean 'other.facts'"),
        (("run", "exam-panic", "--model", "scripted", "--condition", "one.yaml"), "must be [all]"),
        (("run", "exam-panic", "--model", "scripted", "--condition", "field.yaml"), "supporter_sees"),
    ],
)
def test_mistakes_with_conditions_and_logs_are_one_line(confide, args, wrong):
    Path("bad.yaml").write_text("id: bad\ntitle: Bad\nseeker_sees: [own, other.fact]\n")
    Path("one.yaml").write_text("id: one\ntitle: One\nwriter: one_author\n")
    Path("field.yaml").write_text("id: f\ntitle: F\nsupporter_see: [own]\n")
    code, out, err = confide(*args)
    assert code == 2
    assert wrong in err
    assert err.count("\n") == 1
    assert out == ""
    assert not Path("runs").exists()
