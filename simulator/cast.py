"""Who plays whom, as a log says it. Law: no key and no address: only what replaying and reading the figures needs."""

from __future__ import annotations

from typing import Literal

from confide.agents.models import Price
from confide.scenarios import Role
from confide.scenarios.schema import Frozen


class ModelCard(Frozen):
    """The model that plays a role, as far as the log needs it."""

    name: str
    """What the user calls it; run.json holds its description."""
    format: Literal["json", "tagged"]
    """How its replies are written."""
    structured: str
    """How it is held to the format."""
    sends_seed: bool
    """Whether a seed goes with each call."""
    price: Price | None
    """What it cost when the run began; None where unknown."""
    caveat: str | None
    """What a reader of its figures must know; None if there is nothing special."""


class PerRole(Frozen):
    """One text per role."""

    seeker: str
    """For the seeker."""
    supporter: str
    """For the supporter."""

    def of(self, role: Role) -> str:
        """The text for ``role``."""
        return self.seeker if role is Role.SEEKER else self.supporter


class Cast(Frozen):
    """Which model plays which role."""

    seeker: ModelCard
    """The seeker's."""
    supporter: ModelCard
    """The supporter's."""
    name: str | None = None
    """What the experiment calls this cast, where it has several."""

    def of(self, role: Role) -> ModelCard:
        """The card of the model that plays ``role``."""
        return self.seeker if role is Role.SEEKER else self.supporter
