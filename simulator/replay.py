"""Replay: the real code over a log's answers, with no model. Law: it reproduces the log, event for event.

The same mechanism resumes an interrupted conversation: the answers that were paid for come from the log, and when they
are used up the live model goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from autogen_core.models import FinishReasons, RequestUsage

from confide.agents import Completion, Fault, Model, ModelError, parse_prompt
from confide.agents.formats import reply_format
from confide.agents.models import BaseClient, Request
from confide.scenarios import ConfideError, Role
from confide.simulator.cast import ModelCard
from confide.simulator.conversation import Conversation
from confide.simulator.events import AnyEvent, Called, Ended, Failed, Started
from confide.simulator.log import Sink
from confide.simulator.setup import Setup, Stage, writer_of

Answer = Completion | ModelError


class ReplayError(ConfideError):
    """The code did something else than the log says."""

    def __init__(self, message: str, event: int | None = None) -> None:
        """Keep the number of the event that differs, if it is one."""
        super().__init__(message)
        self.event = event


class NoAnswerError(ReplayError):
    """The code asks for an answer that the log does not have."""


class Tape(BaseClient):
    """Plays back answers, and then hands over to a live client, if there is one."""

    def __init__(self, answers: deque[Answer], then: BaseClient | None = None) -> None:
        """Play ``answers``, which both roles' tapes share, so that they come in the order of the log."""
        super().__init__()
        self._answers = answers
        self._then = then

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        if self._answers:
            answer = self._answers.popleft()
            if isinstance(answer, ModelError):
                raise answer
            return answer
        if self._then is None:
            raise NoAnswerError("the log has no further answer, but the conversation asks for one")
        return await self._then.answer(request)


class Follow:
    """A sink that holds events against those that a log has, and hands what comes after them to the next sink."""

    def __init__(self, expected: Sequence[AnyEvent], then: Sink | None = None) -> None:
        """Expect ``expected`` first."""
        self._expected = expected
        self._then = then
        self._count = 0

    @property
    def done(self) -> bool:
        """Whether all expected events came."""
        return self._count >= len(self._expected)

    def write(self, *events: AnyEvent) -> None:
        """Compare, or hand on.

        Raises:
            ReplayError: an event differs from the log's in more than its time.
        """
        known = self._expected[self._count : self._count + len(events)]
        for event, logged in zip(events, known, strict=False):
            unwritten = {"at": None, "digest": None} if isinstance(logged, Ended) else {"at": None}
            if logged.model_copy(update=unwritten) != event:
                what = f"event {self._count} ('{logged.kind}') differs: {_difference(logged, event)}"
                raise ReplayError(what, self._count)
            self._count += 1
        new = events[len(known) :]
        if new and self._then is not None:
            self._then.write(*new)
        elif new and isinstance(self._expected[-1], Ended):
            what = f"event {self._count}: the log ends, but the code goes on with '{new[0].kind}'"
            raise ReplayError(what, self._count)
        # Else a kill came in the middle of events that happen together.


def _difference(logged: AnyEvent, replayed: AnyEvent) -> str:
    if logged.kind != replayed.kind:
        return f"the log has '{logged.kind}', the code gives '{replayed.kind}'"
    ours, theirs = logged.model_dump(mode="json"), replayed.model_dump(mode="json")
    name = next(name for name in ours if ours[name] != theirs[name] and name not in ("at", "digest"))
    return f"{name}: the log has {str(ours[name])[:120]}, the code gives {str(theirs[name])[:120]}"


def answers_in(events: Iterable[AnyEvent]) -> deque[Answer]:
    """What the models answered, in order: completions, and errors for calls that failed."""
    answers: deque[Answer] = deque()
    for event in events:
        if isinstance(event, Called):
            answers.append(_completion(event))
        elif isinstance(event, Failed) and event.stage == "call":
            error = ModelError(Fault(event.fault), event.message, attempts=event.attempts)
            error.replayed = True
            answers.append(error)
    return answers


def _completion(event: Called) -> Completion:
    reason: FinishReasons = "unknown"
    for known in ("stop", "length", "function_calls", "content_filter"):
        if event.finish_reason == known:
            reason = known
    return Completion(
        finish_reason=reason,
        content=event.reply,
        usage=RequestUsage(event.prompt_tokens or 0, event.completion_tokens or 0),
        cached=event.hit,
        model=event.model,
        fingerprint=event.fingerprint,
        prompt_tokens=event.prompt_tokens,
        cached_tokens=event.cached_tokens,
        completion_tokens=event.completion_tokens,
        seconds=event.seconds,
        attempts=event.attempts,
    )


def on_tape(model: Model, answers: deque[Answer]) -> Model:
    """``model``, answering from the tape first, and then live."""
    return model._replace(client=Tape(answers, model.client))


def setup_from_log(events: Sequence[AnyEvent]) -> Setup:
    """What the conversation was made from, models aside: they answer from the log alone.

    Raises:
        ReplayError: the log does not hold its own beginning.
    """
    started = events[0] if events else None
    if not isinstance(started, Started):
        raise ReplayError("the log does not begin with its 'started' event")
    prompts = {}
    for role in Role:
        writer = writer_of(started.condition, role)
        prompts[role] = parse_prompt(started.prompts.of(role), writer, Path(f"{writer} prompt in the log"))
    answers = answers_in(events)
    models = {role: _taped(started.cast.of(role), answers) for role in Role}
    return Setup(
        started.conversation,
        started.pair_key,
        started.seed,
        started.scenario,
        started.taxonomy,
        started.condition,
        prompts,
        models,
        started.parent,
        started.cast.name,
    )


def _taped(card: ModelCard, answers: deque[Answer]) -> Model:
    return Model(
        card.name,
        Tape(answers),
        reply_format(card.format),
        card.structured,
        card.sends_seed,
        card.price,
        1,
        card.caveat,
    )


def replay(events: Sequence[AnyEvent]) -> None:
    """Run a conversation's log, finished or not, through the real code again.

    It needs no event loop, and may be called inside of one.

    Raises:
        ReplayError: the code does something else than the log says.
    """
    work = _replay(events)
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("a replay has nothing to wait for")


async def _replay(events: Sequence[AnyEvent]) -> None:
    follow = Follow(events)
    conversation = Conversation(setup_from_log(events), follow)
    while not follow.done:
        if conversation.state.ended is not None:
            raise ReplayError("the code ends before the log does")
        try:
            await conversation.step(None)
        except NoAnswerError:
            if not follow.done:  # else the log ends in the middle of a turn
                raise


def resumed(setup: Setup, logged: Sequence[AnyEvent], sink: Sink, stage: Stage | None = None) -> Conversation:
    """A conversation that runs on from where its log ends, or begins where the log is empty.

    Its steps may raise a :class:`ReplayError`: the log was not made from this setup, or by other code.

    Args:
        setup: what it is made from, with live models.
        logged: the events that the log holds.
        sink: takes the new events alone.
        stage: what ``setup.prepare()`` gave, if the caller has it already.
    """
    if not logged:
        return Conversation(setup, sink, stage)
    answers = answers_in(logged)
    models = {role: on_tape(model, answers) for role, model in setup.models.items()}
    return Conversation(setup._replace(models=models), Follow(logged, sink))
