"""The command line. This module only says what there is to say; commands import their work when they run.

Exit codes: 0 done; 1 done, but something in it failed; 2 a mistake of the user's, told in one line; 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from confide.cli_analysis import analysis_app
from confide.cli_inspect import RUNS, RunsOption, inspect_app
from confide.cli_models import CacheOnlyOption, ModelsOption, NoCacheOption, models_app
from confide.cli_report import report_app
from confide.cli_scale import AddressOption, ExecutorOption, ProfileOption, ShardOption, WorkersOption, scale_app
from confide.cli_tables import tables_app
from confide.cli_traits import instruments_app, personas_app
from confide.cli_view import view_app

app = typer.Typer(
    name="confide",
    help="Simulate emotional support conversations between agents that know different things.\n\n"
    "This is a research simulator. It is no therapist, and nothing that it writes is advice.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
app.add_typer(instruments_app, name="instruments")
app.add_typer(personas_app, name="personas")

READER = "local-reader"


def main() -> None:
    """Run the command line. A user's mistake ends in one line on standard error and exit code 2."""
    from confide.scenarios.errors import ConfideError  # noqa: PLC0415  (see the module's docstring)

    try:
        app()
    except ConfideError as error:
        sys.stderr.write("".join(f"confide: {line}\n" for line in str(error).splitlines()))
        sys.exit(2)


def _version(value: bool) -> None:  # noqa: FBT001  (typer calls it with the flag)
    if value:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"confide {version('confide')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    scenarios: Annotated[
        list[str],
        typer.Argument(
            metavar="SCENARIO...",
            help="Scenario files, names of shipped ones, or 'shipped' for all of them; or one experiment.",
        ),
    ],
    *,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model for both roles, in place of the scenarios' own.")
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Who sees what and who writes: partial (the default), gated, omniscient, author, script, or a file; "
            "give it several times, or 'presets' for partial, omniscient, author and script.",
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("--n", metavar="K", min=1, help="Conversations per cell; default: 1."),
    ] = None,
    turns: Annotated[
        int | None, typer.Option(metavar="K", min=1, max=2000, help="Turn limit, in place of the scenarios' own.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="K", help="The run's seed; default: 0.")] = None,
    runs: RunsOption = RUNS,
    models: ModelsOption = None,
    rubrics: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="RUBRIC", help="Have them read as they go on, as by confide score afterwards."),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model that reads; default: local-reader, or the experiment's.")
    ] = None,
    no_cache: NoCacheOption = False,
    cache_only: CacheOnlyOption = False,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    shard: ShardOption = None,
    profile: ProfileOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show the first conversation as it is spoken.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and nothing else.")] = False,
) -> None:
    """Run conversations; prints the run's folder last."""
    from confide.commands.models import endpoints_of  # noqa: PLC0415
    from confide.commands.run import Options, start  # noqa: PLC0415
    from confide.commands.scale import spread_of  # noqa: PLC0415

    command, endpoints = ("confide", *sys.argv[1:]), endpoints_of(no_cache, cache_only)
    options = Options(scenarios, model, condition, n, turns, seed, runs, models, rubrics, reader, command, endpoints)
    raise typer.Exit(
        start(options, spread_of(executor, workers, address, shard, profile=profile), watch=watch, as_json=json)
    )


@app.command()
def resume(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    models: ModelsOption = None,
    no_cache: NoCacheOption = False,
    cache_only: CacheOnlyOption = False,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
    profile: ProfileOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and nothing else.")] = False,
) -> None:
    """Go on with a run that was interrupted; what was answered is not paid for again."""
    from confide.commands.models import endpoints_of  # noqa: PLC0415
    from confide.commands.run import go_on  # noqa: PLC0415
    from confide.commands.scale import spread_of  # noqa: PLC0415

    spread = spread_of(executor, workers, address, profile=profile)
    raise typer.Exit(go_on(run_folder, models, endpoints_of(no_cache, cache_only), spread, as_json=json))


@app.command()
def score(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    rubrics: Annotated[
        list[str],
        typer.Option(
            "--with",
            metavar="RUBRIC",
            help="What is asked: the name of a shipped rubric, or a file; several times, or 'shipped' for all of them.",
        ),
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME", help="Model that reads; best another than the ones that spoke.")
    ] = READER,
    repeats: Annotated[
        int, typer.Option(metavar="K", min=1, max=100, help="Times that each question is asked, to see how they agree.")
    ] = 1,
    models: ModelsOption = None,
    no_cache: NoCacheOption = False,
    cache_only: CacheOnlyOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON, and nothing else.")] = False,
) -> None:
    """Have a run's conversations read by a model; prints what it found. The conversations are not touched."""
    from confide.commands.models import endpoints_of  # noqa: PLC0415
    from confide.commands.score import ReadingPlan  # noqa: PLC0415
    from confide.commands.score import score as work  # noqa: PLC0415

    endpoints = endpoints_of(no_cache, cache_only)
    plan = ReadingPlan(rubrics, model, repeats, ("confide", *sys.argv[1:]), models, endpoints)
    raise typer.Exit(work(run_folder, plan, as_json=json))


@app.command()
def judge(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    rubric: Annotated[
        str, typer.Option("--with", metavar="RUBRIC", help="What is compared: a rubric about whole conversations.")
    ],
    against: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Another run to compare with; default: the run's own conditions.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="Model that judges.")] = READER,
    repeats: Annotated[
        int, typer.Option(metavar="K", min=1, max=100, help="Times that each pair is judged in each order.")
    ] = 1,
    models: ModelsOption = None,
    no_cache: NoCacheOption = False,
    cache_only: CacheOnlyOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON, and nothing else.")] = False,
) -> None:
    """Compare conversations two at a time, in both orders: which condition, or which run, does better."""
    from confide.commands.judge import judge as work  # noqa: PLC0415
    from confide.commands.models import endpoints_of  # noqa: PLC0415
    from confide.commands.score import ReadingPlan  # noqa: PLC0415

    endpoints = endpoints_of(no_cache, cache_only)
    plan = ReadingPlan([rubric], model, repeats, ("confide", *sys.argv[1:]), models, endpoints)
    raise typer.Exit(work(run_folder, against, plan, as_json=json))


@app.command()
def scores(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON, and nothing else.")] = False,
) -> None:
    """Print what readers found in a run: scores, agreement, consistency, role identity, distress."""
    from confide.commands.figures import scores as work  # noqa: PLC0415

    work(run_folder, as_json=json)


@app.command()
def traits(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    floor: Annotated[
        float | None,
        typer.Option(
            metavar="ALPHA",
            min=0,
            max=1,
            help="Reliability below which there are no scores, in place of the plan's; 0: none.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, and nothing else.")] = False,
) -> None:
    """Print how traits drifted, by self-report and by observer, beside the noise floor and the models' bias."""
    from confide.commands.traits import traits as work  # noqa: PLC0415

    work(run_folder, floor, as_json=json)


@app.command()
def profile(
    run_folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Runs' folders.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print the profiles as JSON, and nothing else.")] = False,
) -> None:
    """Print what supporters do, by condition, beside what people do: strategies, their order, words."""
    from confide.commands.figures import profiles as work  # noqa: PLC0415

    work(run_folders, as_json=json)


@app.command()
def disclosure(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print every fact as JSON, and nothing else.")] = False,
) -> None:
    """Print when and how facts were told, and whether somebody spoke of them before."""
    from confide.commands.figures import tellings as work  # noqa: PLC0415

    work(run_folder, as_json=json)


@app.command("import")
def bring_in(
    data: Annotated[str, typer.Argument(metavar="esconv", help="What kind of data: esconv, in any of its forms.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The data: JSON, JSON lines, or DialoGPT's lines.")],
    *,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file that says what unknown labels mean.")
    ] = None,
    runs: RunsOption = RUNS,
    json: Annotated[bool, typer.Option("--json", help="Print what was imported as JSON, and nothing else.")] = False,
) -> None:
    """Import conversations that people held, as a run; prints its folder last."""
    from confide.commands.exchange import bring_in as work  # noqa: PLC0415

    work(data, file, runs, labels, ("confide", *sys.argv[1:]), as_json=json)


@app.command("export")
def take_out(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    *,
    form: Annotated[
        str, typer.Option("--to", metavar="esconv|chat|csv|parquet", help="ESConv's JSON, chats to learn from, tables.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")],
    role: Annotated[str, typer.Option(metavar="ROLE", help="For chat: whose replies are to be learned.")] = "supporter",
) -> None:
    """Write a run's conversations in another form."""
    from confide.commands.exchange import take_out as work  # noqa: PLC0415

    work(run_folder, form, out, role)


@app.command("ls")
def list_runs(*, runs: RunsOption = RUNS) -> None:
    """List the runs."""
    from confide.commands.look import list_runs as work  # noqa: PLC0415

    work(runs)


@app.command()
def show(
    target: Annotated[
        Path | None, typer.Argument(metavar="[RUN|LOG]", help="A run's folder or a log; default: the newest run.")
    ] = None,
    *,
    conversation: Annotated[
        str | None, typer.Option("--conversation", "-c", metavar="ID", help="Which one of a run's.")
    ] = None,
    runs: RunsOption = RUNS,
) -> None:
    """Show a conversation in the terminal, with what each side keeps to itself in the margin."""
    from confide.commands.look import show as work  # noqa: PLC0415

    work(target, conversation, runs)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scenario files, or experiments.")],
) -> None:
    """Check scenario files; names every mistake by file, line and field."""
    from confide.commands.author import check as work  # noqa: PLC0415

    work(files)


@app.command("scenarios")
def list_shipped() -> None:
    """List the shipped scenarios, conditions and rubrics."""
    from confide.commands.author import list_shipped as work  # noqa: PLC0415

    work()


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path("scenario.yaml"),
) -> None:
    """Write a commented scenario to start from."""
    from confide.commands.author import init as work  # noqa: PLC0415

    work(file)


@app.command()
def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[scenario|condition|taxonomy|personas|experiment|rubric|traits|instrument|wording|models|event|run|measure]"
        ),
    ] = "scenario",
) -> None:
    """Print a JSON Schema with descriptions, for editors and validators."""
    from confide.commands.author import schema as work  # noqa: PLC0415

    work(kind)


app.add_typer(inspect_app)
app.add_typer(report_app)
app.add_typer(view_app)
app.add_typer(tables_app)
app.add_typer(analysis_app)
app.add_typer(scale_app)
