"""Instruments: questionnaires as YAML files.

Law: an answer is a point of the instrument's scale. A score is the mean of keyed answers; what reverse-keyed items ask
is turned round in one place, :meth:`Instrument.keyed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios import CSI, HEXACO
from confide.scenarios.library import shipped_file
from confide.scenarios.reader import from_yaml
from confide.scenarios.schema import Frozen, Line, Slug, Text
from confide.scenarios.yamlfile import read_text

INSTRUMENTS: Final = Path(__file__).parent / "instruments"
"""The shipped instruments."""
Factor = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,59}$")]
Point = Annotated[int, Field(ge=0, le=9)]


class TraitItem(Frozen):
    """One item of a questionnaire."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    """Short name, or the item's number in quotes."""
    factor: Factor
    """The factor that it measures."""
    facet: Factor | None = None
    """The facet of the factor; unset where there is none."""
    key: Literal[1, -1]
    """1: agreeing speaks for the factor. -1: it speaks against it."""
    text: Line | None = None
    """The statement, in the first person, or the adjective. Unset where only the key may be shipped."""
    other: Line | None = None
    """The statement in the third person, about "this person". Unset: the observer is shown ``text`` in quotes."""


class Norm(Frozen):
    """What people score."""

    mean: float
    """Mean score."""
    sd: Annotated[float, Field(gt=0)]
    """Standard deviation between people."""


class Norms(Frozen):
    """What people score, with where the figures come from."""

    source: Text
    """Which people, and who published it."""
    factors: dict[Factor, Norm]
    """By factor."""
    correlations: dict[Factor, dict[Factor, Annotated[float, Field(gt=-1, lt=1)]]] = Field(default_factory=dict)
    """Correlations between factors, each pair once, where they are known; a pair that is not here counts as 0."""


class Instrument(Frozen):
    """A questionnaire: one YAML file."""

    id: Slug
    """Short name."""
    title: Line
    """One line for people."""
    measures: Literal["hexaco", "csi", "other"]
    """What the factors are: HEXACO's, the Communication Styles Inventory's domains, or others. Only the first two can
    be held against a persona's scores."""
    source: Text
    """Where the items come from, and whose words they are."""
    licence: Line
    """Under what terms the items may be used."""
    form: Literal["statements", "adjectives"]
    """What the items are."""
    scale: Annotated[dict[Point, Line], Field(min_length=2)]
    """Each point of the answer scale, a digit, with what it means. No point may be left out."""
    short: tuple[str, ...] = ()
    """Ids of the items of the short form; the long form is all items."""
    norms: Norms | None = None
    """What people score; unset where it is not known."""
    items: Annotated[tuple[TraitItem, ...], Field(min_length=1)]
    """The items."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        points = sorted(self.scale)
        if points[-1] - points[0] + 1 != len(points):
            raise PydanticCustomError("instrument", "the scale leaves a point out: give every point a meaning", {})
        _must_be_distinct("id", [item.id for item in self.items])
        _must_be_distinct("text", [same_words(item.text) for item in self.items if item.text])
        _must_be_distinct("short", self.short)
        ids = {item.id for item in self.items}
        if unknown := [name for name in self.short if name not in ids]:
            raise PydanticCustomError("instrument", "short names '{id}', and there is no such item", {"id": unknown[0]})
        if self.measures != "other":
            known = HEXACO if self.measures == "hexaco" else CSI
            between = {"altruism"} if self.measures == "hexaco" else set()
            if strange := sorted({item.factor for item in self.items} - set(known) - between):
                raise PydanticCustomError(
                    "instrument",
                    "'{factor}' is no factor of {measures}; its factors: {known}",
                    {"factor": strange[0], "measures": self.measures, "known": ", ".join(known)},
                )
        self._norms_fit()
        return self

    def _norms_fit(self) -> None:
        """Norms are about factors of the instrument, and lie on its scale; a pair has one correlation."""
        for factor, norm in self.norms.factors.items() if self.norms else ():
            if factor not in self.factors:
                raise PydanticCustomError("instrument", "norms name '{f}', which no item measures", {"f": factor})
            if not self.low <= norm.mean <= self.high:
                raise PydanticCustomError(
                    "instrument",
                    "the norm of '{f}' lies beyond the scale from {low} to {high}",
                    {"f": factor, "low": self.low, "high": self.high},
                )
        pairs = [(one, two) for one, others in self.norms.correlations.items() for two in others] if self.norms else []
        for index, pair in enumerate(pairs):
            if strange := [factor for factor in pair if factor not in self.factors]:
                raise PydanticCustomError(
                    "instrument", "correlations name '{f}', which no item measures", {"f": strange[0]}
                )
            if pair[0] == pair[1] or pair[::-1] in pairs[:index]:
                what = "correlations: give two factors, and each pair once, not '{one}' with '{two}'"
                raise PydanticCustomError("instrument", what, {"one": pair[0], "two": pair[1]})

    @property
    def low(self) -> int:
        """Lowest point of the scale."""
        return min(self.scale)

    @property
    def high(self) -> int:
        """Highest point of the scale."""
        return max(self.scale)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """The factors, in the order of HEXACO's or CSI's names, then of the items."""
        found = dict.fromkeys(item.factor for item in self.items)
        order = {"hexaco": HEXACO, "csi": CSI}.get(self.measures, ())
        return tuple(dict.fromkeys([*(name for name in order if name in found), *found]))

    @cached_property
    def by_id(self) -> dict[str, TraitItem]:
        """The items by their ids."""
        return {item.id: item for item in self.items}

    @cached_property
    def by_factor(self) -> dict[str, tuple[TraitItem, ...]]:
        """The items of each factor, in their order."""
        return {factor: tuple(item for item in self.items if item.factor == factor) for factor in self.factors}

    @property
    def short_items(self) -> tuple[TraitItem, ...]:
        """The items of the short form; all where there is none."""
        return tuple(item for item in self.items if item.id in self.short) if self.short else self.items

    def keyed(self, item: str, answer: float) -> float:
        """An answer to the item ``item``, turned so that more of it speaks for the factor."""
        return answer if self.by_id[item].key == 1 else self.low + self.high - answer

    @property
    def has_texts(self) -> bool:
        """Whether it can be asked: false where only a key is there."""
        return all(item.text for item in self.items)


def same_words(text: str) -> str:
    """A text without what does not make it another: case, and how words are spaced."""
    return " ".join(text.casefold().split())


def _must_be_distinct(what: str, values: Sequence[str]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise PydanticCustomError(
                "instrument", "two items share the {what} '{value}'", {"what": what, "value": value}
            )


class LoadedInstrument(NamedTuple):
    """An instrument and the file's text, which is kept with what it measures."""

    instrument: Instrument
    text: str


def shipped_instruments() -> tuple[str, ...]:
    """Ids of the shipped instruments."""
    return tuple(sorted(file.stem for file in INSTRUMENTS.glob("*.yaml")))


def read_instrument(name: str | Path, beside: Path | None = None) -> LoadedInstrument:
    """Read an instrument.

    Args:
        name: the path of a file, or the id of a shipped instrument.
        beside: the folder that a relative path is relative to; the working folder if not given.

    Raises:
        InputFileError: with every problem of the file.
        ConfideError: ``name`` is neither a file nor a shipped instrument.
    """
    file = shipped_file(name, INSTRUMENTS, "instrument", beside)
    return parse_instrument(file, read_text(file))


def parse_instrument(file: Path, text: str) -> LoadedInstrument:
    """The instrument whose text was kept in ``file``.

    Raises:
        InputFileError: with every problem of the text.
    """
    return LoadedInstrument(from_yaml(file, text, Instrument), text)


def doubts(instrument: Instrument) -> list[str]:
    """What weakens an instrument without making it wrong, in a sentence each: keys out of balance, few items."""
    found = []
    short = _by_factor(instrument.short_items)
    groups_of = {"factors": _by_factor(instrument.items), "facets": _by_facet(instrument.items)}
    if instrument.short:
        groups_of["factors of the short form"] = short
    for what, groups in groups_of.items():
        uneven = []
        for name, items in groups.items():
            high = sum(item.key == 1 for item in items)
            if abs(2 * high - len(items)) > 1:
                uneven.append(f"{name} {high}/{len(items) - high}")
        if uneven:
            found.append(
                f"{what} out of balance (items keyed 1 / keyed -1), so that whoever agrees to everything gets another "
                f"score: {', '.join(uneven)}"
            )
    if few := [name for name in instrument.factors if len(short.get(name, ())) < 2]:
        found.append(f"the short form has fewer than two items of {', '.join(few)}")
    return found


def _by_factor(items: Iterable[TraitItem]) -> dict[str, list[TraitItem]]:
    found: dict[str, list[TraitItem]] = {}
    for item in items:
        found.setdefault(item.factor, []).append(item)
    return found


def _by_facet(items: Iterable[TraitItem]) -> dict[str, list[TraitItem]]:
    found: dict[str, list[TraitItem]] = {}
    for item in items:
        if item.facet:
            found.setdefault(f"{item.factor}/{item.facet}", []).append(item)
    return found
