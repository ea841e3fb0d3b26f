"""The cache of answers: what is kept, what shares an answer with what, and what becomes of a file that is not well."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from autogen_core.models import UserMessage

from confide.agents import Completion, Fault, Model, build_model
from confide.agents.models import Answers, AutoGenSpec, Endpoints, OpenAISpec
from confide.agents.models.answer_file import AnswerFile, AnswerFileError
from confide.scenarios import ConfideError
from tests.fake_server import Answer, FakeServer, completion, refused, said
from tests.model_helpers import SURROGATE, ask, fault_of, is_one_line

pytestmark = pytest.mark.usefixtures("environment")
HELLO = "Hello \U0001f600 \x00 \u2028."
Make = Callable[..., Model]


class Told(list[str]):
    """What the cache said to the user."""

    def say(self, line: str) -> None:
        assert is_one_line(line)
        self.append(line)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def model(server: FakeServer, told: Told) -> AsyncIterator[Make]:
    """Makes models of the fake server over the test's cache; each has opened the file for itself."""
    made: list[Model] = []

    def build(*, only_kept: bool = False, **fields: Any) -> Model:
        spec = {"provider": "openai", "model": "fake-1", "base_url": server.url, "tries": 2, **fields}
        endpoints = Endpoints(Answers(told.say), only_kept=only_kept)
        made.append(build_model("far", OpenAISpec(**spec), endpoints))
        return made[-1]

    yield build
    for each in made:
        await each.client.close()


async def call(model: Model, text: str = "hi", *, seed: int | None = 1, **args: Any) -> Completion:
    return await model.client.create([UserMessage(content=text, source="user")], extra_create_args=args, seed=seed)


async def kept(model: Model) -> None:
    """Have all answers written."""
    await model.client.close()


# Hits


async def test_the_same_call_is_answered_from_the_file(server: FakeServer, model: Make, told: Told) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}}
    body = completion(HELLO, model="fake-1-0613", system_fingerprint="fp_9", usage=usage)
    top = [{"token": "Hi", "logprob": -0.1234567890123456}, {"token": "\u00dc", "logprob": -9999}]
    body["choices"][0]["logprobs"] = {"content": [{"token": "Hi", "logprob": -0.25, "top_logprobs": top}]}
    server.script = Answer(body=body, delay=0.02)
    one, price = model(), {"prompt": 1, "completion": 2}
    first = await call(one)
    await kept(one)
    other = model(price=price)
    second = await call(other)
    assert len(server.chats) == 1
    assert second.seconds == 0
    assert first.model_copy(update={"cached": True, "seconds": 0.0}) == second
    assert (one.cost(first), other.cost(first), other.cost(second)) == (None, (100 + 14) / 1e6, 0.0)
    assert other.client.actual_usage().prompt_tokens == 0
    assert told == []


async def test_a_hit_right_after_the_answer_needs_no_file(server: FakeServer, model: Make, own_answers: Path) -> None:
    far = model()
    assert [(await call(far)).cached for _ in range(3)] == [False, True, True]
    assert len(server.chats) == 1
    await kept(far)
    assert (await call(far)).cached
    assert rows(own_answers) == 1


async def test_failed_tries_are_not_part_of_what_is_kept(server: FakeServer, model: Make) -> None:
    server.queue.append(refused(503, headers={"Retry-After": "0"}))
    far = model()
    assert len((await call(far)).attempts) == 1
    assert (await call(far)).attempts == ()


@pytest.mark.parametrize("answer", [refused(400), said(None), said("x", finish="content_filter"), refused(401)])
async def test_what_failed_is_not_kept(answer: Answer, server: FakeServer, model: Make, own_answers: Path) -> None:
    server.queue.append(answer)
    far = model(tries=1)
    await fault_of(call(far))
    assert (await call(far)).cached is False
    await kept(far)
    assert rows(own_answers) == 1


async def test_half_a_character_is_not_kept(server: FakeServer, model: Make) -> None:
    server.script = said(SURROGATE)
    far = model()
    for _ in range(2):
        assert (await fault_of(call(far))).fault is Fault.NOT_TEXT
    assert len(server.chats) == 2


async def test_a_call_without_a_seed_passes_by(server: FakeServer, model: Make, own_answers: Path) -> None:
    far = model()
    assert [(await call(far, seed=None)).cached for _ in range(2)] == [False, False]
    await kept(far)
    assert rows(own_answers) == 0


async def test_the_same_call_twice_at_once_is_made_once(server: FakeServer, model: Make) -> None:
    server.script = said(delay=0.05)
    far = model(concurrency=100)
    answers = await asyncio.gather(*(call(far, seed=seed) for seed in (1, 2) * 20))
    assert len(server.chats) == 2
    assert sum(answer.cached for answer in answers) == 38


async def test_when_the_one_that_makes_the_call_is_cancelled_or_fails_another_makes_it(
    server: FakeServer, model: Make
) -> None:
    server.queue.extend([said(delay=30), refused(400), said("At last.")])
    far = model()
    calls = [asyncio.create_task(call(far)) for _ in range(4)]
    await asyncio.wait_for(server.arrived.wait(), 2)
    calls[0].cancel()
    became = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
    assert len(server.chats) == 3
    assert [isinstance(each, Completion) and each.content for each in became[2:]] == ["At last.", "At last."]


async def test_autogens_clients_are_kept_too(own_answers: Path, told: Told) -> None:
    component = {
        "provider": "autogen_ext.models.replay.ReplayChatCompletionClient",
        "config": {"chat_completions": ["one", "two"]},
    }
    spec = AutoGenSpec(provider="autogen", component=component)
    far = build_model("far", spec, Endpoints(Answers(told.say)))
    said_by_it = [(await call(far, seed=seed)).content for seed in (1, 2, 1, 2)]
    assert said_by_it == ["one", "two", "one", "two"]
    await kept(far)
    assert rows(own_answers) == 2


# The cache alone


async def test_the_cache_alone_answers_what_it_has_and_sends_nothing(
    server: FakeServer, model: Make, own_answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = model()
    first = await call(one)
    await kept(one)
    monkeypatch.delenv("OPENAI_API_KEY")  # nothing is sent, so nobody needs to be let in
    alone = model(only_kept=True)
    await alone.client.check()
    assert (await call(alone)).content == first.content
    error = await fault_of(call(alone, seed=2))
    assert (error.fault, error.fault.of_all_calls, error.attempts) == (Fault.NOT_KEPT, True, ())
    assert is_one_line(error.message)
    for part in ("model 'far'", str(own_answers), "seed 2", "leave --cache-only out"):
        assert part in error.message
    assert (await fault_of(call(alone, seed=None))).fault is Fault.NOT_KEPT
    assert len(server.got) == 1


# The file


def rows(file: Path) -> int:
    if not file.exists():
        return 0
    with sqlite3.connect(file) as db:
        found = db.execute("SELECT key, answer FROM answers").fetchall()
    assert all(len(key) == 32 and json.loads(answer)["content"] for key, answer in found)
    return len(found)


WRITE = """
import sys
from pathlib import Path
from confide.agents.models.answer_file import AnswerFile, Row
file, who = AnswerFile(Path(sys.argv[1])), int(sys.argv[2])
text = '{"content": "' + "x" * 3000 + '", "by": %d}'
for batch in range(10):
    numbers = [(who * 50 + batch * 10 + each) % 200 for each in range(10)]
    file.write([Row(number.to_bytes(32, "big"), text % who) for number in numbers])
    assert all(file.read(number.to_bytes(32, "big")).endswith("}") for number in numbers)
print(file.aside)
"""


def test_processes_that_write_at_once_lose_and_tear_nothing(own_answers: Path):
    command = [sys.executable, "-c", WRITE, str(own_answers)]
    started = [
        subprocess.Popen([*command, str(who)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for who in range(3)
    ]
    for process in started:
        assert process.communicate(timeout=60) == ("[]\n", "")
        assert process.returncode == 0
    assert rows(own_answers) == 200


async def test_an_answer_of_another_process_is_a_hit(server: FakeServer, model: Make, own_answers: Path) -> None:
    one, other = model(), model()  # each with a file of its own, as two processes have
    assert (await call(other)).cached is False
    assert (await call(one, seed=2)).cached is False
    await kept(one)
    assert (await call(other, seed=2)).cached
    await kept(other)
    assert rows(own_answers) == 2


def not_a_database(file: Path) -> bytes:
    file.write_bytes(b"no database, but for sure long enough to be looked at" * 100)
    return file.read_bytes()


def of_another_version(file: Path) -> bytes:
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE answers (key, answer)")
        db.execute("PRAGMA user_version = 77")
    return file.read_bytes()


def of_something_else(file: Path) -> bytes:
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE notes (words)")
        db.execute("PRAGMA user_version = 1")
    return file.read_bytes()


def with_damaged_pages(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\x5a" * (len(data) - 4096))


def with_values_cut_off(file: Path) -> None:
    with sqlite3.connect(file) as db:
        db.execute("UPDATE answers SET answer = substr(answer, 1, 100)")


UNFIT = {not_a_database: "is no cache", of_another_version: "another version (77", of_something_else: "is no cache"}


@pytest.mark.parametrize(("spoil", "why"), UNFIT.items(), ids=lambda each: getattr(each, "__name__", ""))
async def test_a_file_that_is_none_of_ours_is_set_aside(
    spoil: Callable[[Path], bytes], why: str, server: FakeServer, model: Make, own_answers: Path, told: Told
) -> None:
    own_answers.parent.mkdir()
    before = spoil(own_answers)
    far = model()
    assert [(await call(far)).cached for _ in range(2)] == [False, True]
    await kept(far)
    assert len(told) == 1
    assert why in told[0]
    (aside,) = (file for file in own_answers.parent.glob("answers-*.sqlite"))
    assert aside.name in told[0]
    assert aside.read_bytes() == before
    assert rows(own_answers) == 1


@pytest.mark.parametrize("spoil", [with_damaged_pages, with_values_cut_off])
async def test_a_file_that_turns_out_to_be_damaged_is_set_aside(
    spoil: Callable[[Path], None], server: FakeServer, model: Make, own_answers: Path, told: Told
) -> None:
    server.script = said("x" * 3000)
    one = model(concurrency=100)
    await asyncio.gather(*(call(one, seed=seed) for seed in range(60)))
    await kept(one)
    spoil(own_answers)
    two = model()
    answers = [await call(two, seed=seed) for seed in (3, 3, 4)]
    assert [answer.cached for answer in answers] == [False, True, False]
    await kept(two)
    assert [line.count("is damaged") for line in told] == [1]
    assert rows(own_answers) == 2


async def test_a_file_that_another_process_set_aside_is_not_set_aside_twice(own_answers: Path) -> None:
    one, other = AnswerFile(own_answers), AnswerFile(own_answers)
    assert one.read(b"k") is other.read(b"k") is None
    one.mend("is damaged")
    assert one.read(b"k") is None
    other.mend("is damaged")
    assert (len(one.aside), len(other.aside)) == (1, 0)


async def test_a_folder_that_cannot_be_written_is_told_once(
    server: FakeServer, model: Make, own_answers: Path, told: Told
) -> None:
    own_answers.parent.write_text("a file where the folder should be")
    far = model()
    assert [(await call(far, seed=seed)).cached for seed in (1, 1, 2)] == [False, False, False]
    await kept(far)
    assert len(told) == 1
    assert told[0].startswith(f"answers are not kept: {own_answers}: ")


async def test_a_full_disk_is_told_once(
    server: FakeServer, model: Make, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    def full(*_: object) -> None:
        raise AnswerFileError("database or disk is full")

    monkeypatch.setattr(AnswerFile, "write", full)
    monkeypatch.setattr("confide.agents.models.cache.WRITE_EVERY_S", 0)
    far = model()
    for seed in range(3):
        await call(far, seed=seed)
        await asyncio.sleep(0.05)
    assert len(told) == 1
    assert "disk is full" in told[0]
    assert not (await call(far, seed=0)).cached


async def test_many_answers_are_written_in_the_background_and_none_is_lost(
    server: FakeServer, model: Make, own_answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("confide.agents.models.cache.MOST_UNWRITTEN", 10)
    monkeypatch.setattr("confide.agents.models.cache.WRITE_EVERY_S", 0.01)
    far = model(concurrency=50)
    await asyncio.gather(*(call(far, seed=seed) for seed in range(200)))
    assert rows(own_answers) > 100
    await kept(far)
    assert rows(own_answers) == 200


def test_both_options_do_not_go_together(confide):
    code, _, err = confide("run", "shared-dog", "--model", "scripted", "--no-cache", "--cache-only")
    assert code == 2
    assert err == "confide: --no-cache and --cache-only do not go together\n"


async def test_without_a_cache_nothing_is_kept(server: FakeServer, own_answers: Path) -> None:
    spec = OpenAISpec(provider="openai", model="fake-1", base_url=server.url)
    far = build_model("far", spec, Endpoints())
    assert [(await call(far)).cached for _ in range(2)] == [False, False]
    await kept(far)
    assert rows(own_answers) == 0
    with pytest.raises(ConfideError):
        raise await fault_of(ask(build_model("far", spec, Endpoints(Answers(print), only_kept=True)).client))
