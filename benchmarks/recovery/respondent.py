"""A respondent that is no model: it answers every item by known traits, a known drift and a known noise.

It is a client like any other: it reads a prompt, finds out from it who is asked what and when, and answers in the form
that the request asks for, with log-probabilities if they are wanted. What it knows, it knows from the prompt alone.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from autogen_core.models import ChatCompletionTokenLogprob, RequestUsage, TopLogprob
from numpy.typing import NDArray
from scipy.stats import norm

from confide.agents import Completion
from confide.agents.models import BaseClient, Request
from confide.agents.models.scripted import draw_reply
from confide.evaluators.traits import Instrument

Array = NDArray[np.float64]
POINTS: Final = np.arange(1, 6)
RESPONSE_SD: Final = 0.8
"""Spread of an answer around what the trait says, on the scale: what a retest differs by."""
OCCASION_SD: Final = 0.25
"""Spread of what an item is taken to ask from one asking to the next, on the scale."""
ITEM_SD: Final = 0.4
"""Spread of how hard items are to agree to."""
NAME: Final = re.compile(r"\b([ST])(\d\d)P(\d\d)\b")


class World(NamedTuple):
    """What is true: traits and drift of every person, by factor."""

    start: Array
    """Traits at the start, shape 2 (seeker, supporter) x scenarios x personas x factors."""
    moved: Array
    """Their change over the whole talk, the same shape."""


def drawn_world(
    scenarios: int, personas: int, drift: Sequence[float], seed: int, spread: tuple[float, float, float]
) -> World:
    """Draw people.

    Args:
        scenarios: how many.
        personas: how many; each is in every scenario.
        drift: mean change of each factor, on the scale.
        seed: of the draw.
        spread: standard deviation of the change between scenarios, between personas, and of what is left.
    """
    draw = np.random.default_rng(seed)
    factors = len(drift)
    shape = (2, scenarios, personas, factors)
    by_persona = draw.normal(3.2, 0.6, (2, 1, personas, factors))
    moved = (
        np.asarray(drift)
        + draw.normal(0, spread[0], (2, scenarios, 1, factors))
        + draw.normal(0, spread[1], (2, 1, personas, factors))
        + draw.normal(0, spread[2], shape)
    )
    return World(np.broadcast_to(by_persona.clip(1.8, 4.2), shape).copy(), moved)


def item_difficulty(instrument: Instrument) -> Array:
    """How hard each item is to agree to, the same for everybody."""
    return np.array([_normal(f"item {item.id}") * ITEM_SD for item in instrument.items])


def odds(mean: Array) -> Array:
    """The probability of each point where an item pulls to ``mean``; shape of ``mean`` x 5."""
    edges = norm.cdf((np.arange(1.5, 5) - mean[..., None]) / RESPONSE_SD)
    whole = np.concatenate([np.zeros((*mean.shape, 1)), edges, np.ones((*mean.shape, 1))], axis=-1)
    return np.diff(whole, axis=-1)


def pull(instrument: Instrument, traits: Array) -> Array:
    """Where each item pulls the answer: traits have shape ... x factors, the outcome ... x items."""
    factor = [instrument.factors.index(item.factor) for item in instrument.items]
    key = np.array([item.key for item in instrument.items])
    return 3 + key * (traits[..., factor] - 3) + item_difficulty(instrument)


def true_scores(instrument: Instrument, traits: Array) -> Array:
    """What somebody scores in the long run: the expected keyed answers, averaged; shape ... x factors."""
    # The occasion's noise widens the answers a little; its part in the mean is averaged by quadrature.
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    expected = sum(
        w * (odds(pull(instrument, traits) + OCCASION_SD * x) @ POINTS)
        for x, w in zip(nodes, weights / weights.sum(), strict=True)
    )
    key = np.array([item.key for item in instrument.items])
    keyed = np.where(key == 1, expected, 6 - np.asarray(expected))
    factor = np.array([instrument.factors.index(item.factor) for item in instrument.items])
    return np.stack([keyed[..., factor == index].mean(axis=-1) for index in range(len(instrument.factors))], axis=-1)


class Respondent(BaseClient):
    """Speaks by a script, and answers questionnaires as the people of a world."""

    def __init__(self, world: World, instrument: Instrument, turns: int, *, weighted: bool) -> None:
        """Answer for the people of ``world``.

        Args:
            world: who they are.
            instrument: what they are asked.
            turns: turns of a whole talk, over which the change takes place evenly.
            weighted: give log-probabilities where they are asked for.
        """
        super().__init__()
        self._world = world
        self._instrument = instrument
        self._turns = turns
        self._weighted = weighted
        self._items = {text: index for index, item in enumerate(instrument.items) for text in (item.text, item.other)}

    async def answer(self, request: Request) -> Completion:
        """See :class:`~confide.agents.models.BaseClient`."""
        text = "\n".join(str(message.content) for message in request.messages)
        schema = request.args["response_format"]["json_schema"]["schema"]
        if "utterance" in schema["properties"]:
            reply = json.loads(draw_reply(request))
            who = NAME.search(text)
            reply["utterance"] = f"{who[0] if who else ''} (turn {_turn(text) + 1}) {reply['utterance']}"
            return _completion(json.dumps(reply), None)
        asked = re.findall(r"^q\d+: (.+)$", text, re.MULTILINE)
        indices = [self._items[each] for each in asked]
        mean = pull(self._instrument, self._traits(text))[indices]
        seed = int(request.args.get("seed", 0))
        noise = np.array([_normal(f"{seed} {each}") for each in asked]) * OCCASION_SD
        chances = odds(mean + noise)
        draw = random.Random(seed)
        drawn = [draw.choices(range(1, 6), row)[0] for row in chances.tolist()]
        content = json.dumps({f"q{number}": point for number, point in enumerate(drawn, start=1)})
        return _completion(content, chances if self._weighted and request.args.get("logprobs") else None)

    def _traits(self, text: str) -> Array:
        """The traits of who is asked about, as far as the talk has come; the scale's middle for nobody."""
        who = NAME.search(text)
        if who is None:
            return np.full(len(self._instrument.factors), 3.0)
        role, scenario, persona = int(who[1] == "T"), int(who[2]), int(who[3])
        observed = '{"line"' in text
        turn = _turn(text)
        share = (turn + 1) / self._turns
        if not observed and "known to be" not in text:  # without a persona: the talk moves it all the same
            return 3.0 + 0.5 * share * self._world.moved[role, scenario, persona]
        found: Array = self._world.start[role, scenario, persona] + share * self._world.moved[role, scenario, persona]
        return found


def _turn(text: str) -> int:
    """The last turn that a prompt shows, as it is said in every utterance; -1 if there is none."""
    turns = re.findall(r"\(turn (\d+)\)", text)
    return int(turns[-1]) if turns else -1


def _completion(content: str, chances: Array | None) -> Completion:
    logprobs = None
    if chances is not None:
        logprobs = []
        for token in re.findall(r"\d+(?=[,}])|(?:(?!\d+[,}]).)+", content, re.DOTALL):
            row = chances[len([t for t in logprobs if t.top_logprobs])] if token.isdigit() else None
            tops = [] if row is None else [
                TopLogprob(math.log(max(chance, 1e-12)), list(str(point).encode()))
                for point, chance in zip(POINTS.tolist(), row.tolist(), strict=True)
            ]  # fmt: skip
            logprobs.append(ChatCompletionTokenLogprob(token=token, logprob=0.0, top_logprobs=tops))
    return Completion(
        finish_reason="stop", content=content, usage=RequestUsage(0, 0), cached=False, logprobs=logprobs,
        model="synthetic", prompt_tokens=0, cached_tokens=0, completion_tokens=0, seconds=0.0,
    )  # fmt: skip


def _normal(name: str) -> float:
    """A standard normal number that belongs to a name."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return float(norm.ppf((digest + 0.5) / 2**64))


def names(scenario: int, persona: int) -> Mapping[str, str]:
    """What the two people of a conversation are called."""
    return {"seeker": f"S{scenario:02d}P{persona:02d}", "supporter": f"T{scenario:02d}P{persona:02d}"}
