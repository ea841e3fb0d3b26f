"""Rows of one conversation, made of its log: the conversation, its turns, its facts.

Law: people have no private state and nobody read their words for facts: what was not asked or read is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from confide.agents import SeekerReply, SupporterReply
from confide.evaluators.disclosure import FactTold, facts_told
from confide.evaluators.statistics import entropy
from confide.evaluators.summary import HUMAN, Summary, summarise
from confide.evaluators.tabular.rows import ConversationRow, FactRow, TurnRow
from confide.evaluators.talks import QUESTION_MARKS
from confide.scenarios import ConfideError, Fact, Role
from confide.simulator import AnyEvent, Called, Ended, Failed, Imported, Learned, Noticed, Spoke, Started

SUGGESTION: Final = "Providing Suggestions"


class Lead(NamedTuple):
    """What all rows of a conversation begin with."""

    run: str
    conversation: str
    scenario: str
    condition: str
    pair_key: str


class Told(NamedTuple):
    """One conversation as its log tells it."""

    lead: Lead
    opening: Started | Imported
    events: Sequence[AnyEvent]
    finished: bool

    @property
    def started(self) -> Started | None:
        """How it began; None for people's conversations."""
        return self.opening if isinstance(self.opening, Started) else None


def told_by(run: str, events: Sequence[AnyEvent]) -> Told:
    """A conversation from its log.

    Raises:
        ConfideError: the log has no beginning.
    """
    opening = events[0]
    if not isinstance(opening, Started | Imported):
        raise ConfideError("a log begins with its 'started' event")
    scenario = opening.scenario.id if isinstance(opening, Started) else opening.source
    condition = opening.condition.id if isinstance(opening, Started) else HUMAN
    lead = Lead(run, opening.conversation, scenario, condition, opening.pair_key)
    return Told(lead, opening, events, isinstance(events[-1], Ended))


def conversation_row(told: Told, seed: int) -> ConversationRow:
    """The row of a conversation; ``seed`` is the run's."""
    spoken = [event for event in told.events if isinstance(event, Spoke)]
    summary = summarise(told.events)
    return ConversationRow(
        **told.lead._asdict(),
        seed=seed,
        **_setting(told),
        finished=told.finished,
        end_reason=summary.ended,
        end_detail=summary.detail,
        turns=len(spoken),
        **_speech(spoken),
        **_strategies(spoken),
        **_states([event.reply for event in spoken if isinstance(event.reply, SeekerReply)]),
        **_facts(told),
        **_calls(told, summary),
    )


_UNSET_FOR_PEOPLE: Final = (
    "persona_key", "replicate", "writer", "seeker_sees", "supporter_sees", "seeker_persona", "supporter_persona",
    "telling", "seeker_model", "supporter_model", "caveat", "intensity", "parent_run", "parent", "forked_at", "began",
)  # fmt: skip


def _setting(told: Told) -> dict[str, Any]:
    opening = told.opening
    if isinstance(opening, Imported):
        known = {"taxonomy": opening.taxonomy.id, "problem": opening.problem, "emotion": opening.emotion}
        return {**dict.fromkeys(_UNSET_FOR_PEOPLE), **known}
    condition, scenario, cast, parent = opening.condition, opening.scenario, opening.cast, opening.parent
    personas, replicate = _parts(opening.pair_key)
    caveats = dict.fromkeys(card.caveat for card in (cast.seeker, cast.supporter) if card.caveat)
    return {
        "persona_key": personas,
        "replicate": replicate,
        "writer": condition.writer.value,
        "seeker_sees": tuple(sorted(condition.sees(Role.SEEKER))),
        "supporter_sees": tuple(sorted(condition.sees(Role.SUPPORTER))),
        "seeker_persona": condition.shows_persona(Role.SEEKER),
        "supporter_persona": condition.shows_persona(Role.SUPPORTER),
        "telling": condition.telling.value,
        "seeker_model": cast.seeker.name,
        "supporter_model": cast.supporter.name,
        "caveat": "; ".join(caveats) or None,
        "taxonomy": opening.taxonomy.id,
        "problem": scenario.problem,
        "emotion": scenario.seeker.emotion,
        "intensity": scenario.seeker.intensity,
        "parent_run": parent.run if parent else None,
        "parent": parent.conversation if parent else None,
        "forked_at": parent.at if parent else None,
        "began": time_of(opening),
    }


class _Parts(NamedTuple):
    """What a pair key says beside the scenario."""

    personas: str | None
    replicate: int | None


def _parts(pair_key: str) -> _Parts:
    """The parts of a pair key; who sets up a talk of their own in Python may give one of another form."""
    parts = pair_key.split("/")
    if len(parts) != 3 or not parts[2].isdecimal():
        return _Parts(None, None)
    return _Parts(parts[1], int(parts[2]))


def time_of(event: AnyEvent) -> datetime | None:
    """When an event was logged."""
    return None if event.at is None else datetime.fromtimestamp(event.at, UTC)


def words_in(text: str) -> int:
    """Words, as white space parts them."""
    return len(text.split())


def asks(text: str) -> bool:
    """Whether there is a question mark in it."""
    return any(mark in text for mark in QUESTION_MARKS)


def _speech(spoken: Sequence[Spoke]) -> dict[str, Any]:
    sides = {role: [event.reply.utterance for event in spoken if event.role is role] for role in Role}
    found = {f"{role}_turns": len(said) for role, said in sides.items()}
    found |= {f"{role}_words": sum(map(words_in, said)) for role, said in sides.items()}
    return {**found, "supporter_questions": sum(map(asks, sides[Role.SUPPORTER]))}


def _strategies(spoken: Sequence[Spoke]) -> dict[str, Any]:
    labelled = {
        event.turn: event.reply.strategies for event in spoken if isinstance(event.reply, SupporterReply)
    }  # fmt: skip
    counts = Counter(label for labels in labelled.values() for label in labels or ())
    first = next((turn for turn, labels in labelled.items() if SUGGESTION in (labels or ())), None)
    return {
        "unlabelled": sum(labels is None for labels in labelled.values()),
        "strategies_entropy": entropy(list(counts.values())) if counts else None,
        "first_suggestion": first,
        "first_suggestion_position": None if first is None else first / len(spoken),
    }


def _states(replies: Sequence[SeekerReply]) -> dict[str, Any]:
    distress = [reply.emotion for reply in replies if reply.emotion is not None]
    trust = [reply.trust for reply in replies if reply.trust is not None]
    return {
        "distress_first": distress[0] if distress else None,
        "distress_last": distress[-1] if distress else None,
        "trust_first": trust[0] if trust else None,
        "trust_last": trust[-1] if trust else None,
    }


def _facts(told: Told) -> dict[str, Any]:
    rows = facts_told(told.events)
    found: dict[str, int | None] = {}
    for role in Role:
        own = [row for row in rows if row.role is role]
        known = told.started is not None
        found[f"{role}_facts"] = len(own) if known else None
        found[f"{role}_facts_told"] = sum(row.told_at is not None for row in own) if known else None
        found[f"{role}_facts_spoken_untold"] = sum(row.foreknown_at is not None for row in own) if known else None
    return found


_CALLS: Final = (
    "calls", "unreadable", "failed_tries", "prompt_tokens", "cached_tokens", "completion_tokens", "cost",
)  # fmt: skip


def _calls(told: Told, summary: Summary) -> dict[str, Any]:
    if told.started is None:
        return dict.fromkeys((*_CALLS, "failed_calls", "seconds"))
    seconds = [event.seconds for event in told.events if isinstance(event, Called)]
    known = [each for each in seconds if each is not None]
    return {
        **{name: getattr(summary, name) for name in _CALLS},
        "failed_calls": sum(isinstance(event, Failed) and event.stage == "call" for event in told.events),
        "seconds": sum(known) if len(known) == len(seconds) else None,
    }


class _Facts(NamedTuple):
    """What the events of one turn say of facts."""

    said: dict[str, tuple[str, ...]]
    """By what the words do."""
    learned: tuple[str, ...]


_NOTHING: Final = _Facts({}, ())


def turn_rows(told: Told) -> list[TurnRow]:
    """The rows of a conversation's turns."""
    facts = _facts_by_turn(told.events)
    return [_turn(told, event, facts.get(event.turn, _NOTHING)) for event in told.events if isinstance(event, Spoke)]


def _facts_by_turn(events: Iterable[AnyEvent]) -> dict[int, _Facts]:
    found: dict[int, _Facts] = {}
    for event in events:
        if isinstance(event, Noticed):
            said, learned = found.get(event.turn, _NOTHING)
            found[event.turn] = _Facts({**said, event.what: (*said.get(event.what, ()), event.fact)}, learned)
        elif isinstance(event, Learned):
            said, learned = found.get(event.turn, _NOTHING)
            found[event.turn] = _Facts(said, (*learned, event.fact))
    return found


def _turn(told: Told, event: Spoke, facts: _Facts) -> TurnRow:
    started, reply = told.started, event.reply
    seeker = reply if isinstance(reply, SeekerReply) else None
    supporter = reply if isinstance(reply, SupporterReply) else None
    parent = started.parent if started else None
    taken_over = parent is not None and (
        event.turn < parent.at or (parent.imposed is not None and event.turn == parent.at)
    )

    def said(what: str) -> tuple[str, ...] | None:
        return facts.said.get(what, ()) if started else None

    return TurnRow(
        **told.lead._asdict(),
        finished=told.finished,
        turn=event.turn,
        role=event.role.value,
        model=None if started is None or taken_over else started.cast.of(event.role).name,
        taken_over=taken_over,
        utterance=reply.utterance,
        words=words_in(reply.utterance),
        question=asks(reply.utterance),
        messages=None if event.messages is None else len(event.messages),
        strategies=supporter.strategies if supporter else None,
        distress=seeker.emotion if seeker else None,
        trust=seeker.trust if seeker else None,
        told=reply.told,
        noticed=said("undeclared"),
        unsaid=said("unsaid"),
        learned=facts.learned if started else None,
        asked=said("asked"),
        spoken_untold=said("inferred"),
        private=seeker.thoughts if seeker else supporter.notes if supporter else None,
        wants_to_end=reply.wants_to_end,
    )


def fact_rows(told: Told) -> list[FactRow]:
    """The rows of a conversation's facts; none where people spoke."""
    started = told.started
    if started is None:
        return []
    facts = {fact.id: fact for role in Role for fact in started.scenario.role(role).facts}
    return [_fact(told, row, facts[row.fact]) for row in facts_told(told.events)]


def _fact(told: Told, row: FactTold, fact: Fact) -> FactRow:
    return FactRow(
        **told.lead._asdict(),
        finished=told.finished,
        turns=row.turns,
        owner=row.role.value,
        fact=row.fact,
        text=fact.text,
        reveal=row.reveal.value,
        trust=fact.trust,
        after=fact.after,
        told_at=row.told_at,
        told_position=None if row.told_at is None else row.told_at / row.turns,
        how=row.how,
        asked_at=row.asked_at,
        asked_before=None if row.prompted is None else row.prompted == "asked",
        against_rule=row.against_rule,
        spoken_untold_at=row.foreknown_at,
        unsaid=row.unsaid,
    )
