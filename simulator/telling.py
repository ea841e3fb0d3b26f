"""Does an utterance tell a private fact, or ask for one?

Law: a pure function of words. It never calls a model, gives the same answer to the same words in every process, and
never raises on any Unicode text.

A fact is a bag of content words, each weighed by how few of the side's facts share it. An utterance tells the fact
when it holds enough of that weight, outside of questions and denials. That is a lexical measure: a paraphrase without
a common word is missed, and a hint in the fact's own words may be taken for it (``benchmarks/telling.py`` measures
both).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from confide.scenarios import Fact
from confide.simulator.words import WORD, Said, normal_form, pieces_of, said_in, stem_of, words_in

THRESHOLD: Final = 0.45
"""Least score of a telling."""
ASK_THRESHOLD: Final = 0.2
"""Least share of a fact's words in a question about it."""
_UNSAID: Final = 0.7
"""Least score of a telling of a negative fact ("never collected them") by words without a negation."""
_FULL: Final = 720
"""Weight of a word that only one fact has; a number that small counts divide."""
_LIGHT_SHARE: Final = 4
_KNOWN_SHARE: Final = 4
MEMORY: Final = 5_000
"""Words that a detector remembers the meaning of; later ones are looked up anew each time."""
_PREFIX: Final = 5
"""Stems with this many first letters in common may be forms of one word."""
_REACH: Final = 3
"""A negation takes back at most this many words after it."""

_SENTENCE: Final = re.compile(r"[^.!?\u3002]+[.!?\u3002]*")
_TOKEN: Final = re.compile(WORD.pattern + r"|[?,;:()\n]")
_BREAKS: Final = frozenset((*"?,;:()\n", "but", "and", "though"))


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP: Final = _words_of(
    """a about after again all also am an and any anybody anyone anything are as at be because been before being both
    but by can could did didn do does doesn doing don down each even ever every everybody few for from had has have
    he her here hers herself him himself his how i if in into is isn it its itself just ll m may me might more most
    much must my myself no nobody none nor not nothing now of off on once one only or other our out over own quite
    rather re really s same shall she should so some somebody someone something still such t than that the their them
    themselves then there these they this those though through to too under until up us ve very was wasn we were what
    when where which while who whom whose why will with won would yes yet you your yours yourself d never while whatever
    always usually"""
)
_LIGHT: Final = _words_of(
    """ask bad begin big bit come day do evening feel felt find get give go good happen have help hour keep know last
    like line little long lot make man many month morn near new next night old part people person place put say see
    start stop take talk tell thing think time today tomorrow try use want way week woman work year yesterday young"""
)
# "don't" and its like fall into two words, of which the second is "t".
_NEGATIONS: Final = _words_of("no not never nothing nobody none neither nor cannot without hardly t")
_FIRST: Final = _words_of("i my me mine myself we our us")
_SECOND: Final = _words_of("you your yours yourself")
_ASKING: Final = _words_of(
    """am are can could did do does had has have how is may might shall should was were what when where which who whom
    whose why will would"""
)
_ORDERS: Final = ("tell me", "describe", "say more", "walk me", "talk me", "please")
"""A sentence that begins so asks without being a question."""
_INVITING: Final = ("you tell me", ", tell me", "i wonder", "i'd like to hear", "i'd like to know", "i'm curious")
"""A sentence that holds one of these does so too."""
_QUESTION_PARTS: Final = ("?", "you", "me", "describe", "more", "please", "wonder", "like", "curious")
"""A text without any of these holds no question."""


class Telling(NamedTuple):
    """A fact that an utterance tells."""

    fact: str
    """The fact's id."""
    score: float
    """The share of the fact's words that was said, by weight: 0 to 1."""


Weights = Mapping[int, tuple[int, int]]
"""The weight and the count of the stems that some words hold, for each bag of which they hold any."""


class _Stems:
    """Bags of stems; each stem of each bag has a number, from ``first`` on."""

    def __init__(self, bags: Sequence[Mapping[str, int]], first: int) -> None:
        self._by_stem: dict[str, tuple[int, ...]] = {}
        self._by_prefix: dict[str, list[str]] = {}
        for number, stem in enumerate((stem for bag in bags for stem in bag), start=first):
            self._by_stem[stem] = (*self._by_stem.get(stem, ()), number)
        for stem in self._by_stem:
            if len(stem) >= _PREFIX and stem.isalpha():
                self._by_prefix.setdefault(stem[:_PREFIX], []).append(stem)

    def met_by(self, stem: str) -> tuple[int, ...]:
        """The numbers of ``stem``, or else of the stems that are likely forms of the same word."""
        if stem in self._by_stem:
            return self._by_stem[stem]
        alike = [other for other in self._by_prefix.get(stem[:_PREFIX], ()) if _tails_are_short(stem, other)]
        return tuple(number for other in alike for number in self._by_stem[other])


class _Bags(dict[str, tuple[int, ...]]):
    """The bags of the facts and then those of the cues, asked by the words of a text.

    A word is worked out once into the numbers of the stems that it meets, and then remembered.
    """

    def __init__(self, facts: Sequence[Mapping[str, int]], cues: Sequence[Mapping[str, int]]) -> None:
        super().__init__()
        bags = (*facts, *cues)
        self.totals = [sum(bag.values()) for bag in bags]
        self.sizes = [len(bag) for bag in bags]
        self._worth = [(index, weight) for index, bag in enumerate(bags) for weight in bag.values()]
        self._facts = _Stems(facts, 0)
        self._cues = _Stems(cues, sum(self.sizes[: len(facts)]))
        self._starts = {stem[:_PREFIX] for bag in bags for stem in bag}

    def __missing__(self, word: str) -> tuple[int, ...]:
        met: tuple[int, ...] = ()
        if word not in _STOP:
            stem = stem_of(word)
            if stem[:_PREFIX] in self._starts:  # as few are: most words meet nothing
                met = self._facts.met_by(stem) + self._cues.met_by(stem)
        if len(self) < MEMORY:
            self[word] = met
        return met

    def weigh(self, words: Iterable[str]) -> Weights:
        """What of the bags the words hold."""
        sums: dict[int, tuple[int, int]] = {}
        for number in set(chain.from_iterable(filter(None, map(self.__getitem__, words)))):
            bag, weight = self._worth[number]
            before, count = sums.get(bag, (0, 0))
            sums[bag] = (before + weight, count + 1)
        return sums


class FactDetector:
    """Finds one side's facts in what is said, by words alone."""

    name: Final = "lexical"

    def __init__(self, facts: Sequence[Fact], known: str = "") -> None:
        """Prepare the facts of one side.

        Args:
            facts: the facts; ids are unique.
            known: what both sides know already, such as the situation and the names: its words weigh little.
        """
        self._ids = [fact.id for fact in facts]
        texts = [words_in(normal_form(fact.text)) for fact in facts]
        stems = [[stem_of(word) for word in dict.fromkeys(words) if word not in _STOP] for words in texts]
        shared = Counter(stem for some in stems for stem in set(some))
        common = frozenset(map(stem_of, words_in(normal_form(known))))
        weigh = {stem: _weight(stem, shared[stem], common) for stem in shared}
        self._negated = [not _NEGATIONS.isdisjoint(words) for words in texts]
        self._whole: dict[tuple[str, ...], list[int]] = {}
        for index, words in enumerate(texts):
            if stems[index]:
                self._whole.setdefault(tuple(words), []).append(index)
        cues = [(index, words_in(normal_form(cue))) for index, fact in enumerate(facts) for cue in fact.about]
        self._bags = _Bags(
            [{stem: weigh[stem] for stem in some} for some in stems],
            [{stem_of(word): 1 for word in words if word not in _STOP} for _, words in cues],
        )
        # The fact that each bag is about, and the least weight of a question: a share of a fact, the whole of a cue.
        count, totals = len(facts), self._bags.totals
        self._about = [*range(count), *(index for index, _ in cues)]
        self._least = [*(ASK_THRESHOLD * total for total in totals[:count]), *totals[count:]]

    def meets(self, word: str) -> bool:
        """Whether a word, in its normal form, is of any fact or cue; of an utterance without one nothing is read."""
        return bool(self._bags[word])

    def told(self, utterance: str) -> tuple[Telling, ...]:
        """The facts that the speaker of ``utterance``, whose facts these are, tells with it.

        Returns:
            The facts whose score is :data:`THRESHOLD` or more, best first; facts of one score in their own order.
        """
        return self._told(said := said_in(utterance), self._bags.weigh(said.words))

    def asked(self, utterance: str) -> tuple[str, ...]:
        """The ids of the facts that the other side, by saying ``utterance``, asks about; in the facts' order."""
        return self.read(utterance)[1]

    def read(self, utterance: str) -> tuple[tuple[Telling, ...], tuple[str, ...]]:
        """What :meth:`told` and :meth:`asked` give, for the price of one."""
        said = said_in(utterance)
        weights = self._bags.weigh(said.words)
        return self._told(said, weights), self._asked(said, weights)

    def _told(self, said: Said, weights: Weights) -> tuple[Telling, ...]:
        heard = self._scores(weights)
        if not heard:
            return ()
        heard = self._asserted(said.text, said.words, heard)
        best_first = sorted(heard, key=lambda index: (-heard[index], index))
        return tuple(Telling(self._ids[index], heard[index]) for index in best_first)

    def _asked(self, said: Said, weights: Weights) -> tuple[str, ...]:
        if not self._sought(weights) or not any(part in said.text for part in _QUESTION_PARTS):
            return ()
        asking = [word for sentence in _SENTENCE.findall(said.text) if _asks(sentence) for word in words_in(sentence)]
        return tuple(self._ids[index] for index in sorted(self._sought(self._bags.weigh(asking))))

    def _sought(self, weights: Weights) -> set[int]:
        """The facts of which the words, taken as a question's, hold enough, or of which they hold a cue."""
        return {self._about[index] for index, (weight, _) in weights.items() if weight >= self._least[index]}

    def _scores(self, weights: Weights) -> dict[int, float]:
        """The facts of which the words hold enough. One word is not enough, unless the fact has no other."""
        bags, facts = self._bags, len(self._ids)
        scores = {}
        for index, (weight, count) in weights.items():
            if index < facts:
                score = weight / bags.totals[index] if weight else 0.0
                if score >= THRESHOLD and (count > 1 or bags.sizes[index] == 1):
                    scores[index] = score
        return scores

    def _asserted(self, text: str, words: Sequence[str], heard: dict[int, float]) -> dict[int, float]:
        """Those of the facts that were ``heard`` which are still there once questions and denials are taken away."""
        stated = with_denied = heard
        denies = not _NEGATIONS.isdisjoint(words)
        if denies or "?" in text:
            said, denied = _said_and_denied(text)
            stated = self._scores(self._bags.weigh(said))
            # What a negation takes back is part of a fact that is itself negative.
            with_denied = self._scores(self._bags.weigh(said + denied)) if denied else stated
        least = THRESHOLD if denies else _UNSAID
        scores = {i: score for i, score in stated.items() if not self._negated[i]}
        scores |= {i: score for i, score in with_denied.items() if self._negated[i] and score >= least}
        return scores | dict.fromkeys(self._whole.get(tuple(words), ()), 1.0)


_LIGHT_STEMS: Final = frozenset(map(stem_of, _LIGHT))


def _weight(stem: str, sharing: int, common: frozenset[str]) -> int:
    """How much a word says, as a whole number, so that sums do not depend on their order."""
    weight = _FULL // min(sharing, 12)
    if stem in _LIGHT_STEMS:
        weight //= _LIGHT_SHARE
    return weight // _KNOWN_SHARE if stem in common else weight


def _tails_are_short(one: str, other: str) -> bool:
    """Whether two stems that begin alike are likely forms of one word: ``stutter`` and ``stutterer``."""
    same = _PREFIX
    shorter = min(len(one), len(other))
    while same < shorter and one[same] == other[same]:
        same += 1
    return max(len(one), len(other)) - same <= 3


def _asks(sentence: str) -> bool:
    """Whether a sentence is a question to the other, and not about the speaker alone."""
    if sentence.lstrip().startswith(_ORDERS) or any(part in sentence for part in _INVITING):
        return True
    words = words_in(sentence)
    if not words:
        return False
    to_other = not _SECOND.isdisjoint(words)
    if "?" in sentence:
        return to_other or _FIRST.isdisjoint(words)
    return to_other and words[0] in _ASKING


def _said_and_denied(text: str) -> tuple[list[str], list[str]]:
    """The words that are stated, and those just after a negation; words of plain questions are in neither."""
    said: list[str] = []
    denied: list[str] = []
    for sentence in _SENTENCE.findall(text):
        tokens = _TOKEN.findall(sentence)
        if tokens[-1:] == ["?"] and tokens[0] in _ASKING:
            continue
        reach = 0
        for token in tokens:
            if token in _NEGATIONS:
                reach = _REACH
                said.append(token)
            elif token in _BREAKS:
                reach = 0
            elif reach:
                reach -= 1
                denied += pieces_of(token)
            else:
                said += pieces_of(token)
    return said, denied
