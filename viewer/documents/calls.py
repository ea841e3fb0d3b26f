"""Model calls, with the segments of their prompts."""

from __future__ import annotations

from confide.scenarios import Role
from confide.scenarios.schema import Frozen
from confide.simulator.events import PlaceName


class Source(Frozen):
    """A segment of a prompt."""

    source: str
    """Where it comes from, such as ``fact:quitting`` or ``utterance:7``."""
    place: PlaceName
    """Where it stands: neighbouring ``head`` segments make one system message, neighbouring ``tail`` segments one user
    message, ``self`` an assistant message each, and all others a user message each."""
    hash: str
    """Address of its text in ``texts``."""


class Try(Frozen):
    """A try at a call that failed."""

    fault: str
    """Why."""
    message: str
    """In one line."""
    seconds: float
    """How long it took."""


class Call(Frozen):
    """A model call. Its prompt is the first ``kept`` segments of call ``base``, and ``segments`` after them."""

    seq: int
    """Number of its event in the log."""
    turn: int
    """The turn that it was made for; -1 before the first."""
    role: Role | None
    """For whom; None for both."""
    purpose: str
    """``speak``, ``script``, ``repair`` or ``read``."""
    base: int | None
    """Place of the call that it goes on from in the list of calls; None where ``kept`` is 0."""
    kept: int
    """Segments that it shares with that call."""
    segments: tuple[Source, ...]
    """The segments after those."""
    prompt: str | None
    """Content address of the messages; None where there was no answer, as the seed."""
    seed: int | None
    """The seed."""
    reply: str
    """The answer, exactly; empty where there was none."""
    answered: bool
    """Whether there was an answer."""
    hit: bool
    """Whether the answer came from the cache of answers: nothing was sent and nothing paid."""
    fault: str | None
    """What was wrong with the answer, or why there was none; None if it could be read."""
    message: str | None
    """The same in one line."""
    finish_reason: str | None
    """Why the model stopped."""
    model: str | None
    """What the server calls the model."""
    fingerprint: str | None
    """The server's mark of its configuration."""
    prompt_tokens: int | None
    """Tokens of the prompt."""
    cached_tokens: int | None
    """Of these, from the prefix cache."""
    completion_tokens: int | None
    """Tokens of the answer."""
    seconds: float | None
    """How long it took, without earlier tries."""
    cost: float | None
    """US dollars."""
    attempts: tuple[Try, ...]
    """Tries that failed before."""


class Calls(Frozen):
    """The calls of a log, with the texts of their segments."""

    calls: tuple[Call, ...]
    """In order."""
    texts: dict[str, str]
    """Texts by content address. One that is not here stands in the conversation's own ``texts``."""
