"""What a reader must know before any number: changed analyses, models that speak for nobody, what is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from confide.agents.models.registry import CAVEATS
from confide.evaluators.report.gather import Material, RunMaterial
from confide.scenarios import ConfideError
from confide.scenarios.experiments import Experiment, find_experiment
from confide.scenarios.reader import from_yaml
from confide.scenarios.yamlfile import read_text
from confide.simulator.store import ExperimentRecord


def alerts(material: Material, experiment: Path | None) -> list[str]:
    """All warnings, the gravest first.

    Args:
        material: what was read.
        experiment: the experiment's file now; where it was when the run began if not given.
    """
    found: list[str] = []
    for kind in (_changed, _caveats, _half, _ended, _unread):
        for each in material.runs:
            arguments = {"experiment": experiment} if kind is _changed else {}
            found += [f"{each.name}: {text}" if each.name else text for text in kind(each, **arguments)]
    return list(dict.fromkeys(found))


def _changed(each: RunMaterial, experiment: Path | None = None) -> Iterator[str]:
    """Whether the analysis is the one that the run began with."""
    record = each.run.record.experiment
    if record is None:
        return
    if hashlib.sha256(record.text.encode()).hexdigest() != record.sha256:
        yield "run.json was changed after the run: the experiment's text in it is not the one that its hash is of"
    elif _read(each.run.path / "run.json", record.text) != record.resolved:
        yield "run.json was changed after the run: the experiment in it is not what the experiment's text says"
    file = experiment or find_experiment(record.file)
    if file is None:
        yield (
            "The experiment's file was not found, so nothing tells whether it was changed after the run; run.json "
            f"keeps its text as it was (SHA-256 {record.sha256[:12]}); --experiment FILE names it"
        )
        return
    now = hashlib.sha256(read_text(file).encode()).hexdigest()
    if now != record.sha256:
        yield (
            f"The experiment's file {file} was changed after the run (SHA-256 {now[:12]} now, "
            f"{record.sha256[:12]} then){_how(file, record)}. This report holds to what was planned before the run"
        )


def _how(file: Path, record: ExperimentRecord) -> str:
    """What was changed: the analysis, or something else."""
    now = _read(file, read_text(file))
    if now is None:
        return ", and cannot be read any more"
    changed = [name for name in Experiment.model_fields if getattr(now, name) != getattr(record.resolved, name)]
    if not changed:
        return ", in its wording alone"
    told = "; the analysis in it is not the one that was planned" if "analysis" in changed else ""
    return f", in {', '.join(changed)}{told}"


def _read(file: Path, text: str) -> Experiment | None:
    """The experiment that a text is; None if it is none."""
    try:
        return from_yaml(file, text, Experiment)
    except ConfideError:
        return None


def _caveats(each: RunMaterial) -> Iterator[str]:
    """Models whose numbers are no finding, each caveat once, with all that it is about."""
    found: dict[str, list[str]] = {}
    for name, spec in each.run.record.models.items():
        if spec.provider in CAVEATS:
            found.setdefault(CAVEATS[spec.provider], []).append(f"{name} speaks")
    for readings in each.readings:
        if readings.caveat:
            found.setdefault(readings.caveat, []).append(f"{readings.model} reads {readings.rubric.id}")
    for report in each.traits:
        for source in report.sources:
            for caveat in source.caveats:
                found.setdefault(caveat, []).append(f"{report.plan.plan.id}, {source.source}")
    for caveat, whose in found.items():
        yield f"{caveat[:1].upper()}{caveat[1:]} ({'; '.join(dict.fromkeys(whose))})"


def _half(each: RunMaterial) -> Iterator[str]:
    """Conversations that are not there, and the pairs that lack because of them."""
    size, done = each.run.record.size, len(each.talks)
    if done < size:
        yield (
            f"{done} of {size} conversations are finished ({each.unfinished} under way or interrupted); "
            "confide resume goes on"
        )
    keys: dict[str, int] = {}
    for planned in each.run.planned():
        keys[planned.pair_key] = keys.get(planned.pair_key, 0) + (planned.id not in each.talks)
    lacking = [key for key, count in keys.items() if count]
    if lacking and len(keys) < size:  # else there is one conversation per pair key, and nothing is compared within it
        yield f"{len(lacking)} of {len(keys)} pair keys are without one of their conversations: {_some(lacking)}"


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _ended(each: RunMaterial) -> Iterator[str]:
    """Conversations that ended for a reason that is no end."""
    for reason in ("error", "budget"):
        if count := each.ends[reason]:
            yield f"{count} of {len(each.talks)} conversations ended by {reason}; descriptive figures include them"


def _unread(each: RunMaterial) -> Iterator[str]:
    """Readers that have not read all."""
    for readings in each.readings:
        if readings.unread:
            yield f"{readings.rubric.id} by {readings.model}: {readings.unread} conversations are not read yet"
    for report in each.traits:
        for source in report.sources:
            if source.unread:
                who = f"{report.plan.plan.id} ({source.source}, {source.model})"
                yield f"{who}: {source.unread} conversations are not asked to their end"
    for key in each.other_judges:
        yield f"{key} compares with another run and is not shown: confide judge --against prints it"
