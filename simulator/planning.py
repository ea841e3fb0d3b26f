"""What a run is to be: scenarios, prompts and models, resolved before anything is written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from confide.agents import (
    AUTHOR,
    Model,
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
from confide.simulator.matrix import Variant, record_of, variants_of
from confide.simulator.setup import Setup, must_have_blocks, prompt_file, writer_of
from confide.simulator.store import (
    PerWriter,
    Planned,
    RunRecord,
    RunScenario,
    new_run_id,
    software,
    utc_now,
)

DEFAULT_MODEL = "local"
"""Plays where neither the command line nor the scenario names a model."""


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


@lru_cache(maxsize=256)
def _prompt(text: str, writer: str) -> Prompt:
    return parse_prompt(text, writer, Path(f"{writer} prompt in run.json"))
