"""Recovery study: ``python -m benchmarks.recovery``.

First the whole chain: conversations, probes of both roles and an observer, side logs, scores and drift, answered by a
synthetic respondent whose traits, drift and noise are known. Then many experiments of the same respondent without the
transport, to see how often the intervals hold what is true.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.recovery.respondent import (
    OCCASION_SD,
    Array,
    Respondent,
    World,
    drawn_world,
    names,
    odds,
    pull,
    true_scores,
)
from benchmarks.spine import Row, machine, show_rows
from confide.agents import Model, wrap_client
from confide.agents.models import known_models
from confide.evaluators.talks import Talk
from confide.evaluators.traits import FactorDrift, LoadedPlan, drift, read_plan, trait_reports
from confide.evaluators.traits.panel import trait_readers
from confide.evaluators.traits.results import Point, SourceResults
from confide.evaluators.traits.scores import Sheet
from confide.scenarios import Role, read_scenarios
from confide.simulator import MeasureRecord, RunFolder, Wishes, plan_run, run_conversations
from confide.simulator.store import RunScenario, software

TURNS = 8
SPREAD = (0.10, 0.10, 0.25)
"""Standard deviation of the drift between scenarios, between personas, and of what is left, on the scale."""
DRIFT = (0.0, 0.2, -0.2, 0.1, 0.0, -0.1)
"""Mean drift of each factor in the chain, on the scale."""
EFFECTS = (0.0, 0.05, 0.1, 0.2)


class Design(NamedTuple):
    """How large an experiment is."""

    scenarios: int
    personas: int


def plan_with(**fields: Any) -> LoadedPlan:
    """The shipped plan with something changed."""
    loaded = read_plan("traits")
    return loaded._replace(plan=loaded.plan.model_copy(update=fields))


def chain(folder: Path, design: Design, world: World, plan: LoadedPlan, *, weighted: bool) -> list[FactorDrift]:
    """Run conversations of all persons in all scenarios, with probes alongside; gives what is reported."""
    record, _ = plan_run(read_scenarios(["exam-panic"]), known_models(), Wishes(model="scripted", turns=TURNS))
    scenarios = [_scenario(record.scenarios[0], s, p) for s in range(design.scenarios) for p in range(design.personas)]
    run = RunFolder.create(folder, record.model_copy(update={"scenarios": tuple(scenarios)}))
    client = Respondent(world, plan.instrument, TURNS, weighted=weighted)
    model = wrap_client(client, "scripted", concurrency=64)
    readers = trait_readers(run, plan, {"scripted": model}, model, _record)
    asyncio.run(run_conversations(run, {"scripted": model}, lambda *_: None, readers))
    return trait_reports(run, 0)[0].drift


def _scenario(item: RunScenario, scenario: int, persona: int) -> RunScenario:
    called = names(scenario, persona)
    sides: dict[str, Any] = {}
    for role in Role:
        side = item.scenario.role(role)
        known = {"name": called[role], "background": f"known to be {called[role]}"}
        sides[role.value] = side.model_copy(update={"persona": side.persona.model_copy(update=known)})
    whole = item.scenario.model_copy(update={**sides, "id": f"s{scenario:02d}-p{persona:02d}"})
    return item.model_copy(update={"scenario": whole})


def _record(
    measure: str, text: str, files: Mapping[str, str], model: Model | None, spec: object, repeats: int
) -> MeasureRecord:
    del spec
    return MeasureRecord(
        measure=measure, rubric=text, files=dict(files), model=model.name if model else "roles", price=None,
        spec=known_models()["scripted"] if model else None, repeats=repeats, created="2026-01-01", software=software(),
        command=(),
    )  # fmt: skip


def truth(world: World, plan: LoadedPlan, role: int, start: int, end: int) -> Array:
    """True drift of every conversation between two turns, in scores; shape scenarios x personas x factors."""
    at = [world.start[role] + (turn + 1) / TURNS * world.moved[role] for turn in (start, end)]
    before, after = (true_scores(plan.instrument, traits) for traits in at)
    return after - before


def chain_rows(design: Design, seed: int) -> Iterator[Row]:
    """How well the whole chain recovers mean drift."""
    plan = plan_with(profiles=0)
    world = drawn_world(design.scenarios, design.personas, DRIFT, seed, SPREAD)
    for weighted in (True, False):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="confide-recovery-") as folder:
            found = chain(Path(folder), design, world, plan, weighted=weighted)
        seconds = time.perf_counter() - start
        how = "weighted by log-probabilities" if weighted else "as drawn"
        for source in ("self", "observer"):
            errors = []
            inside = 0
            for each in found:
                if each.source != source:
                    continue
                role = int(each.role is Role.SUPPORTER)
                last = TURNS - 1 - (role == _closes())
                first = -1 if source == "self" else _first_rated(role)
                expected = truth(world, plan, role, first, last)[..., plan.instrument.factors.index(each.factor)].mean()
                errors.append((each.drift.mean or 0) - float(expected))
                inside += (each.drift.low or 0) <= expected <= (each.drift.high or 0)
            yield Row(
                f"whole chain, {design.scenarios * design.personas} conversations, {source}, {how}: mean drift, "
                f"{len(errors)} factors of both roles",
                f"bias {np.mean(errors):+.4f}, RMSE {np.sqrt(np.mean(np.square(errors))):.4f}, "
                f"{inside} of {len(errors)} in the interval",
            )
        yield Row(f"the same, time ({how})", f"{seconds:.1f} s")


def _closes() -> int:
    """Which role does not speak last: in a talk of even length the one that opens."""
    opens = read_scenarios(["exam-panic"])[0].scenario.opens
    return int(opens is Role.SUPPORTER)


def _first_rated(role: int) -> int:
    """The turn after which an observer first rates a role: that of its third line."""
    return 4 if role == _closes() else 5


def experiment(plan: LoadedPlan, design: Design, effect: float, seed: int, *, weighted: bool) -> list[FactorDrift]:
    """One experiment on the seekers: answers at the start, at the end and at a retest, straight from the respondent."""
    factors = len(plan.instrument.factors)
    world = drawn_world(design.scenarios, design.personas, [effect] * factors, seed, SPREAD)
    draw = np.random.default_rng(seed + 1)
    start, moved = world.start[0], world.moved[0]
    sheets = [_answers(plan, traits, draw, weighted=weighted) for traits in (start, start, start + moved)]
    items = [item.id for item in plan.instrument.items]
    points = []
    for s in range(design.scenarios):
        for p in range(design.personas):
            talk = Talk(f"{s}-{p}", f"s{s}", "partial", f"s{s}/p{p}/0", ())
            for (turn, repeat), answers in zip(((-1, 0), (-1, 1), (TURNS - 1, 0)), sheets, strict=True):
                sheet = Sheet(dict(zip(items, answers[s, p].tolist(), strict=True)), {}, 0)
                points.append(Point(talk, Role.SEEKER, turn, repeat, sheet))
    results = SourceResults(plan, "self", "roles", points, 0, {}, (), dict.fromkeys(Role, ("synthetic",)))
    return drift([results], [], 0)


def _answers(plan: LoadedPlan, traits: Array, draw: np.random.Generator, *, weighted: bool) -> Array:
    mean = pull(plan.instrument, traits)
    chances = odds(mean + draw.normal(0, OCCASION_SD, mean.shape))
    if weighted:
        found: Array = chances @ np.arange(1, 6)
        return found
    return (draw.random((*mean.shape, 1)) > chances.cumsum(axis=-1)).sum(axis=-1) + 1.0


def expected_drift(plan: LoadedPlan, effect: float) -> Array:
    """The true mean drift in scores, over all people, scenarios and personas that may be drawn; by factor."""
    spread = (0.0, 0.0, float(np.sqrt(np.sum(np.square(SPREAD)))))  # each person in a scenario of their own
    world = drawn_world(1, 20_000, [effect] * len(plan.instrument.factors), 10**6, spread)
    before = true_scores(plan.instrument, world.start[0])
    found: Array = (true_scores(plan.instrument, world.start[0] + world.moved[0]) - before).mean(axis=(0, 1))
    return found


def coverage_rows(design: Design, experiments: int) -> Iterator[Row]:
    """How often 95 % intervals hold the truth, how often they find a drift, and how well the noise is known."""
    plan = plan_with(profiles=0)
    for weighted in (True, False):
        how = "weighted" if weighted else "as drawn"
        for effect in EFFECTS if weighted else EFFECTS[::2]:
            expected = expected_drift(plan, effect)
            inside = apart = total = 0
            errors: list[float] = []
            for number in range(experiments):
                reported = experiment(plan, design, effect, 7919 * number + int(1000 * effect), weighted=weighted)
                for each, true in zip(reported, expected.tolist(), strict=True):
                    low, high, mean = each.drift.low, each.drift.high, each.drift.mean
                    if low is None or high is None or mean is None:
                        raise SystemExit("benchmark: an experiment gave no interval")
                    total += 1
                    inside += low <= true <= high
                    apart += not low <= 0 <= high
                    errors.append(mean - true)
            size = f"{design.scenarios} scenarios x {design.personas} personas"
            what = f"{experiments} experiments, {size}, {how}, drift {effect}"
            share = 100 * inside / total
            yield Row(
                f"{what}: coverage of 95 % intervals", f"{share:.1f}%", "93 to 97%", 93 <= share <= 97,
            )  # fmt: skip
            meaning = "false alarms" if effect == 0 else "power"
            figures = f"{meaning} {100 * apart / total:.1f}%, bias {np.mean(errors):+.4f}, RMSE {np.std(errors):.4f}"
            yield Row("    the same: share of intervals without 0, bias and RMSE of the mean", figures)


def form_rows(people: int, seed: int) -> Iterator[Row]:
    """What shorter forms cost in error: all items, the short form, and items that were undecided at the start."""
    plan = plan_with()
    instrument = plan.instrument
    world = drawn_world(1, people, [0.1] * len(instrument.factors), seed, (0.0, 0.0, 0.3))
    start, moved = world.start[0, 0], world.moved[0, 0]
    true = true_scores(instrument, start + moved) - true_scores(instrument, start)
    key = np.array([item.key for item in instrument.items])
    factor = np.array([instrument.factors.index(item.factor) for item in instrument.items])
    short = np.array([item.id in instrument.short for item in instrument.items])
    draw = np.random.default_rng(seed)
    mean = pull(instrument, start)
    chances = odds(mean + draw.normal(0, OCCASION_SD, mean.shape))
    spread = (chances * (np.arange(1, 6) - (chances @ np.arange(1, 6))[..., None]) ** 2).sum(axis=-1)
    for weighted in (True, False):
        before = (
            chances @ np.arange(1, 6)
            if weighted
            else (draw.random((*mean.shape, 1)) > chances.cumsum(axis=-1)).sum(axis=-1) + 1.0
        )
        change = key * (_answers(plan, start + moved, draw, weighted=weighted) - before)
        chosen = {"all": np.ones_like(change, dtype=bool), "short form": np.broadcast_to(short, change.shape)}
        chosen["the least decided at the start"] = _undecided(spread, factor, key, per_key=1)
        for name, mask in chosen.items():
            errors = []
            for index in range(len(instrument.factors)):
                held = mask & (factor == index)
                errors.append((change * held).sum(axis=1) / held.sum(axis=1) - true[:, index])
            size = int(mask[0].sum())
            rmse = float(np.sqrt(np.mean(np.square(errors))))
            how = "weighted" if weighted else "as drawn"
            words = {"undecided": "items of either key on which the model was least decided at the start"}.get(
                name, name
            )
            yield Row(f"one conversation's drift by {size} items ({words}), {how}", f"RMSE {rmse:.3f}")


def _undecided(spread: Array, factor: Array, key: Array, per_key: int) -> Any:
    """For each person and factor, the items of either key with the widest answers."""
    mask = np.zeros_like(spread, dtype=bool)
    for index in np.unique(factor):
        for sign in (1, -1):
            items = np.flatnonzero((factor == index) & (key == sign))
            best = items[np.argsort(-spread[:, items], axis=1)[:, :per_key]]
            np.put_along_axis(mask, best, values=True, axis=1)
    return mask


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer conversations and experiments, for a look")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    title = machine()
    small = Design(6, 6) if options.quick else Design(12, 12)
    rows: list[Row] = []
    parts: Sequence[Iterator[Row]] = (
        chain_rows(small, 1),
        coverage_rows(Design(24, 12), 20 if options.quick else 300),
        form_rows(500 if options.quick else 5000, 3),
    )
    for part in parts:
        for row in part:
            rows.append(row)
            sys.stderr.write(f"{row.what}: {row.measured}\n")
    show_rows(rows, title, markdown=options.markdown)


if __name__ == "__main__":
    main()
