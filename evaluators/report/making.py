"""A report of runs, put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from confide.evaluators.analysis import Analysed
from confide.evaluators.report.alerts import alerts
from confide.evaluators.report.charts import Look
from confide.evaluators.report.contrasting import analysed, contrasts
from confide.evaluators.report.costing import costs
from confide.evaluators.report.drifting import drifts
from confide.evaluators.report.gather import Material, RunMaterial, gather
from confide.evaluators.report.methods import methods
from confide.evaluators.report.parts import Cell, Report, Section, Table, counted_as
from confide.evaluators.report.scoring import scores_and_agreement
from confide.evaluators.report.talking import strategies, telling
from confide.simulator import RunFolder


def make_report(
    runs: Sequence[RunFolder],
    experiment: Path | None = None,
    floor: float | None = None,
    reader: str | None = None,
) -> Report:
    """The report of runs.

    Args:
        runs: the runs.
        experiment: the experiment's file now, where it is not found by itself.
        floor: reliability below which traits have no scores, in place of their plans' own.
        reader: the model that counts in contrasts where several read the same.

    Raises:
        ConfideError: no conversation is finished, or a side log is of another transcript.
        InputFileError: a file is damaged.
    """
    material = gather(runs, floor)
    looks = {arm: Look(arm, number) for number, arm in enumerate(material.arms)}
    found = analysed(runs, reader)
    told, drift = telling(material, looks), drifts(material, looks)
    sections: list[Section | None] = [
        _what(material, methods(material)),
        contrasts(found),
        strategies(material, looks),
        drift,
        told,
        *scores_and_agreement(material, looks),
        costs(material),
    ]
    return Report(
        title=_title(material),
        subtitle=_subtitle(material),
        warnings=[*alerts(material, experiment), *_of_analysis(found)],
        sections=[section for section in sections if section is not None],
    )


def _of_analysis(found: Analysed | str) -> list[str]:
    """What a reader of the contrasts must know first."""
    if isinstance(found, str):
        return []
    said = []
    if found.plan.written != "before":
        said.append("No analysis was written down before the run: all contrasts are exploratory")
    lost = [(test.contrast, sum(test.missing.values())) for test in found.tests]
    for contrast in dict.fromkeys(name for name, _ in lost):
        most = max(count for name, count in lost if name == contrast)
        if most:
            said.append(
                f"Contrast {contrast}: up to {most} pair keys without a pair, by outcome; the reasons stand there"
            )
    return said


def _title(material: Material) -> str:
    if len(material.runs) > 1:
        return f"Report of {len(material.runs)} runs"
    record = material.runs[0].run.record
    return record.experiment.resolved.title if record.experiment else f"Report of {record.id}"


def _subtitle(material: Material) -> str:
    talks = sum(len(each.talks) for each in material.runs)
    arms = "arm" if len(material.arms) == 1 else "arms"
    return f"{counted_as(talks, 'finished conversation')} in {len(material.arms)} {arms}: {', '.join(material.arms)}"


def _what(material: Material, section: Section) -> Section:
    """The methods, with a table of what there is in front."""
    rows: list[list[Cell]] = [
        [
            arm,
            each.run.record.id,
            sum(talked.talk.condition == arm for talked in each.talks.values()),
            _planned(each, arm),
        ]
        for each in material.runs
        for arm in each.arms
    ]
    table = Table("arms", "Arms", ("arm", "run", "finished", "planned"), rows, 2)
    return section._replace(parts=[table, *section.parts])


def _planned(each: RunMaterial, arm: str) -> Cell:
    if each.run.record.imported:
        return each.run.record.size
    bare = arm.removeprefix(f"{each.name}: ")
    return sum(_arm(planned.condition.id, planned.scenario.cast) == bare for planned in each.run.planned())


def _arm(condition: str, cast: str | None) -> str:
    return condition if cast is None else f"{condition}+{cast}"
