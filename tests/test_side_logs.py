"""Side logs. Law 2: who reads changes nothing. Laws 4 and 5: nothing is asked twice, and nothing is committed twice."""

import asyncio
import json
import re
import shutil
from functools import cache
from itertools import islice

import pytest

from confide.agents import Fault, ModelError, ScriptedClient, text_hash, wrap_client
from confide.agents.models import OpenAISpec, ScriptedSpec
from confide.evaluators.reader import RubricReader
from confide.evaluators.rubric import read_rubric, shipped_rubrics
from confide.scenarios import ConfideError, read_conditions, read_scenario
from confide.simulator import (
    MeasureFolder,
    MeasureRecord,
    Reader,
    RunFolder,
    Wishes,
    measure_folders,
    plan_run,
    read_run,
    run_conversations,
)
from confide.simulator.store import software
from confide.simulator.usage import read_usage

SPECS = {"slow": ScriptedSpec(provider="scripted", latency_ms=0.5)}
QUESTIONS = 12  # four conversations of five turns, three of them the supporter's, who opens


def planned(runs):
    """A run of four conversations: two conditions, two replicates. Nothing is said yet."""
    wishes = Wishes(model="slow", turns=5, replicates=2, seed=7, conditions=read_conditions(["partial", "omniscient"]))
    record, models = plan_run([read_scenario("shared-dog")], SPECS, wishes)
    return RunFolder.create(runs, record.model_copy(update={"id": "run"})), models


async def play(run, models, readers=(), watch=lambda conversation, event: None):
    return await run_conversations(run, models, watch, readers)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    run, models = planned(tmp_path_factory.mktemp("played"))
    asyncio.run(play(run, models))
    return run


@pytest.fixture
def run(played, tmp_path):
    return RunFolder.open(shutil.copytree(played.path, tmp_path / "run"))


versions = cache(software)


def record_of(name, model="reader", repeats=1, **fields):
    loaded = read_rubric(name)
    return MeasureRecord(
        measure=loaded.rubric.id, rubric=fields.pop("rubric", loaded.text), model=model, spec=SPECS["slow"], price=None,
        repeats=repeats, created="2026-01-01", software=versions(), command=(), **fields,
    )  # fmt: skip


def reader_of(run, name="strategies", model=None, repeats=1):
    model = model or scripted_model()[0]
    observer = RubricReader(read_rubric(name).rubric, model, repeats)
    return Reader(MeasureFolder.create(run, record_of(name, model.name, repeats)), observer, (model,))


def scripted_model(name="reader", latency_s=0.0, concurrency=16):
    client = ScriptedClient(latency_s=latency_s)
    return wrap_client(client, name, concurrency=concurrency), client


TIMES = ("at", "digest", "seconds")


def but_for_time(log):
    """The lines of a log without when they were written and how long it took."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


def spelled_out(log):
    """The events of a side log, each call with its whole prompt in place of what is new in it."""
    texts, prompts, found = {}, {}, []
    for event in but_for_time(log):
        if event["kind"] == "called":
            texts |= event.pop("texts")
            assert all(text_hash(text) == address for address, text in texts.items())
            prompt = [*prompts.get(event["role"], [])[: event.pop("kept")], *event["segments"]]
            prompts[event["role"]] = prompt
            event["segments"] = [(each["source"], each["place"], texts[each["hash"]]) for each in prompt]
        found.append(event)
    return found


def of_kind(events, kind):
    return [event for event in events if event["kind"] == kind]


def side_logs(run):
    return {f"{f.record.key}/{log.stem}": spelled_out(log) for f in measure_folders(run) for log in f.logs()}


# Law 2


def test_readers_change_nothing_and_read_the_same_live_as_later(tmp_path):
    alone, models = planned(tmp_path / "alone")
    asyncio.run(play(alone, models))
    watched, models = planned(tmp_path / "watched")
    model, _ = scripted_model(latency_s=0.001)
    outcome = asyncio.run(play(watched, models, [reader_of(watched, name, model) for name in shipped_rubrics()]))
    assert (outcome.finished, dict(outcome.unread)) == (4, {})
    for log in alone.logs():
        assert but_for_time(watched.final(log.stem)) == but_for_time(log)
    files = {file.relative_to(watched.path).parts[0] for file in watched.path.rglob("*") if file.is_file()}
    assert files == {"run.json", "conversations", "measures", "usage"}

    model, _ = scripted_model()
    readings = asyncio.run(read_run(alone, [reader_of(alone, name, model) for name in shipped_rubrics()]))
    assert readings == (4 * len(shipped_rubrics()), {})
    for folder in measure_folders(alone):
        assert len(folder.logs()) == 4
        for later in folder.logs():
            live = watched.path / later.relative_to(alone.path)
            assert but_for_time(live) == but_for_time(later)


class SlowObserver:
    """Asks nothing, waits until the talk is a turn ahead, and then takes its time; at a turn it may give up."""

    def __init__(self, fails_at=None):
        self.read = self.spoken = 0
        self._fails_at = fails_at

    async def observe(self, seen, seed_for):
        await until_true(lambda: self.spoken > len(seen.lines) or len(seen.lines) == 5)
        await asyncio.sleep(0.05)
        self.read = len(seen.lines)
        if self.read == 5 and not seen.over:
            self.committed = self.final.is_file()
        if self.read == self._fails_at:
            raise ModelError(Fault.UNREACHABLE, "it is down")
        return
        yield


def played_along(runs, observer):
    """How many turns were read when each turn of one conversation was spoken, and what became of the run."""
    run, models = planned(runs)
    observer.final = run.final(next(run.planned()).id)
    reader = reader_of(run)._replace(observer=observer)
    read_then = []

    def watch(conversation, event):
        if event.kind == "spoke":
            observer.spoken += 1
            read_then.append(observer.read)

    async def alone():
        async with asyncio.timeout(30):
            return await run_conversations(run, models, watch, [reader], left=islice(run.left(), 1))

    outcome = asyncio.run(alone())
    (kept,) = read_usage(run)
    assert kept.readers_s > 0.05, "what it waited for them is no work of its own"
    return read_then, outcome


def test_a_talk_is_a_turn_ahead_of_who_reads_it_and_no_further(tmp_path):
    observer = SlowObserver()
    read_then, outcome = played_along(tmp_path, observer)
    assert read_then == [0, 0, 1, 2, 3]
    assert observer.committed, "a talk that is over waits for nobody"
    assert (outcome.finished, dict(outcome.unread)) == (1, {})


def test_who_gives_up_does_not_hold_the_talk(tmp_path):
    read_then, outcome = played_along(tmp_path, SlowObserver(fails_at=2))
    assert read_then == [0, 0, 1, 2, 2]
    assert outcome.finished == 1
    assert list(outcome.unread.values()) == ["it is down"]


def test_conditions_of_a_pair_key_share_their_seeds_and_nothing_else_does(run):
    model, client = scripted_model()
    asyncio.run(read_run(run, [reader_of(run, "identity", model), reader_of(run, "self-consistency", model)]))
    seeds = {}
    for key, events in side_logs(run).items():
        measure, _, _, condition, replicate = re.split("[./]", key)
        for call in of_kind(events, "called"):
            seeds.setdefault(condition, {})[measure, replicate, call["turn"], call["role"]] = call["seed"]
    assert seeds["partial"] == seeds["omniscient"]
    assert len(set(seeds["partial"].values())) == len(seeds["partial"]) == 2 * 5 + 2 * 3
    assert {request.args["seed"] for request in client.received} == set(seeds["partial"].values())


# Laws 4 and 5


def side_log(run, reader):
    asyncio.run(read_run(run, [reader]))
    return reader.folder.logs()[0]


@pytest.mark.parametrize(("name", "repeats"), [("strategies", 2), ("self-consistency", 1), ("support", 3)])
def test_wherever_a_side_log_breaks_off_it_goes_on_from_there(run, name, repeats, tmp_path):
    model, client = scripted_model()
    reader = reader_of(run, name, model, repeats)
    for log in run.logs()[1:]:
        log.unlink()
    log = side_log(run, reader)
    whole, data = spelled_out(log), log.read_bytes()
    questions = len(client.received)
    assert questions == len(of_kind(whole, "measured"))
    ends = [at + 1 for at, byte in enumerate(data) if byte == 10]
    for cut in sorted({0, 1, len(data), *ends, *(end - 1 for end in ends), *(end - 40 for end in ends)}):
        log.unlink()
        live = reader.folder.live(log.stem)
        live.write_bytes(data[:cut])
        kept = [json.loads(line) for line in data[: max([0, *(end for end in ends if end <= cut)])].splitlines()]
        client.received.clear()
        assert asyncio.run(read_run(run, [reader])) == (1, {})
        assert len(client.received) == questions - len(of_kind(kept, "measured"))
        assert not live.exists()
        again = spelled_out(log)
        if kept and kept[-1]["kind"] == "called":  # paid for, and its answer's line is lost: it is asked once more
            del again[len(kept) - 1]
            again = [{**event, "seq": seq} for seq, event in enumerate(again)]
        assert again == whole


async def until_true(so):
    while not so():  # noqa: ASYNC110  (what is awaited has no event of its own)
        await asyncio.sleep(0.0005)


@pytest.mark.parametrize("after", [1, 5, 11])
def test_a_reading_that_is_cancelled_goes_on(run, after):
    full = shutil.copytree(run.path, run.path.parent / "full")
    asyncio.run(read_run(RunFolder.open(full), [reader_of(RunFolder.open(full))]))
    model, client = scripted_model(latency_s=0.005, concurrency=1)
    reader = reader_of(run, model=model)

    async def until():
        task = asyncio.create_task(read_run(run, [reader]))
        await until_true(lambda: len(client.received) > after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(until())
    kept = sum(len(of_kind(spelled_out(log), "measured")) for log in reader.folder.path.rglob("*.jsonl"))
    assert kept in (after, after + 1)  # one may have been answered while it was cancelled
    before = len(client.received)
    model, client = scripted_model()
    assert asyncio.run(read_run(run, [reader_of(run, model=model)])).unread == {}
    assert len(client.received) == QUESTIONS - kept
    assert before - kept <= 1
    assert side_logs(run) == side_logs(RunFolder.open(full))


def test_a_run_that_is_cancelled_goes_on_with_its_readers(tmp_path):
    full, models = planned(tmp_path / "full")
    asyncio.run(play(full, models, [reader_of(full, "identity")]))
    run, models = planned(tmp_path)
    paid, turns = [], []

    async def until():
        model, client = scripted_model(latency_s=0.002)
        paid.append(client)
        task = asyncio.create_task(
            play(run, models, [reader_of(run, "identity", model)], lambda _, event: turns.append(event.kind))
        )
        await until_true(lambda: turns.count("spoke") >= 9)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(until())
    side = list((run.path / "measures").rglob("*.jsonl"))
    kept = sum(len(of_kind(but_for_time(log), "measured")) for log in side)
    assert 0 < kept < 20
    model, client = scripted_model()
    outcome = asyncio.run(play(run, planned(tmp_path / "again")[1], [reader_of(run, "identity", model)]))
    unread = asyncio.run(read_run(run, [reader_of(run, "identity", model)])).unread
    assert (dict(outcome.unread), unread) == ({}, {})
    assert len(client.received) == 20 - kept
    assert side_logs(run) == side_logs(full)


def test_reading_again_asks_nothing_and_touches_no_file(run):
    asyncio.run(read_run(run, [reader_of(run)]))
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in run.path.rglob("*") if file.is_file()}
    model, client = scripted_model()
    assert asyncio.run(read_run(run, [reader_of(run, model=model)])) == (0, {})
    assert client.received == []
    after = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in run.path.rglob("*") if file.is_file()}
    assert after == before


def test_two_who_read_for_the_same_reader_ask_each_question_once(run):
    clients = []

    async def both():
        readers = []
        for _ in range(2):
            model, client = scripted_model(latency_s=0.002, concurrency=2)
            clients.append(client)
            readers.append(reader_of(run, model=model))
        return await asyncio.gather(*(read_run(run, [reader]) for reader in readers))

    found = asyncio.run(both())
    assert sum(len(client.received) for client in clients) == QUESTIONS
    assert sum(readings.read for readings in found) == 4
    assert all("is being written by another process" in why for each in found for why in each.unread.values())
    assert asyncio.run(read_run(run, [reader_of(run)])) == (0, {})


def test_several_readers_go_side_by_side_and_keep_apart(run):
    one, two = scripted_model("one", latency_s=0.001), scripted_model("two/b c", latency_s=0.001)
    readers = [reader_of(run, name, model) for name in ("strategies", "identity") for model, _ in (one, two)]
    assert asyncio.run(read_run(run, readers)) == (16, {})
    names = [folder.path.name for folder in measure_folders(run)]
    assert names == ["identity.one", "identity.two-b-c", "strategies.one", "strategies.two-b-c"]
    assert [len(client.received) for _, client in (one, two)] == [QUESTIONS + 20] * 2
    for folder in measure_folders(run):
        assert len(folder.logs()) == 4
        assert not list((folder.path / "live").iterdir())


def test_a_conversation_that_is_not_finished_is_not_read(run):
    first, *rest = run.logs()
    run.live(first.stem).write_bytes(first.read_bytes())
    first.unlink()
    reader = reader_of(run)
    assert asyncio.run(read_run(run, [reader])) == (3, {})
    assert [log.stem for log in reader.folder.logs()] == [log.stem for log in rest]


def test_a_damaged_conversation_keeps_no_other_from_being_read(run):
    first = run.logs()[0]
    first.write_text("no event\n" + first.read_text())
    readings = asyncio.run(read_run(run, [reader_of(run)]))
    assert readings.read == 3
    assert list(readings.unread) == [f"strategies.reader/{first.stem}"]
    assert f"{first}:1:1: not an event" in readings.unread[f"strategies.reader/{first.stem}"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rubric": read_rubric("strategies").text + "# changed\n"}, "rubric"),
        ({"repeats": 2}, "repeats"),
        ({"spec": ScriptedSpec(provider="scripted", latency_ms=9)}, "model.latency_ms"),
    ],
)
def test_another_reader_under_the_same_names_is_refused(run, change, named):
    MeasureFolder.create(run, record_of("strategies"))
    MeasureFolder.create(run, record_of("strategies"))
    with pytest.raises(ConfideError, match=f"holds readings with another {named}: give the rubric another id"):
        MeasureFolder.create(run, record_of("strategies").model_copy(update=change))


@pytest.mark.parametrize("moved", [{"base_url": "http://127.0.0.1:10/v1"}, {"timeout_s": 600}, {"tries": 9}])
def test_a_reading_goes_on_where_its_endpoint_has_moved(run, moved):
    spec = OpenAISpec(provider="openai", model="m", base_url="http://127.0.0.1:9/v1")
    MeasureFolder.create(run, record_of("strategies").model_copy(update={"spec": spec}))
    spec = spec.model_copy(update=moved)
    MeasureFolder.create(run, record_of("strategies").model_copy(update={"spec": spec}))
