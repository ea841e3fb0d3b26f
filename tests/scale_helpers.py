"""Shared by the tests of executors, shards and packing."""

import json
from pathlib import Path
from typing import Any

from confide.agents.models import Endpoints, ScriptedSpec
from confide.commands.score import ReadingPlan
from confide.commands.staff import Staff
from confide.scenarios import read_conditions, read_scenarios
from confide.simulator import RunFolder, Wishes, measure_folders, plan_run
from confide.simulator.packed import read_bytes

MODELS = "models:\n  slow: {provider: scripted, latency_ms: 10, concurrency: 12}\n"


def planned(runs: Path, name: str = "run", latency_ms: float = 0, n: int = 6, concurrency: int = 12) -> RunFolder:
    """A run of 2 scenarios, 2 conditions and ``n`` replicates; nothing is said yet."""
    specs = {"mine": ScriptedSpec(provider="scripted", latency_ms=latency_ms, concurrency=concurrency)}
    wishes = Wishes("mine", n, 6, 3, conditions=read_conditions(["partial", "omniscient"]))
    record, _ = plan_run(read_scenarios(["exam-panic", "shared-dog"]), specs, wishes)
    return RunFolder.create(runs, record.model_copy(update={"id": name}))


def staff_of(run: RunFolder, rubrics: tuple[str, ...] = (), reader: str = "scripted") -> Staff:
    endpoints = Endpoints()
    plans = [ReadingPlan(rubrics, reader, 1, ("confide",), None, endpoints)] if rubrics else []
    for plan in plans:
        plan.readers(run, {})
    return Staff(run.record.models, plans, endpoints)


def nothing(_: object) -> None:
    """Takes reports."""


def words(data: bytes) -> list[dict[str, Any]]:
    """A log's events, but for what depends on when and how fast it was written."""
    found = []
    for line in data.splitlines():
        event = json.loads(line)
        for name in ("at", "digest", "seconds"):
            event.pop(name, None)
        found.append(event)
    return found


def spelled_out(data: bytes) -> list[dict[str, Any]]:
    """A side log's events, each call with its whole prompt: what a resumed reader writes anew is another part of it."""
    texts: dict[str, str] = {}
    prompts: dict[str, list[Any]] = {}
    found = []
    for event in words(data):
        if event["kind"] == "called":
            texts |= event.pop("texts")
            kept = prompts.get(event["role"], [])[: event.pop("kept")]
            prompts[event["role"]] = event["segments"] = [*kept, *event["segments"]]
            event["texts"] = [texts[each["hash"]] for each in event["segments"]]
        found.append(event)
    return found


def all_words(run: RunFolder) -> dict[str, list[dict[str, Any]]]:
    """All finished logs of a run, side logs too."""
    found = {log.stem: words(read_bytes(log)) for log in run.finished()}
    for kind in ("measures", "judgements"):
        for folder in measure_folders(run, kind):
            found |= {f"{folder.record.key}/{log.stem}": spelled_out(read_bytes(log)) for log in folder.logs()}
    return found


def must_be_whole(run: RunFolder) -> None:
    """Exactly what was planned is committed, each log whole, and nothing is left lying about."""
    assert {log.stem for log in run.finished()} == {each.id for each in run.planned()}
    for log in run.finished():
        events = words(read_bytes(log))
        assert [event["seq"] for event in events] == list(range(len(events)))
        assert events[-1]["kind"] == "ended"
    assert not list(run.path.rglob("live/*"))
