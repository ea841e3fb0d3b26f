"""Fixtures of several files of tests."""

import hashlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from confide.agents.models import OpenAISpec
from confide.agents.models import local as local_module
from confide.agents.models import weights as weights_module
from confide.agents.models.openai import OpenAIClient
from confide.agents.models.weights import fetch_weights
from confide.cli import main
from tests.browser_helpers import chromium, tab  # noqa: F401  (fixtures)
from tests.fake_server import FakeServer
from tests.model_helpers import KEY, PINNED, Make, quiet, source
from tests.viewer_helpers import fork, lab, people  # noqa: F401  (fixtures)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for OpenAI, and no address."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as fake:
        yield fake


@pytest.fixture
async def make(server: FakeServer) -> AsyncIterator[Make]:
    """Makes clients of the fake server, and closes them."""
    made: list[OpenAIClient] = []

    def client(**fields: Any) -> OpenAIClient:
        spec = OpenAISpec(**{"provider": "openai", "model": "fake-1", "base_url": server.url, **fields})
        made.append(OpenAIClient.from_spec("mine", spec))
        return made[-1]

    yield client
    for each in made:
        await each.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a pin that :data:`PINNED` fits."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CONFIDE_CACHE", str(folder))
    for module in (weights_module, local_module):
        monkeypatch.setattr(module, "SHA256", hashlib.sha256(PINNED).hexdigest())
    monkeypatch.setattr(weights_module, "SIZE", len(PINNED))
    return folder


@pytest.fixture
def weights(cache: Path, tmp_path: Path) -> Path:
    return fetch_weights(quiet, source(tmp_path, PINNED))


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
def confide(capsys, monkeypatch, own_folder):
    def call(*args):
        monkeypatch.setattr(sys, "argv", ["confide", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return call
