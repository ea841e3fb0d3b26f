"""Trait plans: which questionnaire is put to whom, when and in what words. One YAML file.

Law: what is not in the plan is not done. The wording, the schedule and the reliability floor are set before the run and
are kept with what was measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from confide.agents import Model
from confide.agents.models.spec import FormatName
from confide.evaluators.traits.instrument import Instrument, parse_instrument, read_instrument
from confide.scenarios import ConfideError, Role
from confide.scenarios.library import shipped_file
from confide.scenarios.reader import from_yaml
from confide.scenarios.schema import Frozen, Line, Slug, Text
from confide.scenarios.yamlfile import read_text

PLANS: Final = Path(__file__).parent / "plans"
"""The shipped plans."""
WORDINGS: Final = Path(__file__).parent / "wordings"
"""The shipped wordings."""
Source = Literal["self", "bare", "observer"]
SOURCES: Final[tuple[Source, ...]] = ("self", "bare", "observer")
PROFILES: Final = "profiles"
"""What the side logs of sampled profiles are called, beside the sources."""


class Asks(Frozen):
    """The words in which items are asked, for one reply format.

    ``{items}`` stands for the items, ``{name}`` for who answers; no other braces are filled.
    """

    own: Text
    """To an agent about itself, after the talk as it saw it."""
    author: Text
    """To an author of both sides, about the role called ``{name}``."""
    persona: Text
    """What is told first to a model that is to answer as ``{name}``, where there is no talk: ``{about}`` stands for
    the persona in words."""
    nobody: Text
    """What is told first to a model that answers for itself, without a persona and a talk."""
    lines: Text
    """To an observer, about who wrote some lines of a chat, after those lines."""
    text: Text
    """To an observer, about a person who is described, after the description."""

    @model_validator(mode="after")
    def _asks_items(self) -> Self:
        for name in ("own", "author", "lines", "text"):
            if "{items}" not in getattr(self, name):
                raise PydanticCustomError("asks", "{name} must say where the items stand: {mark}", _mark(name, "items"))
        if "{about}" not in self.persona:
            raise PydanticCustomError(
                "asks", "{name} must say where the persona stands: {mark}", _mark("persona", "about")
            )
        return self


def _mark(name: str, value: str) -> dict[str, str]:
    return {"name": name, "mark": "{" + value + "}"}


class Wording(Frozen):
    """The words of questions outside of a talk: one YAML file."""

    source: Text
    """Whose words they are."""
    formats: Annotated[dict[FormatName, Asks], Field(min_length=1)]
    """By the reply format of the model that is asked, ``json`` or ``tagged``: small models need fewer words."""


class TraitPlan(Frozen):
    """How traits are measured in a run: one YAML file."""

    id: Slug
    """Short name; side logs are called by it."""
    title: Line
    """One line for people."""
    source: Text
    """Where the procedure comes from."""
    instrument: Line
    """The questionnaire: a shipped one's id, or a file's path relative to this file."""
    of: Annotated[tuple[Role, ...], Field(min_length=1)] = tuple(Role)
    """Whose traits."""
    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = SOURCES
    """Who is asked. ``self``: a copy of the agent, with all that it sees. ``bare``: the same without its persona, to
    see what the talk alone does to the model. ``observer``: a reader who sees that role's lines and nothing else."""
    every: Annotated[int, Field(ge=1)] | None = 2
    """Turns of the talk between two short probes of a role; each comes right after a turn of its own. ``null``: none
    between start and end."""
    administration: Literal["item", "block"] = "block"
    """``block``: all items of a form in one call, in an order drawn anew each time. ``item``: one call per item,
    so that no item colours another; costs many times more."""
    retests: Annotated[int, Field(ge=0, le=20)] = 1
    """How many times more the first long form is asked, with no talk between: the noise floor."""
    lines: Annotated[int, Field(ge=1)] = 3
    """How many of a role's last lines the observer sees. It is first asked when there are so many, so that no rating
    rests on less than another."""
    profiles: Annotated[int, Field(ge=0, le=1000)] = 12
    """Sampled personas of known traits that each model answers for, as itself and as an observer of their text: its
    systematic error, and the reliability where a run has too few personas. 0: none."""
    floor: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Cronbach's alpha below which a factor's scores are null."""
    wording: Line = "plain"
    """The words of the questions: ``plain``, or a file's path relative to this file."""


class LoadedPlan(NamedTuple):
    """A plan with what it refers to, and all files' texts, which are kept with what was measured."""

    plan: TraitPlan
    instrument: Instrument
    wording: Wording
    text: str
    """The plan's file."""
    files: Mapping[str, str]
    """The files of the ``instrument`` and of the ``wording``."""

    def asks(self, model: Model) -> Asks:
        """The words for a model.

        Raises:
            ConfideError: there are none for its reply format.
        """
        found = self.wording.formats.get("tagged" if model.format.name == "tagged" else "json")
        if found is None:
            raise ConfideError(
                f"trait plan '{self.plan.id}': its wording has none for the format {model.format.name} of model "
                f"'{model.name}'"
            )
        return found


def shipped_plans() -> tuple[str, ...]:
    """Ids of the shipped plans."""
    return tuple(sorted(file.stem for file in PLANS.glob("*.yaml")))


def is_plan(name: str | Path) -> bool:
    """Whether ``name`` means a plan, shipped or in a file, and not a rubric."""
    if str(name) in shipped_plans():
        return True
    file = Path(name)
    try:
        return file.is_file() and any(line.startswith("instrument:") for line in file.read_text("utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return False


def read_plan(name: str | Path) -> LoadedPlan:
    """Read a plan and its instrument.

    Args:
        name: the path of a file, or the id of a shipped plan.

    Raises:
        InputFileError: with every problem of a file.
        ConfideError: ``name`` is neither, or the instrument cannot be asked.
    """
    file = shipped_file(name, PLANS, "trait plan")
    text = read_text(file)
    plan = from_yaml(file, text, TraitPlan)
    instrument = read_instrument(plan.instrument, file.parent)
    wording = WORDINGS / "plain.yaml" if plan.wording == "plain" else file.parent / plan.wording
    return parse_plan(file, text, {"instrument": instrument.text, "wording": read_text(wording)}, wording)


def parse_plan(file: Path, text: str, files: Mapping[str, str], wording: Path | None = None) -> LoadedPlan:
    """The plan whose text, and whose instrument's and wording's, were kept in ``file``.

    Raises:
        InputFileError: with every problem of a text.
        ConfideError: the instrument cannot be asked.
    """
    plan = from_yaml(file, text, TraitPlan)
    instrument = parse_instrument(file, files["instrument"]).instrument
    if not instrument.has_texts:
        raise ConfideError(
            f"{file}: instrument '{instrument.id}' is a key without items, which are yours to supply: "
            f"confide instruments add YOUR-ITEMS.txt --key {instrument.id}"
        )
    return LoadedPlan(plan, instrument, from_yaml(wording or file, files["wording"], Wording), text, files)


def fill(template: str, **values: str) -> str:
    """A template with its values put in, each once; other braces stay, and braces inside a value are left alone."""
    names = "|".join(map(re.escape, values))
    return re.sub("{(" + names + ")}", lambda found: values[found[1]], template)
