"""A conversation as the page gets it. Law: everything comes from the log and the side logs; nothing is made up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from confide.agents import SeekerReply, SupporterReply
from confide.evaluators.summary import HUMAN
from confide.evaluators.talks import talk_of
from confide.scenarios import InputFileError, Problem, Role
from confide.simulator import AnyEvent, Ended, Imported, Noticed, RunFolder, Spoke, Started
from confide.simulator.information import asked_about, information, knowledge
from confide.simulator.log import digest_of, salvage
from confide.simulator.observing import address_of, lines_of
from confide.viewer.beside import Beside, FiguresOf, beside, talk_folders
from confide.viewer.calls import calls_of, writes_both
from confide.viewer.documents import (
    Calls,
    FactInfo,
    Kin,
    Knowing,
    Message,
    Named,
    Parent,
    Setting,
    Side,
    State,
    Talk,
    Turn,
)
from confide.viewer.keys import key_of

ALTERED: Final = "its lines are not those that were written: its last line holds the content address of all before it"
CUT: Final = "it is committed, and has no last line: something was cut off"

UNTITLED: Final = "conversation"
"""Title, for a blind reader, of one that has not begun: its id says what it was to be made under."""


class Opened(NamedTuple):
    """A log that was read as far as it goes."""

    events: list[AnyEvent]
    state: State
    damage: str | None
    """What is wrong with it; None if nothing is."""


def open_log(run: RunFolder, conversation: str) -> Opened:
    """Read a conversation's log.

    Raises:
        InputFileError: there is none, or it cannot be read.
    """
    final = run.final(conversation)
    if not run.is_finished(conversation):
        try:
            return _open(run.live(conversation), committed=False)
        except InputFileError:
            if not run.is_finished(conversation):  # else it was finished since
                raise
    return _open(final, committed=True)


def _open(file: Path, *, committed: bool) -> Opened:
    (events, _), damage = salvage(file)
    if damage is not None:
        return Opened(events, "damaged", _line(damage))
    if events and not isinstance(events[0], Started | Imported):
        return Opened([], "damaged", f"line 1: a log begins with its 'started' event, not with '{events[0].kind}'")
    end = events[-1] if events else None
    if not isinstance(end, Ended):
        return Opened(events, "damaged" if committed else "open", CUT if committed else None)
    try:
        written = digest_of(file)
    except OSError as error:
        raise InputFileError([Problem(file, 1, 1, "", f"cannot be read: {error.strerror}")]) from None
    return Opened(events, "finished", None) if end.digest == written else Opened(events, "damaged", ALTERED)


def _line(damage: Problem) -> str:
    where = f"{damage.where}: " if damage.where else ""
    return f"line {damage.line}: {where}{damage.what}"


class Context(NamedTuple):
    """What is known of a conversation from outside of its log."""

    figures_of: FiguresOf
    kin: tuple[Kin, ...]
    parent: str | None
    """Address of the conversation that it branched off from; None where that is not shown."""


def make_talk(run: RunFolder, conversation: str, opened: Opened, context: Context) -> Talk:
    """The document of a conversation."""
    events = opened.events
    key = key_of(run.record, conversation)
    opening = events[0] if events else None
    if not isinstance(opening, Started | Imported):
        return _nothing(key, conversation, opened)
    transcript = address_of(lines_of(events))
    found = Beside((), (), ())
    if opened.state == "finished":
        found = beside(run, talk_of(events), transcript, context.figures_of)
    calls = calls_of(events, one_writer=writes_both(opening))
    end = events[-1] if isinstance(events[-1], Ended) else None
    taxonomy = opening.taxonomy
    return Talk(
        key=key,
        blind=False,
        **_public(opening),
        labels=tuple(Named(id=each.label, title=each.definition) for each in taxonomy.strategies),
        state=opened.state,
        damage=opened.damage,
        end=end.reason.value if end else None,
        detail=end.detail if end else None,
        setting=_setting(run, opening, context.parent),
        turns=tuple(_turn(event) for event in events if isinstance(event, Spoke)),
        calls=calls.calls,
        texts=calls.texts,
        knows=tuple(_knows(events)) if isinstance(opening, Started) else (),
        measures=found.measures,
        drift=found.drift,
        annotators=found.annotators,
        kin=context.kin,
        transcript=transcript,
    )


def _nothing(key: str, conversation: str, opened: Opened) -> Talk:
    """A conversation of which nothing can be read, or that has not begun."""
    return Talk(
        key=key, blind=False, title=conversation, scenario="", situation=None, problem=None, emotion=None,
        names={role: role.value for role in Role}, labels=(), state=opened.state, damage=opened.damage, end=None,
        detail=None, setting=None, turns=(), calls=(), texts={}, knows=(), measures=(), drift=(), annotators=(),
        kin=(), transcript=address_of(()),
    )  # fmt: skip


def _public(opening: Started | Imported) -> dict[str, object]:
    """What a blind reader may see of how a conversation began."""
    if isinstance(opening, Imported):
        return {
            "title": f"conversation {opening.index} of {opening.source}",
            "scenario": opening.source,
            "situation": opening.situation,
            "problem": opening.problem,
            "emotion": opening.emotion,
            "names": {role: role.value for role in Role},
        }
    scenario = opening.scenario
    return {
        "title": scenario.title,
        "scenario": scenario.id,
        "situation": scenario.situation,
        "problem": scenario.problem,
        "emotion": scenario.seeker.emotion,
        "names": {role: scenario.role(role).persona.name for role in Role},
    }


def _setting(run: RunFolder, opening: Started | Imported, parent_key: str | None) -> Setting:
    if isinstance(opening, Imported):
        return Setting(
            run=run.record.id, conversation=opening.conversation, condition=Named(id=HUMAN, title="held by people"),
            writer=None, telling=None, pair_key=opening.pair_key, seed=None, seeker=None, supporter=None, parent=None,
            record=opening.record,
        )  # fmt: skip
    condition, parent = opening.condition, opening.parent
    return Setting(
        run=run.record.id,
        conversation=opening.conversation,
        condition=Named(id=condition.id, title=condition.title),
        writer=condition.writer.value,
        telling=condition.telling.value,
        pair_key=opening.pair_key,
        seed=opening.seed,
        seeker=_side(opening, Role.SEEKER),
        supporter=_side(opening, Role.SUPPORTER),
        parent=None
        if parent is None
        else Parent(
            key=parent_key, run=parent.run, conversation=parent.conversation, at=parent.at, changed=parent.changed
        ),
        record={},
    )


def _side(opening: Started, role: Role) -> Side:
    spec, card = opening.scenario.role(role), opening.cast.of(role)
    return Side(
        name=spec.persona.name,
        background=spec.persona.background,
        traits=spec.persona.traits.model_dump(),
        style=spec.persona.style.model_dump(),
        goals=spec.goals,
        facts=tuple(
            FactInfo(id=fact.id, text=fact.text, reveal=fact.reveal.value, trust=fact.trust, after=fact.after)
            for fact in spec.facts
        ),
        sees=tuple(sorted(sight.value for sight in opening.condition.sees(role))),
        shown_persona=opening.condition.shows_persona(role),
        model=card.name,
        caveat=card.caveat,
    )


def _turn(event: Spoke) -> Turn:
    reply = event.reply
    seeker = reply if isinstance(reply, SeekerReply) else None
    supporter = reply if isinstance(reply, SupporterReply) else None
    return Turn(
        turn=event.turn,
        role=event.role,
        utterance=reply.utterance,
        strategies=supporter.strategies if supporter else None,
        told=reply.told,
        emotion=seeker.emotion if seeker else None,
        trust=seeker.trust if seeker else None,
        thoughts=seeker.thoughts if seeker else supporter.notes if supporter else None,
        wants_to_end=reply.wants_to_end,
        at=event.at,
        messages=tuple(Message(text=each.text, labels=each.labels, about=each.about) for each in event.messages or ()),
    )


def _knows(events: Sequence[AnyEvent]) -> Iterable[Knowing]:
    graph = information(events)
    facts = [name.removeprefix("fact:") for name, data in graph.nodes(data=True) if data["kind"] == "fact"]
    for role in Role:
        for known in knowledge(graph, role):
            yield Knowing(role=role, fact=known.fact, turn=known.since, how=known.how)
        for fact in facts:
            for turn in asked_about(graph, role, fact):
                yield Knowing(role=role, fact=fact, turn=turn, how="asked")
    for event in events:
        if isinstance(event, Noticed) and event.what != "asked":
            yield Knowing(role=event.role, fact=event.fact, turn=event.turn, how=event.what)


def side_calls(run: RunFolder, conversation: str, measure: str) -> Calls | None:
    """The calls of a reader of a conversation, as far as its log goes; None where there is no such reader.

    Raises:
        InputFileError: the side log cannot be read.
    """
    folder = next((each for each in talk_folders(run) if each.record.key == measure), None)
    if folder is None:
        return None
    final = folder.final(conversation)
    log = final if folder.is_finished(conversation) else folder.live(conversation)
    return calls_of(salvage(log).read.events)


def blinded(talk: Talk) -> Talk:
    """The same without what a blind reader may not see: who spoke under what, and everything that is private."""
    turns = [
        Turn(
            turn=turn.turn, role=turn.role, utterance=turn.utterance, strategies=None, told=None, emotion=None,
            trust=None, thoughts=None, wants_to_end=None, at=None, messages=(),
        )
        for turn in talk.turns
    ]  # fmt: skip
    simulated = talk.setting is not None and talk.setting.condition.id != HUMAN
    hidden = {} if simulated else {"title": UNTITLED, "scenario": ""}  # people's say what file they are from
    return talk.model_copy(
        update={
            **hidden, "names": {role: role.value for role in Role},  # people have no names here
            "blind": True, "setting": None, "turns": tuple(turns),
            "calls": (), "texts": {}, "knows": (),
            "measures": (), "drift": (), "annotators": (), "kin": (), "end": None, "detail": None, "damage": None,
        }
    )  # fmt: skip
