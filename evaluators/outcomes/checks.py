"""What an experiment compares, held against what it will read. Law: no run begins whose outcomes cannot be had."""

from __future__ import annotations

from confide.evaluators.outcomes.names import Known, outcome_of
from confide.evaluators.rubric import Rubric, read_rubric
from confide.evaluators.traits import LoadedPlan, is_plan, read_plan
from confide.scenarios import ConfideError
from confide.scenarios.experiments import LoadedExperiment, Measure


def rubric_of(loaded: LoadedExperiment, measure: Measure) -> str:
    """What a measure names: a file beside the experiment's, or something shipped."""
    beside = loaded.file.parent / measure.rubric
    return str(beside) if beside.is_file() else measure.rubric


def check_outcomes(loaded: LoadedExperiment) -> None:
    """See to it that every outcome of an experiment's analysis is one, and is read by the experiment.

    Raises:
        InputFileError: a rubric or a trait plan is wrong.
        ConfideError: an outcome is none, or needs a rubric or a plan that is not among the measures.
    """
    rubrics: dict[str, Rubric] = {}
    plans: dict[str, LoadedPlan] = {}
    for measure in loaded.experiment.measures:
        name = rubric_of(loaded, measure)
        if is_plan(name):
            plan = read_plan(name)
            plans[plan.plan.id] = plan
        else:
            rubric = read_rubric(name).rubric
            rubrics[rubric.id] = rubric
    labels = {label for item in loaded.scenarios for label in item.taxonomy.labels}
    known = Known(labels, rubrics, plans, complete=True)
    for outcome in loaded.experiment.analysis.outcomes if loaded.experiment.analysis else ():
        try:
            outcome_of(outcome.of, known)
        except ConfideError as error:
            raise ConfideError(f"{loaded.file}: analysis, outcome '{outcome.id}': {error}") from None
