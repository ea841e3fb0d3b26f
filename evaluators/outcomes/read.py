"""The outcomes of runs, talk by talk. Law: one pass over the logs, and no more than one of them is held at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from confide.evaluators.disclosure import facts_told
from confide.evaluators.outcomes.names import (
    Answer,
    Known,
    Parsed,
    StrategyShare,
    TalkFigure,
    Telling,
    TraitScore,
    outcome_of,
)
from confide.evaluators.outcomes.said import (
    Spoken,
    Strategies,
    Value,
    missing,
    share_value,
    strategies_of,
    talk_value,
    telling_value,
)
from confide.evaluators.outcomes.sides import Sides, TalkSides
from confide.evaluators.talks import events_in, talk_of
from confide.scenarios import ConfideError
from confide.simulator import AnyEvent, Ended, Imported, RunFolder, Started, read_log


class Arm(NamedTuple):
    """What a conversation was an arm of."""

    condition: str
    cast: str | None = None
    """Which models played, where an experiment has several casts; else None."""

    def __str__(self) -> str:
        return self.condition if self.cast is None else f"{self.condition}+{self.cast}"


class TalkOutcomes(NamedTuple):
    """The outcomes of one conversation."""

    run: str
    conversation: str
    arm: Arm
    pair_key: str
    finished: bool
    end: str | None
    """Why it ended; None while it has not."""
    values: Mapping[str, Value]
    """By the outcomes' names."""
    strategies: Strategies | None
    """None where the supporter declared none, or the conversation has not ended."""


def arm_of(condition: str) -> Arm:
    """An arm from how talks name it: ``CONDITION``, or ``CONDITION+CAST``."""
    name, _, cast = condition.partition("+")
    return Arm(name, cast or None)


def talk_outcomes(
    run: RunFolder, names: Sequence[str], reader: str | None = None, labels: Sequence[str] = ()
) -> Iterator[TalkOutcomes]:
    """The outcomes of every conversation of a run that was begun, finished ones first.

    Args:
        run: the run.
        names: the outcomes, as :func:`outcome_of` knows them.
        reader: the model that counts where several read the same.
        labels: strategies that outcomes may name beside the run's own, as of other runs.

    Raises:
        ConfideError: an outcome is unknown, or a side log was read from another transcript than the log's.
        InputFileError: a log is damaged.
    """
    sides = Sides(run, reader)
    known = sides.known([*labels_of(run), *labels])
    parsed = {name: outcome_of(name, known) for name in names}
    for log in run.logs():
        events = events_in(log, run.final(log.stem))
        if events:  # else it was killed before its first line was whole
            yield _outcomes(run.record.id, log, events, parsed, sides)


def known_in(run: RunFolder) -> Known:
    """What names of outcomes may refer to in a run."""
    return Sides(run, None).known(labels_of(run))


def labels_of(run: RunFolder) -> tuple[str, ...]:
    """The strategies of a run's taxonomies."""
    if run.record.scenarios:
        return tuple(dict.fromkeys(label for item in run.record.scenarios for label in item.taxonomy.labels))
    for log in run.logs():
        opening = next(iter(read_log(log).events), None)
        if isinstance(opening, Started | Imported):
            return opening.taxonomy.labels
    return ()


def outcomes_of_runs(runs: Sequence[RunFolder], names: Sequence[str], reader: str | None = None) -> list[TalkOutcomes]:
    """The outcomes of all conversations of several runs; arguments and errors as for :func:`talk_outcomes`.

    A strategy need be in the taxonomy of one run only; in talks of the others it is missing.
    """
    labels = [label for run in runs for label in labels_of(run)]
    return [talk for run in runs for talk in talk_outcomes(run, names, reader, labels)]


def _outcomes(
    run: str, log: Path, events: Sequence[AnyEvent], parsed: Mapping[str, Parsed], sides: Sides
) -> TalkOutcomes:
    opening, end = events[0], events[-1]
    if not isinstance(opening, Started | Imported):
        raise ConfideError(f"{log}: a log begins with its 'started' event")
    talk = talk_of(events)
    arm = arm_of(talk.condition)
    if not isinstance(end, Ended):
        values = {name: missing("unfinished") for name in parsed}
        return TalkOutcomes(run, talk.conversation, arm, talk.pair_key, False, None, values, None)  # noqa: FBT003
    spoken = Spoken(talk, facts_told(events), opening.taxonomy.labels, isinstance(opening, Started))
    beside = sides.of(events, talk)
    values = {name: _value(wanted, spoken, beside) for name, wanted in parsed.items()}
    found = strategies_of(spoken)
    return TalkOutcomes(run, talk.conversation, arm, talk.pair_key, True, end.reason.value, values, found)  # noqa: FBT003


def _value(wanted: Parsed, spoken: Spoken, beside: TalkSides) -> Value:
    match wanted:
        case TalkFigure():
            return talk_value(wanted, spoken)
        case StrategyShare():
            return share_value(wanted, spoken)
        case Telling():
            return telling_value(wanted, spoken)
        case TraitScore():
            return beside.trait_value(wanted)
        case Answer():
            return beside.answer_value(wanted)
