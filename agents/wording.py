"""Personas in words. The levels and adjectives are those that the embedded actor was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from confide.scenarios import CSI, HEXACO, Persona

TRAIT_WORDS: Final[Mapping[str, str]] = {
    "honesty_humility": "honest and modest",
    "emotionality": "emotional and easily worried",
    "extraversion": "outgoing and lively",
    "agreeableness": "patient and forgiving",
    "conscientiousness": "organised and careful",
    "openness": "curious and imaginative",
}
"""What a high score on each HEXACO factor is called."""

STYLE_WORDS: Final[Mapping[str, str]] = {
    "expressiveness": "talkative",
    "preciseness": "precise in speech",
    "verbal_aggressiveness": "sharp-tongued",
    "questioningness": "inquisitive",
    "emotionality": "tense and sentimental in speech",
    "impression_manipulativeness": "smooth and flattering",
}
"""What a high score on each CSI domain is called."""


def level(score: float) -> str:
    """The adverb for a score from 1 to 5."""
    for bound, word in ((4.5, "very"), (3.5, "rather")):
        if score >= bound:
            return word
    return "moderately" if score > 2.5 else "not very" if score > 1.5 else "not at all"


def traits_in_words(persona: Persona) -> str:
    """The HEXACO factors that are set, such as ``very honest and modest; not very outgoing and lively``."""
    scores = {name: getattr(persona.traits, name) for name in HEXACO}
    return _phrase(scores, TRAIT_WORDS)


def style_in_words(persona: Persona) -> str:
    """The CSI domains that are set, in the same form."""
    scores = {name: getattr(persona.style, name) for name in CSI}
    return _phrase(scores, STYLE_WORDS)


def _phrase(scores: Mapping[str, float | None], words: Mapping[str, str]) -> str:
    return "; ".join(f"{level(score)} {words[name]}" for name, score in scores.items() if score is not None)
