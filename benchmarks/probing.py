"""What probing costs: ``python -m benchmarks.probing``. Runs the embedded server, which counts tokens.

Two talks of 20 turns whose lines are written beforehand: one asked as a large model is, in JSON, one as the embedded
model is. Every prompt goes to the embedded server, which says how many of its tokens it had to compute and how many
stood in its prefix cache; the answers come from the lines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.spine import Row, machine, show_rows
from confide.agents import Completion, Model, wrap_client
from confide.agents.models import BaseClient, Request
from confide.agents.models.local import LocalClient
from confide.agents.models.scripted import ScriptedClient, draw_reply
from confide.agents.models.spec import LocalSpec
from confide.evaluators.traits import LoadedPlan, SelfReport, read_instrument, read_plan
from confide.scenarios import Role, read_scenarios
from confide.simulator import Called, Measured, Memory, Moderator, Reading, Setup, SideLog, Watch
from confide.simulator.log import LogWriter

TURNS = 20
MOST_ADDED = 60
"""Percent of prompt tokens computed that the short probes may add."""
MOST_OWN = 5
"""Percent of a probe's wall time that may be spent in code of ours."""
LINES = (
    "It has been like this since the letter came, and I did not tell anybody at home about it.",
    "What was it like to open the letter on your own?",
    "My hands went cold. I read it twice and then I put it under the books on my desk.",
    "It sounds as if a part of you hoped that it would go away if nobody saw it.",
    "Maybe. I keep thinking that they will look at me in another way once they know.",
    "Who would you be most afraid to tell, and what do you think they would say?",
)
"""Lines of the length that people write in such chats."""


class Counted(BaseClient):
    """Answers from lines; the embedded server reads each prompt and counts its tokens."""

    def __init__(self, spec: LocalSpec) -> None:
        """Count with the server that ``spec`` describes."""
        super().__init__()
        self._server = LocalClient("counting", spec)
        self._tagged = spec.format == "tagged"
        self._turn = 0

    async def answer(self, request: Request) -> Completion:
        """See :class:`~confide.agents.models.BaseClient`."""
        counted = await self._server.answer(Request(request.messages, {"max_tokens": 1, "grammar": "root ::= [1-5]"}))
        return counted.model_copy(update={"content": self._content(request), "finish_reason": "stop", "logprobs": None})

    def _content(self, request: Request) -> str:
        grammar = str(request.args.get("grammar", ""))
        if self._tagged and "point ::=" in grammar:
            return " ".join("3" for _ in range(grammar.split("\n", maxsplit=1)[0].count("point")))
        if not self._tagged and "utterance" not in json.dumps(request.args):
            return draw_reply(request)
        line = LINES[self._turn % len(LINES)]
        self._turn += 1
        if self._tagged:
            seeker = "emotion" in grammar
            return f"[emotion 70, trust 40, told nothing] {line}" if seeker else f"[Question] {line}"
        reply = json.loads(draw_reply(request))
        return json.dumps({**reply, "utterance": line})

    async def close(self) -> None:
        """Stop the server."""
        await self._server.close()


class Tokens(NamedTuple):
    """Prompt tokens that a server had to compute in a talk, those of probes included."""

    computed: int
    short: int
    """Short forms that were asked."""


async def talk(spec: LocalSpec, plan: LoadedPlan | None) -> Tokens:
    """One talk, probed alongside by ``plan`` if there is one."""
    client = Counted(spec)
    model = wrap_client(client, "counted", reply=spec.format)
    if spec.format == "tagged":
        model = model._replace(structured="grammar")
    loaded = read_scenarios(["exam-panic"])[0]
    limits = loaded.scenario.limits.model_copy(update={"turns": TURNS, "repeats": TURNS})
    loaded = loaded._replace(scenario=loaded.scenario.model_copy(update={"limits": limits}))
    side = Memory()
    watch = _watch(plan, model, SideLog(side)) if plan else None
    memory = Memory()
    async for event in Moderator(Setup.of(loaded, dict.fromkeys(Role, model)), memory).converse():
        if watch:
            await watch.see(event)
    await client.close()
    computed = sum(_computed(event) for event in (*memory.events, *side.events) if isinstance(event, Called))
    return Tokens(computed, sum(event.part == "short" for event in side.events if isinstance(event, Measured)))


def _watch(plan: LoadedPlan, model: Model, log: SideLog) -> Watch:
    reading = Reading(
        seq=0, conversation="c", measure="traits-self", rubric="x", card=None, seed=0, repeats=1
    )  # fmt: skip
    return Watch(SelfReport(plan, {model.name: model}), reading, log)


def _computed(event: Called) -> int:
    if event.prompt_tokens is None or event.cached_tokens is None:
        raise SystemExit("benchmark: the server does not say what it cached")
    return event.prompt_tokens - event.cached_tokens


def plan_of(instrument: str, **fields: Any) -> LoadedPlan:
    """The shipped plan with another instrument."""
    loaded = read_plan("traits")
    plan = loaded.plan.model_copy(update=fields)
    return loaded._replace(instrument=read_instrument(instrument).instrument, plan=plan)


def token_rows() -> Iterator[Row]:
    """How many prompt tokens probes add."""
    specs = {
        "asked as a large model is (JSON)": LocalSpec(provider="local", format="json", concurrency=2, context=8192),
        "asked as the embedded model is": LocalSpec(provider="local", concurrency=2),
    }
    for name, spec in specs.items():
        plain = asyncio.run(talk(spec, None)).computed
        yield Row(f"{name}: prompt tokens computed in a talk of {TURNS} turns without probes", f"{plain:,}")
        for instrument in ("hexaco-markers", "hexaco-confide"):
            ends = asyncio.run(talk(spec, plan_of(instrument, every=None))).computed
            probed = asyncio.run(talk(spec, plan_of(instrument)))
            added = 100 * (probed.computed - ends) / plain
            held = instrument == "hexaco-markers"
            yield Row(
                f"{name}: added by {probed.short} short probes of both roles, {instrument}",
                f"{added:+.0f}% ({(probed.computed - ends) / probed.short:.0f} tokens each)",
                f"less than {MOST_ADDED}%" if held else "",
                added < MOST_ADDED if held else None,
            )
            share = 100 * (ends - plain) / plain
            yield Row(f"{name}: added by the long forms at start, retest and end, {instrument}", f"{share:+.0f}%")


def own_rows(repeats: int) -> Iterator[Row]:
    """How much of a probe's time is ours."""
    model = wrap_client(ScriptedClient(keep=False), "counted")
    plan = plan_of("hexaco-confide", every=1, retests=0)
    loaded = read_scenarios(["exam-panic"])[0]
    memory = Memory()
    setup = Setup.of(loaded, dict.fromkeys(Role, model))
    asyncio.run(Moderator(setup, memory).run())
    best, probes = float("inf"), 1
    for number in range(repeats):
        with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
            writer = LogWriter(Path(folder) / f"{number}.live", Path(folder) / f"{number}.jsonl")
            with writer:
                log = SideLog(writer)
                start = time.process_time()
                asyncio.run(_see(_watch(plan, model, log), memory))
                best = min(best, time.process_time() - start)
                probes = len(log.answers)
    own = best / probes
    yield Row(f"own CPU per probe, log written, in a talk of {len(memory.events)} events", f"{1000 * own:.2f} ms")
    real = LocalSpec(provider="local", concurrency=1)
    seconds = asyncio.run(_embedded(real, plan))
    share = 100 * own / (own + seconds)
    yield Row(
        "own part of a short probe's wall time, embedded model", f"{share:.1f}% of {1000 * seconds:.0f} ms",
        f"less than {MOST_OWN}%", share < MOST_OWN,
    )  # fmt: skip


async def _see(watch: Watch, memory: Memory) -> None:
    for event in memory.events:
        await watch.see(event)


async def _embedded(spec: LocalSpec, plan: LoadedPlan) -> float:
    """Seconds of the fastest short probe's call on the embedded model, which is what the server takes at least."""
    client = LocalClient("counted", spec)
    model = wrap_client(client, "counted", reply="tagged")._replace(structured="grammar")
    loaded = read_scenarios(["exam-panic"])[0]
    loaded = loaded._replace(
        scenario=loaded.scenario.model_copy(update={"limits": loaded.scenario.limits.model_copy(update={"turns": 6})})
    )
    memory, side = Memory(), Memory()
    setup = Setup.of(loaded, dict.fromkeys(Role, model))
    await Moderator(setup, memory).run()
    await _see(_watch(plan, model, SideLog(side)), memory)
    await client.close()
    calls = [event for event in side.events if isinstance(event, Called)]
    asked = [event for event in side.events if isinstance(event, Measured)]
    return min(c.seconds or 0 for c, a in zip(calls, asked, strict=True) if a.part == "short")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probing", description="What probing costs.")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    title = machine()
    rows = []
    for row in chain(own_rows(7), token_rows()):
        rows.append(row)
        sys.stderr.write(f"{row.what}: {row.measured}\n")
    show_rows(rows, title, markdown=options.markdown)


if __name__ == "__main__":
    main()
