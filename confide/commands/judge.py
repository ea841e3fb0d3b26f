"""The command that compares conversations two at a time: ``judge``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.text import Text

from confide.commands import tables
from confide.commands.score import ReadingPlan
from confide.commands.tables import NONE, agreement, between, number, percent, plain, table
from confide.evaluators.pairwise import Judge, Pair, Pairs, pairs_of
from confide.evaluators.verdicts import Verdict, verdicts
from confide.scenarios import ConfideError
from confide.simulator import MeasureFolder, RunFolder, check_models


def judge(path: Path, against: Path | None, plan: ReadingPlan, *, as_json: bool) -> int:
    """Compare a run's conversations; gives the exit code."""
    if len(plan.rubrics) != 1:
        raise ConfideError("judge by one rubric at a time")
    run = RunFolder.open(path)
    other = RunFolder.open(against) if against else None
    pairs = pairs_of(run, other)
    rubric = plan.rubrics[0].rubric
    asked = Judge(rubric, plan.model, plan.repeats)
    made: list[MeasureFolder] = []

    async def work() -> dict[str, str]:
        try:
            await check_models({plan.model.name: plan.model})
            extra = {"pairwise": True, "against": other.record.id if other else None}
            made.append(MeasureFolder.create(run, plan.record(plan.rubrics[0]).model_copy(update=extra)))
            return await _judge_all(asked, pairs.pairs, run.record.seed, made[0])
        finally:
            await plan.model.client.close()

    try:
        unread = asyncio.run(work())
    except KeyboardInterrupt:
        sys.stderr.write("\nconfide: interrupted; the same command goes on from here\n")
        return 130
    for name, why in list(unread.items())[:5]:
        sys.stderr.write(f"confide: {name} is not judged to its end: {why}\n")
    found = verdicts(rubric, pairs.pairs, made[0])
    if as_json:
        report = {"pairs": len(pairs.pairs), "alone": dict(pairs.alone), "verdicts": plain(found)}
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print(found, pairs, plan)
        typer.echo(str(made[0].path))
    return 1 if unread else 0


async def _judge_all(asked: Judge, pairs: list[Pair], seed: int, folder: MeasureFolder) -> dict[str, str]:
    """Judge all pairs, as many at once as the model bears; gives why logs stay open."""
    left: Iterator[Pair] = iter(pairs)
    open_still: dict[str, str] = {}

    async def worker() -> None:
        for pair in left:
            why = await asked.judge(pair, seed, folder)
            if why is not None:
                open_still[pair.id] = why

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(asked.model.concurrency, len(pairs))):
                group.create_task(worker())
    except* ConfideError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    return open_still


def _print(found: list[Verdict], pairs: Pairs, plan: ReadingPlan) -> None:
    console = tables.console()
    right = ["pairs", "wins, %", "at equal length, %", "tie", "inconsistent", "first place, %", "missing", "words"]
    shown = table(f"{plan.rubrics[0].rubric.title}, judged by {plan.model.name}", ["item", "wins", "over"], right)
    for each in found:
        total = sum(each.counts.values())
        parts = [percent(each.counts.get(kind, 0) / total) if total else NONE for kind in ("tie", "inconsistent")]
        equal = between(each.rate.equal, each.rate.equal_interval, 1, 100)
        cells = (
            each.item, each.one, each.other, str(each.pairs), between(each.rate.raw, each.rate.raw_interval, 1, 100),
            equal, *parts, percent(each.first), str(sum(each.missing.values())),
            f"{number(each.words, 0)} : {number(each.other_words, 0)}",
        )  # fmt: skip
        shown.add_row(*(Text(cell) for cell in cells))
    console.print(shown)
    reasons = [each.rate.reason for each in found if each.rate.reason]
    for reason in dict.fromkeys(reasons):
        console.print(f"nothing at equal length: {reason}", style="dim")
    for each in found:
        if each.repeats:
            console.print(f"{each.item}, {each.one} over {each.other}: repeats agree {agreement(each.repeats)}")
    for reason, count in pairs.alone.items():
        console.print(f"{count} conversations are not compared: {reason}")
    if plan.model.caveat:
        console.print(Text(f"note: {plan.model.caveat}", style="yellow"))
