"""What tables cost: ``python -m benchmarks.tables``. Time and memory of ``confide tables`` over many conversations.

Some conversations of 20 turns are run on the scripted model and read by a scripted reader; their logs are then copied
under other names until there are enough, for a table is made of what lies on the disk and not of how it came there.
Each measurement is a process of its own, so that its peak of memory is its own too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.spine import Row, machine, show_rows
from confide.simulator import RunFolder

PLAYED: Final = 100
MOST_S: Final = 60.0
MOST_MB: Final = 2000.0
MOST_GROWTH: Final = 1.5
"""Most by which the peak of memory may grow from a tenth of the conversations to all of them."""
_CHILD: Final = (
    "import resource, sys; from confide.cli import main\n"
    "try: main()\n"
    "finally:\n"
    "  spent = resource.getrusage(resource.RUSAGE_SELF)\n"
    "  sys.stderr.write(f'{spent.ru_utime + spent.ru_stime} {spent.ru_maxrss}')"
)


class Spent(NamedTuple):
    """What one command took."""

    seconds: float
    cpu_s: float
    """Processor time: on a shared machine the steadier figure."""
    megabytes: float
    """Peak of its memory."""

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.cpu_s:.1f} s of a processor), {self.megabytes:,.0f} MB"


def played(folder: Path, *, read: bool) -> RunFolder:
    """A run of :data:`PLAYED` conversations on the scripted model."""
    readers = ["--with", "strategies", "--with", "distress", "--reader", "scripted"] if read else []
    command = ["run", "exam-panic", "--model", "scripted", "--turns", "20", "--n", str(PLAYED), *readers]
    spent_by([*command, "--runs", str(folder)])
    (run,) = folder.iterdir()
    return RunFolder.open(run)


def multiplied(run: RunFolder, count: int, folder: Path) -> RunFolder:
    """A run of ``count`` conversations, copies of ``run``'s under names of their own."""
    record = run.record.model_copy(update={"id": f"{run.record.id}-{count}", "replicates": count})
    made = RunFolder.create(folder, record)
    for source in _log_folders(run.path):
        target = made.path / source.relative_to(run.path)
        (target / "live").mkdir(parents=True, exist_ok=True)
        if (source / "measure.json").is_file():
            (target / "measure.json").write_bytes((source / "measure.json").read_bytes())
        logs = [log.read_bytes() for log in sorted(source.glob("*.jsonl"))]
        for number in range(count):
            name, old = f"exam-panic.partial.{number:04d}", f"exam-panic.partial.{number % len(logs):04d}"
            (target / f"{name}.jsonl").write_bytes(logs[number % len(logs)].replace(old.encode(), name.encode()))
    return made


def _log_folders(run: Path) -> Iterator[Path]:
    yield run / "conversations"
    yield from sorted(file.parent for file in run.glob("measures/*/measure.json"))


def spent_by(arguments: list[str]) -> Spent:
    """What a command took, in a process of its own."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *arguments], check=True, text=True, capture_output=True
    )  # fmt: skip
    cpu, peak = done.stderr.split()[-2:]
    return Spent(time.perf_counter() - start, float(cpu), int(peak) / 1024)


def _measured(run: RunFolder, folder: Path, *options: str) -> Spent:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        return spent_by(["tables", str(run.path), "--out", f"{out}/tables", *options])


def rows(folder: Path, count: int) -> list[Row]:
    """Tables of many conversations, of a tenth of them, with CSV, and with readers."""
    talks = played(folder / "played", read=False)
    small = _measured(multiplied(talks, count // 10, folder / "small"), folder)
    many = multiplied(talks, count, folder / "many")
    large, with_csv = _measured(many, folder), _measured(many, folder, "--csv")
    read = multiplied(played(folder / "read", read=True), count // 10, folder / "more")
    readers = _measured(read, folder)
    growth = large.megabytes / small.megabytes
    few, all_of = f"{count // 10:,} conversations", f"{count:,} conversations"
    return [
        Row(f"{all_of} of 20 turns", str(large), f"less than {MOST_S:.0f} s", large.seconds < MOST_S),
        Row("the same, peak of memory", f"{large.megabytes:,.0f} MB", f"{MOST_MB:,.0f} MB", large.megabytes < MOST_MB),
        Row(f"{few} of 20 turns", str(small)),
        Row("peak of memory, all over a tenth", f"{growth:.2f} times", f"{MOST_GROWTH} times", growth <= MOST_GROWTH),
        Row(f"{all_of}, CSV too", str(with_csv)),
        Row(f"{few}, each read by two readers", str(readers)),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description="What tables cost.")
    parser.add_argument("--n", type=int, default=10_000, help="conversations")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    options = parser.parse_args()
    title = machine()
    with tempfile.TemporaryDirectory(prefix="confide-bench-") as folder:
        found = rows(Path(folder), options.n)
    show_rows(found, title, markdown=options.markdown)


if __name__ == "__main__":
    main()
