"""What readers found in a conversation: answers, strategies labelled again, traits turn by turn."""

from __future__ import annotations

from typing import Literal

from confide.scenarios import Role
from confide.scenarios.schema import Frozen
from confide.simulator.events import MeasuredValue


class Item(Frozen):
    """A question that a reader was asked."""

    id: str
    """Its id."""
    question: str
    """Its words."""
    kind: Literal["labels", "choice", "scale", "level", "turns"]
    """What is answered: strategies, a word, a point, a number, or a list of turns that the reader cites."""
    low: float | None
    """Lowest point; None for words and turns."""
    high: float | None
    """Highest point."""
    words: tuple[str, ...] = ()
    """The words that a ``choice`` is one of."""


class Answer(Frozen):
    """A reader's answers at one place."""

    turn: int | None
    """The turn; None for the whole conversation."""
    role: Role | None
    """About whom."""
    repeat: int
    """Which of the repeats, from 0."""
    part: str | None
    """Which part of a questionnaire."""
    values: dict[str, MeasuredValue]
    """The answer to each item; None where there is none."""
    missing: dict[str, str]
    """For each of those, why."""
    call: int | None
    """Place of its call in the reader's calls; None where none was logged."""


class Measure(Frozen):
    """What one reader found in this conversation."""

    key: str
    """Name of the reader's folder."""
    id: str
    """Id of the rubric."""
    title: str
    """Its title."""
    model: str
    """Who answered; ``roles`` where the roles' own models did."""
    kind: Literal["rubric", "traits"]
    """What was asked."""
    caveat: str | None
    """What a reader of the figures must know about the model."""
    items: tuple[Item, ...]
    """What was asked; empty for questionnaires, whose scores are in ``drift``."""
    answers: tuple[Answer, ...]
    """What was answered; empty for questionnaires."""
    problem: str | None
    """Why it cannot be used: not read to its end, or read from another transcript; None if it can."""


class DriftPoint(Frozen):
    """A trait at one time."""

    turn: int
    """After which turn; -1 before the first."""
    change: float | None
    """Change since the baseline, by the items asked both times; points of the scale; 0 at the baseline."""


class DriftLine(Frozen):
    """One trait of one role over the conversation."""

    plan: str
    """The trait plan."""
    source: str
    """``self``, ``bare`` (the same model without its persona) or ``observer``."""
    role: Role
    """Whose."""
    factor: str
    """Which trait."""
    model: str
    """Who answered."""
    why: str | None
    """Why there are no scores; None where there are."""
    noise: float | None
    """Root mean square of the change without a talk between, over the run's conversations of this condition; None
    where nobody was asked twice."""
    low: float | None
    """Lowest score of the scale."""
    high: float | None
    """Highest score."""
    start: float | None
    """Score at the baseline."""
    points: tuple[DriftPoint, ...]
    """In order; empty where there are no scores."""


class Labelled(Frozen):
    """An annotator's strategies of one supporter turn."""

    turn: int
    """The turn."""
    labels: tuple[str, ...] | None
    """What it found; None where it gave none."""
    why: str | None
    """Then: why."""


class Annotator(Frozen):
    """Who labelled the strategies again, blind to what was declared."""

    name: str
    """The reader's folder, or the person."""
    person: bool
    """Whether it is a person."""
    turns: tuple[Labelled, ...]
    """By turn."""
