"""Models without a talk: what they answer for personas of known traits, and for nobody.

Law: a model's own profile and its systematic error are measured with the same items and words as in a talk, and stand
beside every result of its.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from confide.agents import ModelError, Place, Segment, View, text_hash
from confide.agents.wording import style_in_words, traits_in_words
from confide.evaluators.traits.asking import Examiner, Words
from confide.evaluators.traits.instrument import Instrument
from confide.evaluators.traits.plan import fill
from confide.scenarios import CSI, HEXACO, ConfideError, Persona, Role, Style, Traits
from confide.scenarios.personas import ListedPersona, PersonaList
from confide.simulator import events as ev
from confide.simulator.log import LogBusyError, Sink, Tee
from confide.simulator.measures import MeasureFolder
from confide.simulator.observing import Key, SideLog
from confide.simulator.seeds import derive_seed
from confide.simulator.setup import card_of

Mode = Literal["self", "observer", "nobody"]
NOBODY: Final = "nobody"
"""Id of the side log in which a model answers for itself."""
_DIGITS: Final = 2
_PERSONA_LOW: Final = 1
"""Lowest score of a persona."""
_PERSONA_RANGE: Final = 4
"""From there to the highest."""


class Respondent(NamedTuple):
    """Somebody for whom, or about whom, a model answers."""

    mode: Mode
    persona: ListedPersona | None
    """None for nobody."""

    @property
    def id(self) -> str:
        """Name of its side log."""
        return NOBODY if self.persona is None else f"{self.persona.id}.{self.mode}"


def drawn_profiles(instrument: Instrument, n: int, seed: int) -> PersonaList:
    """Profiles spread evenly over the scale from 1 to 5, to see how a model's answers follow known traits."""
    draw = random.Random(seed)  # noqa: S311  (a repeatable draw is the point)
    names = _scores_of(instrument)
    personas = [
        _listed(f"profile-{number:03d}", instrument, {name: round(draw.uniform(1, 5), _DIGITS) for name in names})
        for number in range(1, n + 1)
    ]
    return PersonaList(source=f"drawn evenly from 1 to 5, seed {seed}", personas=tuple(personas))


def sampled_personas(instrument: Instrument, n: int, seed: int) -> PersonaList:
    """Profiles as among people: normal, with the norms' means, deviations and correlations, held to 1 to 5.

    Norms on another scale are stretched to it.

    Raises:
        ConfideError: the instrument has no norms.
    """
    names, norms = _scores_of(instrument), instrument.norms
    if norms is None or any(name not in norms.factors for name in names):
        raise ConfideError(f"instrument '{instrument.id}' has no norms for its factors: nothing to draw from")
    correlation = np.eye(len(names))
    for one, others in norms.correlations.items():
        for other, value in others.items():
            if one in names and other in names:
                a, b = names.index(one), names.index(other)
                correlation[a, b] = correlation[b, a] = value
    if float(np.linalg.eigvalsh(correlation)[0]) < 0:
        raise ConfideError(f"instrument '{instrument.id}': no people can have its norms' correlations")
    unit = _PERSONA_RANGE / (instrument.high - instrument.low)
    means = np.array([_PERSONA_LOW + (norms.factors[name].mean - instrument.low) * unit for name in names])
    spread = np.array([norms.factors[name].sd * unit for name in names])
    drawn = np.random.default_rng(seed).multivariate_normal(means, correlation * np.outer(spread, spread), n)
    held = np.clip(drawn, 1, 5).round(_DIGITS)
    personas = [
        _listed(f"p{number:05d}", instrument, dict(zip(names, map(float, row), strict=True)))
        for number, row in enumerate(held, start=1)
    ]
    known = "with" if norms.correlations else "as if independent, since no correlations are known,"
    return PersonaList(source=f"drawn from norms, {known} seed {seed}: {norms.source}", personas=tuple(personas))


def _scores_of(instrument: Instrument) -> list[str]:
    """The scores of a persona that the instrument measures."""
    known = {"hexaco": HEXACO, "csi": CSI, "other": ()}[instrument.measures]
    return [factor for factor in instrument.factors if factor in known]


def _listed(name: str, instrument: Instrument, scores: dict[str, float]) -> ListedPersona:
    if instrument.measures == "csi":
        return ListedPersona(id=name, style=Style(**scores))
    return ListedPersona(id=name, traits=Traits(**scores))


def known_score(persona: ListedPersona, instrument: Instrument, factor: str) -> float | None:
    """What a persona is known to score, stretched to the instrument's scale; None where it is not known."""
    scores = {"hexaco": persona.traits, "csi": persona.style, "other": None}[instrument.measures]
    found = getattr(scores, factor, None)
    if found is None:
        return None
    return instrument.low + (float(found) - _PERSONA_LOW) * (instrument.high - instrument.low) / _PERSONA_RANGE


def in_words(persona: ListedPersona) -> str:
    """A persona as a text: the background, then traits and style at graded levels."""
    whole = Persona(name=persona.name, background=persona.background or "-", traits=persona.traits, style=persona.style)
    parts = [persona.background, traits_in_words(whole), style_in_words(whole)]
    return "; ".join(part.rstrip(".") for part in parts if part)


class Asked(NamedTuple):
    """What became of asking."""

    asked: int
    """Respondents that were asked to the end."""
    unfinished: dict[str, str]
    """Those that were not, with why."""


async def ask_respondents(
    folder: MeasureFolder, examiner: Examiner, respondents: Sequence[Respondent], seed: int, also: Sink | None = None
) -> Asked:
    """Ask a model the long form for respondents that it was not asked for yet, as many at once as the model bears.

    Raises:
        ConfideError: the disk or the endpoint refuses everything; what was answered is kept.
    """
    left = iter([each for each in respondents if not folder.is_finished(each.id)])
    unfinished: dict[str, str] = {}
    asked = 0

    async def work(queue: Iterator[Respondent]) -> None:
        nonlocal asked
        for respondent in queue:
            why = await _ask(folder, examiner, respondent, seed, also)
            if why is None:
                asked += 1
            else:
                unfinished[respondent.id] = why

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(examiner.model.concurrency, len(respondents))):
                group.create_task(work(left))
    except* ConfideError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    return Asked(asked, unfinished)


async def _ask(
    folder: MeasureFolder, examiner: Examiner, respondent: Respondent, seed: int, also: Sink | None
) -> str | None:
    try:
        writer = folder.writer(respondent.id)
    except LogBusyError as error:
        return str(error)
    with writer:
        log = SideLog(Tee(writer, also) if also else writer, writer.recover())
        record = folder.record
        log.begin(
            ev.Reading(
                seq=0, conversation=respondent.id, measure=record.measure, rubric=text_hash(record.rubric),
                card=card_of(examiner.model), seed=seed, repeats=1,
            )
        )  # fmt: skip
        view, words = _view(examiner, respondent)
        done = {item for answer in log.answers.values() for item in answer.values}
        items = [item for item in examiner.instrument.items if item.id not in done]

        def seed_for(part: str) -> int:
            return derive_seed(seed, respondent.id, f"read:{record.measure}:{part}")

        try:
            for put in examiner.parts(items, "long", seed_for("order")):
                key = Key(None, None, 0, put.part)
                third = respondent.mode == "observer"
                log.take(await examiner.ask(view, words, put, key, seed_for(put.part), third=third), 0)
        except ModelError as error:
            if error.fault.of_all_calls:
                raise
            return error.message
        if not log.complete:
            log.end(())
        await writer.committed()
    return None


def _view(examiner: Examiner, respondent: Respondent) -> tuple[View, Words]:
    """What the model sees before the question, and the question."""
    asks, persona = examiner.asks, respondent.persona
    if persona is None:
        segments = (Segment("instruction:nobody", Place.HEAD, asks.nobody),)
        return View(Role.SEEKER, 0, segments), Words(asks.own, "yourself")
    if respondent.mode == "observer":
        segments = (Segment("persona", Place.TAIL, in_words(persona)),)
        return View(Role.SEEKER, 0, segments), Words(asks.text, "the person")
    about = fill(asks.persona, name=persona.name, about=in_words(persona))
    return View(Role.SEEKER, 0, (Segment("persona", Place.HEAD, about),)), Words(asks.own, persona.name)
