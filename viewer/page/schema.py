"""Prints the JSON Schema of the documents that the page gets, of which its types are made."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic.json_schema import models_json_schema

from confide.scenarios.schema import Frozen
from confide.viewer import documents


def bare(node: Any) -> Any:
    """A schema without titles, and without words beside references, which would make a second type of each."""
    if isinstance(node, list):
        return [bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    return {name: bare(value) for name, value in node.items() if not (name == "title" and isinstance(value, str))}


def schema() -> dict[str, Any]:
    """One schema with all documents in it."""
    models = [each for each in vars(documents).values() if isinstance(each, type) and issubclass(each, Frozen)]
    _, made = models_json_schema([(model, "serialization") for model in models if model is not Frozen])
    parts = {name: bare(part) for name, part in made["$defs"].items()}
    names = sorted(parts)
    every = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    return {"$defs": parts, "type": "object", "properties": every, "required": names, "additionalProperties": False}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema()))
