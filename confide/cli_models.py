"""The ``models`` part of the command line; see :mod:`confide.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

models_app = typer.Typer(help="List, fetch and test models.", rich_markup_mode=None, invoke_without_command=True)

ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", metavar="FILE", help="File that describes models; default: models.yaml, if it is there."),
]

NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Ask hosted models anew, and keep no answers; default: what was answered is.")
]
CacheOnlyOption = Annotated[
    bool, typer.Option("--cache-only", help="Send nothing to hosted models: only answers that are kept count.")
]


@models_app.callback()
def _models(context: typer.Context, models: ModelsOption = None) -> None:
    if context.invoked_subcommand is None:
        from confide.commands.models import list_models  # noqa: PLC0415

        list_models(models)


@models_app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="The model; only 'local' has anything to fetch.")] = "local",
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take the weights from this file.")
    ] = None,
) -> None:
    """Fetch the embedded model's weights, once."""
    from confide.commands.models import fetch as work  # noqa: PLC0415

    work(name, source)


@models_app.command("test")
def test(
    name: Annotated[str, typer.Argument(help="The model.")],
    models: ModelsOption = None,
) -> None:
    """Say whether a model answers, follows a schema, returns log-probabilities and caches prefixes."""
    from confide.commands.models import test as work  # noqa: PLC0415

    raise typer.Exit(work(name, models))
