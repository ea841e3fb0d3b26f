"""Makes training sequences from dialogues: ``python -m benchmarks.actor.prepare OUT [FILE...]``.

A sequence is a list of ``[role, text, learn]``: a chat message, and 1 where the adapter is to learn to write it.

Law: the order of the draws is part of the outcome. The same seed and the same files give the same bytes, and every
draw is made in the order below even where its result is then thrown away.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from autogen_core.models import AssistantMessage, SystemMessage

from benchmarks.actor.dialogues import DIALOGUES, Dialogue, facts_in_words, read_dialogues, taxonomy, training_view
from benchmarks.actor.items import ITEMS, PROBE
from confide.agents import SeekerReply, SupporterReply, render
from confide.scenarios import Role

SEEKER_KNOWS: Final = 0.12
"""Share of the seekers that are told the supporter's side. Of supporters the dialogue itself says it."""
NAMELESS: Final = 0.1
"""Share of the prompts without a persona, for the ablation that leaves it out."""
LATE_PROBE: Final = 0.8
"""Share of the probes put somewhere in the talk; the others come before the role has said anything."""
UNSET: Final = 3.0
"""Score of a trait that the persona does not set: neither high nor low."""
SPREAD: Final = 0.45
"""Standard deviation of an answer around its score, so that answers vary as a person's would."""
CONTEXT: Final = 6
"""Lines of the talk that a reader of it sees, the line in question last."""


class Message(NamedTuple):
    """A message of a sequence; JSON writes it as a list of three."""

    role: str
    text: str
    learn: int


Sequence = list[Message]


def prepare(files: list[Path], seed: int) -> list[Sequence]:
    """All sequences of all dialogues, shuffled."""
    rng = random.Random(seed)
    sequences: list[Sequence] = []
    for file in files:
        for dialogue in read_dialogues(file):
            for role in Role:
                sequences += acting(dialogue, role, rng)
            for turn in range(len(dialogue.turns)):
                sequences += reading(dialogue, turn, rng)
    rng.shuffle(sequences)
    return sequences


def acting(dialogue: Dialogue, role: Role, rng: random.Random) -> Iterator[Sequence]:
    """A role's sequences: its part of the whole talk, and two probes, each under a system prompt of its own draw."""
    for probing in (False, True):
        other = dialogue.supporter_knows_seeker if role is Role.SUPPORTER else rng.random() < SEEKER_KNOWS
        persona = rng.random() > NAMELESS
        talk = whole_talk(dialogue, role, other=other, persona=persona)
        if not probing:
            yield talk
            continue
        cut = _cut(talk, role, rng)
        if not persona:  # nothing says how to answer
            continue
        before = [message._replace(learn=0) for message in talk[: cut + 1]]
        for question, answer in rng.sample(probes(dialogue.scores[role], rng), 2):
            yield [*before, Message("user", question, 0), Message("assistant", answer, 1)]


def whole_talk(dialogue: Dialogue, role: Role, *, other: bool, persona: bool) -> Sequence:
    """The talk as the model that plays ``role`` sees it; its own replies are to be learned."""
    sequence = []
    for message in render(training_view(dialogue, role, other=other, persona=persona)).messages:
        own = isinstance(message, AssistantMessage)
        name = "system" if isinstance(message, SystemMessage) else "assistant" if own else "user"
        sequence.append(Message(name, str(message.content), int(own)))
    return sequence


def probes(scores: Mapping[str, float], rng: random.Random) -> list[tuple[str, str]]:
    """Questions about the persona with the answers it would give: three on any traits, two on traits that it sets."""
    names = rng.sample(sorted(ITEMS), 3) + rng.sample(sorted(scores), min(2, len(scores)))
    found = []
    for name in names:
        keyed_high = rng.random() < 0.5
        statement = rng.choice(ITEMS[name].high if keyed_high else ITEMS[name].low)
        score = scores.get(name, UNSET)
        agreement = score if keyed_high else 6 - score
        answer = min(5, max(1, round(agreement + rng.gauss(0, SPREAD))))
        found.append((PROBE.format(statement=statement), str(answer)))
    return found


def reading(dialogue: Dialogue, turn: int, rng: random.Random) -> Iterator[Sequence]:
    """Sequences of one turn for readers of the talk: its strategies, the distress, the facts it tells, who says it."""
    reply = dialogue.turns[turn].reply
    lines = _transcript(dialogue, turn)
    if isinstance(reply, SupporterReply):
        if rng.random() < 0.8:
            task = f"You label support strategies: {', '.join(taxonomy().labels)}."
            yield _answered(task, f"{lines}\n\nWhich strategies does the last line use?", " + ".join(reply.strategies))
    elif isinstance(reply, SeekerReply):
        if rng.random() < 0.3:
            task = "You rate how distressed the seeker is, from 0 to 100."
            yield _answered(task, lines, str(reply.emotion))
        if rng.random() < 0.5:
            facts = facts_in_words(dialogue.scenario.seeker.facts)
            task = f"You decide which private facts the last seeker line tells.\n{facts}"
            yield _answered(task, lines, " + ".join(reply.told) or "nothing")
    if rng.random() < 0.3:
        task = "Who would say this in a support chat, the seeker or the supporter?"
        yield _answered(task, reply.utterance, reply.role.value)


def _cut(talk: Sequence, role: Role, rng: random.Random) -> int:
    """The last message before a probe: one of the role's replies, or the last that stands before the talk."""
    if rng.random() < LATE_PROBE:
        return rng.choice([index for index, message in enumerate(talk) if message.role == "assistant"])
    return (
        0 if role is Role.SEEKER else 1
    )  # the supporter speaks first: its talk opens with a message of the moderator's


def _transcript(dialogue: Dialogue, turn: int) -> str:
    """The talk up to ``turn``, as a reader sees it."""
    turns = dialogue.turns[max(0, turn + 1 - CONTEXT) : turn + 1]
    return "\n".join(f"{spoke.role.capitalize()}: {spoke.reply.utterance}" for spoke in turns)


def _answered(task: str, question: str, answer: str) -> Sequence:
    return [Message("system", task, 0), Message("user", question, 0), Message("assistant", f"[{answer}]", 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Make training sequences from dialogues.")
    parser.add_argument("out", type=Path, help="the JSON file to write")
    parser.add_argument("files", type=Path, nargs="*", help="files of dialogues (default: the one beside this)")
    parser.add_argument("--seed", type=int, default=7, help="seed of all draws (default: %(default)s)")
    arguments = parser.parse_args()
    sequences = prepare(arguments.files or [DIALOGUES], arguments.seed)
    arguments.out.write_text(json.dumps(sequences), encoding="utf-8")
    characters = sum(len(message.text) for sequence in sequences for message in sequence)
    print(f"{len(sequences)} sequences, about {characters // 4} tokens")


if __name__ == "__main__":
    main()
