"""Commands that have conversations read: ``score``; and what ``run`` needs to have them read as they go on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from confide.agents import Model, build_model, find_model
from confide.agents.models import known_models
from confide.commands.figures import scores
from confide.commands.models import ensure_weights
from confide.commands.progress import RunProgress
from confide.evaluators.reader import RubricReader
from confide.evaluators.rubric import LoadedRubric, read_rubrics
from confide.scenarios import ConfideError
from confide.simulator import (
    MeasureFolder,
    MeasureRecord,
    Reader,
    Readings,
    RunFolder,
    check_models,
    read_run,
)
from confide.simulator.runner import with_address
from confide.simulator.store import software, utc_now


class ReadingPlan:
    """Who is to read a run, found good before anything is written."""

    def __init__(
        self, names: Sequence[str], model: str, repeats: int, command: tuple[str, ...], models_file: Path | None
    ) -> None:
        """Read the rubrics and build the model.

        Raises:
            InputFileError: with every problem of a rubric or of the models file.
            ConfideError: a rubric or the model is unknown, or a key is missing.
        """
        self.rubrics = read_rubrics(names)
        self._spec = with_address(find_model(model, known_models(models_file)))
        self.model: Model = build_model(model, self._spec)
        self.repeats = repeats
        self._command = command
        ensure_weights([self._spec])

    def readers(self, run: RunFolder) -> list[Reader]:
        """The readers, with their folders in ``run``.

        Raises:
            ConfideError: a folder holds another rubric's readings, or cannot be written.
        """
        return [self._reader(run, loaded) for loaded in self.rubrics]

    def _reader(self, run: RunFolder, loaded: LoadedRubric) -> Reader:
        observer = RubricReader(loaded.rubric, self.model, self.repeats)
        return Reader(MeasureFolder.create(run, self.record(loaded)), observer, (self.model,))

    def record(self, loaded: LoadedRubric) -> MeasureRecord:
        """What is kept of who reads by a rubric."""
        return MeasureRecord(
            measure=loaded.rubric.id,
            rubric=loaded.text,
            model=self.model.name,
            spec=self._spec,
            price=self.model.price,
            repeats=self.repeats,
            created=utc_now().isoformat(timespec="seconds"),
            software=software(),
            command=self._command,
        )


def score(path: Path, plan: ReadingPlan, *, as_json: bool) -> int:
    """Have a run read; gives the exit code."""
    run = RunFolder.open(path)
    finished = len(list((run.path / "conversations").glob("*.jsonl")))
    if not finished:
        raise ConfideError(f"{path} holds no finished conversation yet; go on with it: confide resume {path}")

    async def work() -> Readings:
        try:
            await check_models({plan.model.name: plan.model})
            readers = plan.readers(run)
            done = sum(len(reader.folder.logs()) for reader in readers)
            total = finished * len(readers)
            with RunProgress(total, done, quiet=as_json, what="readings", each="answers") as progress:
                return await read_run(run, readers, progress)
        finally:
            await plan.model.client.close()

    try:
        readings = asyncio.run(work())
    except KeyboardInterrupt:
        sys.stderr.write("\nconfide: interrupted; the same command goes on from here\n")
        return 130
    for name, why in list(readings.unread.items())[:5]:
        sys.stderr.write(f"confide: {name} is not finished: {why}\n")
    if readings.unread:
        sys.stderr.write(f"confide: {len(readings.unread)} not finished; the same command goes on from here\n")
    scores(path, as_json=as_json)
    if not as_json:
        typer.echo(str(run.path))
    return 1 if readings.unread else 0
