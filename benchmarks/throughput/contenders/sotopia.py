"""sotopia: episodes of two of its agents in its environment, in turn, without evaluators that ask a model."""

from __future__ import annotations

import os
import tempfile
from typing import Any

os.environ["SOTOPIA_STORAGE_BACKEND"] = "local"
os.environ["HOME"] = tempfile.gettempdir()  # where it makes a folder for its data

from sotopia.agents import LLMAgent
from sotopia.database import AgentProfile, EnvironmentProfile
from sotopia.envs import ParallelSotopiaEnv
from sotopia.envs.evaluators import Evaluator, RuleBasedTerminatedEvaluator
from sotopia.server import arun_one_episode

from benchmarks.throughput.tasks import Task, Told, hold, say, task_of_command_line, told

ROLES = ("seeker", "supporter")


class Silent(Evaluator):  # type: ignore[misc]
    """The environment wants someone to judge an episode at its end; this one asks nobody."""

    prompt = ""

    def __call__(self, turn_number: int, messages: list[Any]) -> list[Any]:
        """No judgement."""
        del turn_number, messages
        return []

    async def __acall__(self, turn_number: int, messages: list[Any]) -> list[Any]:
        """No judgement."""
        return self(turn_number, messages)


def sotopia(task: Task) -> Told:
    """Hold talks."""
    model = f"custom/fake@{task.url}"

    async def talk() -> None:
        profile = EnvironmentProfile(
            codename="talk", scenario="An evening text chat on a support line.", agent_goals=["Be heard.", "Listen."]
        )
        ends = RuleBasedTerminatedEvaluator(max_turn_number=task.turns, max_stale_turn=task.turns)
        env = ParallelSotopiaEnv(
            action_order="round-robin",
            model_name=model,
            evaluators=[ends],
            terminal_evaluators=[Silent()],
            env_profile=profile,
        )
        agents = [
            LLMAgent(agent_profile=AgentProfile(first_name=role, last_name="A"), model_name=model) for role in ROLES
        ]
        await arun_one_episode(env, agents)

    async def work() -> tuple[int, str]:
        return await hold(task, talk)

    return told(work, _leave)


def _leave(result: Told) -> None:
    """Say it and be gone: with 100 talks, tasks of its libraries do not end when the event loop is closed."""
    say(result)
    os._exit(0)


if __name__ == "__main__":
    sotopia(task_of_command_line())
