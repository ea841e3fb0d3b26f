"""What an author sees who writes both sides. Law: it sees all that the condition shows, in one order at every turn."""

from __future__ import annotations

from collections.abc import Mapping

from confide.agents import Place, Prompt, ReplyFormat, Segment, View
from confide.agents.prompts import FACT_BLOCKS, INLINE
from confide.agents.view import Begun
from confide.scenarios import Condition, Role, Scenario, Taxonomy, Writer
from confide.simulator.events import Spoke
from confide.simulator.state import State
from confide.simulator.views import Public, Seen, fact_in_words, shared_values, side_seen

_SIDE_BLOCKS = ("persona", "traits", "style", "emotion", "trust", "goals", "facts", *FACT_BLOCKS.values())
"""Blocks that are filled once for each side."""


class AuthorFrame:
    """What of an author's views is the same in every conversation of a scenario. It never changes."""

    def __init__(
        self,
        sides: Mapping[Role, Seen],
        public: Public,
        taxonomy: Taxonomy,
        prompt: Prompt,
        reply_format: ReplyFormat,
        script_turns: int | None,
    ) -> None:
        """Set up the frame.

        Args:
            sides: both sides, as far as the condition shows them.
            public: what both sides know.
            taxonomy: the strategies.
            prompt: the author's prompt file.
            reply_format: how the author's earlier replies stand in its history.
            script_turns: most turns of a script; None for an author who writes turn by turn.
        """
        self._prompt = prompt
        self._format = reply_format
        self._public = public
        self._script = script_turns is not None
        turns = None if script_turns is None else str(script_turns)
        self._shared: dict[str, str | None] = {**shared_values(public, taxonomy), "turns": turns}
        self.begun = Begun.of(public.opens, self._head(sides))
        """The segments before the talk, rendered."""
        self.cues = {role: self._segment("cue", role, Place.NOTE) for role in Role}
        """What asks for a role's next message."""
        self.ask = self._segment("script", public.opens, Place.NOTE)
        """What asks for a script."""
        self.facts = {role: tuple(fact.id for fact in sides[role].facts) for role in Role}
        """Ids of each side's facts."""

    def turn(self, spoke: Spoke) -> tuple[Segment, ...]:
        """A turn as the author sees it: what asked for it, and its own reply, private part and all."""
        reply = Segment(f"reply:{spoke.turn}", Place.SELF, self._format.write(spoke.reply))
        return (*self.cues[spoke.role], reply)

    def _head(self, sides: Mapping[Role, Seen]) -> tuple[Segment, ...]:
        head: list[Segment] = []
        names = list(self._prompt.blocks)
        asked_apart = ("cue", "script", "format" if self._script else "script format")
        for block in names[: names.index("talk")]:
            if block in (*_SIDE_BLOCKS, *INLINE, *asked_apart):
                continue
            if block == "language" and self._public.language.casefold() == "english":
                continue
            head += self._segment(block, Role.SEEKER, Place.HEAD)
            if block.endswith(" side"):
                role = Role(block.removesuffix(" side"))
                head += self._side(role, sides[role])
        return tuple(head)

    def _side(self, role: Role, seen: Seen) -> list[Segment]:
        found: list[Segment] = []
        facts_done = False
        for block in self._prompt.blocks:
            if block in FACT_BLOCKS.values():
                listed = () if facts_done else seen.facts
                found += [
                    Segment(f"fact:{fact.id}", Place.HEAD, fact_in_words(self._prompt, fact, self._names(role)))
                    for fact in listed
                ]
                facts_done = True
            elif block in _SIDE_BLOCKS and (block != "facts" or seen.facts):
                found += self._segment(block, role, Place.HEAD, seen.values)
        return found

    def _names(self, role: Role) -> dict[str, str | None]:
        both = {"name": self._public.name(role), "other": self._public.name(role.other)}
        return {**both, "seeker": self._public.seeker_name, "supporter": self._public.supporter_name}

    def _segment(
        self, block: str, role: Role, place: Place, values: Mapping[str, str | None] | None = None
    ) -> tuple[Segment, ...]:
        """The segment of a block about ``role``, or none."""
        text = self._prompt.fill(block, {**self._shared, **(values or {}), **self._names(role)})
        return () if text is None else (Segment(self._prompt.source(block, role), place, text),)


class AuthorViews:
    """Builds the views of one author in one conversation, adding to the talk as it grows."""

    def __init__(self, frame: AuthorFrame) -> None:
        """Begin with no talk."""
        self._frame = frame
        self._turns: tuple[Spoke, ...] = ()
        self._begun = frame.begun

    def view(self, state: State) -> View:
        """What the author sees when it writes the next turn. An earlier view begins it, whole."""
        return self.so_far(state).plus(*self._frame.cues[state.next_role()])

    def so_far(self, state: State) -> View:
        """See :class:`~confide.simulator.views.Views`."""
        known = len(self._turns)
        if known and (len(state.turns) < known or state.turns[known - 1] is not self._turns[-1]):
            self._begun, known = self._frame.begun, 0  # another conversation's state, or an earlier one
        role = state.next_role()
        talk = [segment for spoke in state.turns[known:] for segment in self._frame.turn(spoke)]
        self._turns = state.turns
        self._begun = self._begun.plus(role, talk)
        return View(role, len(state.turns), (), self._frame.facts[role], self._begun)

    def script(self, state: State) -> View:
        """What the author sees when it writes the whole conversation."""
        return View(state.next_role(), 0, self._frame.ask, begun=self._frame.begun)


def author_frame_of(
    scenario: Scenario, taxonomy: Taxonomy, prompt: Prompt, reply_format: ReplyFormat, condition: Condition
) -> AuthorFrame:
    """The frame of an author, who sees everything but the personas that the condition leaves out."""
    sides = {
        role: side_seen(scenario.role(role), persona=condition.shows_persona(role), facts=True, inner=True)
        for role in Role
    }
    turns = scenario.limits.turns if condition.writer is Writer.SCRIPT else None
    return AuthorFrame(sides, Public.of(scenario), taxonomy, prompt, reply_format, turns)
