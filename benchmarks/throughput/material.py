"""What all contenders are measured with: the scenario, the server's replies, the requests that the bare loop sends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

from benchmarks.throughput.server import NUMBER
from confide.agents import ScriptedClient, wrap_client
from confide.agents.models import Endpoints, OpenAISpec, Request
from confide.scenarios import LoadedScenario, Role, read_scenarios
from confide.simulator import AnyEvent, RunFolder, Wishes, plan_run, run_conversations

SCENARIO: Final = "exam-panic"
MODEL: Final = "bench"
LINE: Final = f"That makes sense to me, after what you told me about {NUMBER}, and there is no rush here."
_ROLES: Final = {"SystemMessage": "system", "UserMessage": "user", "AssistantMessage": "assistant"}


def write_replies(file: Path) -> None:
    """The server's replies: confide's roles get their JSON, sotopia's agents theirs, everybody else the line alone."""
    thoughts = f"A short private thought about what was said just now, number {NUMBER}."
    public = {"told": [], "utterance": LINE, "wants_to_end": False}
    label = _loaded()[0].taxonomy.labels[0]
    replies = {
        f"{Role.SEEKER}_reply": json.dumps({"thoughts": thoughts, "emotion": 60, "trust": 50, **public}),
        f"{Role.SUPPORTER}_reply": json.dumps({"notes": thoughts, "strategies": [label], **public}),
        "action_type": json.dumps({"action_type": "speak", "argument": LINE}),
        "": LINE,
    }
    file.write_text(json.dumps(replies), encoding="utf-8")


def write_requests(file: Path, replies: Path, turns: int) -> None:
    """The bodies that confide sends in one talk of so many turns, as a JSON list."""
    written = json.loads(replies.read_text(encoding="utf-8"))

    def script(request: Request) -> str:
        reply: str = written[request.args["response_format"]["json_schema"]["name"]]
        return reply.replace(NUMBER, str(len(request.messages)))

    client = ScriptedClient(script)
    wishes = Wishes(model=MODEL, replicates=1, turns=turns)
    record, models = plan_run(_loaded(), {MODEL: spec_of("http://127.0.0.1:9/v1", 1)}, wishes)
    stand_in = {name: model._replace(client=wrap_client(client).client) for name, model in models.items()}
    run = RunFolder.create(file.parent / f"sample-{turns}", record)
    asyncio.run(run_conversations(run, stand_in, watch_nothing))
    bodies = []
    for request in client.received:
        messages = [{"role": _ROLES[message.type], "content": message.content} for message in request.messages]
        bodies.append(json.dumps({"model": "fake", "max_tokens": 800, "messages": messages, **request.args}))
    if len(bodies) != turns:
        raise SystemExit(f"benchmark: the sample talk has {len(bodies)} calls, not {turns}")
    file.write_text(json.dumps(bodies), encoding="utf-8")


def spec_of(url: str, at_once: int) -> OpenAISpec:
    """The server as a model of confide's."""
    return OpenAISpec(provider="openai", model="fake", base_url=url, key_env=None, concurrency=at_once)


def plan(folder: Path, url: str, talks: int, turns: int, at_once: int) -> RunFolder:
    """A run of so many talks, on disk; nothing is said yet."""
    wishes = Wishes(model=MODEL, replicates=talks, turns=turns)
    record, _ = plan_run(_loaded(), {MODEL: spec_of(url, at_once)}, wishes, Endpoints())
    return RunFolder.create(folder, record)


def watch_nothing(conversation: str, event: AnyEvent) -> None:
    """Watches nothing."""
    del conversation, event


def _loaded() -> list[LoadedScenario]:
    return read_scenarios([SCENARIO])
