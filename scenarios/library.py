"""The shipped scenarios and taxonomies: plain YAML files beside this module."""

from __future__ import annotations

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
    near = get_close_matches(str(name), ids, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"shipped: {', '.join(ids)}"
    raise ConfideError(f"no scenario file and no shipped scenario is called '{name}'; {hint}")
