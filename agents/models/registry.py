"""From a model's name to a model that can be called.

Names come from three places: built in, ``models.yaml``, and the shorthand ``openai:NAME``.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

from autogen_core.models import ChatCompletionClient

from confide.agents.completion import Completion
from confide.agents.formats import ReplyFormat, reply_format
from confide.agents.models.base import BaseClient
from confide.agents.models.endpoints import Endpoints, limited
from confide.agents.models.foreign import ForeignClient, identity_of, load_component
from confide.agents.models.limits import Gate, Limit
from confide.agents.models.local import LocalClient
from confide.agents.models.openai import OpenAIClient
from confide.agents.models.prices import look_up_price
from confide.agents.models.scripted import ScriptedClient
from confide.agents.models.spec import (
    AnySpec,
    AutoGenSpec,
    FormatName,
    LocalSpec,
    ModelsFile,
    OpenAISpec,
    Price,
    ScriptedSpec,
)
from confide.scenarios import ConfideError, read_yaml

MODELS_FILE: Final = Path("models.yaml")
"""Looked for in the working folder."""
BUILT_IN: Final[Mapping[str, AnySpec]] = {
    "local": LocalSpec(provider="local", price=Price(prompt=0, completion=0)),
    "local-reader": LocalSpec(provider="local", price=Price(prompt=0, completion=0), temperature=0, repeat_penalty=1),
    "scripted": ScriptedSpec(provider="scripted", price=Price(prompt=0, completion=0)),
}
"""Models that need no description."""

CAVEATS: Final[Mapping[str, str]] = {
    "local": "the embedded model is for demos, tutorials and tests: "
    "its numbers are no finding about people or about large models",
    "scripted": "no model spoke here: lines were drawn by a script, for tests",
}
"""What every place that shows figures of these providers says."""


class Model(NamedTuple):
    """A model that can be called, and how to ask it."""

    name: str
    """What the user calls it."""
    client: BaseClient
    """The client, with its wrappers."""
    format: ReplyFormat
    """How its replies are written."""
    structured: str
    """How it is held to the format: ``json_schema``, ``json_object``, ``grammar``, ``autogen`` or ``none``."""
    sends_seed: bool
    price: Price | None
    """None where it is unknown."""
    concurrency: int
    """Most calls under way at once."""
    caveat: str | None = None
    """What a reader of its figures must know; None if there is nothing special."""
    max_tokens: int | None = None
    """Most tokens of one reply, where the request says so; a script gets as many for each of its turns."""

    def cost(self, completion: Completion) -> float | None:
        """US dollars for a call, 0 for a hit of a cache; None where the price or the token counts are unknown."""
        if completion.cached and self.price is not None:
            return 0.0
        if self.price is None or completion.prompt_tokens is None or completion.completion_tokens is None:
            return None
        if self.price.cached is None:
            cached, at_cached = 0, self.price.prompt
        elif completion.cached_tokens is None or completion.cached_tokens > completion.prompt_tokens:
            return None
        else:
            cached, at_cached = completion.cached_tokens, self.price.cached
        prompt = (completion.prompt_tokens - cached) * self.price.prompt + cached * at_cached
        return (prompt + completion.completion_tokens * self.price.completion) / 1e6


def known_models(file: Path | None = None) -> dict[str, AnySpec]:
    """All models that have a name: the built-in ones and those of ``file``.

    Args:
        file: a models file; by default ``models.yaml`` in the working folder, if there is one.

    Raises:
        InputFileError: with every problem of the file.
    """
    if file is None and not MODELS_FILE.is_file():
        return dict(BUILT_IN)
    named = read_yaml(file or MODELS_FILE, ModelsFile).models
    for name, spec in named.items():
        if name in BUILT_IN and spec.provider != BUILT_IN[name].provider:
            raise ConfideError(
                f"{file or MODELS_FILE}: '{name}' is a built-in model of another kind: choose another name"
            )
    return {**BUILT_IN, **named}


def find_model(name: str, models: Mapping[str, AnySpec]) -> AnySpec:
    """The description of the model called ``name``.

    Raises:
        ConfideError: there is none.
    """
    if name in models:
        return models[name]
    provider, _, model = name.partition(":")
    if provider == "openai" and model.strip():
        return OpenAISpec(provider="openai", model=model)
    near = get_close_matches(name, models, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(models)}, or openai:NAME"
    raise ConfideError(f"no model is called '{name}'; {hint} (describe models in models.yaml)")


def build_model(name: str, spec: AnySpec, endpoints: Endpoints | None = None) -> Model:
    """The model that ``spec`` describes; nothing is opened yet.

    Args:
        name: what the user calls it.
        spec: its description.
        endpoints: shared with the models that are used beside it; None for one that is used alone, without a cache.

    Raises:
        ConfideError: a key or a package is missing.
    """
    structured = "json_schema"
    sends_seed = True
    client: BaseClient
    price = spec.price
    endpoints = endpoints or Endpoints()
    if isinstance(spec, OpenAISpec):
        bare = OpenAIClient.from_spec(name, spec, asks=endpoints.asks())
        client = endpoints.kept(name, limited(bare, endpoints.gate(bare.base_url, spec), spec.tries), bare.identity)
        structured, sends_seed = spec.held_by, spec.seed
        # The same name at another endpoint may cost anything.
        price = price or (None if spec.base_url else look_up_price(spec.model))
    elif isinstance(spec, LocalSpec):
        client = Limit(LocalClient(name, spec), Gate(spec.concurrency))
        structured = "grammar" if spec.format == "tagged" else "json_schema"
    elif isinstance(spec, AutoGenSpec):
        foreign, secret = load_component(name, spec)
        client = Limit(ForeignClient(name, foreign, spec.seed_argument, secret), Gate(spec.concurrency))
        client = endpoints.kept(name, client, identity_of(spec))
        structured, sends_seed = "autogen", spec.seed_argument is not None
    else:
        client = Limit(ScriptedClient(latency_s=spec.latency_ms / 1000, keep=False), Gate(spec.concurrency))
    caveat = CAVEATS.get(spec.provider)
    form = reply_format(spec.format)
    most = spec.max_tokens if isinstance(spec, OpenAISpec | LocalSpec) else None
    return Model(name, client, form, structured, sends_seed, price, spec.concurrency, caveat, most)


def build_models(specs: Mapping[str, AnySpec], endpoints: Endpoints | None = None) -> dict[str, Model]:
    """Models that are used side by side; see :func:`build_model`.

    Args:
        specs: their descriptions, by name.
        endpoints: shared with further models; None for endpoints of their own, without a cache.

    Raises:
        ConfideError: a key or a package is missing.
    """
    endpoints = endpoints or Endpoints()
    return {name: build_model(name, spec, endpoints) for name, spec in specs.items()}


def wrap_client(
    client: ChatCompletionClient,
    name: str = "client",
    *,
    reply: FormatName = "json",
    price: Price | None = None,
    concurrency: int = 16,
) -> Model:
    """A model over any AutoGen client, one of your own for instance.

    Args:
        client: the client.
        name: what logs call it.
        reply: how its replies are written, ``json`` or ``tagged``.
        price: what it costs; None if unknown.
        concurrency: most calls under way at once.
    """
    ours = isinstance(client, BaseClient)
    inner = client if isinstance(client, BaseClient) else ForeignClient(name, client)
    structured = "json_schema" if ours else "autogen"
    return Model(name, Limit(inner, Gate(concurrency)), reply_format(reply), structured, ours, price, concurrency)
