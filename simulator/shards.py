"""Parts of a run that know nothing of one another, such as the tasks of a Slurm array."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from confide.scenarios import ConfideError
from confide.scenarios.schema import Frozen


class ShardRecord(Frozen):
    """Which part of a whole run a run is: every n-th conversation of its plan."""

    number: Annotated[int, Field(ge=1)]
    """Which one, from 1; it begins with the conversation of this place in the plan."""
    of: Annotated[int, Field(ge=1)]
    """How many there are: the n of every n-th."""

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def size(self, whole: int) -> int:
        """Conversations that it has of ``whole``."""
        return len(range(self.number - 1, whole, self.of))


def parse_shard(text: str) -> ShardRecord:
    """Read ``i/n``.

    Raises:
        ConfideError: it is none, or there is no such shard.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfideError(f"--shard {text}: expected i/n with i from 1 to n, such as 2/8")
    return ShardRecord(number=int(found[1]), of=int(found[2]))
