"""A key goes to the server that it is for and into no text; and the check that finds it refused."""

import traceback

import pytest
from pydantic import ValidationError

from confide.agents import Fault, ModelError
from confide.agents.models.base import Retry
from confide.agents.models.limits import Gate, Limit
from confide.scenarios import ConfideError
from tests.fake_server import MODELS, Answer, FakeServer, refused, said, with_message
from tests.model_helpers import KEY, Make, ask, fault_of, free_port, is_one_line

pytestmark = pytest.mark.usefixtures("environment")


def told(error: BaseException) -> str:
    """Everything that a person may get to see of an error."""
    attempts = repr(error.attempts) if isinstance(error, ModelError) else ""
    return f"{error} {error!r} {attempts} {''.join(traceback.format_exception(error))}"


async def test_the_key_goes_into_the_header(server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    await ask(make())
    await ask(make(key_env="OTHER_KEY"))
    assert [got.headers["Authorization"] for got in server.chats] == [f"Bearer {KEY}", "Bearer sk-other"]
    assert KEY not in server.chats[0].raw.decode()


async def test_a_server_that_wants_no_key_gets_none_of_ours(
    server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-key")
    await ask(make(key_env=None))
    sent = repr(server.chats[0])
    assert KEY not in sent
    assert "sk-admin-key" not in sent


@pytest.mark.parametrize("key", [KEY + "\n", "sk-\u00fcmlaut", "sk-\u2028"])
async def test_a_key_that_fits_no_header_is_told_without_the_key(
    key: str, server: FakeServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    try:
        await ask(make())
    except ConfideError as error:
        assert key.strip() not in told(error)  # noqa: PT017  (a stripped key that works will do as well)
    else:
        assert server.chats[0].headers["Authorization"] == f"Bearer {key.strip()}"


async def test_a_key_does_not_follow_a_redirection_to_another_host(server: FakeServer, make: Make) -> None:
    elsewhere = server.origin.replace("127.0.0.1", "localhost")
    server.script = Answer(307, headers={"Location": f"{elsewhere}/v1/other"})
    await fault_of(ask(make()))
    assert all("Authorization" not in got.headers for got in server.got if got.path == "/v1/other")
    assert KEY not in repr(server.got[1:])


async def test_a_password_in_the_address_is_refused_or_used_but_never_told(server: FakeServer, make: Make) -> None:
    try:
        client = make(base_url=server.url.replace("://", "://user:hunter2@"))
        server.script = refused(400)
        await ask(client)
    except (ConfideError, ValidationError) as error:
        assert "hunter2" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "answer",
    [
        refused(401, f"Incorrect API key provided: {KEY}"),
        refused(400, f"headers were: Authorization: Bearer {KEY}"),
        Answer(body={"detail": f"no model for key {KEY}"}),
        Answer(body=f"<p>{KEY}</p>", content_type="text/html"),
        Answer(body=with_message({"content": None, "refusal": f"not to {KEY}"})),
        Answer(body=b"{", headers={"X-Key": KEY}),
        Answer(hang_up=True),
        Answer(cut=True, body="x" * 100),
        said(None),
        said(delay=5),
    ],
    ids=["401", "400", "JSON", "page", "refusal", "broken", "hang-up", "cut", "empty", "late"],
)
async def test_the_key_is_in_no_error_even_if_the_server_repeats_it(
    answer: Answer, server: FakeServer, make: Make
) -> None:
    server.script = answer
    client = Retry(make(timeout_s=0.2), tries=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  (that it is a ModelError is tested with the faults)
        await ask(client)
    assert KEY not in told(caught.value)
    assert KEY not in repr(client.inner)


# Can it be called at all?


async def test_check_asks_for_the_models_with_the_key(server: FakeServer, make: Make) -> None:
    await make().check()
    assert [(got.method, got.path) for got in server.got] == [("GET", MODELS)]
    assert server.got[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "answer",
    [refused(404), refused(400), refused(405), refused(429), refused(500), Answer(body="hi", content_type="text/plain"),
     Answer(body=b"{"), Answer(body=b"")],
)  # fmt: skip
async def test_check_takes_any_answer_but_a_refusal(answer: Answer, server: FakeServer, make: Make) -> None:
    server.other[MODELS] = answer
    await make().check()
    assert len(server.got) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_check_raises_where_the_key_is_refused(status: int, server: FakeServer, make: Make) -> None:
    server.other[MODELS] = refused(status)
    error = await fault_of(make().check())
    assert error.fault is Fault.DENIED
    assert KEY not in told(error)


async def test_check_raises_where_nobody_listens(make: Make) -> None:
    error = await fault_of(make(base_url=f"http://127.0.0.1:{free_port()}/v1").check())
    assert error.fault is Fault.UNREACHABLE
    assert is_one_line(error.message)


async def test_check_reaches_through_the_wrappers(server: FakeServer, make: Make) -> None:
    server.other[MODELS] = refused(401)
    assert (await fault_of(Retry(Limit(make(), Gate(2)), 3).check())).fault is Fault.DENIED
