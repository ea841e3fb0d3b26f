"""Rubrics: what a reader is asked, as YAML files, and the pydantic models that its answers must fit.

Law: an answer is one of the words or numbers that the question offers, or it is missing. Nothing is searched for in
free text, so that no bare "yes" can change its meaning and no stray digit can become a score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios import ConfideError, Role
from confide.scenarios.library import shipped_file
from confide.scenarios.reader import from_yaml
from confide.scenarios.schema import Frozen, Line, Slug, Text
from confide.scenarios.yamlfile import read_text

RUBRICS: Final = Path(__file__).parent / "rubrics"
"""The shipped rubrics."""
_GAPS: Final = 5
"""Gaps of a scale that are named."""
Word = Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{0,39}$")]


class Labels(Frozen):
    """The answer is a list of the taxonomy's strategies."""

    kind: Literal["labels"]
    """``labels``."""
    most: Annotated[int, Field(ge=1)] = 3
    """Most labels that an answer may name."""


class Choice(Frozen):
    """The answer is one of a few words."""

    kind: Literal["choice"]
    """``choice``."""
    words: Annotated[dict[Word, Text], Field(min_length=2)]
    """Each word, in capitals, with what it means. Words that say what they mean; no bare YES and NO."""

    @model_validator(mode="after")
    def _no_bare_yes(self) -> Self:
        if bare := [word for word in self.words if word in ("YES", "NO", "Y", "N", "TRUE", "FALSE")]:
            raise PydanticCustomError(
                "bare_word", "{word} changes its meaning with the question: use a word that says it", {"word": bare[0]}
            )
        return self


class Scale(Frozen):
    """The answer is a point of a scale."""

    kind: Literal["scale"]
    """``scale``."""
    anchors: Annotated[dict[int, Text], Field(min_length=2)]
    """Each point, a whole number, with what it means. No point may be left out."""

    @model_validator(mode="after")
    def _no_gap(self) -> Self:
        points = sorted(self.anchors)
        missing = points[-1] - points[0] + 1 - len(points)
        if missing:
            span = range(points[0], min(points[-1], points[0] + len(points) + _GAPS))
            gaps = [str(point) for point in span if point not in self.anchors][:_GAPS]
            gaps += [f"{missing - len(gaps)} more"] if missing > len(gaps) else []
            raise PydanticCustomError(
                "scale_gap",
                "the scale runs from {low} to {high} and has no anchor for {gaps}: give every point one",
                {"low": points[0], "high": points[-1], "gaps": ", ".join(gaps)},
            )
        return self


class Level(Frozen):
    """The answer is a whole number in a range, such as a level of distress."""

    kind: Literal["level"]
    """``level``."""
    low: int = 0
    """Lowest."""
    high: int = 100
    """Highest."""
    step: Annotated[int, Field(ge=1)] | None = None
    """Most by which it may change from one reading to the next, as in SAGE (Zhang et al., 2025, arXiv 2505.02847).
    Unset: by any amount."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise PydanticCustomError("level_range", "low must be less than high", {})
        return self


class Turns(Frozen):
    """The answer is a list of earlier turns of the same role."""

    kind: Literal["turns"]
    """``turns``."""


AnswerForm = Annotated[Labels | Choice | Scale | Level | Turns, Field(discriminator="kind")]


class Item(Frozen):
    """One question."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    """Short name: the answer stands under it."""
    question: Text
    """What the reader is asked."""
    answer: AnswerForm
    """What it may answer."""

    @model_validator(mode="after")
    def _can_be_a_field(self) -> Self:
        if self.id.startswith("model_") or hasattr(BaseModel, self.id):
            raise PydanticCustomError("item_id", "'{id}' is taken by pydantic: choose another id", {"id": self.id})
        return self


class Short(Frozen):
    """The same question for models whose format is ``tagged``: fewer words, and the answer in one bracket."""

    task: Text
    """What the reader is told first; ``{labels}`` stands for the taxonomy's."""
    lines: Annotated[int, Field(ge=1)]
    """How many of the last turns it is shown."""
    names: bool = True
    """Whether it is shown who says them."""
    question: Text | None = None
    """What stands after the lines; nothing if unset."""


class Rubric(Frozen):
    """What a reader is asked about a conversation: one YAML file."""

    id: Slug
    """Short name."""
    title: Line
    """One line for people."""
    source: Text
    """Where the questions come from, and whose words they are."""
    task: Text
    """What the reader is told first."""
    unit: Literal["turn", "conversation"]
    """Asked after each turn, or once at the end."""
    of: Annotated[tuple[Role, ...], Field(min_length=1)] = tuple(Role)
    """About whose turns, or about which role of the conversation, each by itself."""
    speakers: Literal["roles", "letters"] = "roles"
    """Whether the reader is told who seeks and who supports, or knows the two as A and B."""
    shows: tuple[Literal["persona"], ...] = ()
    """What the reader is shown beside the public transcript: nothing, or the persona of the role that it is about.
    A rubric that shows nothing is blind."""
    line: Literal["shown", "hidden"] = "shown"
    """For ``unit: turn``: whether the reader sees the turn itself, or only what came before it."""
    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    """The questions; they are asked together."""
    short: Short | None = None
    """The question for small models. Only for a rubric of one item."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ids = [item.id for item in self.items]
        if twice := [name for name in ids if ids.count(name) > 1]:
            raise PydanticCustomError("rubric", "two items have the id '{name}'", {"name": twice[0]})
        if self.short and len(self.items) > 1:
            raise PydanticCustomError("rubric", "short goes with one item, and there are {n}", {"n": len(ids)})
        by_turn = [item.id for item in self.items if isinstance(item.answer, Turns)]
        if by_turn and self.unit != "turn":
            raise PydanticCustomError("rubric", "'{name}' names earlier turns: unit must be turn", {"name": by_turn[0]})
        if self.line == "hidden" and self.unit != "turn":
            raise PydanticCustomError("rubric", "line: hidden goes with unit: turn", {})
        if self.speakers == "letters" and (self.unit != "turn" or self.shows):
            raise PydanticCustomError("rubric", "speakers: letters goes with unit: turn, and without shows", {})
        if self.short and self.shows:
            raise PydanticCustomError("rubric", "short shows no persona: it goes without shows", {})
        if self.short and self.short.names and self.speakers == "letters":
            raise PydanticCustomError("rubric", "speakers: letters goes with short.names: false", {})
        return self


class LoadedRubric(NamedTuple):
    """A rubric and the file's text, which is kept with what it measures."""

    rubric: Rubric
    text: str


def shipped_rubrics() -> tuple[str, ...]:
    """Ids of the shipped rubrics."""
    return tuple(sorted(file.stem for file in RUBRICS.glob("*.yaml")))


def read_rubric(name: str | Path) -> LoadedRubric:
    """Read a rubric.

    Args:
        name: the path of a file, or the id of a shipped rubric.

    Raises:
        InputFileError: with every problem of the file.
        ConfideError: ``name`` is neither a file nor a shipped rubric.
    """
    file = shipped_file(name, RUBRICS, "rubric")
    return parse_rubric(file, read_text(file))


def parse_rubric(file: Path, text: str) -> LoadedRubric:
    """The rubric whose text was kept in ``file``.

    Raises:
        InputFileError: with every problem of the text.
    """
    return LoadedRubric(from_yaml(file, text, Rubric), text)


def read_rubrics(names: Iterable[str]) -> tuple[LoadedRubric, ...]:
    """Read several rubrics. ``shipped`` means all shipped ones.

    Raises:
        InputFileError: with every problem of a file.
        ConfideError: a name is unknown, or two rubrics share an id.
    """
    wanted = [each for name in names for each in (shipped_rubrics() if name == "shipped" else [name])]
    found = [read_rubric(name) for name in dict.fromkeys(wanted)]
    ids = [item.rubric.id for item in found]
    if twice := [name for name in ids if ids.count(name) > 1]:
        raise ConfideError(f"two rubrics have the id '{twice[0]}': give one of them another")
    return tuple(found)


class Offer(NamedTuple):
    """What may be answered now."""

    labels: tuple[str, ...]
    """The taxonomy's labels."""
    turns: tuple[int, ...] = ()
    """Earlier turns of the role's."""
    before: Mapping[str, int] = {}
    """For each level, what it was last; nothing where there was no answer."""

    def bounds(self, item: str, level: Level) -> tuple[int, int]:
        """Lowest and highest that a level may be now."""
        if level.step is None or item not in self.before:
            return level.low, level.high
        return max(level.low, self.before[item] - level.step), min(level.high, self.before[item] + level.step)


def answer_model(items: Sequence[Item], offer: Offer) -> type[BaseModel]:
    """The pydantic model of an answer: one field per item, and nothing else."""
    fields: dict[str, Any] = {item.id: (_type(item, offer), ...) for item in items}
    return create_model("Answer", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _type(item: Item, offer: Offer) -> Any:
    form = item.answer
    if isinstance(form, Labels):
        return Annotated[_list_of(offer.labels), Field(min_length=1, max_length=form.most)]
    if isinstance(form, Choice):
        return _one_of(tuple(form.words))
    if isinstance(form, Scale):
        return Annotated[_one_of(tuple(sorted(form.anchors))), _WHOLE]
    if isinstance(form, Level):
        low, high = offer.bounds(item.id, form)
        return Annotated[int, Field(ge=low, le=high)]
    return Annotated[_list_of(offer.turns), Field(max_length=len(offer.turns))]


def _one_of(values: tuple[str, ...] | tuple[int, ...]) -> Any:
    """A type that allows these values alone; type checkers know no literal that is made at run time."""
    literal: Any = Literal
    return literal[values]


def _list_of(values: tuple[str, ...] | tuple[int, ...]) -> Any:
    a_list: Any = list
    return a_list[Annotated[_one_of(values), _WHOLE] if values and isinstance(values[0], int) else _one_of(values)]


def _whole(value: Any) -> Any:
    if type(value) is not int:  # to Python, true is 1 and 1.0 is too
        raise PydanticCustomError("whole", "must be a whole number", {})
    return value


_WHOLE: Final = BeforeValidator(_whole)
