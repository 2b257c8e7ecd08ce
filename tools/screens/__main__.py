"""The command: which languages, which rounds, and where the pictures go."""

from __future__ import annotations

import argparse
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Playwright

from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from sync_server.bootstrap import Server
from sync_server.demo.load import load_demo
from tests.browser.harness import Playing
from tests.live_server import live_server
from tools.screens.rounds import ROUNDS, Round
from tools.screens.walk import COLOURS, LANGUAGES, Walk, person

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Goes through the app in each language and leaves the pictures in docs/screens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--album", type=Path, default=ROOT / "docs" / "screens")
    parser.add_argument("--only", default="", help="names of rounds, with commas")
    parser.add_argument("--web", type=Path, help="a built web app, if there is one already")
    asked = parser.parse_args()
    names = asked.only.split(",") if asked.only else list(ROUNDS)
    with tempfile.TemporaryDirectory() as name, Playing() as playwright:
        folder = Path(name)
        web = asked.web or folder / "web"
        if asked.web is None:
            build_web_app(web, cache=DEFAULT_CACHE, progress=lambda *_: None)
        for language in asked.languages.split(","):
            _language(playwright, web, folder, asked.album, language, names)
    if not asked.only:
        montage(asked.album)


def _language(
    playwright: Playwright,
    web: Path,
    folder: Path,
    album: Path,
    language: str,
    names: Sequence[str],
) -> None:
    """Rounds that change what others would see get a server of their own."""
    shared = [name for name in names if not ROUNDS[name].alone]
    groups = [shared] * bool(shared) + [[name] for name in names if ROUNDS[name].alone]
    for place, group in enumerate(groups):
        where = folder / f"{language}-{place}"
        with live_server(where, prepare=_demo, web=web) as live:
            for name in group:
                one = ROUNDS[name]
                with person(playwright, live, where, album, language, **one.options) as walk:
                    _take(one, walk)


def _take(one: Round, walk: Walk) -> None:
    try:
        one.go(walk)
    except Exception:
        # The other rounds go on; the picture shows where this one lost its way.
        traceback.print_exc()
        walk.shot(f"failed-{one.go.__name__}")


def montage(album: Path) -> None:
    """The README's picture: three screens of the technician's day, side by side."""
    shown = ("30-today-offline", "26-sign-off", "28-sealed-report")
    pictures = [Image.open(album / "zh-CN" / f"{name}.png").convert("RGB") for name in shown]
    gap = 24
    width = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(picture.height for picture in pictures)), "white")
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width + gap
    sheet.quantize(COLOURS, dither=Image.Dither.NONE).save(album / "readme.png", optimize=True)


def _demo(server: Server) -> None:
    load_demo(server.database, server.clock.now(), lambda *_: None)


if __name__ == "__main__":
    main()
