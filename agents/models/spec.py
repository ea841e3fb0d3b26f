"""How a model is described in YAML. A key is never part of it, only the name of the variable that holds it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios.schema import Frozen, Line

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
FormatName = Literal["json", "tagged"]
Structured = Literal["json_schema", "json_object", "grammar", "none"]


class Price(Frozen):
    """What a model costs, in US dollars per million tokens."""

    prompt: Annotated[float, Field(ge=0)]
    """Per million prompt tokens."""
    cached: Annotated[float, Field(ge=0)] | None = None
    """Per million prompt tokens that came from the server's prefix cache. Unset: as ``prompt``."""
    completion: Annotated[float, Field(ge=0)]
    """Per million tokens of the answer."""


class ModelSpec(Frozen):
    """What all kinds of model have in common."""

    format: FormatName = "json"
    """How replies are written: ``json``, or ``tagged`` for models that are too small for JSON."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 16
    """Most calls under way at once. A hosted endpoint that refuses some is given fewer, as long as it does; models
    that share an endpoint and a key share the largest figure of theirs."""
    price: Price | None = None
    """What it costs. Unset: looked up for hosted models, unknown (null in logs) where it is not found."""


class OpenAISpec(ModelSpec):
    """A model behind any OpenAI-compatible endpoint."""

    provider: Literal["openai"]
    """``openai``."""
    model: Line
    """The model's name, as the endpoint knows it."""
    base_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """The endpoint, such as ``http://127.0.0.1:8000/v1``. Unset: OPENAI_BASE_URL, else OpenAI's own."""
    key_env: VariableName | None = "OPENAI_API_KEY"
    """Name of the environment variable that holds the key. ``null`` for a server that wants none."""
    structured: Structured | None = None
    """How the server holds a reply to its form: ``json_schema``, ``json_object`` (any JSON), ``grammar`` (llama.cpp's,
    for ``format: tagged``) or ``none``. Unset: ``json_schema`` for JSON, ``none`` for ``tagged``."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """Sampling temperature. Unset: the server's own default."""
    max_tokens: Annotated[int, Field(ge=1)] = 800
    """Most tokens of one reply. A reply that is cut off is unreadable, not shortened."""
    seed: bool = True
    """Send a seed with each call. Switch off for servers that refuse it."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request, as they are."""
    timeout_s: Annotated[float, Field(gt=0)] = 120
    """Seconds until a call is given up."""
    tries: Annotated[int, Field(ge=1, le=20)] = 6
    """Tries per call when the endpoint is overloaded or unreachable."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Most calls that begin in a minute. Models that share an endpoint and a key share the smallest figure of theirs.
    Unset: any number."""
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Most tokens of prompts and answers in a minute, shared likewise. What a call will take is estimated by those
    before it, and put right when the server reports it. Unset: any number."""

    @model_validator(mode="after")
    def _form_fits_format(self) -> Self:
        fitting = ("grammar", "none") if self.format == "tagged" else ("json_schema", "json_object", "none")
        if self.structured is not None and self.structured not in fitting:
            raise PydanticCustomError(
                "structured",
                "structured: {structured} does not go with format: {format}; one of: {fitting}",
                {"structured": self.structured, "format": self.format, "fitting": ", ".join(fitting)},
            )
        return self

    @property
    def held_by(self) -> Structured:
        """How the server holds a reply to its form, with the default made plain."""
        return self.structured or ("none" if self.format == "tagged" else "json_schema")


class LocalSpec(ModelSpec):
    """The embedded model: SmolLM2-135M-Instruct under confide's own adapter, on this machine."""

    provider: Literal["local"]
    """``local``."""
    format: FormatName = "tagged"
    """Its adapter was trained on ``tagged``."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    """Conversations that it holds at once."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.35
    """Sampling temperature."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Tokens less likely than this share of the likeliest are never drawn."""
    repeat_penalty: Annotated[float, Field(ge=1, le=2)] = 1.1
    """How much less likely a token gets that was just used; 1 is off."""
    max_tokens: Annotated[int, Field(ge=1)] = 160
    """Most tokens of one reply."""
    context: Annotated[int, Field(ge=512, le=8192)] = 4096
    """Tokens that one conversation may hold."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads that compute. Unset: half of the processors, since threads that wait for one another on a busy machine
    make it several times slower (docs/decisions/0005-embedded-model.md)."""
    adapter: bool = True
    """Use the adapter that keeps the model in its role."""


class AutoGenSpec(ModelSpec):
    """Any model client that AutoGen ships, by its component configuration."""

    provider: Literal["autogen"]
    """``autogen``."""
    component: dict[str, Any]
    """The component, as AutoGen's ``dump_component`` writes it: ``provider``, ``config`` and the rest."""
    key_env: VariableName | None = None
    """Name of the environment variable whose value becomes the component's ``config.api_key``."""
    seed_argument: Line | None = None
    """Name under which the client takes a seed, such as ``seed``. Unset: no seed is sent."""


class ScriptedSpec(ModelSpec):
    """No model: replies drawn by seed from a short list of lines. For tests and dry runs, never for results."""

    provider: Literal["scripted"]
    """``scripted``."""
    format: Literal["json"] = "json"
    """It writes JSON only."""
    latency_ms: Annotated[float, Field(ge=0)] = 0
    """How long each call takes."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 1000
    """Most calls under way at once."""


AnySpec = Annotated[OpenAISpec | LocalSpec | AutoGenSpec | ScriptedSpec, Field(discriminator="provider")]


MAY_MOVE: Final = {
    "base_url", "key_env", "timeout_s", "tries", "concurrency", "threads", "requests_per_minute", "tokens_per_minute",
}  # fmt: skip
"""What of a model's description may change while it is used: where and how it is reached, not what it is."""


def changed_fields(spec: AnySpec, now: AnySpec) -> list[str]:
    """Fields in which ``now`` describes another model than ``spec``."""
    before = spec.model_dump(exclude=MAY_MOVE)
    return [name for name, value in now.model_dump(exclude=MAY_MOVE).items() if value != before.get(name)]


class ModelsFile(Frozen):
    """``models.yaml``: the models of a study, by name."""

    models: dict[Line, AnySpec]
    """Name to description. The names go into ``--model`` and into a scenario's ``models``."""
