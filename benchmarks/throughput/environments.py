"""Environments of their own for packages that do not go into everybody's: they are made once, under ``build/``."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Final

from benchmarks.throughput.arena import ROOT, UnavailableError

HOME: Final = ROOT / "build" / "bench-envs"
SECONDS: Final = 600


def environment(name: str, *packages: str, sees_ours: bool = False) -> Path:
    """The Python of an environment with ``packages``.

    Args:
        name: its folder under ``build/bench-envs``.
        packages: what is installed, with what it needs.
        sees_ours: whether what confide's own environment has is seen from there, too.

    Raises:
        UnavailableError: it cannot be made, with the reason.
    """
    python, stamp = HOME / name / "bin" / "python", HOME / name / ".ready"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == " ".join(packages):
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(HOME / name)])
    if sees_ours:
        theirs = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
        line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        (Path(theirs) / "ours.pth").write_text(line, encoding="utf-8")
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
    stamp.write_text(" ".join(packages), encoding="utf-8")
    return python


def inspect() -> Path:
    """The Python that has inspect_ai."""
    return environment("inspect", "inspect-ai", "openai")


def sotopia() -> Path:
    """The Python that has sotopia."""
    return environment("sotopia", "sotopia")


def ray() -> Path:
    """The Python that has Ray beside all that confide has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted: list[str] = project["project"]["optional-dependencies"]["ray"]
    return environment("ray", *wanted, sees_ours=True)


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"its environment was not ready within {SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.strip().splitlines() if line.startswith("ERROR")]
        raise UnavailableError(f"does not install: {lines[-1][:200] if lines else error}") from None
    return done.stdout
