"""Puts items to a model, and reads its answers.

Laws: an answer is a point of the scale, or the mean of the points weighted by the model's own probabilities, or it is
missing with the reason. How it was had stands beside it. Nothing that is asked enters a history.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from confide.agents import Called, Completion, Fault, Model, ModelError, Place, ReplyError, Segment, View, render
from confide.agents.formats import json_object
from confide.evaluators.reader import held
from confide.evaluators.traits.instrument import Instrument, TraitItem
from confide.evaluators.traits.plan import Asks, LoadedPlan, fill
from confide.simulator.events import MeasuredValue
from confide.simulator.observing import Answer, Key

TOPS: Final = (20, 5, None)
"""How many of the likeliest tokens are asked for: as many as hosted endpoints give, then fewer, then none."""
LEAST_MASS: Final = 0.5
"""Probability that the points of the scale must have together. Where it is less, the model was about to say something
else, and what it thinks of the points is no answer."""
_PRECISION: Final = 6
_UNWEIGHTED: Final = "the server gives no log-probabilities: the answer counts as it was drawn"
_HIDDEN: Final = "the server's log-probabilities do not tell of the points: the answer counts as it was drawn"


class Words(NamedTuple):
    """A question, without its items."""

    template: str
    """The wording's."""
    name: str
    """Who answers, or is asked about. A name is anything: it is put in together with the items, not before them."""


class Put(NamedTuple):
    """Items that are put in one call."""

    part: str
    """What the answer is called: the item's id, or the form's name."""
    items: tuple[TraitItem, ...]


class Examiner:
    """Puts a plan's items to one model."""

    def __init__(self, plan: LoadedPlan, model: Model) -> None:
        """Set up the examiner.

        Args:
            plan: what is asked, and how.
            model: what is asked.

        Raises:
            ConfideError: the plan has no words for the model's format.
        """
        self.asks: Asks = plan.asks(model)
        """The words for this model."""
        self.model = model
        self._plan = plan
        self._level = 0  # how far down in TOPS the server has sent us
        self._refusal = ""

    @property
    def instrument(self) -> Instrument:
        """The questionnaire."""
        return self._plan.instrument

    def parts(self, items: Sequence[TraitItem], form: str, seed: int) -> list[Put]:
        """Items in the calls in which they are put, in an order drawn by ``seed``."""
        drawn = list(items)
        random.Random(seed).shuffle(drawn)  # noqa: S311  (a repeatable draw is the point)
        if not drawn:
            return []
        if self._plan.plan.administration == "block":
            return [Put(form, tuple(drawn))]
        return [Put(item.id, (item,)) for item in drawn]

    async def ask(self, view: View, words: Words, put: Put, key: Key, seed: int, *, third: bool = False) -> Answer:
        """Put items to the model.

        Args:
            view: what the model sees before the question.
            words: the question, without its items.
            put: the items.
            key: the answer's.
            seed: the call's.
            third: whether the items are about somebody else.

        Raises:
            ModelError: the endpoint is in trouble, or would refuse any other call too.
        """
        tagged = self.model.format.name == "tagged"
        third = third and self.instrument.form == "statements"  # an adjective is of nobody's person
        question = fill(words.template, name=words.name, items=_listed(put.items, third=third, tagged=tagged))
        asked = view.plus(Segment("instruction:question", Place.TAIL, question))
        prompt = render(asked)
        args = {**_held(self.model, self.instrument, len(put.items)), **self._seeded(seed)}
        try:
            completion = await self._call(prompt.messages, args, seed)
        except ModelError as error:
            if not error.fault.of_one_call:
                raise
            return _nothing(key, put, str(error), error=error)
        call = Called("read", asked, prompt.hash, seed, completion)
        cost = self.model.cost(completion)
        try:
            points = self._read(completion, put, tagged=tagged)
        except ReplyError as error:
            return _nothing(key, put, str(error), error=error, call=call, cost=cost)
        return self._answer(completion, points, key, call, cost)

    async def _call(self, messages: list[Any], args: dict[str, Any], seed: int) -> Completion:
        """Make the call, with as many log-probabilities as the server gives; what it refuses it is not asked again."""
        refusal: ModelError | None = None
        for level in range(self._level, len(TOPS)):
            wish = {} if TOPS[level] is None else {"logprobs": True, "top_logprobs": TOPS[level]}
            try:
                completion = await self.model.client.create(messages, extra_create_args={**args, **wish}, seed=seed)
            except ModelError as error:
                if error.fault not in (Fault.BAD_REQUEST, Fault.NOT_KEPT):  # a refusal is in no cache
                    raise
                refusal = error
                continue
            if refusal is not None:  # with less it went well, so that the wish was at fault
                self._level, self._refusal = level, str(refusal)
            return completion
        raise refusal or RuntimeError("there is always a last way to ask")

    def _seeded(self, seed: int) -> dict[str, int]:
        return {"seed": seed} if self.model.sends_seed else {}

    def _read(self, completion: Completion, put: Put, *, tagged: bool) -> dict[str, _Point | str]:
        """For each item the point that was answered, or why there is none.

        Raises:
            ReplyError: the answer cannot be read at all.
        """
        if completion.finish_reason == "length":
            raise ReplyError("the answer was cut off at the token limit")
        if tagged:
            return _points_in_line(completion.content, put, self.instrument)
        return _points_in_object(completion.content, put, self.instrument)

    def _answer(
        self, completion: Completion, points: Mapping[str, _Point | str], key: Key, call: Called, cost: float | None
    ) -> Answer:
        values: dict[str, MeasuredValue] = {}
        missing: dict[str, str] = {}
        weights: dict[str, tuple[float, ...]] = {}
        unweighted = 0
        for item, point in points.items():
            values[item] = None
            if isinstance(point, str):
                missing[item] = point
                continue
            found = weigh(completion, point, self.instrument)
            if found is None:
                unweighted += 1
                values[item] = point.value
            elif math.fsum(found) < LEAST_MASS:
                missing[item] = f"less than {LEAST_MASS:.0%} of the model's answer was a point of the scale"
            else:
                whole = math.fsum(found)
                weights[item] = tuple(round(each / whole, _PRECISION) for each in found)
                # Of the rounded weights, the mean could lie beyond the scale.
                mean = math.fsum(point * each for point, each in zip(self._points(), found, strict=True)) / whole
                values[item] = round(mean, _PRECISION)
        note = None
        if unweighted and TOPS[self._level] is None:
            note = f"the server refuses log-probabilities, the answer counts as it was drawn: {self._refusal}"
        elif unweighted:
            note = _HIDDEN if completion.logprobs else _UNWEIGHTED
        return Answer(key, call, None, values, missing, cost, weights, note)

    def _points(self) -> range:
        return range(self.instrument.low, self.instrument.high + 1)


class _Point(NamedTuple):
    """A point that was answered, and where its digit stands in the answer."""

    value: int
    at: int | None
    """None where it could be in several places."""


def _nothing(
    key: Key, put: Put, why: str, *, error: ModelError | ReplyError, call: Called | None = None,
    cost: float | None = None,
) -> Answer:  # fmt: skip
    ids = [item.id for item in put.items]
    return Answer(key, call, error, dict.fromkeys(ids), dict.fromkeys(ids, why), cost)


def unasked(key: Key, items: Sequence[TraitItem], why: str) -> Answer:
    """The answer where nothing could be asked."""
    ids = [item.id for item in items]
    return Answer(key, None, None, dict.fromkeys(ids), dict.fromkeys(ids, why))


def _listed(items: Sequence[TraitItem], *, third: bool, tagged: bool) -> str:
    """The items as they stand in the question."""
    texts = [_text(item, third=third) for item in items]
    if not tagged:
        return "\n".join(f"q{number}: {text}" for number, text in enumerate(texts, start=1))
    if len(texts) == 1:
        return f'"{texts[0]}"'
    if all(" " not in text for text in texts):
        return ", ".join(texts)
    return "\n" + "\n".join(f"{number}. {text}" for number, text in enumerate(texts, start=1)) + "\n"


def _text(item: TraitItem, *, third: bool) -> str:
    if item.text is None:
        raise ValueError(f"item '{item.id}' has no text")
    if not third:
        return item.text
    return item.other or f'would say of themselves: "{item.text}"'


def _held(model: Model, instrument: Instrument, items: int) -> dict[str, Any]:
    """How a request holds the model to the points of the scale."""
    points = list(range(instrument.low, instrument.high + 1))
    if model.format.name == "tagged":
        if model.structured != "grammar":
            return {}
        either = " | ".join(f'"{point}"' for point in points)
        return {"grammar": "root ::= " + ' " " '.join(["point"] * items) + f"\npoint ::= {either}"}
    names = [f"q{number}" for number in range(1, items + 1)]
    schema = {
        "type": "object",
        "properties": {name: {"type": "integer", "enum": points} for name in names},
        "required": names,
        "additionalProperties": False,
    }
    return held(model, schema, items)


def _points_in_line(content: str, put: Put, instrument: Instrument) -> dict[str, _Point | str]:
    line = content.strip()
    if not re.fullmatch(r"[0-9](?: [0-9])*", line) or len(line.split(" ")) != len(put.items):
        raise ReplyError(
            f"expected {len(put.items)} of the scale's points and nothing else, not {json.dumps(line[:60])}"
        )
    start = content.index(line)
    found: dict[str, _Point | str] = {}
    for index, item in enumerate(put.items):
        found[item.id] = _checked(int(line[2 * index]), start + 2 * index, instrument)
    return found


def _points_in_object(content: str, put: Put, instrument: Instrument) -> dict[str, _Point | str]:
    data = json_object(content, "q1")
    found: dict[str, _Point | str] = {}
    for number, item in enumerate(put.items, start=1):
        value = data.get(f"q{number}")
        places = [each.start(1) for each in re.finditer(rf'"q{number}"\s*:\s*([0-9])', content)]
        if value is None:
            found[item.id] = "the answer leaves this item out"
        elif type(value) is not int or not places:  # to Python, true is 1 and 1.0 is too
            found[item.id] = f"expected a whole number, not {json.dumps(value)[:60]}"
        else:
            found[item.id] = _checked(value, places[0] if len(places) == 1 else None, instrument)
    return found


def _checked(value: int, at: int | None, instrument: Instrument) -> _Point | str:
    if not instrument.low <= value <= instrument.high:
        return f"{value} is no point of the scale from {instrument.low} to {instrument.high}"
    return _Point(value, at)


def weigh(completion: Completion, point: _Point, instrument: Instrument) -> tuple[float, ...] | None:
    """The probability of each point of the scale where one was answered, lowest first; they need not sum to 1.

    Returns:
        None where the answer has no log-probabilities, or its tokens hide the digit.
    """
    odds = None if point.at is None else completion.odds_at(point.at)
    if odds is None or str(point.value) not in odds:
        return None
    return tuple(odds.get(str(each), 0.0) for each in range(instrument.low, instrument.high + 1))
