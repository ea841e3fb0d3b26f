"""Clients that are not ours: their answers are taken, and their faults told as those of ours."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from autogen_core import CancellationToken
from autogen_core.models import CreateResult, RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient

from confide.agents import Completion, Fault, Model
from confide.agents.models import BaseClient, Request, ScriptedSpec, wrap_client
from confide.scenarios import read_scenario
from confide.simulator import RunFolder, Wishes, plan_run, run_conversations
from tests.model_helpers import HI, answer, failure, is_one_line


class Own(ReplayChatCompletionClient):
    """A client of a user's own: it takes its time, notes what it gets, and may fail."""

    def __init__(
        self, lines: Sequence[str | CreateResult], delay: float = 0, error: BaseException | None = None
    ) -> None:
        super().__init__(list(lines))
        self.delay, self.error = delay, error
        self.args: list[Mapping[str, Any]] = []
        self.outputs: list[object] = []
        self.cancelled = self.closed = False

    async def create(self, messages: Any, **kwargs: Any) -> CreateResult:
        self.args.append(kwargs["extra_create_args"])
        self.outputs.append(kwargs["json_output"])
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error is not None:
            raise self.error
        return await super().create(messages)

    async def close(self) -> None:
        self.closed = True


def told_by(lines: Sequence[str | CreateResult], **fields: Any) -> tuple[Model, Own]:
    client = Own(lines, **fields)
    return wrap_client(client, "own"), client


async def test_any_autogen_client_answers() -> None:
    model, client = told_by(["first", "second"])
    assert [(await model.client.create(HI)).content for _ in range(2)] == ["first", "second"]
    assert (model.name, model.structured, model.sends_seed, model.price) == ("own", "autogen", False, None)
    assert client.args == [{}, {}]
    await model.client.close()
    assert client.closed


async def test_a_clients_figures_are_kept_and_zero_means_unknown() -> None:
    told = CreateResult(finish_reason="stop", content="x", usage=RequestUsage(11, 3), cached=False)
    silent = CreateResult(finish_reason="unknown", content="y", usage=RequestUsage(0, 0), cached=False)
    model, _ = told_by([told, silent])
    first, second = await model.client.create(HI), await model.client.create(HI)
    assert (first.prompt_tokens, first.completion_tokens) == (11, 3)
    assert (second.prompt_tokens, second.completion_tokens, second.cached_tokens) == (None, None, None)
    assert model.cost(second) is None
    assert (first.model, first.fingerprint) == (None, None)
    assert first.seconds is not None


async def test_an_exception_inside_becomes_a_model_error_by_name() -> None:
    model, _ = told_by(["x"], error=ZeroDivisionError("so it goes"))
    error = await failure(model)
    assert error.fault is Fault.SERVER_ERROR
    assert "'own'" in error.message
    assert "ZeroDivisionError: so it goes" in error.message


async def test_a_client_that_runs_dry_is_a_model_error() -> None:
    model, _ = told_by([])
    assert "No more mock responses" in (await failure(model)).message


async def test_the_words_of_foreign_errors_become_one_line_that_can_be_written() -> None:
    model, _ = told_by(["x"], error=RuntimeError("one\n  two\r\nthree \ud800"))
    message = (await failure(model)).message
    assert is_one_line(message)
    message.encode()


@pytest.mark.parametrize("content", ["", " \n", []])
async def test_an_empty_foreign_answer_is_an_error(content: Any) -> None:
    model, _ = told_by([CreateResult(finish_reason="stop", content=content, usage=RequestUsage(1, 1), cached=False)])
    assert (await failure(model)).fault is Fault.EMPTY


async def test_half_a_character_from_a_foreign_client_is_not_text() -> None:
    model, _ = told_by(["a\ud83d"])
    assert (await failure(model)).fault is Fault.NOT_TEXT


async def test_a_withheld_foreign_answer_is_never_a_reply() -> None:
    half = CreateResult(finish_reason="content_filter", content="half of", usage=RequestUsage(1, 1), cached=False)
    model, _ = told_by([half])
    assert (await failure(model)).fault is Fault.FILTERED


async def test_cancelling_reaches_a_foreign_client() -> None:
    for cancel_by_token in (False, True):
        model, client = told_by(["x"], delay=30)
        token = CancellationToken()
        task = asyncio.create_task(model.client.create(HI, cancellation_token=token))
        await asyncio.sleep(0.02)
        if cancel_by_token:
            token.cancel()
        else:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)
        await asyncio.sleep(0)
        assert client.cancelled


async def test_a_client_that_cancels_itself_has_failed() -> None:
    model, _ = told_by(["x"], error=asyncio.CancelledError())
    assert (await failure(model)).fault is Fault.SERVER_ERROR  # nobody asked for the call to end


async def test_a_client_that_cancels_itself_loses_no_talk(tmp_path: Path) -> None:
    record, _ = plan_run(
        [read_scenario("after-work-beers")], {"m": ScriptedSpec(provider="scripted")}, Wishes(model="m", replicates=3)
    )
    model, _ = told_by(["x"], error=asyncio.CancelledError())
    folder = RunFolder.create(tmp_path, record)
    outcome = await run_conversations(folder, {"m": model._replace(name="m")}, lambda *_: None)
    assert outcome.finished + len(outcome.unfinished) == 3


async def test_wrapped_clients_are_limited() -> None:
    running = most = 0

    class Counting(Own):
        async def create(self, messages: Any, **kwargs: Any) -> CreateResult:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            return await super().create(messages, **kwargs)

    model = wrap_client(Counting(["x"] * 12), concurrency=4)
    await asyncio.gather(*(model.client.create(HI) for _ in range(12)))
    assert most == 4


async def test_a_client_of_our_own_kind_is_asked_as_ours() -> None:
    class Mine(BaseClient):
        async def answer(self, request: Request) -> Completion:
            return answer(1, 1).model_copy(update={"content": json.dumps(sorted(request.args))})

    model = wrap_client(Mine(), reply="tagged")
    assert (model.structured, model.sends_seed, model.format.name) == ("json_schema", True, "tagged")
    assert (await model.client.create(HI, extra_create_args={"seed": 1})).content == '["seed"]'
