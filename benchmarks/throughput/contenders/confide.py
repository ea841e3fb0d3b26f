"""confide: a run as the command line makes it, with gate, retries and usage; every log is written and committed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.throughput.material import plan, watch_nothing
from benchmarks.throughput.tasks import Task, Told, say, task_of_command_line, told
from confide.agents.models import Endpoints
from confide.agents.models.cache import Answers
from confide.commands.staff import Staff
from confide.simulator import Outcome, RunFolder, models_of, run_conversations
from confide.simulator.executors import Processes
from confide.simulator.usage import read_usage


def confide(task: Task) -> Told:
    """Hold talks, in this process or by workers; a worker's processor time is what it says that it used."""
    run = plan(Path(task.folder), task.url, task.talks, task.turns, task.at_once)
    endpoints = Endpoints(Answers(print, Path(task.folder) / "answers.sqlite") if task.cache else None)

    async def work() -> tuple[int, str]:
        talking = _workers(run, endpoints, task.workers) if task.workers else _local(run, endpoints)
        outcome = await asyncio.wait_for(talking, task.limit_s)
        why = next(iter([*outcome.unfinished.values(), *outcome.broken]), "")
        return task.talks - outcome.finished + sum(outcome.broken.values()), why

    result = told(work)
    return result._replace(cpu_s=sum(usage.cpu_s for usage in read_usage(run))) if task.workers else result


async def _local(run: RunFolder, endpoints: Endpoints) -> Outcome:
    models = models_of(run.record, {}, endpoints)
    try:
        return await run_conversations(run, models, watch_nothing)
    finally:
        for model in models.values():
            await model.client.close()


async def _workers(run: RunFolder, endpoints: Endpoints, workers: int) -> Outcome:
    return await Processes(Staff(run.record.models, (), endpoints), lambda _: None, workers).run(run)


if __name__ == "__main__":
    say(confide(task_of_command_line()))
