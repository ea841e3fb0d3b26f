"""What each role may see. Law (non-interference): a view is a function of what its role may see, and of nothing else.

It holds by construction: a frame is handed the role's own side and the public part of a scenario, never the other
side, and of the other's turns it reads the utterance alone.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class Frame:
    """What of one role's views is the same in every conversation of a scenario. It never changes."""

    def __init__(
        self,
        role: Role,
        own: SeekerSpec | SupporterSpec,
        public: Public,
        taxonomy: Taxonomy,
        prompt: Prompt,
        reply_format: ReplyFormat,
    ) -> None:
        """Set up the frame.

        Args:
            role: whose views.
            own: the role's own side of the scenario.
            public: what both sides know.
            taxonomy: the strategies; public knowledge, shown where the prompt file says.
            prompt: the role's prompt file.
            reply_format: how the role's own earlier replies stand in its history.
        """
        self.role = role
        self._own = own
        self._prompt = prompt
        self._format = reply_format
        self._values = _values(role, own, public, taxonomy)
        names = list(prompt.blocks)
        talk = names.index("talk")
        self.head = self._head(names[:talk], public)
        """The segments before the talk."""
        self._after_talk = [block for block in names[talk + 1 :] if self._shown(block, public)]
        self._constant = {block: self._segment(block, self._values) for block in self._after_talk if block != "state"}

    def turn(self, spoke: Spoke) -> Segment:
        """A turn as the role sees it: its own reply in its reply format, or the other's utterance."""
        if spoke.role is self.role:
            return Segment(f"reply:{spoke.turn}", Place.SELF, self._format.write(spoke.reply))
        return Segment(f"utterance:{spoke.turn}", Place.OTHER, spoke.reply.utterance)

    def tail(self, state: State) -> list[Segment]:
        """The segments after the talk, which change from turn to turn."""
        if not self._after_talk:
            return []
        told = ", ".join(state.told_by(self.role)) or "nothing"
        values = {**self._values, **_now(state.last_reply(self.role)), "told_now": told}
        tail = [
            self._segment(block, values) if block == "state" else self._constant[block] for block in self._after_talk
        ]
        return [segment for segment in tail if segment is not None]

    def _segment(self, block: str, values: Mapping[str, str | None]) -> Segment | None:
        text = self._prompt.fill(block, values)
        return None if text is None else Segment(self._prompt.source(block), Place.TAIL, text)

    def _head(self, blocks: list[str], public: Public) -> tuple[Segment, ...]:
        head: list[Segment] = []
        facts_done = False
        for block in blocks:
            if block in FACT_BLOCKS.values():
                if not facts_done:
                    head += [self._fact(fact) for fact in self._own.facts]
                facts_done = True
            elif self._shown(block, public):
                text = self._prompt.fill(block, self._values)
                place = Place.OPENING if block == "opening" else Place.HEAD
                head += [Segment(self._prompt.source(block), place, text)] if text is not None else []
        head.sort(key=lambda segment: segment.place is Place.OPENING)
        return tuple(head)

    def _shown(self, block: str, public: Public) -> bool:
        if block in ("after", "repair"):
            return False
        if block == "facts":
            return bool(self._own.facts)
        if block == "language":
            return public.language.casefold() != "english"
        return block != "opening" or public.opens is self.role

    def _fact(self, fact: Fact) -> Segment:
        after = self._prompt.fill("after", {"ids": ", ".join(fact.after)}) if fact.after else ""
        trust = None if fact.trust is None else str(fact.trust)
        values = {**self._values, "id": fact.id, "text": fact.text, "trust": trust, "after": after or ""}
        text = self._prompt.fill(FACT_BLOCKS[fact.reveal], values)
        return Segment(f"fact:{fact.id}", Place.HEAD, text or "")


class ViewBuilder:
    """Builds the views of one role in one conversation, adding to the talk as it grows."""

    def __init__(self, frame: Frame) -> None:
        """Begin with no talk."""
        self._frame = frame
        self._turns: tuple[Spoke, ...] = ()
        self._talk: list[Segment] = []

    def view(self, state: State) -> View:
        """What the role may see now. It grows at the end: an earlier view without its tail begins it."""
        known = len(self._turns)
        if self._turns and (len(state.turns) < known or state.turns[known - 1] is not self._turns[-1]):
            self._talk, known = [], 0  # another conversation's state, or an earlier one
        self._talk += [self._frame.turn(spoke) for spoke in state.turns[known:]]
        self._turns = state.turns
        segments = (*self._frame.head, *self._talk, *self._frame.tail(state))
        return View(self._frame.role, len(state.turns), segments)


def frame_of(scenario: Scenario, taxonomy: Taxonomy, role: Role, prompt: Prompt, reply_format: ReplyFormat) -> Frame:
    """The frame of ``role``: the one place that takes a scenario apart into what a role may see."""
    return Frame(role, scenario.role(role), Public.of(scenario), taxonomy, prompt, reply_format)


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
