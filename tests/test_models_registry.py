"""Names of models, models.yaml, and prices."""

from pathlib import Path
from typing import Any

import pytest

from confide.agents import Model, ScriptedClient, build_model, known_models
from confide.agents.models import BUILT_IN, LocalSpec, OpenAISpec, Price, find_model, wrap_client
from confide.agents.models.prices import look_up_price
from confide.scenarios import ConfideError, InputFileError
from tests.model_helpers import KEY, answer, is_one_line, wrong

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
    assert "local, local-reader, scripted" in said_to_user or "did you mean" in said_to_user


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
    assert list(models) == ["local", "local-reader", "scripted", "vllm", "mini", "dry"]
    vllm, local = models["vllm"], models["local"]
    assert isinstance(vllm, OpenAISpec)
    assert (vllm.key_env, vllm.price) == (None, Price(prompt=1.5, completion=2))
    assert isinstance(local, LocalSpec)
    assert local.concurrency == 2  # the user's own description goes before the built-in one
    assert models["scripted"] == BUILT_IN["scripted"]


def test_a_built_in_name_cannot_mean_another_kind_of_model(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("models:\n  local: {provider: scripted}\n")
    with pytest.raises(ConfideError, match="'local' is a built-in model of another kind"):
        known_models(file)


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
