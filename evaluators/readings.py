"""What readers found, beside what was said: one row per answer, and the figures that are made of them.

Laws: an answer that is missing stays missing and is counted; an answer to another transcript than the log's is
refused; means are over conversations, not over turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from confide.evaluators.length import AtEqualLength, Compared, compare
from confide.evaluators.rubric import Choice, Labels, Level, LoadedRubric, Rubric, Scale, Turns, parse_rubric
from confide.evaluators.statistics import (
    Agreement,
    Interval,
    bootstrap,
    krippendorff_alpha,
    masi,
    nominal,
    squared,
)
from confide.evaluators.talks import Talk, events_of, talk_of
from confide.scenarios import ConfideError, Role
from confide.simulator import AnyEvent, Measured, MeasureFolder, Read, RunFolder, read_log
from confide.simulator.events import MeasuredValue
from confide.simulator.observing import address_of, lines_of


class Row(NamedTuple):
    """One answer of a reader's."""

    talk: Talk
    turn: int | None
    """The turn that it is about; None for the whole conversation."""
    role: Role | None
    repeat: int
    values: Mapping[str, MeasuredValue]
    missing: Mapping[str, str]
    """For each null: why."""


class Readings(NamedTuple):
    """All answers of one reader in a run."""

    loaded: LoadedRubric
    model: str
    caveat: str | None
    """What a reader of the figures must know about the model."""
    repeats: int
    rows: list[Row]
    unread: int
    """Finished conversations that it has not read to their end."""

    @property
    def rubric(self) -> Rubric:
        """What was asked."""
        return self.loaded.rubric


class Talked(NamedTuple):
    """A finished conversation, and the address of what was said in it."""

    talk: Talk
    transcript: str


def talks_of(run: RunFolder) -> dict[str, Talked]:
    """The finished conversations of a run, by id.

    Raises:
        InputFileError: a log is damaged.
    """
    found = {}
    for events in events_of(run):
        talk = talk_of(events)
        found[talk.conversation] = Talked(talk, address_of(lines_of(events)))
    return found


def side_logs(folder: MeasureFolder, talks: Mapping[str, Talked]) -> Iterator[tuple[Talk, list[AnyEvent]]]:
    """A reader's finished side logs, each with the conversation that it is about.

    Raises:
        InputFileError: a side log is damaged.
        ConfideError: the run has no such conversation, or it was read from another transcript.
    """
    for log in folder.logs():
        talked = talks.get(log.stem)
        if talked is None:
            raise ConfideError(f"{log}: the run has no finished conversation of this name")
        yield talked.talk, read_side_log(log, talked.transcript)


def read_side_log(log: Path, transcript: str) -> list[AnyEvent]:
    """The events of a finished side log.

    Args:
        log: the file.
        transcript: the address of what was said in the conversation, which the reader must have read.

    Raises:
        InputFileError: it is damaged.
        ConfideError: it was read from another transcript.
    """
    events = read_log(log).events
    end = events[-1] if events else None
    if not isinstance(end, Read) or end.transcript != transcript:
        raise ConfideError(f"{log}: it was read from another transcript than the conversation's: delete it")
    return events


def read_readings(folder: MeasureFolder, talks: Mapping[str, Talked]) -> Readings:
    """What one reader found.

    Raises:
        InputFileError: a side log is damaged.
        ConfideError: it read something else than the log says.
    """
    loaded = parse_rubric(folder.path / "measure.json", folder.record.rubric)
    rows = []
    read, caveat = 0, None
    for talk, events in side_logs(folder, talks):
        read += 1
        for event in events:
            if isinstance(event, Measured):
                rows.append(Row(talk, event.turn, event.role, event.repeat, event.values, event.missing))
            elif event.kind == "reading" and event.card is not None:
                caveat = event.card.caveat
    return Readings(loaded, folder.record.model, caveat, folder.record.repeats, rows, len(talks) - read)


class ItemFigures(NamedTuple):
    """One item of a rubric, for one condition and role."""

    measure: str
    item: str
    condition: str
    role: Role | None
    conversations: int
    answers: int
    """Answers that are there."""
    missing: dict[str, int]
    """Answers that are not, by reason."""
    mean: float | None
    """For scales, levels and lists of turns (their length): mean over conversations of the conversation's mean."""
    interval: Interval | None
    """95 % interval of the mean, by resampling conversations."""
    shares: dict[str, float] | None
    """For words and labels: mean over conversations of each one's share of the answers."""
    repeats: Agreement | None
    """Krippendorff's alpha over the repeats: nominal for words, MASI for labels, interval for numbers; None for one."""
    words: float | None
    """Mean words of the supporter's in these conversations: judges are known to favour length."""


def figures(readings: Readings, seed: int = 0) -> list[ItemFigures]:
    """The figures of one reader, by item, condition and role.

    Args:
        readings: what it found.
        seed: of the resampling.
    """
    found = []
    for item in readings.rubric.items:
        groups: dict[tuple[str, Role | None], list[Row]] = {}
        for row in readings.rows:
            if item.id in row.values:
                groups.setdefault((row.talk.condition, row.role), []).append(row)
        for (condition, role), rows in groups.items():
            found.append(_figures(readings, item.id, condition, role, rows, seed))
    return found


def _figures(
    readings: Readings, item: str, condition: str, role: Role | None, rows: list[Row], seed: int
) -> ItemFigures:
    form = next(each.answer for each in readings.rubric.items if each.id == item)
    there = [row for row in rows if row.values[item] is not None]
    talks: dict[str, list[Row]] = {}
    for row in there:
        talks.setdefault(row.talk.conversation, []).append(row)
    counted = isinstance(form, Choice | Labels)
    means = [] if counted else [_mean([_number(row.values[item]) for row in talk]) for talk in talks.values()]
    told = {row.talk.conversation: row.talk for row in rows}
    return ItemFigures(
        measure=readings.rubric.id,
        item=item,
        condition=condition,
        role=role,
        conversations=len(talks),
        answers=len(there),
        missing=dict(Counter(row.missing[item] for row in rows if row.values[item] is None)),
        mean=_mean(means) if means else None,
        interval=bootstrap(means, _mean, seed) if means else None,
        shares=_shares([[row.values[item] for row in talk] for talk in talks.values()]) if counted and talks else None,
        repeats=_over_repeats(rows, item, form) if readings.repeats > 1 else None,
        words=_mean([_supporter_words(talk) for talk in told.values()]),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _number(value: MeasuredValue) -> float:
    """A scale's or a level's number; of a list of turns, how many they are."""
    if isinstance(value, int | float):
        return float(value)
    return float(len(value or ()))


def _supporter_words(talk: Talk) -> float:
    return float(sum(turn.words for turn in talk.turns if turn.role is Role.SUPPORTER))


def _names(value: MeasuredValue) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else (str(value),)


def _shares(talks: Iterable[Sequence[MeasuredValue]]) -> dict[str, float]:
    """Mean over conversations of each word's share; a conversation counts 1, however many turns it has."""
    total: Counter[str] = Counter()
    size = 0
    for values in talks:
        size += 1
        names = [name for value in values for name in _names(value)]
        for name, count in Counter(names).items():
            total[name] += count / len(names)  # type: ignore[assignment]  # a Counter holds fractions as well
    return {name: share / size for name, share in total.most_common()}


def _over_repeats(rows: Sequence[Row], item: str, form: object) -> Agreement:
    units: dict[tuple[str, int | None], list[MeasuredValue]] = {}
    for row in rows:
        units.setdefault((row.talk.conversation, row.turn), []).append(row.values[item])
    if isinstance(form, Labels | Turns):
        sets = [[None if value is None else frozenset(_names(value)) for value in unit] for unit in units.values()]
        return krippendorff_alpha(sets, masi)
    if isinstance(form, Choice):
        return krippendorff_alpha(list(units.values()), nominal)
    numbers = [[None if value is None else _number(value) for value in unit] for unit in units.values()]
    return krippendorff_alpha(numbers, squared)


class Difference(NamedTuple):
    """A score under one condition less that under another, within pair keys."""

    item: str
    one: str
    other: str
    difference: AtEqualLength


def differences(readings: Readings) -> list[Difference]:
    """Differences of scores between conditions, as they are and at equal length.

    Args:
        readings: of a rubric about whole conversations; its scales and levels are compared.
    """
    found = []
    if readings.rubric.unit != "conversation":
        return []
    for item in readings.rubric.items:
        if not isinstance(item.answer, Scale | Level):
            continue
        scores: dict[str, dict[str, _Scored]] = {}
        for row in readings.rows:
            if row.values.get(item.id) is not None and row.role is Role.SUPPORTER:
                of_condition = scores.setdefault(row.talk.condition, {})
                scored = of_condition.setdefault(row.talk.pair_key, _Scored([], _supporter_words(row.talk)))
                scored.values.append(_number(row.values[item.id]))
        for one, other in combinations(scores, 2):
            shared = [key for key in scores[one] if key in scores[other]]
            pairs = [_compared(key, scores[one][key], scores[other][key]) for key in shared]
            found.append(Difference(item.id, one, other, compare(pairs, preference=False)))
    return found


class _Scored(NamedTuple):
    values: list[float]
    words: float


def _compared(pair_key: str, one: _Scored, other: _Scored) -> Compared | None:
    if not one.words or not other.words:
        return None
    return Compared(pair_key, _mean(one.values) - _mean(other.values), one.words, other.words)
