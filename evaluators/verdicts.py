"""What pairwise judgements come to: wins, inconsistency, the pull of the first place, and all of it at equal length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from confide.evaluators.length import AtEqualLength, Compared, compare
from confide.evaluators.pairwise import Pair, Winner, address_of_pair, first_share, winners
from confide.evaluators.rubric import Rubric
from confide.evaluators.statistics import Agreement, krippendorff_alpha, nominal
from confide.scenarios import ConfideError
from confide.simulator import Measured, MeasureFolder, Read, read_log


class Verdict(NamedTuple):
    """One item, for one pair of conditions."""

    item: str
    one: str
    """Condition of the one; for two runs with the run's id."""
    other: str
    """Condition of the other."""
    pairs: int
    """Pairs of conversations that were judged."""
    counts: dict[str, int]
    """Judgements by who wins: ``one``, ``other``, ``tie``, ``inconsistent``; a judgement is both orders together."""
    missing: dict[str, int]
    """Answers that are missing, by reason."""
    first: float | None
    """Share of answers for whichever came first, among those that name a winner, where both orders were answered; one
    half without bias."""
    rate: AtEqualLength
    """Win rate of the one, 0 to 1, over pairs: a tie and an inconsistent judgement count one half, and a pair's repeats
    are averaged; and the same at equal length."""
    repeats: Agreement | None
    """Krippendorff's alpha of the winners over the repeats; None for one repeat."""
    words: float
    """Mean words of the one's supporter."""
    other_words: float
    """Mean words of the other's."""


class _Judged(NamedTuple):
    pair: Pair
    answers: dict[int, Measured]


def verdicts(rubric: Rubric, pairs: Sequence[Pair], folder: MeasureFolder) -> list[Verdict]:
    """What the judgements of ``pairs`` come to, as far as they are there.

    Raises:
        InputFileError: a log is damaged.
        ConfideError: a log is of other transcripts than the conversations'.
    """
    two_runs = folder.record.against is not None
    groups: dict[tuple[str, str], list[_Judged]] = {}
    for pair in pairs:
        log = folder.final(pair.id)
        if not folder.is_finished(pair.id):
            continue
        events = read_log(log).events
        if not isinstance(events[-1], Read) or events[-1].transcript != address_of_pair(pair):
            raise ConfideError(f"{log}: other transcripts than the conversations' were judged: delete it")
        answers = {event.repeat: event for event in events if isinstance(event, Measured)}
        names = [f"{side.run} {side.condition}" if two_runs else side.condition for side in (pair.one, pair.other)]
        groups.setdefault((names[0], names[1]), []).append(_Judged(pair, answers))
    return [
        _verdict(item.id, one, other, judged, folder.record.repeats)
        for (one, other), judged in groups.items()
        for item in rubric.items
    ]


def _verdict(item: str, one: str, other: str, judged: Sequence[_Judged], repeats: int) -> Verdict:
    found = [winners(each.answers, item) for each in judged]
    answers = [answer for each in judged for answer in each.answers.values()]
    compared = [
        _compared(each.pair, [winner for winner in won if winner is not None])
        for each, won in zip(judged, found, strict=True)
        if any(won)
    ]
    return Verdict(
        item=item,
        one=one,
        other=other,
        pairs=len(judged),
        counts=dict(Counter(winner for won in found for winner in won if winner is not None)),
        missing=dict(Counter(answer.missing[item] for answer in answers if item in answer.missing)),
        first=first_share([each.answers for each in judged], item),
        rate=compare(compared, preference=True),
        repeats=krippendorff_alpha(found, nominal) if repeats > 1 else None,
        words=sum(each.pair.one.words for each in judged) / len(judged),
        other_words=sum(each.pair.other.words for each in judged) / len(judged),
    )


def _compared(pair: Pair, winners: Sequence[Winner]) -> Compared:
    """A pair counts once, however many of its repeats could be read."""
    value = sum({"one": 1.0, "other": 0.0}.get(winner, 0.5) for winner in winners) / len(winners)
    return Compared(pair.pair_key, value, pair.one.words, pair.other.words)
