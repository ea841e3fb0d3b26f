"""Checks a file of dialogues before it is trained on: ``python -m benchmarks.actor.validate [FILE]``.

Prints the first fault of each dialogue and a summary; exits with 1 if there is a fault.

Law: what the adapter must not learn, no dialogue does. The roles take turns, a fact is told once, one that must never
be told is not told, and every dialogue is a scenario that confide accepts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.actor.dialogues import DIALOGUES, REVEALS, WORDS, parse_dialogue, taxonomy
from confide.scenarios import Role

FIELDS: Final = ("situation", "problem", "emotion", "intensity", *Role, "supporter_knows_seeker", "turns")
TURNS: Final = range(9, 19)
"""How many turns a dialogue may have."""
MOST_WORDS: Final = 60
"""Longest turn. A small model does not learn to stop from long ones."""
LEAST_FACTS: Final = {Role.SEEKER: 3, Role.SUPPORTER: 1}

Data = Mapping[str, Any]


class DialogueError(ValueError):
    """What is wrong with a dialogue."""


class Tally:
    """What is counted over the dialogues, to see whether they are varied enough."""

    def __init__(self) -> None:
        self.dialogues = 0
        self.faults = 0
        self.turns = 0
        self.words = 0
        self.strategies: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self.openers: Counter[str] = Counter()

    def __str__(self) -> str:
        mean = self.words / max(1, self.turns)
        uses = max(1, self.strategies.total())
        shares = (f"{label} {count / uses:.1%}" for label, count in self.strategies.most_common())
        return "\n".join(
            (
                f"{self.dialogues} dialogues, {self.faults} faults, {self.turns} turns, {mean:.1f} words a turn",
                f"strategies: {', '.join(shares)}",
                f"names used more than 3 times: {_common(self.names, 6, more_than=3)}",
                f"openers used more than twice: {_common(self.openers, 3, more_than=2)}",
            )
        )


def check_file(file: Path) -> Tally:
    """Check every dialogue of ``file``, printing the faults."""
    tally = Tally()
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
                tally.dialogues += 1
                check(data, tally)
                parse_dialogue(data, number)
            except (AttributeError, KeyError, TypeError, ValueError) as error:  # JSON's and pydantic's are ValueErrors
                tally.faults += 1
                name = "" if isinstance(error, DialogueError) else f"{type(error).__name__}: "
                print(f"line {number}: {name}{' '.join(str(error).split())}")
    return tally


def check(data: Data, tally: Tally) -> None:
    """Check one dialogue and count it.

    Raises:
        DialogueError: it has a fault.
        KeyError: a field is missing.
        TypeError: a field is of a wrong kind.
    """
    for field in FIELDS:
        _need(field in data, f"no {field}")
    _need(1 <= data["intensity"] <= 5, f"intensity {data['intensity']}")
    for role in Role:
        check_side(data[role], role, tally)
    check_turns(data, tally)
    tally.openers[data["turns"][0]["text"][:30]] += 1


def check_side(side: Data, role: Role, tally: Tally) -> None:
    """Check a role's persona and facts."""
    _need(side["name"] and side["about"], f"the {role} has no name or nothing about it")
    tally.names[side["name"]] += 1
    scores, facts = side["traits"], side["facts"]
    _need(scores and set(scores) <= set(WORDS), f"traits of the {role}: {', '.join(scores) or 'none'}")
    _need(all(1 <= score <= 5 for score in scores.values()), f"a score of the {role} is not from 1 to 5")
    _need(len({fact["id"] for fact in facts}) == len(facts), f"two facts of the {role} have one id")
    for fact in facts:
        _need(fact["fact"] and fact["reveal"] in REVEALS, f"fact {fact['id']}: no text, or reveal {fact['reveal']}")
    _need(len(facts) >= LEAST_FACTS[role], f"the {role} has {len(facts)} facts")


def check_turns(data: Data, tally: Tally) -> None:
    """Check what was said."""
    turns = data["turns"]
    _need(len(turns) in TURNS, f"{len(turns)} turns")
    told: set[str] = set()
    for index, turn in enumerate(turns):
        role = Role.SEEKER if index % 2 else Role.SUPPORTER
        words = len(turn["text"].split())
        _need(turn["role"] == role, f"turn {index} must be the {role}'s")
        _need(0 < words <= MOST_WORDS, f"turn {index} has {words} words")
        tally.turns += 1
        tally.words += words
        if role is Role.SUPPORTER:
            _check_strategies(turn["strategies"], index)
            tally.strategies.update(turn["strategies"])
        else:
            _check_state(turn, index)
            _check_told(turn["told"], index, told, data["seeker"]["facts"])
            told |= set(turn["told"])


def _check_strategies(names: Collection[str], index: int) -> None:
    _need(1 <= len(names) <= 2 and set(names) <= set(taxonomy().labels), f"turn {index} strategies {names}")


def _check_state(turn: Data, index: int) -> None:
    for field in ("emotion", "trust"):
        _need(0 <= turn[field] <= 100, f"turn {index} {field} {turn[field]}")


def _check_told(ids: Collection[str], index: int, before: set[str], facts: list[Data]) -> None:
    reveals = {fact["id"]: fact["reveal"] for fact in facts}
    for fact_id in ids:
        _need(fact_id in reveals, f"turn {index} tells '{fact_id}', which is no fact of the seeker's")
        _need(reveals[fact_id] != "never", f"turn {index} tells '{fact_id}', which must never be told")
        _need(fact_id not in before, f"turn {index} tells '{fact_id}' again")


def _need(condition: object, fault: str) -> None:
    if not condition:
        raise DialogueError(fault)


def _common(counts: Counter[str], most: int, *, more_than: int) -> str:
    found = [f"{name} ({count})" for name, count in counts.most_common(most) if count > more_than]
    return ", ".join(found) or "none"


def main() -> None:
    parser = argparse.ArgumentParser(description="Check a file of dialogues.")
    parser.add_argument("file", type=Path, nargs="?", default=DIALOGUES, help="the file (default: the one beside this)")
    tally = check_file(parser.parse_args().file)
    print(tally)
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()
