"""AutoGen's group chat with two of its assistants and its own client, all as they come; one client for all talks."""

from __future__ import annotations

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient

from benchmarks.throughput.tasks import Task, Told, hold, say, task_of_command_line, told


def autogen(task: Task) -> Told:
    """Hold talks."""

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


if __name__ == "__main__":
    say(autogen(task_of_command_line()))
