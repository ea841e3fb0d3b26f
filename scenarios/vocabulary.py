"""The words of the project that are closed sets. Field terms are used as psychologists and ESConv use them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Who speaks."""

    SEEKER = "seeker"
    SUPPORTER = "supporter"

    @property
    def other(self) -> Role:
        """The role on the other side of the conversation."""
        return Role.SUPPORTER if self is Role.SEEKER else Role.SEEKER


class Reveal(StrEnum):
    """When a fact may be told."""

    OPENLY = "openly"
    WHEN_ASKED = "when_asked"
    WHEN_TRUSTING = "when_trusting"
    NEVER = "never"


HEXACO: Final = (
    "honesty_humility",
    "emotionality",
    "extraversion",
    "agreeableness",
    "conscientiousness",
    "openness",
)
"""The six HEXACO factors (Ashton & Lee, 2007)."""

CSI: Final = (
    "expressiveness",
    "preciseness",
    "verbal_aggressiveness",
    "questioningness",
    "emotionality",
    "impression_manipulativeness",
)
"""The six domains of the Communication Styles Inventory (de Vries et al., 2013)."""
