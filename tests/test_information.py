"""Who knows what, since when and from where; and forks."""

import asyncio
import json
from pathlib import Path

import networkx as nx
import pytest

from confide.agents.models import known_models
from confide.evaluators import audit_log
from confide.scenarios import ConfideError, Role, read_conditions, read_scenarios
from confide.simulator import RunFolder, Wishes, fold, plan_run, read_log, replay, run_conversations
from confide.simulator.fork import Fork, plan_fork
from confide.simulator.information import Knowledge, asked_about, information, knowledge, write_graph
from tests.helpers import CONDITIONS, by_role, make_setup, scripted, seeker_json, supporter_json, talk

TELLS = "I wake at three and lie there until it gets light."
ASKS = "Do you count your pulse in the dark?"


def told_talk(condition: str = "partial"):
    """Turns: 0 plain, 1 the seeker tells a fact, 2 the supporter asks, 3 tells without declaring, 4 states an untold one."""
    seeker = [
        seeker_json(TELLS, told=["wakes-at-three"]),
        seeker_json("I lie there counting my pulse in the dark."),
        seeker_json("Nothing more to say.", told=["guest-room"]),
    ]
    supporter = [
        supporter_json("Hello."),
        supporter_json(ASKS),
        supporter_json("Your older brother died in bed of a weak heart."),
    ]
    model, _ = scripted(by_role(lambda n: seeker[n % 3], lambda n: supporter[n % 3]))
    setup = make_setup("awake-at-three", model, condition=CONDITIONS[condition])
    limits = setup.scenario.limits.model_copy(update={"turns": 6})
    return talk(setup._replace(scenario=setup.scenario.model_copy(update={"limits": limits})))


def test_each_thing_that_words_say_is_an_event():
    noticed = {(e.turn, e.fact, e.what) for e in told_talk() if e.kind == "noticed"}
    assert noticed == {
        (2, "counts-pulse", "asked"),
        (3, "counts-pulse", "undeclared"),
        (4, "brother-heart", "inferred"),
        (5, "guest-room", "unsaid"),
    }


def test_knowledge_at_each_turn():
    graph = information(told_talk())
    before = knowledge(graph, Role.SUPPORTER, 1)
    assert {item.how for item in before} == {"owns"}
    learned = [item for item in knowledge(graph, Role.SUPPORTER, 4) if item.how != "owns"]
    assert learned == [
        Knowledge("wakes-at-three", 1, "told", "utterance:1"),
        Knowledge("counts-pulse", 3, "noticed", "utterance:3"),
    ]
    assert knowledge(graph, Role.SUPPORTER, 3) == knowledge(graph, Role.SUPPORTER, 2)
    assert asked_about(graph, Role.SUPPORTER, "counts-pulse") == (2,)
    assert asked_about(graph, Role.SUPPORTER, "guest-room") == ()
    assert {item.fact for item in knowledge(graph, Role.SEEKER)} == {
        fact.id for fact in told_talk()[0].scenario.seeker.facts
    }


def test_under_omniscient_the_prompt_is_where_it_comes_from():
    graph = information(told_talk("omniscient"))
    known = {item.fact: item for item in knowledge(graph, Role.SUPPORTER, 0)}
    assert known["brother-heart"] == Knowledge("brother-heart", 0, "sees", "prompt")
    assert knowledge(information(told_talk()), Role.SUPPORTER, 0) != tuple(known.values())


def test_an_author_sees_all_facts_at_every_turn_that_it_writes():
    graph = information(told_talk("author"))
    for role in Role:
        seen = {fact for _, fact, edge in graph.out_edges(role.value, data=True) if edge["kind"] == "sees"}
        assert seen == {node for node, data in graph.nodes(data=True) if data["kind"] == "fact"}


def test_the_graph_is_a_fold_every_prefix_of_a_log_gives_a_part_of_it():
    events = told_talk()
    whole = information(events)
    for end in range(1, len(events)):
        part = information(events[:end])
        assert set(part.nodes) <= set(whole.nodes)
        assert set(part.edges(keys=True)) <= set(whole.edges(keys=True))
    with pytest.raises(ValueError, match="begins with"):
        information(events[1:])


def test_graphs_are_written_and_read_back(tmp_path):
    graph = information(told_talk())
    graph.nodes["utterance:0"]["text"] = "I <3 you & \x00 \U0001f600"
    for name in ("g.json", "g.graphml"):
        write_graph(graph, tmp_path / name)
    data = json.loads((tmp_path / "g.json").read_text(encoding="utf-8"))
    assert nx.utils.graphs_equal(nx.node_link_graph(data, edges="edges"), graph)
    again = nx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    assert set(again.edges(keys=True)) == set(graph.edges(keys=True))
    assert again.nodes["utterance:0"]["text"] == "I <3 you & \ufffd \U0001f600"
    for name in ("g.txt", "no/such/g.json"):
        with pytest.raises(ConfideError):
            write_graph(graph, tmp_path / name)


# --- forks -------------------------------------------------------------------------------------------------------------


def run_of(record, models, runs: Path) -> RunFolder:
    run = RunFolder.create(runs, record)
    asyncio.run(run_conversations(run, models, lambda *_: None))
    return run


@pytest.fixture
def parent(tmp_path) -> Path:
    wishes = Wishes(model="scripted", turns=8, conditions=read_conditions(["partial"]))
    record, models = plan_run(read_scenarios(["awake-at-three"]), known_models(), wishes)
    return run_of(record, models, tmp_path).logs()[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"condition": "omniscient"},
        {"condition": "author"},
        {"seeker.persona.traits.emotionality": "4.5"},
        {"fact.guest-room.text": "He sleeps in the shed."},
        {"utterance": "I do not want to talk."},
        {"limits.turns": "12"},
    ],
)
def test_a_fork_shares_the_first_turns_and_says_where_it_comes_from(parent, tmp_path, changes):
    before = fold(read_log(parent).events)
    record, models = plan_fork(Fork(parent, 3, changes), known_models())
    run = run_of(record, models, tmp_path / "forks")
    (log,) = run.logs()
    events = read_log(log).events
    after = fold(events)
    assert [turn.reply for turn in after.turns[:3]] == [turn.reply for turn in before.turns[:3]]
    assert after.started.pair_key == before.started.pair_key
    assert after.started.parent.conversation == before.started.conversation
    assert after.started.parent.changed == changes
    calls = [event.turn for event in events if event.kind == "called"]
    assert calls[0] == (4 if "utterance" in changes else 3), "what was taken over is not paid for again"
    replay(events)
    assert audit_log(log, next(run.planned())).breaches == ()
    if not changes:
        assert [turn.reply for turn in after.turns] == [turn.reply for turn in before.turns], "the same seeds"
    if "utterance" in changes:
        assert after.turns[3].reply.utterance == changes["utterance"]
        assert after.turns[3].reply.emotion == before.turns[3].reply.emotion
        assert after.turns[3].reply.told == ()


@pytest.mark.parametrize(
    ("at", "changes", "wrong"),
    [
        (9, {}, "from 0 to 8"),
        (8, {}, "ends after 8 turns"),
        (3, {"condition": "omnicient"}, "did you mean 'omniscient'"),
        (3, {"condition": "script"}, "cannot be gone on with"),
        (3, {"seeker.persona.traits.emotonality": "3"}, "no such field"),
        (3, {"fact.nope.text": "x"}, "no fact 'nope'"),
        (3, {"fact.guest-room.reveal": "soon"}, "does not fit"),
        (3, {"seeker.intensity": "9"}, "does not fit"),
        (3, {"prompts.seeker": "x.md"}, "keeps the parent's"),
        (4, {"utterance": "Hm?"}, "strategies too"),
        (4, {"utterance": "Hm?", "strategies": "Hugging"}, "the strategies are"),
        (3, {"utterance": " "}, "must not be empty"),
        (3, {"strategies": "Question"}, "set both"),
        (3, {"model": "nobody"}, "no model is called"),
        (3, {"situation": "[unclosed"}, "quotes"),
    ],
)
def test_a_fork_that_cannot_be_is_one_line(parent, at, changes, wrong):
    with pytest.raises(ConfideError, match=wrong) as caught:
        plan_fork(Fork(parent, at, changes), known_models())
    assert "\n" not in str(caught.value)
