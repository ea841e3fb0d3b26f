"""The ``view`` command; see :mod:`confide.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from confide.cli_inspect import RUNS, RunsOption

view_app = typer.Typer(rich_markup_mode=None)


@view_app.command()
def view(
    run_folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Runs' folders; default: all runs in --runs.")
    ] = None,
    *,
    runs: RunsOption = RUNS,
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help="Port on this machine; 0: any that is free.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser; the address is printed.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html|DIR",
            help="Write a copy that needs no server: one file, or a folder for more than 1,000 conversations.",
        ),
    ] = None,
) -> None:
    """Show runs in a browser: a grid of conversations, each replayed through either pair of eyes."""
    from confide.commands.view import view as work  # noqa: PLC0415

    work(run_folders or [], runs, port, export, browser=not no_browser)
