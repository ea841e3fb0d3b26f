"""Tables by their row types: a NamedTuple is a table, its fields are the columns, the text under a field describes it.

Law: a table is described once. The Arrow schema, the types in pandas and the documentation are all made from its row.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Kind = Literal["name", "text", "whole number", "number", "true or false", "list", "time"]
_NAME: Final = "name"
Name = Annotated[str, _NAME]
"""A text out of a few that repeat: a factor in R, a category in pandas."""
_KINDS: Final[dict[Any, Kind]] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", datetime: "time", tuple: "list",
}  # fmt: skip


class Column(NamedTuple):
    """One column of a table."""

    name: str
    kind: Kind
    optional: bool
    """Whether a value may be missing."""
    about: str
    """What it holds."""


def columns_of(row: type[Any]) -> tuple[Column, ...]:
    """The columns of a table.

    Args:
        row: its row type, a NamedTuple with a docstring under each field.

    Raises:
        TypeError: a field has another type than those that a column can have.
    """
    hints = get_type_hints(row, include_extras=True)
    texts = _texts_under_fields(row)
    return tuple(_column(name, hint, texts[name]) for name, hint in hints.items())


def _column(name: str, hint: Any, about: str) -> Column:
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    (kept,) = (part for part in parts if part is not NoneType)
    return Column(name, _kind(kept), NoneType in parts, about)


def _kind(hint: Any) -> Kind:
    if get_origin(hint) is Annotated and _NAME in get_args(hint):
        return "name"
    found = _KINDS.get(get_origin(hint) or hint)
    if found is None:
        raise TypeError(f"no column can hold {hint}")
    return found


def _texts_under_fields(row: type[Any]) -> dict[str, str]:
    """Python keeps no docstrings of fields; they are read from the source, as pydantic does it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(row)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for field, after in pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = " ".join(str(after.value.value).split())
    return found


def arrow_schema(row: type[Any]) -> pa.Schema:
    """The Arrow schema of a table: descriptions stand in it, and the types that pandas is to read the columns as."""
    import pandas as pd  # noqa: PLC0415  (large, as pyarrow is; only who makes tables needs them)
    import pyarrow as pa  # noqa: PLC0415

    kinds = {
        "name": pa.dictionary(pa.int32(), pa.string()), "text": pa.string(), "whole number": pa.int64(),
        "number": pa.float64(), "true or false": pa.bool_(), "list": pa.list_(pa.string()),
        "time": pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    columns = columns_of(row)
    fields = [
        pa.field(column.name, kinds[column.kind], column.optional, {"description": column.about}) for column in columns
    ]
    empty = pd.DataFrame({column.name: pd.Series(dtype=pandas_type(column)) for column in columns})
    return pa.schema(fields, pa.Schema.from_pandas(empty, preserve_index=False).metadata)


def pandas_type(column: Column) -> Any:
    """The type of a column in pandas: what is missing stays missing in each of them."""
    import pandas as pd  # noqa: PLC0415

    return {
        "name": pd.CategoricalDtype(pd.Index([], dtype="object")), "text": pd.StringDtype(),
        "whole number": pd.Int64Dtype(), "number": "float64", "true or false": pd.BooleanDtype(), "list": "object",
        "time": pd.DatetimeTZDtype("us", "UTC"),
    }[column.kind]  # fmt: skip


def batch_of(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows as a batch of a table's columns."""
    import pyarrow as pa  # noqa: PLC0415

    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def frame_of(row: type[Any], batches: Sequence[pa.RecordBatch]) -> pd.DataFrame:
    """Batches as one table of pandas."""
    import pandas as pd  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    table = pa.Table.from_batches(batches, arrow_schema(row)).unify_dictionaries()
    found = {}
    for column in columns_of(row):
        values = table.column(column.name)
        if column.kind == "list":  # pyarrow would make arrays of numpy's, which compare in their own way
            found[column.name] = pd.Series(values.to_pylist(), dtype="object")
        elif column.kind in ("text", "whole number", "true or false"):
            found[column.name] = pd.Series(pandas_type(column).__from_arrow__(values))
        else:
            found[column.name] = values.to_pandas()
    return pd.DataFrame(found)


def describe(tables: dict[str, type[Any]]) -> str:
    """Tables and their columns, in Markdown."""
    parts = []
    for name, row in tables.items():
        about = inspect.cleandoc(row.__doc__ or "").replace("\n", " ")
        lines = [f"## {name}", "", about, "", "| column | type | what it holds |", "|---|---|---|"]
        for column in columns_of(row):
            kind = f"{column.kind}, or missing" if column.optional else column.kind
            lines.append(f"| `{column.name}` | {kind} | {column.about.replace('``', '`')} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
