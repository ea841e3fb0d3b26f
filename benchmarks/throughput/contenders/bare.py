"""The limit: requests that were written before, one after the other in each talk; each answer is read as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp

from benchmarks.throughput.tasks import Task, Told, hold, say, task_of_command_line, told


def bare(task: Task) -> Told:
    """Hold talks."""
    bodies = [body.encode() for body in json.loads(Path(task.requests).read_text(encoding="utf-8"))][: task.turns]
    headers = {"Content-Type": "application/json"}

    async def work() -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

            async def talk() -> None:
                for body in bodies:
                    async with session.post(f"{task.url}/chat/completions", data=body, headers=headers) as answer:
                        answer.raise_for_status()
                        if not json.loads(await answer.read())["choices"][0]["message"]["content"]:
                            raise ValueError("no words")

            return await hold(task, talk)

    return told(work)


if __name__ == "__main__":
    say(bare(task_of_command_line()))
