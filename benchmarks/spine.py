"""What confide's spine costs: moderator, agents and log, on a stand-in model that costs next to nothing itself.

Everything is measured in one run, side by side, for absolute times of a shared machine are noisy and ratios within one
run are not. It is a benchmark and no test: a missed target is shown in the table, and the exit code stays 0.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from rich.console import Console
from rich.table import Table

from confide.agents import Model, ScriptedClient, known_models, wrap_client
from confide.agents.models import Request
from confide.scenarios import Role, Taxonomy, read_scenarios
from confide.simulator import AnyEvent, Moderator, RunFolder, Wishes, plan_run, read_log, replay, run_conversations
from confide.simulator.planning import setup_of

SCENARIO: Final = "exam-panic"
TURNS: Final = 20
LATENCY_S: Final = 0.05
MOST_CPU_MS: Final = 0.4
LEAST_OF_BARE: Final = 0.25
LEAST_OVER_AUTOGEN: Final = 8.0
MOST_HELP_S: Final = 0.4
_LINE: Final = "That makes sense to me, after what you told me about {number}, and there is no rush here."
PROGRESS: Final = Console(stderr=True, highlight=False)


class Sizes(NamedTuple):
    """How much is measured."""

    at_once: int = 500
    """Conversations at once, for turns per second."""
    rounds: int = 5
    """Rounds of bare loop, confide and AutoGen, one after the other."""
    for_cpu: int = 200
    """Conversations per repeat, for CPU per turn."""
    repeats: int = 7
    """Of CPU per turn and of replays."""
    starts: int = 10
    """Starts of the command line."""
    replays: int = 40
    """Replays per repeat."""


QUICK: Final = Sizes(at_once=100, rounds=3, for_cpu=50, repeats=3, starts=3, replays=10)


class Row(NamedTuple):
    """One line of the table."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """PASS or MISS; nothing where there is no target."""
        return "" if self.met is None else "PASS" if self.met else "MISS"


class Spent(NamedTuple):
    """What a piece of work took."""

    wall_s: float
    cpu_s: float


class FixedScript:
    """Replies written before the clock starts; the call's seed makes each one different, as a model's would be."""

    def __init__(self, facts: Mapping[Role, Sequence[str]], taxonomy: Taxonomy) -> None:
        """Write a reply per role and turn, in pieces that the seed joins."""
        turns = range(TURNS)
        self._parts = {
            f"{role}_reply": [_reply(role, turn, facts[role], taxonomy).split("SEED") for turn in turns]
            for role in Role
        }

    def __call__(self, request: Request) -> str:
        """The reply to ``request``. A role is shown three messages at its first turn, and two more at each next one."""
        parts = self._parts[request.args["response_format"]["json_schema"]["name"]]
        return str(request.args["seed"]).join(parts[(len(request.messages) - 3) // 2])


def _reply(role: Role, turn: int, facts: Sequence[str], taxonomy: Taxonomy) -> str:
    """A reply of common length; at its fourth and its seventh turn a role tells a fact."""
    told = [facts[turn // 3 - 1]] if turn in (3, 6) else []
    thoughts = f"A short private thought of the {role} about what was said just now, number SEED."
    public = {"told": told, "utterance": _LINE.format(number="SEED"), "wants_to_end": False}
    if role is Role.SEEKER:
        return json.dumps({"thoughts": thoughts, "emotion": 80 - turn, "trust": 35 + turn, **public})
    return json.dumps({"notes": thoughts, "strategies": [taxonomy.labels[turn % 3]], **public})


def _line(request: Request) -> str:
    """AutoGen's agents answer with a line of the same length; they have no private part, and get no seed."""
    return _LINE.format(number=len(request.messages))


class Bench:
    """One run of the benchmark, in a folder of its own."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        """Resolve the scenario once; that is no part of what is measured."""
        self._folder = folder
        self._sizes = sizes
        self._loaded = read_scenarios([SCENARIO])
        scenario = self._loaded[0].scenario
        facts = {role: [fact.id for fact in scenario.role(role).facts] for role in Role}
        self._script = FixedScript(facts, self._loaded[0].taxonomy)
        self._requests, self._log = asyncio.run(self._sample())

    def _run(self, replicates: int, client: ScriptedClient) -> tuple[RunFolder, dict[str, Model]]:
        """A run as the command line puts it together, but with our client in the scripted model's place."""
        wishes = Wishes(model="scripted", replicates=replicates, turns=TURNS)
        record, models = plan_run(self._loaded, known_models(), wishes)
        limited = wrap_client(client, concurrency=max(replicates, 1)).client
        replaced = {
            name: model._replace(client=limited, concurrency=max(replicates, 1)) for name, model in models.items()
        }
        return RunFolder.create(self._folder, record), replaced

    async def _sample(self) -> tuple[list[Request], Path]:
        """One conversation: the requests that a model receives, for the bare loops, and a log to replay."""
        client = ScriptedClient(self._script)
        run, models = self._run(1, client)
        await _must_finish(run, models)
        _must_be(len(client.received), TURNS, "calls of the sample conversation")
        return client.received, run.final(next(run.planned()).id)

    def cpu(self) -> list[Row]:
        """CPU per turn at zero latency, with the stand-in model and of the stand-in model alone."""
        run, models = self._run(self._sizes.for_cpu, ScriptedClient(self._script, keep=False))
        turns = self._sizes.for_cpu * TURNS
        all_of_it, alone = [], []
        for repeat in range(self._sizes.repeats):
            PROGRESS.print(f"CPU per turn, repeat {repeat + 1} of {self._sizes.repeats}")
            all_of_it.append(_spent(self._moderate(run, models, repeat)).cpu_s / turns * 1000)
            alone.append(_spent(self._stand_in(ScriptedClient(self._script, keep=False))).cpu_s / turns * 1000)
        ours, stand_in = median(all_of_it), median(alone)
        return [
            Row(
                "CPU per turn: moderator, two agents, log with commit, the stand-in model included",
                f"{ours:.3f} ms ({min(all_of_it):.3f} to {max(all_of_it):.3f})",
                f"at most {MOST_CPU_MS} ms",
                ours <= MOST_CPU_MS,
            ),
            Row("CPU per turn: the stand-in model alone, in a bare loop", f"{stand_in:.4f} ms"),
            Row("CPU per turn: confide without the stand-in model", f"{ours - stand_in:.3f} ms"),
        ]

    async def _moderate(self, run: RunFolder, models: Mapping[str, Model], repeat: int) -> None:
        """Every planned conversation, one after the other, each into a log of its own, committed."""
        for planned in run.planned():
            with run.writer(f"{planned.id}.{repeat}") as writer:
                moderator = Moderator(setup_of(run.record, planned, models), writer)
                async for _ in moderator.converse():
                    pass
                writer.commit()

    async def _stand_in(self, client: ScriptedClient) -> None:
        for _ in range(self._sizes.for_cpu):
            for request in self._requests:
                await client.answer(request)

    def throughput(self) -> list[Row]:
        """Turns per second of many conversations at once: a bare loop, confide and AutoGen, in turn."""
        kinds: dict[str, Callable[[], Spent]] = {"bare": self._bare, "confide": self._confide, "AutoGen": self._autogen}
        turns = self._sizes.at_once * TURNS
        spent: dict[str, list[Spent]] = {kind: [] for kind in kinds}
        for number in range(self._sizes.rounds):
            for kind, measure in kinds.items():
                gc.collect()
                spent[kind].append(measure())
                speed = turns / spent[kind][-1].wall_s
                PROGRESS.print(f"round {number + 1} of {self._sizes.rounds}: {kind}, {speed:,.0f} turns/s")
        return _compared(self._sizes.at_once, spent)

    def _bare(self) -> Spent:
        async def conversation() -> None:
            for request in self._requests:
                await asyncio.sleep(LATENCY_S)
                self._script(request)

        return _spent(_all_at_once(conversation, self._sizes.at_once))

    def _confide(self) -> Spent:
        run, models = self._run(self._sizes.at_once, ScriptedClient(self._script, LATENCY_S, keep=False))
        return _spent(_must_finish(run, models))

    def _autogen(self) -> Spent:
        client = ScriptedClient(_line, LATENCY_S, keep=False)

        async def conversation() -> None:
            agents = [AssistantAgent(role.value, client, system_message=f"You are the {role}.") for role in Role]
            team = RoundRobinGroupChat(list(agents), termination_condition=MaxMessageTermination(TURNS + 1))
            result = await team.run(task="Begin.")
            _must_be(len(result.messages), TURNS + 1, "messages of an AutoGen conversation")

        return _spent(_all_at_once(conversation, self._sizes.at_once))

    def starts(self) -> list[Row]:
        """Wall time of ``confide --help``, beside that of a Python that does nothing."""
        script = str(Path(sys.executable).with_name("confide"))
        ours, bare = [], []
        for _ in range(self._sizes.starts):
            bare.append(_wall([sys.executable, "-c", "pass"]))
            ours.append(_wall([script, "--help"]))
        wall = median(ours)
        return [
            Row(
                "confide --help",
                f"{wall:.3f} s ({min(ours):.3f} to {max(ours):.3f})",
                f"less than {MOST_HELP_S} s",
                wall < MOST_HELP_S,
            ),
            Row("python -c pass", f"{median(bare):.3f} s"),
        ]

    def replays(self) -> list[Row]:
        """Replays of one finished conversation per second, without and with reading its log."""
        log, events, count = self._log, read_log(self._log).events, self._sizes.replays

        async def work(*, read: bool) -> None:
            for _ in range(count):
                replay(read_log(log).events if read else events)

        without, reading = [], []
        for _ in range(self._sizes.repeats):
            without.append(count / _spent(work(read=False)).wall_s)
            reading.append(count / _spent(work(read=True)).wall_s)
        return [
            Row(f"replay of a conversation of {TURNS} turns", f"{median(without):,.0f} conversations/s"),
            Row("the same, reading the log's file too", f"{median(reading):,.0f} conversations/s"),
        ]

    def rows(self) -> list[Row]:
        """Everything, in the order of the table."""
        return [*self.cpu(), *self.throughput(), *self.starts(), *self.replays()]


def _compared(at_once: int, spent: Mapping[str, Sequence[Spent]]) -> list[Row]:
    """The rows of turns per second; ratios are taken within each round, and then their median."""
    turns = at_once * TURNS
    names = {
        "bare": "a bare asyncio loop",
        "confide": "confide, logs written and committed",
        "AutoGen": "AutoGen's RoundRobinGroupChat, no log",
    }
    rows = []
    for kind, name in names.items():
        speed = median(turns / item.wall_s for item in spent[kind])
        cpu_ms = median(item.cpu_s / turns * 1000 for item in spent[kind])
        core = median(item.cpu_s / item.wall_s for item in spent[kind])
        measured = f"{speed:,.0f} turns/s ({cpu_ms:.3f} ms CPU per turn, {core:.0%} of a core)"
        rows.append(Row(f"{at_once} conversations at once: {name}", measured))
    of_bare = [bare.wall_s / ours.wall_s for ours, bare in zip(spent["confide"], spent["bare"], strict=True)]
    over = [theirs.wall_s / ours.wall_s for ours, theirs in zip(spent["confide"], spent["AutoGen"], strict=True)]
    cpu = [theirs.cpu_s / ours.cpu_s for ours, theirs in zip(spent["confide"], spent["AutoGen"], strict=True)]
    return [
        *rows,
        Row(
            "turns/s: confide's share of the bare loop's",
            f"{median(of_bare):.1%} ({min(of_bare):.1%} to {max(of_bare):.1%})",
            f"at least {LEAST_OF_BARE:.0%}",
            median(of_bare) >= LEAST_OF_BARE,
        ),
        Row(
            "turns/s: confide over AutoGen",
            f"{median(over):.1f} times ({min(over):.1f} to {max(over):.1f})",
            f"at least {LEAST_OVER_AUTOGEN:.0f} times",
            median(over) >= LEAST_OVER_AUTOGEN,
        ),
        Row("CPU per turn: AutoGen over confide", f"{median(cpu):.1f} times ({min(cpu):.1f} to {max(cpu):.1f})"),
    ]


async def _must_finish(run: RunFolder, models: Mapping[str, Model]) -> None:
    outcome = await run_conversations(run, models, _watch_nothing)
    _must_be(outcome.finished, run.record.size, "finished conversations")


def _watch_nothing(conversation: str, event: AnyEvent) -> None:
    del conversation, event


async def _all_at_once(conversation: Callable[[], Awaitable[None]], count: int) -> None:
    await asyncio.gather(*(conversation() for _ in range(count)))


def _must_be(found: int, wanted: int, what: str) -> None:
    """A figure over work that was not done would be worth nothing."""
    if found != wanted:
        raise SystemExit(f"benchmark: {found} {what}, not {wanted}")


def _spent(work: Awaitable[None]) -> Spent:
    """Run ``work`` on an event loop of its own; the loop's own start and end count."""

    async def run() -> None:
        await work

    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(run())
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def _wall(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def machine() -> str:
    """What this ran on, in one line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in ("confide", "autogen-agentchat"))
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    return f"{cpu}, {cores} cores, Python {platform.python_version()}, {versions}, {datetime.now(UTC):%Y-%m-%d}, {load}"


def show_rows(rows: Sequence[Row], title: str, *, markdown: bool) -> None:
    """Print the table; in Markdown too, if that is wanted."""
    table = Table("What", "Measured", "Target", "", title=title, title_justify="left")
    for row in rows:
        style = {"PASS": "green", "MISS": "bold red"}.get(row.verdict, "")
        table.add_row(row.what, row.measured, row.target, f"[{style}]{row.verdict}[/]" if style else "")
    Console(highlight=False).print(table)
    if markdown:
        print(f"\n{_markdown(rows, title)}")


def _markdown(rows: Sequence[Row], title: str) -> str:
    head = [title, "", "| What | Measured | Target | |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {row.what} | {row.measured} | {row.target} | {row.verdict} |" for row in rows)])


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spine", description="What confide's spine costs.")
    parser.add_argument("--quick", action="store_true", help="fewer conversations; good for a look, not for a record")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    title = machine()
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        rows = Bench(Path(folder), QUICK if options.quick else Sizes()).rows()
    show_rows(rows, title, markdown=options.markdown)


if __name__ == "__main__":
    main()
