"""What differs between the settings of two runs, or of two conditions. Law: what is not the same is listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from confide.agents import text_hash
from confide.scenarios import Condition
from confide.simulator import RunFolder

UNSET: Final = "-"
"""Stands where one of the two has no such setting."""
_LONG: Final = 60
_OF_THE_RUN_ITSELF: Final = ("id", "created", "command", "v")


class Setting(NamedTuple):
    """A setting that differs."""

    name: str
    """Where it stands, such as ``models.my-llama.temperature``."""
    one: str
    other: str


def run_settings(one: RunFolder, other: RunFolder) -> tuple[Setting, ...]:
    """The settings of run.json that differ: models, prompts, conditions, scenarios, seed, software.

    Texts of more than a line are given by their content address.
    """
    return _differing(_flat_record(one), _flat_record(other))


def condition_settings(one: Condition, other: Condition) -> tuple[Setting, ...]:
    """What differs between two conditions, their names apart."""
    left, right = (
        dict(_flat("", condition.model_dump(mode="json", exclude={"id", "title"}))) for condition in (one, other)
    )
    return _differing(left, right)


def _flat_record(run: RunFolder) -> dict[str, str]:
    left_out = dict.fromkeys(_OF_THE_RUN_ITSELF, True) | {"experiment": {"resolved"}}  # its text says the same
    return dict(_flat("", run.record.model_dump(mode="json", exclude=left_out)))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Settings by their path; members of lists by their ids, so that an order is no difference."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), each)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        names = [_id_of(each, index) for index, each in enumerate(value)]
        for index, each in enumerate(value):
            again = names[:index].count(names[index])  # one scenario with several personas stands there several times
            yield from _flat(f"{name}.{names[index]}{f'#{again + 1}' if again else ''}", each)
    else:
        yield name, _shown(value)


def _id_of(value: Any, index: int) -> str:
    inner = value.get("scenario", value) if isinstance(value, dict) else {}
    if not isinstance(inner, dict) or "id" not in inner:
        return str(index)
    also = [value[name] for name in ("persona", "cast") if isinstance(value.get(name), str)]
    return "+".join([str(inner["id"]), *also])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or UNSET
    text = UNSET if value is None else str(value)
    return text if len(text) <= _LONG and "\n" not in text else f"{len(text)} letters, {text_hash(text)[:8]}"


def _differing(one: dict[str, str], other: dict[str, str]) -> tuple[Setting, ...]:
    owners = [{_owner(name) for name in side} for side in (one, other)]
    found: dict[str, Setting] = {}
    for name in dict.fromkeys([*one, *other]):
        owner = _owner(name)
        there = [owner in side for side in owners]
        if not all(there):  # a scenario or a model that only one of the two has: one line, not one per field
            found[owner] = Setting(owner, *("there" if is_there else UNSET for is_there in there))
        elif one.get(name, UNSET) != other.get(name, UNSET):
            found[name] = Setting(name, one.get(name, UNSET), other.get(name, UNSET))
    return tuple(found.values())


def _owner(name: str) -> str:
    return ".".join(name.split(".")[:2])
