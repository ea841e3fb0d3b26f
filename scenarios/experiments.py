"""Experiments: what is run, what is measured, and how it will be analysed, in one YAML file written before the run.

Law: an experiment that validates can be run and analysed; a contrast names conditions or models that it runs, and an
outcome belongs to a family, so that nothing is decided after the data were seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from confide.scenarios.conditions import Condition, shipped_conditions
from confide.scenarios.errors import ConfideError
from confide.scenarios.library import shipped_scenarios
from confide.scenarios.personas import ListedPersona, read_personas
from confide.scenarios.reader import LoadedScenario, from_yaml, read_conditions, read_scenarios
from confide.scenarios.schema import Frozen, Line, RoleNames, Slug, Text
from confide.scenarios.vocabulary import Role
from confide.scenarios.yamlfile import read_text

EXPERIMENTS: Final = Path(__file__).parent / "experiments"
"""The shipped experiments."""


class PersonaAxis(Frozen):
    """Personas that take the place of one role's own, one conversation for each."""

    file: Line
    """A list of personas (``confide personas``), relative to this file."""
    role: Role = Role.SEEKER
    """Whose persona they replace: traits and style, and the background where the list gives one. The name stays."""
    first: Annotated[int, Field(ge=1)] | None = None
    """Take the first so many; all if unset."""


class Arm(Frozen):
    """Some cells of the matrix, by what they have in common."""

    scenario: Line | None = None
    """A scenario's id; any if unset."""
    persona: Line | None = None
    """A persona's id; any if unset."""
    condition: Line | None = None
    """A condition's id; any if unset."""
    model: Line | None = None
    """A cast's name; any if unset."""


class Cast(Frozen):
    """Which models play, under one name."""

    id: Slug
    """What the cast is called in contrasts and tables."""
    models: RoleNames
    """The model of each role, and of the author where a condition has one."""


class Measure(Frozen):
    """Something that is read beside the conversations."""

    rubric: Line
    """A rubric or a trait plan: a shipped one's id, or a file relative to this one."""
    reader: Line = "local-reader"
    """The model that reads."""
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    """How many times each question is asked; for rubrics."""


class Budget(Frozen):
    """Where a run stops of its own accord. It can be gone on with by ``confide resume``."""

    tokens: Annotated[int, Field(ge=1)] | None = None
    """Prompt and completion tokens of all conversations and of what reads beside them, profiles aside."""
    usd: Annotated[float, Field(gt=0)] | None = None
    """US dollars; needs models of known price."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Wall time of one process."""


class Contrast(Frozen):
    """Two arms that are compared within pair keys."""

    id: Slug
    """Short name."""
    axis: Literal["condition", "model"] = "condition"
    """What differs between them."""
    one: Line
    """The arm of interest: a condition's id, or a cast's."""
    other: Line
    """What it is compared with. A difference is one less other."""


class Outcome(Frozen):
    """A figure of each conversation that is compared."""

    id: Slug
    """Short name."""
    of: Line
    """What it is: see docs/experiments.md, such as ``share.Question`` or ``traits.self.seeker.emotionality.drift``."""
    family: Slug
    """Outcomes of one family are corrected for one another (Holm)."""
    equivalence: Annotated[float, Field(gt=0)] | None = None
    """A difference of less than this, either way, counts as none; tested by two one-sided tests. Unset: not tested."""


class Analysis(Frozen):
    """How the run will be analysed."""

    contrasts: Annotated[tuple[Contrast, ...], Field(min_length=1)]
    """What is compared."""
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    """By what."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Error rate of each family."""
    exclude_ends: tuple[Line, ...] = ("error",)
    """Conversations that ended for these reasons are left out, and counted."""
    effect: Annotated[float, Field(gt=0)] | None = None
    """The smallest difference worth finding, in standard deviations of the paired difference, for the forecast."""

    @model_validator(mode="after")
    def _ids_are_distinct(self) -> Self:
        for what, ids in (
            ("contrasts", [each.id for each in self.contrasts]),
            ("outcomes", [each.id for each in self.outcomes]),
        ):
            if twice := [name for name in ids if ids.count(name) > 1]:
                raise PydanticCustomError("experiment", "two {what} have the id '{id}'", {"what": what, "id": twice[0]})
        if same := [each.id for each in self.contrasts if each.one == each.other]:
            raise PydanticCustomError("experiment", "contrast '{id}' compares an arm with itself", {"id": same[0]})
        return self


class Experiment(Frozen):
    """What is run, measured and compared: one YAML file."""

    id: Slug
    """Short name; the run is called by it."""
    title: Line
    """One line for people."""
    question: Text
    """What it asks, and what would count as an answer."""
    scenarios: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Shipped scenarios' ids, ``shipped`` for all of them, or files relative to this one."""
    personas: PersonaAxis | None = None
    """Personas that replace one role's own. Unset: each scenario has its own."""
    conditions: Annotated[tuple[Line, ...], Field(min_length=1)] = ("partial",)
    """Shipped conditions' ids, ``presets``, or files relative to this one."""
    models: tuple[Cast, ...] = ()
    """The casts. Unset: the scenarios' own models, or ``--model``."""
    replicates: Annotated[int, Field(ge=1)] = 1
    """Conversations per cell."""
    turns: Annotated[int, Field(ge=1, le=2000)] | None = None
    """Turn limit, in place of the scenarios' own."""
    seed: int = 0
    """The run's seed; ``--seed`` takes its place."""
    include: tuple[Arm, ...] = ()
    """Only cells that fit one of these are run; all if empty."""
    exclude: tuple[Arm, ...] = ()
    """Cells that fit one of these are not run."""
    measures: tuple[Measure, ...] = ()
    """What is read beside the conversations."""
    budget: Budget = Budget()
    """Where the run stops of its own accord."""
    analysis: Analysis | None = None
    """How it will be analysed; written before the run, and kept with it."""


class Cell(NamedTuple):
    """One cell of the matrix."""

    scenario: str
    persona: str | None
    condition: str
    model: str | None


def is_run(experiment: Experiment, cell: Cell) -> bool:
    """Whether a cell of the matrix is run."""
    if experiment.include and not any(_fits(arm, cell) for arm in experiment.include):
        return False
    return not any(_fits(arm, cell) for arm in experiment.exclude)


def _fits(arm: Arm, cell: Cell) -> bool:
    return all(getattr(arm, name) in (None, value) for name, value in cell._asdict().items())


def shipped_experiments() -> list[str]:
    """Ids of the shipped experiments, sorted."""
    return sorted(file.stem for file in EXPERIMENTS.glob("*.yaml"))


def find_experiment(name: str | Path) -> Path | None:
    """The file of an experiment: a shipped one's id, or a file that is one; None if ``name`` is neither."""
    path = Path(name)
    if str(name) in shipped_experiments():
        return EXPERIMENTS / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError):
        return None
    return path if any(line.startswith("scenarios:") for line in text.splitlines()) else None


class LoadedExperiment(NamedTuple):
    """An experiment with what it refers to."""

    file: Path
    text: str
    """The file's text, which the run keeps."""
    experiment: Experiment
    scenarios: list[LoadedScenario]
    conditions: tuple[Condition, ...]
    personas: list[ListedPersona]
    """The personas of the axis; none where there is no axis."""


def read_experiment(file: Path) -> LoadedExperiment:
    """Read an experiment, and the scenarios, conditions and personas that it names.

    Raises:
        InputFileError: with every problem of a file.
        ConfideError: a name is unknown, or a contrast compares what is not run.
    """
    text = read_text(file)
    experiment = from_yaml(file, text, Experiment)
    scenarios = read_scenarios([_beside(file, name, shipped_scenarios()) for name in experiment.scenarios])
    conditions = read_conditions(
        [_beside(file, name, [*shipped_conditions(), "presets"]) for name in experiment.conditions]
    )
    personas: list[ListedPersona] = []
    if experiment.personas:
        listed = read_personas(file.parent / experiment.personas.file).personas
        personas = list(listed[: experiment.personas.first])
    loaded = LoadedExperiment(file, text, experiment, scenarios, conditions, personas)
    _must_name_what_is_run(loaded)
    return loaded


def _beside(file: Path, name: str, shipped: Iterable[str]) -> str:
    """A name as it is where it is shipped, else as a path relative to the experiment's file."""
    return name if name in (*shipped, "shipped") else str(file.parent / name)


def _must_name_what_is_run(loaded: LoadedExperiment) -> None:
    """See to it that contrasts and arms name what there is.

    Raises:
        ConfideError: one names a condition, a cast, a scenario or a persona that is not run.
    """
    experiment = loaded.experiment
    personas: list[str | None] = [each.id for each in loaded.personas] or [None]
    casts: list[str | None] = [each.id for each in experiment.models] or [None]
    cells = [
        Cell(item.scenario.id, persona, condition.id, cast)
        for item in loaded.scenarios
        for persona in personas
        for condition in loaded.conditions
        for cast in casts
    ]
    known = {name: list(dict.fromkeys(getattr(cell, name) for cell in cells)) for name in Cell._fields}
    for where, arms in (("include", experiment.include), ("exclude", experiment.exclude)):
        for arm in arms:
            for name, value in arm.model_dump(exclude_none=True).items():
                if value not in known[name]:
                    raise ConfideError(_not_run(loaded.file, where, name, value, known[name]))
    kept = [cell for cell in cells if is_run(experiment, cell)]
    if not kept:
        raise ConfideError(f"{loaded.file}: include and exclude leave nothing to run")
    for contrast in experiment.analysis.contrasts if experiment.analysis else ():
        run = list(dict.fromkeys(getattr(cell, contrast.axis) for cell in kept))
        for value in (contrast.one, contrast.other):
            if value not in run:
                where = f"analysis, contrast '{contrast.id}'"
                raise ConfideError(_not_run(loaded.file, where, contrast.axis, value, run))


def _not_run(file: Path, where: str, name: str, value: str, known: list[str | None]) -> str:
    there = ", ".join(str(each) for each in known if each is not None) or "none"
    return f"{file}: {where} names the {name} '{value}', which is not run; run: {there}"
