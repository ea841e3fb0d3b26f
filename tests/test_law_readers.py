"""What a reader's prompts are made of: of what was said, and of nothing else. Law 8: they grow at the end.

The prompts themselves stand in golden/readers, to the byte; to accept a change: GOLDEN=write make test.
"""

import asyncio
import json
import random
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from confide.agents import Model, Place, ScriptedClient, Segment
from confide.agents.models import Request, draw_reply
from confide.agents.reply import SeekerReply, SupporterReply
from confide.evaluators.reader import RubricReader
from confide.evaluators.rubric import Rubric, parse_rubric, read_rubric, shipped_rubrics
from confide.scenarios import InputFileError, Role, Taxonomy
from confide.simulator import Ended, EndReason, Memory, Reading, SideLog, Spoke, Watch
from confide.simulator.observing import lines_of
from confide.simulator.setup import card_of
from tests.condition_helpers import FORMATS, GIVEN, one_writer, play, some_inner, some_lines, two_agents
from tests.helpers import ESCONV, HOSTILE, hostile_text, make_setup, one_line, personas, scenarios, scripted
from tests.test_golden import GOLDEN, compare, in_words

FIVE = (
    "Good evening. What brings you here?",
    "I cannot sleep. It is three again.",
    "Three in the morning is a lonely hour.",
    "I lie there and count what I did wrong.",
    "What would you say to a friend who counted like that?",
)
"""What is said in a talk that the supporter opens."""
ALL: dict[str, Rubric] = {name: read_rubric(name).rubric for name in shipped_rubrics()}
BLIND = [rubric for rubric in ALL.values() if not rubric.shows]
SIGHTED = [rubric for rubric in ALL.values() if rubric.shows]


def a_talk(lines=FIVE, taxonomy=ESCONV, opens=None):
    """The log of a talk in which ``lines`` are said in turn."""
    setup = make_setup("awake-at-three", scripted()[0])._replace(taxonomy=taxonomy)
    opens = opens or setup.scenario.opens
    events = [setup.prepare().started]
    for turn, words in enumerate(lines):
        role = opens if turn % 2 == 0 else opens.other
        if role is Role.SEEKER:
            reply = SeekerReply(utterance=words, thoughts=f"thought {turn}", emotion=60 + turn, trust=30, told=())
        else:
            reply = SupporterReply(utterance=words, notes=f"note {turn}", strategies=taxonomy.labels[:1])
        events.append(Spoke(seq=len(events), turn=turn, role=role, reply=reply))
    return (*events, Ended(seq=len(events), reason=EndReason.TURN_LIMIT, turns=len(lines)))


def draw_answer(request: Request) -> str:
    """An answer that fits the request's schema or grammar, drawn by its seed."""
    if "grammar" not in request.args:
        return draw_reply(request)
    offered = re.search(r"^word ::= (.*)$", request.args["grammar"], re.MULTILINE)[1].split(" | ")
    return f"[{json.loads(random.Random(request.args['seed']).choice(offered))}]"


def reader_model(form="json", script=draw_answer) -> tuple[Model, ScriptedClient]:
    model, client = scripted(script, reply=form)
    return (model._replace(structured="grammar") if form == "tagged" else model), client


def have_read(events, rubric, model, reader=RubricReader, repeats=1):
    """Have a log read from its first event to its last; gives the answers."""
    memory = Memory()
    reading = Reading(
        seq=0, conversation="talk", measure=rubric.id, rubric="x", card=card_of(model), seed=1, repeats=repeats
    )
    watch = Watch(reader(rubric, model, repeats), reading, SideLog(memory))

    async def work():
        for event in events:
            await watch.see(event)

    asyncio.run(work())
    return [event for event in memory.events if event.kind == "measured"]


def received(events, rubric, form="json", reader=RubricReader) -> list[bytes]:
    """Everything that a reader's model is sent for a log: messages and arguments, the seed among them."""
    model, client = reader_model(form)
    have_read(events, rubric, model, reader)
    return [
        json.dumps([[(m.type, str(m.content)) for m in request.messages], dict(request.args)]).encode()
        for request in client.received
    ]


def asked(client) -> list[str]:
    """The last message of each request: the transcript and the question."""
    return [str(request.messages[-1].content) for request in client.received]


# Law 1: blind readers


@st.composite
def two_talks(draw):
    """Two conversations in which the same is said, and all else may differ."""
    form = draw(st.sampled_from(FORMATS))
    lines = draw(some_lines(form))
    opens = draw(st.sampled_from(list(Role))).value
    worlds = []
    for _ in range(2):
        data = {**draw(scenarios(turns=4)), "opens": opens}
        condition = draw(st.one_of(two_agents(), one_writer()))
        worlds.append((data, condition, lines, {role: draw(some_inner(role)) for role in Role}, form))
    return [play(*world).events for world in worlds]


def assert_blind(talks, rubrics=BLIND, reader=RubricReader):
    one, other = talks
    assert lines_of(one) == lines_of(other)
    assert len(lines_of(one)) == 4
    for rubric in rubrics:
        for form in FORMATS:
            before = received(one, rubric, form, reader)
            assert before
            assert before == received(other, rubric, form, reader), rubric.id


@given(two_talks())
@settings(max_examples=30, **GIVEN)
def test_a_blind_readers_prompts_are_made_of_what_was_said_alone(talks):
    assert_blind(talks)


class LeakyReader(RubricReader):
    """Shows the model something that is not public: the negative control."""

    leaks = staticmethod(lambda opening: opening.condition.id)

    def _asked(self, seen, key, items):
        ask = super()._asked(seen, key, items)
        return ask._replace(view=ask.view.plus(Segment("leak", Place.TAIL, self.leaks(seen.opening))))


LEAKS = {
    "the condition": lambda opening: opening.condition.model_dump_json(),
    "a persona": lambda opening: opening.scenario.seeker.persona.background,
    "a fact": lambda opening: "; ".join(fact.text for fact in opening.scenario.supporter.facts) or "none",
    "the situation": lambda opening: opening.scenario.situation,
}


@pytest.mark.parametrize("leaks", LEAKS.values(), ids=LEAKS)
def test_the_check_finds_a_reader_that_leaks(leaks):
    leaky = type("Leaky", (LeakyReader,), {"leaks": staticmethod(leaks)})
    unshrunk = settings(max_examples=30, phases=[Phase.generate], database=None, **GIVEN)
    check = given(two_talks())(lambda talks: assert_blind(talks, [ALL["identity"]], leaky))
    with pytest.raises(AssertionError):
        unshrunk(check)()


def test_blind_rubrics_are_all_but_one():
    assert [rubric.id for rubric in SIGHTED] == ["persona-consistency"]


# Readers that are shown a persona


@st.composite
def two_of_one_persona(draw):
    """Two conversations in which the same is said and ``role`` has the same persona; all else may differ."""
    role = draw(st.sampled_from(list(Role)))
    opens = draw(st.sampled_from(list(Role))).value
    persona = draw(personas())
    lines = draw(some_lines("json"))
    talks = []
    for _ in range(2):
        data = {**draw(scenarios(turns=4)), "opens": opens}
        data[role.value] = {**data[role.value], "persona": persona}
        condition = draw(st.one_of(two_agents(), one_writer()))
        talks.append(play(data, condition, lines, {each: draw(some_inner(each)) for each in Role}, "json").events)
    return role, opens, talks


@given(two_of_one_persona())
@settings(max_examples=40, **GIVEN)
def test_a_reader_of_one_persona_is_shown_no_other_and_nothing_else(drawn):
    role, opens, talks = drawn
    (rubric,) = SIGHTED
    begins = 0 if role == opens else 1
    one, other = (received(talk, rubric)[begins::2] for talk in talks)  # what is asked about this role's turns
    assert len(one) == 2
    assert one == other


def test_the_persona_that_a_turn_is_held_against_is_the_speakers():
    model, client = reader_model()
    talk = a_talk()
    have_read(talk, SIGHTED[0], model)
    scenario = talk[0].scenario
    assert len(client.received) == 5
    for turn, request in enumerate(client.received):
        role = talk[turn + 1].role
        head = str(request.messages[0].content)
        assert scenario.role(role).persona.background in head
        assert scenario.role(role.other).persona.background not in head
        assert f"Who the {role}, {scenario.role(role).persona.name}, is:" in head


# Law 8: prompts grow at the end


@given(st.lists(hostile_text(), min_size=1, max_size=7), st.sampled_from(list(Role)))
@settings(max_examples=40, **GIVEN)
def test_a_prompt_starts_with_the_last_one_up_to_its_question(lines, opens):
    talk = a_talk(lines, opens=opens)
    for rubric in ALL.values():
        model, client = reader_model()
        have_read(talk, rubric, model)
        for role in Role if rubric.shows else [None]:
            of = [
                (str(request.messages[0].content), text.rpartition("}\n")[0])
                for request, text in zip(client.received, asked(client), strict=True)
                if role is None or f"Who the {role}," in str(request.messages[0].content)
            ]
            for (head, before), (later_head, after) in pairwise(of):
                assert later_head == head
                assert after.startswith(before)
                assert len(after) > len(before)


@pytest.mark.parametrize("words", HOSTILE)
def test_words_reach_the_reader_exactly_and_each_turn_is_one_line_of_json(words):
    model, client = reader_model()
    have_read(a_talk([words, words]), ALL["persona-consistency"], model)
    lines = asked(client)[-1].split("\n")[:2]
    assert [json.loads(line) for line in lines] == [
        {"turn": 0, "speaker": "supporter", "text": words},
        {"turn": 1, "speaker": "seeker", "text": words},
    ]


# What is offered


def held(request) -> str:
    return json.dumps([[str(message.content) for message in request.messages], dict(request.args)])


@pytest.mark.parametrize("form", FORMATS)
def test_the_conversations_own_taxonomy_is_what_is_offered(form):
    kinds = [{"label": "Listen", "definition": "Says little."}, {"label": "Steer <up>", "definition": "Says much."}]
    data = {"id": "two", "title": "Two", "source": "Ours.", "strategies": kinds}
    taxonomy = Taxonomy.model_validate_json(json.dumps(data))
    model, client = reader_model(form)
    found = have_read(a_talk(taxonomy=taxonomy), ALL["strategies"], model)
    assert len(found) == 3
    assert {label for each in found for label in each.values["strategies"]} <= {"Listen", "Steer <up>"}
    for request in client.received:
        assert all(label in held(request) for label in taxonomy.labels)
        assert not any(label in held(request) for label in ESCONV.labels)


@pytest.mark.parametrize("opens", Role)
def test_a_hidden_line_is_nowhere_in_the_request(opens):
    model, client = reader_model()
    found = have_read(a_talk(opens=opens), ALL["next-strategy"], model)
    assert [each.turn for each in found] == ([2, 4] if opens is Role.SUPPORTER else [1, 3])
    for each, request in zip(found, client.received, strict=True):
        assert [words in held(request) for words in FIVE] == [turn < each.turn for turn in range(5)]


@pytest.mark.parametrize("opens", Role)
def test_letters_go_by_who_speaks_first_and_no_role_is_named(opens):
    model, client = reader_model()
    have_read(a_talk(opens=opens), ALL["identity"], model)
    for text in asked(client):
        lines = [json.loads(line) for line in text.split("\n") if line.startswith("{")]
        assert [line["speaker"] for line in lines] == ["A", "B", "A", "B", "A"][: len(lines)]
        assert not re.search("seeker|supporter", text, re.IGNORECASE)


def test_a_level_moves_by_its_step_from_the_last_answer_that_is_there_in_each_repeat():
    replies = iter(['{"distress": 95}', '{"distress": 4}', '{"distress": 10}', "well", '{"distress": 85}', '{"distress": 14}', '{"distress": 75}', '{"distress": 5}'])  # fmt: skip
    model, client = reader_model(script=lambda request: next(replies))
    found = have_read(a_talk([f"Line {n}." for n in range(8)]), ALL["distress"], model, repeats=2)
    schemas = [request.args["response_format"]["json_schema"]["schema"] for request in client.received]
    bounds = [(s["properties"]["distress"]["minimum"], s["properties"]["distress"]["maximum"]) for s in schemas]
    assert bounds[0::2] == [(0, 100), (85, 100), (85, 100), (75, 95)]  # 95, then 10 is out of range, then 85
    assert bounds[1::2] == [(0, 100), (0, 14), (0, 14), (4, 24)]  # 4, then no answer, then 14
    assert [each.values["distress"] for each in found] == [95, 4, None, None, 85, 14, 75, 5]
    assert [(each.turn, each.repeat) for each in found] == [(turn, n) for turn in (1, 3, 5, 7) for n in (0, 1)]
    questions = [text.rpartition("\n")[2] for text in asked(client)]
    assert questions[2] == "distress: you last gave 95; now from 85 to 100."
    assert questions[7] == "distress: you last gave 14; now from 4 to 24."


# The prompts, to the byte


CASES = [(rubric, form) for rubric in ALL.values() for form in FORMATS if form == "json" or rubric.short]


@pytest.mark.parametrize(("rubric", "form"), CASES, ids=[f"{rubric.id}-{form}" for rubric, form in CASES])
def test_the_last_prompt_of_a_talk_of_five_turns(rubric, form):
    model, client = reader_model(form)
    have_read(a_talk(), rubric, model)
    request = client.received[-1]
    args = {key: value for key, value in request.args.items() if key != "seed"}
    form_held = args.pop("grammar") if form == "tagged" else json.dumps(args.pop("response_format"), indent=1)
    assert args == {}
    prompt = in_words([(message.type, str(message.content)) for message in request.messages])
    compare(f"readers/{rubric.id}.{form}.txt", f"{prompt}=== held to\n{form_held}\n")


def test_no_golden_file_is_left_over():
    assert {file.name for file in (GOLDEN / "readers").iterdir()} == {f"{r.id}.{form}.txt" for r, form in CASES}


# One line per mistake of a model's, of whatever length and whatever is in it


@pytest.mark.parametrize("form", FORMATS)
@given(answer=st.one_of(hostile_text(), one_line().map("[{}]".format), st.dictionaries(hostile_text(), st.integers()).map(json.dumps)))  # fmt: skip
@settings(max_examples=60, **GIVEN)
def test_whatever_a_model_answers_is_a_value_or_null_with_a_reason_of_one_line(form, answer):
    model, _ = reader_model(form, lambda request: answer)
    for name in ("identity", "distress", "strategies", "empathy"):
        for each in have_read(a_talk(), ALL[name], model):
            assert {item for item, value in each.values.items() if value is None} == set(each.missing)
            for why in each.missing.values():
                assert why.strip()
                assert len(why.splitlines()) == 1, ascii(why)


def a_rubric(more="unit: turn", item="{id: a, question: Q, answer: {kind: choice, words: {AA: a, BB: b}}}"):
    text = f"id: mine\ntitle: T\nsource: S\ntask: K\n{more}\nitems:\n  - {item}\n"
    return parse_rubric(Path("mine.yaml"), text).rubric


ODD = [("distress", "[٣]"), ("distress", "[007]"), ("distress", "[-0]"), ("distress", f"[{'9' * 5000}]"), ("identity", "[\u017feeker]")]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), ODD, ids=["Arabic", "zeros", "minus", "endless", "long s"])
def test_a_bracket_holds_a_word_that_was_offered_or_nothing(name, answer):
    model, _ = reader_model("tagged", lambda request: answer)  # the endless one stops a whole run with a ValueError
    found = have_read(a_talk(), ALL[name], model)
    assert found
    assert all(each.missing for each in found)


@pytest.mark.parametrize(
    "answer", ['{"sounds_like": "SEEKER", "x\\ny": 1}', '{"sounds_like": "SEEKER", "%s": 1}' % ("x" * 5000)]
)
def test_a_reason_is_one_short_line(answer):
    model, _ = reader_model(script=lambda request: answer)
    (why,) = have_read(a_talk(FIVE[:1]), ALL["identity"], model)[0].missing.values()
    assert len(why.splitlines()) == 1
    assert len(why) < 1000


def test_an_answer_that_says_two_things_is_none():
    model, _ = reader_model(script=lambda request: '{"sounds_like": "SEEKER", "sounds_like": "SUPPORTER"}')
    assert have_read(a_talk(FIVE[:1]), ALL["identity"], model)[0].missing


@pytest.mark.parametrize("name", ["model_config", "model_dump", "copy", "json"])
@pytest.mark.filterwarnings("error")  # "shadows an attribute"
def test_an_item_may_have_any_id_that_its_file_may_have(name):
    try:
        rubric = a_rubric(item=f"{{id: {name}, question: Q, answer: {{kind: choice, words: {{AA: a, BB: b}}}}}}")
    except InputFileError:
        return  # refused: fine too
    model, _ = reader_model(script=lambda request: json.dumps({name: "AA"}))
    assert have_read(a_talk(FIVE[:1]), rubric, model)[0].values == {name: "AA"}


@pytest.mark.parametrize(
    "more",
    [
        "unit: conversation\nspeakers: letters\nof: [supporter]",  # "Judge the supporter.", who is A or B
        "unit: turn\nspeakers: letters\nshows: [persona]",  # "Who the supporter, Clive, is:"
        "unit: turn\nspeakers: letters\nshort: {task: Who, lines: 2}",  # "Supporter: ..." in the short form
        "unit: turn\nshows: [persona]\nshort: {task: Does it fit, lines: 2}",  # and no persona is shown
    ],
)
def test_a_rubric_that_contradicts_itself_is_refused(more):
    with pytest.raises(InputFileError):
        a_rubric(more)


def test_a_wide_gap_in_a_scale_is_told_shortly():
    with pytest.raises(InputFileError) as caught:
        a_rubric(item="{id: a, question: Q, answer: {kind: scale, anchors: {0: a, 100000: b}}}")
    assert len(str(caught.value)) < 1000
