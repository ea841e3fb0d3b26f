"""Takes the pictures of the viewer that the docs show: `.venv/bin/python viewer/page/screenshots.py RUN...`."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize, sync_playwright

from confide.commands.view import LOOPBACK, listen
from confide.viewer.documents import Row
from confide.viewer.grid import Query
from confide.viewer.index import index_file, make_index
from confide.viewer.indexing import Indexer
from confide.viewer.server import ViewerServer
from confide.viewer.shown import Shown

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
SIZE: Final[ViewportSize] = {"width": 1280, "height": 860}


def main() -> None:
    """Serve the runs that are named, and take a picture of each view, in light and dark."""
    make_index(index_file())
    shown = Shown(index_file(), [Path(name) for name in sys.argv[1:]])
    Indexer(shown.index).refresh(shown.runs)
    rows = shown.rows(Query(runs=())).rows
    one = next(row for row in rows if row.condition == "partial")
    other = next(row for row in rows if row.pair_key == one.pair_key and row.condition != one.condition)
    socket = listen(0)
    server = ViewerServer(shown)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        _take(f"http://{LOOPBACK}:{socket.getsockname()[1]}/", one, other)
    finally:
        server.should_exit = True
        thread.join()


def _take(home: str, one: Row, other: Row) -> None:
    places = {
        "grid": "#/",
        "replay": f"#/talk/{one.key}?turn=7",
        "eyes": f"#/talk/{one.key}?turn=8&eyes=supporter",
        "compare": f"#/compare/{one.key}/{other.key}?turn=7",
    }
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for name, place in places.items():
                page: Page = browser.new_page(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
                page.goto(home + place)
                page.wait_for_timeout(1500)
                page.screenshot(path=IMAGES / f"{name}-{scheme}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
