"""How a run is spread out: executors, shards, merging, packing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import typer

from confide.agents import Model
from confide.agents.models import BaseClient
from confide.agents.models.base import Wrapper
from confide.agents.models.local import LocalClient
from confide.agents.models.spec import LocalSpec
from confide.commands.staff import Staff
from confide.scenarios import ConfideError
from confide.scenarios.library import suggestion
from confide.simulator import RunFolder
from confide.simulator.executors import Executor, Processes, Ray, most_workers
from confide.simulator.executors.processes import processors
from confide.simulator.executors.rays import import_ray
from confide.simulator.executors.share import Tell
from confide.simulator.merging import merge
from confide.simulator.packing import PACK_ABOVE, log_folders, pack, unpack
from confide.simulator.shards import ShardRecord, parse_shard

EXECUTORS: Final = ("local", "processes", "ray")


class Spread(NamedTuple):
    """How a run is spread out, found good."""

    executor: str = "local"
    workers: int | None = None
    """How many workers; None: as many as there are processors."""
    address: str | None = None
    """Of a Ray cluster; None: Ray is started here."""
    shard: ShardRecord | None = None
    """The part of the run that is to be run; None for the whole."""
    profile: bool = False
    """Whether to tell at the end where the time went."""


LOCAL: Final = Spread()


def spread_of(
    executor: str, workers: int | None, address: str | None, shard: str | None = None, *, profile: bool = False
) -> Spread:
    """What the command line says of it.

    Raises:
        ConfideError: something of it is wrong, or does not go together.
    """
    if executor not in EXECUTORS:
        raise ConfideError(f"--executor {executor}: {suggestion(executor, EXECUTORS)}")
    if workers is not None and executor == "local":
        raise ConfideError("--workers is for --executor processes or ray: there is one process here")
    if workers is not None and workers < 1:
        raise ConfideError(f"--workers {workers}: at least 1 must work")
    if address is not None and executor != "ray":
        raise ConfideError("--address is of a Ray cluster: say --executor ray, too")
    if executor == "ray":
        import_ray()
    return Spread(executor, workers, address, parse_shard(shard) if shard is not None else None, profile)


def workers_for(spread: Spread, staff: Staff, tell: Tell) -> Executor:
    """The executor that was asked for; it is not ``local``. Says on standard error what is not as one may expect."""
    specs = {**staff.specs, **{f"{plan.model.name}, reading": plan.spec for plan in staff.plans}}
    most = most_workers(specs.values())
    wanted = spread.workers or (processors() if spread.executor == "processes" else None)
    if wanted is not None and wanted > most:
        why = f"a model takes {most} calls at once, from all workers together"
        sys.stderr.write(f"confide: {most} workers, not {wanted}: {why}\n")
    workers = most if wanted is None else min(wanted, most)
    if any(isinstance(spec, LocalSpec) for spec in specs.values()):
        sys.stderr.write("confide: each worker loads the embedded model for itself\n")
    if spread.executor == "ray":
        return Ray(staff, tell, spread.workers, spread.address, most=most, reads=bool(staff.plans))
    return Processes(staff, tell, workers, reads=bool(staff.plans))


async def let_go_of_engines(models: Iterable[Model]) -> None:
    """Let go of embedded models that were loaded to be checked; they are loaded again where they are called."""
    for model in models:
        client: BaseClient = model.client
        while isinstance(client, Wrapper):
            client = client.inner
        if isinstance(client, LocalClient):
            await client.close()


def pack_if_large(run: RunFolder) -> None:
    """Pack a run that has many conversations, so that it does not stay as many files."""
    if run.record.size > PACK_ABOVE:
        for folder in log_folders(run.path):
            pack(folder)


def pack_run(path: Path) -> None:
    """Pack a run's finished logs, and say how it went."""
    _each_folder(path, back=False)


def unpack_run(path: Path) -> None:
    """Make files of a run's packed logs again, and say how it went."""
    _each_folder(path, back=True)


def _each_folder(path: Path, *, back: bool) -> None:
    run = RunFolder.open(path)
    logs = segments = 0
    for folder in log_folders(run.path):
        done = unpack(folder) if back else pack(folder)
        logs, segments = logs + done.logs, segments + done.segments
    told = f"{logs} logs taken out" if back else f"{logs} logs packed; segments: {segments}"
    sys.stderr.write(f"confide: {told}\n")
    typer.echo(str(run.path))


def merge_runs(paths: Sequence[Path], out: Path) -> int:
    """Merge shards; gives the exit code. The new run's folder comes last on standard output."""
    merged = merge(paths, out)
    pack_if_large(merged.run)
    if merged.missing:
        names = ", ".join(str(shard) for shard in merged.missing)
        sys.stderr.write(f"confide: missing shards: {names}\n")
    if merged.unfinished:
        again = f"go on with: confide resume {merged.run.path}"
        sys.stderr.write(f"confide: {merged.unfinished} of {merged.run.record.size} not finished; {again}\n")
    typer.echo(str(merged.run.path))
    return 1 if merged.unfinished or merged.missing else 0
