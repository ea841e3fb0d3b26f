"""A model's answer with everything that it cost, and the errors that stand in for one.

Law: a client raises or answers. It never returns an empty answer, and never one model's answer for another.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from autogen_core.models import CreateResult
from pydantic import Field

from confide.scenarios import ConfideError
from confide.scenarios.schema import Frozen


class Fault(StrEnum):
    """Why a model call failed."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    EMPTY = "empty"
    FILTERED = "filtered"
    NOT_TEXT = "not_text"
    NOT_KEPT = "not_kept"
    """The cache of answers was to answer alone, and has no answer. Nothing was sent."""

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self in (Fault.UNREACHABLE, Fault.TIMEOUT, Fault.RATE_LIMITED, Fault.SERVER_ERROR)

    @property
    def of_one_call(self) -> bool:
        """Whether it lies in what was asked or answered, so that other calls may well succeed."""
        return self in (Fault.BAD_REQUEST, Fault.EMPTY, Fault.FILTERED, Fault.NOT_TEXT)

    @property
    def of_all_calls(self) -> bool:
        """Whether no other call would escape it."""
        return self in (Fault.DENIED, Fault.NOT_FOUND, Fault.NOT_KEPT)


class Attempt(Frozen):
    """A try at a call that failed before another one succeeded, or before the call was given up."""

    fault: Fault
    """Why it failed."""
    message: str
    """What the server or the network said, in one line."""
    seconds: Annotated[float, Field(ge=0)]
    """How long the try took."""


class ModelError(ConfideError):
    """A model call that failed for good."""

    def __init__(
        self,
        fault: Fault,
        message: str,
        *,
        retry_after: float | None = None,
        attempts: tuple[Attempt, ...] = (),
        status: int | None = None,
    ) -> None:
        """Keep the fault, and the tries that were made."""
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.retry_after = retry_after
        """Seconds that the server asked to wait, if it did."""
        self.attempts = attempts
        self.status = status
        """The HTTP status, if there was one."""
        self.seconds: float | None = None
        """How long the try took, without waiting for its turn; None where that is not known apart."""
        self.replayed = False
        """Whether it comes from a log, where it stands with what was done about it."""

    def __str__(self) -> str:
        """The message as it is now: a client may put it in better words on its way up."""
        return self.message


class Completion(CreateResult):
    """AutoGen's result, with what the log keeps of a call. A figure that the server did not give is None."""

    content: str
    """The answer's text, exactly."""
    model: str | None = None
    """The model's name as the server gave it."""
    fingerprint: str | None = None
    """The server's own mark of its build or configuration."""
    prompt_tokens: int | None = None
    """Tokens of the prompt."""
    cached_tokens: int | None = None
    """Of these, how many the server took from its prefix cache."""
    completion_tokens: int | None = None
    """Tokens of the answer."""
    seconds: float | None = None
    """From sending the call to having its answer, without waiting for earlier tries."""
    attempts: tuple[Attempt, ...] = ()
    """Tries that failed before this one."""

    def odds_at(self, at: int) -> dict[str, float] | None:
        """What could have stood in place of the token at one character of the answer, with each one's probability.

        Texts are stripped of white space, and the probabilities of all spellings of one text are added up. Only the
        likeliest tokens are known, so that they need not sum to 1.

        Args:
            at: the character's place in :attr:`content`.

        Returns:
            None where the server gave no log-probabilities of what could have stood there, or its tokens do not make
            up the answer, or make it up twice, as where a thought before it has the same words.
        """
        tokens = self.logprobs or []
        words = "".join(token.token for token in tokens)
        start = words.find(self.content)
        if start < 0 or words.rfind(self.content) != start:
            return None
        end = 0
        for token in tokens:
            end += len(token.token)
            if start + at < end:
                break
        else:
            return None
        if not token.top_logprobs or any(top.bytes is None for top in token.top_logprobs):
            return None
        found: dict[str, float] = {}
        for top in token.top_logprobs:
            text = bytes(top.bytes or ()).decode(errors="replace").strip()
            found[text] = found.get(text, 0.0) + math.exp(top.logprob)
        # What is held to a form may be drawn though it is not among the likeliest.
        found.setdefault(token.token.strip(), math.exp(token.logprob))
        return found


def is_text(content: str) -> bool:
    """Whether ``content`` is whole Unicode text. Half a surrogate pair, as in a cut-off emoji, cannot be stored."""
    try:
        content.encode()
    except UnicodeEncodeError:
        return False
    return True
