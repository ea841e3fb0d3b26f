"""The command line, as a person uses it: what it prints, where, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from confide.scenarios.library import TEMPLATE
from confide.simulator import RunFolder, Spoke, read_log, replay
from tests.helpers import only_run

pytestmark = pytest.mark.usefixtures("own_folder")


def test_run_prints_the_folder_last_and_leaves_logs_that_replay(confide):
    code, out, err = confide("run", "shared-dog", "exam-panic", "--model", "scripted", "--n", 3, "--turns", 6)
    assert code == 0
    run = only_run()
    assert out.splitlines()[-1] == str(run.path)
    assert "6/6 conversations" in err
    logs = run.logs()
    assert [log.stem for log in logs] == [
        f"{s}.{n:04d}" for s in ("exam-panic.partial", "shared-dog.partial") for n in range(3)
    ]
    for log in logs:
        events = read_log(log).events
        assert events[-1].turns == 6
        replay(events)
    assert not list((run.path / "live").iterdir())


def test_run_json_is_json_and_nothing_else(confide):
    code, out, err = confide("run", "shared-dog", "--model", "scripted", "--turns", 4, "--json")
    report = json.loads(out)
    assert code == 0
    assert err == ""
    assert report["run"] == str(only_run().path)
    assert [c["turns"] for c in report["conversations"]] == [4]
    assert report["unfinished"] == {}


def test_run_json_holds_all_that_was_resolved_and_no_key(confide, monkeypatch):
    Path("models.yaml").write_text("models:\n  mine: {provider: openai, model: m, base_url: 'http://127.0.0.1:9/v1'}\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    confide("run", "shared-dog", "--model", "scripted", "--seed", 5)
    record = json.loads((only_run().path / "run.json").read_text())
    assert record["seed"] == 5
    assert record["models"]["scripted"]["provider"] == "scripted"
    assert record["scenarios"][0]["scenario"]["id"] == "shared-dog"
    assert "[[talk]]" in record["scenarios"][0]["prompts"]["seeker"]
    assert record["software"]["confide"] == "0.1.0"
    assert record["command"][:2] == ["confide", "run"]
    assert all("very-secret" not in file.read_text() for file in only_run().path.rglob("*.json*"))


def test_watch_shows_the_talk_with_the_margin(confide):
    code, out, _ = confide("run", "shared-dog", "--model", "scripted", "--turns", 6, "--watch")
    assert code == 0
    assert "Nadine (supporter)" in out
    assert "Florian (seeker)" in out
    assert re.search(r"distress \d+", out)
    assert "ended after 6 turns: turn limit" in out
    assert "no model spoke here" in out
    assert out.splitlines()[-1] == str(only_run().path)


def test_show_prints_what_was_said_and_what_was_kept_private(confide):
    confide("run", "shared-dog", "--model", "scripted", "--n", 2, "--turns", 8)
    run = only_run()
    events = read_log(run.final("shared-dog.partial.0001")).events
    for target in (
        ["-c", "shared-dog.partial.0001"],
        [run.path, "-c", "shared-dog.partial.0001"],
        [run.final("shared-dog.partial.0001")],
    ):
        code, out, _ = confide("show", *target)
        flat = " ".join(out.split())
        assert code == 0
        for event in events:
            if isinstance(event, Spoke):
                for word in event.reply.utterance.split():
                    assert word in flat
                for strategy in getattr(event.reply, "strategies", ()):
                    assert strategy.split()[0] in flat
                for fact in event.reply.told:
                    assert f"told {fact}" in flat
    assert "also in this run" in confide("show")[1]


def test_show_shows_control_characters_and_does_not_obey_them(confide):
    from confide.viewer import visible

    assert visible("a\x1b[31mred\x07\u202e\x9b") == "a\u241b[31mred\u2407\ufffd\ufffd"
    assert visible("line\nbreak\tügly 😀 [bold]") == "line\nbreak\tügly 😀 [bold]"


def test_ls_lists_the_runs(confide):
    code, out, _ = confide("ls")
    assert code == 0
    assert "no runs in runs" in out
    confide("run", "shared-dog", "--model", "scripted", "--n", 2)
    code, out, _ = confide("ls")
    assert "2/2" in out
    assert "scripted" in out


def test_check_init_and_schema(confide):
    code, out, _ = confide("init", "mine.yaml")
    assert code == 0
    assert Path("mine.yaml").read_text() == TEMPLATE.read_text()
    code, out, _ = confide("check", "mine.yaml", "exam-panic")
    assert code == 0
    assert "mine.yaml: ok: 'my-scenario', 4 seeker and 2 supporter facts, at most 20 turns" in out
    assert confide("run", "mine.yaml", "--model", "scripted")[0] == 0
    code, _, err = confide("init", "mine.yaml")
    assert (code, err) == (2, "confide: mine.yaml is there already: give another name\n")
    assert json.loads(confide("schema")[1])["title"] == "Scenario"
    assert "no schema 'x'" in confide("schema", "x")[2]


def test_a_scenario_with_its_own_prompts_is_checked_and_run_with_them(confide):
    from confide.agents import shipped_prompt
    from confide.scenarios import Role

    Path("mine.yaml").write_text(TEMPLATE.read_text() + "\nprompts: {seeker: my.md}\n")
    code, _, err = confide("check", "mine.yaml")
    assert (code, err) == (2, "confide: my.md:1:1: there is no such file\n")
    own = shipped_prompt(Role.SEEKER, "json").read_text().replace("Stay {name}", "Always be {name}")
    Path("my.md").write_text(own)
    assert confide("check", "mine.yaml")[0] == 0
    assert confide("run", "mine.yaml", "--model", "scripted")[0] == 0
    log = only_run().logs()[0].read_text()
    assert "Always be Alex" in log
    Path("my.md").write_text(own.replace("[[rules]]", "[[ruels]]"))
    code, _, err = confide("run", "mine.yaml", "--model", "scripted")
    assert code == 2
    assert re.match(r"confide: my\.md:\d+:1: there is no block \[\[ruels\]\]; did you mean \[\[rules\]\]\?\n$", err)


def test_models_are_listed(confide):
    Path("models.yaml").write_text("models:\n  mine: {provider: openai, model: m-1, key_env: MY_KEY}\n")
    code, out, _ = confide("models")
    assert code == 0
    for part in ("local", "scripted", "mine", "m-1", "needs MY_KEY"):
        assert part in out
    assert confide("models", "test", "scripted")[0] == 0


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["run", "nobody"], "no scenario file and no shipped scenario is called 'nobody'"),
        (["run", "no/such.yaml"], "no/such.yaml:1:1: there is no such file"),
        (["run", "bad.yaml"], "bad.yaml:1:1: "),
        (["check", "bad.yaml"], "bad.yaml:1:1: "),
        (["run", "shared-dog", "--model", "gpt"], "no model is called 'gpt'"),
        (["run", "shared-dog", "--model", "openai:gpt-4o-mini"], "the environment variable OPENAI_API_KEY is not set"),
        (["run", "shared-dog", "--model", "nokey"], "the environment variable MY_KEY is not set"),
        (["run", "shared-dog", "--model", "down"], "model 'down' at http://127.0.0.1:9/v1/: cannot be reached"),
        (["run", "shared-dog", "--model", "scripted", "--runs", "bad.yaml/runs"], "cannot write the run's folder"),
        (
            ["run", "shared-dog", "--models", "broken.yaml"],
            "broken.yaml:2:17: models.x.provider: \"opnai\" is not allowed here; did you mean 'openai'?",
        ),
        (["resume", "nowhere"], "nowhere/run.json:1:1: there is no such file: is the folder a run's?"),
        (["show", "nowhere"], "nowhere is neither a run's folder nor a log"),
        (["show"], "no runs in runs; start one"),
        (["models", "test", "lokal"], "did you mean 'local'?"),
        (["models", "fetch", "gpt"], "there is nothing to fetch for 'gpt'"),
        (["models", "fetch", "--from", "none.gguf"], "none.gguf: there is no such file"),
        (["init", "no/such/folder.yaml"], "cannot write no/such/folder.yaml: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2_and_nothing_is_written(confide, args, expected):
    Path("bad.yaml").write_text("id: bad\n")
    Path("broken.yaml").write_text("models:\n  x: {provider: opnai}\n")
    Path("models.yaml").write_text(
        "models:\n  nokey: {provider: openai, model: m, key_env: MY_KEY}\n"
        "  down: {provider: openai, model: m, key_env: null, base_url: 'http://127.0.0.1:9/v1', tries: 1}\n"
    )
    code, out, err = confide(*args)
    assert code == 2
    assert expected in err
    assert "Traceback" not in err
    assert out == ""
    assert all(line.startswith("confide: ") for line in err.splitlines())
    assert not Path("runs").exists()


def test_wrong_usage_is_exit_code_2(confide):
    for args in (["run"], ["run", "shared-dog", "--n", "0"], ["fly"], ["run", "shared-dog", "--turns", "x"]):
        assert confide(*args)[0] == 2


def test_a_log_that_cannot_be_written_stops_the_run_in_one_line(confide, monkeypatch):
    from confide.simulator import log

    real = os.write
    count = iter(range(10_000))
    monkeypatch.setattr(
        log.os, "write", lambda fd, data: real(fd, data) if next(count) < 40 else real(os.open("/dev/full", 1), data)
    )
    code, _, err = confide("run", "shared-dog", "--model", "scripted", "--n", 2)
    assert code == 2
    assert "No space left on device" in err
    assert f"go on with: confide resume {only_run().path}" in err
    monkeypatch.setattr(log.os, "write", real)
    assert confide("resume", only_run().path)[0] == 0
    assert len(list((only_run().path / "conversations").iterdir())) == 2


def test_conversations_that_end_in_error_are_told_and_are_no_success(confide, monkeypatch):
    from confide.agents.models import scripted

    monkeypatch.setattr(scripted, "draw_reply", lambda request: "this is no JSON")
    code, out, err = confide("run", "shared-dog", "--model", "scripted", "--n", 3)
    assert code == 1
    assert "3 of 3 that ended in error: unreadable reply: no whole JSON object found" in err
    assert out.splitlines()[-1] == str(only_run().path)


def test_a_turn_limit_that_no_scenario_could_have_is_refused(confide):
    assert confide("run", "shared-dog", "--model", "scripted", "--turns", 2001)[0] == 2
    assert not Path("runs").exists()


def test_one_unreadable_run_does_not_hide_the_others(confide):
    confide("run", "shared-dog", "--model", "scripted", "--turns", 4)
    Path("runs/broken").mkdir()
    Path("runs/broken/run.json").write_text("{}")
    code, out, err = confide("ls")
    assert code == 0
    assert "1/1" in out
    assert "runs/broken/run.json:1:1:" in err
    assert confide("show")[0] == 0


def test_show_says_that_a_talk_is_not_finished(confide):
    confide("run", "shared-dog", "--model", "scripted", "--turns", 6)
    log = only_run().logs()[0]
    lines = log.read_text().splitlines(keepends=True)
    part = Path("part.jsonl")
    part.write_text("".join(lines[:6]))
    assert "not finished" in confide("show", part)[1]
    assert "not finished" not in confide("show", log)[1]


def test_a_run_goes_on_where_its_endpoint_has_moved_but_not_with_another_model(confide):
    Path("models.yaml").write_text(
        "models:\n  far: {provider: openai, model: m, key_env: null, base_url: 'http://127.0.0.1:9/v1', tries: 1}\n"
    )
    from confide.agents.models import known_models
    from confide.scenarios import read_scenarios
    from confide.simulator import Wishes, plan_run

    record, _ = plan_run(read_scenarios(["shared-dog"]), known_models(), Wishes(model="far"))
    folder = RunFolder.create(Path("runs"), record).path
    Path("moved.yaml").write_text(Path("models.yaml").read_text().replace(":9/", ":10/"))
    assert "http://127.0.0.1:10/v1" in confide("resume", folder, "--models", "moved.yaml")[2]
    Path("other.yaml").write_text(Path("models.yaml").read_text().replace("model: m,", "model: n,"))
    assert (
        "not the one that the run began with: model changed" in confide("resume", folder, "--models", "other.yaml")[2]
    )


def test_one_damaged_log_keeps_no_other_from_going_on(confide):
    confide("run", "shared-dog", "--model", "scripted", "--n", 3, "--turns", 4)
    folder = only_run().path
    for log in only_run().logs():
        lines = log.read_text().splitlines(keepends=True)
        live = folder / "live" / log.name
        live.write_text("".join(lines[:3]))
        log.unlink()
    live.write_text("not an event\n" + live.read_text())
    code, _, err = confide("resume", folder)
    assert code == 1
    assert f"{live}:1:1: not an event" in err
    assert len(list((folder / "conversations").iterdir())) == 2


def test_a_run_keeps_the_address_that_the_environment_gave(confide, monkeypatch):
    from confide.agents.models import known_models
    from confide.scenarios import read_scenarios
    from confide.simulator import Wishes, models_of, plan_run

    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    record, models = plan_run(read_scenarios(["shared-dog"]), known_models(), Wishes(model="openai:gpt-4o-mini"))
    assert record.models["openai:gpt-4o-mini"].base_url == "http://127.0.0.1:9/v1"
    assert models["openai:gpt-4o-mini"].price is None, "the same name elsewhere may cost anything"
    price = {"prompt": 1, "completion": 2}
    record = record.model_validate({**record.model_dump(), "prices": {"openai:gpt-4o-mini": price}})
    assert models_of(record, {})["openai:gpt-4o-mini"].price.completion == 2


# --- interruptions -----------------------------------------------------------------------------------------------------


def start(*args: str) -> subprocess.Popen[str]:
    Path("models.yaml").write_text("models:\n  slow: {provider: scripted, latency_ms: 30, concurrency: 4}\n")
    command = [sys.executable, "-m", "confide", "run", "shared-dog", "--model", "slow", "--n", "6", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        logs = list(Path("runs").glob("*/live/*.jsonl"))
        if logs and sum('"kind":"spoke"' in line for line in logs[0].read_text().splitlines()) >= 5:
            return process
        time.sleep(0.01)
    raise AssertionError(f"nothing happened: {process.communicate()}")


def spoken() -> list[list[str]]:
    return [[e.reply.utterance for e in read_log(log).events if isinstance(e, Spoke)] for log in only_run().logs()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_is_resumed_where_it_stood(confide, how):
    process = start()
    process.send_signal(how)
    _, err = process.communicate(timeout=20)
    folder = only_run().path
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert err.strip().endswith(f"confide: interrupted; go on with: confide resume {folder}")
        assert "Traceback" not in err
    before = spoken()
    assert any(before)
    assert confide("resume", folder)[0] == 0
    after = spoken()
    assert len(after) == 6
    assert all(len(talk) == 20 for talk in after)
    for log in only_run().logs():
        replay(read_log(log).events)
    assert confide("resume", folder)[1].strip() == str(folder), "resuming a finished run does nothing"


def test_two_processes_share_a_run(confide):
    process = start()
    assert confide("resume", only_run().path)[0] in (0, 1)
    assert process.wait(timeout=30) in (0, 1)
    assert confide("resume", only_run().path)[0] == 0
    assert len(list((only_run().path / "conversations").iterdir())) == 6
    for log in only_run().logs():
        replay(read_log(log).events)


def test_help_names_every_command(confide):
    code, out, _ = confide("--help")
    assert code == 0
    for name in ("run", "resume", "ls", "show", "check", "init", "schema", "models"):
        assert re.search(rf"^  {name} ", out, re.MULTILINE)
    assert "no therapist" in " ".join(out.split())
    assert confide("--version")[1] == "confide 0.1.0\n"


def test_help_loads_nothing_heavy():
    code = "import sys; sys.argv = ['confide', '--help']\nfrom confide.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    check = code + "print([m for m in ('autogen_core', 'openai', 'networkx', 'rich.console') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
