"""inspect_ai: an evaluation whose samples are talks; its solver lets two roles, each with a history, speak in turn.

It writes its log file, as it does for everybody.
"""

from __future__ import annotations

from typing import Any

from inspect_ai import Task as Evaluation
from inspect_ai import eval_async
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, GenerateConfig, get_model
from inspect_ai.solver import Generate, TaskState, solver

from benchmarks.throughput.tasks import Task, Told, say, task_of_command_line, told

ROLES = ("seeker", "supporter")


@solver
def talk(turns: int) -> Any:
    """A talk of so many turns."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        model = get_model()
        seen: list[list[Any]] = [[ChatMessageSystem(content=f"You are the {role}. Say one line.")] for role in ROLES]
        seen[0].append(ChatMessageUser(content=state.input_text))
        for turn in range(turns):
            own, other = seen[turn % 2], seen[1 - turn % 2]
            output = await model.generate(own)
            own.append(ChatMessageAssistant(content=output.completion))
            other.append(ChatMessageUser(content=output.completion))
        return state

    return solve


def inspect(task: Task) -> Told:
    """Hold talks."""

    async def work() -> tuple[int, str]:
        model = get_model(
            "openai-api/bench/fake",
            base_url=task.url,
            api_key="none",
            config=GenerateConfig(max_connections=task.at_once),
        )
        evaluation = Evaluation(dataset=[Sample(input="Begin.") for _ in range(task.talks)], solver=talk(task.turns))
        logs = await eval_async(evaluation, model=model, max_samples=task.at_once, log_dir=task.folder, score=False)
        held = sum(sample.error is None for sample in logs[0].samples or [])
        return task.talks - held, str(logs[0].error.message) if logs[0].error else ""

    return told(work)


if __name__ == "__main__":
    say(inspect(task_of_command_line()))
