"""What an experiment will take: conversations, calls, tokens, price and power, told before it is run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

import typer
from scipy import stats

from confide.agents import Completion, wrap_client
from confide.agents.models import known_models
from confide.agents.models.base import Request
from confide.agents.models.prices import look_up_price
from confide.agents.models.scripted import ScriptedClient
from confide.agents.models.spec import AnySpec, OpenAISpec, Price
from confide.commands import tables
from confide.commands.tables import table
from confide.evaluators.outcomes.checks import check_outcomes, rubric_of
from confide.evaluators.reader import RubricReader
from confide.evaluators.rubric import read_rubric
from confide.evaluators.statistics import Design, Spread, simulated_power
from confide.evaluators.traits import ObserverReport, SelfReport, is_plan, read_plan
from confide.scenarios.experiments import LoadedExperiment
from confide.simulator import (
    AnyEvent,
    Called,
    Conversation,
    Memory,
    Observer,
    Reading,
    RunRecord,
    SideLog,
    Watch,
    Wishes,
    plan_run,
)
from confide.simulator.planning import setup_of
from confide.simulator.store import Planned, RunFolder

SAMPLED: Final = 24
"""Conversations that are tried out on the scripted model."""
CHARACTERS: Final = 4
"""Characters of a token, as a rule of thumb for English."""
_SHARES: Final = (0.1, 0.1, 0.8)
"""How the variance of a paired difference is taken to lie between scenarios, between personas, and within."""


class Load(NamedTuple):
    """What something takes, per conversation or in all."""

    calls: float = 0.0
    prompt: float = 0.0
    """Prompt tokens."""
    completion: float = 0.0
    """Tokens of answers."""

    def plus(self, other: Load) -> Load:
        """Both together."""
        return Load(*(one + two for one, two in zip(self, other, strict=True)))

    def times(self, factor: float) -> Load:
        """As often."""
        return Load(*(factor * each for each in self))


class CountingClient(ScriptedClient):
    """The scripted model, with tokens counted by characters."""

    def __init__(self) -> None:
        """Keep nothing."""
        super().__init__(keep=False)

    async def answer(self, request: Request) -> Completion:
        """See :class:`~confide.agents.models.BaseClient`."""
        found = await super().answer(request)
        prompt = sum(len(str(message.content)) for message in request.messages) // CHARACTERS
        completion = max(1, len(found.content) // CHARACTERS)
        return found.model_copy(update={"prompt_tokens": prompt, "completion_tokens": completion})


def forecast(loaded: LoadedExperiment) -> None:
    """Print what an experiment will take, and on what basis that is said."""
    check_outcomes(loaded)
    experiment = loaded.experiment
    wishes = Wishes(
        "scripted", experiment.replicates, experiment.turns, conditions=loaded.conditions, experiment=loaded
    )
    bare = loaded._replace(experiment=experiment.model_copy(update={"models": ()}))
    record, _ = plan_run(loaded.scenarios, known_models(), wishes._replace(experiment=bare))
    casts = max(1, len(experiment.models))
    size = record.size * casts
    found = asyncio.run(_tried(record, loaded))
    console = tables.console()
    console.print(f"{loaded.file}: ok: '{experiment.id}', {size} conversations", markup=False)
    shown = table("", ["what", "model"], ["calls", "prompt tokens", "answer tokens", "price, $"])
    for (what, model), load in found.items():
        total = load.times(size)
        shown.add_row(what, model or "(--model)", *(f"{each:,.0f}" for each in total), _price(total, model))
    console.print(shown)
    for name, calls in _profile_calls(loaded):
        console.print(f"and {calls} calls for the profiles of {name}, once per model that is asked", markup=False)
    console.print(
        f"basis: up to {SAMPLED} conversations tried out on the scripted model, with JSON prompts and {CHARACTERS} "
        "characters a token; real answers are longer, and a server's prefix cache makes most prompt tokens cheaper",
        style="dim", markup=False,
    )  # fmt: skip
    if experiment.analysis:
        _print_power(loaded, record)


async def _tried(record: RunRecord, loaded: LoadedExperiment) -> dict[tuple[str, str | None], Load]:
    """The load of one conversation, by what it is for and which model bears it, as a mean over the tried ones."""
    model = wrap_client(CountingClient(), "scripted")
    sample = list(islice(RunFolder(loaded.file, record).planned(), SAMPLED))
    casts = loaded.experiment.models
    names = {cast.models.seeker for cast in casts} | {cast.models.supporter for cast in casts}
    speaker = next(iter(names)) if len(names) == 1 else None
    total: dict[tuple[str, str | None], Load] = {}
    for planned in sample:
        talk = Memory()
        await Conversation(setup_of(record, planned, {"scripted": model}), talk).run(None)
        _add(total, ("speaking", speaker), talk.events)
        for what, reader, observer in _observers(loaded):
            side = Memory()
            await _watch(planned, observer, side, talk)
            _add(total, (what, reader), side.events)
    return {key: load.times(1 / len(sample)) for key, load in total.items()}


def _add(total: dict[tuple[str, str | None], Load], key: tuple[str, str | None], events: list[AnyEvent]) -> None:
    for event in events:
        if isinstance(event, Called):
            load = Load(1, event.prompt_tokens or 0, event.completion_tokens or 0)
            total[key] = total.get(key, Load()).plus(load)


def _observers(loaded: LoadedExperiment) -> Iterator[tuple[str, str | None, Observer]]:
    """What reads, with the model that will: None for the models that play."""
    model = wrap_client(CountingClient(), "scripted")
    for measure in loaded.experiment.measures:
        name = rubric_of(loaded, measure)
        if not is_plan(name):
            yield (
                f"reading {measure.rubric}",
                measure.reader,
                RubricReader(read_rubric(name).rubric, model, measure.repeats),
            )
            continue
        plan = read_plan(name)
        for source in plan.plan.sources:
            what = f"{measure.rubric}, {source}"
            if source == "observer":
                yield what, measure.reader, ObserverReport(plan, model)
            else:
                yield what, None, SelfReport(plan, {"scripted": model}, bare=source == "bare")


def _profile_calls(loaded: LoadedExperiment) -> Iterator[tuple[str, int]]:
    """For each trait plan, the calls that its profiles take of one model, by itself and as observer of their texts."""
    for measure in loaded.experiment.measures:
        name = rubric_of(loaded, measure)
        if is_plan(name):
            plan = read_plan(name)
            forms = 1 if plan.plan.administration == "block" else len(plan.instrument.items)
            yield measure.rubric, (1 + plan.plan.profiles) * forms if plan.plan.profiles else 0


async def _watch(planned: Planned, observer: Observer, side: Memory, talk: Memory) -> None:
    reading = Reading(
        seq=0, conversation=planned.id, measure="forecast", rubric="", card=None, seed=0, repeats=1
    )  # fmt: skip
    watch = Watch(observer, reading, SideLog(side))
    for event in talk.events:
        await watch.see(event)


def _price(load: Load, model: str | None) -> str:
    spec: AnySpec | None = known_models().get(model) if model else None
    price: Price | None = spec.price if spec else None
    if price is None and model and (spec is None or (isinstance(spec, OpenAISpec) and not spec.base_url)):
        price = look_up_price(spec.model if isinstance(spec, OpenAISpec) else model.removeprefix("openai:"))
    if price is None:
        return "unknown"
    return f"{(load.prompt * price.prompt + load.completion * price.completion) / 1e6:.2f}"


def _print_power(loaded: LoadedExperiment, record: RunRecord) -> None:
    analysis = loaded.experiment.analysis
    if analysis is None:
        return
    tests = len(analysis.contrasts) * len(analysis.outcomes)
    typer.echo(f"analysis: {len(analysis.contrasts)} contrasts x {len(analysis.outcomes)} outcomes = {tests} tests")
    if analysis.effect is None:
        typer.echo("power: not told, since analysis.effect (the smallest difference worth finding) is unset")
        return
    scenarios, personas = len(loaded.scenarios), max(1, len(loaded.personas))
    found = power(scenarios, personas, record.replicates, analysis.effect, analysis.alpha)
    typer.echo(
        f"power: {found} to find a difference of {analysis.effect:g} standard deviations of the paired difference in "
        f"one test at {analysis.alpha:g}, before Holm's correction; {scenarios} scenarios, {personas} personas each, "
        f"{record.replicates} replicates; the variance is taken to lie {_SHARES[0]:.0%} between scenarios, "
        f"{_SHARES[1]:.0%} between personas, {_SHARES[2]:.0%} within: a guess, until a pilot says more"
    )


def power(scenarios: int, personas: int, replicates: int, effect: float, alpha: float) -> str:
    """The power of one contrast, as percent, or why there is none.

    Args:
        scenarios: how many.
        personas: how many, each in every scenario; 1 where each scenario has its own.
        replicates: conversations per scenario and persona in each arm.
        effect: the true difference, in standard deviations of the paired difference.
        alpha: size of the test.
    """
    between, other, within = _SHARES
    if scenarios < 2 and personas < 2:
        return "none (one scenario and one persona say nothing of others)"
    if scenarios >= 2 and personas >= 2:
        spread = Spread(scenario=between**0.5, personas=other**0.5, cell=0.0, noise=within**0.5)
        design = Design(scenarios, personas, replicates)
        found = simulated_power(design, effect=effect, spread=spread, draws=2000, seed=0, alpha=alpha).power
        return f"{found:.0%}"
    clusters = max(scenarios, personas)
    error = ((between + other + within / replicates) / clusters) ** 0.5
    reach = stats.t.ppf(1 - alpha / 2, clusters - 1)
    found = float(
        stats.nct.sf(reach, clusters - 1, effect / error) + stats.nct.cdf(-reach, clusters - 1, effect / error)
    )
    return f"{found:.0%}"
