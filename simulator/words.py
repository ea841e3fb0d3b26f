"""An utterance's words, and what different forms of one word have in common.

Law: a pure function of the text, in every process the same; no Unicode text raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

# Marks of scripts that write vowels above or below a letter belong to the word; Python's \w leaves them out.
WORD: Final = re.compile(r"[\w\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff]+")
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{2,}")
_MARKS: Final = (
    ("\u2019", "'"), ("\u2018", "'"), ("\u201c", '"'), ("\u201d", '"'), ("\u2014", ";"), ("\u2013", ";"),
    ("\u2026", "..."),
)  # fmt: skip
_SPACES: Final = bytes(code if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
_IRREGULAR: Final = {
    form: verb
    for verb, forms in {
        "begin": "began begun", "blow": "blew blown", "break": "broke broken", "bring": "brought", "buy": "bought",
        "bury": "buried burial", "call": "calls", "catch": "caught", "choose": "chose chosen choice",
        "die": "died dying dead death", "draw": "drew drawn", "drink": "drank drunk", "drive": "drove driven",
        "eat": "ate eaten", "fall": "fell fallen", "feel": "felt", "fight": "fought", "find": "found",
        "forget": "forgot forgotten", "freeze": "froze frozen", "get": "got gotten", "give": "gave given",
        "go": "went gone", "grow": "grew grown", "hide": "hid hidden", "hold": "held", "keep": "kept",
        "know": "knew known", "leave": "left", "lie": "lay lain lying lies", "lose": "lost", "make": "made",
        "marry": "marriage married", "meet": "met", "pay": "paid payment", "read": "reads", "ring": "rang rung",
        "run": "ran", "say": "said", "see": "saw seen", "sell": "sold", "send": "sent",
        "shake": "shook shaken shaky", "shoot": "shot", "sing": "sang sung", "sit": "sat", "sleep": "slept asleep",
        "speak": "spoke spoken speech", "spend": "spent", "stand": "stood", "steal": "stole stolen",
        "swim": "swam swum", "take": "took taken", "teach": "taught", "tell": "told", "think": "thought",
        "throw": "threw thrown", "wake": "woke woken awake", "wear": "wore worn", "win": "won",
        "write": "wrote written", "child": "children", "man": "men", "woman": "women", "foot": "feet",
        "shoe": "shoes", "life": "lives", "wife": "wives",
    }.items()
    for form in forms.split()
}  # fmt: skip
_SAME: Final = {
    form: word
    for word, forms in {
        "father": "dad daddy", "mother": "mum mom mummy", "child": "kid", "doctor": "gp physician",
        "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
        "ten": "10", "eleven": "11", "twelve": "12", "sixteen": "16", "twenty": "20", "thirty": "30", "hundred": "100",
        "thousand": "1000",
    }.items()
    for form in forms.split()
}  # fmt: skip


class Said(NamedTuple):
    """An utterance in its normal form, and its words."""

    text: str
    words: tuple[str, ...]


@lru_cache(maxsize=16)
def said_in(utterance: str) -> Said:
    """What is read of an utterance. It is asked for several times in a row, for each side's facts."""
    text = normal_form(utterance)
    return Said(text, tuple(words_in(text)))


def normal_form(text: str) -> str:
    """The text in one form, whatever its letters' case and width and its marks' shape."""
    if not text.isascii():
        for mark, plain in _MARKS:  # most of what is not ASCII in an English text; the rest is slow
            text = text.replace(mark, plain)
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold().replace("_", " ")


def words_in(normal: str) -> list[str]:
    """The words of a text in its normal form, in order; scripts that write no spaces give pairs of signs."""
    if normal.isascii():
        return normal.encode().translate(_SPACES).decode().split()  # several times as fast as str.translate
    return [piece for word in WORD.findall(normal) for piece in pieces_of(word)]


def pieces_of(word: str) -> Iterable[str]:
    """The pairs of signs of a word of a script without spaces; any other word alone."""
    if word.isascii() or not _UNSPACED.search(word):
        return (word,)
    return [word[at : at + 2] for at in range(len(word) - 1)]


def stem_of(word: str) -> str:
    """The word without its commonest English endings; a word of another language mostly stays as it is."""
    stem = _bare(_IRREGULAR.get(word, word))
    return _SAME_STEMS.get(stem, stem)


def _bare(word: str) -> str:
    if word.isdecimal():  # 2000 is no form of 200
        return word
    if word[-1] in "dgs":  # as all endings end
        for ending, instead, least in _ENDINGS:
            if word.endswith(ending) and len(word) >= least + len(ending):
                word = word[: -len(ending)] + instead
                break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


_ENDINGS: Final = (
    ("ies", "y", 2),
    ("ied", "y", 2),
    ("ing", "", 3),
    ("ed", "", 3),
    ("ss", "ss", 1),
    ("us", "us", 1),
    ("s", "", 2),
)
_SAME_STEMS: Final = {_bare(form): _bare(word) for form, word in _SAME.items()}
