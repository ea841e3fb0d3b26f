"""Law 1: a role's every prompt is a function of what it may see alone. Law 8: prompts grow at the end."""

import asyncio
import copy
import importlib
import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from confide.agents import Place, Segment
from confide.scenarios import Role
from confide.simulator import Conversation, Moderator, ViewBuilder, fold, frame_of
from tests.helpers import (
    PARTIAL,
    hostile_text,
    make_setup,
    prompts_of,
    scenario_from,
    scenarios,
    scripted,
    seeker_json,
    sides,
    supporter_json,
    talk,
)

replay_module = importlib.import_module("confide.simulator.replay")
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def lines(draw_from: list[str], role: Role, inner: dict[str, object]):
    """The n-th reply of ``role``: a fixed utterance, with a private part that may vary."""
    write = seeker_json if role is Role.SEEKER else supporter_json

    def script(request):
        count = sum(message.type == "AssistantMessage" for message in request.messages)
        return write(draw_from[count % len(draw_from)], **inner)

    return script


def prompts_seen_by(role: Role, data, utterances, inner):
    """Run a talk; give the bytes of all prompts that ``role`` received."""
    clients, models = {}, {}
    for each in Role:
        models[each], clients[each] = scripted(lines(utterances[each], each, inner[each]))
    talk(make_setup(scenario_from(data), models[Role.SEEKER], models[Role.SUPPORTER]))
    return [json.dumps(prompt).encode() for prompt in prompts_of(clients[role])]


def some_inner(role: Role) -> st.SearchStrategy[dict[str, object]]:
    if role is Role.SEEKER:
        return st.fixed_dictionaries(
            {"thoughts": hostile_text(), "emotion": st.integers(0, 100), "trust": st.integers(0, 100)}
        )
    return st.fixed_dictionaries(
        {
            "notes": hostile_text(),
            "strategies": st.lists(st.sampled_from(["Question", "Information"]), min_size=1, max_size=2),
        }
    )


@st.composite
def two_worlds(draw):
    """Two scenarios that differ in nothing that ``role`` may see, and two private parts of the other's replies."""
    role = draw(st.sampled_from(list(Role)))
    data = draw(scenarios())
    changed = copy.deepcopy(data)
    other = role.other
    changed[other.value] = draw(sides(other, data[other.value]["persona"]["name"]))
    utterances = {each: draw(st.lists(hostile_text(), min_size=3, max_size=3, unique=True)) for each in Role}
    inner = {each: draw(some_inner(each)) for each in Role}
    inner_changed = {**inner, other: draw(some_inner(other))}
    return role, data, changed, utterances, inner, inner_changed


def assert_non_interference(worlds):
    role, data, changed, utterances, inner, inner_changed = worlds
    before = prompts_seen_by(role, data, utterances, inner)
    after = prompts_seen_by(role, changed, utterances, inner_changed)
    assert len(before) == 3
    assert before == after


@given(two_worlds())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
def test_what_a_role_may_not_see_changes_no_byte_of_its_prompts(worlds):
    assert_non_interference(worlds)


class LeakingConversation(Conversation):
    """Lets the other side's facts into every view: the negative control."""

    def __init__(self, setup, sink, stage=None):
        super().__init__(setup, sink, stage)
        for role, builder in self._views.items():
            leak = "; ".join(fact.text for fact in setup.scenario.role(role.other).facts)
            builder.view = self.leaky(builder.view, leak)

    @staticmethod
    def leaky(view, leak):
        return lambda state: view(state).plus(Segment("fact:leak", Place.TAIL, leak)) if leak else view(state)


def test_the_check_finds_a_view_that_leaks(monkeypatch):
    monkeypatch.setattr(replay_module, "Conversation", LeakingConversation)
    unshrunk = settings(
        max_examples=60, deadline=None, suppress_health_check=SLOW, phases=[Phase.generate], database=None
    )
    with pytest.raises(AssertionError):
        unshrunk(given(two_worlds())(assert_non_interference))()


@pytest.mark.parametrize("role", list(Role))
def test_what_a_role_may_see_does_reach_its_prompts(role):
    """The other half of the promise: the check above would also pass if prompts were empty."""
    model, client = scripted()
    setup = make_setup("exam-panic", model)
    talk(setup)
    mine = [p for p in prompts_of(client) if f"You play {setup.scenario.role(role).persona.name}" in p[0][1]]
    side = setup.scenario.role(role)
    assert mine
    for fact in side.facts:
        assert fact.text in mine[0][0][1]
    assert side.persona.background in mine[0][0][1]
    assert setup.scenario.situation in mine[0][0][1]


@given(scenarios(turns=8), st.sampled_from(["json", "tagged"]))
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
def test_a_prompt_starts_with_the_last_one_up_to_its_tail(data, reply_format):
    scenario = scenario_from(data)
    clients = {}
    models = {}
    for role in Role:
        if reply_format == "json":
            models[role], clients[role] = scripted(lines(["one", "two", "three", "four"], role, {}))
        else:
            line = "[emotion 5, trust 6, told nothing] hm" if role is Role.SEEKER else "[Question + Others] so?"
            models[role], clients[role] = scripted(
                lambda request, line=line: f"{line} {len(request.messages)}", reply="tagged"
            )
            models[role] = models[role]._replace(structured="none")
    talk(make_setup(scenario, models[Role.SEEKER], models[Role.SUPPORTER]))
    for role in Role:
        received = prompts_of(clients[role])
        assert len(received) == 4
        tail = 1 if reply_format == "json" else 0
        for earlier, later in zip(received, received[1:], strict=False):
            body = earlier[: len(earlier) - tail]
            assert later[: len(body)] == body
            assert len(later) == len(earlier) + 2


def test_only_the_changing_blocks_stand_in_the_tail():
    model, client = scripted()
    talk(make_setup("exam-panic", model))
    heads = {prompt[0][1] for prompt in prompts_of(client)}
    assert len(heads) == 2, "each role's system message stays the same at every turn"


def test_a_frame_is_handed_its_own_side_only():
    """By construction: nothing in a frame holds the other side."""
    setup = make_setup("exam-panic", scripted()[0])
    for role in Role:
        frame = frame_of(setup.scenario, setup.taxonomy, role, setup.prompts[role], setup.models[role].format, PARTIAL)
        other = setup.scenario.role(role.other)
        held = repr(vars(frame))
        assert setup.scenario.role(role).facts[0].text in held
        assert all(fact.text not in held for fact in other.facts)
        assert other.persona.background not in held


def test_a_builder_that_is_handed_another_talk_begins_anew():
    builder = ViewBuilder(make_setup("exam-panic", scripted()[0]).prepare().frames[Role.SEEKER])
    states = []
    for seed in (1, 2):
        moderator = Moderator(make_setup("exam-panic", scripted()[0], seed=seed))
        asyncio.run(moderator.run())
        states.append([fold(moderator.events[:n]) for n in range(1, len(moderator.events))])
    for state in (*states[0], *states[1], *states[0][:9]):
        fresh = ViewBuilder(make_setup("exam-panic", scripted()[0]).prepare().frames[Role.SEEKER])
        assert builder.view(state) == fresh.view(state)
