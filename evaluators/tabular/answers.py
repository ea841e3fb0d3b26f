"""Rows of what readers, judges and questionnaires answered, one per item.

Law: an answer that is missing is a row with its reason; an answer to another transcript than the log's is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from confide.evaluators.rubric import Level, Rubric, Scale
from confide.evaluators.tabular.calls import NameOf
from confide.evaluators.tabular.rows import MeasureRow
from confide.evaluators.tabular.talk import Lead
from confide.simulator import AnyEvent, Measured, Read
from confide.simulator.events import MeasuredValue

JOINED: Final = " + "
NO_REASON: Final = "no reason is given"
_WORTH: Final = {"FIRST": 1.0, "SECOND": 0.0, "TIE": 0.5}
"""What a judge's word says of the conversation that was shown first."""
BLANK: Final[dict[str, Any]] = dict.fromkeys(MeasureRow._fields)


class Side(NamedTuple):
    """A side log, and what all of its rows begin with."""

    run: str
    lead: Lead | None
    """The conversation that was read; None for profiles."""
    measure: str
    events: Sequence[AnyEvent]
    name_of: NameOf

    def fields(self, event: Measured) -> dict[str, Any]:
        """Fields of the rows of one event; what is not known yet is missing."""
        return {
            **BLANK,
            **(self.lead._asdict() if self.lead else {"run": self.run}),
            "complete": isinstance(self.events[-1], Read),
            "measure": self.measure,
            "model": self.name_of(event.role),
            "kind": "answer",
            "role": event.role.value if event.role else None,
            "turn": event.turn,
            "repeat": event.repeat,
            "part": event.part,
            "note": event.note,
        }


class Said(NamedTuple):
    """An answer, as a number and as words."""

    value: float | None
    label: str | None


def said(value: MeasuredValue) -> Said:
    """An answer as tables hold it; a list of turns is worth its length."""
    if isinstance(value, str):
        return Said(None, value)
    if isinstance(value, tuple):
        labels = any(isinstance(each, str) for each in value)
        return Said(None if labels else len(value), JOINED.join(map(str, value)))
    return Said(None if value is None else float(value), None)


def rubric_rows(side: Side, rubric: Rubric) -> list[MeasureRow]:
    """What a reader answered to a rubric's items."""
    rates = {item.id: isinstance(item.answer, Scale | Level) for item in rubric.items}
    rows = []
    for event in side.events:
        if isinstance(event, Measured):
            fields = side.fields(event)
            for item, value in event.values.items():
                found = said(value)
                own = {
                    "source": "observer" if rates.get(item) else "annotator",
                    "item": item,
                    "value": found.value,
                    "label": found.label,
                    "missing": event.missing.get(item, NO_REASON) if value is None else None,
                    "weighted": None if value is None else item in (event.weights or {}),
                }
                rows.append(MeasureRow(**{**fields, **own}))
    return rows


def judge_rows(side: Side, other_run: str, other: str) -> list[MeasureRow]:
    """What a judge said of two conversations; the side's is the first of them.

    Args:
        side: the log of the pair.
        other_run: run of the other conversation.
        other: the other conversation.
    """
    rows = []
    for event in side.events:
        if isinstance(event, Measured):
            order = event.repeat % 2  # even questions show the first one first, odd ones the other
            fields = {**side.fields(event), "repeat": event.repeat // 2, "order": order, "source": "judge"}
            for item, word in event.values.items():
                worth = _WORTH.get(str(word))
                own = {
                    "other_run": other_run,
                    "other": other,
                    "item": item,
                    "value": worth if worth is None or order == 0 else 1 - worth,
                    "label": None if word is None else str(word),
                    "missing": event.missing.get(item, NO_REASON) if word is None else None,
                    "weighted": None if word is None else False,
                }
                rows.append(MeasureRow(**{**fields, **own}))
    return rows
