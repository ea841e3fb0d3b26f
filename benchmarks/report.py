"""What a report costs: ``python -m benchmarks.report``. Time and memory of ``confide report`` over many conversations.

Some conversations of 20 turns are run on the scripted model under two conditions; their logs are then copied under
other names and pair keys until there are enough, so that contrasts have as many pairs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.spine import Row, machine, show_rows
from benchmarks.tables import MOST_MB, MOST_S, Spent, spent_by
from confide.simulator import RunFolder

PLAYED: Final = 50
CONDITIONS: Final = ("partial", "omniscient")


def played(folder: Path) -> RunFolder:
    """A run of :data:`PLAYED` replicates under two conditions on the scripted model."""
    arms = [word for name in CONDITIONS for word in ("--condition", name)]
    spent_by(
        ["run", "exam-panic", "--model", "scripted", "--turns", "20", "--n", str(PLAYED), *arms, "--runs", str(folder)]
    )
    (run,) = folder.iterdir()
    return RunFolder.open(run)


def multiplied(run: RunFolder, count: int, folder: Path) -> RunFolder:
    """A run of ``count`` conversations, copies of ``run``'s with names and pair keys of their own."""
    replicates = count // len(CONDITIONS)
    record = run.record.model_copy(update={"id": f"{run.record.id}-{count}", "replicates": replicates})
    made = RunFolder.create(folder, record)
    keys = {planned.id: planned.pair_key for planned in run.planned()}
    logs = {name: run.final(name).read_bytes() for name in keys}
    for planned in made.planned():
        number = int(planned.id[-4:]) if planned.id[-4:].isdigit() else 0
        old = f"exam-panic.{planned.condition.id}.{number % PLAYED:04d}"
        data = logs[old].replace(old.encode(), planned.id.encode())
        data = data.replace(f'"{keys[old]}"'.encode(), f'"{planned.pair_key}"'.encode())
        made.final(planned.id).write_bytes(data)
    return made


def _measured(run: RunFolder, folder: Path) -> Spent:
    return spent_by(["report", str(run.path), "--out", str(folder / "report.html")])


def rows(folder: Path, count: int) -> list[Row]:
    """Reports of many conversations, and of a tenth of them."""
    talks = played(folder / "played")
    small = _measured(multiplied(talks, count // 10, folder / "small"), folder)
    large = _measured(multiplied(talks, count, folder / "many"), folder)
    size = (folder / "report.html").stat().st_size / 1024
    all_of = f"{count:,} conversations of 20 turns under two conditions"
    return [
        Row(all_of, str(large), f"less than {MOST_S:.0f} s", large.seconds < MOST_S),
        Row("the same, peak of memory", f"{large.megabytes:,.0f} MB", f"{MOST_MB:,.0f} MB", large.megabytes < MOST_MB),
        Row(f"{count // 10:,} of them", str(small)),
        Row("size of the page", f"{size:,.0f} kB"),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description="What a report costs.")
    parser.add_argument("--n", type=int, default=10_000, help="conversations")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    title = machine()
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        found = rows(Path(folder), options.n)
    show_rows(found, title, markdown=options.markdown)


if __name__ == "__main__":
    main()
