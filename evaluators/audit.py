"""Audit: was every prompt of a finished run made from what its role could see?

It trusts neither the run nor the code that made it. From the log alone it rebuilds each prompt, holds every segment's
source and words against what the condition let the role see at that turn, searches the rest for facts that were not
told, and then lets the real code replay the log. Laws 1 (non-interference), 3 (a log is the whole truth) and 5
(exactly once) of the design are what it checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from confide.agents import Segment, View, render, text_hash
from confide.agents.formats import reply_format
from confide.agents.view import Place
from confide.evaluators.secrets import Secrets
from confide.scenarios import ConfideError, InputFileError, Role, Sight, TellingPolicy, Writer
from confide.simulator import AnyEvent, Called, Ended, ReplayError, Spoke, Started, State, read_log, replay
from confide.simulator.gate import Gate
from confide.simulator.log import digest_of
from confide.simulator.store import Planned, RunFolder


class Breach(NamedTuple):
    """Something that must not be."""

    log: str
    """The log's file."""
    line: int
    """Its line, from 1."""
    check: str
    """``log``, ``prompt``, ``source``, ``words``, ``replay`` or ``run``."""
    what: str
    """What is wrong, in a sentence."""

    def __str__(self) -> str:
        return f"{self.log}:{self.line}: {self.check}: {self.what}"


class Checked(NamedTuple):
    """What was checked in one log, or in many, and what was found."""

    conversations: int
    prompts: int
    """Prompts that were rebuilt."""
    segments: int
    """Segments whose source was checked."""
    searched: int
    """Segments that were searched for facts which the role had not been told."""
    replayed: int
    """Conversations that were replayed."""
    unfinished: int
    """Conversations of the run that have not ended; they are checked as far as they go."""
    breaches: tuple[Breach, ...]

    def plus(self, other: Checked) -> Checked:
        """Both together."""
        return Checked(
            self.conversations + other.conversations,
            self.prompts + other.prompts,
            self.segments + other.segments,
            self.searched + other.searched,
            self.replayed + other.replayed,
            self.unfinished + other.unfinished,
            self.breaches + other.breaches,
        )


NOTHING = Checked(0, 0, 0, 0, 0, 0, ())


def audit_run(run: RunFolder, jobs: int = 1) -> Iterator[Checked]:
    """Audit every conversation of a run, some at a time.

    Args:
        run: the run.
        jobs: processes that share the work.
    """
    planned = {item.id for item in run.planned()}
    files = run.logs()
    for name in dict.fromkeys(file.stem for file in files):
        if name not in planned:
            yield NOTHING._replace(breaches=(Breach(name, 1, "run", "the run has no such conversation"),))
    yield NOTHING._replace(unfinished=len(planned - {file.stem for file in files}))
    parts = [(run.path, files[start : start + _AT_ONCE]) for start in range(0, len(files), _AT_ONCE)]
    if jobs == 1 or len(parts) == 1:
        yield from map(_audit_part, parts)
        return
    with ProcessPoolExecutor(min(jobs, len(parts))) as pool:
        yield from pool.map(_audit_part, parts)


_AT_ONCE = 20


def _audit_part(part: tuple[Path, list[Path]]) -> Checked:
    path, files = part
    planned = {item.id: item for item in RunFolder.open(path).planned()}
    total = NOTHING
    for file in files:
        total = total.plus(audit_log(file, planned.get(file.stem)))
    return total


def audit_log(file: Path, planned: Planned | None = None) -> Checked:
    """Audit one conversation.

    Args:
        file: its log.
        planned: what the run says that it is made from; None where there is no run.
    """
    try:
        events = read_log(file).events
    except InputFileError as error:
        first = error.problems[0]
        return NOTHING._replace(conversations=1, breaches=(Breach(str(file), first.line, "log", first.what),))
    if not events or not isinstance(events[0], Started):
        what = "it does not begin with its 'started' event"
        return NOTHING._replace(conversations=1, breaches=(Breach(str(file), 1, "log", what),))
    check = _LogCheck(file, events[0])
    for event in events:
        check.take(event)
    found = list(check.breaches)
    if isinstance(events[-1], Ended) and events[-1].digest != digest_of(file):
        what = "its lines are not those that were written: its last line holds the content address of all before it"
        found.append(Breach(str(file), len(events), "log", what))
    if planned is not None:
        found += _not_as_planned(file, events[0], planned)
    replayed = 0
    try:
        replay(events)
        replayed = 1
    except ReplayError as error:
        found.append(Breach(str(file), (error.event or 0) + 1, "replay", str(error)))
    except ConfideError as error:
        found.append(Breach(str(file), 1, "replay", str(error)))
    ended = isinstance(events[-1], Ended)
    return Checked(1, check.prompts, check.segments, check.searched, replayed, int(not ended), tuple(found))


def _not_as_planned(file: Path, started: Started, planned: Planned) -> Iterator[Breach]:
    pairs = {
        "conversation": (started.conversation, planned.id),
        "pair_key": (started.pair_key, planned.pair_key),
        "scenario": (started.scenario, planned.scenario.scenario),
        "taxonomy": (started.taxonomy, planned.scenario.taxonomy),
        "condition": (started.condition, planned.condition),
    }
    for name, (ours, theirs) in pairs.items():
        if ours != theirs:
            yield Breach(str(file), 1, "run", f"its {name} is not the one in run.json")


class _LogCheck:
    """Goes through a log, event by event."""

    def __init__(self, file: Path, started: Started) -> None:
        self._file = str(file)
        self._started = started
        self._state = State()
        self._texts: dict[str, str] = {}
        self._before: dict[str, tuple[Segment, ...]] = {}
        self._secrets = Secrets(started)
        seeker = started.scenario.seeker
        self._gate = Gate(seeker.facts, seeker.trust)
        self._line = 0
        self._unread: str | None = None
        self.breaches: list[Breach] = []
        self.prompts = self.segments = self.searched = 0

    def take(self, event: AnyEvent) -> None:
        self._line += 1
        if isinstance(event, Called):
            self._call(event)
            self._know(event.reply)
            self._unread = event.reply
        elif isinstance(event, Spoke):
            self._know(event.reply.utterance)
        self._state = self._state.after(event)

    def _know(self, text: str) -> None:
        self._texts[text_hash(text)] = text

    def _breach(self, check: str, what: str) -> None:
        self.breaches.append(Breach(self._file, self._line, check, what))

    def _call(self, call: Called) -> None:
        """Rebuild the prompt of a call, and check all that is new in it."""
        self.prompts += 1
        one_writer = self._started.condition.writer is not Writer.TWO_AGENTS
        writer = "author" if one_writer or call.role is None else call.role.value
        role = call.role or self._started.scenario.opens
        before = self._before.get(writer, ())
        if call.kept > len(before):
            self._breach("prompt", f"it keeps {call.kept} segments of a prompt that had {len(before)}")
        for address, words in call.texts.items():
            if text_hash(words) != address:
                self._breach("prompt", f"the text at {address} is not the one that the address was made from")
            self._texts[address] = words
        new = []
        for ref in call.segments:
            text = self._texts.get(ref["hash"])
            if text is None:
                self._breach("prompt", f"the log holds no text for {ref['source']} at {ref['hash']}")
            new.append(Segment(ref["source"], Place(ref["place"]), text or ""))
        segments = (*before[: call.kept], *new)
        self._before[writer] = segments
        if render(View(role, call.turn, segments)).hash != call.prompt:
            self._breach("prompt", "its segments do not make the prompt whose address was logged")
        for segment in new:
            self.segments += 1
            why = self._not_allowed(segment, call, one_writer=one_writer)
            if why:
                self._breach("source", f"{segment.source} in a prompt of the {writer} at turn {call.turn}: {why}")
        if not one_writer and call.role is not None:
            self._search(new, call.role, call.turn)

    def _search(self, new: list[Segment], role: Role, turn: int) -> None:
        """Search new segments for the other's facts, but for the words that were said."""
        known = {**self._state.told, **self._state.heard}
        for segment in new:
            if segment.source.split(":")[0] in ("utterance", "reply"):
                continue
            self.searched += 1
            for fact, how in self._secrets.found_in(segment, role):
                if fact not in known:
                    where = f"{segment.source} in a prompt of the {role} at turn {turn}"
                    self._breach("words", f"{where} holds '{fact}', which was not told yet ({how})")

    def _not_allowed(self, segment: Segment, call: Called, *, one_writer: bool) -> str | None:
        """Why a segment may not be in the prompt; None if it may."""
        kind, _, which = segment.source.partition(":")
        if kind == "instruction" or segment.source == "situation":
            return None
        if kind in ("utterance", "reply"):
            return self._not_said(segment, kind, which, call)
        if kind in ("persona", "goals", "state") and which in tuple(Role):
            return self._not_of_side(kind, Role(which), call.role, one_writer=one_writer)
        if kind == "fact":
            return self._not_fact(segment, which, call.role, one_writer=one_writer)
        return "there is no such source"

    def _not_of_side(self, kind: str, side: Role, role: Role | None, *, one_writer: bool) -> str | None:
        condition = self._started.condition
        if kind == "persona" and not condition.shows_persona(side):
            return "the condition leaves this persona out"
        if one_writer or role is None:
            return None
        needed = Sight.OWN if side is role else Sight.OTHER_PERSONA if kind == "persona" else Sight.OTHER_INNER
        if kind == "state" and side is role:  # what it replied itself
            return None
        return None if needed in condition.sees(role) else f"the {role} does not see {needed.value}"

    def _not_fact(self, segment: Segment, fact_id: str, role: Role | None, *, one_writer: bool) -> str | None:
        scenario, condition = self._started.scenario, self._started.condition
        owner = next((side for side in Role if fact_id in {fact.id for fact in scenario.role(side).facts}), None)
        if owner is None:
            return "the scenario has no such fact"
        if scenario.fact(fact_id).text not in segment.text:
            return "its words are not the fact's"
        if one_writer or role is None:
            return None
        needed = Sight.OWN if owner is role else Sight.OTHER_FACTS
        if needed not in condition.sees(role):
            return f"it is the {owner}'s, and the {role} does not see {needed.value}"
        gated = condition.telling is TellingPolicy.GATED and owner is Role.SEEKER is role
        if gated and fact_id not in self._open():
            return "its condition did not hold yet"
        return None

    def _open(self) -> set[str]:
        turns = len(self._state.turns)
        now = [fact for turn in range(turns) for fact in self._gate.open_after(self._state, turn)]
        return {*self._gate.open_at_start(), *now}

    def _not_said(self, segment: Segment, kind: str, which: str, call: Called) -> str | None:
        """Why an utterance or an own reply may not be in the prompt."""
        if which == "unreadable":
            return None if segment.text == self._unread else "it is not the answer that could not be read"
        turns = self._state.turns
        spoke = turns[int(which)] if which.isdecimal() and int(which) < len(turns) else None
        if spoke is None:
            return "that turn had not been spoken"
        author = self._started.condition.writer is not Writer.TWO_AGENTS
        own = author or spoke.role is call.role
        if own is not (kind == "reply"):
            return f"that turn is the {spoke.role}'s"
        words = (
            reply_format(self._started.cast.of(spoke.role).format).write(spoke.reply) if own else spoke.reply.utterance
        )
        return None if segment.text == words else "its words are not those of that turn"
