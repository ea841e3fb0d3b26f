"""A conversation's document. Law: everything comes from the log and the side logs; a blind one holds nothing private."""

import json
from itertools import chain, count

import pytest
from hypothesis import given, settings

from confide.agents import prompt_hash, text_hash
from confide.agents.models import draw_reply
from confide.scenarios import Role
from confide.simulator import Called, Failed, Measured, Noticed, Spoke, read_log
from confide.simulator.information import asked_about, information, knowledge
from confide.viewer.documents import Talk
from tests.condition_helpers import GIVEN, one_writer, play, two_agents
from tests.condition_helpers import talks as some_talks
from tests.helpers import make_setup, scripted, talk
from tests.test_information import told_talk
from tests.viewer_helpers import (
    PRESETS,
    SEEKER,
    SUPPORTER,
    called,
    fork,
    hand_run,
    key,
    lab,
    log_of,
    people,
    prompts,
    put,
    rendered,
    row,
    rows,
    run,
    show,
    spoke,
    talks,
    words,
)

__all__ = ["fork", "lab", "people", "run"]  # fixtures


@pytest.fixture(scope="module")
def shown(lab, people, fork, tmp_path_factory):
    return show(tmp_path_factory.mktemp("shown"), lab, people, fork)


def of_condition(shown, condition):
    found = [shown.talk(each.key) for each in rows(shown) if each.condition == condition]
    assert found
    return found


# What a model read


@pytest.mark.parametrize("preset", PRESETS)
def test_the_eyes_show_the_prompt_that_was_sent(shown, lab, fork, preset):
    for each in of_condition(shown, preset):
        log = log_of(each, lab, fork)
        rebuilt = prompts(each.calls, each.texts)
        assert [rendered(made).hash for made in rebuilt] == [call.prompt for call in called(log)] != []
        assert {segment.hash for call in each.calls for segment in call.segments} == set(each.texts)
        assert all(text_hash(text) == address for address, text in each.texts.items())
        for call, event in zip(each.calls, called(log), strict=True):
            for name in set(type(call).model_fields) & set(Called.model_fields) - {"segments", "attempts"}:
                assert getattr(call, name) == getattr(event, name), name


@pytest.mark.parametrize("preset", PRESETS)
def test_the_eyes_of_readers_show_the_prompt_that_was_sent(shown, lab, preset):
    made = 0
    for each in of_condition(shown, preset):
        for measure in each.measures:
            found = shown.calls(each.key, measure.key)
            expected = called(lab.path / "measures" / measure.key / f"{each.setting.conversation}.jsonl")
            rebuilt = prompts(found.calls, {**each.texts, **found.texts})
            assert [rendered(one).hash for one in rebuilt] == [call.prompt for call in expected]
            made += len(rebuilt)
            asked = [answer.call for answer in measure.answers if answer.call is not None]
            assert measure.kind == "traits" or asked == list(range(len(expected)))
    assert made > 20


def written_and_shown(folder, events):
    """The document of events that are written as a finished conversation."""
    run = hand_run(folder, **{events[0].conversation: events})
    return talks(show(folder, run))[0]


@settings(max_examples=15, **GIVEN)
@given(some_talks(two_agents(), turns=5))
def test_any_talk_of_two_agents_is_shown_to_the_letter(tmp_path_factory, made):
    shown_to_the_letter(tmp_path_factory.mktemp("talk"), made)


@settings(max_examples=8, **GIVEN)
@given(some_talks(one_writer(), turns=5))
def test_any_talk_by_one_writer_is_shown_to_the_letter(tmp_path_factory, made):
    shown_to_the_letter(tmp_path_factory.mktemp("talk"), made)


def shown_to_the_letter(folder, made):
    """Hostile words come out as they went in, and each prompt is what a client received, message by message."""
    heard = play(*made)
    found = written_and_shown(folder, heard.events)
    assert Talk.model_validate_json(found.model_dump_json()) == found
    sent = [
        [(message.type, message.content) for message in rendered(segments).messages]
        for segments in prompts(found.calls, found.texts)
    ]
    received = list({id(prompts): prompts for prompts in heard.received.values()}.values())
    assert sorted(sent) == sorted(messages for messages, _, _ in chain(*unique(received)))
    turns_are_the_log(found, heard.events)
    scenario = heard.events[0].scenario
    for role in Role:
        side, told = found.setting.model_dump()[role.value], scenario.role(role)
        assert (side["name"], side["background"]) == (told.persona.name, told.persona.background)
        assert [(fact["id"], fact["text"]) for fact in side["facts"]] == [(fact.id, fact.text) for fact in told.facts]
    assert found.situation == scenario.situation


def unique(received):
    """One author's client stands for both roles."""
    return received[:1] if len(received) == 2 and received[0] == received[1] else received


def turns_are_the_log(found, events):
    said = [event for event in events if isinstance(event, Spoke)]
    assert [(turn.turn, turn.role, turn.utterance) for turn in found.turns] == [
        (event.turn, event.role, event.reply.utterance) for event in said
    ]
    for turn, event in zip(found.turns, said, strict=True):
        reply = event.reply.model_dump()
        assert turn.thoughts == reply.get("thoughts", reply.get("notes"))
        for name in ("strategies", "told", "emotion", "trust", "wants_to_end"):
            assert getattr(turn, name) == reply.get(name), name


def test_turns_are_what_the_log_says(shown, lab, people, fork):
    for each in talks(shown):
        events = read_log(log_of(each, lab, people, fork)).events
        turns_are_the_log(each, events)
        assert [turn.at for turn in each.turns] == [event.at for event in events if isinstance(event, Spoke)]
        assert (each.state, each.end, each.damage) == ("finished", events[-1].reason.value, None)


def test_a_call_says_what_was_wrong_with_its_answer(tmp_path):
    asked = count()

    def script(request):
        return "unreadable" if next(asked) in (1, 4, 5) else draw_reply(request)

    events = talk(make_setup("awake-at-three", scripted(script)[0]))
    found = written_and_shown(tmp_path, events)
    failed = [event for event in events if isinstance(event, Failed)]
    assert failed
    bad = [call for call in found.calls if call.fault]
    assert [(call.turn, call.role, call.fault, call.message) for call in bad] == [
        (event.turn, event.role, event.fault, event.message) for event in failed
    ]
    assert {call.reply for call in bad} == {"unreadable"}
    repairs = [call for call in found.calls if call.purpose == "repair"]
    assert len(repairs) == len([each for each in failed if each.purpose == "speak"])
    for call, made in zip(found.calls, prompts(found.calls, found.texts), strict=True):
        assert prompt_hash(rendered(made).messages) == call.prompt


def test_a_call_without_an_answer_stands_where_it_was_made(tmp_path):
    events = list(told_talk())
    at = next(i for i, event in enumerate(events) if isinstance(event, Called) and event.turn == 2)
    failed = Failed(seq=0, turn=2, role=SUPPORTER, stage="call", purpose=None, fault="timeout", message="late")
    events = [*events[:at], failed, *events[at:]]
    found = written_and_shown(tmp_path, [event.model_copy(update={"seq": i}) for i, event in enumerate(events)])
    calls = found.calls
    (lost,) = [call for call in calls if not call.answered]
    assert (lost.turn, lost.fault, lost.prompt, lost.reply, lost.segments) == (2, "timeout", None, "", ())
    assert [call.seq for call in calls] == sorted(call.seq for call in calls)
    answered = [event.prompt for event in events if isinstance(event, Called)]
    made = prompts(calls, found.texts)
    assert [rendered(each).hash for each in made if each is not None] == answered


# Who knows what


@pytest.mark.parametrize("condition", ["partial", "omniscient", "gated"])
def test_who_knows_what_is_what_the_information_states_say(tmp_path, condition):
    events = told_talk(condition)
    found = {(each.role, each.fact, each.turn, each.how) for each in written_and_shown(tmp_path, events).knows}
    graph = information(events)
    facts = [fact.id for role in Role for fact in events[0].scenario.role(role).facts]
    expected = {(role, each.fact, each.since, each.how) for role in Role for each in knowledge(graph, role)}
    expected |= {
        (role, fact, turn, "asked") for role in Role for fact in facts for turn in asked_about(graph, role, fact)
    }
    expected |= {(e.role, e.fact, e.turn, e.what) for e in events if isinstance(e, Noticed)}
    assert found == expected


def test_who_knows_what_of_a_talk_by_hand(tmp_path):
    found = written_and_shown(tmp_path, told_talk()).knows
    assert {(each.role, each.fact, each.turn, each.how) for each in found if each.how != "owns"} == {
        (SUPPORTER, "wakes-at-three", 1, "told"),
        (SUPPORTER, "counts-pulse", 2, "asked"),
        (SUPPORTER, "counts-pulse", 3, "noticed"),
        (SEEKER, "counts-pulse", 3, "undeclared"),
        (SUPPORTER, "brother-heart", 4, "inferred"),
        (SEEKER, "guest-room", 5, "unsaid"),
        (SUPPORTER, "guest-room", 5, "told"),
    }
    assert {each.turn for each in found if each.how == "owns"} == {-1}
    seen = written_and_shown(tmp_path / "all", told_talk("omniscient")).knows
    assert (SUPPORTER, "brother-heart", 0, "sees") in {(each.role, each.fact, each.turn, each.how) for each in seen}


# What else stands in it


def test_what_it_was_made_under(shown, lab, fork):
    for each in (one for preset in PRESETS for one in of_condition(shown, preset)):
        started = read_log(log_of(each, lab, fork)).events[0]
        setting, condition = each.setting, started.condition
        assert (setting.condition.id, setting.writer, setting.telling, setting.pair_key, setting.seed) == (
            condition.id, condition.writer, condition.telling, started.pair_key, started.seed,
        )  # fmt: skip
        assert set(setting.supporter.sees) == {sight.value for sight in condition.sees(SUPPORTER)}
        assert setting.supporter.shown_persona == condition.shows_persona(SUPPORTER)
        assert setting.seeker.traits == started.scenario.seeker.persona.traits.model_dump()
        assert [label.id for label in each.labels] == [one.label for one in started.taxonomy.strategies]


def test_readers_answers_are_those_of_their_side_logs(shown, lab):
    for each in of_condition(shown, "partial"):
        if each.setting.run == lab.record.id:
            assert {measure.key: measure.kind for measure in each.measures} == {
                "identity.scripted": "rubric", "strategies.scripted": "rubric", "traits-markers-bare.roles": "traits",
                "traits-markers-observer.scripted": "traits", "traits-markers-self.roles": "traits",
            }  # fmt: skip
            for measure in each.measures:
                log = lab.path / "measures" / measure.key / f"{each.setting.conversation}.jsonl"
                logged = [event for event in read_log(log).events if isinstance(event, Measured)]
                assert measure.problem is None
                if measure.kind == "rubric":
                    assert [(a.turn, a.role, a.repeat, a.values, a.missing) for a in measure.answers] == [
                        (e.turn, e.role, e.repeat, e.values, e.missing) for e in logged
                    ]
                    assert {item.id for item in measure.items} == {name for e in logged for name in e.values}
                    replies = shown.calls(each.key, measure.key).calls
                    for answer in measure.answers:
                        for name, value in answer.values.items():
                            assert json.loads(replies[answer.call].reply)[name] == (
                                list(value) if isinstance(value, tuple) else value
                            )


def test_people_have_no_facts_no_calls_and_no_sides(shown, people):
    found = [each for each in talks(shown) if each.setting.run == people.record.id]
    assert len(found) == 2
    for each in found:
        assert (each.setting.condition.id, each.setting.seeker, each.calls, each.knows) == ("human", None, (), ())
        assert [len(turn.messages) for turn in each.turns] == [2, 3, 1]
        assert "\n".join(message.text for message in each.turns[1].messages) == each.turns[1].utterance
        assert each.turns[0].strategies is None
        assert each.turns[1].strategies


def test_kin_are_the_pair_the_parent_and_the_forks(shown, lab, fork):
    parent = shown.talk(key_in(shown, lab, "shared-dog.partial.0000"))
    related = {(each.relation, each.run, each.conversation) for each in parent.kin}
    others = [f"shared-dog.{name}.0000" for name in PRESETS if name != "partial"]
    forked = fork.record.id
    assert related == {
        *(("pair", lab.record.id, name) for name in others), ("fork", forked, "shared-dog.partial.0000"),
    }  # fmt: skip
    child = shown.talk(key_in(shown, fork, "shared-dog.partial.0000"))
    assert [each.conversation for each in child.kin if each.relation == "parent"] == ["shared-dog.partial.0000"]
    found = child.setting.parent
    assert (found.key, found.run, found.at, found.changed) == (parent.key, lab.record.id, 3, {"model": "scripted"})
    assert [turn.utterance for turn in child.turns[:3]] == [turn.utterance for turn in parent.turns[:3]]


def key_in(shown, run, conversation):
    (found,) = [each.key for each in rows(shown) if (each.run, each.conversation) == (run.record.id, conversation)]
    return found


def test_a_fork_whose_parent_is_not_shown_says_where_it_was(fork, tmp_path):
    (found,) = talks(show(tmp_path, fork))
    assert found.kin == ()
    assert (found.setting.parent.key, found.setting.parent.conversation) == (None, "shared-dog.partial.0000")


# Blind


PRIVATE = ("zqthought", "zqnote", "zqfact", "zqmodel")


def test_a_blind_reader_gets_nothing_but_what_was_said(shown, lab):
    allowed = {"key", "blind", "title", "scenario", "situation", "problem", "emotion", "names", "labels", "state",
               "turns", "transcript"}  # fmt: skip
    for each in talks(shown):
        blind = shown.talk(each.key, blind=True)
        document = blind.model_dump()
        kept = {name for name, value in document.items() if value not in (None, (), {}, [], False)}
        assert kept <= allowed
        assert {name for turn in document["turns"] for name, value in turn.items() if value not in (None, ())} <= {
            "turn", "role", "utterance",
        }  # fmt: skip
        assert [turn.utterance for turn in blind.turns] == [turn.utterance for turn in each.turns]
        nothing_private(blind.model_dump_json(), each)


def nothing_private(text, each):
    """The text holds no string by which a reader could tell what the conversation was made under."""
    setting = each.setting
    hidden = {setting.run, setting.conversation, setting.pair_key, setting.condition.title}
    hidden |= {f'"{name}"' for name in (*PRESETS, "human")} | {f".{name}." for name in PRESETS}
    hidden |= {turn.thoughts for turn in each.turns if turn.thoughts}
    for side in (setting.seeker, setting.supporter):
        if side is not None:
            hidden |= {side.background, side.model, *(fact.text for fact in side.facts), *(f.id for f in side.facts)}
    hidden |= {measure.key for measure in each.measures} | {call.prompt for call in each.calls}
    hidden |= {call.model for call in each.calls} - {None}
    said = json.dumps([[turn.utterance for turn in each.turns], each.title, each.situation, [*each.names.values()]])
    for name in hidden:
        assert (name not in text and json.dumps(name)[1:-1] not in text) or name in said, name


def test_a_blind_reader_of_a_damaged_or_empty_log_learns_no_more(tmp_path):
    name = "shared-dog.omniscient.0007"
    run = hand_run(tmp_path, **{name: words(name, "zqsaid", ended=False, condition="omniscient")})
    for content in (b"", b"garbage\n", run.live(name).read_bytes() + b"garbage\n"):
        run.live(name).write_bytes(content)
        shown = show(tmp_path, run)
        text = shown.talk(key(shown, name), blind=True).model_dump_json()
        assert "omniscient" not in text
        assert name not in text
        assert "garbage" not in text


def test_the_private_side_of_a_turn_is_not_in_a_blind_document(tmp_path):
    turns = [
        spoke(0, SUPPORTER, "said", notes="zqnote", told=("zqfact",), strategies=("Information",)),
        spoke(1, SEEKER, "heard", thoughts="zqthought", emotion=77, trust=88, told=("zqfact",)),
    ]
    events = words("hand.0")
    events[1:1] = turns
    run = hand_run(tmp_path)
    put(run, "hand.0", [event.model_copy(update={"seq": i}) for i, event in enumerate(events)])
    shown = show(tmp_path, run)
    text = shown.talk(row(shown, "hand.0").key, blind=True)
    assert not [word for word in (*PRIVATE, ":77", ":88") if word in text.model_dump_json()]
    assert [turn.strategies for turn in text.turns] == [None, None]
    whole = shown.talk(row(shown, "hand.0").key).model_dump_json()
    assert all(word in whole for word in ("zqnote", "zqfact", "zqthought", ":77", ":88"))
