"""Conditions by example: what each of them changes in a prompt, to the byte, and what many random talks give away.

To accept a change of the golden files: GOLDEN=write make test, and read the diff.
"""

import random
from difflib import unified_diff
from itertools import combinations

import pytest

from confide.scenarios import PRESETS, Reveal, Role, Writer
from confide.simulator import Called, Conversation, Learned, Noticed, Spoke, ViewBuilder, fold, frame_of
from tests.condition_helpers import FORMATS, Heard, converse, tellable, whole, words, write
from tests.helpers import CONDITIONS, PARTIAL, make_setup, scenario_from, scripted, seeker_json, supporter_json
from tests.test_golden import GOLDEN, compare, in_words
from tests.test_law_conditions import FactInTail

FOLDER = "conditions"
TURNS = 4


def fixed(role, count, form):
    """The fixed reply of a role's ``count``-th turn."""
    if form == "json" and role is Role.SEEKER:
        return seeker_json(f"Seeker line {count}.", emotion=70 - count, role="seeker")
    if form == "json":
        return supporter_json(f"Supporter line {count}.", notes=f"Note {count}.", role="supporter")
    if role is Role.SEEKER:
        return f"[emotion {70 - count}, trust 30, told nothing] Seeker line {count}."
    return f"[Question + Reflection of feelings] Supporter line {count}?"


def fixed_talk(name, form):
    """A talk over fixed replies: its setup, its events, and by role the last prompt."""
    condition, setup = CONDITIONS[name], make_setup("awake-at-three", scripted()[0])
    limits = setup.scenario.limits.model_copy(update={"turns": TURNS})
    scenario = setup.scenario.model_copy(update={"limits": limits})
    order = [scenario.opens, scenario.opens.other] * (TURNS // 2)

    def script(request):
        if condition.writer is Writer.SCRIPT:
            parts = [fixed(role, turn // 2, form) for turn, role in enumerate(order)]
            return "\n".join(parts) if form == "tagged" else '{"turns": [' + ", ".join(parts) + "]}"
        turn = sum(len(client.received) for client in clients) - 1
        return fixed(order[turn], turn // 2, form)

    made = [scripted(script, reply=form) for _ in Role]
    if condition.writer is not Writer.TWO_AGENTS:
        made[1] = made[0]
    clients = list({id(client): client for _, client in made}.values())
    models = [model._replace(structured="json_schema" if form == "json" else "grammar") for model, _ in made]
    setup = make_setup(scenario, *models, condition=condition)
    last = {role: made[index][1].received for index, role in enumerate((Role.SEEKER, Role.SUPPORTER))}
    events = converse(setup)
    if condition.writer is Writer.ONE_AUTHOR:
        last = {
            role: [r for r, who in zip(received, order, strict=True) if who is role] for role, received in last.items()
        }
    return setup, events, {role: whole(received[-1])[0] for role, received in last.items()}


def diff(form, role, *names):
    texts = [in_words(fixed_talk(name, form)[2][role]).splitlines() for name in names]
    return "\n".join(unified_diff(*texts, *names, lineterm="")) + "\n"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("names", list(combinations(PRESETS, 2)), ids="-".join)
def test_what_a_preset_changes_for_the_supporter(names, form):
    (GOLDEN / FOLDER).mkdir(exist_ok=True)
    compare(f"{FOLDER}/{form}-{names[0]}-{names[1]}.diff", diff(form, Role.SUPPORTER, *names))


@pytest.mark.parametrize("form", FORMATS)
def test_what_omniscience_changes_for_the_seeker(form):
    compare(f"{FOLDER}/{form}-partial-omniscient.seeker.diff", diff(form, Role.SEEKER, "partial", "omniscient"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("role", list(Role))
def test_omniscience_adds_the_others_segments_and_changes_none(role, form):
    setup, events, _ = fixed_talk("partial", form)
    builders = []
    for name in ("partial", "omniscient"):
        model = setup.models[role]
        frame = frame_of(setup.scenario, setup.taxonomy, role, setup.prompts[role], model.format, CONDITIONS[name])
        builders.append(ViewBuilder(frame))
    others = {fact.id for fact in setup.scenario.role(role.other).facts}
    about = {f"{kind}:{role.other}" for kind in ("persona", "goals", "state")}
    allowed = {*about, *(f"fact:{fact}" for fact in others), "instruction:other"}
    added = set()
    for count in range(1, len(events)):
        state = fold(events[:count])
        partial, omniscient = (builder.view(state) for builder in builders)
        rest = iter(partial.segments)
        due = next(rest)
        for segment in omniscient.segments:
            if segment == due:
                due = next(rest, None)
            else:
                assert segment.source in allowed
                added.add(segment.source)
        assert due is None, "every segment of partial's view is there, unchanged and in order"
        assert partial.facts == omniscient.facts
    assert added >= {f"persona:{role.other}", f"state:{role.other}", *(f"fact:{fact}" for fact in others)}
    assert f"goals:{role.other}" in added or form == "tagged"


def unique(draw, count=6):
    """Words that nothing else holds."""
    return " ".join(f"q{draw.getrandbits(40):010x}z" for _ in range(count))


def random_scenario(draw, turns):
    """Facts with texts and ids that nothing else holds."""
    data = {"id": "random", "title": "Random", "problem": "job crisis", "situation": "A chat.", "language": "English"}
    data |= {"opens": draw.choice(list(Role)).value, "limits": {"turns": turns}}
    for role in Role:
        found = []
        for _ in range(draw.randint(1, 4)):
            fact = {"id": f"f{draw.getrandbits(48):x}", "text": unique(draw), "reveal": draw.choice(list(Reveal)).value}
            fact |= {"trust": draw.randint(0, 100)} if fact["reveal"] == "when_trusting" else {}
            fact |= {"after": [draw.choice(found)["id"]]} if found and draw.random() < 0.4 else {}
            found.append(fact)
        data[role.value] = {"persona": {"name": f"The {role}", "background": "Somebody."}, "facts": found}
    data["seeker"] |= {"emotion": "fear", "intensity": 3, "trust": draw.choice([None, 20, 60])}
    return data


def random_reply(draw, role, scenario, form):
    """A reply to a request: it asks, tells with or without saying so, quotes the other's facts, or says nothing."""
    own, others = scenario.role(role).facts, scenario.role(role.other).facts

    def reply(request):
        told, text = [], f"Well {draw.getrandbits(30)}."
        what, open_now = draw.random(), tellable(request.args)
        if what < 0.4 and open_now:
            told = [draw.choice(open_now)]
            text += " " + next(fact.text for fact in own if fact.id == told[0])
        elif what < 0.5 and open_now:
            told = [draw.choice(open_now)]
        elif what < 0.6:
            text += " " + draw.choice(own).text
        elif what < 0.9:
            text += f" What about {' '.join(draw.choice(others).text.split()[1:4])}?"
        inner = {"emotion": draw.randint(0, 100), "trust": draw.randint(0, 100), "thoughts": unique(draw)}
        if role is Role.SUPPORTER:
            inner = {"strategies": ["Question"], "notes": unique(draw)}
        return write(role, text, inner, told, form)

    return reply


def random_talk(draw, condition, form, turns, kind=Conversation):
    scenario = scenario_from(random_scenario(draw, turns))
    made = {role: scripted(random_reply(draw, role, scenario, form), reply=form) for role in Role}
    models = {role: model for role, (model, _) in made.items()}
    if form == "tagged":
        models = {role: model._replace(structured="grammar") for role, model in models.items()}
    setup = make_setup(scenario, models[Role.SEEKER], models[Role.SUPPORTER], condition=condition)
    events = converse(setup, kind)
    return scenario, Heard(events, {role: [whole(r) for r in client.received] for role, (_, client) in made.items()})


def open_by_turn(scenario, events):
    """For each turn, the seeker's facts that may be told when it comes: worked out from the log, without the gate."""
    facts, trust, told, asked = scenario.seeker.facts, scenario.seeker.trust, set(), set()
    found, opened = {}, set()

    def now():
        for fact in facts:
            may = {
                Reveal.OPENLY: True,
                Reveal.WHEN_ASKED: fact.id in asked,
                Reveal.WHEN_TRUSTING: trust is not None and fact.trust is not None and trust >= fact.trust,
                Reveal.NEVER: False,
            }[fact.reveal]
            if may and told >= set(fact.after):
                opened.add(fact.id)
        return frozenset(opened)

    found[0] = now()
    turns = [event for event in events if isinstance(event, Spoke)]
    for spoke in turns:
        told |= {e.fact for e in events if isinstance(e, Learned) and e.how == "told" and e.turn == spoke.turn}
        asked |= {e.fact for e in events if isinstance(e, Noticed) and e.what == "asked" and e.turn == spoke.turn}
        trust = spoke.reply.trust if spoke.role is Role.SEEKER else trust
        if spoke.role is Role.SUPPORTER:
            found[spoke.turn + 1] = now()
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_a_fact_comes_to_mind_when_it_may_be_told(form):
    kinds = set()
    for seed in range(150):
        scenario, heard = random_talk(random.Random(seed), CONDITIONS["gated"], form, 10)
        opened = open_by_turn(scenario, heard.events)
        spoken = {event.turn: event for event in heard.events if isinstance(event, Spoke)}
        turns = [turn for turn, spoke in spoken.items() if spoke.role is Role.SEEKER]
        for turn, prompt in zip(turns, heard.received[Role.SEEKER], strict=True):
            public = " ".join(spoken[earlier].reply.utterance for earlier in range(turn))
            for fact in scenario.seeker.facts:
                shown = [text for text in words([prompt]) if fact.id in text]
                if fact.id in opened[turn]:
                    assert any(fact.text in text for text in shown)
                    assert fact.id in tellable(prompt[1])
                    kinds |= {(fact.reveal, turn > 1)}
                else:
                    assert not shown
                    assert fact.text in public or not any(fact.text in text for text in words([prompt]))
    assert kinds == {(kind, late) for kind in Reveal for late in (False, True)} - {
        (Reveal.NEVER, False), (Reveal.NEVER, True)
    }  # fmt: skip


def leaks(scenario, heard):
    """How often a text of the other side's that nobody has said stands in what a model received, and of how many."""
    said_so_far = [""]
    for event in heard.events:
        if isinstance(event, Spoke):
            said_so_far.append(said_so_far[-1] + "\n" + event.reply.utterance)
    order = [event.role for event in heard.events if isinstance(event, Called)]
    seen, found, looked = dict.fromkeys(Role, 0), 0, 0
    for turn, role in enumerate(order):
        texts = "\n".join(words([heard.received[role][seen[role]]]))
        seen[role] += 1
        unsaid = [fact.text for fact in scenario.role(role.other).facts if fact.text not in said_so_far[turn]]
        looked += len(unsaid)
        found += sum(text in texts for text in unsaid)
    return found, looked


@pytest.mark.slow
def test_two_thousand_talks_give_nothing_away():
    found = looked = told = 0
    for seed in range(2000):
        form = "tagged" if seed % 4 == 0 else "json"
        scenario, heard = random_talk(random.Random(seed), PARTIAL, form, 4 + seed % 3)
        some = leaks(scenario, heard)
        found, looked = found + some[0], looked + some[1]
        told += sum(isinstance(event, Learned) for event in heard.events)
    assert found == 0
    assert looked > 10_000
    assert told > 2_000


@pytest.mark.parametrize("form", FORMATS)
def test_the_count_finds_a_leak(form):
    found = [leaks(*random_talk(random.Random(seed), PARTIAL, form, 4, FactInTail)) for seed in range(5)]
    assert all(hits == looked > 0 for hits, looked in found)
