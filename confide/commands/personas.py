"""The commands ``personas``: draw profiles, import texts, and have traits inferred from personas."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import typer

from confide.agents import build_model, find_model
from confide.agents.models import Endpoints, known_models
from confide.commands import tables
from confide.commands.instruments import write_text
from confide.commands.models import ensure_weights
from confide.commands.progress import RunProgress
from confide.commands.tables import NONE, between, number, table
from confide.evaluators.statistics import Reliability
from confide.evaluators.traits import bias, read_instrument, read_plan, read_respondents, sampled_personas
from confide.evaluators.traits.asking import Examiner
from confide.evaluators.traits.panel import respondents_folder
from confide.evaluators.traits.plan import PROFILES
from confide.evaluators.traits.profiles import Asked, Mode, Respondent, ask_respondents, known_score
from confide.evaluators.traits.results import RespondentResults
from confide.evaluators.traits.scores import factor_reliability, score
from confide.scenarios.personas import PersonaList, import_personas, personas_text, read_personas
from confide.simulator import MeasureRecord, check_models
from confide.simulator.planning import with_address
from confide.simulator.store import software, utc_now, write_new


def sample(instrument: str, n: int, seed: int, out: Path) -> None:
    """Draw profiles from an instrument's norms."""
    _write(sampled_personas(read_instrument(instrument).instrument, n, seed), out)


def bring_in(file: Path, most: int | None, out: Path) -> None:
    """Import personas that are texts, one per line."""
    _write(import_personas(file, most), out)


def _write(personas: PersonaList, out: Path) -> None:
    write_text(out, personas_text(personas))
    typer.echo(f"wrote {out}: {len(personas.personas)} personas, {personas.source}")


def infer(
    file: Path, plan_name: str, model_name: str, out: Path, models_file: Path | None, command: list[str],
    endpoints: Endpoints,
) -> int:  # fmt: skip
    """Have a model answer a questionnaire as each persona, and about it; gives the exit code."""
    personas, plan = read_personas(file), read_plan(plan_name)
    spec = with_address(find_model(model_name, known_models(models_file)))
    model = build_model(model_name, spec, endpoints)
    ensure_weights([spec])
    examiner = Examiner(plan, model)
    record = MeasureRecord(
        measure=f"{plan.plan.id}-{PROFILES}", rubric=plan.text, files=dict(plan.files), model=model_name, spec=spec,
        price=model.price, repeats=1, created=utc_now().isoformat(timespec="seconds"), software=software(),
        command=tuple(command),
    )  # fmt: skip
    modes: tuple[Mode, ...] = ("self", "observer")
    respondents = [Respondent("nobody", None)]
    respondents += [Respondent(mode, persona) for persona in personas.personas for mode in modes]

    async def work() -> Asked:
        try:
            await check_models({model_name: model})
            folder = respondents_folder(out, record, personas)
            done = len(folder.logs())
            with RunProgress(len(respondents), done, quiet=False, what="personas", each="answers") as progress:
                return await ask_respondents(folder, examiner, respondents, 0, progress)
        finally:
            await model.client.close()

    try:
        asked = asyncio.run(work())
    except KeyboardInterrupt:
        sys.stderr.write("\nconfide: interrupted; the same command goes on from here\n")
        return 130
    for name, why in list(asked.unfinished.items())[:5]:
        sys.stderr.write(f"confide: not finished: {name}: {why}\n")
    folder = respondents_folder(out, record, personas)
    results = read_respondents(folder)
    rows = list(_rows(results))
    write_new(folder.path / "scores.csv", _csv(rows))
    _print(results, rows, model.caveat)
    typer.echo(str(folder.path / "scores.csv"))
    return 1 if asked.unfinished else 0


class _Row(NamedTuple):
    persona: str
    mode: Mode
    factor: str
    score: float | None
    """Null where the reliability over the personas is below the plan's floor, or too little was answered."""
    known: float | None
    missing: str


def _rows(results: RespondentResults) -> Iterator[_Row]:
    instrument, floor = results.plan.instrument, results.plan.plan.floor
    modes: tuple[Mode, ...] = ("self", "observer")
    for mode in modes:
        sheets = {name: sheet for (name, how), sheet in results.sheets.items() if how == mode}
        for factor in instrument.factors:
            why = _below(factor_reliability(instrument, sheets.values(), factor), floor)
            for persona in results.profiles.personas:
                if persona.id in sheets:
                    found = score(instrument, sheets[persona.id], factor)
                    reason = why or ("" if found is not None else "too few items were answered")
                    known = known_score(persona, instrument, factor)
                    yield _Row(persona.id, mode, factor, None if reason else found, known, reason)


def _below(found: Reliability, floor: float) -> str:
    if floor == 0:  # then scores are shown even where it is unknown
        return ""
    if found.alpha is None:
        return f"reliability unknown: {found.reason}"
    return f"alpha {found.alpha:.2f} < {floor:.2f}" if found.alpha < floor else ""


def _csv(rows: list[_Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_Row._fields)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return out.getvalue()


def _print(results: RespondentResults, rows: list[_Row], caveat: str | None) -> None:
    title = f"{results.plan.instrument.title}: {results.model} as each persona (self), and about its text (observer)"
    columns = ["personas", "mean score", "known", "error", "slope", "r", "alpha", "for nobody"]
    shown = table(title, ["answers as", "factor"], columns)
    for each in bias(results):
        these = [row for row in rows if (row.mode, row.factor) == (each.mode, each.factor)]
        scores = [row.score for row in these if row.score is not None]
        known = [row.known for row in these if row.known is not None]
        error = between(each.error, each.interval)
        cells = [str(len(these)), _mean(scores), _mean(known), error, number(each.slope), number(each.correlation)]
        shown.add_row(each.mode, each.factor, *cells, number(each.reliability.alpha), number(each.nobody))
    console = tables.console()
    console.print(shown)
    for why in dict.fromkeys(f"{row.mode}, {row.factor}: {row.missing}" for row in rows if row.missing):
        console.print(f"no scores: {why}", style="yellow", markup=False)
    if caveat:
        console.print(f"note: {caveat}", style="yellow", markup=False)


def _mean(values: list[float]) -> str:
    return number(sum(values) / len(values)) if values else NONE
