"""Executors. Law 5: however many workers there are and whatever becomes of them, each conversation is committed once."""

import asyncio
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from confide.agents.models import OpenAISpec, ScriptedSpec
from confide.scenarios import ConfideError
from confide.simulator import RunFolder, check_models, measure_folders, models_of
from confide.simulator.executors import Counts, Local, Processes, Report, Share, counts_of, most_workers, part_of
from confide.simulator.executors.executor import run_workers
from confide.simulator.executors.share import Over, Refused, run_share
from confide.simulator.log import LogWriter, read_log
from confide.simulator.runner import Outcome
from tests.fake_server import FakeServer, refused
from tests.helpers import only_run
from tests.scale_helpers import MODELS, all_words, must_be_whole, nothing, planned, staff_of

ARGS = (
    "run",
    "exam-panic",
    "shared-dog",
    "--condition",
    "partial",
    "--condition",
    "script",
    "--n",
    "3",
    "--turns",
    "6",
)


def local(run, tell=nothing):
    crew = staff_of(run)(run, Share(0, 1))
    return asyncio.run(Local(crew.models, lambda *_: None).run(run))


def in_one_process(run, staff=None, workers=3, tell=nothing, reads=False):
    """Workers that are tasks of this process: what they do between them, without waiting for processes."""

    class Task:
        def __init__(self, share):
            self.said = []
            self.task = asyncio.create_task(run_share(run, staff or staff_of(run), share, self.said.append))
            self.over = False

        def listen(self):
            said, self.said[:] = list(self.said), []
            if self.task.done() and not self.over:
                self.over = True
                said.append(Refused(str(error)) if (error := self.task.exception()) else Over(self.task.result()))
            return said

        def death(self):
            return None

        def stop(self):
            self.task.cancel()

        def is_gone(self):
            return self.task.done()

        def end(self):
            pass

    return asyncio.run(run_workers(run, Task, workers, tell, reads=reads))


# --- the same conversations -------------------------------------------------------------------------------------------


def test_every_executor_gives_the_same_conversations(confide):
    """With readers, so that side logs are compared, too."""
    found = {}
    for name, extra in (("local", ()), ("processes", ("--executor", "processes", "--workers", 3))):
        code, out, err = confide(*ARGS, "--model", "scripted", "--with", "identity", "--reader", "scripted", *extra)
        assert code == 0, err
        run = RunFolder.open(out.split()[-1])
        must_be_whole(run)
        assert "12/12 conversations" in err
        found[name] = all_words(run)
    assert len(found["local"]) == 24
    assert found["processes"] == found["local"]


def test_shares_cover_the_plan_once_and_each_begins_with_its_own(tmp_path):
    run = planned(tmp_path)
    plan = [each.id for each in run.planned()]
    for of in (1, 3, 5):
        queues = [[each.id for each in Share(number, of).queue(run)] for number in range(of)]
        assert all(sorted(queue) == sorted(plan) for queue in queues), "a worker alone does it all"
        assert all(queue[: len(plan[number::of])] == plan[number::of] for number, queue in enumerate(queues))
    some = frozenset(plan[:5])
    assert {each.id for each in Share(1, 3, some).queue(run)} == some


def test_nobody_takes_over_what_another_has_begun_or_left_open(tmp_path):
    run = planned(tmp_path)
    plan = [each.id for each in run.planned()]
    run.live(plan[0]).touch()
    assert plan[0] not in {each.id for each in Share(1, 2).queue(run)}
    assert plan[0] in {each.id for each in Share(0, 2).queue(run)}


@pytest.mark.parametrize("workers", [1, 2, 5, 100])
def test_any_number_of_workers_commits_each_conversation_once(tmp_path, workers):
    run = planned(tmp_path, latency_ms=1)
    reports = []
    outcome = in_one_process(run, workers=workers, tell=reports.append)
    assert outcome == Outcome(24, {}, outcome.broken, {}, frozenset())
    must_be_whole(run)
    total = Counts()
    for report in reports:
        total = total.plus(report.said)
    events = [event for log in run.finished() for event in read_log(log).events]
    spoken = Counts()
    for event in events:
        spoken = spoken.plus(counts_of(event))
    assert total == spoken
    assert reports[-1] == Report(done=24)


def test_a_run_that_is_done_starts_nobody(tmp_path):
    run = planned(tmp_path, n=1)
    in_one_process(run)
    assert asyncio.run(Processes(staff_of(run), nothing, 2).run(run)).finished == 0


def test_what_somebody_else_writes_is_passed_over_and_told(tmp_path):
    run = planned(tmp_path, n=1)
    first, *rest = [each.id for each in run.planned()]
    with LogWriter(run.live(first), run.final(first)):
        outcome = in_one_process(run, workers=2)
    assert set(outcome.unfinished) == outcome.busy == {first}
    assert "is being written by another process" in outcome.unfinished[first]
    assert outcome.finished == len(rest)


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "workers"), [(12, 1), (12, 5), (7, 3), (3, 3), (10_000, 64)])
def test_limits_hold_for_all_workers_together(limit, workers):
    spec = ScriptedSpec(provider="scripted", concurrency=limit)
    parts = [part_of(spec, Share(number, workers)).concurrency for number in range(workers)]
    assert sum(parts) == limit
    assert min(parts) >= 1
    assert max(parts) - min(parts) <= 1


def test_no_more_workers_than_calls_at_once(confide):
    Path("models.yaml").write_text("models:\n  two: {provider: scripted, concurrency: 2}\n")
    specs = [ScriptedSpec(provider="scripted"), OpenAISpec(provider="openai", model="m", concurrency=7)]
    assert most_workers(specs) == 7
    code, _, err = confide("run", "exam-panic", "--model", "two", "--executor", "processes", "--workers", 4)
    assert code == 0
    assert "2 workers, not 4: a model takes 2 calls at once, from all workers together" in err


# --- workers that die -------------------------------------------------------------------------------------------------


async def kill_some(run, executor, kills, seed):
    """Kills workers, once they have begun something, at random moments while the run goes on."""
    rng = random.Random(seed)
    going = asyncio.create_task(executor.run(run))
    killed = 0
    while not going.done():
        await asyncio.sleep(rng.random() / 4)
        children = multiprocessing.active_children()
        if killed < kills and children and list((run.path / "live").iterdir()):
            os.kill(rng.choice(children).pid, signal.SIGKILL)
            killed += 1
    return await going, killed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_workers_killed_at_random_leave_exactly_what_was_planned(tmp_path, seed):
    rubrics = ("identity",)
    quiet = planned(tmp_path, "quiet")
    in_one_process(quiet, staff_of(quiet, rubrics), reads=True)
    run = planned(tmp_path, "killed", latency_ms=20)
    executor = Processes(staff_of(run, rubrics), nothing, 3, reads=True)
    outcome, killed = asyncio.run(asyncio.wait_for(kill_some(run, executor, 5, seed), 120))
    assert killed >= 2
    assert (outcome.finished, outcome.unfinished, outcome.unread) == (24, {}, {})
    must_be_whole(run)
    assert all_words(run) == all_words(quiet)
    assert [len(folder.logs()) for folder in measure_folders(run)] == [24]


def kill_me(run, share):
    os.kill(os.getpid(), signal.SIGKILL)


def be_a_bug(run, share):
    raise ZeroDivisionError("a bug")


def refuse(run, share):
    raise ConfideError("the key is wrong")


@pytest.mark.parametrize(
    ("hire", "why"),
    [
        (kill_me, r"a worker died 6 times and nothing got finished meanwhile: killed by SIGKILL"),
        (be_a_bug, r"a worker ended with exit code 1"),
        (refuse, r"^the key is wrong$"),
    ],
)
def test_workers_that_cannot_get_on_end_the_run(tmp_path, hire, why):
    run = planned(tmp_path, n=1)
    with pytest.raises(ConfideError, match=why):
        asyncio.run(asyncio.wait_for(Processes(hire, nothing, 1).run(run), 120))
    assert not multiprocessing.active_children()


def test_what_ended_in_error_is_counted_whoever_died(tmp_path, monkeypatch):
    run = planned(tmp_path, n=1)
    from confide.agents.models import scripted as module

    draw = module.draw_reply
    monkeypatch.setattr(module, "draw_reply", lambda request: "???" if len(request.messages) > 4 else draw(request))
    outcome = in_one_process(run)
    assert sum(outcome.broken.values()) == outcome.finished == 4


# --- the whole command ------------------------------------------------------------------------------------------------


def begun(*args: str) -> subprocess.Popen[str]:
    """A run of the command in a process group of its own, as a terminal starts it, that has begun to talk."""
    Path("models.yaml").write_text(MODELS)
    command = [sys.executable, "-m", "confide", *args]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        logs = list(Path("runs").glob("*/live/*.jsonl"))
        if any('"kind":"spoke"' in log.read_text() for log in logs if log.exists()):
            return process
        time.sleep(0.02)
    raise AssertionError(f"nothing happened: {process.communicate()}")


def workers_of(run: RunFolder) -> list[int]:
    """Processes that have a live log of the run open."""
    found = []
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(run.path.resolve() / "live") in str(fd.readlink()):
                found.append(int(fd.parts[2]))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize("how", ["ctrl-c", "parent killed"])
def test_an_interrupted_run_ends_all_workers_and_can_be_gone_on_with(confide, how):
    process = begun(*ARGS[:-4], "--n", "40", "--model", "slow", "--executor", "processes", "--workers", "2")
    if how == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.kill()
    _, err = process.communicate(timeout=30)
    run = only_run()
    if how == "ctrl-c":
        assert process.returncode == 130
        assert err.strip().splitlines()[-1] == f"confide: interrupted; go on with: confide resume {run.path}"
        assert "Traceback" not in err
        assert not workers_of(run)
    deadline = time.monotonic() + 10
    while workers_of(run) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not workers_of(run), "they end with their parent"
    finished = len(run.finished())
    assert finished < run.record.size
    code, _, err = confide("resume", run.path, "--executor", "processes", "--workers", 2)
    assert code == 0, err
    must_be_whole(run)


def test_a_budget_stops_all_workers_and_resume_goes_on(confide):
    Path("models.yaml").write_text(MODELS)
    Path("mine.yaml").write_text(
        "id: small\ntitle: Small\nquestion: Does it run?\nscenarios: [exam-panic, shared-dog]\nconditions: [partial]\n"
        "replicates: 60\nturns: 6\nbudget: {tokens: 3000}\n"
    )
    code, out, err = confide("run", "mine.yaml", "--model", "slow", "--executor", "processes", "--workers", 2)
    assert code == 1
    assert re.search(
        r"the budget of 3,000 tokens is used up \([0-9,]+\); go on all the same with: confide resume ", err
    )
    run = RunFolder.open(out.split()[-1])
    assert len(run.finished()) < run.record.size
    assert not multiprocessing.active_children()
    assert confide("resume", run.path, "--executor", "processes", "--workers", 2)[0] == 0
    must_be_whole(run)


def test_a_denied_key_ends_all_workers_with_one_line(confide):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = FakeServer(refused(401, "bad key"))
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        Path("models.yaml").write_text(
            f"models:\n  far: {{provider: openai, model: m, key_env: null, tries: 1, base_url: '{server.url}'}}\n"
        )
        code, out, err = confide("run", "exam-panic", "--n", 8, "--model", "far", "--executor", "processes", "--workers", 2)  # fmt: skip
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    assert (code, out) == (2, "")
    assert "bad key" in err
    assert "go on with: confide resume" in err
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--executor", "slurm"), "--executor slurm: "),
        (("--executor", "processes", "--workers", 0), "--workers 0: at least 1 must work"),
        (("--workers", 2), "--workers is for --executor processes or ray"),
        (("--address", "auto"), "--address is of a Ray cluster: say --executor ray, too"),
        (("--executor", "processes", "--address", "auto"), "--address is of a Ray cluster"),
        (("--executor", "processes", "--watch"), "--watch shows what is spoken in this process"),
        (("--shard", "0/4"), "--shard 0/4: expected i/n with i from 1 to n"),
        (("--shard", "5/4"), "--shard 5/4: expected i/n with i from 1 to n"),
        (("--shard", "x"), "--shard x: expected i/n with i from 1 to n"),
        (("--shard", "2/2"), "--shard 2/2: the run has 1 conversations, so this shard would have none"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(confide, args, why):
    code, out, err = confide("run", "exam-panic", "--model", "scripted", *args)
    assert (code, out) == (2, "")
    assert err.startswith(f"confide: {why}")
    assert err.count("\n") == 1
    assert not Path("runs").exists()


def test_ray_that_is_not_installed_is_one_line(confide, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, err = confide("run", "exam-panic", "--model", "scripted", "--executor", "ray")
    assert (code, err) == (
        2,
        "confide: --executor ray needs a package that is not installed: pip install 'confide[ray]'\n",
    )


async def test_models_of_a_worker_are_those_of_the_run(tmp_path):
    run = planned(tmp_path, concurrency=9)
    crew = staff_of(run)(run, Share(1, 4))
    assert [model.concurrency for model in crew.models.values()] == [2]
    await check_models(crew.models)
    whole = models_of(run.record, {})
    assert [model._replace(client=None, concurrency=0) for model in crew.models.values()] == [
        model._replace(client=None, concurrency=0) for model in whole.values()
    ]
