"""What ``run --profile`` tells: where the time of a run went."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from confide.simulator import RunFolder
from confide.simulator.usage import read_usage, spent


def tell_spent(run: RunFolder, since: float) -> None:
    """Print on standard error where the time went of the processes that began at ``since`` or later (seconds, 1970)."""
    usages = [usage for usage in read_usage(run) if usage.began >= since]
    found = spent(usages)
    console = Console(stderr=True, highlight=False)
    if found is None:
        console.print("nothing was run, so there is nothing to profile")
        return
    table = Table("where the time of conversations went", "share", box=None, pad_edge=False)
    for name, share, why in (
        ("waiting for models", found.model, "calls whose time is not known"),
        ("in line at an endpoint", found.limiter, "readers stood in the same lines"),
        ("waiting for readers", found.readers, ""),
        ("the disk", found.disk, ""),
        ("the rest: own work, waiting for the processor, pauses between tries", found.rest, ""),
    ):
        table.add_row(name, f"in the rest: {why}" if share is None else f"{share:.1%}")
    console.print(table)
    reading = sum(usage.reading.calls + usage.reading.hits for usage in usages)
    hits = sum(usage.speaking.hits + usage.reading.hits for usage in usages)
    calls = sum(usage.speaking.calls + usage.reading.calls for usage in usages)
    each = "unknown" if found.cpu_per_call_s is None else f"{1000 * found.cpu_per_call_s:.2f} ms per call"
    console.print(
        f"{len(usages)} process(es), {found.wall_s:.1f} s of running, {found.talk_s:.1f} s of conversations, "
        f"{found.cpu:.0%} of a core ({each}); {calls} calls, {hits} answers from the cache; {reading} for readers",
        soft_wrap=True,
    )
