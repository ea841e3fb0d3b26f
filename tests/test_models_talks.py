"""Whole talks over a server: what each role hears, repairs, faults, and what models.yaml sends."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from confide.agents import JSON, Fault, ModelError, ReplyError, build_model, known_models
from confide.agents.agent import _asking
from confide.agents.models import OpenAISpec
from confide.agents.reply import ReplyRules
from confide.scenarios import ConfideError, Role, read_scenario, read_taxonomy
from confide.scenarios.library import STRATEGIES
from confide.simulator import Moderator, Outcome, RunFolder, Wishes, plan_run, read_log, run_conversations
from confide.simulator.events import AnyEvent
from confide.simulator.planning import setup_of
from tests.fake_server import Answer, FakeServer, Got, failing_plainly, now_again, refused, said, with_message
from tests.model_helpers import KEY, SURROGATE, is_one_line, reply_for, role_of

pytestmark = pytest.mark.usefixtures("environment")


def play(got: Got) -> Answer:
    return said(reply_for(got), usage={"prompt_tokens": 1000, "completion_tokens": 100,
                                       "prompt_tokens_details": {"cached_tokens": 400}})  # fmt: skip


class Talk:
    """One whole conversation over the fake server, run as ``confide run`` runs it."""

    def __init__(self, outcome: Outcome, run: RunFolder, events: list[AnyEvent]) -> None:
        self.outcome = outcome
        self.run = run
        self.events = events

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.kind == kind]

    @property
    def log(self) -> tuple[AnyEvent, ...]:
        return tuple(read_log(self.run.final(next(self.run.planned()).id)).events)


Play = Callable[..., Awaitable[Talk]]


@pytest.fixture
def converse(server: FakeServer, tmp_path: Path) -> Play:
    async def run(turns: int = 4, replicates: int = 1, more: str = "") -> Talk:
        file = tmp_path / "models.yaml"
        file.write_text(
            f"models:\n  fake:\n    provider: openai\n    model: fake-1\n    base_url: {server.url}\n"
            f"    price: {{prompt: 10, cached: 1, completion: 100}}\n    tries: 3\n{more}"
        )
        wishes = Wishes(model="fake", turns=turns, replicates=replicates, seed=7)
        record, models = plan_run([read_scenario("after-work-beers")], known_models(file), wishes)
        folder = RunFolder.create(tmp_path / "runs", record)
        events: list[AnyEvent] = []
        call = run_conversations(folder, models, lambda _, event: events.append(event))
        with failing_plainly():
            return Talk(await asyncio.wait_for(call, 10), folder, events)

    return run


async def test_a_whole_talk(server: FakeServer, converse: Play) -> None:
    server.script = play
    talk = await converse(turns=6)
    assert talk.outcome[:2] == (1, {})
    assert [event.role for event in talk.of("spoke")] == [Role.SUPPORTER, Role.SEEKER] * 3
    assert [event.reply.utterance for event in talk.of("spoke")] == [
        json.loads(event.reply)["utterance"] for event in talk.of("called")
    ]
    assert talk.of("failed") == []
    assert [(event.reason.value, event.turns) for event in talk.of("ended")] == [("turn_limit", 6)]
    calls = talk.of("called")
    assert [call.seed for call in calls] == [got.body["seed"] for got in server.chats]
    assert len({call.seed for call in calls}) == 6
    assert [got.body["response_format"]["type"] for got in server.chats] == ["json_schema"] * 6
    assert all(got.body["response_format"]["json_schema"]["strict"] is True for got in server.chats)
    cost = (600 * 10 + 400 * 1 + 100 * 100) / 1e6
    assert {(c.prompt_tokens, c.cached_tokens, c.completion_tokens, c.model) for c in calls} == {
        (1000, 400, 100, "fake-1")
    }
    assert [call.cost for call in calls] == pytest.approx([cost] * 6)
    assert [event.kind for event in talk.log] == [event.kind for event in talk.events]
    assert all(KEY not in file.read_text() for file in talk.run.path.rglob("*") if file.is_file())


async def test_the_team_over_the_server_gives_the_public_talk(server: FakeServer, tmp_path: Path) -> None:
    server.script = play
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url, key_env=None)
    record, models = plan_run([read_scenario("after-work-beers")], {"m": spec}, Wishes(model="m", turns=4))
    planned = next(RunFolder(tmp_path, record).planned())
    result = await Moderator(setup_of(record, planned, models)).run(task="go")
    await models["m"].client.close()
    assert result.stop_reason == "turn_limit"
    assert [message.source for message in result.messages] == ["user", "supporter", "seeker", "supporter", "seeker"]
    assert all(message["content"] != "go" for got in server.chats for message in got.messages)


async def test_each_role_hears_the_other_and_never_its_private_part(server: FakeServer, converse: Play) -> None:
    own = {Role.SUPPORTER: {"notes": "SECRET-N"}, Role.SEEKER: {"thoughts": "SECRET-T"}}
    server.script = lambda got: said(reply_for(got, **own[role_of(got)]))
    await converse(turns=6)
    for got in server.chats:
        assert ("SECRET-T" if role_of(got) is Role.SUPPORTER else "SECRET-N") not in got.raw.decode()
    last = server.chats[-1].messages
    spoken = [message for message in last if message["content"].startswith(("How so", '{"thoughts"'))]
    assert [message["role"] for message in spoken] == ["user", "assistant", "user", "assistant", "user"]
    assert ["SECRET-T" in message["content"] for message in spoken] == [False, True, False, True, False]


async def test_an_unreadable_reply_is_repaired(server: FakeServer, converse: Play) -> None:
    bad = 'Sure! {"thoughts": "t", "emotion": 130, \U0001f600 "utterance'

    def script(got: Got) -> Answer:
        return said(bad) if len(server.chats) == 2 else play(got)

    server.script = script
    talk = await converse(turns=4)
    assert [(e.kind, e.turn) for e in talk.events if e.kind in ("called", "failed", "spoke")] == [
        ("called", 0), ("spoke", 0), ("called", 1), ("failed", 1), ("called", 1), ("spoke", 1),
        ("called", 2), ("spoke", 2), ("called", 3), ("spoke", 3),
    ]  # fmt: skip
    assert [call.purpose for call in talk.of("called")] == ["speak", "speak", "repair", "speak", "speak"]
    (failed,) = talk.of("failed")
    assert (failed.stage, failed.purpose, failed.fault, failed.role) == ("read", "speak", "unreadable", Role.SEEKER)
    assert talk.of("called")[1].reply == bad
    spoken, repair = server.chats[1], server.chats[2]
    assert repair.messages[: len(spoken.messages)] == spoken.messages
    reply, order = repair.messages[len(spoken.messages) :]
    assert reply == {"role": "assistant", "content": bad}
    assert order["role"] == "user"
    assert failed.message in order["content"]
    assert repair.body["seed"] != spoken.body["seed"]
    assert {**repair.body, "messages": 0, "seed": 0} == {**spoken.body, "messages": 0, "seed": 0}
    assert bad not in "".join(got.raw.decode() for got in server.chats[3:])  # no later prompt holds it
    assert talk.outcome.finished == 1


async def test_a_reply_that_was_cut_off_is_repaired_not_used(server: FakeServer, converse: Play) -> None:
    server.script = lambda got: said(reply_for(got), finish="length" if len(server.chats) == 1 else "stop")
    talk = await converse(turns=2)
    assert [call.purpose for call in talk.of("called")] == ["speak", "repair", "speak"]
    assert "cut off" in talk.of("failed")[0].message
    assert "cut off" in server.chats[1].messages[-1]["content"]


async def test_two_unreadable_replies_end_the_talk(server: FakeServer, converse: Play) -> None:
    server.script = lambda got: said("no JSON at all") if len(server.chats) > 2 else play(got)
    talk = await converse(turns=6)
    assert [(e.stage, e.purpose) for e in talk.of("failed")] == [("read", "speak"), ("read", "repair")]
    (ended,) = talk.of("ended")
    assert (ended.reason.value, ended.turns) == ("error", 2)
    assert len(server.chats) == 4
    assert talk.outcome[:2] == (1, {})


async def test_failed_tries_are_in_the_log(server: FakeServer, converse: Play) -> None:
    server.queue.extend([now_again(503, "busy"), now_again(429)])
    server.script = play
    talk = await converse(turns=2)
    first, second = talk.of("called")
    assert [attempt.fault for attempt in first.attempts] == [Fault.SERVER_ERROR, Fault.RATE_LIMITED]
    assert second.attempts == ()
    logged = [event for event in talk.log if event.kind == "called"]
    assert [attempt.message for attempt in logged[0].attempts] == [attempt.message for attempt in first.attempts]


async def test_an_endpoint_that_stays_ill_leaves_the_talk_open(server: FakeServer, converse: Play) -> None:
    server.script = lambda got: play(got) if len(server.chats) < 3 else now_again(503, "ill")
    talk = await converse(turns=6)
    assert talk.outcome.finished == 0
    assert ["ill" in why for why in talk.outcome.unfinished.values()] == [True]
    (failed,) = talk.of("failed")
    assert (failed.stage, failed.purpose, failed.fault, len(failed.attempts)) == ("call", None, "server_error", 3)
    assert talk.of("ended") == []


async def test_a_refused_key_stops_the_run(server: FakeServer, converse: Play) -> None:
    server.script = refused(401)
    with pytest.raises(ModelError) as caught:
        await converse(replicates=3)
    assert caught.value.fault is Fault.DENIED


@pytest.mark.parametrize(
    "answer",
    [
        refused(400, "this prompt is not allowed"),
        refused(400, f"half a character: {SURROGATE}"),
        Answer(body=with_message({"content": None, "refusal": f"no \ud83d\n{'x' * 3000}"})),
        said(None),
        said("\ud83d"),
    ],
    ids=["400", "400 with half a character", "refusal with half a character", "empty", "half a character"],
)
async def test_a_fault_of_one_talk_ends_that_talk_alone(answer: Answer, server: FakeServer, converse: Play) -> None:
    server.script = lambda got: answer if len(server.chats) == 3 else play(got)
    talk = await converse(turns=4, replicates=3)
    assert talk.outcome[:2] == (3, {})
    assert sorted(event.reason.value for event in talk.of("ended")) == ["error", "turn_limit", "turn_limit"]
    assert [is_one_line(event.message) for event in talk.of("failed")] == [True]


@pytest.mark.parametrize(
    "answer", [Answer(body=b'{"choices": ['), Answer(body=b""), Answer(body=b"\xff"), said("hi", usage=[1])]
)
async def test_a_garbled_answer_takes_no_other_talk_with_it(answer: Answer, server: FakeServer, converse: Play) -> None:
    server.script = lambda got: answer if len(server.chats) == 3 else play(got)
    talk = await converse(turns=4, replicates=3)
    assert talk.outcome.finished + len(talk.outcome.unfinished) == 3
    assert talk.outcome.finished >= 2


@pytest.mark.parametrize(
    "fields",
    [{"utterance": "oh \ud83d"}, {"thoughts": "\udc00"}, {"told": ["\ud83d"]}],
    ids=["utterance", "thoughts", "fact"],
)
async def test_half_a_character_escaped_inside_the_reply_is_unreadable_and_repaired(
    fields: dict[str, object], server: FakeServer, converse: Play
) -> None:
    def script(got: Got) -> Answer:
        return said(reply_for(got, **fields)) if len(server.chats) == 2 else play(got)

    server.script = script
    talk = await converse(turns=4)
    assert [call.purpose for call in talk.of("called")] == ["speak", "speak", "repair", "speak", "speak"]
    assert [(failed.stage, failed.purpose) for failed in talk.of("failed")] == [("read", "speak")]
    assert len(talk.log) == len(talk.events)


@pytest.mark.parametrize(
    ("more", "key", "value"),
    [
        ("    structured: json_object\n", "response_format", {"type": "json_object"}),
        ("    structured: none\n", "response_format", None),
        ("    seed: false\n", "seed", None),
        ("    temperature: 0.5\n", "temperature", 0.5),
        ("    max_tokens: 99\n", "max_tokens", 99),
        ("    extra_body: {reasoning_effort: low}\n", "reasoning_effort", "low"),
    ],
)
async def test_what_models_yaml_says_reaches_the_wire(
    more: str, key: str, value: object, server: FakeServer, converse: Play
) -> None:
    last = {"notes": "n", "strategies": ["Question"], "told": [], "utterance": "Hm?", "wants_to_end": True}
    server.script = said(json.dumps(last))
    talk = await converse(turns=2, more=more)
    assert server.chats[0].body.get(key) == value
    assert talk.of("ended")[0].reason.value == "supporter_ended"


async def test_tagged_replies_with_a_grammar(server: FakeServer, converse: Play) -> None:
    def script(got: Got) -> Answer:
        supporter = "name ::=" in got.body["grammar"]
        return said("[Question] How so?" if supporter else "[emotion 60, trust 30, told nothing] So.")

    server.script = script
    talk = await converse(turns=2, more="    format: tagged\n    structured: grammar\n")
    assert [event.reply.utterance for event in talk.of("spoke")] == ["How so?", "So."]
    assert all("response_format" not in got.body for got in server.chats)


def rules() -> ReplyRules:
    return ReplyRules(role=Role.SUPPORTER, facts=("own",), taxonomy=read_taxonomy(STRATEGIES / "esconv.yaml"))


def test_a_reply_nested_to_any_depth_is_read_or_unreadable() -> None:
    reply = {"notes": "n", "strategies": ["Question"], "told": [], "utterance": "Hm?", "wants_to_end": False}
    ends = set()
    for depth in range(sys.getrecursionlimit() - 300, sys.getrecursionlimit() + 20):
        text = f'{json.dumps(reply)[:-1]}, "more": {"[" * depth}{"]" * depth}}}'
        try:
            ends.add(JSON.parse(text, rules()).utterance)
        except ReplyError:
            ends.add("unreadable")
    assert ends <= {"Hm?", "unreadable"}


@pytest.mark.parametrize("lines", ["format: tagged", "format: json\n    structured: grammar"])
def test_a_reply_is_never_held_to_a_form_that_its_format_cannot_read(lines: str, tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(f"models:\n  m:\n    provider: openai\n    model: x\n    key_env: null\n    {lines}\n")
    try:
        model = build_model("m", known_models(file)["m"])
    except ConfideError:
        return  # to refuse the contradiction is as good
    asked = _asking(model, rules()).args
    assert ("response_format" in asked) <= (model.format.name == "json")
    assert ("grammar" in asked) <= (model.format.name == "tagged")
