"""Measure throughput, and print one table.

python -m benchmarks.throughput [--quick] [--others] [--only PART ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.spine import PROGRESS, Row, machine, show_rows
from benchmarks.throughput.arena import Arena
from benchmarks.throughput.measures import QUICK, Measures, Sizes

PARTS = ("hundred", "thousand", "conversations", "turns", "processes")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput", description="Calls per second against an endpoint that is never slow."
    )
    parser.add_argument("--quick", action="store_true", help="fewer talks; good for a look, not for a record")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts of the table")
    options = parser.parse_args()
    start, title = time.monotonic(), machine()
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        arena = Arena(Path(folder), {})
        absent = {"inspect": "no environment", "sotopia": "no environment"}
        measures = Measures(arena, QUICK if options.quick else Sizes(), absent)
        rows: list[Row] = []
        for part in options.only:
            rows += getattr(measures, part)()
    show_rows(rows, title, markdown=True)
    PROGRESS.print(f"{time.monotonic() - start:.0f} s; what the spine alone takes: python -m benchmarks.spine")


if __name__ == "__main__":
    main()
