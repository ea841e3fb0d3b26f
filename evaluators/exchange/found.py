"""What a file of human conversations holds, before it is anything of ours."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from confide.scenarios import Role

ABSENT: Final = "absent_messages"
"""Field of a conversation's record: numbers of messages that it must have had and that the file does not hold."""


class HumanMessage(NamedTuple):
    """One message, as the file has it."""

    role: Role
    text: str
    labels: tuple[str, ...]
    """Strategies, in the file's words."""
    about: dict[str, Any]
    """What else the file says about it."""


class HumanTalk(NamedTuple):
    """One conversation, as the file has it."""

    messages: tuple[HumanMessage, ...]
    record: dict[str, Any]
    """All but the messages."""

    @property
    def absent(self) -> int:
        """How many messages are known to be missing."""
        numbers = self.record.get(ABSENT)
        return len(numbers) if isinstance(numbers, list) else 0


class Wrong(NamedTuple):
    """What stands where a conversation should be."""

    line: int
    """1-based."""
    where: str
    """The field; empty for all of it."""
    what: str
    """What is wrong."""


class BadError(Exception):
    """What is wrong with the conversation that is being read."""

    def __init__(self, where: str, what: str) -> None:
        """Keep the field (empty for the whole conversation) and what is wrong."""
        super().__init__(what)
        self.where, self.what = where, what
