"""Conversations in other forms: ESConv's JSON, chats for fine-tuning, tables.

Laws: what was imported comes out so that importing it again gives the same events; a file appears whole or not at all.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Final

from confide.agents import SeekerReply, SupporterReply
from confide.evaluators.summary import HUMAN
from confide.evaluators.talks import events_of
from confide.scenarios import ConfideError, Role, Writer
from confide.simulator import AnyEvent, Called, Imported, RunFolder, Spoke, Started
from confide.simulator.store import write_new

COLUMNS: Final = (
    "run", "conversation", "pair_key", "scenario", "condition", "turn", "role", "utterance", "strategies", "told",
    "emotion", "trust", "private",
)  # fmt: skip
"""Columns of tables: one row per turn. ``private`` is a seeker's thoughts or a supporter's notes."""


def export_run(run: RunFolder, form: str, out: Path, role: Role = Role.SUPPORTER) -> int:
    """Write the finished conversations of a run.

    Args:
        run: the run.
        form: one of :data:`FORMS`.
        out: the file to write; it must not be there yet.
        role: for ``chat``, whose replies are to be learned.

    Returns:
        How many conversations were written.

    Raises:
        ConfideError: the form is unknown, the file is there or cannot be written, or there is no finished conversation.
        InputFileError: a log is damaged.
    """
    if form not in FORMS:
        raise ConfideError(f"there is no form '{form}'; one of: {', '.join(FORMS)}")
    if out.exists():
        raise ConfideError(f"{out} is there already: give another name")
    talks = list(events_of(run))
    if not talks:
        raise ConfideError(f"{run.path} holds no finished conversation yet")
    try:
        FORMS[form](run, talks, out, role)
    except OSError as error:
        raise ConfideError(f"cannot write {out}: {error.strerror or error}") from None
    return len(talks)


def _esconv(_: RunFolder, talks: Sequence[Sequence[AnyEvent]], out: Path, __: Role) -> None:
    records = [_record(events) for events in talks]
    write_new(out, json.dumps(records, ensure_ascii=False, indent=1) + "\n")


def _record(events: Sequence[AnyEvent]) -> dict[str, Any]:
    """One conversation in ESConv's form. A supporter's turn with several strategies has them as a list."""
    opening = events[0]
    dialog = [message for event in events if isinstance(event, Spoke) for message in _messages(event)]
    if isinstance(opening, Imported):
        return {**opening.record, "dialog": dialog}
    if not isinstance(opening, Started):
        raise ConfideError("a log begins with its 'started' event")
    scenario = opening.scenario
    return {
        "problem_type": scenario.problem,
        "emotion_type": scenario.seeker.emotion,
        "situation": scenario.situation,
        "survey_score": {"seeker": {"initial_emotion_intensity": str(scenario.seeker.intensity)}, "supporter": {}},
        "confide": {
            "conversation": opening.conversation,
            "scenario": scenario.id,
            "condition": opening.condition.id,
            "pair_key": opening.pair_key,
        },
        "dialog": dialog,
    }


def _messages(event: Spoke) -> Iterator[dict[str, Any]]:
    speaker = event.role.value
    if event.messages is None:
        labels = event.reply.strategies or () if isinstance(event.reply, SupporterReply) else ()
        yield {"speaker": speaker, "annotation": _strategies(labels), "content": event.reply.utterance}
        return
    for message in event.messages:
        annotation = {**_strategies(message.labels), **message.about}
        yield {"speaker": speaker, "annotation": annotation, "content": message.text}


def _strategies(labels: Sequence[str]) -> dict[str, Any]:
    return {} if not labels else {"strategy": labels[0]} if len(labels) == 1 else {"strategies": list(labels)}


def _chat(_: RunFolder, talks: Sequence[Sequence[AnyEvent]], out: Path, role: Role) -> None:
    lines = []
    for events in talks:
        system = _system(events, role)
        messages = [{"role": "system", "content": system}] if system else []
        for event in events:
            if isinstance(event, Spoke):
                who = "assistant" if event.role is role else "user"
                messages.append({"role": who, "content": event.reply.utterance})
        lines.append(json.dumps({"messages": messages}, ensure_ascii=False))
    write_new(out, "\n".join(lines) + "\n")


def _system(events: Sequence[AnyEvent], role: Role) -> str | None:
    """What stood at the head of the role's first prompt; for people, the situation if the seeker is to be learned.

    Under a condition with one writer the head is the author's, who sees both sides; a role has none of its own then.
    """
    opening = events[0]
    if isinstance(opening, Imported):
        return opening.situation if role is Role.SEEKER else None
    if not isinstance(opening, Started) or opening.condition.writer is not Writer.TWO_AGENTS:
        return None
    texts: dict[str, str] = {}
    for event in events:
        if isinstance(event, Called):
            texts.update(event.texts)
            if event.role is role and event.purpose == "speak" and event.kept == 0:
                return "\n".join(texts[part["hash"]] for part in event.segments if part["place"] == "head")
    return None


def _rows(run: RunFolder, talks: Sequence[Sequence[AnyEvent]]) -> Iterator[dict[str, Any]]:
    for events in talks:
        opening = events[0]
        if not isinstance(opening, Started | Imported):
            raise ConfideError("a log begins with its 'started' event")
        scenario = opening.scenario.id if isinstance(opening, Started) else opening.source
        condition = opening.condition.id if isinstance(opening, Started) else HUMAN
        talk = (run.record.id, opening.conversation, opening.pair_key, scenario, condition)
        for event in events:
            if isinstance(event, Spoke):
                reply = event.reply
                seeker = reply if isinstance(reply, SeekerReply) else None
                supporter = reply if isinstance(reply, SupporterReply) else None
                values = (
                    *talk, event.turn, event.role.value, reply.utterance,
                    None if supporter is None or supporter.strategies is None else list(supporter.strategies),
                    None if reply.told is None else list(reply.told),
                    seeker.emotion if seeker else None, seeker.trust if seeker else None,
                    seeker.thoughts if seeker else supporter.notes if supporter else None,
                )  # fmt: skip
                yield dict(zip(COLUMNS, values, strict=True))


def _csv(run: RunFolder, talks: Sequence[Sequence[AnyEvent]], out: Path, _: Role) -> None:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in _rows(run, talks):
        lists = {name: " + ".join(row[name]) for name in ("strategies", "told") if row[name] is not None}
        writer.writerow({**row, **lists})
    write_new(out, text.getvalue())


def _parquet(run: RunFolder, talks: Sequence[Sequence[AnyEvent]], out: Path, _: Role) -> None:
    import pyarrow as pa  # noqa: PLC0415  (large; only this form needs it)
    from pyarrow import parquet  # noqa: PLC0415

    kinds = {
        "turn": pa.int32(), "strategies": pa.list_(pa.string()), "told": pa.list_(pa.string()), "emotion": pa.int32(),
        "trust": pa.int32(),
    }  # fmt: skip
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    draft = out.with_name(out.name + ".draft")
    parquet.write_table(pa.Table.from_pylist(list(_rows(run, talks)), schema=schema), draft)
    draft.rename(out)


FORMS: Final[dict[str, Callable[[RunFolder, Sequence[Sequence[AnyEvent]], Path, Role], None]]] = {
    "esconv": _esconv, "chat": _chat, "csv": _csv, "parquet": _parquet,
}  # fmt: skip
"""Forms that conversations can be written in."""
