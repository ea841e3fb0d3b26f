"""The ``instruments`` and ``personas`` parts of the command line; see :mod:`confide.cli`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from confide.cli_models import CacheOnlyOption, ModelsOption, NoCacheOption

instruments_app = typer.Typer(
    help="List, show, complete and import questionnaires.", rich_markup_mode=None, invoke_without_command=True
)
personas_app = typer.Typer(
    help="Draw personas, import them, and have their traits inferred.", rich_markup_mode=None, no_args_is_help=True
)


@instruments_app.callback()
def _instruments(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from confide.commands.instruments import list_instruments  # noqa: PLC0415

        list_instruments()


@instruments_app.command("show")
def show(name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped instrument, or a file.")]) -> None:
    """Say what an instrument holds, and what weakens it."""
    from confide.commands.instruments import show as work  # noqa: PLC0415

    work(name)


@instruments_app.command("add")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Your copy of the items, one per line, in order.")],
    *,
    key: Annotated[str, typer.Option(metavar="NAME", help="The shipped key: hexaco-60, hexaco-100 or csi-96.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The instrument to write; default: NAME.yaml.")
    ] = None,
) -> None:
    """Put your own copy of the items into a shipped scoring key; counts and numbers are checked."""
    from confide.commands.instruments import add as work  # noqa: PLC0415

    work(file, key, out)


@instruments_app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or CSV: text, factor, facet, key.")],
    *,
    name: Annotated[str, typer.Option("--id", metavar="ID", help="The instrument's id.")],
    per_facet: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="Draw so many items of each facet, of both keys.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="K", help="Seed of the draw.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The instrument to write; default: ID.yaml.")] = None,
) -> None:
    """Make an instrument of a list of items, such as IPIP's."""
    from confide.commands.instruments import bring_in as work  # noqa: PLC0415

    work(file, name, per_facet, seed, out)


OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="The list to write.")]


@personas_app.command("sample")
def sample(
    *,
    n: Annotated[int, typer.Option("--n", metavar="K", min=1, max=100_000, help="How many.")],
    instrument: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Whose norms they are drawn from.")
    ] = "hexaco-confide",
    seed: Annotated[int, typer.Option(metavar="K", help="Seed of the draw.")] = 0,
    out: OutOption = Path("personas.yaml"),
) -> None:
    """Draw profiles as among people, from an instrument's norms."""
    from confide.commands.personas import sample as work  # noqa: PLC0415

    work(instrument, n, seed, out)


@personas_app.command("import")
def bring_in_personas(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One persona per line: text, or JSON as PersonaHub's.")],
    *,
    most: Annotated[int | None, typer.Option("--first", metavar="K", min=1, help="Take the first so many.")] = None,
    out: OutOption = Path("personas.yaml"),
) -> None:
    """Import personas that are texts."""
    from confide.commands.personas import bring_in as work  # noqa: PLC0415

    work(file, most, out)


@personas_app.command("infer")
def infer(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A list of personas.")],
    *,
    plan: Annotated[str, typer.Option("--with", metavar="PLAN", help="Whose questionnaire and words.")] = "traits",
    model: Annotated[str, typer.Option(metavar="NAME", help="The model that is asked.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for what it answers.")] = Path("inferred"),
    models: ModelsOption = None,
    no_cache: NoCacheOption = False,
    cache_only: CacheOnlyOption = False,
) -> None:
    """Infer traits from personas: the model answers as each one (probe), and about its text (observer)."""
    from confide.commands.models import endpoints_of  # noqa: PLC0415
    from confide.commands.personas import infer as work  # noqa: PLC0415

    endpoints = endpoints_of(no_cache, cache_only)
    raise typer.Exit(work(file, plan, model, out, models, ["confide", *sys.argv[1:]], endpoints))
