"""Talks under any condition: what each model client received, and the generators of conditions, lines and inner states."""

import json
import re
from typing import NamedTuple

from hypothesis import HealthCheck
from hypothesis import strategies as st

from confide.scenarios import Condition, PersonasShown, Role, Sight, TellingPolicy, Writer
from confide.simulator import Conversation, Memory
from tests.helpers import (
    CONDITIONS,
    hostile_text,
    make_setup,
    one_line,
    scenario_from,
    scenarios,
    scripted,
)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
GIVEN = {"deadline": None, "suppress_health_check": SLOW}
SIGHTS = [Sight.OWN, Sight.OTHER_PERSONA, Sight.OTHER_FACTS, Sight.OTHER_INNER]
FORMATS = ["json", "tagged"]
ONE_WRITER = [CONDITIONS["author"], CONDITIONS["script"]]


class Heard(NamedTuple):
    """A talk: its events, and by writer what the model client received."""

    events: tuple
    received: dict


def finish(conversation):
    """Run a conversation whose models never wait."""
    try:
        conversation.run(None).send(None)
    except StopIteration:
        return
    raise AssertionError("a scripted model waits for nothing")


def converse(setup, kind=Conversation):
    memory = Memory()
    finish(kind(setup, memory))
    return tuple(memory.events)


def tellable(args):
    """The ids that a request's schema or grammar lets a reply of one turn declare."""
    if "grammar" in args:
        ids = re.search(r"^id ::= (.*)$", args["grammar"], re.MULTILINE)
        return [json.loads(part) for part in ids[1].split(" | ")] if ids else []
    schema = args["response_format"]["json_schema"]["schema"]["properties"]
    return schema["told"]["items"].get("enum", []) if "told" in schema else []


def write(role, utterance, inner, told, form):
    if form == "tagged" and role is Role.SUPPORTER:
        return f"[{' + '.join(inner['strategies'])}] {utterance}"
    if form == "tagged":
        return f"[emotion {inner['emotion']}, trust {inner['trust']}, told {' + '.join(told) or 'nothing'}] {utterance}"
    private = {key: value for key, value in inner.items() if key != "tells"}
    return json.dumps({"role": role, **private, "told": told, "utterance": utterance, "wants_to_end": False})


def models_for(condition, opens, lines, inner, form, turns):
    """Models that say ``lines`` with the private part ``inner``, and their clients, by writer."""

    def one(role, count, args):
        told = tellable(args)[:1] if inner[role]["tells"] else []
        return write(role, lines[role][count % len(lines[role])], inner[role], told, form)

    def as_role(role):
        return lambda request: one(role, said(request), request.args)

    def as_author(request):
        count = said(request)
        return one(opens if count % 2 == 0 else opens.other, count // 2, request.args)

    def as_script(request):
        order = [opens if turn % 2 == 0 else opens.other for turn in range(turns)]
        told = {"response_format": {"json_schema": {"schema": {"properties": {}}}}}
        parts = [one(role, turn // 2, told) for turn, role in enumerate(order)]
        return "\n".join(parts) if form == "tagged" else '{"turns": [' + ", ".join(parts) + "]}"

    if condition.writer is Writer.TWO_AGENTS:
        made = {role: scripted(as_role(role), reply=form) for role in Role}
    else:
        made = dict.fromkeys(Role, scripted(as_script if condition.writer is Writer.SCRIPT else as_author, reply=form))
    models = {role: model for role, (model, _) in made.items()}
    if form == "tagged":
        models = {role: model._replace(structured="grammar") for role, model in models.items()}
    return models, {role: client for role, (_, client) in made.items()}


def said(request):
    return sum(message.type == "AssistantMessage" for message in request.messages)


def play(data, condition, lines, inner, form, kind=Conversation):
    scenario = scenario_from(data)
    models, clients = models_for(condition, scenario.opens, lines, inner, form, scenario.limits.turns)
    setup = make_setup(scenario, models[Role.SEEKER], models[Role.SUPPORTER], condition=condition)
    events = converse(setup, kind)
    return Heard(events, {role: [whole(request) for request in client.received] for role, client in clients.items()})


def whole(request):
    """All that a model client received, but for the seed: its messages, and how it is held to the format."""
    messages = [(message.type, str(message.content)) for message in request.messages]
    return messages, {name: value for name, value in request.args.items() if name != "seed"}, request.json_output


def as_bytes(prompts):
    return [json.dumps(prompt).encode() for prompt in prompts]


def words(prompts):
    """Every text that a client received: the messages, and the schemas and grammars."""
    return [text for messages, args, _ in prompts for text in (*(text for _, text in messages), flat(args))]


def flat(args):
    return args.get("grammar") or json.dumps(args, ensure_ascii=False)


@st.composite
def two_agents(draw):
    """Any condition with two agents."""
    some = st.lists(st.sampled_from(SIGHTS), min_size=1, max_size=4, unique=True)
    seen = {f"{role}_sees": tuple(draw(st.one_of(st.just([Sight.ALL]), some))) for role in Role}
    shown = PersonasShown(seeker=draw(st.booleans()), supporter=draw(st.booleans()))
    telling = draw(st.sampled_from(list(TellingPolicy)))
    return Condition(id="generated", title="Generated", personas=shown, telling=telling, **seen)


@st.composite
def one_writer(draw):
    """Author and script, with personas on or off."""
    shown = PersonasShown(seeker=draw(st.booleans()), supporter=draw(st.booleans()))
    return draw(st.sampled_from(ONE_WRITER)).model_copy(update={"personas": shown})


def some_lines(form):
    text = one_line() if form == "tagged" else hostile_text()
    return st.fixed_dictionaries({role: st.lists(text, min_size=3, max_size=3, unique=True) for role in Role})


def some_inner(role):
    tells = {"tells": st.booleans()}
    if role is Role.SEEKER:
        percent = st.integers(0, 100)
        return st.fixed_dictionaries({**tells, "thoughts": hostile_text(), "emotion": percent, "trust": percent})
    names = st.lists(st.sampled_from(["Question", "Information"]), min_size=1, max_size=2, unique=True)
    return st.fixed_dictionaries({**tells, "notes": hostile_text(), "strategies": names})


@st.composite
def talks(draw, conditions=None, turns=6):
    """A condition, a scenario, a format, and what is said and thought."""
    form = draw(st.sampled_from(FORMATS))
    condition = draw(conditions if conditions is not None else st.one_of(two_agents(), one_writer()))
    inner = {role: draw(some_inner(role)) for role in Role}
    return draw(scenarios(turns)), condition, draw(some_lines(form)), inner, form
