"""Who is asked about traits, and when: agents about themselves, and an observer about a role's lines.

Laws: a probe sees what the agent itself sees and nothing else, after one of its own turns, and never enters a history.
An observer sees one role's public lines and nothing else, and as many of them at every rating.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from confide.agents import Model, Place, Segment, View
from confide.agents.agent import SeedFor
from confide.evaluators.traits.asking import Examiner, Words, unasked
from confide.evaluators.traits.courses import persona_of
from confide.evaluators.traits.instrument import TraitItem
from confide.evaluators.traits.plan import LoadedPlan
from confide.scenarios import Role, Writer
from confide.simulator.events import Started
from confide.simulator.observing import Answer, Key, Line, Seen
from confide.simulator.replay import setup_from_log
from confide.simulator.setup import Stage

Form = Literal["short", "long"]
START = -1
"""The turn after which the first probe is made: none was spoken."""


class Due(NamedTuple):
    """A form that is to be asked now."""

    turn: int
    """The turn after which it is asked."""
    role: Role
    repeat: int
    form: Form


def agents_due(plan: LoadedPlan, seen: Seen) -> Iterator[Due]:
    """What agents are to be asked now: the long form at the start and after their last turn, the short one between."""
    if not seen.lines:
        for role in plan.plan.of if not seen.over else ():
            yield from _long(START, role, plan.plan.retests)
        return
    if seen.over:
        for role in plan.plan.of:
            own = _own_turns(seen.lines, role)
            if own:
                yield Due(own[-1], role, 0, "long")
        return
    last = seen.lines[-1]
    if last.role in plan.plan.of and last.turn in _between(_own_turns(seen.lines, last.role), START, plan.plan.every):
        yield Due(last.turn, last.role, 0, "short")


def observer_due(plan: LoadedPlan, seen: Seen) -> Iterator[Due]:
    """What an observer is to be asked now: the long form once there are enough lines, and after the last one."""
    for role in plan.plan.of:
        own = _own_turns(seen.lines, role)
        if len(own) < plan.plan.lines:
            continue
        first = own[plan.plan.lines - 1]
        if seen.over:
            yield from [Due(own[-1], role, 0, "long")] if own[-1] > first else []
        elif seen.lines[-1].turn == first:
            yield from _long(first, role, plan.plan.retests)
        elif seen.lines[-1].turn in _between(own, first, plan.plan.every):
            yield Due(own[-1], role, 0, "short")


def _long(turn: int, role: Role, retests: int) -> Iterator[Due]:
    for repeat in range(retests + 1):
        yield Due(turn, role, repeat, "long")


def _own_turns(lines: Sequence[Line], role: Role) -> list[int]:
    return [line.turn for line in lines if line.role is role]


def _between(own: Sequence[int], first: int, every: int | None) -> list[int]:
    """A role's turns after which the short form is asked: each at least ``every`` turns after the last asking."""
    found: list[int] = []
    last = first
    for turn in own if every is not None else ():
        if turn > first and turn - last >= (every or 0):
            found.append(turn)
            last = turn
    return found


def _left(plan: LoadedPlan, seen: Seen, due: Due) -> list[TraitItem]:
    """Items of a form that were not asked at this point yet.

    In a block, a form is asked whole, so that the first and the last long form are asked alike.
    """
    block = plan.plan.administration == "block"
    asked = {
        item
        for key, answer in seen.answers.items()
        if (key.turn, key.role, key.repeat) == due[:3] and (not block or key.part == due.form)
        for item in answer.values
    }
    items = plan.instrument.items if due.form == "long" else plan.instrument.short_items
    return [item for item in items if item.id not in asked]


class SelfReport:
    """An :class:`~confide.simulator.observing.Observer` that asks copies of the agents about themselves."""

    def __init__(self, plan: LoadedPlan, models: Mapping[str, Model], *, bare: bool = False) -> None:
        """Ask by ``plan``.

        Args:
            plan: what is asked, and when.
            models: the models that play the roles, by name.
            bare: ask the same models without their own persona.

        Raises:
            ConfideError: the plan has no words for a model's format.
        """
        self._plan = plan
        self._bare = bare
        self._examiners = {name: Examiner(plan, model) for name, model in models.items()}
        self._stages: dict[tuple[str, str, str, Role], Stage] = {}

    async def observe(self, seen: Seen, seed_for: SeedFor) -> AsyncIterator[Answer]:
        """See :class:`~confide.simulator.observing.Observer`."""
        why = _cannot_be_asked(seen)
        for due in agents_due(self._plan, seen):
            items = _left(self._plan, seen, due)
            if not items or (self._bare and due.repeat):
                continue
            if why is not None or not isinstance(seen.opening, Started):
                if due.repeat == 0 and due.turn == START:
                    yield unasked(Key(due.turn, due.role, 0, due.form), items, why or "nobody can be asked")
                continue
            examiner = self._examiners[seen.opening.cast.of(due.role).name]
            words = self._words(examiner, seen.opening, due.role)
            view = self._view(seen, seen.opening, due)
            point = f"{due.turn}:{due.role}:{due.repeat}"
            for put in examiner.parts(items, due.form, seed_for(f"order:{point}")):
                key = Key(due.turn, due.role, due.repeat, put.part)
                yield await examiner.ask(view, words, put, key, seed_for(f"{point}:{put.part}"))

    @staticmethod
    def _words(examiner: Examiner, opening: Started, role: Role) -> Words:
        name = opening.scenario.role(role).persona.name
        two = opening.condition.writer is Writer.TWO_AGENTS
        return Words(examiner.asks.own if two else examiner.asks.author, name)

    def _view(self, seen: Seen, opening: Started, due: Due) -> View:
        """What the agent saw when its own turn ``due.turn`` was spoken, that turn included."""
        stage = self._stage(opening, due.role)
        state = seen.state._replace(turns=seen.state.turns[: due.turn + 1])
        return stage.views()[due.role].so_far(state)._replace(role=due.role)

    def _stage(self, opening: Started, role: Role) -> Stage:
        key = (persona_of(opening.pair_key), opening.condition.id, f"{opening.cast.name}", role)
        if key not in self._stages:
            if self._bare:
                shown = opening.condition.personas.model_copy(update={role.value: False})
                condition = opening.condition.model_copy(update={"personas": shown})
                opening = opening.model_copy(update={"condition": condition})
            self._stages[key] = setup_from_log([opening]).prepare()
        return self._stages[key]


def _cannot_be_asked(seen: Seen) -> str | None:
    """Why no agent can be asked about itself; None where one can."""
    if not isinstance(seen.opening, Started):
        return "a person is not asked about themselves; an observer can read their lines"
    if seen.opening.condition.writer is Writer.SCRIPT:
        return "a script is written in one call, and nobody can be asked in between; an observer can read its lines"
    return None


class ObserverReport:
    """An :class:`~confide.simulator.observing.Observer` that asks a reader about a role, from its lines alone."""

    def __init__(self, plan: LoadedPlan, model: Model) -> None:
        """Ask by ``plan``.

        Args:
            plan: what is asked, and when.
            model: what reads and answers.

        Raises:
            ConfideError: the plan has no words for the model's format.
        """
        self._plan = plan
        self._examiner = Examiner(plan, model)

    async def observe(self, seen: Seen, seed_for: SeedFor) -> AsyncIterator[Answer]:
        """See :class:`~confide.simulator.observing.Observer`."""
        if seen.over:
            for role in self._plan.plan.of:
                lines = len(_own_turns(seen.lines, role))
                key = Key(None, role, 0, "long")
                if lines < self._plan.plan.lines and key not in seen.answers:
                    why = f"the {role} has fewer lines than the observer is to see: {lines} of {self._plan.plan.lines}"
                    yield unasked(key, self._plan.instrument.items, why)
        examiner = self._examiner
        for due in observer_due(self._plan, seen):
            items = _left(self._plan, seen, due)
            view = self._view(seen, due)
            words = Words(examiner.asks.lines, "the person")
            point = f"{due.turn}:{due.role}:{due.repeat}"
            for put in examiner.parts(items, due.form, seed_for(f"order:{point}")):
                key = Key(due.turn, due.role, due.repeat, put.part)
                yield await examiner.ask(view, words, put, key, seed_for(f"{point}:{put.part}"), third=True)

    def _view(self, seen: Seen, due: Due) -> View:
        """The role's last lines. They are numbered from 1, and nothing says whose they are."""
        own = [line for line in seen.lines if line.role is due.role and line.turn <= due.turn]
        segments = []
        for number, line in enumerate(own[-self._plan.plan.lines :], start=1):
            if self._examiner.model.format.name == "tagged":
                text = " ".join(line.utterance.splitlines()).strip()  # one line each: a break would make two
            else:
                text = json.dumps({"line": number, "text": line.utterance}, ensure_ascii=False)
            segments.append(Segment(f"utterance:{line.turn}", Place.TAIL, text))
        return View(due.role, len(seen.lines), tuple(segments))  # the role leaves no trace in a prompt
