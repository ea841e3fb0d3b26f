"""What people do: figures of ESConv (Liu et al., ACL 2021), against which simulated supporters are held."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from confide.scenarios import read_yaml
from confide.scenarios.schema import Frozen, Text

HUMAN_FIGURES: Final = Path(__file__).parent / "data" / "esconv_human.yaml"
Shares = Annotated[dict[str, Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]
Counts = Annotated[dict[str, Annotated[int, Field(ge=0)]], Field(min_length=1)]


class Moments(Frozen):
    """A mean and a standard deviation."""

    mean: float
    """The mean."""
    sd: float
    """The standard deviation."""


class HumanFigures(Frozen):
    """Figures of human support conversations. Aggregates only: no words of anybody's."""

    source: Text
    """Where they come from, and how they were counted."""
    conversations: int
    """Conversations behind ``labels`` and ``fifths``."""
    labels: Counts
    """How often each strategy was used, counted once per supporter turn."""
    fifths: Annotated[tuple[Shares, ...], Field(min_length=5, max_length=5)]
    """Share of each strategy in each fifth of the conversation."""
    transition_conversations: int
    """Conversations behind ``transitions``."""
    transitions: dict[str, Counts]
    """How often a strategy was followed by another."""
    words: dict[str, float]
    """Mean words of an utterance, by strategy."""
    entropy: Moments
    """Entropy of the strategies within a conversation, in bits."""
    supporter_utterances: Moments
    """Supporter utterances in a conversation."""


@lru_cache(maxsize=1)
def human_figures() -> HumanFigures:
    """The shipped figures."""
    return read_yaml(HUMAN_FIGURES, HumanFigures)
