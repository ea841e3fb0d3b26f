"""Law 1 for questionnaires: a probe is put to what its role sees, an observer sees one role's lines. Laws 2 and 8 too."""

import asyncio
import copy
import json
import re
from functools import partial

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from confide.agents import Place, ScriptedClient, Segment, wrap_client
from confide.evaluators.traits import ObserverReport, SelfReport
from confide.evaluators.traits.panel import trait_readers
from confide.scenarios import Role, Writer, read_conditions, read_scenario
from confide.simulator import RunFolder, Wishes, measure_folders, plan_run, read_run, run_conversations
from tests.condition_helpers import (
    FORMATS,
    GIVEN,
    one_writer,
    play,
    some_inner,
    some_lines,
    talks,
    two_agents,
)
from tests.helpers import CONDITIONS, HOSTILE, PARTIAL, hostile_text, make_setup, scenarios, sides, talk
from tests.test_law_conditions import worlds, worlds_of_one_writer
from tests.test_law_readers import a_talk
from tests.test_side_logs import SPECS, but_for_time
from tests.trait_helpers import SINGLE, TEXTS, Put, a_plan, asked_model, measure_record, points_for, put_to

PLANS = {how: a_plan(administration=how, every=1, lines=2) for how in ("block", "item")}
BLOCK = PLANS["block"]
NAMED = ("partial", "gated", "omniscient", "author")
AUTHOR = CONDITIONS["author"]


def probing(kind=SelfReport, plan=BLOCK, **fields):
    return lambda model: kind(plan, {model.name: model}, **fields)


def observing(kind=ObserverReport, plan=BLOCK):
    return lambda model: kind(plan, model)


def of(role, asked):
    return [put for put in asked if put.role == role]


def bytes_of(asked):
    return [put.sent for put in asked]


# Law 1: agents about themselves


def assert_probes_hold_what_is_seen_alone(drawn, kind=SelfReport):
    role, condition, form, lines, *both = drawn
    heard = [play(data, condition, lines, inner, form).events for data, inner in both]
    for bare in (False, True):
        for plan in PLANS.values():
            one, other = (bytes_of(of(role, put_to(events, probing(kind, plan, bare=bare), form))) for events in heard)
            assert one
            assert one == other


@given(st.sampled_from(NAMED).flatmap(lambda name: worlds_under(CONDITIONS[name])))
@settings(max_examples=50, **GIVEN)
def test_what_a_role_may_not_see_changes_no_byte_of_its_probes(drawn):
    assert_probes_hold_what_is_seen_alone(drawn)


def worlds_under(condition):
    if condition.writer is Writer.TWO_AGENTS:
        return worlds(st.just(condition))
    return worlds_of_one_writer().map(lambda drawn: (drawn[0], author_like(drawn[1]), *drawn[2:]))


def author_like(condition):
    return AUTHOR.model_copy(update={"personas": condition.personas})


@given(worlds())
@settings(max_examples=30, **GIVEN)
def test_the_same_holds_under_any_condition_with_two_agents(drawn):
    assert_probes_hold_what_is_seen_alone(drawn)


class LeakyProbe(SelfReport):
    """Puts something of the other side before the question: the negative control."""

    leaks = staticmethod(lambda seen, opening, other: "")

    def _view(self, seen, opening, due):
        words = self.leaks(seen, opening, due.role.other)
        return super()._view(seen, opening, due).plus(Segment("leak", Place.TAIL, words))


def last_thoughts(seen, opening, other):
    kept = [(turn.reply.model_dump()) for turn in seen.state.turns if turn.role is other]
    return json.dumps([{name: value for name, value in each.items() if name != "utterance"} for each in kept])


LEAKS = {
    "facts": lambda seen, opening, other: json.dumps([fact.text for fact in opening.scenario.role(other).facts]),
    "persona": lambda seen, opening, other: opening.scenario.role(other).persona.background,
    "inner state": last_thoughts,
}
UNSHRUNK = settings(max_examples=60, phases=[Phase.generate], database=None, **GIVEN)


@pytest.mark.parametrize("leaks", LEAKS.values(), ids=LEAKS)
def test_the_check_finds_a_probe_that_leaks(leaks):
    leaky = type("Leaky", (LeakyProbe,), {"leaks": staticmethod(leaks)})
    check = given(worlds(st.just(PARTIAL)))(lambda drawn: assert_probes_hold_what_is_seen_alone(drawn, leaky))
    with pytest.raises(AssertionError):
        UNSHRUNK(check)()


@st.composite
def two_personas(draw):
    """A talk, and the same with another persona of one role."""
    data, condition, lines, inner, form = draw(talks(st.sampled_from([CONDITIONS[name] for name in NAMED])))
    role = draw(st.sampled_from(list(Role)))
    changed = copy.deepcopy(data)
    name = data[role.value]["persona"]["name"]
    changed[role.value]["persona"] = draw(sides(role, name))["persona"]
    return role, condition, lines, inner, form, data, changed


def assert_bare_is_without_its_persona(drawn, kind=SelfReport):
    role, condition, lines, inner, form, *both = drawn
    sent = [
        bytes_of(of(role, put_to(play(data, condition, lines, inner, form).events, probing(kind, bare=True), form)))
        for data in both
    ]
    assert sent[0]
    assert sent[0] == sent[1]


@given(two_personas())
@settings(max_examples=40, **GIVEN)
def test_a_bare_probe_holds_nothing_of_the_own_persona(drawn):
    assert_bare_is_without_its_persona(drawn)


class NotBare(SelfReport):
    """Shows the own persona all the same: the negative control."""

    def __init__(self, plan, models, *, bare):
        super().__init__(plan, models, bare=False)


def test_the_check_finds_a_bare_probe_with_a_persona():
    with pytest.raises(AssertionError):
        UNSHRUNK(given(two_personas())(lambda drawn: assert_bare_is_without_its_persona(drawn, NotBare)))()


@pytest.mark.parametrize("name", NAMED)
def test_bare_and_own_probes_differ_in_the_persona_alone(name):
    """The other half of the promise: the checks above would also pass if nothing was shown."""
    events = talk(make_setup("exam-panic", asked_model(script=None)[0], condition=CONDITIONS[name]))
    scenario = events[0].scenario
    own, bare = (put_to(events, probing(bare=flag)) for flag in (False, True))
    assert [put[:4] for put in own if put.repeat == 0] == [put[:4] for put in bare]
    for role in Role:
        spec = scenario.role(role)
        for mine, without in zip([put for put in of(role, own) if not put.repeat], of(role, bare), strict=True):
            head, other_head = mine.texts[0][1], without.texts[0][1]
            assert spec.persona.background in head
            assert spec.persona.background not in str(without.texts)
            gated = name == "gated" and role is Role.SEEKER
            assert gated or all(fact.text in head and fact.text in other_head for fact in spec.facts)
            assert mine.texts[1:-1] == without.texts[1:-1]
            assert set(other_head.splitlines()) - set(head.splitlines()) == set()


# Law 1: observers


@st.composite
def two_with_one_voice(draw):
    """Two talks in which one role says the same, and all else may differ."""
    form = draw(st.sampled_from(FORMATS))
    role = draw(st.sampled_from(list(Role)))
    opens = draw(st.sampled_from(list(Role))).value
    own = draw(some_lines(form))[role]
    found = []
    for _ in range(2):
        data = {**draw(scenarios(turns=6)), "opens": opens}
        condition = draw(st.one_of(two_agents(), one_writer()))
        lines = {**draw(some_lines(form)), role: own}
        found.append(play(data, condition, lines, {each: draw(some_inner(each)) for each in Role}, form).events)
    return role, found


def assert_an_observer_sees_one_voice(drawn, make=None):
    role, both = drawn
    for plan in PLANS.values():
        for form in FORMATS:
            one, other = (bytes_of(of(role, put_to(events, (make or observing)(plan=plan), form))) for events in both)
            assert one
            assert one == other


@given(two_with_one_voice())
@settings(max_examples=40, **GIVEN)
def test_an_observers_prompts_are_made_of_one_roles_lines_alone(drawn):
    assert_an_observer_sees_one_voice(drawn)


class LeakyObserver(ObserverReport):
    """Shows the model something besides the lines: the negative control."""

    leaks = staticmethod(lambda seen, due: "")

    def _view(self, seen, due):
        return super()._view(seen, due).plus(Segment("leak", Place.TAIL, self.leaks(seen, due)))


OBSERVED = {
    "the condition": lambda seen, due: seen.opening.condition.model_dump_json(),
    "its persona": lambda seen, due: seen.opening.scenario.role(due.role).persona.background,
    "its facts": lambda seen, due: json.dumps([fact.text for fact in seen.opening.scenario.role(due.role).facts]),
    "the other's lines": lambda seen, due: json.dumps([x.utterance for x in seen.lines if x.role is not due.role]),
    "what it kept to itself": lambda seen, due: last_thoughts(seen, None, due.role),
}


@pytest.mark.parametrize("leaks", OBSERVED.values(), ids=OBSERVED)
def test_the_check_finds_an_observer_that_sees_more(leaks):
    leaky = type("Leaky", (LeakyObserver,), {"leaks": staticmethod(leaks)})

    def check(drawn):
        assert_an_observer_sees_one_voice(drawn, lambda plan: observing(leaky, plan))

    with pytest.raises(AssertionError):
        UNSHRUNK(given(two_with_one_voice())(check))()


@given(st.lists(hostile_text(), min_size=6, max_size=6), st.sampled_from(FORMATS))
@settings(max_examples=40, **GIVEN)
def test_the_same_lines_make_the_same_prompts_whoever_says_them(lines, form):
    """Nothing says whose the lines are. With one item there is no order of items that could tell, either."""
    plan = a_plan(SINGLE, every=1, lines=2)
    found = []
    for role in Role:
        asked = of(role, put_to(a_talk(lines, opens=role), observing(plan=plan), form))
        found.append([(put.turn, put.repeat, put.texts, without_seed(put)) for put in asked])
    assert found[0] == found[1]
    assert len(found[0]) == 4  # two lines, its retest, three lines, and these again in the last long form


def without_seed(put):
    return {name: value for name, value in put.request.args.items() if name != "seed"}


# Law 8: where the prompts grow


@given(talks(st.sampled_from([CONDITIONS[name] for name in NAMED])))
@settings(max_examples=60, **GIVEN)
def test_a_probe_begins_with_the_prompt_of_the_own_turn_before_it_and_ends_with_that_turn(drawn):
    _, condition, _, _, form = drawn
    heard = play(*drawn)
    one = condition.writer is not Writer.TWO_AGENTS
    spoken = {}
    for role in Role:
        calls = [event for event in heard.events if event.kind == "called" and (one or event.role is role)]
        for call, (messages, _, _) in zip(calls, heard.received[role], strict=True):
            if call.purpose == "speak":
                spoken[call.turn, call.role] = messages
    written = {event.turn: event for event in heard.events if event.kind == "spoke"}
    asked = put_to(heard.events, probing(), form)
    assert {put.turn for put in asked} > {-1}
    for put in asked:
        *before, question = put.texts
        assert question[0] == "UserMessage"
        if put.turn == -1:
            assert first_of(spoken, None if one else put.role)[: len(before)] == before
            continue
        assert written[put.turn].role == put.role
        *body, own = before
        assert own[0] == "AssistantMessage"
        utterance = written[put.turn].reply.utterance
        assert own[1].endswith(utterance) if form == "tagged" else json.loads(own[1])["utterance"] == utterance
        mine = spoken[put.turn, Role(put.role)]
        assert mine[: len(body)] == body
        assert len(mine) - len(body) <= 1  # the tail


def first_of(spoken, role):
    """The first prompt that was spoken from, or the first of ``role``."""
    return next(messages for (_, each), messages in spoken.items() if role in (None, each))


# Texts arrive as they are


@pytest.mark.parametrize("words", [*HOSTILE, "{items}", "{about} {name} {items}", "[[talk]] {items}"])
@pytest.mark.parametrize("form", FORMATS)
def test_names_personas_and_utterances_reach_the_model_as_they_are(words, form):
    line = " ".join(words.split())
    data = make_setup("exam-panic", asked_model()[0]).scenario.model_dump(mode="json")
    for role in Role:
        data[role.value]["persona"] |= {"name": f"{line} {role}", "background": words}
    data["limits"]["turns"] = 4
    lines = {role: [line if form == "tagged" else words, "Yes."] for role in Role}
    inner = {
        Role.SEEKER: {"tells": False, "thoughts": words, "emotion": 5, "trust": 5},
        Role.SUPPORTER: {"tells": False, "notes": words, "strategies": ["Question"]},
    }
    for condition in (PARTIAL, AUTHOR):
        heard = play(data, condition, lines, inner, form)
        assert len([event for event in heard.events if event.kind == "spoke"]) == 4
        asked = put_to(heard.events, probing(), form)
        for put in asked:
            assert words in put.texts[0][1]
            assert "{items}" not in put.texts[-1][1].replace(f"{line} {put.role}", "")
            shown = [put.texts[-1][1].count(text) for text in TEXTS.values()]
            assert (max(shown), sum(shown)) == (1, points_for(put.request, lambda _: 9).count("9"))
            if form == "json" or condition is AUTHOR:
                assert put.texts[-1][1].count(f"{line} {put.role}") >= 1
        for put in asked:
            if put.turn >= 2 and condition is PARTIAL:
                other = [text for kind, text in put.texts[1:-1] if kind == "UserMessage"]
                assert lines[Role(put.role).other][0] in other


@given(st.lists(hostile_text(), min_size=4, max_size=4))
@settings(max_examples=40, **GIVEN)
def test_an_observer_is_shown_each_line_as_it_was_said(lines):
    for put in put_to(a_talk(lines, opens=Role.SEEKER), observing()):
        ((kind, text),) = put.texts
        shown = [json.loads(line) for line in re.split("\n", text) if line.startswith('{"line"')]
        own = lines[0 if put.role == "seeker" else 1 :: 2]
        assert kind == "UserMessage"
        assert shown == [{"line": number, "text": words} for number, words in enumerate(own, start=1)]


# Law 2: measuring changes nothing


SOURCES = ("self", "bare", "observer")


def run_of_all(runs, plan=None):
    """A run under every kind of condition, with traits on or off; gives it and what its model received."""
    client = ScriptedClient(latency_s=0.0005)
    model = wrap_client(client, "slow")
    wishes = Wishes(model="slow", turns=5, replicates=1, seed=7, conditions=read_conditions([*NAMED, "script"]))
    record, _ = plan_run([read_scenario("shared-dog")], SPECS, wishes)
    run = RunFolder.create(runs, record.model_copy(update={"id": "run"}))
    readers = readers_of(run, plan, model) if plan else []
    outcome = asyncio.run(run_conversations(run, {"slow": model}, lambda conversation, event: None, readers))
    assert (outcome.finished, dict(outcome.unread)) == (5, {})
    return run, client.received


def readers_of(run, plan, model):
    return trait_readers(run, plan, {"slow": model}, model, partial(measure_record, plan))


def as_sent(requests):
    return sorted(Put(None, "", 0, "", request).sent for request in requests)


@pytest.mark.parametrize("how", PLANS)
def test_traits_change_nothing_and_are_asked_the_same_live_as_later(how, tmp_path):
    alone, spoken = run_of_all(tmp_path / "alone")
    probed, received = run_of_all(tmp_path / "probed", PLANS[how])
    for log in alone.logs():
        assert but_for_time(probed.final(log.stem)) == but_for_time(log)
    probes = [request for request in received if any(text in str(request.messages[-1]) for text in TEXTS.values())]
    speaking = [request for request in received if request not in probes]
    assert as_sent(speaking) == as_sent(spoken)
    assert not any(text in str(request.messages) for request in speaking for text in TEXTS.values())
    assert not any(text in str(request.messages[:-1]) for request in probes for text in TEXTS.values())
    client = ScriptedClient()
    later = readers_of(alone, PLANS[how], wrap_client(client, "slow"))
    assert asyncio.run(read_run(alone, later)) == (5 * len(SOURCES), {})
    assert as_sent(client.received) == as_sent(probes)
    logs = {f"{folder.path.name}/{log.name}": log for folder in measure_folders(alone) for log in folder.logs()}
    assert len(logs) == 5 * len(SOURCES)
    for name, log in logs.items():
        assert but_for_time(log) == but_for_time(probed.path / "measures" / name)
