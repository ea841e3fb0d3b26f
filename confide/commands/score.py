"""Commands that have conversations read: ``score``; and what ``run`` needs to have them read as they go on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import typer

from confide.agents import Model, build_model, find_model
from confide.agents.models import AnySpec, Endpoints, known_models
from confide.commands.figures import scores
from confide.commands.models import ensure_weights
from confide.commands.progress import RunProgress
from confide.commands.traits import traits
from confide.evaluators.reader import RubricReader
from confide.evaluators.rubric import LoadedRubric, read_rubrics, shipped_rubrics
from confide.evaluators.traits import is_plan, read_plan, shipped_plans
from confide.evaluators.traits.panel import Respondents, respondents_of, trait_readers
from confide.scenarios import ConfideError
from confide.scenarios.library import suggestion
from confide.simulator import (
    MeasureFolder,
    MeasureRecord,
    Reader,
    Readings,
    RunFolder,
    check_models,
    models_of,
    read_run,
)
from confide.simulator.executors import Share, part_of
from confide.simulator.planning import with_address
from confide.simulator.store import software, utc_now


class ReadingPlan:
    """Who is to read a run, found good before anything is written."""

    def __init__(
        self,
        names: Sequence[str],
        model: str,
        repeats: int,
        command: tuple[str, ...],
        models_file: Path | None,
        endpoints: Endpoints,
    ) -> None:
        """Read the rubrics and the trait plans, and build the model at ``endpoints``.

        Raises:
            InputFileError: with every problem of a rubric, a plan or the models file.
            ConfideError: a rubric or the model is unknown, or a key is missing.
        """
        _must_be_known(names)
        self.plans = [read_plan(name) for name in dict.fromkeys(names) if is_plan(name)]
        self.rubrics = read_rubrics(name for name in names if not is_plan(name))
        ids = [plan.plan.id for plan in self.plans]
        if twice := [name for name in ids if ids.count(name) > 1]:
            raise ConfideError(f"two trait plans have the id '{twice[0]}': give one of them another")
        if self.plans and repeats > 1:
            raise ConfideError("--repeats is for rubrics; a trait plan says itself how many retests there are")
        self._models_file = models_file
        self._spec = with_address(find_model(model, known_models(models_file)))
        self._endpoints = endpoints
        self._name = model
        self.model: Model = build_model(model, self._spec, endpoints)
        self.repeats = repeats
        self._command = command
        ensure_weights([self._spec])

    def __getstate__(self) -> dict[str, Any]:
        """For another process, without the model: :meth:`part` builds it there."""
        return {**self.__dict__, "model": self._name}

    @property
    def spec(self) -> AnySpec:
        """The description of the model that reads."""
        return self._spec

    def part(self, share: Share) -> ReadingPlan:
        """The same for one of several workers, with its part of the model's limits.

        Raises:
            ConfideError: a key or a package is missing in this process.
        """
        part, spec = copy(self), part_of(self._spec, share)
        part.__dict__.update(_spec=spec, model=build_model(self._name, spec, self._endpoints))
        return part

    def playing(self, run: RunFolder) -> dict[str, Model]:
        """The models that play in a run, where a plan asks the agents; none otherwise."""
        asks = any(source != "observer" for plan in self.plans for source in plan.plan.sources)
        if not asks or run.record.imported:
            return {}
        ensure_weights(run.record.models.values())
        return models_of(run.record, known_models(self._models_file) if self._models_file else {}, self._endpoints)

    def readers(self, run: RunFolder, playing: Mapping[str, Model]) -> list[Reader]:
        """The readers, with their folders in ``run``.

        Args:
            run: the run.
            playing: the models that play in it, by name.

        Raises:
            ConfideError: a folder holds another rubric's readings, or cannot be written.
        """
        found = [self._reader(run, loaded) for loaded in self.rubrics]
        for plan in self.plans:
            found += trait_readers(run, plan, playing, self.model, self._record)
        return found

    def respondents(self, run: RunFolder, playing: Mapping[str, Model]) -> list[Respondents]:
        """For each trait plan and model: the profiles that it is to answer for, with its folder in ``run``.

        Raises:
            ConfideError: as :meth:`readers`.
        """
        specs = {**run.record.models, self.model.name: self._spec}
        return [
            each for plan in self.plans for each in respondents_of(run, plan, playing, self.model, specs, self._record)
        ]

    def _reader(self, run: RunFolder, loaded: LoadedRubric) -> Reader:
        observer = RubricReader(loaded.rubric, self.model, self.repeats)
        return Reader(MeasureFolder.create(run, self.record(loaded)), observer, (self.model,))

    def record(self, loaded: LoadedRubric) -> MeasureRecord:
        """What is kept of who reads by a rubric."""
        return self._record(loaded.rubric.id, loaded.text, {}, self.model, self._spec, self.repeats)

    def _record(
        self, measure: str, text: str, files: Mapping[str, str], model: Model | None, spec: AnySpec | None, repeats: int
    ) -> MeasureRecord:
        """What is kept of who reads; ``model`` None: the roles' own."""
        return MeasureRecord(
            measure=measure,
            rubric=text,
            files=dict(files),
            model=model.name if model else "roles",
            spec=(spec or self._spec) if model else None,
            price=model.price if model else None,
            repeats=repeats,
            created=utc_now().isoformat(timespec="seconds"),
            software=software(),
            command=self._command,
        )


def _must_be_known(names: Sequence[str]) -> None:
    """See to it that each name is a file, or that of a shipped rubric or trait plan.

    Raises:
        ConfideError: one is neither.
    """
    shipped = (*shipped_rubrics(), *shipped_plans())
    for name in names:
        if name not in ("shipped", *shipped) and not Path(name).is_file():
            hint = suggestion(name, shipped)
            raise ConfideError(f"'{name}' is neither a file nor a shipped rubric or trait plan; {hint}")


async def ask_profiles(
    plan: ReadingPlan, run: RunFolder, playing: Mapping[str, Model], *, quiet: bool
) -> dict[str, str]:
    """Ask models for profiles, where a trait plan has it so; gives what was not finished, with why."""
    waiting = plan.respondents(run, playing)
    if not waiting:
        return {}
    total = sum(len(each.respondents) for each in waiting)
    done = sum(len(each.folder.logs()) for each in waiting)
    unfinished: dict[str, str] = {}
    with RunProgress(total, done, quiet=quiet, what="profiles", each="answers") as progress:
        for each in waiting:
            asked = await each.ask(run.record.seed, progress)
            unfinished |= {f"{each.folder.record.key}/{name}": why for name, why in asked.unfinished.items()}
    return unfinished


def score(path: Path, plan: ReadingPlan, *, as_json: bool) -> int:
    """Have a run read; gives the exit code."""
    run = RunFolder.open(path)
    finished = len(run.finished())
    if not finished:
        raise ConfideError(f"{path} holds no finished conversation yet; go on with it: confide resume {path}")
    playing = plan.playing(run)

    async def work() -> tuple[Readings, dict[str, str]]:
        models = {**playing, f"{plan.model.name}, reading": plan.model}
        try:
            await check_models(models)
            readers = plan.readers(run, playing)
            done = sum(len(reader.folder.logs()) for reader in readers)
            total = finished * len(readers)
            with RunProgress(total, done, quiet=as_json, what="readings", each="answers") as progress:
                readings = await read_run(run, readers, progress)
            return readings, await ask_profiles(plan, run, playing, quiet=as_json)
        finally:
            for model in models.values():
                await model.client.close()

    try:
        readings, unasked = asyncio.run(work())
    except KeyboardInterrupt:
        sys.stderr.write("\nconfide: interrupted; the same command goes on from here\n")
        return 130
    open_still = {**readings.unread, **unasked}
    for name, why in list(open_still.items())[:5]:
        sys.stderr.write(f"confide: not finished: {name}: {why}\n")
    if open_still:
        sys.stderr.write(f"confide: {len(open_still)} not finished; the same command goes on from here\n")
    if plan.rubrics or not plan.plans:
        scores(path, as_json=as_json)
    if plan.plans:
        traits(path, None, as_json=as_json)
    if not as_json:
        typer.echo(str(run.path))
    return 1 if open_still else 0
