"""How well a telling, and a question about a fact, are recognised; over the labelled utterances of the evaluators.

A benchmark and no test: it prints what it finds, and the exit code stays 0. Counts are over pairs of an utterance and
one of the facts that it could tell (or ask about). Thresholds were chosen on the half called dev; the scenarios of test
are other ones.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from rich.console import Console
from rich.table import Table

from confide.agents import known_models
from confide.agents.models import build_model, find_model
from confide.agents.reply import ReplyError
from confide.evaluators.detectors import (
    EmbeddedTelling,
    JudgedTelling,
    LabelledUtterance,
    TellingDetector,
    labelled_utterances,
)
from confide.scenarios import Fact, Role, Scenario, read_scenarios
from confide.simulator.telling import FactDetector

SPLITS: Final[tuple[Literal["dev", "test"], ...]] = ("dev", "test")
REPEATS: Final = 30
PROGRESS: Final = Console(stderr=True, highlight=False)


class Counts(NamedTuple):
    """What a detector found, in pairs of utterance and fact."""

    items: int
    true: int
    """Pairs that are true."""
    found: int
    """Pairs that the detector gave."""
    right: int
    """Of these, how many are true."""
    unreadable: int = 0
    """Items without a readable answer; they are in no other count."""

    @property
    def precision(self) -> float:
        """The share of what was found that is true; 0 where nothing was found."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """The share of what is true that was found; 0 where nothing is true."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


class Bench:
    """The labelled utterances with their scenarios."""

    def __init__(self, items: Sequence[LabelledUtterance]) -> None:
        """Read the scenarios and prepare a lexical detector for each side."""
        self.items = items
        names = sorted({item.scenario for item in items})
        self._scenarios: dict[str, Scenario] = {loaded.scenario.id: loaded.scenario for loaded in read_scenarios(names)}
        self._lexical = {
            (name, role): FactDetector(scenario.role(role).facts, known_to_both(scenario))
            for name, scenario in self._scenarios.items()
            for role in Role
        }

    def of(self, split: str) -> list[LabelledUtterance]:
        """The items of one half."""
        return [item for item in self.items if item.split == split]

    def facts(self, item: LabelledUtterance) -> tuple[Fact, ...]:
        """The speaker's facts."""
        return self._scenarios[item.scenario].role(item.role).facts

    def told(self, item: LabelledUtterance) -> set[str]:
        """What the lexical detector says that the item tells."""
        return {telling.fact for telling in self._lexical[item.scenario, item.role].told(item.utterance)}

    def asked(self, item: LabelledUtterance) -> set[str]:
        """What the lexical detector says that the item asks about."""
        return set(self._lexical[item.scenario, other_role(item.role)].asked(item.utterance))

    def tells_counts(self, split: str) -> Counts:
        """The lexical detector's tellings."""
        return _counted((set(item.tells), self.told(item)) for item in self.of(split))

    def asks_counts(self, split: str) -> Counts:
        """The lexical detector's questions."""
        return _counted((set(item.asks), self.asked(item)) for item in self.of(split))

    async def counts_of(self, detector: TellingDetector, split: str) -> Counts:
        """Another detector's tellings, one item after another."""
        pairs = []
        unreadable = 0
        for item in self.of(split):
            try:
                pairs.append((set(item.tells), set(await detector.tells(item.utterance, self.facts(item)))))
            except ReplyError:
                unreadable += 1
        return _counted(pairs)._replace(unreadable=unreadable)

    def microseconds(self, find: Callable[[LabelledUtterance], object]) -> float:
        """What one utterance costs, over all items; the least of several rounds, for the machine is shared."""
        best = float("inf")
        for _ in range(REPEATS):
            start = time.perf_counter()
            for item in self.items:
                find(item)
            best = min(best, time.perf_counter() - start)
        return best / len(self.items) * 1e6


def other_role(role: Role) -> Role:
    return Role.SUPPORTER if role is Role.SEEKER else Role.SEEKER


def known_to_both(scenario: Scenario) -> str:
    return " ".join((scenario.situation, *(scenario.role(role).persona.name for role in Role)))


def thinned(items: Sequence[LabelledUtterance], most: int) -> list[LabelledUtterance]:
    """At most so many items, taken evenly from all of them."""
    if len(items) <= most:
        return list(items)
    return [items[index * len(items) // most] for index in range(most)]


def _counted(pairs: Iterable[tuple[set[str], set[str]]]) -> Counts:
    listed = list(pairs)
    return Counts(
        items=len(listed),
        true=sum(len(true) for true, _ in listed),
        found=sum(len(found) for _, found in listed),
        right=sum(len(true & found) for true, found in listed),
    )


def _row(what: str, split: str, counts: Counts) -> tuple[str, ...]:
    figures = (f"{counts.precision:.2f}", f"{counts.recall:.2f}", f"{counts.f1:.2f}")
    return (what, split, str(counts.items), str(counts.true), str(counts.found), *figures, str(counts.unreadable))


async def _other_rows(name: str, bench: Bench, detector: TellingDetector) -> list[tuple[str, ...]]:
    rows = []
    for split in SPLITS:
        PROGRESS.print(f"{name}: {split}")
        rows.append(_row(f"tells, {name}", split, await bench.counts_of(detector, split)))
    return rows


async def _judged(name: str, bench: Bench) -> list[tuple[str, ...]]:
    model = build_model(name, find_model(name, known_models()))
    try:
        return await _other_rows(f"judged by {name}", bench, JudgedTelling(model))
    finally:
        await model.client.close()


async def _embedded(base_url: str, model: str, threshold: float, bench: Bench) -> list[tuple[str, ...]]:
    detector = EmbeddedTelling(base_url, model, os.environ.get("OPENAI_API_KEY"), threshold)
    try:
        return await _other_rows(f"embeddings of {model}, threshold {threshold:g}", bench, detector)
    finally:
        await detector.close()


_HEAD: Final = ("What", "Half", "n", "True", "Found", "Precision", "Recall", "F1", "Unreadable")


def _markdown(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    lines = [_HEAD, ("---",) * len(_HEAD), *rows]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", *notes])


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.telling", description="How well tellings are recognised."
    )
    parser.add_argument("--file", type=Path, help="labelled utterances of your own")
    parser.add_argument("--judge", metavar="MODEL", help="a chat model to ask as well, one call per fact")
    parser.add_argument("--embeddings", nargs=2, metavar=("BASE_URL", "MODEL"), help="an endpoint to compare with")
    parser.add_argument("--threshold", type=float, default=0.6, help="least cosine of a telling, for --embeddings")
    parser.add_argument("--most", type=int, default=60, help="most utterances that --judge is asked about")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    items = labelled_utterances(options.file) if options.file else labelled_utterances()
    bench = Bench(items)
    rows = [_row("tells, lexical", split, bench.tells_counts(split)) for split in SPLITS]
    rows += [_row("asks, lexical", split, bench.asks_counts(split)) for split in SPLITS]
    notes = [
        f"lexical, per utterance: told {bench.microseconds(bench.told):.1f} µs, asked "
        f"{bench.microseconds(bench.asked):.1f} µs (best of {REPEATS} rounds, the benchmark's own loop included)"
    ]
    if options.judge:
        some = Bench(thinned(items, options.most))
        rows += [_row("tells, lexical, judge's items", split, some.tells_counts(split)) for split in SPLITS]
        rows += asyncio.run(_judged(options.judge, some))
    if options.embeddings:
        base_url, model = options.embeddings
        rows += asyncio.run(_embedded(base_url, model, options.threshold, bench))
    table = Table(*_HEAD, caption=notes[0], caption_justify="left")
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)
    if options.markdown:
        print(f"\n{_markdown(rows, notes)}")


if __name__ == "__main__":
    main()
