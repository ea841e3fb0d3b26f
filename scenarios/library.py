"""The shipped scenarios and taxonomies: plain YAML files beside this module."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from confide.scenarios.errors import ConfideError

LIBRARY: Final = Path(__file__).parent / "library"
"""Folder of the shipped scenarios; a file's name is its scenario's id."""
STRATEGIES: Final = Path(__file__).parent / "strategies"
"""Folder of the shipped strategy taxonomies."""
TEMPLATE: Final = Path(__file__).parent / "template.yaml"
"""The commented scenario that ``confide init`` writes."""


def shipped_scenarios() -> list[str]:
    """Ids of the shipped scenarios, sorted."""
    return sorted(file.stem for file in LIBRARY.glob("*.yaml"))


def find_scenario(name: str | Path) -> Path:
    """The file that ``name`` means: an existing path, else a shipped scenario's id.

    Raises:
        ConfideError: it is neither.
    """
    path = Path(name)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    ids = shipped_scenarios()
    if str(name) in ids:
        return LIBRARY / f"{name}.yaml"
    raise ConfideError(f"no scenario file and no shipped scenario is called '{name}'; {suggestion(name, ids)}")


def shipped_file(name: str | Path, folder: Path, what: str, beside: Path | None = None) -> Path:
    """The file that ``name`` means: a shipped one's id, else the path of a file.

    Args:
        name: an id or a path.
        folder: where the shipped files lie.
        what: what they are called, such as ``rubric``.
        beside: the folder that a relative path is relative to; the working folder if not given.

    Raises:
        ConfideError: it is neither.
    """
    ids = sorted(file.stem for file in folder.glob("*.yaml"))
    if str(name) in ids:
        return folder / f"{name}.yaml"
    file = (beside or Path()) / name
    if not file.is_file():
        raise ConfideError(f"'{name}' is neither a file nor a shipped {what}; {suggestion(name, ids)}")
    return file


def suggestion(name: str | Path, shipped: Sequence[str]) -> str:
    """What to write in place of a name that nothing shipped has."""
    near = get_close_matches(str(name), shipped, n=1)
    return f"did you mean '{near[0]}'?" if near else f"shipped: {', '.join(shipped)}"
