"""Keys: read from the environment, and kept out of every text that could be shown or logged."""

from __future__ import annotations

import os

from confide.scenarios import ConfideError

LONGEST_LINE = 300
"""Characters of a server's own words that are kept."""


def read_key(name: str, variable: str) -> str:
    """The key in an environment variable.

    Args:
        name: what the user calls the model; for error messages.
        variable: the variable's name.

    Raises:
        ConfideError: it is not set, or what is in it cannot be a key.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfideError(
            f"model '{name}': the environment variable {variable} is not set; put the key in it, "
            "or write 'key_env: null' for a server that wants none"
        )
    if not (key.isascii() and key.isprintable()):
        raise ConfideError(f"model '{name}': what is in the environment variable {variable} cannot be a key")
    return key


def one_line(text: object, secret: str | None = None) -> str:
    """Foreign words as one short line of whole characters, without the key."""
    words = str(text)
    if secret:
        words = words.replace(secret, "***")
    words = words.encode(errors="replace").decode()
    words = " ".join("".join(mark if mark.isprintable() else " " for mark in words).split())
    return words if len(words) <= LONGEST_LINE else words[: LONGEST_LINE - 3] + "..."
