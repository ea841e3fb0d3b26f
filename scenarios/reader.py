"""Reads users' YAML. All mistakes of a file are reported at once, each as ``file:line:col: path: what is wrong``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from confide.scenarios.conditions import Condition, find_conditions
from confide.scenarios.errors import ConfideError, InputFileError, Problem
from confide.scenarios.facts import fact_problems
from confide.scenarios.library import STRATEGIES, find_scenario, shipped_scenarios
from confide.scenarios.schema import Scenario
from confide.scenarios.taxonomy import Taxonomy
from confide.scenarios.vocabulary import Role
from confide.scenarios.yamlfile import Loc, YamlDocument, parse_yaml, read_text

Model = TypeVar("Model", bound=BaseModel)


class LoadedScenario(NamedTuple):
    """A scenario with what it refers to."""

    file: Path
    scenario: Scenario
    taxonomy: Taxonomy


def read_yaml(file: Path, model: type[Model], extra: Callable[[YamlDocument], list[Problem]] | None = None) -> Model:
    """Read one YAML file into ``model``.

    Args:
        file: the file.
        model: the pydantic model that it must fit.
        extra: a further check on the raw document, whose problems are reported together with the others.

    Raises:
        InputFileError: with every problem of the file.
    """
    return from_yaml(file, read_text(file), model, extra)


def from_yaml(
    file: Path, text: str, model: type[Model], extra: Callable[[YamlDocument], list[Problem]] | None = None
) -> Model:
    """Read the text of a YAML file into ``model``; arguments and errors as for :func:`read_yaml`."""
    document = parse_yaml(file, text)
    problems = list(document.problems)
    if not isinstance(document.data, dict):
        problems.append(document.problem((), f"expected a {model.__name__.lower()}: a list of 'name: value' lines"))
        raise InputFileError(problems)
    data = dict(document.data)
    data.pop("$schema", None)
    if extra:
        problems += extra(document)
    result: Model | None = None
    try:
        result = model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        found = _without_echoes(error.errors(include_url=False, include_context=True))
        problems += [
            _explain(document, model, detail) for detail in found if detail["type"] != "fact_graph" or not extra
        ]
    if problems or result is None:
        raise InputFileError(problems)
    return result


def read_taxonomy(file: Path) -> Taxonomy:
    """Read a strategy taxonomy.

    Raises:
        InputFileError: with every problem of the file.
    """
    return read_yaml(file, Taxonomy)


def read_conditions(names: Iterable[str | Path]) -> tuple[Condition, ...]:
    """Read conditions: files, ids of shipped ones, or ``presets`` for the four that the literature compares.

    Raises:
        InputFileError: with every problem of every file.
        ConfideError: a name stands for no condition, or two conditions share an id.
    """
    found: list[Condition] = []
    problems: list[Problem] = []
    for file in find_conditions(names):
        try:
            found.append(read_yaml(file, Condition))
        except InputFileError as error:
            problems += error.problems
    if problems:
        raise InputFileError(problems)
    ids = [condition.id for condition in found]
    if twice := [name for name in dict.fromkeys(ids) if ids.count(name) > 1]:
        raise ConfideError(f"two conditions have the id '{twice[0]}': give one of them another")
    return tuple(found)


def read_scenario(name: str | Path) -> LoadedScenario:
    """Read a scenario and its taxonomy.

    Args:
        name: the path of a file, or the id of a shipped scenario.

    Raises:
        InputFileError: with every problem of the file, its taxonomy included.
        ConfideError: ``name`` is neither a file nor a shipped scenario.
    """
    file = find_scenario(name)
    scenario = read_yaml(file, Scenario, _fact_references)
    if scenario.strategies == "esconv":
        return LoadedScenario(file, scenario, read_taxonomy(STRATEGIES / "esconv.yaml"))
    return LoadedScenario(file, scenario, read_taxonomy(file.parent / scenario.strategies))


def read_scenarios(names: list[str]) -> list[LoadedScenario]:
    """Read several scenarios, reporting the mistakes of all of them together. ``shipped`` means all shipped ones.

    Raises:
        InputFileError: with every problem of every file.
        ConfideError: a name is unknown, or two files have one id.
    """
    loaded: list[LoadedScenario] = []
    problems: list[Problem] = []
    wanted = [each for name in names for each in (shipped_scenarios() if name == "shipped" else [name])]
    for name in wanted:
        try:
            loaded.append(read_scenario(name))
        except InputFileError as error:
            problems += error.problems
    if problems:
        raise InputFileError(problems)
    files: dict[str, Path] = {}
    for item in loaded:
        if files.setdefault(item.scenario.id, item.file) != item.file:
            raise ConfideError(
                f"{item.file}: its id '{item.scenario.id}' is also that of {files[item.scenario.id]}: change one"
            )
    return list({item.scenario.id: item for item in loaded}.values())


def _fact_references(document: YamlDocument) -> list[Problem]:
    data = document.data
    facts = {}
    for role in Role:
        side = data.get(role.value)
        entries = side.get("facts") if isinstance(side, dict) else None
        facts[role] = entries if isinstance(entries, list) else []
    return [document.problem(p.path, p.what) for p in fact_problems(facts)]


def _without_echoes(found: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a list is too short where it only seems so because something is wrong inside of it."""
    inside = {tuple(detail["loc"])[:depth] for detail in found for depth in range(len(detail["loc"]))}
    return [detail for detail in found if detail["type"] != "too_short" or tuple(detail["loc"]) not in inside]


def _explain(document: YamlDocument, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    kind = detail["type"]
    loc = _in_document(document, tuple(detail["loc"]), named=kind in ("missing", "extra_forbidden"))
    if kind == "extra_forbidden":
        fields = _fields_at(model, tuple(detail["loc"])[:-1])
        near = get_close_matches(str(loc[-1]), fields, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(fields)}"
        return document.problem(loc, f"there is no field '{loc[-1]}'; {hint}", at_key=True)
    if kind == "missing":
        return document.problem(loc, f"'{loc[-1]}' is missing", at_key=True)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        context = detail.get("ctx", {})
        field = str(context["discriminator"]).strip("'")
        if kind == "union_tag_not_found":
            return document.problem((*loc, field), f"'{field}' is missing")
        return document.problem((*loc, field), _not_one_of(str(context["tag"]), str(context["expected_tags"])))
    return document.problem(loc, _wording(kind, detail))


def _not_one_of(got: str, expected: str) -> str:
    allowed = expected.replace("'", "").replace(" or ", ", ").split(", ")
    near = get_close_matches(got, allowed, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"one of: {', '.join(allowed)}"
    return f"{_short(got)} is not allowed here; {hint}"


def _in_document(document: YamlDocument, loc: Loc, *, named: bool) -> Loc:
    """Drop the parts of pydantic's location that name a branch of a union rather than a place in the file.

    Where a field is missing or unknown, ``named``, the last part is its name.
    """
    kept: list[str | int] = []
    for index, part in enumerate(loc):
        if (*kept, part) in document.values or (named and index == len(loc) - 1):
            kept.append(part)
    return tuple(kept)


_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text (put it in quotes)",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a group of 'name: value' lines",
    "dict_type": "a group of 'name: value' lines",
}


def _wording(kind: str, detail: ErrorDetails) -> str:
    got = _short(detail["input"])
    context = detail.get("ctx", {})
    if kind in _WANTED:
        return f"expected {_WANTED[kind]}, not {got}"
    if kind in ("enum", "literal_error"):
        return _not_one_of(str(detail["input"]), str(context["expected"]))
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "less_than_equal": ("le", "at most"),
        "greater_than": ("gt", "more than"),
        "less_than": ("lt", "less than"),
    }
    if kind in bounds:
        key, words = bounds[kind]
        return f"must be {words} {context[key]:g}, not {got}"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return f"{got} has characters that are not allowed here; it must fit {context['pattern']}"
    return detail["msg"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _fields_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Names of the fields that may stand at ``loc`` under ``model``."""
    models: list[type[BaseModel]] = [model]
    for part in loc:
        if isinstance(part, str):
            fields = [m.model_fields[part].annotation for m in models if part in m.model_fields]
            tagged = [m for m in models if _has_tag(m, part)]
            models = [found for annotation in fields for found in _models_in(annotation)] or tagged or models
    return list(dict.fromkeys(name for m in models for name in m.model_fields))


def _has_tag(model: type[BaseModel], tag: str) -> bool:
    """Whether ``tag`` picks ``model`` out of a union: one of its fields allows nothing else."""
    return any(get_args(field.annotation) == (tag,) for field in model.model_fields.values())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models_in(argument)]
