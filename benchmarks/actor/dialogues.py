"""The training dialogues as confide's own scenarios, views and turns.

Law: what the adapter is trained on goes through the prompt files, views and reply format that it will meet in use.
The training knows three things more than those, and they are all in this file: two variants of the system prompt
(``other`` and ``persona``), and persona scores in an order of each dialogue's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from confide.agents import (
    TAGGED,
    Prompt,
    SeekerReply,
    Segment,
    SupporterReply,
    View,
    read_prompt,
    shipped_prompt,
)
from confide.agents.wording import STYLE_WORDS, TRAIT_WORDS, level, style_in_words, traits_in_words
from confide.scenarios import (
    CSI,
    HEXACO,
    Condition,
    Fact,
    Persona,
    PersonasShown,
    Reveal,
    Role,
    Scenario,
    SeekerSpec,
    Sight,
    Style,
    SupporterSpec,
    Taxonomy,
    Traits,
    read_taxonomy,
)
from confide.scenarios.library import STRATEGIES
from confide.simulator import Spoke, State, ViewBuilder, frame_of

DIALOGUES: Final = Path(__file__).with_name("dialogues.jsonl")
"""The dialogues that the shipped adapter was trained on, one JSON object a line."""

STYLE_NAMES: Final[Mapping[str, str]] = {(f"style_{name}" if name in HEXACO else name): name for name in CSI}
"""What a dialogue calls each CSI domain. HEXACO and CSI both have an emotionality; a dialogue has one list for both."""

WORDS: Final[Mapping[str, str]] = {**TRAIT_WORDS, **{key: STYLE_WORDS[name] for key, name in STYLE_NAMES.items()}}
"""What a high score is called, by its name in the dialogues."""

REVEALS: Final[Mapping[str, Reveal]] = {**{reveal.value: reveal for reveal in Reveal}, "if_helpful": Reveal.OPENLY}
"""A supporter may tell its facts where that helps: in confide's words, openly."""

ANY_TRUST: Final = 50
"""A fact told on trust must name a level. The tagged prompts do not show it, so the adapter never learned of one."""


class Dialogue(NamedTuple):
    """One training dialogue."""

    scenario: Scenario
    """Who talks about what."""
    scores: Mapping[Role, Mapping[str, float]]
    """Each role's persona scores, named and ordered as in the file."""
    turns: tuple[Spoke, ...]
    """What was said, the supporter first."""
    supporter_knows_seeker: bool
    """Whether the supporter talks as one who knows the seeker's side."""


def read_dialogues(file: Path = DIALOGUES) -> Iterator[Dialogue]:
    """The dialogues of a file, in its order."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield parse_dialogue(json.loads(line), number)


def parse_dialogue(data: Mapping[str, Any], number: int) -> Dialogue:
    """The dialogue that a line of the file holds.

    Args:
        data: the line, read as JSON.
        number: its number, from which the scenario gets its id.

    Raises:
        KeyError: something is missing.
        ValueError: something is not as confide wants it (pydantic's ``ValidationError`` is one).
    """
    scenario = Scenario(
        id=f"training-{number}",
        title=f"Training dialogue {number}",
        problem=data["problem"],
        situation=data["situation"],
        seeker=SeekerSpec(
            persona=_persona(data["seeker"]),
            emotion=data["emotion"],
            intensity=data["intensity"],
            facts=_facts(data["seeker"]),
        ),
        supporter=SupporterSpec(persona=_persona(data["supporter"]), facts=_facts(data["supporter"])),
    )
    scores = {role: data[role.value]["traits"] for role in Role}
    turns = tuple(_turn(index, turn) for index, turn in enumerate(data["turns"]))
    return Dialogue(scenario, scores, turns, data["supporter_knows_seeker"])


def training_view(dialogue: Dialogue, role: Role, *, other: bool, persona: bool) -> View:
    """What ``role`` sees after the last turn: its system prompt and the whole talk, its own replies as it wrote them.

    Args:
        dialogue: the dialogue.
        role: whose view.
        other: whether the role is told the other's persona and facts too.
        persona: whether the role is told its own persona.
    """
    prompt = _prompt(role)
    sees = (Sight.OWN, Sight.OTHER_PERSONA, Sight.OTHER_FACTS) if other else (Sight.OWN,)
    shown = PersonasShown(**{role.value: persona})
    condition = Condition(id="training", title="Training", personas=shown, **{f"{role}_sees": sees})
    frame = frame_of(dialogue.scenario, taxonomy(), role, prompt, TAGGED, condition)
    view = ViewBuilder(frame).view(State(turns=dialogue.turns))
    words = {f"persona:{each}": _character_in_file_order(dialogue, each) for each in Role}
    segments = []
    for segment in view.segments:
        usual, in_file = words.get(segment.source, ("", ""))
        text = segment.text.replace(usual, in_file) if usual else segment.text
        segments.append(Segment(segment.source, segment.place, text))
    return View(view.role, view.turn, tuple(segments), view.facts)


def facts_in_words(facts: tuple[Fact, ...]) -> str:
    """Facts as a list of ids and texts, without when each may be told."""
    return "\n".join(f"- {fact.id}: {fact.text}" for fact in facts)


@cache
def taxonomy() -> Taxonomy:
    """The strategies that the supporters of the dialogues declare."""
    return read_taxonomy(STRATEGIES / "esconv.yaml")


@cache
def _prompt(role: Role) -> Prompt:
    return read_prompt(shipped_prompt(role, "tagged"), role)


def _persona(side: Mapping[str, Any]) -> Persona:
    scores = side["traits"]
    traits = Traits(**{name: scores[name] for name in HEXACO if name in scores})
    style = Style(**{name: scores[key] for key, name in STYLE_NAMES.items() if key in scores})
    return Persona(name=side["name"], background=side["about"], traits=traits, style=style)


def _facts(side: Mapping[str, Any]) -> tuple[Fact, ...]:
    facts = []
    for fact in side["facts"]:
        reveal = REVEALS[fact["reveal"]]
        trust = ANY_TRUST if reveal is Reveal.WHEN_TRUSTING else None
        facts.append(Fact(id=fact["id"], text=fact["fact"], reveal=reveal, trust=trust))
    return tuple(facts)


def _turn(index: int, turn: Mapping[str, Any]) -> Spoke:
    reply: SeekerReply | SupporterReply
    if turn["role"] == Role.SUPPORTER:
        reply = SupporterReply(utterance=turn["text"], strategies=tuple(turn["strategies"]))
    else:
        told = tuple(turn["told"])
        reply = SeekerReply(utterance=turn["text"], emotion=turn["emotion"], trust=turn["trust"], told=told)
    return Spoke(seq=index, turn=index, role=reply.role, reply=reply)


def _character(scores: Mapping[str, float]) -> str:
    """A persona's scores in words, in the order in which they are given."""
    return "; ".join(f"{level(score)} {WORDS[name]}" for name, score in scores.items())


def _character_in_file_order(dialogue: Dialogue, role: Role) -> tuple[str, str]:
    """The persona's scores in words, as the view has them and as the training has them.

    confide lists HEXACO before CSI, each in its usual order. Most personas of the dialogues have an order of their own:
    the adapter has seen many.
    """
    persona = dialogue.scenario.role(role).persona
    usual = "; ".join(part for part in (traits_in_words(persona), style_in_words(persona)) if part)
    return usual, _character(dialogue.scores[role])
