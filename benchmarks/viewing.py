"""What the viewer costs: filling its index, the first paint of a large run, scrubbing, the page's size, memory.

    python -m benchmarks.viewing [--talks 10000] [--many 100000]

The runs are made by the scripted model first. The page is opened in the Chromium at /usr/bin/chromium. The large one is
the first one's logs, linked under more names, which costs no disk: the index takes each for a conversation of its own.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from benchmarks.spine import Row, machine, show_rows
from confide.simulator import RunFolder
from confide.viewer.documents import Home
from confide.viewer.frame import STATIC
from confide.viewer.index import make_index
from confide.viewer.indexing import Indexer

PAINT_S: Final = 1.0
FRAMES: Final = 60.0
BUNDLE_KB: Final = 150.0
MEMORY_MB: Final = 200.0
PROGRESS: Final = Console(stderr=True, highlight=False)
_ARGS: Final = (
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run",
)  # fmt: skip
_SCRUB: Final = """async steps => {
  const frames = [];
  const slider = document.querySelector('input[type=range]');
  slider.focus();
  let last = await new Promise(requestAnimationFrame);
  for (let step = 0; step < steps; step++) {
    slider.value = String(step % Number(slider.max));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talks", type=int, default=10_000, help="conversations of the large run")
    parser.add_argument("--many", type=int, default=100_000, help="conversations of the largest one")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown too")
    args = parser.parse_args()
    start = machine()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as tool:
        folder = Path(name)
        os.environ["CONFIDE_CACHE"] = str(folder / "cache")
        browser = tool.chromium.launch(executable_path="/usr/bin/chromium", args=list(_ARGS))
        rows = [*_large(folder, browser, args.talks), *_scrubbing(folder, browser), *_many(folder, args.many)]
        browser.close()
    show_rows([*rows, _bundle()], start, markdown=args.markdown)


def _confide(*args: str) -> str:
    """Run a command; gives the last line that it printed."""
    done = subprocess.run([sys.executable, "-m", "confide", *args], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def _run(folder: Path, talks: int, turns: int) -> Path:
    PROGRESS.print(f"{talks:,} conversations of {turns} turns are made")
    each = ["--model", "scripted", "--turns", str(turns), "--runs", str(folder)]
    conditions = ["--condition", "partial", "--condition", "omniscient"] if talks > 1 else []
    return Path(_confide("run", "exam-panic", "--n", str(max(talks // 2, 1)), *conditions, *each))


class Served(NamedTuple):
    """A server."""

    url: str
    pid: int


@contextmanager
def _served(run: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "confide", "view", str(run), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        if server.stderr is None:
            raise RuntimeError("the server has no standard error")
        try:
            url = server.stderr.readline().split()[0]
            yield Served(url, server.pid)
        finally:
            server.terminate()


def _indexed(served: Served, talks: int) -> None:
    """Wait until the index is whole."""
    while True:
        with urllib.request.urlopen(f"{served.url}api/home") as answer:
            home = Home.model_validate_json(answer.read())
        if home.waiting == 0 and sum(run.begun for run in home.runs) >= talks:
            return
        time.sleep(0.5)


def _paint(browser: Browser, url: str) -> float:
    """Seconds from the request for the page until the first row of the grid is on the screen."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    since = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("[role=row][aria-rowindex='2']")
    taken = time.perf_counter() - since
    page.close()
    return taken


def _large(folder: Path, browser: Browser, talks: int) -> list[Row]:
    run = _run(folder, talks, 20)
    opened = RunFolder.open(run)
    index = folder / "index.sqlite"
    make_index(index)
    since = time.perf_counter()
    Indexer(index).refresh([opened])
    took = time.perf_counter() - since
    with _served(run) as served:
        while True:  # the first rows are there
            with urllib.request.urlopen(f"{served.url}api/home") as answer:
                if sum(run.begun for run in Home.model_validate_json(answer.read()).runs) > 0:
                    break
            time.sleep(0.05)
        cold = _paint(browser, served.url)
        _indexed(served, talks)
        warm = [_paint(browser, served.url) for _ in range(5)]
    name = f"{talks:,} conversations of 20 turns"
    return [
        Row(f"{name}: filling the index", f"{talks / took:,.0f} conversations/s"),
        Row(f"{name}: first rows on the screen, while the index is filled", f"{cold:.2f} s"),
        Row(
            f"{name}: first rows on the screen",
            f"{median(warm):.2f} s ({min(warm):.2f} to {max(warm):.2f})",
            f"under {PAINT_S:g} s",
            max(warm) < PAINT_S,
        ),
    ]


def _scrubbing(folder: Path, browser: Browser) -> list[Row]:
    run = _run(folder, 1, 200)
    rates = []
    with _served(run) as served:
        _indexed(served, 1)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(served.url)
        page.wait_for_selector("[role=row][aria-rowindex='2']")
        page.keyboard.press("Enter")
        page.wait_for_selector("input[type=range]")
        for _ in range(3):
            frames = page.evaluate(_SCRUB, 199)
            rates.append(1000 * len(frames) / sum(frames))
            slow = sum(frame > 1000 / 30 for frame in frames)
    name = "200 turns, scrubbed turn by turn"
    shown = f"{median(rates):.0f} frames/s ({min(rates):.0f} to {max(rates):.0f}), {slow} of 199 over 33 ms"
    return [Row(name, shown, f"{FRAMES:.0f} frames/s", median(rates) > FRAMES - 1)]


def _many(folder: Path, talks: int) -> list[Row]:
    run = _run(folder, min(talks, 2000), 6)
    logs = list((run / "conversations").glob("*.jsonl"))
    for number in range(len(logs), talks):
        os.link(logs[number % len(logs)], run / "conversations" / f"more-{number:06d}.jsonl")
    PROGRESS.print(f"{talks:,} conversations are read into the index")
    with _served(run) as served:
        since = time.perf_counter()
        _indexed(served, talks)
        took = time.perf_counter() - since
        queries = []
        for query in ("sort=turns&desc=1", "offset=99000&sort=condition", "q=exam", "condition=partial&q=can"):
            since = time.perf_counter()
            with urllib.request.urlopen(f"{served.url}api/rows?{query}") as answer:
                answer.read()
            queries.append(1000 * (time.perf_counter() - since))
        memory = _peak_mb(served.pid)
    name = f"{talks:,} conversations"
    asked = ", ".join(f"{query:.0f} ms" for query in queries)
    return [
        Row(f"{name}: filling the index beside the server", f"{talks / took:,.0f} conversations/s"),
        Row(f"{name}: rows sorted, far down, searched, filtered and searched", asked),
        Row(
            f"{name}: the server's memory at most", f"{memory:.0f} MB", f"under {MEMORY_MB:.0f} MB", memory < MEMORY_MB
        ),
    ]


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell a process's memory")


def _bundle() -> Row:
    sizes = [len(gzip.compress((STATIC / name).read_bytes(), 9)) / 1024 for name in ("app.js", "app.css")]
    size = sum(sizes)
    return Row("the page's script and styles, gzipped", f"{size:.0f} KB", f"under {BUNDLE_KB:.0f} KB", size < BUNDLE_KB)


if __name__ == "__main__":
    main()
