"""What the gate and the cache of answers cost per call, with a client inside that costs next to nothing."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from autogen_core.models import AssistantMessage, LLMMessage, RequestUsage, SystemMessage, UserMessage

from benchmarks.spine import Row, machine, show_rows
from confide.agents import Completion
from confide.agents.models import Answers, BaseClient, Request
from confide.agents.models.cache import Cached
from confide.agents.models.limits import Gate, Limit

CALLS: Final = 20_000
REPEATS: Final = 5
MOST_US: Final = 50.0
TALK: Final[list[LLMMessage]] = [
    SystemMessage(content="s" * 4000),
    *(
        UserMessage(content="u" * 280, source="user") if turn % 2 else AssistantMessage(content="a" * 280, source="a")
        for turn in range(40)
    ),
]
"""A prompt of 15,000 characters: a talk's forty-first turn."""
FORM: Final[dict[str, Any]] = {
    "response_format": {
        "schema": {f"field {n}": {"type": "string", "enum": ["a label of some length"] * 8} for n in range(8)}
    }
}


class Still(BaseClient):
    """Answers at once, or at the loop's next turn."""

    def __init__(self, *, yields: bool = False) -> None:
        """Answer at once, or, where it ``yields``, let others come first."""
        super().__init__()
        self._yields = yields
        self._answer = Completion(
            finish_reason="stop", content="x" * 280, usage=RequestUsage(1, 1), cached=False, prompt_tokens=4000,
            completion_tokens=70,
        )  # fmt: skip

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        del request
        if self._yields:
            await asyncio.sleep(0)
        return self._answer


async def cpu_us(client: BaseClient, *, calls: int = CALLS, at_once: int = 1, first_seed: int | None = None) -> float:
    """Processor time of a call, in microseconds."""

    async def talk(which: int) -> None:
        for number in range(calls // at_once):
            seed = None if first_seed is None else first_seed + which * calls + number
            await client.answer(Request(TALK, FORM, None, seed))

    start = time.process_time()
    await asyncio.gather(*(talk(which) for which in range(at_once)))
    return (time.process_time() - start) / calls * 1e6


async def measure(folder: Path) -> dict[str, list[float]]:
    """Microseconds per call over what the client inside takes, by what stands around it."""
    found: dict[str, list[float]] = {}
    for repeat in range(REPEATS):
        bare, turning = await cpu_us(Still()), await cpu_us(Still(yields=True), at_once=1000)
        metered = Gate(100, adapts=True, requests_per_minute=10**9, tokens_per_minute=10**12)
        answers = Answers(print, folder / f"{repeat}.sqlite")
        kept = Cached(Still(), answers, {"model": "still"})
        figures = {
            "gate, room for all": await cpu_us(Limit(Still(), Gate(100, adapts=True))) - bare,
            "gate with figures per minute": await cpu_us(Limit(Still(), metered)) - bare,
            "gate of 50 places, 1,000 talks": await cpu_us(Limit(Still(yields=True), Gate(50)), at_once=1000) - turning,
            "cache, 5,000 answers that are new": await cpu_us(kept, calls=5000, first_seed=0) - bare,
        }
        await answers.close()
        figures["cache, the same 5,000 as hits"] = await cpu_us(kept, calls=5000, first_seed=0) - bare
        await answers.close()
        for what, figure in figures.items():
            found.setdefault(what, []).append(figure)
    return found


def main() -> None:
    """Measure, and print the table."""
    title = machine()
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        found = asyncio.run(measure(Path(folder)))
    rows = []
    for what, figures in found.items():
        held = what.startswith("gate")
        target = f"less than {MOST_US:.0f} us" if held else ""
        shown = f"{median(figures):.1f} us ({min(figures):.1f} to {max(figures):.1f})"
        rows.append(Row(f"CPU per call: {what}", shown, target, median(figures) < MOST_US if held else None))
    show_rows(rows, title, markdown=True)


if __name__ == "__main__":
    main()
