"""What each role may see. Law (non-interference): a view is a function of what its role may see, and of nothing else.

It holds by construction: the builder is handed the role's own side and the public part of a scenario, never the other
side, and of the other's turns it reads the utterance alone.
"""

from __future__ import annotations

from typing import NamedTuple

from confide.agents import AnyReply, Place, Prompt, ReplyFormat, SeekerReply, Segment, SupporterReply, View
from confide.agents.prompts import FACT_BLOCKS
from confide.agents.wording import style_in_words, traits_in_words
from confide.scenarios import Fact, Role, Scenario, SeekerSpec, SupporterSpec, Taxonomy
from confide.simulator.events import Spoke
from confide.simulator.state import State


class Public(NamedTuple):
    """What both roles know of a scenario."""

    situation: str
    language: str
    opens: Role
    seeker_name: str
    supporter_name: str

    @classmethod
    def of(cls, scenario: Scenario) -> Public:
        """The public part of ``scenario``."""
        names = scenario.seeker.persona.name, scenario.supporter.persona.name
        return cls(scenario.situation, scenario.language, scenario.opens, *names)


class ViewBuilder:
    """Builds the views of one role in one conversation."""

    def __init__(
        self,
        role: Role,
        own: SeekerSpec | SupporterSpec,
        public: Public,
        taxonomy: Taxonomy,
        prompt: Prompt,
        reply_format: ReplyFormat,
    ) -> None:
        """Set up the builder.

        Args:
            role: whose views.
            own: the role's own side of the scenario.
            public: what both sides know.
            taxonomy: the strategies; public knowledge, shown where the prompt file says.
            prompt: the role's prompt file.
            reply_format: how the role's own earlier replies stand in its history.
        """
        self._role = role
        self._own = own
        self._prompt = prompt
        self._format = reply_format
        self._values = _values(role, own, public, taxonomy)
        self._head, self._tail = self._static(public)
        self._talk: list[tuple[Spoke, Segment]] = []

    def view(self, state: State) -> View:
        """What the role may see now. It grows at the end: an earlier view without its tail begins it."""
        for index, spoke in enumerate(state.turns):
            if index == len(self._talk):
                self._talk.append((spoke, self._turn(spoke)))
            elif self._talk[index][0] is not spoke:
                del self._talk[index:]
                self._talk.append((spoke, self._turn(spoke)))
        talk = tuple(segment for _, segment in self._talk[: len(state.turns)])
        return View(self._role, len(state.turns), (*self._head, *talk, *self._changing(state)))

    def _turn(self, spoke: Spoke) -> Segment:
        if spoke.role is self._role:
            return Segment(f"reply:{spoke.turn}", Place.SELF, self._format.write(spoke.reply))
        return Segment(f"utterance:{spoke.turn}", Place.OTHER, spoke.reply.utterance)

    def _static(self, public: Public) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
        """The segments before the talk, and the names of the blocks after it."""
        head: list[Segment] = []
        names = list(self._prompt.blocks)
        before, after = names[: names.index("talk")], names[names.index("talk") + 1 :]
        facts_done = False
        for block in before:
            if block in FACT_BLOCKS.values():
                if not facts_done:
                    head += [self._fact(fact) for fact in self._own.facts]
                facts_done = True
            elif self._shown(block, public):
                text = self._prompt.fill(block, self._values)
                place = Place.OPENING if block == "opening" else Place.HEAD
                head += [Segment(self._prompt.source(block), place, text)] if text is not None else []
        head.sort(key=lambda segment: segment.place is Place.OPENING)
        return tuple(head), tuple(block for block in after if block != "repair")

    def _shown(self, block: str, public: Public) -> bool:
        if block == "after":
            return False
        if block == "facts":
            return bool(self._own.facts)
        if block == "language":
            return public.language.casefold() != "english"
        return block != "opening" or public.opens is self._role

    def _fact(self, fact: Fact) -> Segment:
        after = self._prompt.fill("after", {"ids": ", ".join(fact.after)}) if fact.after else ""
        trust = None if fact.trust is None else str(fact.trust)
        values = {**self._values, "id": fact.id, "text": fact.text, "trust": trust, "after": after or ""}
        text = self._prompt.fill(FACT_BLOCKS[fact.reveal], values)
        return Segment(f"fact:{fact.id}", Place.HEAD, text or "")

    def _changing(self, state: State) -> list[Segment]:
        if not self._tail:
            return []
        last = state.last_reply(self._role)
        values = {**self._values, **_now(last), "told_now": ", ".join(state.told_by(self._role)) or "nothing"}
        filled = ((block, self._prompt.fill(block, values)) for block in self._tail)
        return [Segment(self._prompt.source(block), Place.TAIL, text) for block, text in filled if text is not None]


def build_views(
    scenario: Scenario, taxonomy: Taxonomy, role: Role, prompt: Prompt, reply_format: ReplyFormat
) -> ViewBuilder:
    """The builder for ``role``: the one place that takes a scenario apart into what a role may see."""
    return ViewBuilder(role, scenario.role(role), Public.of(scenario), taxonomy, prompt, reply_format)


def _values(role: Role, own: SeekerSpec | SupporterSpec, public: Public, taxonomy: Taxonomy) -> dict[str, str | None]:
    other = public.supporter_name if role is Role.SEEKER else public.seeker_name
    traits, style = traits_in_words(own.persona), style_in_words(own.persona)
    values: dict[str, str | None] = {
        "name": own.persona.name,
        "other": other,
        "language": public.language,
        "background": own.persona.background,
        "traits": traits or None,
        "style": style or None,
        "character": "; ".join(part for part in (traits, style) if part) or None,
        "situation": public.situation,
        "goals": "\n".join(f"- {goal}" for goal in own.goals) or None,
        "strategies": ", ".join(taxonomy.labels),
        "definitions": "\n".join(f"- {s.label}: {s.definition}" for s in taxonomy.strategies),
    }
    if isinstance(own, SeekerSpec):
        trust = None if own.trust is None else str(own.trust)
        values |= {"emotion": own.emotion, "intensity": str(own.intensity), "start_trust": trust}
    return values


def _now(last: AnyReply | None) -> dict[str, str | None]:
    """The role's private state after its last reply; None before it."""
    values: dict[str, str | None] = {"emotion_now": None, "trust_now": None, "notes_now": None}
    if isinstance(last, SeekerReply):
        values |= {"emotion_now": str(last.emotion), "trust_now": str(last.trust)}
    elif isinstance(last, SupporterReply):
        values["notes_now"] = last.notes
    return values
