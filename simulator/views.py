"""What each role may see. Law (non-interference): a view is a function of what its role may see, and of nothing else.

It holds by construction: :func:`frame_of` is the one place that takes a scenario apart. What a condition hides is unset
before a frame gets it, and a block of a prompt file that names something unset is left out. Of the other's turns a
view reads the utterance alone, and its private state only where the condition shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from confide.agents import AnyReply, Place, Prompt, ReplyFormat, SeekerReply, Segment, SupporterReply, View
from confide.agents.prompts import FACT_BLOCKS, INLINE, OTHER_BLOCKS
from confide.agents.view import Begun
from confide.agents.wording import style_in_words, traits_in_words
from confide.scenarios import Condition, Fact, Role, Scenario, SeekerSpec, Sight, SupporterSpec, Taxonomy, TellingPolicy
from confide.simulator.events import Spoke
from confide.simulator.gate import Gate
from confide.simulator.state import State

Values = Mapping[str, str | None]


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

    def name(self, role: Role) -> str:
        """What ``role`` is called."""
        return self.seeker_name if role is Role.SEEKER else self.supporter_name


class Seen(NamedTuple):
    """A side of a scenario as far as somebody sees it: what is hidden is unset."""

    values: Values
    """Persona, goals and feelings in words, by the names that prompt files use."""
    facts: tuple[Fact, ...]
    inner: bool
    """Whether the private part of replies is seen."""


class Views(Protocol):
    """Builds the views of one conversation, for one role or for an author."""

    def view(self, state: State) -> View:
        """What may be seen now. It grows at the end: an earlier view without its tail begins it."""
        ...

    def so_far(self, state: State) -> View:
        """The same without what asks for the next turn: what a question from outside of the talk is put to."""
        ...


class Frame:
    """What of one role's views is the same in every conversation of a scenario. It never changes."""

    def __init__(
        self,
        role: Role,
        own: Seen,
        other: Seen,
        public: Public,
        taxonomy: Taxonomy,
        prompt: Prompt,
        reply_format: ReplyFormat,
        gate: Gate | None = None,
    ) -> None:
        """Set up the frame.

        Args:
            role: whose views.
            own: the role's own side, as far as it sees it.
            other: the other side, as far as the role sees it.
            public: what both sides know.
            taxonomy: the strategies; public knowledge, shown where the prompt file says.
            prompt: the role's prompt file.
            reply_format: how the role's own earlier replies stand in its history.
            gate: says when a fact enters the view; None where all are in it from the start.
        """
        self.role = role
        self.gate = gate
        self._prompt = prompt
        self._format = reply_format
        self._own = own
        self._other = other
        self._names = {"name": public.name(role), "other": public.name(role.other)}
        shared = shared_values(public, taxonomy)
        self._values: dict[str, str | None] = {**shared, **own.values, **self._names}
        self._of_other: dict[str, str | None] = {**shared, **other.values, **self._names}
        self._facts = {fact.id: fact for fact in own.facts}
        self.facts = gate.open_at_start() if gate else tuple(self._facts)
        """Ids of the own facts that are in the view from the start."""
        names = list(prompt.blocks)
        talk = names.index("talk")
        self.head = self._head(names[:talk], public)
        """The segments before the talk."""
        self.begun = Begun.of(role, self.head)
        """The same, rendered."""
        self._after_talk = [block for block in names[talk + 1 :] if self._shown(block, public)]
        constant = [block for block in self._after_talk if block not in _CHANGING]
        self._constant = {block: self._segment(block, self._values) for block in constant}

    def turn(self, spoke: Spoke) -> Segment:
        """A turn as the role sees it: its own reply in its reply format, or the other's utterance."""
        if spoke.role is self.role:
            return Segment(f"reply:{spoke.turn}", Place.SELF, self._format.write(spoke.reply))
        return Segment(f"utterance:{spoke.turn}", Place.OTHER, spoke.reply.utterance)

    def unlocked(self, fact_id: str) -> Segment:
        """A fact that enters the view during the talk."""
        fact = fact_in_words(self._prompt, self._facts[fact_id], self._names)
        words = self._prompt.fill("unlocked", {"fact": fact})
        return Segment(f"fact:{fact_id}", Place.NOTE, words or fact)

    def tail(self, state: State) -> list[Segment]:
        """The segments after the talk, which change from turn to turn."""
        tail = []
        for block in self._after_talk:
            if block == "state":
                segment = self._segment(block, {**self._names, **_now(state, self.role)})
            elif block == "other now":
                segment = self._segment(block, {**self._names, **_now(state, self.role.other, unasked="")})
            else:
                segment = self._constant[block]
            if segment is not None:
                tail.append(segment)
        return tail

    def _segment(self, block: str, values: Values) -> Segment | None:
        text = self._prompt.fill(block, values)
        return None if text is None else Segment(self._prompt.source(block, self.role), Place.TAIL, text)

    def _head(self, blocks: list[str], public: Public) -> tuple[Segment, ...]:
        head: list[Segment] = []
        own_listed = False
        for block in blocks:
            if block == "other fact":
                head += self._other_facts()
            elif block in FACT_BLOCKS.values():
                head += [] if own_listed else self._own_facts()
                own_listed = True
            elif self._shown(block, public):
                values = self._of_other if block in OTHER_BLOCKS else self._values
                text = self._prompt.fill(block, values)
                place = Place.OPENING if block == "opening" else Place.HEAD
                head += [Segment(self._prompt.source(block, self.role), place, text)] if text is not None else []
        head.sort(key=lambda segment: segment.place is Place.OPENING)
        return tuple(head)

    def _own_facts(self) -> list[Segment]:
        facts = [self._facts[fact_id] for fact_id in self.facts]
        return [
            Segment(f"fact:{fact.id}", Place.HEAD, fact_in_words(self._prompt, fact, self._names)) for fact in facts
        ]

    def _other_facts(self) -> list[Segment]:
        listed = []
        for fact in self._other.facts:
            words = self._prompt.fill("other fact", {**self._of_other, "id": fact.id, "text": fact.text})
            listed.append(Segment(f"fact:{fact.id}", Place.HEAD, words or ""))
        return listed

    def _shown(self, block: str, public: Public) -> bool:
        if block in INLINE:
            return False
        if block == "facts":
            return bool(self.facts)
        if block == "other":
            return bool(self._other.facts) or any(self._other.values.values())
        if block == "other now":
            return self._other.inner
        if block == "language":
            return public.language.casefold() != "english"
        return block != "opening" or public.opens is self.role


class ViewBuilder:
    """Builds the views of one role in one conversation, adding to the talk as it grows."""

    def __init__(self, frame: Frame) -> None:
        """Begin with no talk."""
        self._frame = frame
        self._begin()

    def _begin(self) -> None:
        self._turns: tuple[Spoke, ...] = ()
        self._begun = self._frame.begun
        self._facts = self._frame.facts

    def view(self, state: State) -> View:
        """What the role may see now. It grows at the end: an earlier view without its tail begins it."""
        begun = self._grown(state)
        return View(self._frame.role, len(state.turns), tuple(self._frame.tail(state)), self._facts, begun)

    def so_far(self, state: State) -> View:
        """See :class:`Views`."""
        begun = self._grown(state)
        return View(self._frame.role, len(state.turns), (), self._facts, begun)

    def _grown(self, state: State) -> Begun:
        """The head and the talk up to now; the facts that entered the view meanwhile are in :attr:`_facts`."""
        frame = self._frame
        known = len(self._turns)
        if known and (len(state.turns) < known or state.turns[known - 1] is not self._turns[-1]):
            self._begin()  # another conversation's state, or an earlier one
            known = 0
        talk: list[Segment] = []
        for spoke in state.turns[known:]:
            talk.append(frame.turn(spoke))
            if frame.gate is not None and spoke.role is not frame.role:
                new = [fact for fact in frame.gate.open_after(state, spoke.turn) if fact not in self._facts]
                talk += [frame.unlocked(fact) for fact in new]
                self._facts = (*self._facts, *new)
        self._turns = state.turns
        self._begun = self._begun.plus(frame.role, talk)
        return self._begun


def frame_of(
    scenario: Scenario,
    taxonomy: Taxonomy,
    role: Role,
    prompt: Prompt,
    reply_format: ReplyFormat,
    condition: Condition,
) -> Frame:
    """The frame of ``role``: the one place that takes a scenario apart into what a role may see."""
    sees = condition.sees(role)
    spec = scenario.role(role)
    own, inner = Sight.OWN in sees, Sight.OTHER_INNER in sees
    mine = side_seen(spec, persona=own and condition.shows_persona(role), facts=own, inner=own)
    persona = Sight.OTHER_PERSONA in sees and condition.shows_persona(role.other)
    theirs = side_seen(scenario.role(role.other), persona=persona, facts=Sight.OTHER_FACTS in sees, inner=inner)
    gated = condition.telling is TellingPolicy.GATED and isinstance(spec, SeekerSpec) and own
    gate = Gate(spec.facts, spec.trust) if gated and isinstance(spec, SeekerSpec) else None
    return Frame(role, mine, theirs, Public.of(scenario), taxonomy, prompt, reply_format, gate)


def side_seen(spec: SeekerSpec | SupporterSpec, *, persona: bool, facts: bool, inner: bool) -> Seen:
    """A side of a scenario, with all unset that is not to be seen.

    Args:
        spec: the side.
        persona: whether background, traits and style are seen.
        facts: whether facts are seen.
        inner: whether goals and feelings, and the private part of replies, are seen.
    """
    values: dict[str, str | None] = dict.fromkeys(_PERSONA + _INNER)
    if persona:
        traits, style = traits_in_words(spec.persona), style_in_words(spec.persona)
        character = "; ".join(part for part in (traits, style) if part) or None
        about = spec.persona.background + (f" {character}." if character else "")
        values |= dict(
            zip(_PERSONA, (spec.persona.background, traits or None, style or None, character, about), strict=True)
        )
    if inner:
        values["goals"] = "\n".join(f"- {goal}" for goal in spec.goals) or None
    if inner and isinstance(spec, SeekerSpec):
        trust = None if spec.trust is None else str(spec.trust)
        values |= {"emotion": spec.emotion, "intensity": str(spec.intensity), "start_trust": trust}
    return Seen(values, spec.facts if facts else (), inner)


_CHANGING = ("state", "other now")
_PERSONA = ("background", "traits", "style", "character", "about")
_INNER = ("goals", "emotion", "intensity", "start_trust")


def shared_values(public: Public, taxonomy: Taxonomy) -> dict[str, str | None]:
    """What every prompt may name."""
    return {
        "language": public.language,
        "situation": public.situation,
        "strategies": ", ".join(taxonomy.labels),
        "definitions": "\n".join(f"- {s.label}: {s.definition}" for s in taxonomy.strategies),
    }


def fact_in_words(prompt: Prompt, fact: Fact, names: Values) -> str:
    """A fact with when it may be told, as the prompt file words it."""
    after = prompt.fill("after", {"ids": ", ".join(fact.after)}) if fact.after else ""
    trust = None if fact.trust is None else str(fact.trust)
    values = {**names, "language": None, "id": fact.id, "text": fact.text, "trust": trust, "after": after or ""}
    return prompt.fill(FACT_BLOCKS[fact.reveal], values) or ""


def _now(state: State, role: Role, unasked: str | None = None) -> dict[str, str | None]:
    """The private state of ``role`` after its last reply; None before it.

    Args:
        state: where the conversation stands.
        role: whose.
        unasked: stands for what the role's reply format does not ask for. To unset it would leave out the whole block
            about the other's state, where the two write in different formats, and with it all that there is.
    """
    values: dict[str, str | None] = {**_UNKNOWN, "told_now": ", ".join(state.told_by(role)) or "nothing"}
    last: AnyReply | None = state.last_reply(role)
    if isinstance(last, SeekerReply):
        values |= {
            "emotion_now": str(last.emotion),
            "trust_now": str(last.trust),
            "thoughts_now": unasked if last.thoughts is None else last.thoughts,
        }
    elif isinstance(last, SupporterReply):
        notes = unasked if last.notes is None else last.notes
        values |= {"notes_now": notes, "strategies_now": ", ".join(last.strategies or ())}
    return values


_UNKNOWN: Final[Values] = dict.fromkeys(
    ("emotion_now", "trust_now", "thoughts_now", "notes_now", "strategies_now"), None
)
