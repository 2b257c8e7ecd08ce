"""Pictures of the console's pages: ``python -m tools.screens.console``.

Each page as everybody sees it who may open it, at desktop width and at a phone's, in the light and
the dark theme.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, FloatRect, Page, ViewportSize

from sync_server.admin.console import PAGES
from sync_server.bootstrap import Server
from sync_server.demo.cast import CAST, Player
from sync_server.demo.load import load_demo
from tests.browser.console import sign_in
from tests.browser.harness import Playing
from tests.live_server import LiveServer, live_server
from tools import chromium
from tools.screens.office import fill
from tools.screens.walk import LANGUAGES, kept

ROOT = Path(__file__).parents[2]
Brightness = Literal["light", "dark"]
_DESK, _PHONE = ViewportSize(width=1280, height=860), ViewportSize(width=390, height=844)
LOOKS: dict[str, tuple[ViewportSize, Brightness]] = {
    "": (_DESK, "light"),
    "-dark": (_DESK, "dark"),
    "-phone": (_PHONE, "light"),
    "-phone-dark": (_PHONE, "dark"),
}
PLAYERS = {"": "admin", "-manager": "chenjing", "-head-office": "hanxue"}
"""Who signs in, by what the names of their pictures end with."""
_ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_LINKS = "all => all.map(a => a.pathname + a.search)"


def main() -> None:
    """Leaves the pictures in docs/screens/<language>/console-<page><who><look>.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--album", type=Path, default=ROOT / "docs" / "screens")
    parser.add_argument("--pages", default=",".join(module.PAGE.name for module in PAGES))
    parser.add_argument("--looks", default="", help="suffixes of the looks, with commas")
    parser.add_argument("--players", default=",".join(PLAYERS), help="suffixes, with commas")
    parser.add_argument("--longest", type=int, default=1720, help="pixels; the rest is cut off")
    parser.add_argument("--below", type=int, default=0, help="how many pages behind each page's")
    asked = parser.parse_args()
    names = set(asked.pages.split(","))
    with (
        tempfile.TemporaryDirectory() as folder,
        live_server(Path(folder), prepare=_demo) as live,
        Playing() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium.find())
        for language, look in product(LANGUAGES, asked.looks.split(",")):
            album = asked.album / language
            shoot = partial(_shot, album, asked.longest)
            with _opened(browser, live, language, look) as page:
                page.goto("/console")
                kept(album, f"console-sign-in{look}", page.screenshot())
            for suffix in asked.players.split(","):
                with _opened(browser, live, language, look) as page:
                    player = _signed_in(page, PLAYERS[suffix])
                    for name, path in _paths(player, names):
                        shoot(page, f"console-{name}{suffix}{look}", path)
                        for number, behind in enumerate(_below(page, path, asked.below), 1):
                            shoot(page, f"console-{name}-{number}{suffix}{look}", behind)
        browser.close()


@contextmanager
def _opened(browser: Browser, live: LiveServer, language: str, look: str) -> Iterator[Page]:
    """A page of somebody who was never here."""
    size, brightness = LOOKS[look]
    page = browser.new_page(
        base_url=live.url, locale=LANGUAGES[language], viewport=size, color_scheme=brightness
    )
    yield page
    page.close()


def _signed_in(page: Page, username: str) -> Player:
    sign_in(page, "/console", username)
    return next(one for one in CAST if one.username == username)


def _paths(player: Player, names: Container[str]) -> list[tuple[str, str]]:
    """(name, path) of every page that they may open."""
    pages = (module.PAGE for module in PAGES)
    return [
        (one.name, one.path)
        for one in pages
        if one.name in names and player.role in one.roles and one.wanted is None
    ]


def _shot(album: Path, longest: int, page: Page, name: str, path: str) -> None:
    page.goto(path)
    width, height = page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
    clip = FloatRect(x=0, y=0, width=width, height=min(height, longest))
    kept(album, name, page.screenshot(full_page=True, clip=clip))
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        raise SystemExit(f"{path} is wider than its window")


def _below(page: Page, path: str, most: int) -> list[str]:
    """Pages behind this one, one of each kind: of rows alike the first. Files are none."""
    found = page.locator("main a").evaluate_all(_LINKS)
    kinds = {_ID.sub("", one.partition("?")[0]): one for one in reversed(found)}
    behind = (one for kind, one in reversed(kinds.items()) if kind.startswith(f"{path}/"))
    pages = (one for one in behind if "html" in page.request.get(one).headers["content-type"])
    return list(islice(pages, most))


def _demo(server: Server) -> None:
    load_demo(server.database, server.clock.now(), lambda *_: None)
    fill(server)


if __name__ == "__main__":
    main()
