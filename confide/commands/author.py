"""Commands for those who write scenarios: ``check``, ``init``, ``schema``."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from confide.scenarios import (
    ConfideError,
    InputFileError,
    Problem,
    Role,
    read_conditions,
    read_scenarios,
    shipped_conditions,
)
from confide.scenarios.experiments import find_experiment, read_experiment, shipped_experiments
from confide.scenarios.library import TEMPLATE


def check(files: list[Path]) -> None:
    """Check scenario files and experiments, and all that they name; say what each one holds, or will take."""
    experiments = {file: find_experiment(file) for file in files}
    for found in experiments.values():
        if found is not None:
            from confide.commands.forecast import forecast  # noqa: PLC0415  (loads all that an experiment runs on)

            forecast(read_experiment(found))
    files = [file for file, found in experiments.items() if found is None]
    loaded = read_scenarios([str(file) for file in files])
    problems: list[Problem] = []
    for item in loaded:
        for writer in (*Role, "author"):
            own = item.scenario.prompts.of(writer)
            if own:
                from confide.agents import read_prompt  # noqa: PLC0415  (loads AutoGen; most scenarios never need it)

                try:
                    read_prompt(item.file.parent / own, writer)
                except InputFileError as error:
                    problems += error.problems
    if problems:
        raise InputFileError(problems)
    for item in loaded:
        facts = " and ".join(f"{len(item.scenario.role(role).facts)} {role}" for role in Role)
        typer.echo(f"{item.file}: ok: '{item.scenario.id}', {facts} facts, at most {item.scenario.limits.turns} turns")


def list_shipped() -> None:
    """Print the shipped scenarios, conditions, experiments and rubrics."""
    console = Console(highlight=False)
    scenarios = Table("scenario", "problem", "title", "facts", box=None, pad_edge=False)
    for item in read_scenarios(["shipped"]):
        facts = sum(len(item.scenario.role(role).facts) for role in Role)
        scenarios.add_row(item.scenario.id, item.scenario.problem, item.scenario.title, str(facts))
    conditions = Table("condition", "title", box=None, pad_edge=False)
    for condition in read_conditions(shipped_conditions()):
        conditions.add_row(condition.id, condition.title)
    from confide.evaluators.rubric import read_rubrics  # noqa: PLC0415  (loads AutoGen, as check need not)

    rubrics = Table("rubric", "asks", box=None, pad_edge=False)
    for loaded in read_rubrics(["shipped"]):
        rubrics.add_row(loaded.rubric.id, loaded.rubric.title)
    experiments = Table("experiment", "asks", box=None, pad_edge=False)
    for name in shipped_experiments():
        file = find_experiment(name)
        if file is not None:
            experiments.add_row(name, read_experiment(file).experiment.title)
    console.print(scenarios, "", conditions, "", experiments, "", rubrics)


def init(file: Path) -> None:
    """Write the commented scenario, unless the file is there."""
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(TEMPLATE.read_text(encoding="utf-8"))
    except FileExistsError:
        raise ConfideError(f"{file} is there already: give another name") from None
    except OSError as error:
        raise ConfideError(f"cannot write {file}: {error.strerror}") from None
    typer.echo(f"wrote {file}; edit it, then: confide check {file}")


def schema(kind: str) -> None:
    """Print the JSON Schema of a kind of file."""
    typer.echo(json.dumps(schema_of(kind), indent=2, ensure_ascii=False))


_WRITTEN_BY = {
    "scenario": "confide.scenarios:Scenario",
    "condition": "confide.scenarios:Condition",
    "taxonomy": "confide.scenarios:Taxonomy",
    "personas": "confide.scenarios.personas:PersonaList",
    "experiment": "confide.scenarios.experiments:Experiment",
    "rubric": "confide.evaluators.rubric:Rubric",
    "traits": "confide.evaluators.traits:TraitPlan",
    "instrument": "confide.evaluators.traits:Instrument",
    "wording": "confide.evaluators.traits:Wording",
    "models": "confide.agents.models:ModelsFile",
    "event": "confide.simulator.events:EVENTS",
    "run": "confide.simulator:RunRecord",
    "measure": "confide.simulator:MeasureRecord",
}
"""What describes each kind of file. Imported when it is asked for: much of it loads AutoGen, as check need not."""
SCHEMAS = tuple(_WRITTEN_BY)
"""Kinds of files that have a schema."""


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file.

    Raises:
        ConfideError: there is no such kind.
    """
    if kind not in SCHEMAS:
        raise ConfideError(f"there is no schema '{kind}'; one of: {', '.join(SCHEMAS)}")
    module, _, name = _WRITTEN_BY[kind].partition(":")
    model = getattr(import_module(module), name)
    found = model.json_schema() if isinstance(model, TypeAdapter) else model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
