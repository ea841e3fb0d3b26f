"""Chromium, for tests of the viewer's page: each tab keeps what the page says and asks for, and must stay quiet."""

from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium():
    tool = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("there is no /usr/bin/chromium")
    with tool.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """Opens tabs; at the end none of them may have said anything or asked for anything that is elsewhere."""
    made = []

    def open_tab(url, width=1280, height=900, scheme="light", **fields):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", **fields
        )
        page = context.new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: page.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (page.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: page.said.append(request.url) if is_elsewhere(request.url, url) else None)
        made.append(page)
        page.goto(url)
        return page

    yield open_tab
    said = [line for page in made for line in page.said]
    for page in made:
        page.context.close()
    assert said == []


def is_elsewhere(asked, url):
    home = url.partition("#")[0].rpartition("/")[0]
    return not asked.startswith((home, "data:"))


def grid(page):
    """The rows of the grid, once they are there."""
    page.wait_for_selector("[role=row][aria-rowindex='2']")
    return page.locator("[role=row]:not([aria-rowindex='1'])")


def serious(page):
    """What axe finds that keeps people out."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        (each["id"], [node["target"] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def fits(page):
    """Whether nothing sticks out to the side."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")
