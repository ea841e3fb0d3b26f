"""Commands that run conversations: ``run``, ``resume``."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import typer
from rich.console import Console

from confide.agents import Model
from confide.agents.models import Endpoints, known_models
from confide.commands.budget import BudgetReachedError, Spending, budget_of
from confide.commands.models import ensure_weights
from confide.commands.progress import RunProgress
from confide.commands.scale import LOCAL, Spread, let_go_of_engines, pack_if_large, workers_for
from confide.commands.score import ReadingPlan, ask_profiles
from confide.commands.spent import tell_spent
from confide.commands.staff import Staff
from confide.evaluators import summarise
from confide.evaluators.outcomes.checks import check_outcomes, rubric_of
from confide.evaluators.traits.results import is_respondents
from confide.scenarios import ConfideError, read_conditions, read_scenarios
from confide.scenarios.experiments import Budget, LoadedExperiment, find_experiment, read_experiment
from confide.simulator import (
    AnyEvent,
    MeasureRecord,
    Outcome,
    Reader,
    RunFolder,
    RunRecord,
    Wishes,
    check_models,
    measure_folders,
    models_of,
    plan_run,
    read_log,
)
from confide.simulator.executors import Local, Report
from confide.simulator.log import Tee
from confide.simulator.store import ExperimentRecord
from confide.viewer import Transcript


class Options(NamedTuple):
    """What the command line says of a run; what is None was not said."""

    names: list[str]
    """Scenarios, or one experiment."""
    model: str | None
    conditions: list[str] | None
    n: int | None
    turns: int | None
    seed: int | None
    runs: Path
    models_file: Path | None
    rubrics: list[str] | None
    reader: str | None
    command: tuple[str, ...]
    endpoints: Endpoints
    """What its models share."""


READER: Final = "local-reader"
"""Reads where nobody is named."""


def start(options: Options, spread: Spread, *, watch: bool, as_json: bool) -> int:
    """Run scenarios or an experiment; gives the exit code. Nothing is written before everything is found good."""
    if watch and spread.executor != "local":
        raise ConfideError("--watch shows what is spoken in this process: leave out --executor")
    file = find_experiment(options.names[0]) if len(options.names) == 1 else None
    loaded = read_experiment(file) if file else None
    if loaded:
        check_outcomes(loaded)
        scenarios, wishes, plans = loaded.scenarios, wishes_of(loaded, options), plans_of(loaded, options)
    else:
        scenarios, plans = read_scenarios(options.names), []
        conditions = read_conditions(options.conditions or ["partial"])
        wishes = Wishes(options.model, options.n or 1, options.turns, options.seed or 0, options.command, conditions)
        if options.rubrics:
            reader = options.reader or READER
            plans = [ReadingPlan(options.rubrics, reader, 1, options.command, options.models_file, options.endpoints)]
    record, models = plan_run(scenarios, known_models(options.models_file), wishes, options.endpoints)
    if spread.shard:
        record = record.part(spread.shard)
    return begin(record, models, options.runs, options.endpoints, plans, spread, watch=watch, as_json=as_json)


def wishes_of(loaded: LoadedExperiment, options: Options) -> Wishes:
    """What a run of an experiment is to be. The command line may say how many, how long and which model; no more.

    Raises:
        ConfideError: the command line says what is the experiment's to say.
    """
    experiment = loaded.experiment
    if options.conditions or options.rubrics:
        said = "--condition" if options.conditions else "--with"
        raise ConfideError(f"{loaded.file}: an experiment says itself what {said} would say: leave it out")
    if options.model and experiment.models:
        raise ConfideError(
            f"{loaded.file}: the experiment names its models; leave --model out, or take models out of it"
        )
    return Wishes(
        options.model,
        options.n or experiment.replicates,
        options.turns or experiment.turns,
        experiment.seed if options.seed is None else options.seed,
        options.command,
        loaded.conditions,
        loaded,
    )


def plans_of(loaded: LoadedExperiment, options: Options) -> list[ReadingPlan]:
    """Who reads in an experiment, one plan per reader; ``--reader`` takes the place of all of them."""
    groups: dict[tuple[str, int], list[str]] = {}
    for measure in loaded.experiment.measures:
        name = rubric_of(loaded, measure)
        groups.setdefault((options.reader or measure.reader, measure.repeats), []).append(name)
    return [
        ReadingPlan(names, reader, repeats, options.command, options.models_file, options.endpoints)
        for (reader, repeats), names in groups.items()
    ]


def begin(
    record: RunRecord,
    models: Mapping[str, Model],
    runs: Path,
    endpoints: Endpoints,
    plans: Sequence[ReadingPlan] = (),
    spread: Spread = LOCAL,
    *,
    watch: bool,
    as_json: bool,
) -> int:
    """Begin a run that was planned, with readers or without; gives the exit code."""
    ensure_weights(record.models.values())
    made: list[RunFolder] = []
    reads = {f"{plan.model.name}, reading {number}": plan.model for number, plan in enumerate(plans)}

    async def work() -> Outcome:
        try:
            await check_models({**models, **reads})
            made.append(RunFolder.create(runs, record))
            budget = budget_of(record, [plan.model for plan in plans])
            readers = [reader for plan in plans for reader in plan.readers(made[0], models)]
            staff = Staff(record.models, plans, endpoints)
            if spread.executor != "local":
                await let_go_of_engines([*models.values(), *reads.values()])
            outcome = await _run(made[0], models, readers, staff, spread, watch=watch, quiet=as_json, budget=budget)
            unasked: dict[str, str] = {}
            for plan in plans if record.shard is None or record.shard.number == 1 else ():  # once for all shards
                unasked |= await ask_profiles(plan, made[0], models, quiet=as_json or watch)
            return outcome._replace(unread={**outcome.unread, **unasked})
        finally:
            await _close({**models, **reads})

    return _finish(work, made, as_json=as_json)


def go_on(path: Path, models_file: Path | None, endpoints: Endpoints, spread: Spread, *, as_json: bool) -> int:
    """Resume a run; gives the exit code. A models file may say where an endpoint has moved to.

    An experiment's budget is not held any more: to resume is to say that it may cost more.
    """
    run = RunFolder.open(path)
    run.must_be_simulated()
    now = known_models(models_file) if models_file else {}
    specs = {name: now.get(name, spec) for name, spec in run.record.models.items()}
    models = models_of(run.record, specs, endpoints)
    ensure_weights(run.record.models.values())

    async def work() -> Outcome:
        try:
            await check_models(models)
            if spread.executor != "local":
                await let_go_of_engines(models.values())
            staff = Staff(specs, (), endpoints)
            return await _run(run, models, [], staff, spread, watch=False, quiet=as_json, budget=Budget())
        finally:
            await _close(models)

    return _finish(work, [run], as_json=as_json)


async def _close(models: Mapping[str, Model]) -> None:
    for model in models.values():
        await model.client.close()


async def _run(
    run: RunFolder,
    models: Mapping[str, Model],
    readers: Sequence[Reader],
    staff: Staff,
    spread: Spread,
    *,
    watch: bool,
    quiet: bool,
    budget: Budget,
) -> Outcome:
    spent, began = Spending(budget), time.time()
    total = run.record.size
    done = total - sum(1 for _ in run.left())
    with RunProgress(total, done, quiet=quiet or watch) as progress:
        transcript = Transcript(Console(highlight=False)) if watch and not quiet else None
        first = next(run.planned()).id

        def see(conversation: str, event: AnyEvent) -> None:
            progress.see(event)
            spent.see(event)
            if transcript and conversation == first:
                transcript.show(event)

        def tell(report: Report) -> None:
            progress.add(report.said, report.done)
            progress.add_reading(report.read)
            spent.add(report.said.plus(report.read))

        workers = None if spread.executor == "local" else workers_for(spread, staff, tell)
        try:
            outcome = await (workers or Local(models, see, readers, Tee(spent, progress.readers))).run(run)
        finally:
            if spread.profile:
                tell_spent(run, began)
    if transcript and run.is_finished(first):
        transcript.figures(summarise(read_log(run.final(first)).events))
    return outcome


def _finish(work: Callable[[], Coroutine[None, None, Outcome]], made: list[RunFolder], *, as_json: bool) -> int:
    """Run ``work``, and tell how it went: the folder comes last on standard output."""
    try:
        outcome = asyncio.run(work())
    except KeyboardInterrupt:
        again = f"; go on with: confide resume {made[0].path}" if made else ""
        sys.stderr.write(f"\nconfide: interrupted{again}\n")
        return 130
    except BudgetReachedError as error:
        sys.stderr.write(f"confide: {error}; go on all the same with: confide resume {made[0].path}\n")
        typer.echo(str(made[0].path))
        return 1
    except ConfideError as error:
        if not made:
            raise
        raise ConfideError(f"{error}\nwhat was answered is kept; go on with: confide resume {made[0].path}") from None
    run = made[0]
    pack_if_large(run)
    _tell(run, outcome)
    if as_json:
        typer.echo(_as_json(run, outcome))
    else:
        typer.echo(str(run.path))
    return 1 if outcome.unfinished or outcome.broken or outcome.unread else 0


def _tell(run: RunFolder, outcome: Outcome) -> None:
    """Say on standard error what is not as it should be."""
    for conversation, why in list(outcome.unfinished.items())[:5]:
        sys.stderr.write(f"confide: {conversation} is not finished: {why}\n")
    if outcome.unfinished:
        sys.stderr.write(f"confide: {len(outcome.unfinished)} not finished; go on with: confide resume {run.path}\n")
    for reason, count in outcome.broken.most_common(5):
        sys.stderr.write(f"confide: {count} of {sum(outcome.broken.values())} that ended in error: {reason}\n")
    for name, why in list(outcome.unread.items())[:5]:
        sys.stderr.write(f"confide: {name} is not read to its end: {why}\n")
    committed = len(run.finished())
    unread: Counter[str] = Counter()
    for folder in measure_folders(run):
        left = len(list((folder.path / "live").glob("*.jsonl")))  # of profiles, those that were begun
        if not is_respondents(folder):
            left = committed - len(folder.logs())
        if left:
            unread[_score_command(run, folder.record)] += left
    for command, count in unread.items():
        sys.stderr.write(f"confide: {count} not read to their end; go on with: {command}\n")


def _score_command(run: RunFolder, record: MeasureRecord) -> str:
    """The command that goes on with a reader: the one that it began with, as far as it is about readers."""
    given = record.command[1:]
    if given[:1] == ("score",):
        return shlex.join(["confide", *given])
    values = [part.split("=", 1) if part.startswith("--") and "=" in part else [part] for part in given]
    options = [part for value in values for part in value]
    names = {"--with": "--with", "--reader": "--model", "--models": "--models"}
    kept = [part for option, value in pairwise(options) if option in names for part in (names[option], value)]
    if run.record.experiment and "--with" not in kept:
        return " && ".join(_of_experiment(run, run.record.experiment, kept))
    if "--with" not in kept:  # from Python
        kept = ["--with", record.measure, "--model", record.model]
    return shlex.join(["confide", "score", str(run.path), *kept])


def _of_experiment(run: RunFolder, experiment: ExperimentRecord, kept: Sequence[str]) -> list[str]:
    """The commands that read by an experiment's measures, one per reader: what is read already is not read again."""
    groups: dict[tuple[str, int], list[str]] = {}
    for measure in experiment.resolved.measures:
        file = Path(experiment.file).parent / measure.rubric
        name = str(file) if file.is_absolute() and file.is_file() else measure.rubric
        groups.setdefault((measure.reader, measure.repeats), []).append(name)
    return [
        shlex.join([
            "confide", "score", str(run.path), *(part for name in names for part in ("--with", name)),
            *(() if "--model" in kept else ("--model", reader)), "--repeats", str(repeats), *kept,
        ])
        for (reader, repeats), names in groups.items()
    ]  # fmt: skip


def _as_json(run: RunFolder, outcome: Outcome) -> str:
    finished = [run.final(planned.id) for planned in run.planned() if run.is_finished(planned.id)]
    summaries = [summarise(read_log(log).events).model_dump(mode="json") for log in finished]
    report = {"run": str(run.path), "unfinished": dict(outcome.unfinished), "conversations": summaries}
    return json.dumps(report, ensure_ascii=False, indent=2)
