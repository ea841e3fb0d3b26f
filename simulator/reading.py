"""What the words of a turn say about facts, beside what its reply declares. Law: the same words read the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from confide.agents import AnyReply
from confide.scenarios import Role
from confide.simulator.state import State
from confide.simulator.telling import MEMORY, FactDetector
from confide.simulator.words import said_in

What = Literal["asked", "inferred", "undeclared", "unsaid"]


class Reading(NamedTuple):
    """One thing that words say; see :class:`confide.simulator.events.Noticed`."""

    fact: str
    what: What
    score: float | None


class Met:
    """Tells whether words are of any fact, on whichever side. A word that is of none is looked up once."""

    def __init__(self, detectors: Mapping[Role, FactDetector]) -> None:
        """Ask ``detectors``."""
        self.detectors = detectors
        """For each role, what recognises its facts."""
        self._of_none: set[str] = set()

    def any_of(self, words: Iterable[str]) -> bool:
        """Whether one of the words is of a fact; as at many turns, none is."""
        of_none = self._of_none
        for word in words:
            if word not in of_none:
                for detector in self.detectors.values():
                    if detector.meets(word):
                        return True
                if len(of_none) < MEMORY:
                    of_none.add(word)
        return False


def read_words(met: Met, state: State, role: Role, reply: AnyReply) -> list[Reading]:
    """What the words of ``reply`` say about facts.

    Args:
        met: knows the words of each role's facts.
        state: the state once the reply was spoken and its declarations were taken down.
        role: who speaks.
        reply: what it says.
    """
    words = reply.utterance
    declared, detectors = reply.told or (), met.detectors
    if not declared and not met.any_of(said_in(words).words):
        return []
    told = detectors[role].told(words)
    inferred, asked = detectors[role.other].read(words)
    said = {telling.fact: telling.score for telling in told}
    found = [Reading(fact, "unsaid", None) for fact in declared if fact not in said]
    found += [
        Reading(fact, "undeclared", score)
        for fact, score in said.items()
        if fact not in state.told and fact not in state.heard
    ]
    found += [
        Reading(telling.fact, "inferred", telling.score)
        for telling in inferred
        if telling.fact not in state.told and telling.fact not in state.heard
    ]
    found += [Reading(fact, "asked", None) for fact in asked if fact not in state.asked and fact not in state.told]
    return found
