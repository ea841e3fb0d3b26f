"""Finds the words of facts in texts where they do not belong. Law: words that a role may see anyway are no finding."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

from confide.agents import Segment
from confide.scenarios import Fact, Role, Scenario, Sight
from confide.simulator import Started

RUN: Final = 5
"""Words in a row that are too many for chance."""
_WORD = re.compile(r"\w+")
How = Literal["exact", "normalised", "n-gram"]


class _Hidden:
    """The facts of one role that the other may not see. Compared by identity: one is shared by all equal talks."""

    def __init__(self, facts: tuple[Fact, ...], seen: list[str]) -> None:
        seen_words = [normalised(part) for part in seen]
        seen_runs = {run for words in seen_words for run in _runs(words)}
        self.facts: list[tuple[Fact, str, frozenset[str]]] = []
        """Each with its words, and with its runs of words but for those that the other sees anyway."""
        for fact in facts:
            words = normalised(fact.text)
            if words and not any(_holds(part, words) for part in seen_words):
                self.facts.append((fact, words, frozenset(_runs(words)) - seen_runs))


class Secrets:
    """What is hidden from each role in one conversation."""

    def __init__(self, started: Started) -> None:
        """Take the conversation's beginning."""
        condition = started.condition
        definitions = "\n".join(strategy.definition for strategy in started.taxonomy.strategies)
        shown = frozenset(role for role in Role if condition.shows_persona(role))
        self._hidden = {
            role: _hidden(
                started.scenario, role, f"{started.prompts.of(role)}\n{definitions}", condition.sees(role), shown
            )
            for role in Role
        }

    def found_in(self, segment: Segment, role: Role) -> tuple[tuple[str, How], ...]:
        """Facts hidden from ``role`` whose words stand in ``segment``, each with how they were recognised."""
        return _find(segment.text, self._hidden[role])


@lru_cache(maxsize=256)
def _hidden(scenario: Scenario, role: Role, words: str, sees: frozenset[Sight], shown: frozenset[Role]) -> _Hidden:
    """What is hidden from ``role``; ``words`` are those of its prompt file, ``shown`` whose personas are in prompts."""
    if Sight.OTHER_FACTS in sees:
        return _Hidden((), [])
    mine, theirs = scenario.role(role), scenario.role(role.other)
    seen = [words, scenario.situation, mine.persona.name, theirs.persona.name]
    if Sight.OWN in sees:
        seen += [*mine.goals, *(fact.text for fact in mine.facts)]
        seen += [mine.persona.background] if role in shown else []
    if Sight.OTHER_PERSONA in sees and role.other in shown:
        seen.append(theirs.persona.background)
    if Sight.OTHER_INNER in sees:
        seen += theirs.goals
    return _Hidden(theirs.facts, seen)


@lru_cache(maxsize=8192)
def _find(text: str, hidden: _Hidden) -> tuple[tuple[str, How], ...]:
    found: list[tuple[str, How]] = []
    normal = normalised(text)
    runs = frozenset(_runs(normal))
    for fact, words, fact_runs in hidden.facts:
        if _holds(normal, words):
            found.append((fact.id, "exact" if fact.text in text else "normalised"))
        elif fact_runs & runs:
            found.append((fact.id, "n-gram"))
    return tuple(found)


def _holds(normal: str, words: str) -> bool:
    return f" {words} " in f" {normal} "


def normalised(text: str) -> str:
    """The words of a text, in lower case, with one space between."""
    return " ".join(_WORD.findall(text.casefold()))


def _runs(normal: str) -> list[str]:
    words = normal.split(" ")
    return [" ".join(words[start : start + RUN]) for start in range(len(words) - RUN + 1)]
