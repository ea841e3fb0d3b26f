"""Addresses of conversations in links.

Law: opaque, so that a blind reader learns nothing from them and nobody makes a path of one; and the same wherever the
run is opened.
"""

from __future__ import annotations

from confide.agents import text_hash
from confide.simulator import RunRecord


def key_of(run: RunRecord, conversation: str) -> str:
    """The address of a conversation: 16 hexadecimal digits."""
    return text_hash(f"{run.id}\n{run.created}\n{conversation}")[:16]
