"""Which runs there are."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from confide.scenarios import InputFileError
from confide.simulator.store import RunFolder


class FoundRuns(NamedTuple):
    """What a runs folder holds."""

    runs: list[RunFolder]
    """The runs, oldest first."""
    unreadable: list[InputFileError]
    """Why the others cannot be read."""


def find_runs(runs: Path) -> FoundRuns:
    """The runs under ``runs``. Folders without a run.json are passed over."""
    found = FoundRuns([], [])
    for file in runs.glob("*/run.json"):
        try:
            found.runs.append(RunFolder.open(file.parent))
        except InputFileError as error:
            found.unreadable.append(error)
    found.runs.sort(key=lambda run: run.record.created)
    return found
