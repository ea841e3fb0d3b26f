"""What the shipped rubrics' answers mean: agreement on strategies, consistency, role identity, distress, preference.

Laws: means are over conversations; what is missing on either side leaves a pair out and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from confide.evaluators.readings import Readings, Row
from confide.evaluators.statistics import (
    Agreement,
    Confusion,
    Interval,
    Preference,
    bootstrap,
    confusion,
    krippendorff_alpha,
    masi,
    strategy_preference,
    two_raters,
)
from confide.evaluators.talks import Talk, TalkTurn
from confide.scenarios import Role

FIFTHS = 5


class Labelled(NamedTuple):
    """Declared strategies against those that a reader finds in the words."""

    condition: str
    kappa: Agreement
    """Cohen's kappa of the first label of each."""
    alpha: Agreement
    """Krippendorff's alpha of the lists of labels as sets, by MASI distance."""
    by_label: dict[str, Agreement]
    """Cohen's kappa of each label's being named at all."""
    confusion: Confusion
    """Rows: declared; columns: read."""


def declared_and_read(readings: Readings, labels: Sequence[str]) -> list[Labelled]:
    """Compare, by condition, what supporters declare (or people were labelled with) with what a reader finds.

    Args:
        readings: of a rubric with a ``strategies`` item; the first repeat counts.
        labels: the taxonomy's.
    """
    found = []
    for condition, rows in _by_condition(readings).items():
        declared = [_turn(row).strategies for row in rows]
        read = [_names(row.values["strategies"]) for row in rows]
        by_label = {
            label: two_raters([_has(names, label) for names in declared], [_has(names, label) for names in read])
            for label in labels
        }
        units = [
            [None if names is None else frozenset(names) for names in pair] for pair in zip(declared, read, strict=True)
        ]
        found.append(
            Labelled(
                condition=condition,
                kappa=two_raters(_firsts(declared), _firsts(read)),
                alpha=krippendorff_alpha(units, masi),
                by_label=by_label,
                confusion=confusion(labels, declared, read),
            )
        )
    return found


class Preferred(NamedTuple):
    """What a model would rather do than the supporters whose talks it was shown."""

    condition: str
    preference: Preference
    accuracy: float | None
    """Share of turns where its first choice is among the strategies of the turn."""
    turns: int
    """Turns of which both are known."""


def preferred(readings: Readings, labels: Sequence[str]) -> list[Preferred]:
    """A model's preference among strategies (Kang et al., 2024), by condition; for people's talks, its own bias.

    Args:
        readings: of a rubric with a ``strategies`` item about hidden lines; the first repeat counts.
        labels: the taxonomy's.
    """
    found = []
    for condition, rows in _by_condition(readings).items():
        done = [_turn(row).strategies for row in rows]
        chosen = [_names(row.values["strategies"]) for row in rows]
        first = [None if names is None else names[:1] for names in chosen]
        both = [(one[0] in other) for one, other in zip(first, done, strict=True) if one and other]
        matrix = confusion(labels, first, done)
        accuracy = sum(both) / len(both) if both else None
        found.append(Preferred(condition, strategy_preference(matrix), accuracy, len(both)))
    return found


class Trend(NamedTuple):
    """A figure over the course of the talk."""

    measure: str
    condition: str
    role: Role
    conversations: int
    overall: float | None
    """Mean over conversations of the conversation's mean."""
    interval: Interval | None
    by_fifth: tuple[float | None, ...]
    """The same for the turns of each fifth of the talk."""


def prompt_to_line(readings: Readings) -> list[Trend]:
    """Share of turns that do not contradict the persona (Abdulhai et al., 2025), 0 to 1."""
    return _trends(readings, "prompt-to-line", lambda row: _is_not(row.values["fits"], "CONTRADICTS"))


def line_to_line(readings: Readings) -> list[Trend]:
    """1 - share of a turn's earlier own turns that it contradicts (Abdulhai et al., 2025), 0 to 1."""

    def value(row: Row) -> float | None:
        named, turn = row.values["contradicts"], row.turn
        if not isinstance(named, tuple) or turn is None:
            return None
        earlier = sum(each.role is row.role and each.turn < turn for each in row.talk.turns)
        return 1 - len(named) / earlier if earlier else None

    return _trends(readings, "line-to-line", value)


def own_role(readings: Readings) -> list[Trend]:
    """Share of turns that sound like the role that speaks, 0 to 1; unclear ones are left out."""

    def value(row: Row) -> float | None:
        sounds = row.values["sounds_like"]
        if sounds is None or sounds == "UNCLEAR" or row.role is None:
            return None
        return float(sounds == row.role.value.upper())

    return _trends(readings, "own role", value)


def observed_distress(readings: Readings) -> list[Trend]:
    """The seeker's distress as a reader sees it, 0 to 100."""
    return _trends(readings, "distress, observed", lambda row: _level(row.values["distress"]))


def reported_distress(talks: Iterable[Talk], step: int | None = None) -> list[Trend]:
    """The seeker's distress as it reports it itself, 0 to 100.

    Args:
        talks: the conversations.
        step: most by which the trace may move from turn to turn, to be compared with a reader's; see :func:`bounded`.
    """
    groups: dict[tuple[str, Role], dict[str, list[tuple[int, float]]]] = {}
    for talk in talks:
        turns = [(index, turn.distress) for index, turn in enumerate(talk.turns) if turn.role is Role.SEEKER]
        levels = [level for _, level in turns]
        for (index, _), level in zip(turns, bounded(levels, step) if step else levels, strict=True):
            if level is not None:
                found = groups.setdefault((talk.condition, Role.SEEKER), {}).setdefault(talk.conversation, [])
                found.append((FIFTHS * index // len(talk.turns), float(level)))
    name = f"distress, reported, in steps of {step}" if step else "distress, reported"
    return _trends_of(name, groups)


def bounded(levels: Sequence[int | None], step: int) -> tuple[int | None, ...]:
    """A trace that follows ``levels`` in steps of at most ``step``; it stands still over what is missing.

    The first level that is there is taken whole. Where a level is missing the bounded one is missing too.
    """
    found: list[int | None] = []
    last: int | None = None
    for level in levels:
        if level is None:
            found.append(None)
            continue
        last = level if last is None else last + max(-step, min(step, level - last))
        found.append(last)
    return tuple(found)


def _trends(readings: Readings, measure: str, value: Callable[[Row], float | None]) -> list[Trend]:
    groups: dict[tuple[str, Role], dict[str, list[tuple[int, float]]]] = {}
    for row in readings.rows:
        number = value(row)
        if number is None or row.role is None or row.turn is None:
            continue
        fifth = FIFTHS * _place(row.talk, row.turn) // len(row.talk.turns)
        talks = groups.setdefault((row.talk.condition, row.role), {})
        talks.setdefault(row.talk.conversation, []).append((fifth, number))
    return _trends_of(measure, groups)


def _trends_of(measure: str, groups: dict[tuple[str, Role], dict[str, list[tuple[int, float]]]]) -> list[Trend]:
    """From the numbers of each conversation, with their fifths, to means over conversations."""
    found = []
    for (condition, role), by_talk in groups.items():
        means = [_mean([number for _, number in talk]) for talk in by_talk.values()]
        fifths = []
        for fifth in range(FIFTHS):
            within = [[number for at, number in talk if at == fifth] for talk in by_talk.values()]
            there = [_mean(numbers) for numbers in within if numbers]
            fifths.append(_mean(there) if there else None)
        found.append(
            Trend(measure, condition, role, len(means), _mean(means), bootstrap(means, _mean, 0), tuple(fifths))
        )
    return found


def _place(talk: Talk, turn: int) -> int:
    return next(index for index, each in enumerate(talk.turns) if each.turn == turn)


def _by_condition(readings: Readings) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in readings.rows:
        if row.repeat == 0:
            groups.setdefault(row.talk.condition, []).append(row)
    return groups


def _turn(row: Row) -> TalkTurn:
    return next(turn for turn in row.talk.turns if turn.turn == row.turn)


def _names(value: object) -> tuple[str, ...] | None:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else None


def _firsts(lists: Sequence[tuple[str, ...] | None]) -> list[str | None]:
    return [names[0] if names else None for names in lists]


def _has(names: tuple[str, ...] | None, label: str) -> bool | None:
    return None if names is None else label in names


def _is_not(value: object, word: str) -> float | None:
    return None if value is None else float(value != word)


def _level(value: object) -> float | None:
    return float(value) if isinstance(value, int) else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
