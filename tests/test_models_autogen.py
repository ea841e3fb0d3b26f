"""AutoGen's components: which are loaded, which refused, and AutoGen's own OpenAI client in a role."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from confide.agents import Model, RoleAgent, build_model, read_prompt, shipped_prompt
from confide.agents.messages import AgentNote, Called, ViewMessage
from confide.agents.models import AutoGenSpec
from confide.agents.reply import ReplyRules
from confide.agents.trial import try_model
from confide.agents.view import Place, Segment, View
from confide.scenarios import Role
from tests.fake_server import Answer, FakeServer, refused, said
from tests.helpers import ESCONV
from tests.model_helpers import HI, KEY, failure, wrong

REPLAY = "autogen_ext.models.replay.ReplayChatCompletionClient"
AUTOGEN_OPENAI = "autogen_ext.models.openai.OpenAIChatCompletionClient"


def component(**config: object) -> dict[str, Any]:
    return {"provider": REPLAY, "component_type": "replay_chat_completion_client", "version": 1, "config": config}


def autogen_spec(description: dict[str, Any], **fields: Any) -> AutoGenSpec:
    return AutoGenSpec(provider="autogen", component=description, **fields)


async def test_a_component_is_loaded() -> None:
    model = build_model("mine", autogen_spec(component(chat_completions=["hello"])))
    assert (await model.client.create(HI, extra_create_args={"seed": 1})).content == "hello"
    assert model.structured == "autogen"


def test_the_log_does_not_claim_a_seed_that_is_not_sent() -> None:
    assert build_model("m", autogen_spec(component(chat_completions=["x"]))).sends_seed is False
    assert build_model("m", autogen_spec(component(chat_completions=["x"]), seed_argument="seed")).sends_seed is True


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Modules that leave a mark when they are imported; gives the mark's file."""
    mark = tmp_path / "imported"
    code = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nclass Client: pass\n"
    for name in ("confide_trap", "autogen_ext_models", "autogen_extra"):
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return mark


@pytest.mark.parametrize(
    "provider",
    [
        "confide_trap.Client",
        "autogen_ext_models.Client",
        "autogen_extra.Client",
        "os.system",
        "autogen_ext.tools.X",
        "",
        " autogen_ext.models.x.Y",
    ],
)
def test_a_component_of_others_is_refused_without_importing_it(provider: str, trap: Path) -> None:
    said_to_user = wrong(build_model, "mine", autogen_spec({"provider": provider, "config": {}}))
    assert "autogen_ext.models." in said_to_user
    assert not trap.exists()
    assert not {"confide_trap", "autogen_ext_models", "autogen_extra"} & set(sys.modules)


@pytest.mark.parametrize("place", ["client", "store"])
def test_a_component_inside_a_component_is_refused_without_importing_it(place: str, trap: Path) -> None:
    inside = {"client": component(chat_completions=["x"]), "store": None}
    inside[place] = {"provider": "confide_trap.Client", "config": {}}
    outer = {"provider": "autogen_ext.models.cache.ChatCompletionCache", "config": inside}
    wrong(build_model, "mine", autogen_spec(outer))
    assert not trap.exists()


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"provider": 5, "config": {}},
        {"provider": REPLAY},
        {"provider": REPLAY, "config": 5},
        {"provider": REPLAY, "config": {}},
        {"provider": "autogen_ext.models.no_such_module.Client", "config": {}},
        {"provider": "autogen_ext.models.replay.NoSuchClient", "config": {}},
        {"provider": "autogen_ext.models.", "config": {}},
        {"provider": "autogen_core.models.UserMessage", "config": {}},
        {"provider": AUTOGEN_OPENAI, "config": {"model": "not-one-of-theirs"}},
        {"provider": AUTOGEN_OPENAI, "config": {"model": "gpt-4o"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("key_env", [None, "MY_KEY"])
def test_a_component_that_cannot_be_loaded_is_one_line_without_the_key(
    description: dict[str, Any], key_env: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("MY_KEY", KEY)
    spec = autogen_spec(description, key_env=key_env)
    if key_env and description == {"provider": AUTOGEN_OPENAI, "config": {"model": "gpt-4o"}}:
        assert build_model("mine", spec).structured == "autogen"
        return
    said_to_user = wrong(build_model, "mine", spec)
    assert "'mine'" in said_to_user
    assert KEY not in said_to_user


def test_a_components_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    spec = autogen_spec(component(chat_completions=["x"]), key_env="MY_KEY")
    assert "MY_KEY" in wrong(build_model, "mine", spec)


def test_loading_a_component_leaves_its_description_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    spec = autogen_spec({"provider": AUTOGEN_OPENAI, "config": {"model": "gpt-4o"}}, key_env="MY_KEY")
    build_model("mine", spec)
    assert KEY not in spec.model_dump_json()  # it goes into run.json


def openai_component(server: FakeServer, *, structured: bool = True) -> dict[str, Any]:
    info = {
        "vision": False, "function_calling": False, "json_output": True, "family": "unknown",
        "structured_output": structured,
    }  # fmt: skip
    config = {"model": "fake-1", "base_url": server.url, "model_info": info, "max_retries": 0}
    return {"provider": AUTOGEN_OPENAI, "component_type": "model", "version": 1, "config": config}


def supporter_says(utterance: str) -> str:
    return json.dumps(
        {"notes": "n", "strategies": ["Question"], "told": [], "utterance": utterance, "wants_to_end": False}
    )


async def speak(model: Model) -> tuple[str, list[Called]]:
    """A supporter's turn; gives its utterance and its calls."""
    rules = ReplyRules(role=Role.SUPPORTER, facts=("own",), taxonomy=ESCONV)
    prompt = read_prompt(shipped_prompt(Role.SUPPORTER, "json"), Role.SUPPORTER)
    agent = RoleAgent(rules, model, prompt)
    segments = (Segment("instruction:role", Place.HEAD, "You play Robin."), Segment("utterance:0", Place.OTHER, "Hm."))
    order = ViewMessage(source="moderator", view=View(Role.SUPPORTER, 1, segments), seeds={"speak": 41, "repair": 42})
    response = await agent.on_messages([order], None)
    notes = [item.note for item in response.inner_messages or [] if isinstance(item, AgentNote)]
    return response.chat_message.to_text(), [note for note in notes if isinstance(note, Called)]


async def test_autogens_own_openai_client_plays_a_role(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    usage = {"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 59}
    server.script = said(supporter_says("What happened \U0001f600?"), usage=usage)
    model = build_model("mine", autogen_spec(openai_component(server), key_env="MY_KEY", seed_argument="seed"))
    utterance, calls = await speak(model)
    await model.client.close()
    assert utterance == "What happened \U0001f600?"
    (call,) = calls
    assert (call.completion.prompt_tokens, call.completion.completion_tokens) == (50, 9)
    (got,) = server.chats
    assert got.headers["Authorization"] == f"Bearer {KEY}"
    assert (got.body["model"], got.body["seed"]) == ("fake-1", 41)
    assert [(message["role"], message["content"]) for message in got.messages] == [
        ("system", "You play Robin."),
        ("user", "Hm."),
    ]
    schema = got.body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["notes", "strategies", "told", "utterance", "wants_to_end"]
    assert schema["properties"]["strategies"]["items"]["enum"] == list(ESCONV.labels)


async def test_autogens_client_repairs_an_unreadable_reply(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    bad = supporter_says("x").replace("Question", "Hypnosis")
    server.queue.append(said(bad))
    server.script = said(supporter_says("Better."))
    model = build_model("mine", autogen_spec(openai_component(server, structured=False), key_env="MY_KEY"))
    utterance, calls = await speak(model)
    await model.client.close()
    assert utterance == "Better."
    assert [call.purpose for call in calls] == ["speak", "repair"]
    first, second = server.chats
    assert first.body["response_format"] == {"type": "json_object"}
    assert "seed" not in first.body
    assert second.messages[:2] == first.messages
    assert second.messages[2]["content"] == bad
    assert "Hypnosis" in second.messages[3]["content"]


async def test_a_fault_behind_autogens_client_is_a_model_error(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    server.script = refused(429, "slow down")
    model = build_model("mine", autogen_spec(openai_component(server), key_env="MY_KEY"))
    error = await failure(model)
    await model.client.close()
    assert "RateLimitError" in error.message
    assert KEY not in f"{error} {error!r}"


async def test_a_trial_through_autogen(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)

    def script(got: Any) -> Answer:
        schema = got.body.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("properties", {})
        if "colour" in schema:
            return said('{"colour": "blue", "shade": 1}')
        return said(supporter_says("And then?") if schema else "Hello.")

    server.script = script
    model = build_model("mine", autogen_spec(openai_component(server), key_env="MY_KEY", seed_argument="seed"))
    findings = await try_model(model)
    await model.client.close()
    assert [finding.result for finding in findings] == ["yes", "yes", "unknown", "unknown", "yes"]
