"""Tables as files, and as pandas.

Laws: a folder of tables appears whole or not at all; rows are written as they are made, so that memory does not grow
with the runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from confide.evaluators.tabular.answers import JOINED
from confide.evaluators.tabular.columns import arrow_schema, batch_of, columns_of, frame_of
from confide.evaluators.tabular.reading import open_runs, rows_of
from confide.evaluators.tabular.rows import TABLES, Row
from confide.scenarios import ConfideError
from confide.simulator import RunFolder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

AT_ONCE: Final = 20_000
"""Rows that are held before they are written."""


class _Writes(Protocol):
    """Takes batches of a table."""

    def write_batch(self, batch: Any) -> None:
        """Write a batch."""
        ...


def tables(run: str | Path | RunFolder | Sequence[str | Path], table: str) -> pd.DataFrame:
    """One table of a run, or of several runs stacked, as pandas; docs/tables.md describes the columns.

    Args:
        run: the run's folder; or several.
        table: ``conversations``, ``turns``, ``measures``, ``facts`` or ``calls``.

    Returns:
        Texts as ``string``, whole numbers as ``Int64``, truth as ``boolean``, what repeats as ``category``: what is
        missing is NA in each of them, and NaN among numbers.

    Raises:
        ConfideError: there is no such table, or no such run, or a log is damaged.
    """
    if table not in TABLES:
        raise ConfideError(f"there is no table '{table}'; one of: {', '.join(TABLES)}")
    runs = [run] if isinstance(run, RunFolder) else open_runs([run] if isinstance(run, str | Path) else run)
    return frame_of(TABLES[table], [batch for _, batch in _batches(runs, [table])])


def _batches(runs: Sequence[RunFolder], wanted: Collection[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The tables' rows, some thousands at a time."""
    schemas = {name: arrow_schema(TABLES[name]) for name in wanted}
    held: dict[str, list[Row]] = {name: [] for name in wanted}
    for run in runs:
        for name, rows in rows_of(run, wanted):
            if name in held:
                held[name] += rows
                if len(held[name]) >= AT_ONCE:
                    yield name, batch_of(schemas[name], held[name])
                    held[name] = []
    for name, left in held.items():
        if left:
            yield name, batch_of(schemas[name], left)


def write_tables(runs: Sequence[RunFolder], out: Path, *, csv: bool = False) -> dict[str, int]:
    """Write all tables of some runs into a folder.

    Args:
        runs: the runs, of different ids; see :func:`open_runs`.
        out: the folder; it must not be there yet, or be empty.
        csv: whether to write CSV files too.

    Returns:
        How many rows each table has.

    Raises:
        ConfideError: the folder holds something, or cannot be written; or a log is damaged.
    """
    counts = dict.fromkeys(TABLES, 0)
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ConfideError(f"{out} is there already, and is no empty folder: give another name")
        with _draft_of(out) as draft, ExitStack() as files:
            writers = {name: [*_writers(name, draft, files, csv=csv)] for name in TABLES}
            for name, batch in _batches(runs, TABLES):
                counts[name] += batch.num_rows
                for writer in writers[name]:
                    writer.write_batch(batch)
    except OSError as error:
        raise ConfideError(f"cannot write {out}: {error.strerror or error}") from None
    return counts


@contextmanager
def _draft_of(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that becomes ``out`` when all is well, and is gone when it is not."""
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.absolute().parent) as folder:
        draft = Path(folder) / "tables"  # not the folder itself: that is readable for its owner alone
        draft.mkdir()
        yield draft
        draft.rename(out)


def _writers(name: str, folder: Path, files: ExitStack, *, csv: bool) -> Iterator[_Writes]:
    from pyarrow import parquet  # noqa: PLC0415  (large; only who makes tables needs it)

    schema = arrow_schema(TABLES[name])
    yield files.enter_context(parquet.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd"))
    if csv:
        yield files.enter_context(_CsvFile(name, folder / f"{name}.csv"))


class _CsvFile:
    """A CSV file: lists are joined by " + ", and what is missing is nothing, while an empty text is ``""``."""

    def __init__(self, name: str, path: Path) -> None:
        """Begin the file with its head."""
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import csv  # noqa: PLC0415

        self._lists = [column.name for column in columns_of(TABLES[name]) if column.kind == "list"]
        fields = [pa.field(f.name, pa.string()) if f.name in self._lists else f for f in arrow_schema(TABLES[name])]
        self._schema = pa.schema(fields)
        self._writer = csv.CSVWriter(path, self._schema)

    def __enter__(self) -> _CsvFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import compute  # noqa: PLC0415

        arrays = [
            compute.binary_join(batch.column(field.name), JOINED) if field.name in self._lists
            else batch.column(field.name)
            for field in self._schema
        ]  # fmt: skip
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
