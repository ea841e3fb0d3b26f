"""Replay: the real code over a log's answers, with no model. Law: it reproduces the log, event for event.

The same mechanism resumes an interrupted conversation: the answers that were paid for come from the log, and when they
are used up the live model goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from pathlib import Path

from autogen_core import CancellationToken
from autogen_core.models import FinishReasons, RequestUsage

from confide.agents import Completion, Fault, Model, ModelError, parse_prompt
from confide.agents.formats import reply_format
from confide.agents.models import BaseClient, Request
from confide.scenarios import ConfideError, Role
from confide.simulator.conversation import Conversation, Part, Setup
from confide.simulator.events import AnyEvent, Called, Ended, Failed, ModelCard, Started
from confide.simulator.log import Sink

Answer = Completion | ModelError


class ReplayError(ConfideError):
    """The code did something else than the log says."""


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
            raise ReplayError("the log has no further answer, but the conversation asks for one")
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

    @property
    def beyond(self) -> bool:
        """Whether events came that the log does not have."""
        return self._count > len(self._expected)

    def write(self, *events: AnyEvent) -> None:
        """Compare, or hand on.

        Raises:
            ReplayError: an event differs from the log's in more than its time.
        """
        for event in events:
            index = self._count
            self._count += 1
            if index < len(self._expected):
                logged = self._expected[index].model_copy(update={"at": event.at})
                if logged != event:
                    raise ReplayError(f"event {index} ('{logged.kind}') differs: {_difference(logged, event)}")
            elif self._then is None and not isinstance(self._expected[-1], Ended):
                continue  # a kill came in the middle of events that happen together
            elif self._then is None:
                raise ReplayError(f"event {index}: the log ends, but the code goes on with '{event.kind}'")
            else:
                self._then.write(event)


def _difference(logged: AnyEvent, replayed: AnyEvent) -> str:
    if logged.kind != replayed.kind:
        return f"the log has '{logged.kind}', the code gives '{replayed.kind}'"
    ours, theirs = logged.model_dump(mode="json"), replayed.model_dump(mode="json")
    name = next(name for name in ours if ours[name] != theirs[name])
    return f"{name}: the log has {str(ours[name])[:120]}, the code gives {str(theirs[name])[:120]}"


def answers_in(events: Iterable[AnyEvent]) -> deque[Answer]:
    """What the models answered, in order: completions, and errors for calls that failed."""
    answers: deque[Answer] = deque()
    for event in events:
        if isinstance(event, Called):
            answers.append(_completion(event))
        elif isinstance(event, Failed) and event.stage == "call":
            answers.append(ModelError(Fault(event.fault), event.message, attempts=event.attempts))
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
        cached=False,
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
    prompts = {role: parse_prompt(started.prompts.of(role), role, Path(f"{role} prompt in the log")) for role in Role}
    answers = answers_in(events)
    models = {role: _taped(started.cast.of(role), answers) for role in Role}
    return Setup(
        started.conversation, started.pair_key, started.seed, started.scenario, started.taxonomy, prompts, models
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


async def replay(events: Sequence[AnyEvent]) -> None:
    """Run a conversation's log, finished or not, through the real code again.

    Raises:
        ReplayError: the code does something else than the log says.
    """
    follow = Follow(events)
    conversation = Conversation(setup_from_log(events), follow)
    while not follow.done:
        try:
            async for _ in conversation.run(None):
                if follow.done:
                    return
        except ModelError:  # logged, and tried again later
            continue
        if not follow.done:
            raise ReplayError("the code ends before the log does")


def resume(
    setup: Setup,
    logged: Sequence[AnyEvent],
    sink: Sink,
    token: CancellationToken | None,
    parts: Mapping[Role, Part] | None = None,
) -> AsyncGenerator[AnyEvent, None]:
    """Run a conversation on from where its log ends, or from its beginning where the log is empty.

    Args:
        setup: what it is made from, with live models.
        logged: the events that the log holds.
        sink: takes the new events.
        token: AutoGen's way to cancel; None where there is none.
        parts: what ``setup.parts()`` gave, if the caller has it already.

    Returns:
        The new events alone, each once it is in the sink.

    Raises:
        ReplayError: the log was not made from this setup, or by other code.
        ModelError: a model cannot be called.
    """
    if not logged:
        return Conversation(setup, sink, parts).run(token)
    return _run_on(setup, logged, sink, token)


async def _run_on(
    setup: Setup, logged: Sequence[AnyEvent], sink: Sink, token: CancellationToken | None
) -> AsyncGenerator[AnyEvent, None]:
    answers = answers_in(logged)
    models = {role: on_tape(model, answers) for role, model in setup.models.items()}
    follow = Follow(logged, sink)
    conversation = Conversation(setup._replace(models=models), follow)
    while conversation.state.ended is None:
        try:
            async for event in conversation.run(token):
                if event.seq >= len(logged):
                    yield event
        except ModelError:
            if follow.beyond:
                raise  # a failure of now, not one that the log tells of
