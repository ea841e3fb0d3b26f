"""The scripted client: the same request gets the same reply, and every reply can be read."""

import asyncio
import time

import pytest
from autogen_core.models import UserMessage
from pydantic import ValidationError

from confide.agents import JSON, Fault, ModelError, ScriptedClient, build_model
from confide.agents.models import Request, ScriptedSpec, draw_reply
from confide.agents.reply import ReplyRules
from confide.agents.trial import try_model
from confide.scenarios import Role
from tests.helpers import ESCONV
from tests.model_helpers import HI, is_one_line


def request(seed: int, role: Role = Role.SUPPORTER, text: str = "hi") -> Request:
    rules = ReplyRules(role=role, facts=("own", "other"), taxonomy=ESCONV)
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": JSON.schema(rules)}}
    return Request([UserMessage(content=text, source="user")], {"seed": seed, "response_format": form})


async def test_the_same_request_gets_the_same_reply() -> None:
    first, second = ScriptedClient(), ScriptedClient()
    for seed in range(20):
        assert (await first.answer(request(seed))).content == (await second.answer(request(seed))).content
    assert len({(await first.answer(request(seed))).content for seed in range(20)}) > 5


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("facts", [(), ("own", "other")])
def test_every_drawn_reply_can_be_read(role: Role, facts: tuple[str, ...]) -> None:
    rules = ReplyRules(role=role, facts=facts, taxonomy=ESCONV)
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": JSON.schema(rules)}}
    replies = [
        JSON.parse(draw_reply(Request(HI, {"seed": seed, "response_format": form})), rules) for seed in range(200)
    ]
    assert all(reply.role is role for reply in replies)
    assert {fact for reply in replies for fact in reply.told or ()} == set(facts)


def test_without_a_schema_a_line_is_drawn() -> None:
    lines = {draw_reply(Request(HI, {"seed": seed})) for seed in range(50)}
    assert len(lines) > 3
    assert all(is_one_line(line) and not line.startswith("{") for line in lines)


async def test_what_was_received_is_kept_in_order() -> None:
    client = ScriptedClient(lambda asked: f"heard {asked.messages[0].content}")
    replies = [
        await client.create([UserMessage(content=str(n), source="u")], extra_create_args={"seed": n}) for n in range(3)
    ]
    assert [reply.content for reply in replies] == ["heard 0", "heard 1", "heard 2"]
    assert [(asked.messages[0].content, asked.args["seed"]) for asked in client.received] == [
        ("0", 0),
        ("1", 1),
        ("2", 2),
    ]


async def test_a_built_scripted_model_keeps_nothing_and_takes_its_time() -> None:
    model = build_model("dry", ScriptedSpec(provider="scripted", latency_ms=100))
    start = time.monotonic()
    await asyncio.gather(*(model.client.create(HI) for _ in range(5)))
    assert 0.1 <= time.monotonic() - start < 0.4  # five at once
    assert model.client.inner.received == []  # type: ignore[attr-defined]
    assert model.caveat is not None
    assert "no model spoke" in model.caveat


async def test_a_script_may_raise() -> None:
    def script(_: Request) -> str:
        raise ModelError(Fault.FILTERED, "no")

    with pytest.raises(ModelError, match="no"):
        await ScriptedClient(script).create(HI)


async def test_a_scripted_model_passes_its_trial() -> None:
    findings = await try_model(build_model("dry", ScriptedSpec(provider="scripted")))
    assert [finding.result for finding in findings] == ["yes", "yes", "no", "no", "yes"]


def test_a_scripted_model_writes_json_and_nothing_else() -> None:
    with pytest.raises(ValidationError):
        ScriptedSpec.model_validate({"provider": "scripted", "format": "tagged"})
