"""Commands that look into finished conversations: replay, audit, knows, fork; see :mod:`confide.cli`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from confide.cli_models import CacheOnlyOption, ModelsOption, NoCacheOption

RunsOption = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder that holds the runs.")]
RUNS = Path("runs")

inspect_app = typer.Typer(rich_markup_mode=None)


@inspect_app.command()
def replay(
    target: Annotated[Path, typer.Argument(metavar="RUN|LOG", help="A run's folder or a log.")],
) -> None:
    """Run a run's conversations again from their logged answers, with no model; the events must be the same."""
    from confide.commands.inspect import replay as work  # noqa: PLC0415

    raise typer.Exit(work(target))


@inspect_app.command()
def audit(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    jobs: Annotated[int | None, typer.Option(metavar="K", min=1, help="Processes; default: one per processor.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")] = False,
) -> None:
    """Check that every prompt of a run was made from what its role could see; exit code 1 if one was not."""
    from confide.commands.inspect import audit as work  # noqa: PLC0415

    raise typer.Exit(work(run_folder, jobs, as_json=json))


@inspect_app.command()
def knows(
    target: Annotated[
        Path | None, typer.Argument(metavar="[RUN|LOG]", help="A run's folder or a log; default: the newest run.")
    ] = None,
    *,
    conversation: Annotated[
        str | None, typer.Option("--conversation", "-c", metavar="ID", help="Which one of a run's.")
    ] = None,
    at: Annotated[
        int | None, typer.Option(metavar="TURN", min=0, help="When this turn begins; default: at the end.")
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the graph too: .json (node-link) or .graphml.")
    ] = None,
    runs: RunsOption = RUNS,
) -> None:
    """Say what each role knows, since when and from where."""
    from confide.commands.inspect import knows as work  # noqa: PLC0415

    work(target, conversation, runs, at, graph)


@inspect_app.command()
def fork(
    log: Annotated[Path, typer.Argument(metavar="CONVERSATION", help="The log to branch off from, in its run.")],
    *,
    at: Annotated[int, typer.Option(metavar="TURN", min=0, help="The first turn that is the fork's own.")],
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="What is different: condition, model, seeker.model, utterance (with strategies for a supporter's), "
            "fact.ID.text, or any field of the scenario by its path. May be given several times.",
        ),
    ] = None,
    runs: RunsOption = RUNS,
    models: ModelsOption = None,
    no_cache: NoCacheOption = False,
    cache_only: CacheOnlyOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show the conversation as it is spoken.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and nothing else.")] = False,
) -> None:
    """Branch off from a conversation: the same first turns, then with something changed; a run of its own."""
    from confide.commands.inspect import fork as work  # noqa: PLC0415
    from confide.commands.models import endpoints_of  # noqa: PLC0415
    from confide.simulator.fork import Fork  # noqa: PLC0415

    wanted = Fork(log, at, {}, ("confide", *sys.argv[1:]))
    endpoints = endpoints_of(no_cache, cache_only)
    raise typer.Exit(work(wanted, changes or [], runs, models, endpoints, watch=watch, as_json=json))
