"""How a talk goes: whose turn, why it ends, what is logged, what crosses; and AutoGen's own surface around it."""

import asyncio
import json
from itertools import accumulate

import pytest
from autogen_agentchat.base import TaskResult
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.messages import TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_agentchat.ui import Console
from autogen_core import CancellationToken

from confide.agents import AgentNote, Fault, ModelError, SeekerReply, View, ViewMessage, prompt_hash, render
from confide.agents.models import draw_reply
from confide.evaluators import summarise
from confide.scenarios import Role, read_scenario
from confide.simulator import Called, Conversation, Ended, Failed, Learned, Memory, Moderator, Spoke, State
from tests.helpers import by_role, make_setup, scripted, seeker_json, supporter_json, talk


def limited(name="shared-dog", model=None, **limits):
    setup = make_setup(name, model or scripted()[0])
    changed = setup.scenario.model_copy(update={"limits": setup.scenario.limits.model_copy(update=limits)})
    return setup._replace(scenario=changed)


def end_of(setup):
    return talk(setup)[-1]


def test_turns_alternate_from_the_role_that_opens():
    for name in ("shared-dog", "exam-panic"):
        scenario = read_scenario(name).scenario
        spoke = [event for event in talk(make_setup(name, scripted()[0])) if isinstance(event, Spoke)]
        assert [event.turn for event in spoke] == list(range(len(spoke)))
        assert spoke[0].role is scenario.opens
        assert all(a.role is b.role.other for a, b in zip(spoke, spoke[1:], strict=False))
    assert {read_scenario(n).scenario.opens for n in ("shared-dog", "exam-panic")} == set(Role)


@pytest.mark.parametrize("turns", [1, 2, 7])
def test_the_turn_limit_ends_a_talk(turns):
    end = end_of(limited(turns=turns))
    assert (end.reason, end.turns) == ("turn_limit", turns)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_ends_the_talk_with_its_last_words_said(role):
    model, _ = scripted(
        by_role(
            lambda n: seeker_json(f"s{n}", wants_to_end=role is Role.SEEKER and n == 2),
            lambda n: supporter_json(f"p{n}", wants_to_end=role is Role.SUPPORTER and n == 2),
        )
    )
    events = talk(make_setup("shared-dog", model))
    assert events[-1].reason == f"{role}_ended"
    assert [e for e in events if isinstance(e, Spoke)][-1].role is role


def test_the_same_words_three_times_running_end_the_talk():
    model, _ = scripted(
        by_role(lambda n: seeker_json(["a", "b", "Hm.", " hm. ", "HM."][n]), lambda n: supporter_json(f"p{n}"))
    )
    end = end_of(make_setup("shared-dog", model))
    assert (end.reason, end.turns) == ("repetition", 10)


def test_two_repeats_and_repeats_with_a_gap_do_not_end_it():
    lines = ["a", "a", "b", "a", "a", "b", "c", "c", "d", "c"]
    model, _ = scripted(by_role(lambda n: seeker_json(lines[n]), lambda n: supporter_json(lines[-n])))
    assert end_of(make_setup("shared-dog", model)).reason == "turn_limit"


def test_the_token_budget_ends_the_talk():
    whole = talk(limited())
    used = [e.prompt_tokens + e.completion_tokens for e in whole if isinstance(e, Called)]
    end = end_of(limited(tokens=sum(used[:6])))
    assert (end.reason, end.turns) == ("budget", 6)


def test_a_budget_that_cannot_be_counted_is_an_error_and_not_ignored():
    model, client = scripted()
    answer = client.answer

    async def silent(request):
        return (await answer(request)).model_copy(update={"prompt_tokens": None})

    client.answer = silent
    end = end_of(limited(model=model, tokens=10))
    assert (end.reason, end.turns) == ("error", 1)
    assert "does not report the tokens" in end.detail
    assert end_of(limited(model=model)).reason == "turn_limit"


@pytest.mark.parametrize(("fault", "known"), [(Fault.EMPTY, False), (Fault.FILTERED, False), (Fault.BAD_REQUEST, True)])
def test_what_an_answer_without_words_cost_is_unknown_and_not_nothing(fault, known):
    def script(request):
        if len(request.messages) > 6:
            raise ModelError(fault, "so it is")
        return draw_reply(request)

    summary = summarise(talk(make_setup("shared-dog", scripted(script)[0])))
    assert summary.calls == 4
    assert (summary.prompt_tokens is not None) is known
    assert (summary.completion_tokens is not None) is known


def test_an_unreadable_reply_is_repaired_once_and_both_are_logged():
    seen = []

    def script(request):
        seen.append(request)
        return "no JSON here" if len(seen) == 3 else draw_reply(request)

    events = talk(limited(turns=4, model=scripted(script)[0]))
    third = [e for e in events if getattr(e, "turn", None) == 2]
    kinds = [(e.kind, getattr(e, "purpose", None)) for e in third if e.kind in ("called", "failed", "spoke")]
    assert kinds == [("called", "speak"), ("failed", "speak"), ("called", "repair"), ("spoke", None)]
    failed = next(e for e in third if isinstance(e, Failed))
    assert (failed.stage, failed.fault, failed.message) == ("read", "unreadable", "no whole JSON object found")
    before, repair = seen[2].messages, seen[3].messages
    assert list(repair[: len(before)]) == list(before)
    assert [m.type for m in repair[len(before) :]] == ["AssistantMessage", "UserMessage"]
    assert repair[-2].content == "no JSON here"
    assert "no whole JSON object found" in repair[-1].content
    assert all("no JSON here" not in str(m.content) for m in seen[4].messages), "a failed reply never enters a history"


def test_a_reply_that_cannot_be_repaired_ends_the_talk_with_what_was_said_kept():
    model, client = scripted(lambda request: "???" if len(request.messages) > 6 else draw_reply(request))
    events = talk(make_setup("shared-dog", model))
    assert events[-1].reason == "error"
    assert events[-1].detail.startswith("unreadable reply")
    assert sum(isinstance(e, Failed) for e in events) == 2
    assert sum(isinstance(e, Spoke) for e in events) == events[-1].turns == 4
    assert len(client.received) == 6


def test_a_reply_cut_off_at_the_token_limit_is_not_taken_for_speech():
    model, client = scripted()
    answer = client.answer

    async def cut(request):
        completion = await answer(request)
        return completion.model_copy(update={"finish_reason": "length"})

    client.answer = cut
    events = talk(make_setup("shared-dog", model))
    assert events[-1].reason == "error"
    assert not any(isinstance(e, Spoke) for e in events)


@pytest.mark.parametrize(
    ("fault", "ends"), [(Fault.BAD_REQUEST, True), (Fault.EMPTY, True), (Fault.TIMEOUT, False), (Fault.DENIED, False)]
)
def test_a_fault_of_the_talk_ends_it_and_one_of_the_endpoint_leaves_it_open(fault, ends):
    def script(request):
        if len(request.messages) > 6:
            raise ModelError(fault, "so it is")
        return draw_reply(request)

    moderator = Moderator(make_setup("shared-dog", scripted(script)[0]))
    if ends:
        assert asyncio.run(moderator.run()).stop_reason == "error"
    else:
        with pytest.raises(ModelError):
            asyncio.run(moderator.run())
        assert not isinstance(moderator.events[-1], Ended)
    failed = [e for e in moderator.events if isinstance(e, Failed)]
    assert [(e.stage, e.fault, e.message) for e in failed] == [("call", fault.value, "so it is")]


def test_a_fact_is_learned_when_it_is_first_told():
    model, _ = scripted(
        by_role(lambda n: seeker_json(f"s{n}", told=["chip-number"] if n else []), lambda n: supporter_json(f"p{n}"))
    )
    setup = make_setup("shared-dog", model)
    fact = setup.scenario.seeker.facts[0].id
    model, _ = scripted(
        by_role(lambda n: seeker_json(f"s{n}", told=[fact] if n else []), lambda n: supporter_json(f"p{n}"))
    )
    learned = [e for e in talk(make_setup("shared-dog", model)) if isinstance(e, Learned)]
    assert [(e.fact, e.by, e.turn) for e in learned] == [(fact, Role.SUPPORTER, 3)]


def test_private_state_is_carried_to_the_next_prompt_and_changes_are_logged():
    model, client = scripted(
        by_role(
            lambda n: seeker_json(f"s{n}", emotion=70 - n, trust=30 + n),
            lambda n: supporter_json(f"p{n}", notes=f"note {n}"),
        )
    )
    events = talk(make_setup("shared-dog", model))
    tails = [str(request.messages[-1].content) for request in client.received]
    assert "distress at 69 and your trust at 31" in tails[5]
    assert "Your notes so far: note 1" in tails[4]
    assert "distress" not in tails[1], "before its first reply a seeker has no state, and none is made up"
    states = [(e.reply.emotion, e.reply.trust) for e in events if isinstance(e, Spoke) and e.role is Role.SEEKER]
    assert states[:2] == [(70, 30), (69, 31)]


def test_common_random_numbers_the_opening_is_the_same_for_the_same_pair_key():
    openings = []
    for name in ("a", "b"):
        setup = make_setup("shared-dog", scripted()[0])._replace(conversation=name)
        openings.append(next(e.reply for e in talk(setup) if isinstance(e, Spoke)))
    assert openings[0] == openings[1]


# --- what crosses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["the other's reply", "not a plain string"])
def test_anything_but_a_plain_utterance_is_stopped_at_the_crossing(kind):
    class Loud(str):
        secret = "the other must not see this"

    conversation = Conversation(make_setup("shared-dog", scripted()[0]), Memory())
    agent = conversation._stage.agents[Role.SUPPORTER]
    speak = agent.speak

    async def leaky(order):
        reply = await speak(order)
        loud = reply.model_copy(update={"utterance": Loud(reply.utterance)})
        return read_reply() if kind == "the other's reply" else loud

    agent.speak = leaky

    with pytest.raises(TypeError, match="a reply of its own whose utterance is a plain string"):
        asyncio.run(conversation.run(None))
    assert not conversation.state.turns


def test_a_prompt_that_grew_turn_by_turn_is_the_one_that_its_segments_make_at_once():
    memory = Memory()
    setup = make_setup("shared-dog", scripted()[0])
    asyncio.run(Conversation(setup, memory).run(None))
    states = [state for state in accumulate(memory.events, State.after, initial=State()) if state.turns]
    assert len(states[-1].turns) > 3
    for role, views in setup.prepare().views().items():
        for state in states:
            view = views.view(state)
            assert view.begun.messages
            for grown in (view, view.plus(*view.segments[-2:])):
                prompt = render(grown)
                assert prompt == render(View(role, view.turn, grown.segments))
                assert prompt.hash == prompt_hash(prompt.messages)


def test_as_an_autogen_agent_it_answers_with_the_utterance_alone():
    setup = make_setup("shared-dog", scripted()[0])
    stage = setup.prepare()
    frame = stage.frames[Role.SUPPORTER]
    order = ViewMessage(
        source="m", view=View(Role.SUPPORTER, 0, frame.head, frame.facts), seeds={"speak": 1, "repair": 2}
    )
    response = asyncio.run(stage.agents[Role.SUPPORTER].on_messages([order], CancellationToken()))
    assert type(response.chat_message) is TextMessage
    assert response.chat_message.metadata == {}
    notes = [item.note for item in response.inner_messages]
    assert [type(note).__name__ for note in notes] == ["Called", "SupporterReply"]
    assert response.chat_message.content == notes[-1].utterance


def test_an_agent_speaks_from_one_view_of_its_own_and_from_nothing_else():
    conversation = Conversation(make_setup("shared-dog", scripted()[0]), Memory())
    seeker = conversation._stage.agents[Role.SEEKER]
    foreign = ViewMessage(source="moderator", view=View(Role.SUPPORTER, 0, ()), seeds={"speak": 1, "repair": 2})
    for messages in ([], [TextMessage(content="hi", source="x")], [foreign]):
        with pytest.raises(ValueError, match="one view of its own"):
            asyncio.run(seeker.on_messages(messages, None))


def test_notes_and_views_name_no_content_in_consoles():
    note = AgentNote(source="seeker", note=read_reply())
    assert "secret" not in note.to_text()
    view = ViewMessage(source="m", view=View(Role.SEEKER, 3, ()), seeds={"speak": 1, "repair": 2})
    assert view.to_text() == "(turn 3: seeker may see 0 segments)"
    for refused in (view.to_model_text, view.to_model_message):
        with pytest.raises(NotImplementedError):
            refused()


def read_reply():
    return SeekerReply(utterance="secret", thoughts="secret", emotion=1, trust=1, told=())


# --- AutoGen -----------------------------------------------------------------------------------------------------------


def test_it_runs_in_autogens_console(capsys):
    setup = limited(turns=4)
    result = asyncio.run(Console(Moderator(setup).run_stream(task="go")))
    out = capsys.readouterr().out
    assert isinstance(result, TaskResult)
    assert result.stop_reason == "turn_limit"
    assert [m.source for m in result.messages] == ["user", "supporter", "seeker", "supporter", "seeker"]
    for message in result.messages:
        assert message.content in out
    assert "thoughts" not in out


def test_it_is_a_participant_of_an_autogen_team():
    model, client = scripted()
    moderator = Moderator(limited(turns=4, model=model))
    team = RoundRobinGroupChat([moderator], termination_condition=MaxMessageTermination(2))
    result = asyncio.run(team.run(task="A task that neither role may see."))
    text = json.dumps([m.model_dump(mode="json") for m in result.messages])
    said = [e.reply.utterance for e in moderator.events if isinstance(e, Spoke)]
    assert len(said) == 4
    assert all(json.dumps(line)[1:-1] in text for line in said)
    assert "has no thoughts" not in text
    assert all("neither role may see" not in str(m.content) for r in client.received for m in r.messages)


def test_a_task_can_be_text_messages_or_nothing():
    for task, count in (
        (None, 0),
        ("a", 1),
        (TextMessage(content="a", source="u"), 1),
        ([TextMessage(content="a", source="u")] * 2, 2),
    ):
        result = asyncio.run(Moderator(limited(turns=1)).run(task=task))
        assert len(result.messages) == count + 1
    assert len(asyncio.run(Moderator(limited(turns=1)).run(task="a", output_task_messages=False)).messages) == 1


def test_a_timeout_stops_it_at_once_and_it_goes_on_later():
    calls = []

    def script(request):
        calls.append(request)
        return draw_reply(request)

    model, client = scripted(script)
    client._latency_s = 0.02
    moderator = Moderator(limited(model=model))

    async def run():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(moderator.run(), 0.15)
        stopped = len(calls)
        await asyncio.sleep(0.1)
        assert len(calls) == stopped < 20
        client._latency_s = 0
        return await moderator.run()

    assert asyncio.run(run()).stop_reason == "turn_limit"
    assert sum(isinstance(e, Spoke) for e in moderator.events) == 20


def test_autogens_cancellation_token_stops_it():
    model, client = scripted()
    client._latency_s = 5
    moderator = Moderator(limited(model=model))

    async def run():
        token = CancellationToken()
        task = asyncio.create_task(moderator.run(cancellation_token=token))
        await asyncio.sleep(0.05)
        token.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1)

    asyncio.run(run())


def test_its_state_is_saved_and_loaded_as_json():
    setup = limited(model=scripted()[0])
    whole = talk(setup)
    first = Moderator(setup)

    async def part():
        async for event in first.converse():
            if isinstance(event, Spoke) and event.turn == 7:
                return json.dumps(await first.save_state())
        raise AssertionError

    saved = asyncio.run(part())
    model, client = scripted()
    second = Moderator(limited(model=model))
    asyncio.run(second.load_state(json.loads(saved)))
    asyncio.run(second.run())
    assert second.events == whole
    assert len(client.received) == 12
    asyncio.run(second.reset())
    assert second.events == ()
    for refused in (second.pause, second.resume):
        with pytest.raises(NotImplementedError):
            asyncio.run(refused())


def test_an_error_of_ours_comes_out_as_it_is():
    def broken(request):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        asyncio.run(Moderator(make_setup("shared-dog", scripted(broken)[0])).run())
