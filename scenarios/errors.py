"""Errors that a person reads. Every mistake of a user's becomes one line; nothing here is ever shown as a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class ConfideError(Exception):
    """A mistake that the user can mend: the command line prints it as one line and exits with 2."""


class Problem(NamedTuple):
    """One thing wrong in one file."""

    file: Path
    line: int
    """1-based."""
    column: int
    """1-based."""
    where: str
    """Dotted path of the field, such as ``seeker.facts[2].after``; empty for the whole file."""
    what: str
    """What is wrong and what would be right."""

    def __str__(self) -> str:
        where = f" {self.where}:" if self.where else ""
        return f"{self.file}:{self.line}:{self.column}:{where} {self.what}"


class InputFileError(ConfideError):
    """A file of the user's that cannot be used, with everything that is wrong in it."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems, in the order of the file."""
        self.problems = sorted(problems, key=lambda p: (str(p.file), p.line, p.column))
        super().__init__("\n".join(str(p) for p in self.problems))
