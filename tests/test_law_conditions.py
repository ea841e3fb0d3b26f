"""Law 1 for every condition: what a condition does not show changes no byte of what a model receives; what it shows
arrives. Law 8 for every condition, common random numbers, and replay. Gated telling is in test_golden_conditions.py."""

import importlib

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from confide.agents import Place, Segment
from confide.agents.models import draw_reply
from confide.scenarios import Limits, Role, Sight, TellingPolicy, Writer
from confide.simulator import Called, Conversation, Spoke, replay
from confide.simulator.gate import Gate
from confide.simulator.views import side_seen
from tests.condition_helpers import (
    FORMATS,
    GIVEN,
    as_bytes,
    converse,
    models_for,
    one_writer,
    play,
    some_inner,
    talks,
    two_agents,
    whole,
    words,
)
from tests.helpers import CONDITIONS, make_setup, scenario_from, scenarios, scripted, sides

making = importlib.import_module("confide.simulator.setup")

INNER = ("goals", "emotion", "intensity", "trust")


def change(draw, side, data, seen):
    """``data`` with those parts of ``side`` drawn anew that are not ``seen``."""
    old = data[side.value]
    new = draw(sides(side, old["persona"]["name"]))
    return {**data, side.value: {key: old[key] if key in seen else new[key] for key in new}}


@st.composite
def worlds(draw, conditions=None):
    """Two worlds that differ in nothing that ``role`` may see."""
    data, condition, lines, inner, form = draw(talks(conditions if conditions is not None else two_agents()))
    role = draw(st.sampled_from(list(Role)))
    sees, other = condition.sees(role), role.other
    own = [*INNER, "facts", *(["persona"] if condition.shows_persona(role) else [])]
    seen = [
        *(["persona"] if Sight.OTHER_PERSONA in sees and condition.shows_persona(other) else []),
        *(["facts"] if Sight.OTHER_FACTS in sees else []),
        *(INNER if Sight.OTHER_INNER in sees else []),
    ]
    changed = change(draw, other, data, seen)
    changed = change(draw, role, changed, own if Sight.OWN in sees else [])
    if Sight.OTHER_INNER not in sees:
        return role, condition, form, lines, (data, inner), (changed, {**inner, other: draw(some_inner(other))})
    if data != changed:  # which facts it declares is a private part of its replies, which is seen and must stay
        inner = {**inner, other: {**inner[other], "tells": False}}
    return role, condition, form, lines, (data, inner), (changed, inner)


def assert_nothing_unseen_arrives(drawn, kind=Conversation):
    role, condition, form, lines, *both = drawn
    heard = [play(data, condition, lines, inner, form, kind).received[role] for data, inner in both]
    assert heard[0]
    assert as_bytes(heard[0]) == as_bytes(heard[1])


@given(worlds())
@settings(max_examples=150, **GIVEN)
def test_what_a_condition_does_not_show_changes_no_byte(drawn):
    assert_nothing_unseen_arrives(drawn)


@pytest.mark.parametrize("forms", [("json", "tagged"), ("tagged", "json")])
def test_what_is_shown_arrives_where_the_two_write_in_different_formats(forms):
    """One format asks for thoughts and notes, and the other does not: what is there is shown nevertheless."""
    condition = CONDITIONS["omniscient"]
    inner = {
        Role.SEEKER: {"tells": False, "thoughts": "Not yet.", "emotion": 71, "trust": 13},
        Role.SUPPORTER: {"tells": False, "notes": "Tired.", "strategies": ["Reflection of feelings"]},
    }
    made = {}
    for role, form in zip(Role, forms, strict=True):
        lines = {key: ["One.", "Two.", "Three."] for key in Role}
        models, clients = models_for(condition, Role.SEEKER, lines, inner, form, 6)
        made[role] = models[role], clients[role]
    setup = make_setup("exam-panic", made[Role.SEEKER][0], made[Role.SUPPORTER][0], condition=condition)
    setup = setup._replace(scenario=setup.scenario.model_copy(update={"limits": Limits(turns=6)}))
    converse(setup)
    seeker, supporter = (str(made[role][1].received[-1].messages[-1].content) for role in Role)
    assert "Reflection of feelings" in seeker
    assert "71" in supporter
    assert "13" in supporter
    assert "None" not in seeker + supporter


@st.composite
def worlds_of_one_writer(draw):
    data, condition, lines, inner, form = draw(talks(one_writer()))
    changed = data
    for side in Role:
        seen = [*INNER, "facts", *(["persona"] if condition.shows_persona(side) else [])]
        changed = change(draw, side, changed, seen)
    return Role.SEEKER, condition, form, lines, (data, inner), (changed, inner)


@given(worlds_of_one_writer())
@settings(max_examples=40, **GIVEN)
def test_a_persona_that_is_not_shown_changes_no_byte_of_an_authors_prompts(drawn):
    assert_nothing_unseen_arrives(drawn)


class FactInTail(Conversation):
    """Lets the other side's facts into the tail of every view."""

    def __init__(self, setup, sink, stage=None):
        super().__init__(setup, sink, stage)
        for role, builder in self._views.items():
            leak = "; ".join(fact.text for fact in setup.scenario.role(role.other).facts)
            builder.view = self.leaky(builder.view, leak)

    @staticmethod
    def leaky(view, leak):
        return lambda state: view(state).plus(Segment("fact:leak", Place.TAIL, leak)) if leak else view(state)


def wrong_sight(monkeypatch):
    right = making.frame_of

    def frame_of(scenario, taxonomy, role, prompt, form, condition):
        wider = {f"{role}_sees": (*condition.sees(role), Sight.OTHER_INNER)}
        return right(scenario, taxonomy, role, prompt, form, condition.model_copy(update=wider))

    monkeypatch.setattr(making, "frame_of", frame_of)


def mindreading_gate(monkeypatch):
    """A gate that opens facts by what the supporter keeps to itself."""
    right = Gate.open_after

    def open_after(self, state, turn):
        reply = state.last_reply(Role.SUPPORTER)
        everything = tuple(fact.id for fact in self._facts)
        return everything if reply is not None and len(reply.strategies) > 1 else right(self, state, turn)

    monkeypatch.setattr(Gate, "open_after", open_after)


@pytest.mark.parametrize("leak", [None, wrong_sight, mindreading_gate], ids=["fact", "sight", "gate"])
def test_the_check_finds_a_leak(leak, monkeypatch):
    conditions = two_agents()
    if leak is None:
        kind = FactInTail
    else:
        kind = Conversation
        leak(monkeypatch)
    if leak is mindreading_gate:
        conditions = st.just(CONDITIONS["gated"])
    unshrunk = settings(max_examples=200, phases=[Phase.generate], database=None, **GIVEN)
    with pytest.raises(AssertionError):
        unshrunk(given(worlds(conditions))(lambda drawn: assert_nothing_unseen_arrives(drawn, kind)))()


def persona_words(spec, form):
    values = side_seen(spec, persona=True, facts=False, inner=False).values
    return [spec.persona.background, *([values["traits"] or "", values["style"] or ""] if form == "json" else [])]


def inner_words(spec, form):
    listed = [f"- {goal}" for goal in spec.goals] if form == "json" else []
    return (
        [*listed, f"{spec.emotion}, at {spec.intensity} of 5" if form == "json" else spec.emotion]
        if hasattr(spec, "emotion")
        else listed
    )


@given(talks(two_agents()))
@settings(max_examples=80, **GIVEN)
def test_what_a_condition_shows_arrives(drawn):
    """The other half of the promise: the check above would also pass if prompts were empty."""
    data, condition, _, inner, form = drawn
    heard, scenario = play(*drawn), scenario_from(data)
    for role in Role:
        sees, own, other = condition.sees(role), scenario.role(role), scenario.role(role.other)
        gated = condition.telling is TellingPolicy.GATED and role is Role.SEEKER
        due = [scenario.situation, own.persona.name, other.persona.name]
        if Sight.OWN in sees:
            due += inner_words(own, form) + ([] if gated else [fact.text for fact in own.facts])
            due += persona_words(own, form) if condition.shows_persona(role) else []
        if Sight.OTHER_PERSONA in sees and condition.shows_persona(role.other):
            due += persona_words(other, form)
        if Sight.OTHER_FACTS in sees:
            due += [fact.text for fact in other.facts]
        if Sight.OTHER_INNER in sees and (form == "json" or role is Role.SUPPORTER):
            due += inner_words(other, form)
        for messages, _, _ in heard.received[role]:
            assert messages[0][0] == "SystemMessage"
            assert all(text in messages[0][1] for text in due)
        if Sight.OTHER_INNER in sees:
            private, last = inner[role.other], heard.received[role][-1][0][-1][1]
            named = "notes" if role is Role.SEEKER else "thoughts"
            shown = [private[named]] if form == "json" else []
            shown += private["strategies"] if role is Role.SEEKER else [str(private["emotion"]), str(private["trust"])]
            assert all(text in last for text in shown)


@given(talks(one_writer(), turns=4))
@settings(max_examples=40, **GIVEN)
def test_an_author_reads_everything_but_personas_that_are_not_shown(drawn):
    data, condition, *said_and_thought = drawn
    form = said_and_thought[-1]
    for side in Role:  # a background that nothing else holds by accident
        data[side.value]["persona"]["background"] = f"Background of the {side}, in words of its own."
    heard, scenario = play(data, condition, *said_and_thought), scenario_from(data)
    prompts = heard.received[Role.SEEKER]
    assert len(prompts) == (1 if condition.writer is Writer.SCRIPT else 4)
    for side in Role:
        spec = scenario.role(side)
        due = [*(fact.text for fact in spec.facts), *inner_words(spec, form)]
        due += persona_words(spec, form) if condition.shows_persona(side) else []
        assert all(text in messages[0][1] for messages, _, _ in prompts for text in due)
        if not condition.shows_persona(side):
            assert not any(spec.persona.background in text for text in words(prompts))


@given(talks(turns=8))
@settings(max_examples=80, **GIVEN)
def test_a_prompt_starts_with_the_last_one_up_to_its_tail(drawn):
    """Law 8. What an author reads has no tail: its next prompt starts with its whole last one."""
    condition, form = drawn[1], drawn[4]
    heard = play(*drawn)
    for role, received in heard.received.items():
        prompts = [messages for messages, _, _ in received]
        for count, (earlier, later) in enumerate(zip(prompts, prompts[1:], strict=False)):
            now = Sight.OTHER_INNER in condition.sees(role) and (count > 0 or drawn[0]["opens"] != role)
            tail = 1 if condition.writer is Writer.TWO_AGENTS and (form == "json" or now) else 0
            body = earlier[: len(earlier) - tail]
            assert later[: len(body)] == body
            assert len(later) > len(earlier)
        assert len({messages[0] for messages in prompts}) == 1


@given(talks(turns=5), st.lists(st.sampled_from(sorted(CONDITIONS)), min_size=2, max_size=3, unique=True))
@settings(max_examples=30, **GIVEN)
def test_conditions_share_their_seeds(drawn, names):
    data, generated, lines, inner, form = drawn
    seeds = {}
    for condition in (generated, *(CONDITIONS[name] for name in names)):
        bad = {**lines, Role.SUPPORTER: [" "]} if form == "json" else lines  # some calls are repairs
        for said_lines in (lines, bad):
            for call in play(data, condition, said_lines, inner, form).events:
                if isinstance(call, Called):
                    assert seeds.setdefault((call.purpose, call.turn), call.seed) == call.seed
    assert len(set(seeds.values())) == len(seeds), "no two purposes or turns share one"


def drawn_line(request):
    seed = request.args["seed"]
    bracket = "Question" if "name ::=" in request.args["grammar"] else f"emotion {seed % 101}, trust 5, told nothing"
    return f"[{bracket}] Words {seed}."


@given(two_agents(), two_agents(), scenarios(2), st.sampled_from(FORMATS))
@settings(max_examples=40, **GIVEN)
def test_the_opening_turn_is_the_same_whatever_the_other_sees(condition, another, data, form):
    opener = Role(data["opens"])
    other = f"{opener.other}_sees"
    changed = condition.model_copy(update={other: getattr(another, other)})
    first = []
    for each in (condition, changed):
        model, client = scripted(draw_reply if form == "json" else drawn_line, reply=form)
        model = model._replace(structured="grammar") if form == "tagged" else model
        events = converse(make_setup(scenario_from(data), model, condition=each))
        called = next(event for event in events if isinstance(event, Called))
        first.append((as_bytes([whole(client.received[0])]), called.seed, called.prompt, called.reply))
    assert first[0] == first[1]


@given(talks(turns=4))
@settings(max_examples=25, **GIVEN)
def test_every_talk_replays_under_every_condition(drawn):
    data, generated, lines, inner, form = drawn
    for condition in (generated, *CONDITIONS.values()):
        events = play(data, condition, lines, inner, form).events
        assert any(isinstance(event, Spoke) for event in events)
        replay(events)
