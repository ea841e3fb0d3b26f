"""``confide score``: what it leaves, how it ends; and readers whose endpoint is in trouble, over real HTTP."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from confide.agents import Fault, ModelError, build_model
from confide.agents.models import OpenAISpec, Request, draw_reply
from confide.agents.models.weights import fetch_weights
from confide.evaluators.rubric import read_rubric, shipped_rubrics
from confide.scenarios import ConfideError
from confide.simulator import MeasureFolder, measure_folders, read_run
from tests.fake_server import FakeServer, now_again, refused, said
from tests.helpers import only_run
from tests.test_sample import SAMPLE
from tests.test_side_logs import QUESTIONS, but_for_time, of_kind, played, reader_of, run, scripted_model, side_logs

__all__ = ["played", "run"]  # fixtures


# Endpoints in trouble


def answering(got):
    return said(draw_reply(Request([], got.body)))


def model_at(server, **fields):
    spec = {"provider": "openai", "model": "m", "base_url": server.url, "key_env": None, "concurrency": 1, "tries": 1}
    return build_model("far", OpenAISpec(**{**spec, **fields}))


async def read_at(server, run, *readers, **fields):
    model = model_at(server, **fields)
    try:
        return await read_run(run, [reader_of(run, model=model), *readers])
    finally:
        await model.client.close()


def after(count, then):
    """Answers ``count`` requests, and then does something else."""
    left = iter(range(count))
    return lambda got: then if next(left, None) is None else answering(got)


@pytest.mark.parametrize(
    ("fault", "why"), [(refused(500), "500"), (said(delay=3), "no answer in 0.3 s"), (refused(429), "429")]
)
async def test_an_endpoint_in_trouble_leaves_side_logs_open_and_nothing_is_asked_twice(server, run, fault, why):
    server.script = after(4, fault)
    other, client = scripted_model("near")
    readings = await read_at(server, run, reader_of(run, model=other), timeout_s=0.3)
    assert readings.read + len(readings.unread) == 8
    assert len(client.received) == QUESTIONS
    assert {name.split("/")[0] for name in readings.unread} == {"strategies.far"}
    assert all(why in text for text in readings.unread.values())
    server.script = answering
    server.got.clear()
    assert await read_at(server, run) == (len(readings.unread), {})
    assert len(server.chats) == QUESTIONS - 4
    values = {
        key.partition("/"): [each["values"] for each in of_kind(log, "measured")] for key, log in side_logs(run).items()
    }
    assert len(values) == 8
    for (reader, _, conversation), found in values.items():
        assert found == values["strategies.near", "/", conversation], reader


async def test_tries_that_failed_stand_beside_the_answer(server, run):
    server.script = answering
    server.queue.extend([now_again(500, "busy"), now_again(503)])
    assert await read_at(server, run, tries=3) == (4, {})
    calls = [call for log in side_logs(run).values() for call in of_kind(log, "called")]
    assert sorted(len(call["attempts"]) for call in calls) == [*[0] * (QUESTIONS - 1), 2]
    assert len(server.chats) == QUESTIONS + 2


ONE_NULL = ["reading", "called", "measured", "failed", "measured", "called", "measured", "read"]
ONE_CALL = {
    "refused": (refused(400, "too long"), Fault.BAD_REQUEST, "too long"),
    "empty": (said(""), Fault.EMPTY, "the answer is empty"),
    "blank": (said(" \n"), Fault.EMPTY, "the answer is empty"),
    "withheld": (said("x", finish="content_filter"), Fault.FILTERED, "withheld"),
    "half a character": (said("\ud800"), Fault.NOT_TEXT, "half a character"),
}


@pytest.mark.parametrize(("answer", "fault", "why"), ONE_CALL.values(), ids=ONE_CALL)
async def test_a_question_that_gets_no_answer_is_null_with_the_reason_and_the_rest_goes_on(
    server, run, answer, fault, why
):
    server.script = answering
    server.queue.extend([said('{"strategies": ["Others"]}'), answer])
    assert await read_at(server, run) == (4, {})
    assert len(server.chats) == QUESTIONS
    first, *rest = side_logs(run).values()
    assert [event["kind"] for event in first] == ONE_NULL
    failed, null = first[3:5]
    assert (failed["stage"], failed["purpose"], failed["fault"]) == ("call", None, fault)
    assert why in failed["message"]
    assert (null["values"], null["missing"]) == ({"strategies": None}, {"strategies": failed["message"]})
    assert (first[-1]["answers"], first[-1]["missing"]) == (3, 1)
    assert [log[-1]["missing"] for log in rest] == [0, 0, 0]


UNREADABLE = {
    "no JSON": (said("Question, I think."), "no whole JSON object"),
    "two objects": (said('{"strategies": ["Others"]} {"strategies": ["Others"]}'), "more than one"),
    "a label of its own": (said('{"strategies": ["Joking"]}'), "strategies.0: "),
    "no label": (said('{"strategies": []}'), "strategies: "),
    "too many": (said('{"strategies": ["Others", "Others", "Others", "Others"]}'), "strategies: "),
    "no list": (said('{"strategies": "Others"}'), "strategies: "),
    "null": (said('{"strategies": null}'), "strategies: "),
    "something more": (said('{"strategies": ["Others"], "why": "x"}'), "why: "),
    "half a label": (said('{"strategies": ["\\ud800"]}'), "strategies.0: "),
    "cut off": (said('{"strategies": ["Others"]}', finish="length"), "cut off at the token limit"),
}


@pytest.mark.parametrize(("answer", "why"), UNREADABLE.values(), ids=UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_null_with_the_reason_and_is_kept(server, run, answer, why):
    server.script = answering
    server.queue.append(answer)
    assert await read_at(server, run) == (4, {})
    assert len(server.chats) == QUESTIONS
    first = next(iter(side_logs(run).values()))
    assert [event["kind"] for event in first[:4]] == ["reading", "called", "failed", "measured"]
    _, called, failed, null = first[:4]
    assert called["reply"] == answer.body["choices"][0]["message"]["content"]
    assert (failed["stage"], failed["purpose"], failed["fault"]) == ("read", "read", "unreadable")
    assert failed["message"].startswith(why) or why in failed["message"]
    assert (null["values"], null["missing"]) == ({"strategies": None}, {"strategies": failed["message"]})
    assert first[-1]["missing"] == 1


async def test_a_refused_key_stops_all_at_once_and_what_was_answered_is_kept(server, run):
    server.script = after(4, refused(401, "bad key"))
    with pytest.raises(ModelError, match="bad key") as caught:
        await read_at(server, run)
    assert caught.value.fault is Fault.DENIED
    assert len(server.chats) == 5
    server.script = answering
    server.got.clear()
    assert await read_at(server, run) == (3, {})
    assert len(server.chats) == QUESTIONS - 4


# The command


@pytest.fixture
def far():
    """An endpoint on a thread of its own, for commands that run in this one; ``models.yaml`` knows it as far."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = FakeServer(answering)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    Path("models.yaml").write_text(
        "models:\n  far: {provider: openai, model: m, key_env: null, concurrency: 1, tries: 1, "
        f"base_url: '{server.url}'}}\n"
    )
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def talks(confide):
    """A run of two conversations of five turns."""
    assert confide("run", "shared-dog", "--model", "scripted", "--n", 2, "--turns", 5)[0] == 0
    return only_run()


def one_line(err):
    (line,) = err.splitlines()
    assert line.startswith("confide: ")
    return line


def test_it_leaves_side_logs_and_touches_nothing_else(confide, talks):
    before = {log: log.read_bytes() for log in talks.path.rglob("*") if log.is_file()}
    command = ["score", talks.path, "--with", "strategies", "--with", "identity", "--model", "scripted"]
    code, out, err = confide(*command, "--repeats", 2)
    assert code == 0
    assert "4/4 readings" in err
    assert out.splitlines()[-1] == str(talks.path)
    assert {log: log.read_bytes() for log in before} == before
    folders = list(measure_folders(talks))
    assert [folder.path.name for folder in folders] == ["identity.scripted", "strategies.scripted"]
    for folder, name in zip(folders, ("identity", "strategies"), strict=True):
        assert [log.name for log in folder.logs()] == [log.name for log in talks.logs()]
        assert folder.record.rubric == read_rubric(name).text
        assert (folder.record.repeats, folder.record.model) == (2, "scripted")
        assert folder.record.command[:2] == ("confide", "score")
        assert not list((folder.path / "live").iterdir())
    files = {file: file.read_bytes() for file in talks.path.rglob("*") if file.is_file()}
    assert confide(*command, "--repeats", 2)[0] == 0
    assert {file: file.read_bytes() for file in talks.path.rglob("*") if file.is_file()} == files


def test_all_shipped_rubrics_at_once_and_nothing_but_json(confide, talks):
    code, out, err = confide("score", talks.path, "--with", "shipped", "--model", "scripted", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)
    assert [folder.record.measure for folder in measure_folders(talks)] == list(shipped_rubrics())
    assert all(len(folder.logs()) == 2 for folder in measure_folders(talks))


def test_a_run_that_is_read_as_it_goes_on_needs_no_score(confide):
    assert confide("run", "shared-dog", "--model", "scripted", "--with", "identity", "--reader", "scripted")[0] == 0
    talks = only_run()
    live = {log: but_for_time(log) for log in talks.path.rglob("identity.scripted/*.jsonl")}
    assert len(live) == 1
    assert confide("score", talks.path, "--with", "identity", "--model", "scripted")[0] == 0
    assert {log: but_for_time(log) for log in live} == live


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (
            ["--with", "stratgies"],
            "'stratgies' is neither a file nor a shipped rubric or trait plan; did you mean 'strategies'?",
        ),
        (["--with", "strategies", "--model", "gpt"], "no model is called 'gpt'"),
        (["--with", "strategies", "--model", "openai:gpt-4o"], "the environment variable OPENAI_API_KEY is not set"),
        (["--with", "strategies", "--model", "down"], "model 'down' at http://127.0.0.1:9/v1/: cannot be reached"),
        (["--with", "copy.yaml", "--with", "identity"], "two rubrics have the id 'identity'"),
        (["--with", "bad.yaml"], "bad.yaml:1:1: "),
        (["--with", "empty.yaml"], "empty.yaml:1:1: "),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2_and_nothing_is_written(confide, talks, args, expected):
    Path("models.yaml").write_text(
        "models:\n  down: {provider: openai, model: m, key_env: null, base_url: 'http://127.0.0.1:9/v1', tries: 1}\n"
    )
    Path("copy.yaml").write_text(read_rubric("identity").text)
    Path("bad.yaml").write_text("- id: bad\n")
    Path("empty.yaml").write_text("")
    model = [] if "--model" in args else ["--model", "scripted"]
    code, out, err = confide("score", talks.path, *args, *model)
    assert (code, out) == (2, "")
    assert expected in one_line(err)
    assert not (talks.path / "measures").exists()


def test_wrong_usage_is_exit_code_2(confide, talks):
    for args in ([], ["--with"], ["--with", "identity", "--repeats", "0"], ["--with", "identity", "--repeats", "x"]):
        assert confide("score", talks.path, "--model", "scripted", *args)[0] == 2
    assert confide("score", "nowhere", "--with", "identity", "--model", "scripted")[0] == 2
    assert not (talks.path / "measures").exists()


def test_a_run_without_a_finished_conversation_is_refused(confide, talks):
    for log in talks.logs():
        log.rename(talks.live(log.stem))
    code, out, err = confide("score", talks.path, "--with", "identity", "--model", "scripted")
    assert (code, out) == (2, "")
    assert one_line(err).endswith(f"no finished conversation yet; go on with it: confide resume {talks.path}")
    assert not (talks.path / "measures").exists()


def test_another_text_under_the_same_id_is_refused(confide, talks):
    mine = Path("mine.yaml")
    mine.write_text(read_rubric("identity").text)
    command = ["score", talks.path, "--with", mine, "--model", "scripted"]
    assert confide(*command)[0] == 0
    mine.write_text(mine.read_text().replace("Who does the turn sound like?", "Who is it?"))
    code, _, err = confide(*command)
    assert code == 2
    assert "holds readings with another rubric: give the rubric another id" in one_line(err)


def test_what_was_read_costs_nothing_again(confide, talks, far):
    command = ["score", talks.path, "--with", "strategies", "--model", "far"]
    assert confide(*command)[0] == 0
    assert len(far.chats) == 6
    assert confide(*command)[0] == 0
    assert len(far.chats) == 6


def test_a_refused_key_is_one_line_and_exit_code_2_and_stops_at_once(confide, talks, far):
    command = ["score", talks.path, "--with", "strategies", "--model", "far", "--json"]
    far.script = after(4, refused(401, "bad key"))
    code, out, err = confide(*command)
    assert (code, out) == (2, "")
    assert "bad key" in one_line(err)
    assert len(far.chats) == 5
    far.script = answering
    assert confide(*command)[0] == 0
    assert len(far.chats) == 5 + 2


def test_an_endpoint_in_trouble_is_exit_code_1_and_the_same_command_goes_on(confide, talks, far):
    command = ["score", talks.path, "--with", "strategies", "--model", "far"]
    far.script = after(4, refused(500, "overloaded"))
    code, _, err = confide(*command)
    assert code == 1
    assert "not finished: strategies.far/shared-dog.partial.0001: " in err
    assert "overloaded" in err
    assert "the same command goes on from here" in err
    far.script = answering
    assert confide(*command)[0] == 0
    assert len(far.chats) == 5 + 2


def test_an_interrupted_score_is_gone_on_with(confide, talks):
    Path("models.yaml").write_text("models:\n  slow: {provider: scripted, latency_ms: 60, concurrency: 1}\n")
    command = ["score", str(talks.path), "--with", "identity", "--model", "slow"]
    process = subprocess.Popen(
        [sys.executable, "-m", "confide", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    live = talks.path / "measures" / "identity.slow" / "live" / f"{talks.logs()[0].stem}.jsonl"
    deadline = time.monotonic() + 30
    while not live.exists() or '"measured"' not in live.read_text():
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.endswith("confide: interrupted; the same command goes on from here\n")
    assert "Traceback" not in err
    kept = live.read_bytes()
    assert confide(*command)[0] == 0
    (folder,) = measure_folders(talks)
    assert [len(of_kind(but_for_time(log), "measured")) for log in folder.logs()] == [5, 5]
    assert folder.logs()[0].read_bytes().startswith(kept)


@pytest.mark.model
@pytest.mark.slow
def test_the_embedded_model_reads_the_sample(confide):
    try:
        fetch_weights(lambda done, total: None)
    except ConfideError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no weights: {error}")
    shutil.copytree(SAMPLE, "sample", ignore=shutil.ignore_patterns("measures"))  # it has been read before
    assert confide("score", "sample", "--with", "strategies", "--model", "local-reader")[0] == 0
    (log,) = MeasureFolder.open(Path("sample/measures/strategies.local-reader")).logs()
    events = but_for_time(log)
    found = of_kind(events, "measured")
    assert len(found) == 6
    assert not any(each["missing"] for each in found)
    assert all(each["values"]["strategies"] for each in found)
    assert not of_kind(events, "failed")


@pytest.mark.parametrize("rubric", ["strategies", "mine.yaml"])
def test_the_command_that_a_run_names_to_go_on_with_its_readers_goes_on(confide, far, rubric):
    Path("mine.yaml").write_text(read_rubric("strategies").text.replace("id: strategies", "id: another", 1))
    far.script = after(2, refused(500, "overloaded"))
    command = ["run", "shared-dog", "--model", "scripted", "--turns", "5", "--with", rubric, "--reader", "far"]
    code, _, err = confide(*command)
    assert code == 1
    assert "overloaded" in err
    far.script = answering
    again = shlex.split(err.splitlines()[-1].partition("go on with: confide ")[2])
    assert again[0] == "score"
    assert confide(*again)[0] == 0
    assert len(far.chats) == 3 + 1
