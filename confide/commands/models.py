"""Commands for models: list, ``fetch``, ``test``. Also the progress bar of the download, which ``run`` shares."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from confide.agents.models import Answers, AnySpec, Endpoints, LocalSpec, build_model, find_model, known_models
from confide.agents.models.weights import SIZE, fetch_weights, weights_file
from confide.agents.trial import Finding, try_model
from confide.scenarios import ConfideError


def endpoints_of(no_cache: bool, cache_only: bool) -> Endpoints:  # noqa: FBT001  (as the command line has them)
    """What a command's models share.

    Args:
        no_cache: whether answers are neither taken from the cache nor kept in it.
        cache_only: whether hosted models are answered for by the cache alone.

    Raises:
        ConfideError: both are wanted.
    """
    if no_cache and cache_only:
        raise ConfideError("--no-cache and --cache-only do not go together")
    return Endpoints(None if no_cache else Answers(_say), only_kept=cache_only)


def _say(line: str) -> None:
    sys.stderr.write(f"confide: {line}\n")


def list_models(file: Path | None) -> None:
    """Print the models that have a name."""
    table = Table(box=None, pad_edge=False)
    for name in ("name", "provider", "model", "format", "ready"):
        table.add_column(name, overflow="fold")
    for name, spec in known_models(file).items():
        table.add_row(*(Text(cell) for cell in (name, spec.provider, _model(spec), spec.format, _ready(spec))))
    console = Console()
    console.print(table)
    console.print(
        "\nany other OpenAI model: openai:NAME; your own endpoints: models.yaml (docs/models.md)",
        markup=False,
        highlight=False,
    )


def fetch(name: str, source: Path | None) -> None:
    """Fetch the embedded model's weights."""
    if name != "local":
        raise ConfideError(f"there is nothing to fetch for '{name}': only 'local' has weights of its own")
    if source is not None and not source.is_file():
        raise ConfideError(f"{source}: there is no such file")
    target = fetch_with_bar(source)
    Console().print(Text(f"the weights are in {target}"), soft_wrap=True)


def ensure_weights(specs: Iterable[AnySpec]) -> None:
    """Fetch the weights if one of the models needs them and they are not there."""
    if any(isinstance(spec, LocalSpec) for spec in specs) and not weights_file().is_file():
        fetch_with_bar(None)


def fetch_with_bar(source: Path | None) -> Path:
    """Fetch the weights, with a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("fetching the embedded model (once)", total=SIZE)

        def move(done: int, _: int) -> None:
            progress.update(task, completed=min(done, SIZE))

        return fetch_weights(move, source)


def test(name: str, file: Path | None) -> int:
    """Print what a model can do; 1 if it cannot play a role."""
    spec = find_model(name, known_models(file))
    ensure_weights([spec])
    model = build_model(name, spec)

    async def work() -> list[Finding]:
        try:
            await model.client.check()
            return await try_model(model)
        finally:
            await model.client.close()

    findings = asyncio.run(work())
    table = Table(box=None, pad_edge=False, title=f"{name} ({spec.provider}: {_model(spec)})", title_justify="left")
    table.add_column("check")
    table.add_column("result")
    table.add_column("detail", overflow="fold")
    style = {"yes": "green", "no": "red", "unknown": "yellow"}
    for finding in findings:
        table.add_row(
            Text(finding.what), Text(finding.result, style=style[finding.result]), Text(finding.detail, style="dim")
        )
    Console().print(table)
    return 0 if findings[-1].result == "yes" else 1


def _model(spec: AnySpec) -> str:
    if spec.provider == "openai":
        return spec.model
    if spec.provider == "autogen":
        return str(spec.component.get("provider", ""))
    return "SmolLM2-135M-Instruct, confide's adapter" if spec.provider == "local" else "none: a script for tests"


def _ready(spec: AnySpec) -> str:
    if spec.provider == "local":
        return "yes" if weights_file().is_file() else "fetched at first use (98 MB)"
    if spec.provider == "scripted":
        return "yes"
    if spec.key_env and not os.environ.get(spec.key_env):
        return f"needs {spec.key_env}"
    return "key set" if spec.key_env else "no key needed"
