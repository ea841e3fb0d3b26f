"""Items that researchers bring: their own copy of a questionnaire whose key is shipped, and lists in IPIP's form.

Law: counts and numbers must be right, or nothing is written; texts are taken exactly as they stand.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from confide.evaluators.traits.instrument import Instrument, TraitItem, same_words
from confide.scenarios import CSI, HEXACO, InputFileError, Problem
from confide.scenarios.yamlfile import read_text, yaml_text

_NUMBERED: Final = re.compile(r"\s*([0-9]+)(?:\s*[.):]\s*|\s+)(.+)")
_LETTERS: Final[Mapping[str, str]] = dict(zip("HEXACO", HEXACO, strict=True))
"""HEXACO's factors by their letters."""
_WORDS: Final = {1: "not at all", 2: "a little", 3: "partly", 4: "well", 5: "very well"}
_SPARE: Final = ""
"""Under what a line keeps the cells that have no name."""
_FIELDS: Final = ("text", "factor", "key")


def with_items(key: Instrument, file: Path) -> Instrument:
    """A shipped key with the researcher's own copy of its items.

    Args:
        key: an instrument without texts.
        file: one item per line, in the order of the questionnaire, all of them numbered or none.

    Raises:
        InputFileError: with every line that is out of order, and if there are too many or too few.
    """
    texts: list[str] = []
    seen: dict[str, int] = {}
    problems: list[Problem] = []
    lines = [(number, line) for number, line in enumerate(read_text(file).split("\n"), start=1) if line.strip()]
    numbered = 2 * sum(bool(_NUMBERED.fullmatch(line)) for _, line in lines) > len(lines)  # an item may begin with "2"
    for number, line in lines:
        found = _NUMBERED.fullmatch(line) if numbered else None
        if numbered and (found is None or int(found[1]) != len(texts) + 1):
            what = f"expected item {len(texts) + 1} here, not {found[1] if found else 'a line without a number'}"
            problems.append(Problem(file, number, 1, "", what))
        text = (found[2] if found else line).strip()
        if (same := same_words(text)) in seen:
            problems.append(Problem(file, number, 1, "", f"item {seen[same]} has the same words"))
        texts.append(text)
        seen.setdefault(same, len(texts))
    if len(texts) != len(key.items):
        what = f"expected the {len(key.items)} items of {key.id}, one per line, and found {len(texts)}"
        problems = [Problem(file, 1, 1, "", what)]
    if problems:
        raise InputFileError(problems)
    items = [item.model_copy(update={"text": texts[int(item.id) - 1]}) for item in key.items]
    return key.model_copy(update={"items": tuple(items)})


def import_items(file: Path, name: str, per_facet: int | None, seed: int) -> Instrument:
    """An instrument from a list of items: JSON (a list, or an object with ``items``) or CSV with a header.

    Each item has ``text``, ``factor`` (a name, or HEXACO's letter) and ``key`` (1 or -1, or + and -), and may have
    ``facet`` and ``n``. Answers are on five points, as IPIP's are.

    Args:
        file: the list.
        name: the new instrument's id.
        per_facet: how many items of each facet to draw, as many of either key as there are; all if None.
        seed: of the draw.

    Raises:
        InputFileError: with every item that cannot be read.
    """
    rows = _rows(file, read_text(file))
    items: list[TraitItem] = []
    problems: list[Problem] = []
    for index, (line, row) in enumerate(rows):
        try:
            items.append(_item(row, index))
        except ValueError as error:
            problems.append(Problem(file, line, 1, f"item {row.get('n', index + 1)}", str(error)))
    if problems:
        raise InputFileError(problems)
    draw = random.Random(seed)  # noqa: S311  (a repeatable draw is the point)
    kept = items if per_facet is None else _balanced(items, per_facet, draw)
    factors = {item.factor for item in kept}
    known = next((word for word, names in (("hexaco", HEXACO), ("csi", CSI)) if factors <= set(names)), "other")
    drawn = "" if per_facet is None else f"; {per_facet} of each facet, drawn with seed {seed}"
    data = {
        "id": name,
        "title": f"{len(kept)} items from {file.name}",
        "measures": known,
        "source": f"imported from {file.name}{drawn}",
        "licence": "as the list that it was imported from",
        "form": "statements",
        "scale": _WORDS,
        "short": [item.id for item in _balanced(kept, 2, draw, by_factor=True)],
        "items": [item.model_dump(exclude_none=True) for item in kept],
    }
    try:
        return Instrument.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputFileError([Problem(file, 1, 1, where, first["msg"])]) from None


def _rows(file: Path, text: str) -> list[tuple[int, dict[str, Any]]]:
    """The items with the lines on which they stand, as far as that is known."""
    if text.lstrip()[:1] in ("[", "{"):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputFileError(
                [Problem(file, getattr(error, "lineno", 1), 1, "", f"not valid JSON: {error}")]
            ) from None
        listed = data.get("items") if isinstance(data, dict) else data
        if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
            raise InputFileError([Problem(file, 1, 1, "items", "expected a list of items, an object each")])
        return [(1, each) for each in listed]
    reader = csv.DictReader(io.StringIO(text), restkey=_SPARE)
    try:
        if reader.fieldnames is None or not set(_FIELDS) <= set(reader.fieldnames):
            what = f"neither JSON nor a table whose first line names {', '.join(_FIELDS)}"
            raise InputFileError([Problem(file, 1, 1, "", what)])
        rows = [(reader.line_num, {k: v for k, v in row.items() if v}) for row in reader]
    except csv.Error as error:
        raise InputFileError([Problem(file, reader.line_num, 1, "", f"not a table: {error}")]) from None
    if not rows:
        raise InputFileError([Problem(file, 1, 1, "", "the table holds no item")])
    return rows


def _item(row: Mapping[str, Any], index: int) -> TraitItem:
    if _SPARE in row:
        raise ValueError("more cells than the first line names: a text that holds a comma needs quotes")
    if missing := [name for name in _FIELDS if row.get(name) in (None, "")]:
        raise ValueError(f"'{missing[0]}' is missing")
    keys: dict[object, int] = {1: 1, -1: -1, "1": 1, "+1": 1, "+": 1, "-1": -1, "-": -1}
    key = row["key"]
    if isinstance(key, bool) or not isinstance(key, int | str) or key not in keys:
        raise ValueError(f"key: expected 1 or -1, not {json.dumps(key)}")
    factor = _LETTERS.get(str(row["factor"]), _name(str(row["factor"])))
    facet = _name(str(row["facet"])) if row.get("facet") else None
    fields = {"id": str(row.get("n", index + 1)), "factor": factor, "facet": facet, "key": keys[key]}
    try:
        return TraitItem.model_validate({**fields, "text": row["text"]})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def _name(words: str) -> str:
    return re.sub(r"[^a-z]+", "_", words.strip().lower()).strip("_")


def _balanced(
    items: Sequence[TraitItem], most: int, draw: random.Random, *, by_factor: bool = False
) -> list[TraitItem]:
    """Items drawn from each group, in turn one of either key while there are such; in the order of the list."""
    groups: dict[tuple[str, str | None], list[TraitItem]] = {}
    for item in items:
        groups.setdefault((item.factor, None if by_factor else item.facet), []).append(item)
    kept: set[str] = set()
    for group in groups.values():
        sides = [[item for item in group if item.key == key] for key in (1, -1)]
        for side in sides:
            draw.shuffle(side)
        kept.update(item.id for item in _in_turn(sides, most))
    return [item for item in items if item.id in kept]


def _in_turn(sides: list[list[TraitItem]], most: int) -> Iterable[TraitItem]:
    found: list[TraitItem] = []
    while len(found) < most and any(sides):
        for side in sides:
            if side and len(found) < most:
                found.append(side.pop())
    return found


def instrument_text(instrument: Instrument) -> str:
    """An instrument as YAML, as :func:`~confide.evaluators.traits.instrument.read_instrument` reads it."""
    data = instrument.model_dump(mode="json", exclude_none=True)
    data["scale"] = dict(instrument.scale)  # JSON would make words of the points
    return yaml_text(data)
