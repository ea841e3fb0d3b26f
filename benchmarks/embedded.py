"""How well the embedded engine is used: its token rate under confide and alone, and its prefix cache with readers.

.venv/bin/python -m benchmarks.embedded             # everything; about eight minutes
.venv/bin/python -m benchmarks.embedded --no-probes # the token rate alone
"""

from __future__ import annotations

import argparse
import asyncio
import os.path
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple, TypeVar

import yaml

from benchmarks.spine import PROGRESS, Row, machine, show_rows
from benchmarks.throughput.material import watch_nothing
from benchmarks.throughput.measures import shown
from confide.agents import Completion, text_hash
from confide.agents.models import LocalSpec, Request, wrap_client
from confide.agents.models.local import LocalClient
from confide.evaluators.traits.plan import PLANS
from confide.scenarios import read_scenarios
from confide.simulator import Called, RunFolder, Spoke, Wishes, measure_folders, plan_run, read_log, run_conversations

Known = TypeVar("Known", int, float, str)
SCENARIO: Final = "exam-panic"
TALKS: Final = 4
TURNS: Final = 10
ROUNDS: Final = 3
LEAST_RATE: Final = 0.9
PROBED: Final = 2
"""Talks with readers."""
LONG: Final = 20
LEAST_CACHED: Final = 0.85


class Engine(LocalClient):
    """The embedded model, which keeps what it is asked, and can be asked the same without confide."""

    def __init__(self) -> None:
        """As the model ``local``."""
        self.spec = LocalSpec(provider="local")
        super().__init__("local", self.spec)
        self.lanes: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        """What each task asked, in order: a task holds one talk at a time."""
        self.tokens = 0
        """Tokens of the answers."""

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        client = await self._ready()
        self.lanes[asyncio.current_task()].append(client.body(request))
        completion = await super().answer(request)
        self.tokens += _known(completion.completion_tokens, "tokens of an answer")
        return completion

    def ask(self, bodies: Iterable[dict[str, Any]]) -> int:
        """Ask the engine in this process, one after the other; gives the tokens of the answers."""
        tokens = 0
        for body in bodies:
            answer = self._server.handle_chat_completions(body)
            if "usage" not in answer:
                raise SystemExit(f"benchmark: the engine refuses: {answer}")
            tokens += answer["usage"]["completion_tokens"]
        return tokens


def _known(figure: Known | None, what: str) -> Known:
    """A figure that must be there: a missing one counted as 0 would be a wrong one."""
    if figure is None:
        raise SystemExit(f"benchmark: {what} not known")
    return figure


class Rate(NamedTuple):
    """What a round came to."""

    tokens: int
    seconds: float

    @property
    def speed(self) -> float:
        """Tokens of answers per second."""
        return self.tokens / self.seconds


async def _talk(folder: Path, engine: Engine) -> Rate:
    """Hold the talks."""
    wishes = Wishes(model="local", replicates=TALKS, turns=TURNS)
    record, models = plan_run(read_scenarios([SCENARIO]), {"local": engine.spec}, wishes)
    client = wrap_client(engine, concurrency=engine.spec.concurrency).client
    own = {name: model._replace(client=client) for name, model in models.items()}
    run = RunFolder.create(folder, record)
    await engine.check()
    start = time.perf_counter()
    outcome = await run_conversations(run, own, watch_nothing)
    rate = Rate(engine.tokens, time.perf_counter() - start)
    await engine.close()
    if outcome.finished != TALKS:
        raise SystemExit(f"benchmark: {outcome.finished} finished talks, not {TALKS}")
    return rate


async def _drive(lanes: list[list[dict[str, Any]]]) -> Rate:
    """Ask a fresh engine the same, as many at once, in the same order within each talk."""
    engine = Engine()
    await engine.check()
    with ThreadPoolExecutor(len(lanes)) as threads:
        start = time.perf_counter()
        tokens = await asyncio.gather(
            *(asyncio.get_running_loop().run_in_executor(threads, engine.ask, lane) for lane in lanes)
        )
        rate = Rate(sum(tokens), time.perf_counter() - start)
    await engine.close()
    return rate


def token_rate(folder: Path) -> list[Row]:
    """Tokens per second of talks, and of the same requests put to the engine by nobody but themselves."""
    ours, alone = [], []
    for number in range(ROUNDS):
        engine = Engine()
        ours.append(asyncio.run(_talk(folder / f"rate-{number}", engine)))
        alone.append(asyncio.run(_drive(list(engine.lanes.values()))))
        PROGRESS.print(f"round {number + 1} of {ROUNDS}: {ours[-1].speed:.1f} tokens/s, alone {alone[-1].speed:.1f}")
    share = [confide.speed / engine.speed for confide, engine in zip(ours, alone, strict=True)]
    what = f"{TALKS} talks of {TURNS} turns at once"
    return [
        Row(f"{what}: confide, answers' tokens", f"{shown([rate.speed for rate in ours], '.1f')} per second"),
        Row(f"{what}: the engine alone, same requests", f"{shown([rate.speed for rate in alone], '.1f')} per second"),
        Row(
            f"{what}: confide's share of the engine's rate",
            shown(share, ".1%"),
            f"at least {LEAST_RATE:.0%}",
            median(share) >= LEAST_RATE,
        ),
    ]


class Cached(NamedTuple):
    """What calls took."""

    prompt: int = 0
    cached: int = 0
    best: float = 0.0
    """Tokens that a cache of all prompts so far would have had, by characters."""

    def plus(self, other: Cached) -> Cached:
        """Both together."""
        return Cached(self.prompt + other.prompt, self.cached + other.cached, self.best + other.best)


def prefix_cache(folder: Path) -> list[Row]:
    """How much of the prompts the engine had in its cache: talks, agents' probes, bare ones, an observer."""
    plan = folder / "plan.yaml"
    fields = yaml.safe_load((PLANS / "traits-markers.yaml").read_text(encoding="utf-8"))
    plan.write_text(yaml.safe_dump({**fields, "profiles": 0}), encoding="utf-8")
    command = [
        sys.executable, "-m", "confide", "run", SCENARIO, "--model", "local", "--reader", "local-reader", "--n",
        str(PROBED), "--turns", str(LONG), "--with", str(plan), "--runs", str(folder / "probed"),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (run,) = (RunFolder.open(path) for path in (folder / "probed").iterdir())
    found = _cached(run)
    rows = []
    sums = Cached()
    for kind, what in (
        ("talk", "talking"),
        ("self", "with agents' probes"),
        ("bare", "and the same of the bare model"),
        ("observer", "and an observer's"),
    ):
        sums = sums.plus(found[kind])
        share = sums.cached / sums.prompt
        target = f"at least {LEAST_CACHED:.0%}" if kind in ("talk", "self") else ""
        rows.append(
            Row(
                f"{PROBED} talks of {LONG} turns, prompt tokens from the cache: {what}",
                f"{share:.1%} of {sums.prompt:,}; an endless cache: {sums.best / sums.prompt:.0%}",
                target,
                share >= LEAST_CACHED if target else None,
            )
        )
    return rows


def _cached(run: RunFolder) -> dict[str, Cached]:
    """By who is asked for what."""
    calls: list[tuple[float, str, str, Called]] = []
    for log in run.finished():
        spoken = list(_calls_of(log, "talk"))
        if len(spoken) != LONG:
            raise SystemExit(f"benchmark: {len(spoken)} calls of a talk, not {LONG}: {log.stem}")
        calls += spoken
    for folder in measure_folders(run):
        for log in folder.logs():
            calls += _calls_of(log, folder.record.measure.rpartition("-")[2])
    calls.sort(key=lambda call: call[0])
    found: dict[str, Cached] = defaultdict(Cached)
    before: dict[str, list[str]] = defaultdict(list)
    for _, kind, prompt, call in calls:
        engine = "reader" if kind == "observer" else "talk"
        common = (len(os.path.commonprefix([prompt, earlier])) for earlier in before[engine])  # noqa: RUF071  (of any strings)
        best = max(common, default=0) / len(prompt)
        before[engine].append(prompt)
        tokens = _known(call.prompt_tokens, "tokens of a prompt")
        cached = _known(call.cached_tokens, "tokens from the cache")
        found[kind] = found[kind].plus(Cached(tokens, cached, best * tokens))
    return found


def _calls_of(log: Path, kind: str) -> Iterable[tuple[float, str, str, Called]]:
    """The calls of a log: when each began, its kind, its whole prompt, and what the log says of it."""
    texts: dict[str, str] = {}
    prompts: dict[object, list[str]] = defaultdict(list)
    for event in read_log(log).events:
        if isinstance(event, Spoke):
            texts[text_hash(event.reply.utterance)] = event.reply.utterance
        elif isinstance(event, Called):
            texts |= {**event.texts, text_hash(event.reply): event.reply}
            prompt = prompts[event.role][: event.kept] + [ref["hash"] for ref in event.segments]
            prompts[event.role] = prompt
            began = _known(event.at, "when a call was logged") - _known(event.seconds, "how long a call took")
            yield began, kind, "\n".join(texts[each] for each in prompt), event


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="How well the embedded engine is used.")
    parser.add_argument("--no-probes", action="store_true", help="leave out the prefix cache with readers")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    title = machine()
    parts: list[Callable[[Path], list[Row]]] = [token_rate, *([] if options.no_probes else [prefix_cache])]
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        rows = [row for part in parts for row in part(Path(folder))]
    show_rows(rows, title, markdown=options.markdown)


if __name__ == "__main__":
    main()
