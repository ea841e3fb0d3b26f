"""What every client of ours shares, and the wrappers that stand around one: cache(retry(limit(client))).

Every client is an AutoGen ``ChatCompletionClient``; inside, each implements :meth:`BaseClient.answer` and nothing else.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, NoReturn

from autogen_core import CancellationToken
from autogen_core.models import (
    ChatCompletionClient,
    CreateResult,
    LLMMessage,
    ModelCapabilities,  # pyright: ignore[reportDeprecated]
    ModelInfo,
    RequestUsage,
)
from autogen_core.tools import Tool, ToolSchema
from pydantic import BaseModel
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from confide.agents.completion import Attempt, Completion, Fault, ModelError, is_text

JsonOutput = bool | type[BaseModel] | None
LONGEST_WAIT_S = 120.0
"""A server that asks for a longer pause than this gets this one."""


class Request(NamedTuple):
    """One call."""

    messages: Sequence[LLMMessage]
    args: Mapping[str, Any]
    """Further fields of the request: seed, schema, grammar and the like."""
    json_output: JsonOutput = None
    """AutoGen's way to ask for JSON; only foreign clients look at it."""
    seed: int | None = None
    """The seed of the call, whether or not the model takes one: it tells askings apart. None: there is none."""


class BaseClient(ChatCompletionClient):
    """AutoGen's client interface over one method, :meth:`answer`. Tools and streaming are refused."""

    component_type = "model"

    def __init__(self) -> None:
        """Start with no usage."""
        self.info: ModelInfo = {
            "vision": False,
            "function_calling": False,
            "json_output": True,
            "structured_output": True,
            "family": "unknown",
        }
        """What the model can do, in AutoGen's words."""
        self._prompt_tokens = 0
        self._completion_tokens = 0

    @abstractmethod
    async def answer(self, request: Request) -> Completion:
        """Make the call.

        Raises:
            ModelError: there is no answer, or an empty one.
        """

    async def check(self) -> None:
        """Find out, before any conversation starts, whether the model can be called.

        Raises:
            ModelError: it cannot.
        """

    async def create(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: JsonOutput = None,
        extra_create_args: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
        seed: int | None = None,
    ) -> Completion:
        """AutoGen's entrance; see :meth:`answer`. Cancelling the awaiting task cancels the call.

        ``seed`` is the call's own, by which its answer is kept; to the model goes what the arguments say alone.
        """
        if tools or tool_choice not in ("auto", "none"):
            self._no("tools")
        answer = self.answer(Request(messages, extra_create_args or {}, json_output, seed))
        if cancellation_token is None:
            completion = await answer
        else:
            completion = await cancellation_token.link_future(asyncio.ensure_future(answer))
        if not is_text(completion.content):
            raise ModelError(Fault.NOT_TEXT, "the answer holds half a character (a lone surrogate)")
        if not completion.cached:
            self._prompt_tokens += completion.prompt_tokens or 0
            self._completion_tokens += completion.completion_tokens or 0
        return completion

    def create_stream(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: JsonOutput = None,
        extra_create_args: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
    ) -> AsyncGenerator[str | CreateResult, None]:
        """Refused: a reply is read whole."""
        self._no("streaming")

    async def close(self) -> None:
        """Let go of connections and servers."""

    def actual_usage(self) -> RequestUsage:
        """Tokens that were paid for."""
        return RequestUsage(self._prompt_tokens, self._completion_tokens)

    def total_usage(self) -> RequestUsage:
        """The same: tokens of answers from a cache are not counted."""
        return self.actual_usage()

    def count_tokens(self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = ()) -> int:
        """Refused: tokens are counted by the server alone."""
        self._no("counting tokens ahead of a call")

    def remaining_tokens(self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = ()) -> int:
        """Refused: tokens are counted by the server alone."""
        self._no("counting tokens ahead of a call")

    @property
    def capabilities(self) -> ModelCapabilities:  # pyright: ignore[reportDeprecated]
        """What the model can do, in AutoGen's older form."""
        return {"vision": False, "function_calling": False, "json_output": True}

    @property
    def model_info(self) -> ModelInfo:
        """What the model can do."""
        return self.info

    def _no(self, what: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__} does not do {what}")


class Wrapper(BaseClient):
    """A client around another one."""

    def __init__(self, inner: BaseClient) -> None:
        """Stand around ``inner``."""
        super().__init__()
        self.inner = inner
        self.info = inner.info

    async def check(self) -> None:
        """Check the client inside."""
        await self.inner.check()

    async def close(self) -> None:
        """Close the client inside."""
        await self.inner.close()


class Retry(Wrapper):
    """Tries a call again while its fault may pass; every failed try is kept for the log."""

    def __init__(self, inner: BaseClient, tries: int) -> None:
        """Make at most ``tries`` tries."""
        super().__init__(inner)
        self._tries = tries

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`. A :class:`ModelError` that leaves here carries all tries."""
        failed: list[Attempt] = []
        first = await self._try(request, failed)
        if isinstance(first, Completion):  # as nearly all are; the rest would leave garbage in cycles for each call
            return first
        outcomes = [first]

        async def one_try() -> Completion:
            outcome = outcomes.pop() if outcomes else await self._try(request, failed)
            if isinstance(outcome, ModelError):
                outcome.attempts = tuple(failed)
                raise outcome
            return outcome

        stop = stop_after_attempt(self._tries)
        again = AsyncRetrying(retry=retry_if_exception(_may_pass), stop=stop, wait=_wait, reraise=True)
        completion: Completion = await again(one_try)
        return completion.model_copy(update={"attempts": tuple(failed)})

    async def _try(self, request: Request, failed: list[Attempt]) -> Completion | ModelError:
        start = asyncio.get_running_loop().time()
        try:
            return await self.inner.answer(request)
        except ModelError as error:
            seconds = error.seconds
            if seconds is None:  # else what it waited for its turn is no part of the try
                seconds = asyncio.get_running_loop().time() - start
            failed.append(Attempt(fault=error.fault, message=error.message, seconds=seconds))
            return error


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ModelError) and error.fault.transient


_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)


def _wait(state: RetryCallState) -> float:
    """As long as the server asked, else exponential backoff with full jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ModelError) else None
    return min(asked, LONGEST_WAIT_S) if asked is not None else _BACKOFF(state)
