"""Commands for large runs: merge, pack, unpack; see :mod:`confide.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ExecutorOption = Annotated[
    str,
    typer.Option(
        "--executor",
        metavar="local|processes|ray",
        help="Where conversations run: in this process, in several, or on a Ray cluster.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Workers of processes or ray; default: one per processor."),
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", metavar="ADDR", help="Ray cluster to run on; default: Ray is started on this machine."),
]
ShardOption = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Run only every N-th conversation, from the I-th; see confide merge."),
]

ProfileOption = Annotated[
    bool, typer.Option("--profile", help="Tell at the end where the time went; it is kept beside the run anyway.")
]

scale_app = typer.Typer(rich_markup_mode=None)


@scale_app.command()
def merge(
    run_folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of a run's shards.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the merged run.")],
) -> None:
    """Make one run of its shards; prints its folder last. Exit code 1 if something is missing."""
    from confide.commands.scale import merge_runs as work  # noqa: PLC0415

    raise typer.Exit(work(run_folders, out))


@scale_app.command()
def pack(run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")]) -> None:
    """Put a run's finished logs into few large files; everything reads them as before."""
    from confide.commands.scale import pack_run as work  # noqa: PLC0415

    work(run_folder)


@scale_app.command()
def unpack(run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")]) -> None:
    """Make a file of each packed log again."""
    from confide.commands.scale import unpack_run as work  # noqa: PLC0415

    work(run_folder)
