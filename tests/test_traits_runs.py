"""When questionnaires are asked and of whom; kills, and models in trouble, in the middle of one."""

import asyncio
import json
import shutil
from functools import partial

import pytest

from confide.agents import Fault, ModelError, ScriptedClient, wrap_client
from confide.agents.models import draw_reply
from confide.evaluators.exchange import import_esconv
from confide.evaluators.traits import ObserverReport, SelfReport, trait_reports
from confide.evaluators.traits.panel import trait_readers
from confide.scenarios import ConfideError, Role
from confide.simulator import Memory, RunFolder, measure_folders, read_log, read_run, run_conversations
from tests.helpers import CONDITIONS, make_setup, talk
from tests.test_exchange import TALK
from tests.test_law_readers import a_talk
from tests.test_side_logs import of_kind, planned, side_logs, until_true
from tests.trait_helpers import TEXTS, a_plan, asked_model, measure_record, points_for, put_to, watch_through

SEEKER, SUPPORTER = Role
HOW = ["block", "item"]


def lines(count):
    return [f"Line {number}." for number in range(count)]


# Schedules


def asked_at(plan, observer, turns, opens):
    """By role: the turns after which something was asked, with the form; a retest's number behind it."""
    make = (
        (lambda model: ObserverReport(plan, model)) if observer else lambda model: SelfReport(plan, {model.name: model})
    )
    found = {}
    for put in put_to(a_talk(lines(turns), opens=opens), make):
        found.setdefault(put.role, []).append(f"{put.turn} {put.part}{f' {put.repeat}' if put.repeat else ''}")
    return found


SELF = {  # in six turns the one who opens has turns 0, 2 and 4, and the other 1, 3 and 5
    1: (["-1 long", "-1 long 1", "0 short", "2 short", "4 short", "4 long"],
        ["-1 long", "-1 long 1", "1 short", "3 short", "5 short", "5 long"]),
    2: (["-1 long", "-1 long 1", "2 short", "4 short", "4 long"],
        ["-1 long", "-1 long 1", "1 short", "3 short", "5 short", "5 long"]),
    3: (["-1 long", "-1 long 1", "2 short", "4 long"], ["-1 long", "-1 long 1", "3 short", "5 long"]),
    None: (["-1 long", "-1 long 1", "4 long"], ["-1 long", "-1 long 1", "5 long"]),
}  # fmt: skip
OBSERVER = {  # the second own turn is the first with two lines
    1: (["2 long", "2 long 1", "4 short", "4 long"], ["3 long", "3 long 1", "5 short", "5 long"]),
    2: (["2 long", "2 long 1", "4 short", "4 long"], ["3 long", "3 long 1", "5 short", "5 long"]),
    3: (["2 long", "2 long 1", "4 long"], ["3 long", "3 long 1", "5 long"]),
    None: (["2 long", "2 long 1", "4 long"], ["3 long", "3 long 1", "5 long"]),
}


@pytest.mark.parametrize("opens", Role)
@pytest.mark.parametrize("every", SELF)
def test_who_is_asked_after_which_turn(every, opens):
    plan = a_plan(every=every, lines=2)
    for observer, expected in ((False, SELF[every]), (True, OBSERVER[every])):
        assert asked_at(plan, observer, 6, opens) == {opens: expected[0], opens.other: expected[1]}


@pytest.mark.parametrize("role", Role)
def test_only_the_roles_of_the_plan_are_asked(role):
    for observer in (False, True):
        assert list(asked_at(a_plan(of=[role], lines=1), observer, 4, SEEKER)) == [role]


def test_the_last_long_form_is_asked_whole_in_a_block_and_item_by_item_only_for_what_was_not_asked():
    for how in HOW:
        written = put_to(a_talk(lines(4), opens=SEEKER), self_report(a_plan(every=1, administration=how)))
        last = [put for put in written if put.role == "seeker" and put.turn == 2]
        texts = "\n".join(put.texts[-1][1] for put in last)
        assert sorted(texts.count(text) for text in TEXTS.values()) == ([1, 1, 2, 2] if how == "block" else [1] * 4)
        assert len(last) == (2 if how == "block" else 4)


def self_report(plan, **fields):
    return lambda model: SelfReport(plan, {model.name: model}, **fields)


def test_an_item_is_put_alone_or_all_are_put_together_in_an_order_drawn_anew():
    whole = put_to(a_talk(lines(2)), self_report(a_plan(every=None, retests=3)))
    orders = [sorted(TEXTS.values(), key=put.texts[-1][1].index) for put in whole if len(points(put)) == 4]
    assert len(orders) == len(whole) == 2 * 5
    assert len(set(map(tuple, orders))) > 1
    single = put_to(a_talk(lines(2)), self_report(a_plan(every=None, retests=3, administration="item")))
    assert len(single) == 4 * len(whole)
    assert all(put.texts[-1][1].count(TEXTS[put.part]) == 1 for put in single)
    assert all(len(points(put)) == 1 for put in single)


def points(put):
    return json.loads(points_for(put.request))


def test_retests_are_asked_under_seeds_of_their_own_and_never_of_the_bare_model():
    plan = a_plan(retests=3, every=None)
    asked = put_to(a_talk(lines(4)), self_report(plan))
    again = [put for put in asked if put.turn == -1]
    assert [(put.role, put.repeat) for put in again] == [(role, repeat) for role in Role for repeat in range(4)]
    assert len({put.request.args["seed"] for put in asked}) == len(asked) == 10
    bare = put_to(a_talk(lines(4)), self_report(plan, bare=True))
    assert [put.repeat for put in bare] == [0] * 4


# Nobody to ask: null with the reason


def measured(events):
    return [event for event in events if event.kind == "measured"]


def assert_null(found, words, of=tuple(Role)):
    assert [(each.role, each.part) for each in found] == [(role, "long") for role in of]
    for each in found:
        assert set(each.values) == set(each.missing) == set(TEXTS)
        assert set(each.values.values()) == {None}
        assert all(words in why for why in each.missing.values())


def whole_log(events, observer):
    written = watch_through(events, observer)
    assert written[-1].kind == "read"
    return measured(written)


def test_fewer_lines_than_the_observer_is_to_see_are_null_with_the_reason():
    model, client = asked_model()
    found = whole_log(a_talk(lines(5), opens=SEEKER), ObserverReport(a_plan(lines=3, retests=0), model))
    assert [(each.turn, each.role) for each in found] == [(4, SEEKER), (None, SUPPORTER)]
    assert_null(found[1:], "the supporter has fewer lines than the observer is to see: 2 of 3", [SUPPORTER])
    assert len(client.received) == 1


def test_a_talk_without_a_turn_has_a_start_and_no_end():
    model, client = asked_model()
    assert_null(whole_log(a_talk([]), ObserverReport(a_plan(), model)), "0 of 3")
    assert not client.received
    assert asked_at(a_plan(), False, 0, SEEKER) == {role: ["-1 long", "-1 long 1"] for role in Role}


@pytest.mark.parametrize("bare", [False, True])
def test_nobody_is_asked_in_a_script(bare):
    setup = make_setup("exam-panic", asked_model(script=draw_reply)[0], condition=CONDITIONS["script"])
    model, client = asked_model()
    found = whole_log(talk(setup), SelfReport(a_plan(), {"scripted": model}, bare=bare))
    assert_null(found, "a script is written in one call")
    assert not client.received
    assert measured(watch_through(talk(setup), ObserverReport(a_plan(), model)))[0].missing == {}


@pytest.fixture
def people(tmp_path):
    """A run of one conversation that people held."""
    file = tmp_path / "people.json"
    file.write_text(json.dumps([TALK]))
    return import_esconv(file, tmp_path / "runs", None, ()).run


def test_people_are_not_asked_about_themselves(people):
    model, client = asked_model()
    (log,) = people.logs()
    assert_null(whole_log(read_log(log).events, SelfReport(a_plan(), {"scripted": model})), "a person is not asked")
    assert not client.received
    readers = readers_of(people, a_plan(lines=2), model)
    assert [reader.folder.path.name for reader in readers] == ["small-observer.scripted"]
    assert asyncio.run(read_run(people, readers)) == (1, {})
    assert client.received


def readers_of(run, plan, model, playing=None):
    return trait_readers(run, plan, playing or {model.name: model}, model, partial(measure_record, plan))


# Two models


def test_each_role_is_asked_of_the_model_that_plays_it():
    playing = {role: asked_model(script=draw_reply, name=f"the-{role}") for role in Role}
    events = talk(make_setup("exam-panic", *(model for model, _ in playing.values())))
    asked = {role: asked_model(name=f"the-{role}") for role in Role}
    watch_through(events, SelfReport(a_plan(), {model.name: model for model, _ in asked.values()}))
    for role, (_, client) in asked.items():
        name = events[0].scenario.role(role).persona.name
        assert client.received
        assert all(f"describe {name} now" in str(request.messages[-1].content) for request in client.received)


# Kills


def observers_of(plan):
    return [
        lambda model: SelfReport(plan, {model.name: model}),
        lambda model: SelfReport(plan, {model.name: model}, bare=True),
        lambda model: ObserverReport(plan, model),
    ]


def values_of(events):
    """Every answer to every item, by where it was asked."""
    found = {}
    for each in measured(events):
        for item, value in each.values.items():
            key = (each.turn, each.role, each.repeat, each.part, item)
            assert key not in found, "asked twice"
            found[key] = value
    return found


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("which", range(3), ids=["self", "bare", "observer"])
def test_wherever_an_administration_breaks_off_it_goes_on_from_there(how, which):
    make = observers_of(a_plan(administration=how, every=2, lines=2))[which]
    events = a_talk(lines(6))
    model, client = asked_model(script=draw_reply)
    whole = watch_through(events, make(model))
    total = len(client.received)
    assert total == len(measured(whole)) > 4
    for cut in range(1, len(whole)):
        model, client = asked_model(script=draw_reply)
        again = watch_through(events, make(model), memory=Memory(), logged=whole[:cut])
        assert len(client.received) == total - len(measured(whole[:cut]))
        assert values_of(again) == values_of(whole)
        assert [event.seq for event in again] == list(range(len(again)))
        assert (again[-1].kind, again[-1].answers) == ("read", whole[-1].answers)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("after", [1, 7, 20])
def test_a_run_that_is_killed_goes_on_and_asks_nothing_twice(how, after, tmp_path):
    plan = a_plan(administration=how, lines=2)
    full, _ = planned(tmp_path / "full")
    everything = play(full, plan)
    run, _ = planned(tmp_path)
    model, client = probed_model(latency_s=0.001)

    async def until():
        task = asyncio.create_task(converse(run, plan, model))
        await until_true(lambda: len(probes(client)) > after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(until())
    kept = sum(len(measured(read_log(log).events)) for log in run.path.glob("measures/*/**/*.jsonl"))
    client = play(run, plan)
    model, later = probed_model()
    assert asyncio.run(read_run(run, readers_of(run, plan, model))).unread == {}
    assert len(probes(client)) + len(probes(later)) == len(probes(everything)) - kept
    assert {key: answers(log) for key, log in side_logs(run).items()} == {
        key: answers(log) for key, log in side_logs(full).items()
    }


def answers(log):
    return {
        (each["turn"], each["role"], each["repeat"], item): value
        for each in of_kind(log, "measured")
        for item, value in each["values"].items()
    }


def probed_model(script=None, **fields):
    client = ScriptedClient(script, **fields)
    return wrap_client(client, "slow"), client


async def converse(run, plan, model):
    readers = readers_of(run, plan, model)
    return await run_conversations(run, {"slow": model}, lambda conversation, event: None, readers)


def play(run, plan, script=None):
    model, client = probed_model(script)
    asyncio.run(converse(run, plan, model))
    return client


def probes(client):
    return [request for request in client.received if is_probe(request)]


def is_probe(request):
    return any(text in str(request.messages[-1].content) for text in TEXTS.values())


# Models in trouble


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.of_one_call])
@pytest.mark.parametrize("how", HOW)
def test_one_call_that_gets_no_answer_is_null_with_the_reason_and_the_rest_goes_on(how, fault):
    def script(request):
        begun = any(message.type == "AssistantMessage" for message in request.messages)
        if TEXTS["sly"] in str(request.messages[-1].content) and not begun:
            raise ModelError(fault, "not this one")
        return points_for(request)

    model, _ = asked_model(script=script)
    found = measured(watch_through(a_talk(lines(4)), self_report(a_plan(administration=how))(model)))
    null = [each for each in found if each.missing]
    assert len(null) == 4  # two roles, each with one retest
    assert {each.turn for each in null} == {-1}
    for each in null:
        assert each.part == ("long" if how == "block" else "sly")
        assert set(each.missing.values()) == {"not this one"}
    assert all(each.values == dict.fromkeys(each.values, 3) for each in found if not each.missing)


def test_a_server_that_refuses_log_probabilities_is_asked_without_them_and_it_is_noted():
    def script(request):
        if "logprobs" in request.args:
            raise ModelError(Fault.BAD_REQUEST, "no logprobs here")
        return points_for(request)

    model, client = asked_model(script=script)
    found = measured(watch_through(a_talk(lines(4)), self_report(a_plan())(model)))
    assert sum("logprobs" in request.args for request in client.received) == 2  # for 20, then for 5
    assert not any(each.missing for each in found)
    assert all("no logprobs here" in each.note for each in found)


def test_a_model_that_is_down_leaves_its_side_logs_open_and_harms_no_talk(tmp_path):
    alone, _ = planned(tmp_path / "alone")
    play(alone, a_plan(sources=["observer"]))
    run, _ = planned(tmp_path)

    def script(request):
        if is_probe(request):
            raise ModelError(Fault.UNREACHABLE, "nobody there")
        return draw_reply(request)

    model, _ = probed_model(script)
    plan = a_plan(every=None)
    outcome = asyncio.run(converse(run, plan, model))
    assert (outcome.finished, dict(outcome.unfinished)) == (4, {})
    assert len(outcome.unread) == 4 * 3
    assert set(outcome.unread.values()) == {"nobody there"}
    for log in alone.logs():
        mine, theirs = (of_kind([event.model_dump() for event in read_log(each).events], "spoke")
                        for each in (log, run.final(log.stem)))  # fmt: skip
        assert [each["reply"] for each in mine] == [each["reply"] for each in theirs]
    model, _ = probed_model()
    assert asyncio.run(read_run(run, readers_of(run, plan, model))) == (12, {})
    assert all(len(folder.logs()) == 4 for folder in measure_folders(run))


def test_answers_about_another_transcript_are_refused(tmp_path):
    run, _ = planned(tmp_path / "first")
    plan = a_plan()
    play(run, plan)
    assert trait_reports(run, None)
    other = RunFolder.open(shutil.copytree(run.path, tmp_path / "other"))
    log = other.logs()[0]
    spoke = of_kind([json.loads(line) for line in log.read_text().splitlines()], "spoke")[-1]["reply"]["utterance"]
    log.write_text(log.read_text().replace(json.dumps(spoke)[1:-1], "Something else."))
    with pytest.raises(ConfideError, match="read from another transcript than the conversation's: delete it"):
        trait_reports(other, None)
