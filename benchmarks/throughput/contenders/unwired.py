"""confide without an endpoint: the same run, answered in its own process by the same replies, with no latency."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from benchmarks.throughput.material import plan, watch_nothing
from benchmarks.throughput.server import NUMBER
from benchmarks.throughput.tasks import Task, Told, say, task_of_command_line, told
from confide.agents import ScriptedClient, wrap_client
from confide.agents.models import Request
from confide.simulator import models_of, run_conversations


def unwired(task: Task) -> Told:
    """Hold talks; ``task.requests`` is the file of replies."""
    run = plan(Path(task.folder), task.url, task.talks, task.turns, task.at_once)
    written = json.loads(Path(task.requests).read_text(encoding="utf-8"))
    asked: Counter[str] = Counter()

    def script(request: Request) -> str:
        asked["calls"] += 1
        reply: str = written[request.args["response_format"]["json_schema"]["name"]]
        return reply.replace(NUMBER, str(asked["calls"]))

    client = wrap_client(ScriptedClient(script, keep=False), concurrency=task.at_once).client
    models = {name: model._replace(client=client) for name, model in models_of(run.record, {}).items()}

    async def work() -> tuple[int, str]:
        outcome = await run_conversations(run, models, watch_nothing)
        return task.talks - outcome.finished + abs(asked["calls"] - task.talks * task.turns), ""

    return told(work)


if __name__ == "__main__":
    say(unwired(task_of_command_line()))
