"""Outcomes: the figures of each conversation that arms are compared by, by name. Law: missing is never 0."""

from confide.evaluators.outcomes.names import FORMS, Form, Known, Parsed, describe_outcomes, outcome_of
from confide.evaluators.outcomes.read import (
    Arm,
    TalkOutcomes,
    arm_of,
    known_in,
    labels_of,
    outcomes_of_runs,
    talk_outcomes,
)
from confide.evaluators.outcomes.said import Strategies, Value
from confide.evaluators.outcomes.sides import experiment_of

__all__ = [
    "FORMS",
    "Arm",
    "Form",
    "Known",
    "Parsed",
    "Strategies",
    "TalkOutcomes",
    "Value",
    "arm_of",
    "describe_outcomes",
    "experiment_of",
    "known_in",
    "labels_of",
    "outcome_of",
    "outcomes_of_runs",
    "talk_outcomes",
]
