"""What a report says of tokens and dollars. Law: what was not reported is counted apart, and never taken for 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from confide.evaluators.report.charts import Bar, bars
from confide.evaluators.report.gather import Material, Purpose, RunMaterial, Sum
from confide.evaluators.report.parts import Cell, Figure, Note, Num, Section, Table
from confide.simulator.usage import Spent, read_usage, spent

_COUNTS: Final = ("calls", "without an answer", "prompt tokens", "of these cached", "completion tokens", "US $")
_NAMES: Final = {"speak": "turns", "script": "scripts", "repair": "repairs"}
_PARTS: Final[dict[str, Callable[[Purpose], str]]] = {
    "run": lambda of: of.run,
    "kind": lambda of: of.kind,
    "purpose": lambda of: _NAMES.get(of.purpose, of.purpose),
    "role": lambda of: of.role or "both",
    "condition": lambda of: of.condition or "none: pairs and profiles",
}
Calls = Sequence[tuple[Purpose, Sum]]


def costs(material: Material) -> Section:
    """Tokens and dollars: by what the calls were for, and by condition."""
    calls = [(purpose, made) for each in material.runs for purpose, made in each.calls.items()]
    if not calls:
        return Section("cost", "Tokens and cost", [Note("No model was called: people held these conversations.")])
    run = ("run",) if len(material.runs) > 1 else ()
    title = "Tokens by purpose"
    about = "Prompt and completion tokens of all answered calls, those of unfinished conversations and readings too."
    drawn = [
        Bar(
            ", ".join(names), (made.prompt, made.completion),
            f"{made.prompt + made.completion:,}" + (" +?" if made.without_tokens else ""),
        )
        for names, made in _summed(calls, (*run, "purpose", "role")).items()
    ]  # fmt: skip
    lost = sum(made.without_tokens for _, made in calls)
    behind = f"{sum(made.calls for _, made in calls):,} calls; {lost:,} of them did not report their tokens"
    table = _table("tokens", "Calls, tokens and cost by purpose and role", calls, (*run, "kind", "purpose", "role"))
    arms = _table("tokens-by-condition", "The same by condition", calls, (*run, "condition", "kind"))
    chart = bars("fig-tokens", title, about, drawn, ("prompt tokens", "completion tokens"))
    parts: list[Figure | Table | Note] = [Figure("fig-tokens", title, about, chart, table, behind), arms]
    if times := [(each, found) for each in material.runs if (found := spent(read_usage(each.run)))]:
        parts.append(_times(times))
    return Section("cost", "Tokens and cost", parts)


def _times(times: Sequence[tuple[RunMaterial, Spent]]) -> Table:
    """Where the time of conversations went, run by run."""
    rows: list[list[Cell]] = [
        [
            each.run.record.id, Num(found.talk_s, digits=1), *(_percent(part) for part in _shares(found)),
            Num(100 * found.cpu, digits=0),
            Num(None if found.cpu_per_call_s is None else 1000 * found.cpu_per_call_s, why="no call", digits=2),
        ]
        for each, found in times
    ]  # fmt: skip
    columns = (
        "run",
        "seconds of talks",
        "model, %",
        "in line, %",
        "readers, %",
        "disk, %",
        "rest, %",
        "of a core, %",
        "CPU ms per call",
    )
    return Table("times", "Where the time of conversations went", columns, rows, 1)


def _percent(share: float | None) -> Num:
    return Num(None if share is None else 100 * share, why="in the rest: not known apart", digits=1)


def _shares(found: Spent) -> tuple[float | None, ...]:
    return found.model, found.limiter, found.readers, found.disk, found.rest


def _table(name: str, caption: str, calls: Calls, by: tuple[str, ...]) -> Table:
    rows: list[list[Cell]] = [
        [*names, made.calls, made.unanswered, *_tokens(made), _cost(made)] for names, made in _summed(calls, by).items()
    ]
    return Table(name, caption, (*by, *_COUNTS), rows, len(by))


def _summed(calls: Calls, by: tuple[str, ...]) -> dict[tuple[str, ...], Sum]:
    found: dict[tuple[str, ...], Sum] = {}
    for purpose, made in calls:
        found.setdefault(tuple(_PARTS[part](purpose) for part in by), Sum()).merge(made)
    return found


def _tokens(made: Sum) -> list[Cell]:
    why = f"{made.without_tokens} calls did not report" if made.without_tokens else None
    return [Num(each, why=why, digits=0) for each in (made.prompt, made.cached, made.completion)]


def _cost(made: Sum) -> Num:
    if made.without_cost == made.calls:
        return Num(None, why="unknown")
    why = f"of {made.without_cost} calls unknown" if made.without_cost else None
    return Num(made.cost, why=why, digits=4)
