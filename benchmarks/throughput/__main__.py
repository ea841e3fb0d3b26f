"""Measure throughput, and print one table.

python -m benchmarks.throughput [--quick] [--others] [--only PART ...]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.spine import PROGRESS, Row, machine, show_rows
from benchmarks.throughput import environments
from benchmarks.throughput.arena import Arena, UnavailableError
from benchmarks.throughput.measures import QUICK, Measures, Sizes

PARTS = ("hundred", "thousand", "conversations", "turns", "processes")
OTHERS = {"inspect": environments.inspect, "sotopia": environments.sotopia}
"""Contenders that live in environments of their own."""


def _others(without: list[str]) -> tuple[dict[str, Path], dict[str, str]]:
    """The Pythons of others, and who cannot take part, with the reason."""
    pythons: dict[str, Path] = {}
    absent = dict.fromkeys(without, "left out")
    for name in [name for name in OTHERS if name not in absent]:
        PROGRESS.print(f"environment of {name}")
        try:
            pythons[name] = OTHERS[name]()
        except UnavailableError as error:
            absent[name] = str(error)
    return pythons, absent


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput", description="Calls per second against an endpoint that is never slow."
    )
    parser.add_argument("--quick", action="store_true", help="fewer talks; good for a look, not for a record")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts of the table")
    parser.add_argument(
        "--without", choices=OTHERS, nargs="*", default=[], help="packages to leave out, which else are installed once"
    )
    options = parser.parse_args()
    start, title = time.monotonic(), machine()
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        others, absent = _others(without=options.without)
        arena = Arena(Path(folder), others)
        measures = Measures(arena, QUICK if options.quick else Sizes(), absent)
        rows: list[Row] = []
        for part in options.only:
            rows += getattr(measures, part)()
    show_rows(rows, title, markdown=True)
    PROGRESS.print(f"{time.monotonic() - start:.0f} s; what the spine alone takes: python -m benchmarks.spine")


if __name__ == "__main__":
    main()
