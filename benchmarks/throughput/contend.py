"""The contenders that live in confide's environment: the bare loop, confide itself, AutoGen's team and client.

    python -m benchmarks.throughput.contend TASK

One process per contender and measurement; see :mod:`benchmarks.throughput.tasks`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.throughput.tasks import Task, Told, hold, say, task_of_command_line, told

Contender = Callable[[Task], Told]


def bare(task: Task) -> Told:
    """Requests that were written before, one after the other in each talk; each answer is read as JSON."""
    import aiohttp

    bodies = [body.encode() for body in json.loads(Path(task.requests).read_text(encoding="utf-8"))][: task.turns]
    headers = {"Content-Type": "application/json"}

    async def work() -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

            async def talk() -> None:
                for body in bodies:
                    async with session.post(f"{task.url}/chat/completions", data=body, headers=headers) as answer:
                        answer.raise_for_status()
                        json.loads(await answer.read())["choices"][0]["message"]["content"]

            return await hold(task, talk)

    return told(work)


def confide(task: Task, *, cache: bool = False) -> Told:
    """A run as the command line makes it: logs written and committed, gate, retries, usage."""
    from benchmarks.throughput.material import plan, watch_nothing
    from confide.agents.models import Endpoints
    from confide.agents.models.cache import Answers
    from confide.simulator import models_of, run_conversations

    run = plan(Path(task.folder), task.url, task.talks, task.turns, task.at_once)
    endpoints = Endpoints(Answers(print, Path(task.folder) / "answers.sqlite") if cache else None)

    async def work() -> tuple[int, str]:
        models = models_of(run.record, {}, endpoints)
        outcome = await asyncio.wait_for(run_conversations(run, models, watch_nothing), task.limit_s)
        for model in models.values():
            await model.client.close()
        broken = sum(outcome.broken.values())
        why = next(iter([*outcome.unfinished.values(), *outcome.broken]), "")
        return task.talks - outcome.finished + broken, why

    return told(work)


def processes(task: Task) -> Told:
    """The same by worker processes; its processor time is what they say that they used."""
    from benchmarks.throughput.material import plan
    from confide.agents.models import Endpoints
    from confide.commands.staff import Staff
    from confide.simulator.executors import Processes
    from confide.simulator.usage import read_usage

    run = plan(Path(task.folder), task.url, task.talks, task.turns, task.at_once)

    async def work() -> tuple[int, str]:
        staff = Staff(run.record.models, (), Endpoints())
        outcome = await Processes(staff, lambda _: None, task.workers).run(run)
        why = next(iter([*outcome.unfinished.values(), *outcome.broken]), "")
        return task.talks - outcome.finished + sum(outcome.broken.values()), why

    result = told(work)
    return result._replace(cpu_s=sum(usage.cpu_s for usage in read_usage(run)))


def autogen(task: Task) -> Told:
    """AutoGen's group chat with two of its assistants and its own client, all as they come; one client for all."""
    from autogen_agentchat.agents import AssistantAgent
    from autogen_agentchat.conditions import MaxMessageTermination
    from autogen_agentchat.teams import RoundRobinGroupChat
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    async def work() -> tuple[int, str]:
        client = OpenAIChatCompletionClient(model="gpt-4o-mini", base_url=task.url, api_key="none")

        async def talk() -> None:
            agents = [
                AssistantAgent(role, client, system_message=f"You are the {role}. Say one line.")
                for role in ("seeker", "supporter")
            ]
            team = RoundRobinGroupChat(list(agents), termination_condition=MaxMessageTermination(task.turns + 1))
            result = await team.run(task="Begin.")
            if len(result.messages) != task.turns + 1:
                raise ValueError(f"{len(result.messages)} messages")

        found = await hold(task, talk)
        await client.close()
        return found

    return told(work)


KINDS: Final[dict[str, Contender]] = {
    "bare": bare,
    "confide": confide,
    "confide, cache": lambda task: confide(task, cache=True),
    "processes": processes,
    "autogen": autogen,
}


def main() -> None:
    """Hold the talks of the command line, and say what they took."""
    task = task_of_command_line()
    say(KINDS[task.kind](task))


if __name__ == "__main__":
    main()
