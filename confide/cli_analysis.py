"""The ``analyse`` and ``compare`` commands; see :mod:`confide.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

analysis_app = typer.Typer(rich_markup_mode=None)
ReaderOption = Annotated[
    str | None, typer.Option("--reader", metavar="NAME", help="The model that counts where several read the same.")
]


@analysis_app.command()
def analyse(
    run_folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Runs' folders; taken together.")],
    *,
    analysis: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="An analysis, or an experiment with one, in place of the one that the run was begun with; without "
            "either, all pairs of arms are compared, and the figures are exploratory.",
        ),
    ] = None,
    reader: ReaderOption = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write the outcomes too, one row per conversation, for R and others."),
    ] = None,
    mixed: Annotated[bool, typer.Option("--mixed", help="Fit a mixed model to each outcome too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, and nothing else.")] = False,
) -> None:
    """Compare a run's arms within pair keys: differences, tests by family, equivalence, strategies, what is missing."""
    from confide.commands.analysis import analyse as work  # noqa: PLC0415

    work(run_folders, analysis, reader, data, mixed=mixed, as_json=json)


@analysis_app.command()
def compare(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    against: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="Another run; default: two arms of the first.")
    ] = None,
    *,
    one: Annotated[str | None, typer.Option(metavar="ARM", help="A condition or a cast, for one side.")] = None,
    other: Annotated[str | None, typer.Option(metavar="ARM", help="A condition or a cast, for the other side.")] = None,
    outcomes: Annotated[
        list[str] | None,
        typer.Option("--outcome", metavar="NAME", help="What they are compared by, such as talk.turns; several times."),
    ] = None,
    reader: ReaderOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, and nothing else.")] = False,
) -> None:
    """Put two runs, or two arms of one, side by side: what differs in their settings, and what in their figures."""
    from confide.commands.analysis import Wanted  # noqa: PLC0415
    from confide.commands.analysis import compare as work  # noqa: PLC0415

    work(run_folder, against, Wanted(one, other, outcomes or [], reader), as_json=json)
