"""Conversations that people held become logs like any others. Law: nothing is written unless all of a file is good."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from confide.agents import SeekerReply, SupporterReply
from confide.evaluators.exchange.found import HumanMessage, HumanTalk
from confide.evaluators.exchange.read import read_human
from confide.scenarios import InputFileError, Problem, Role, Taxonomy, read_taxonomy, read_yaml
from confide.scenarios.library import STRATEGIES
from confide.scenarios.schema import Frozen, Line
from confide.simulator import AnyEvent, Ended, EndReason, Imported, Message, RunFolder, RunRecord, Spoke
from confide.simulator.store import ImportRecord, new_run_id, software, utc_now


class LabelMap(Frozen):
    """A file that says what labels mean that the taxonomy does not know."""

    labels: dict[str, Line | None]
    """Label in the data to label of the taxonomy; null: no strategy, on purpose."""


class ImportedRun(NamedTuple):
    """What was imported."""

    run: RunFolder
    turns: int
    messages: int
    absent: int
    """Messages that conversations must have had and that the file does not hold."""
    labels: Counter[str]
    """Labels of the data, in its own words."""


def import_esconv(file: Path, runs: Path, labels_file: Path | None, command: tuple[str, ...]) -> ImportedRun:
    """Import a file of conversations as a new run.

    Args:
        file: the data.
        runs: folder that holds the runs.
        labels_file: what labels mean that the taxonomy does not know; see :class:`LabelMap`.
        command: the command line, for the record.

    Raises:
        InputFileError: with every problem of a file; labels that nothing is known of are listed with their counts.
        ConfideError: the run cannot be written.
    """
    talks = read_human(file)
    taxonomy = read_taxonomy(STRATEGIES / "esconv.yaml")
    counts = Counter(label for talk in talks.talks for message in talk.messages for label in message.labels)
    meaning = _meaning(file, counts, taxonomy, labels_file)
    source = ImportRecord(
        source=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        format=talks.form,
        conversations=len(talks.talks),
        labels=meaning,
    )
    now = utc_now()
    slug = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "human"
    record = RunRecord(
        id=new_run_id(now, slug[:40]),
        created=now.isoformat(timespec="seconds"),
        seed=0,
        replicates=1,
        conditions=(),
        scenarios=(),
        models={},
        prices={},
        software=software(),
        command=command,
        imported=source,
    )
    logs = [list(_events(talk, index, slug, source, taxonomy)) for index, talk in enumerate(talks.talks)]
    run = RunFolder.create(runs, record)
    for log in logs:
        opening = log[0]
        if isinstance(opening, Imported):
            with run.writer(opening.conversation) as writer:
                writer.write(*log)
                writer.commit()
    return ImportedRun(
        run=run,
        turns=sum(len(log) - 2 for log in logs),
        messages=sum(len(talk.messages) for talk in talks.talks),
        absent=sum(talk.absent for talk in talks.talks),
        labels=counts,
    )


def _meaning(file: Path, counts: Counter[str], taxonomy: Taxonomy, labels_file: Path | None) -> dict[str, str | None]:
    """What each label of the data means.

    Raises:
        InputFileError: nothing is known of some of them, or the map names what is no strategy.
    """
    given = read_yaml(labels_file, LabelMap).labels if labels_file else {}
    wrong = [name for name in given.values() if name is not None and taxonomy.resolve(name) is None]
    if wrong and labels_file:
        what = f"'{wrong[0]}' is no strategy; the strategies are: {', '.join(taxonomy.labels)}"
        lines = labels_file.read_text(encoding="utf-8").splitlines()
        line = next((number for number, text in enumerate(lines, start=1) if wrong[0] in text), 1)
        raise InputFileError([Problem(labels_file, line, 1, "labels", what)])
    meaning: dict[str, str | None] = {}
    unknown = []
    for label, count in counts.most_common():
        if label in given:
            name = given[label]
            meaning[label] = None if name is None else taxonomy.resolve(name)
        elif (known := taxonomy.resolve(label)) is not None:
            meaning[label] = known
        else:
            unknown.append(f"'{label}' ({count})")
    if unknown:
        what = (
            f"labels that are no strategy of '{taxonomy.id}', with how often they stand there: {', '.join(unknown)}; "
            "say what they mean in a file 'labels: {THEIRS: OURS, NOISE: null}' and give it with --labels"
        )
        raise InputFileError([Problem(file, 1, 1, "strategy", what)])
    return meaning


def _events(talk: HumanTalk, index: int, slug: str, source: ImportRecord, taxonomy: Taxonomy) -> Iterator[AnyEvent]:
    turns = [list(messages) for _, messages in groupby(talk.messages, key=lambda message: message.role)]
    yield Imported(
        seq=0,
        conversation=f"{slug}.{index:05d}",
        pair_key=f"human/{source.sha256[:16]}/{index}",  # files of one name may hold different data
        source=source.source,
        index=index,
        taxonomy=taxonomy,
        problem=_word(talk, "problem_type"),
        emotion=_word(talk, "emotion_type"),
        situation=_word(talk, "situation"),
        record=talk.record,
    )
    for turn, messages in enumerate(turns):
        role = messages[0].role
        yield Spoke(
            seq=turn + 1,
            turn=turn,
            role=role,
            reply=_reply(role, messages, source.labels),
            messages=tuple(Message(text=each.text, labels=each.labels, about=each.about) for each in messages),
        )
    yield Ended(seq=len(turns) + 1, reason=EndReason.UNKNOWN, turns=len(turns))


def _word(talk: HumanTalk, name: str) -> str | None:
    value = talk.record.get(name)
    return value if isinstance(value, str) else None


def _reply(role: Role, messages: list[HumanMessage], meaning: dict[str, str | None]) -> SeekerReply | SupporterReply:
    words = "\n".join(message.text for message in messages)
    if role is Role.SEEKER:
        return SeekerReply(utterance=words)
    labels = [meaning[label] for message in messages for label in message.labels]
    known = tuple(dict.fromkeys(label for label in labels if label is not None))
    return SupporterReply(utterance=words, strategies=known or None)
