"""Where the time of a run went: counted beside it, told on demand, and in the report."""

import json

import pytest

from confide.agents.models import Endpoints, OpenAISpec
from confide.evaluators.report import make_report
from confide.evaluators.report.parts import Table
from confide.scenarios import read_conditions, read_scenarios
from confide.simulator import RunFolder, Wishes, plan_run, run_conversations
from confide.simulator.usage import CallTime, Usage, read_usage, spent
from tests.fake_server import said
from tests.report_helpers import parts_of

NO_CALLS = CallTime(calls=0, hits=0, model_s=0, failed_s=0)


def usage(**fields):
    given = {"process": "here:1", "began": 1.0, "conversations": 1, "wall_s": 10, "cpu_s": 1, "talk_s": 100, "limiter_s": 20,
             "disk_s": 5, "readers_s": 4, "speaking": CallTime(calls=40, hits=5, model_s=60, failed_s=5),
             "reading": CallTime(calls=5, hits=0, model_s=30, failed_s=0)}  # fmt: skip
    return Usage(**{**given, **fields})


def test_shares_are_of_the_time_that_conversations_were_under_way():
    found = spent([usage(), usage(talk_s=100, limiter_s=0, disk_s=5, speaking=NO_CALLS, reading=NO_CALLS)])
    assert (found.model, found.limiter, found.disk) == pytest.approx((65 / 200, 20 / 200, 10 / 200))
    assert found.readers == pytest.approx(8 / 200)
    assert found.model + found.limiter + found.readers + found.disk + found.rest == pytest.approx(1)
    assert (found.wall_s, found.cpu) == (20, pytest.approx(0.1))
    assert found.cpu_per_call_s == pytest.approx(2 / 50)  # readers' calls and hits are calls
    assert spent([]) is None
    untimed = spent([usage(speaking=CallTime(calls=40, hits=0, model_s=60, failed_s=0, untimed=1))])
    assert untimed.model is None, "what is not known is no share of nothing"
    assert spent([usage(limiter_s=None)]).limiter is None
    assert spent([usage(talk_s=0)]) is None


def test_a_run_keeps_what_it_took_and_the_report_shows_it(confide, tmp_path):
    code, out, err = confide("run", "exam-panic", "--model", "scripted", "--n", 3, "--turns", 4, "--with", "strategies",
                             "--reader", "scripted", "--profile")  # fmt: skip
    assert code == 0
    assert "waiting for models" in err
    assert "12 calls and 0 answers" not in err
    run = RunFolder.open(out.split()[-1])
    (kept,) = read_usage(run)
    assert (kept.conversations, kept.speaking.calls, kept.reading.calls) == (3, 12, 6)
    assert 0 < kept.disk_s <= kept.talk_s
    table = parts_of(make_report([run]), Table)["times"]
    assert table.rows[0][0] == run.record.id


def test_what_cannot_be_read_is_passed_over(confide):
    code, out, _ = confide("run", "exam-panic", "--model", "scripted", "--turns", 2)
    run = RunFolder.open(out.split()[-1])
    (run.path / "usage" / "9-torn.json").write_text('{"v":1,')
    assert (code, len(read_usage(run))) == (0, 1)


def test_a_run_that_does_nothing_more_keeps_nothing_more(confide):
    _, out, _ = confide("run", "exam-panic", "--model", "scripted", "--turns", 2)
    code, _, err = confide("resume", out.split()[-1], "--profile")
    assert code == 0
    assert "nothing was run" in err
    assert len(read_usage(RunFolder.open(out.split()[-1]))) == 1


async def test_calls_that_stand_in_line_are_told_apart_from_those_that_wait_for_the_model(
    server, tmp_path, environment
):
    server.script = said(delay=0.05)
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url, concurrency=1)
    wishes = Wishes("mine", 4, 2, 0, conditions=read_conditions(["partial"]))
    endpoints = Endpoints()
    record, models = plan_run(read_scenarios(["exam-panic"]), {"mine": spec}, wishes, endpoints)
    wide = {name: model._replace(concurrency=4) for name, model in models.items()}
    run = RunFolder.create(tmp_path, record)
    try:
        await run_conversations(run, wide, lambda conversation, event: None)
    finally:
        await models["mine"].client.close()
    (kept,) = read_usage(run)
    assert kept.speaking.calls * 0.05 <= kept.speaking.model_s < kept.limiter_s


def test_workers_keep_theirs_beside_one_another(confide):
    _, out, _ = confide(
        "run", "exam-panic", "--model", "scripted", "--n", 40, "--turns", 4, "--executor", "processes", "--workers", 2
    )
    usages = read_usage(RunFolder.open(out.split()[-1]))
    assert sum(each.conversations for each in usages) == 40
    assert len({each.process for each in usages}) == len(usages)
    assert json.loads(usages[0].model_dump_json())["v"] == 1
