"""A conversation in the terminal: the talk on the left, what each side keeps to itself in the margin."""

from __future__ import annotations

from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from confide.agents import SeekerReply, SupporterReply
from confide.evaluators import Summary
from confide.scenarios import Persona, Role
from confide.simulator import AnyEvent, Ended, Failed, Imported, Noticed, Spoke, Started

PALETTE: Final = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#7f9fff", "#999999")
"""Colours that stay apart for colour-blind eyes (after Okabe and Ito), one per strategy in the taxonomy's order."""
_ROLE_STYLE: Final = {Role.SEEKER: "bold #e69f00", Role.SUPPORTER: "bold #56b4e9"}
_NOTICED: Final = {
    "asked": "the words ask about {fact}",
    "inferred": "the words state {fact}, which the {role} was not told",
    "undeclared": "the words tell {fact}, which the reply does not declare",
    "unsaid": "the reply declares {fact}, which the words do not tell",
}
_CONTROLS: Final = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys(range(128, 160), 65533),
    **dict.fromkeys((*range(8234, 8239), *range(8294, 8298)), 65533),
}


def visible(text: str) -> str:
    """``text`` with control characters shown as signs, so that no text can steer the terminal."""
    return text.translate(_CONTROLS)


class Transcript:
    """Prints a conversation event by event, so that it serves a finished log and a talk under way alike."""

    def __init__(self, console: Console) -> None:
        """Print to ``console``."""
        self._console = console
        self._started: Started | Imported | None = None
        self._last: SeekerReply | None = None

    def show(self, event: AnyEvent) -> None:
        """Print what there is to see of ``event``; most events have nothing."""
        if isinstance(event, Started | Imported):
            self._started = event
            self._console.print(self._head(event) if isinstance(event, Started) else _human_head(event))
        elif isinstance(event, Spoke):
            self._console.print(self._turn(event))
        elif isinstance(event, Noticed):
            self._console.print(
                Text(f"      {_NOTICED[event.what].format(fact=event.fact, role=event.role)}", style="dim")
            )
        elif isinstance(event, Failed):
            self._console.print(
                Text(f"      turn {event.turn}: {event.stage} failed: {visible(event.message)}", style="red")
            )
        elif isinstance(event, Ended):
            detail = f": {visible(event.detail)}" if event.detail else ""
            self._console.print(
                Text(f"\nended after {event.turns} turns: {event.reason.replace('_', ' ')}{detail}", style="dim")
            )

    def figures(self, summary: Summary) -> None:
        """Print the conversation's figures."""
        strategies = ", ".join(f"{label} {count}" for label, count in summary.strategies.items()) or "none"
        tokens = "unknown"
        if summary.prompt_tokens is not None and summary.completion_tokens is not None:
            cached = "unknown" if summary.cached_tokens is None else f"{summary.cached_tokens:,}"
            tokens = f"{summary.prompt_tokens:,} in prompts ({cached} cached), {summary.completion_tokens:,} in answers"
        cost = "unknown" if summary.cost is None else f"${summary.cost:.4f}"
        simulated = (
            ("facts told", ", ".join(summary.told) or "none"),
            *((("told, not declared", ", ".join(summary.noticed)),) if summary.noticed else ()),
            ("model calls", f"{summary.calls}, {summary.unreadable} unreadable, {summary.failed_tries} failed tries"),
            ("tokens", tokens),
            ("cost", cost),
        )
        rows = (("strategies", strategies), *(simulated if isinstance(self._started, Started) else ()))
        grid = Table.grid(padding=(0, 2))
        for name, value in rows:
            grid.add_row(Text(name, style="dim"), Text(visible(value)))
        self._console.print(grid)
        cast = [self._started.cast.of(role) for role in Role] if isinstance(self._started, Started) else []
        for caveat in dict.fromkeys(card.caveat for card in cast if card.caveat):
            self._console.print(Text(f"note: {visible(caveat)}", style="yellow"))

    def _head(self, event: Started) -> RenderableType:
        scenario = event.scenario
        text = Text()
        text.append(visible(scenario.title), style="bold")
        text.append(f"  {event.conversation}\n", style="dim")
        text.append(f"condition {event.condition.id}: {visible(event.condition.title)}\n", style="dim")
        text.append(visible(scenario.situation) + "\n")
        for role in Role:
            side = scenario.role(role)
            text.append(f"{role} {visible(side.persona.name)}", style=_ROLE_STYLE[role])
            text.append(f" ({event.cast.of(role).name}): {_about(side.persona)}\n", style="dim")
            for fact in side.facts:
                level = f" {fact.trust}" if fact.trust is not None else ""
                text.append(
                    f"    {fact.id} ({fact.reveal.replace('_', ' ')}{level}): {visible(fact.text)}\n", style="dim"
                )
        return text

    def _turn(self, event: Spoke) -> RenderableType:
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(width=3, justify="right")
        grid.add_column(ratio=3)
        grid.add_column(ratio=2)
        said = Text()
        said.append(f"{self._name(event.role)}\n", style=_ROLE_STYLE[event.role])
        said.append(visible(event.reply.utterance))
        grid.add_row(Text(str(event.turn), style="dim"), said, self._margin(event))
        return grid

    def _margin(self, event: Spoke) -> Text:
        margin = Text()
        reply = event.reply
        if isinstance(reply, SupporterReply):
            for label in reply.strategies or ():
                margin.append(f"{visible(label)}\n", style=self._colour(label))
            if reply.notes:
                margin.append(f"notes: {visible(reply.notes)}\n", style="dim italic")
        else:
            before = self._last
            if reply.emotion is not None:
                margin.append(f"distress {reply.emotion}{_change(reply.emotion, before.emotion if before else None)}  ")
            if reply.trust is not None:
                margin.append(f"trust {reply.trust}{_change(reply.trust, before.trust if before else None)}\n")
            if reply.thoughts:
                margin.append(f"thinks: {visible(reply.thoughts)}\n", style="dim italic")
            self._last = reply
        for fact in reply.told or ():
            margin.append(f"told {fact}\n", style="bold #009e73")
        return margin

    def _name(self, role: Role) -> str:
        if not isinstance(self._started, Started):
            return role.value
        return f"{visible(self._started.scenario.role(role).persona.name)} ({role})"

    def _colour(self, label: str) -> str:
        labels = self._started.taxonomy.labels if self._started else ()
        return PALETTE[labels.index(label) % len(PALETTE)] if label in labels else ""


def _human_head(event: Imported) -> RenderableType:
    text = Text()
    text.append(f"{event.conversation}", style="bold")
    text.append(f"  conversation {event.index} of {visible(event.source)}, held by people\n", style="dim")
    for name, value in (("problem", event.problem), ("emotion", event.emotion), ("situation", event.situation)):
        text.append(f"{name}: {visible(value) if value else 'not said'}\n", style="dim")
    return text


def _about(persona: Persona) -> str:
    scores = [
        *persona.traits.model_dump().items(),
        *((f"speech {name}", s) for name, s in persona.style.model_dump().items()),
    ]
    known = ", ".join(f"{name.replace('_', ' ')} {score:g}" for name, score in scores if score is not None)
    return visible(persona.background) + (f" [{known}]" if known else "")


def _change(now: int, before: int | None) -> str:
    return "" if before is None or now == before else f" ({now - before:+d})"
