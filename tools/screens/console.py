"""Pictures of the console's pages: ``python -m tools.screens.console``.

Each page at desktop width, in the light and the dark theme, and at a phone's width.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Playwright, ViewportSize

from sync_server.admin.console import PAGES
from sync_server.bootstrap import Server
from sync_server.demo.cast import PASSWORD
from sync_server.demo.load import load_demo
from tests.browser.harness import Playing
from tests.live_server import LiveServer, live_server
from tools import chromium
from tools.screens.walk import LANGUAGES, kept

ROOT = Path(__file__).parents[2]
LOOKS = {
    "": (1280, 860, "light"),
    "-dark": (1280, 860, "dark"),
    "-phone": (390, 844, "light"),
}


def main() -> None:
    """Leaves the pictures in docs/screens/<language>/console-<page>.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--album", type=Path, default=ROOT / "docs" / "screens")
    names = ",".join(module.PAGE.name for module in PAGES)
    parser.add_argument("--pages", default=names)
    parser.add_argument("--looks", default="", help="suffixes of the looks, with commas")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        live_server(Path(name), prepare=_demo) as live,
        Playing() as playwright,
    ):
        browser = _launched(playwright)
        for language in LANGUAGES:
            for look in asked.looks.split(","):
                _look(browser, live, asked.album / language, language, look, asked.pages.split(","))
        browser.close()


def _launched(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium.find())


def _look(
    browser: Browser, live: LiveServer, album: Path, language: str, look: str, pages: list[str]
) -> None:
    width, height, theme = LOOKS[look]
    size = ViewportSize(width=width, height=height)
    page = browser.new_page(
        locale=LANGUAGES[language],
        viewport=size,
        color_scheme="dark" if theme == "dark" else "light",
    )
    page.goto(f"{live.url}/console")
    kept(album, f"console-sign-in{look}", page.screenshot())
    page.locator("[name=username]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{live.url}/console")
    for shown in (module.PAGE for module in PAGES if module.PAGE.name in pages):
        page.goto(f"{live.url}{shown.path}")
        kept(album, f"console-{shown.name}{look}", page.screenshot(full_page=True))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            raise SystemExit(f"{shown.path} is wider than its window")
    page.close()


def _demo(server: Server) -> None:
    load_demo(server.database, server.clock.now(), lambda *_: None)


if __name__ == "__main__":
    main()
