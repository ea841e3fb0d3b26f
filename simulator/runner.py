"""Runs many conversations.

Laws: conversations are independent; one that fails takes no other with it; whatever happens, what is on disk can be
run on from.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from confide.agents import (
    AUTHOR,
    Model,
    ModelError,
    Prompt,
    find_model,
    parse_prompt,
    read_prompt,
)
from confide.agents.models import MAY_MOVE, AnySpec, Endpoints, OpenAISpec, build_models, changed_fields
from confide.scenarios import (
    Condition,
    ConfideError,
    InputFileError,
    LoadedScenario,
    Role,
    Scenario,
    Writer,
    read_conditions,
)
from confide.scenarios.experiments import LoadedExperiment
from confide.scenarios.library import LIBRARY
from confide.simulator.events import AnyEvent, Ended, EndReason
from confide.simulator.log import LogBusyError, Sink, Tee
from confide.simulator.matrix import Variant, record_of, variants_of
from confide.simulator.measures import Alongside, Reader
from confide.simulator.replay import ReplayError, resumed
from confide.simulator.setup import Setup, Stage, must_have_blocks, prompt_file, writer_of
from confide.simulator.store import (
    PerWriter,
    Planned,
    RunFolder,
    RunRecord,
    RunScenario,
    new_run_id,
    software,
    utc_now,
)

DEFAULT_MODEL = "local"
"""Plays where neither the command line nor the scenario names a model."""


class Watcher(Protocol):
    """Is told what happens, as it happens."""

    def __call__(self, conversation: str, event: AnyEvent) -> None:
        """``event`` is in the log of ``conversation``."""
        ...


class Outcome(NamedTuple):
    """What became of a run."""

    finished: int
    """Conversations that this process committed."""
    unfinished: Mapping[str, str]
    """Conversations that stay open, with why."""
    broken: Counter[str]
    """Conversations that this process committed and that ended in error, counted by what went wrong."""
    unread: Mapping[str, str]
    """Side logs that stay open, with why."""
    busy: frozenset[str] = frozenset()
    """Of the unfinished, those that another process is writing."""


Ready = dict[tuple[str, str], Stage]
"""Scenarios made ready, by scenario and condition: they are the same in all of their conversations."""


class Wishes(NamedTuple):
    """What a run is to be, beyond its scenarios."""

    model: str | None = None
    """Plays both roles, whatever the scenarios say."""
    replicates: int = 1
    turns: int | None = None
    """Turn limit, in place of the scenarios' own."""
    seed: int = 0
    command: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    """The arms; ``partial`` alone if none is given."""
    experiment: LoadedExperiment | None = None
    """The experiment that the run is; its scenarios, conditions and replicates are given above."""


def plan_run(
    loaded: list[LoadedScenario], specs: Mapping[str, AnySpec], wishes: Wishes, endpoints: Endpoints | None = None
) -> tuple[RunRecord, dict[str, Model]]:
    """Resolve a run: read prompts, build models. Nothing is written.

    Args:
        loaded: the scenarios.
        specs: models by name.
        wishes: what else the run is to be.
        endpoints: shared with its readers; None for endpoints of its own, without a cache.

    Raises:
        InputFileError: a prompt file is wrong.
        ConfideError: a model is unknown, or a key is missing.
    """
    used: dict[str, AnySpec] = {}
    conditions = wishes.conditions or read_conditions(["partial"])
    variants = variants_of(loaded, wishes.experiment)
    resolved = [_resolve(item, specs, wishes, conditions, used) for item in variants]
    models = build_models(used, endpoints)
    now = utc_now()
    label = loaded[0].scenario.id if len(loaded) == 1 else f"{len(loaded)}-scenarios"
    experiment = wishes.experiment
    record = RunRecord(
        id=new_run_id(now, experiment.experiment.id if experiment else label),
        created=now.isoformat(timespec="seconds"),
        seed=wishes.seed,
        replicates=wishes.replicates,
        conditions=conditions,
        scenarios=tuple(resolved),
        models=used,
        prices={name: model.price for name, model in models.items()},
        software=software(),
        command=wishes.command,
        experiment=record_of(experiment) if experiment else None,
    )
    return record, models


def _resolve(
    variant: Variant,
    specs: Mapping[str, AnySpec],
    wishes: Wishes,
    conditions: tuple[Condition, ...],
    used: dict[str, AnySpec],
) -> RunScenario:
    item = variant.loaded
    scenario = item.scenario
    if wishes.turns is not None:
        scenario = scenario.model_copy(update={"limits": scenario.limits.model_copy(update={"turns": wishes.turns})})
    writers = list(dict.fromkeys(writer_of(condition, role) for condition in conditions for role in Role))
    names: dict[str, str | None] = dict.fromkeys((*Role, AUTHOR))
    prompts: dict[str, str | None] = dict.fromkeys((*Role, AUTHOR))
    problems = []
    for writer in dict.fromkeys((*Role, *writers)):
        name = wishes.model or _own_model(scenario, writer)
        spec = with_address(find_model(name, specs))
        names[writer] = name
        if writer in writers:
            used[name] = spec
        try:
            file = prompt_file(item, writer, spec.format)
            prompt = read_prompt(file, writer)
        except InputFileError as error:
            problems += error.problems
            continue
        prompts[writer] = prompt.text
        for condition in conditions:
            if condition.writer is Writer.TWO_AGENTS:
                must_have_blocks(prompt, condition, file)
    if problems:
        raise InputFileError(problems)
    return RunScenario(
        file=item.file.name if item.file.parent == LIBRARY else str(item.file),
        scenario=scenario,
        taxonomy=item.taxonomy,
        prompts=PerWriter.model_validate(prompts),
        models=PerWriter.model_validate(names),
        listed=variant.persona,
        cast=variant.cast,
    )


def _own_model(scenario: Scenario, writer: str) -> str:
    """The model that the scenario names for a role or for the author.

    Raises:
        ConfideError: none is named for the author, and the two roles' differ.
    """
    name = scenario.models.of(writer)
    if name is not None:
        return name
    roles = {scenario.models.of(role) or DEFAULT_MODEL for role in Role}
    if writer == AUTHOR and len(roles) > 1:
        raise ConfideError(
            f"scenario '{scenario.id}': a condition has one writer for both sides, but the roles' models differ; "
            "add models.author, or use --model"
        )
    return roles.pop() if writer == AUTHOR else DEFAULT_MODEL


def with_address(spec: AnySpec) -> AnySpec:
    """The description with the endpoint that the environment names now, so that a resumed run asks the same one."""
    base_url = os.environ.get("OPENAI_BASE_URL", "").strip()
    if isinstance(spec, OpenAISpec) and spec.base_url is None and base_url:
        return spec.model_copy(update={"base_url": base_url})
    return spec


def models_of(record: RunRecord, now: Mapping[str, AnySpec], endpoints: Endpoints | None = None) -> dict[str, Model]:
    """The models of a run that is resumed, at the prices that it began with.

    Args:
        record: the run.
        now: descriptions that take the place of the run's own, where the names are the same.
        endpoints: shared with its readers; None for endpoints of its own, without a cache.

    Raises:
        ConfideError: a key or a package is missing, or a description is of another model.
    """
    fresh = {name: now.get(name, spec) for name, spec in record.models.items()}
    for name, spec in record.models.items():
        changed = changed_fields(spec, fresh[name])
        if changed:
            raise ConfideError(
                f"model '{name}' is not the one that the run began with: {', '.join(changed)} changed; "
                f"only these may: {', '.join(sorted(MAY_MOVE))}"
            )
    built = build_models(fresh, endpoints)
    return {name: model._replace(price=record.prices[name]) for name, model in built.items()}


async def check_models(models: Mapping[str, Model]) -> None:
    """Find out, before any conversation starts, whether all models can be called.

    Raises:
        ConfideError: one cannot.
    """
    for model in models.values():
        await model.client.check()


async def run_conversations(
    run: RunFolder,
    models: Mapping[str, Model],
    watch: Watcher,
    readers: Sequence[Reader] = (),
    also: Sink | None = None,
    left: Iterable[Planned] | None = None,
) -> Outcome:
    """Run what is left to run, as many conversations at once as the models bear. The models stay open.

    Args:
        run: the run.
        models: the models that play, by name.
        watch: is told of every event.
        readers: who reads the conversations as they go on.
        also: is told of every event of the readers' side logs.
        left: what to run, asked for one by one as it is begun; all that is not finished if it is not given.

    Raises:
        ConfideError: the disk or an endpoint refuses everything; what is on disk can be resumed.
    """
    queue = iter(run.left() if left is None else left)
    unfinished: dict[str, str] = {}
    busy: set[str] = set()
    unread: dict[str, str] = {}
    broken: Counter[str] = Counter()
    ready: Ready = {}
    finished = 0

    def see(conversation: str, event: AnyEvent) -> None:
        if isinstance(event, Ended) and event.reason is EndReason.ERROR:
            broken[event.detail or "unknown"] += 1
        watch(conversation, event)

    async def work() -> None:
        nonlocal finished
        for planned in queue:
            along = Alongside(readers, planned.id, run.record.seed, also) if readers else None
            why: str | None = None
            try:
                why = await _converse(run, planned, models, ready, see, along)
            except LogBusyError as error:
                why = str(error)
                busy.add(planned.id)
            finally:
                if along is not None:
                    unread.update(await along.finish())
            if why is None:
                finished += 1
            else:
                unfinished[planned.id] = why

    workers = min(sum(model.concurrency for model in models.values()), run.record.size)
    try:
        with _calm_collector(workers):
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
    except* ConfideError as errors:
        raise _first(errors) from None
    return Outcome(finished, unfinished, broken, unread, frozenset(busy))


class _Watched:
    """Tells a watcher of what is in the log."""

    def __init__(self, conversation: str, watch: Watcher) -> None:
        self._conversation = conversation
        self._watch = watch

    def write(self, *events: AnyEvent) -> None:
        for event in events:
            self._watch(self._conversation, event)


async def _converse(
    run: RunFolder,
    planned: Planned,
    models: Mapping[str, Model],
    ready: Ready,
    watch: Watcher,
    along: Alongside | None,
) -> str | None:
    """Run one conversation; gives why it stays open, or None.

    Raises:
        LogBusyError: another process is writing it.
        ConfideError: no other conversation would do better.
    """
    with run.writer(planned.id) as writer:
        if run.is_finished(planned.id):  # committed by another process since the queue was read
            writer.discard()
            return None
        setup = setup_of(run.record, planned, models)
        key = (planned.scenario.label, setup.condition.id)
        if key not in ready:
            ready[key] = setup.prepare()
        try:
            logged = writer.recover()
            sinks: list[Sink] = [writer, _Watched(planned.id, watch)]
            if along is not None:
                along.write(*logged)
                sinks.append(along)
            await resumed(setup, logged, Tee(*sinks), ready[key]).run(None)
        except ModelError as error:
            if error.fault.of_all_calls:
                raise
            return error.message
        except (ReplayError, InputFileError) as error:  # this log is damaged; the others are not
            return f"{run.live(planned.id)}: {error}"
        await asyncio.get_running_loop().run_in_executor(None, writer.commit)
    return None


def setup_of(record: RunRecord, planned: Planned, models: Mapping[str, Model]) -> Setup:
    """What a planned conversation is made from."""
    item, condition = planned.scenario, planned.condition
    writers = {role: writer_of(condition, role) for role in Role}
    return Setup(
        conversation=planned.id,
        pair_key=planned.pair_key,
        seed=record.seed,
        scenario=item.scenario,
        taxonomy=item.taxonomy,
        condition=condition,
        prompts={role: _prompt(item.prompts.of_writer(writer), writer) for role, writer in writers.items()},
        models={role: models[item.models.of_writer(writer)] for role, writer in writers.items()},
        parent=record.fork.parent if record.fork else None,
        cast=item.cast,
    )


@contextmanager
def _calm_collector(at_once: int) -> Iterator[None]:
    """Let Python look for cycles less often: thousands of open conversations are alive, and none of it is garbage.

    It looks when there are more new objects than ``at_once`` conversations of common length hold.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000 + 500 * at_once, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@lru_cache(maxsize=256)
def _prompt(text: str, writer: str) -> Prompt:
    return parse_prompt(text, writer, Path(f"{writer} prompt in run.json"))


def _first(group: BaseExceptionGroup[ConfideError]) -> ConfideError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
