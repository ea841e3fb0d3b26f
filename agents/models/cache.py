"""The cache of answers: the same call, under the same seed, is answered from a file.

Laws: an answer is one model's to one call: whatever could make it another is part of the key, the call's own seed first
of all, so that replicates and repeats never share one. A failed call is not kept. A hit says that it is one.
"""

from __future__ import annotations

import asyncio
import json
import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from autogen_core.models import ChatCompletionTokenLogprob, FinishReasons, RequestUsage
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from confide.agents.completion import Completion, Fault, ModelError, is_text
from confide.agents.models.answer_file import AnswerFile, AnswerFileError, Row
from confide.agents.models.base import BaseClient, Request, Wrapper
from confide.agents.models.weights import cache_folder
from confide.scenarios.schema import Frozen

WRITE_EVERY_S: Final = 0.2
"""Answers are written together, so often."""
MOST_UNWRITTEN: Final = 4096
"""With so many answers not written yet, a call waits for the file."""


class Kept(Frozen):
    """What is kept of an answer."""

    content: str
    """Its text, exactly."""
    finish_reason: FinishReasons
    """Why the model stopped."""
    model: str | None
    """The model's name as the server gave it."""
    fingerprint: str | None
    """The server's own mark of its configuration."""
    prompt_tokens: int | None
    """Tokens of the prompt."""
    cached_tokens: int | None
    """Of these, from the server's prefix cache."""
    completion_tokens: int | None
    """Tokens of the answer."""
    logprobs: list[ChatCompletionTokenLogprob] | None
    """The tokens' log-probabilities, where they were asked for."""

    @classmethod
    def of(cls, answer: Completion) -> str | None:
        """``answer`` as it is kept; None for one that JSON cannot hold: half a character, or an infinite figure."""
        if not is_text(answer.content) or not all(map(math.isfinite, _figures(answer))):
            return None
        fields = {name: getattr(answer, name) for name in cls.model_fields}
        try:
            return cls.model_construct(**fields).model_dump_json()
        except (PydanticSerializationError, UnicodeEncodeError):
            return None

    def completion(self) -> Completion:
        """The answer, as a hit: it took no time."""
        return Completion(
            finish_reason=self.finish_reason,
            content=self.content,
            usage=RequestUsage(self.prompt_tokens or 0, self.completion_tokens or 0),
            cached=True,
            logprobs=self.logprobs,
            model=self.model,
            fingerprint=self.fingerprint,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
            seconds=0.0,
        )


def _figures(answer: Completion) -> Iterator[float]:
    for token in answer.logprobs or ():
        yield token.logprob
        yield from (top.logprob for top in token.top_logprobs or ())


def answers_path() -> Path:
    """Where answers are kept: in the folder of all that can be made again."""
    return cache_folder() / "answers.sqlite"


class Answers:
    """The answers that are kept, for all models of a process. They are read at once and written in the background."""

    def __init__(self, say: Callable[[str], None], path: Path | None = None) -> None:
        """Nothing is opened yet.

        Args:
            say: is told, in one line, what the user must know: a file that was set aside, or cannot be used.
            path: the file; by default :func:`answers_path`.
        """
        self._file = AnswerFile(path or answers_path())
        self._say = say
        self._off = False
        self._unwritten: dict[bytes, str] = {}
        self._writing: asyncio.Task[None] | None = None
        self.under_way: dict[bytes, asyncio.Future[None]] = {}
        """Calls that are being made, so that the same one is not made twice at once."""

    def __reduce__(self) -> tuple[type[Answers], tuple[Callable[[str], None], Path]]:
        """For another process: the same file, opened there."""
        return Answers, (self._say, self.path)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def get(self, key: bytes) -> Completion | None:
        """The answer under ``key``; None if there is none."""
        text = self._unwritten.get(key)
        if text is None and not self._off:
            try:
                text = self._file.read(key)
            except AnswerFileError as error:
                self._give_up(str(error))
            self._tell()
        if text is None:
            return None
        try:
            return Kept.model_validate_json(text).completion()
        except ValidationError:
            self._damaged()
            return None

    async def put(self, key: bytes, answer: Completion) -> None:
        """Keep ``answer``."""
        text = None if self._off else Kept.of(answer)
        if text is None:
            return
        self._unwritten[key] = text
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon())
        if len(self._unwritten) >= MOST_UNWRITTEN:
            await asyncio.wait({self._writing})

    async def close(self) -> None:
        """Write what is not written yet, and let go of the file."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        await self._write()
        self._file.close()

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_EVERY_S)
        await self._write()

    async def _write(self) -> None:
        while self._unwritten and not self._off:
            rows = [Row(key, text) for key, text in self._unwritten.items()]
            try:
                await asyncio.to_thread(self._file.write, rows)
            except AnswerFileError as error:
                self._give_up(str(error))
            self._tell()
            for row in rows:
                self._unwritten.pop(row.key, None)

    def _damaged(self) -> None:
        try:
            self._file.mend("is damaged")
        except AnswerFileError as error:
            self._give_up(str(error))
        self._tell()

    def _give_up(self, why: str) -> None:
        if not self._off:
            self._say(f"answers are not kept: {self._file.path}: {why}")
        self._off = True
        self._unwritten.clear()

    def _tell(self) -> None:
        while self._file.aside:
            self._say(self._file.aside.pop(0))


class Cached(Wrapper):
    """Answers from the cache, and keeps what the client inside answers. A call without a seed passes by."""

    def __init__(self, inner: BaseClient, answers: Answers, identity: Mapping[str, Any]) -> None:
        """Stand around ``inner``.

        Args:
            inner: makes the calls that are not kept.
            answers: the cache.
            identity: all that says which model at which endpoint is asked, and what each of its requests carries.
        """
        super().__init__(inner)
        self._answers = answers
        # Through JSON once more, as names in it need not be texts.
        self._start = sha256(_canonical(json.loads(json.dumps(identity, default=repr))))
        self._forms: weakref.WeakKeyDictionary[type[BaseModel], object] = weakref.WeakKeyDictionary()

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`."""
        seed = request.args.get("seed") if request.seed is None else request.seed
        if seed is None:
            return await self.inner.answer(request)
        answers, key = self._answers, self.key(request, seed)
        while (kept := answers.get(key)) is None and (same := answers.under_way.get(key)) is not None:
            await asyncio.wait({same})
        if kept is not None:
            return kept
        done = answers.under_way[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self.inner.answer(request)
            await answers.put(key, answer)
        finally:
            del answers.under_way[key]
            done.set_result(None)
        return answer

    async def close(self) -> None:
        """Write what is not written yet, and close the client inside."""
        await self._answers.close()
        await super().close()

    def key(self, request: Request, seed: int) -> bytes:
        """What the answer to ``request`` is kept under."""
        form: object = request.json_output
        if isinstance(request.json_output, type):
            form = self._forms.get(request.json_output)
            if form is None:  # making one takes a millisecond
                form = self._forms[request.json_output] = request.json_output.model_json_schema()
        messages = [(message.type, getattr(message, "source", None), message.content) for message in request.messages]
        digest = self._start.copy()
        digest.update(_canonical([request.args, form, seed]))
        try:
            digest.update(to_json(messages, fallback=repr))  # most of it, and no names in it that need an order
        except (PydanticSerializationError, UnicodeEncodeError):  # half a character
            digest.update(_canonical(messages))
        return digest.digest()


class Unasked(Wrapper):
    """In place of a client that must not be asked: what comes here is in no cache."""

    def __init__(self, inner: BaseClient, name: str, path: Path) -> None:
        """Stand in front of ``inner``; ``path`` is the cache that was to answer for the model ``name``."""
        super().__init__(inner)
        self._name = name
        self._path = path

    async def check(self) -> None:
        """There is nothing to find out."""

    async def answer(self, request: Request) -> Completion:
        """See :class:`BaseClient`.

        Raises:
            ModelError: always.
        """
        seed = request.args.get("seed") if request.seed is None else request.seed
        raise ModelError(
            Fault.NOT_KEPT,
            f"model '{self._name}': {self._path} has no answer to a call of {len(request.messages)} messages with "
            f"seed {seed}, and nothing was sent; to have it asked, leave --cache-only out",
        )


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=repr).encode()
