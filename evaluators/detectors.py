"""Who says whether an utterance tells a fact: the words alone, a chat model, or a model of meaning.

All three answer the same question, offline, so that the detector that runs inside a conversation can be checked
against slower ones. Law: an answer that cannot be read is an error, never a "no".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, Field, ValidationError

from confide.agents import Fault, Model, ModelError, Place, ReplyError, Segment, View, render
from confide.agents.models.openai import OpenAIClient
from confide.scenarios import Fact, Role, read_yaml
from confide.scenarios.schema import Frozen
from confide.simulator.telling import FactDetector

LABELLED: Final = Path(__file__).parent / "data" / "telling.yaml"
"""The shipped labelled utterances."""
_ANSWERS: Final = ("TOLD", "NOT_TOLD")
_SCHEMA: Final = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": list(_ANSWERS)}},
    "required": ["answer"],
    "additionalProperties": False,
}
_TASK: Final = (
    "You judge one line of a chat. You are given a private fact about the speaker, and what the speaker said. "
    "Answer TOLD if a listener who did not know the fact knows it after this line. Answer NOT_TOLD if the line only "
    "hints at it, denies it, asks about it, or is about something else. Answer with that one word."
)


class LabelledUtterance(Frozen):
    """One utterance, and what is true of it."""

    scenario: str
    """Id of the shipped scenario that it belongs to."""
    role: Role
    """Who says it."""
    split: Literal["dev", "test"]
    """The half that it is in: ``dev`` to choose thresholds on, ``test`` to measure on."""
    tells: tuple[str, ...] = ()
    """Ids of the speaker's facts that it tells."""
    asks: tuple[str, ...] = ()
    """Ids of the other role's facts that it asks about."""
    utterance: str
    """The words."""


class LabelledSet(Frozen):
    """A file of labelled utterances."""

    items: tuple[LabelledUtterance, ...]
    """The utterances; a scenario's are all in one half."""


class TellingDetector(Protocol):
    """Says which facts an utterance tells."""

    async def tells(self, utterance: str, facts: Sequence[Fact]) -> tuple[str, ...]:
        """The ids of those of the speaker's ``facts`` that ``utterance`` tells."""
        ...


class LexicalTelling:
    """By words, as in a running conversation."""

    def __init__(self, known: str = "") -> None:
        """Detect by words; those of ``known``, which both sides know, weigh little."""
        self._known = known
        self._prepared: dict[tuple[Fact, ...], FactDetector] = {}

    async def tells(self, utterance: str, facts: Sequence[Fact]) -> tuple[str, ...]:
        """See :class:`TellingDetector`; best first."""
        key = tuple(facts)
        detector = self._prepared.get(key)
        if detector is None:
            detector = self._prepared[key] = FactDetector(key, self._known)
        return tuple(telling.fact for telling in detector.told(utterance))


class JudgedTelling:
    """By a chat model's judgement, one call per fact."""

    def __init__(self, model: Model) -> None:
        """Ask ``model``, held to the two answers where it can be held."""
        self._model = model

    async def tells(self, utterance: str, facts: Sequence[Fact]) -> tuple[str, ...]:
        """See :class:`TellingDetector`; in the facts' order.

        Raises:
            ModelError: the model cannot be called.
            ReplyError: an answer is neither of the two words.
        """
        told = await asyncio.gather(*(self._tells(utterance, fact) for fact in facts))
        return tuple(fact.id for fact, is_told in zip(facts, told, strict=True) if is_told)

    async def _tells(self, utterance: str, fact: Fact) -> bool:
        question = f"Fact: {fact.text}\nThe speaker said: {utterance}"
        segments = (Segment("instruction:telling", Place.HEAD, _TASK), Segment("item", Place.TAIL, question))
        prompt = render(View(Role.SEEKER, 0, segments))  # the role leaves no trace in a prompt
        completion = await self._model.client.create(prompt.messages, extra_create_args=self._args())
        return _read_answer(completion.content) == "TOLD"

    def _args(self) -> Mapping[str, Any]:
        seed = {"seed": 1} if self._model.sends_seed else {}
        if self._model.structured == "grammar":
            return {**seed, "grammar": 'root ::= "TOLD" | "NOT_TOLD"'}
        if self._model.structured == "json_schema":
            form = {"name": "telling", "strict": True, "schema": _SCHEMA}
            return {**seed, "response_format": {"type": "json_schema", "json_schema": form}}
        return seed


class _Answer(Frozen):
    answer: Literal["TOLD", "NOT_TOLD"]


class _Embedding(BaseModel):
    index: int
    embedding: Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(min_length=1)]


class _Embeddings(BaseModel):
    data: tuple[_Embedding, ...]


class EmbeddedTelling(OpenAIClient):
    """By likeness of meaning: the cosine of two embeddings from an OpenAI-compatible endpoint."""

    def __init__(self, base_url: str, model: str, key: str | None, threshold: float = 0.6) -> None:
        """Describe the endpoint; nothing is opened yet.

        Args:
            base_url: the endpoint.
            model: what it calls its model.
            key: the key; None for a server that wants none.
            threshold: least cosine of a telling, -1 to 1.
        """
        super().__init__(model, model, base_url, key, {"encoding_format": "float"})
        self._threshold = threshold
        self._vectors: dict[str, tuple[float, ...]] = {}

    async def tells(self, utterance: str, facts: Sequence[Fact]) -> tuple[str, ...]:
        """See :class:`TellingDetector`; in the facts' order.

        Raises:
            ModelError: the endpoint gives no embeddings.
        """
        unknown = [text for text in dict.fromkeys(fact.text for fact in facts) if text not in self._vectors]
        said, *rest = await self._embed([utterance, *unknown])
        self._vectors.update(zip(unknown, rest, strict=True))
        return tuple(fact.id for fact in facts if _cosine(said, self._vectors[fact.text]) >= self._threshold)

    async def _embed(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        body = {**self._fixed, "input": list(texts)}
        raw = await self._send(lambda: self._sdk.post("/embeddings", cast_to=object, body=body), self._timeout_s)
        try:
            found = {item.index: item.embedding for item in _Embeddings.model_validate(raw).data}
        except ValidationError:
            raise ModelError(Fault.SERVER_ERROR, f"model '{self._name}': these are no embeddings") from None
        if sorted(found) != list(range(len(texts))) or len({len(vector) for vector in found.values()}) != 1:
            raise ModelError(Fault.SERVER_ERROR, f"model '{self._name}': not one embedding for each text")
        return [found[index] for index in range(len(texts))]


def labelled_utterances(file: Path = LABELLED) -> tuple[LabelledUtterance, ...]:
    """The labelled utterances of ``file``.

    Raises:
        InputFileError: with every problem of the file.
    """
    return read_yaml(file, LabelledSet).items


def _read_answer(content: str) -> str:
    """The answer, as a bare word or as the schema's object."""
    text = content.strip()
    if text in _ANSWERS:
        return text
    try:
        return _Answer.model_validate_json(text).answer
    except ValidationError:
        raise ReplyError(f"the answer is neither {' nor '.join(_ANSWERS)}") from None


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        raise ModelError(Fault.SERVER_ERROR, "embeddings of one model differ in length")
    size = sqrt(sum(x * x for x in one) * sum(x * x for x in other))
    return sum(x * y for x, y in zip(one, other, strict=True)) / size if size else 0.0
