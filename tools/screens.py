"""Takes a picture of every screen, in both languages, for docs/screens: `python -m tools.screens`.

Starts a real server with the demo organisation and goes through a day's work in Chromium, at phone
width; a few screens again in the dark theme and at desktop width. The pictures are there to be
looked at: nothing is asserted but that each screen can be reached.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Playwright

from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from sync_server.bootstrap import Server
from sync_server.demo.cast import CAST, PASSWORD
from sync_server.demo.load import load_demo
from tests.browser.harness import DESKTOP, PHONE, Browser, Playing, Tab
from tests.live_server import live_server

ROOT = Path(__file__).parent.parent
TEXTS = ROOT / "mobile" / "ui" / "texts"
PIN = "246810"
LANGUAGES = {"zh-CN": "zh-CN", "en": "en-GB"}
_PAINT_MS = 900  # an animation's length: a picture taken within it shows neither screen
_COLOURS = 96


@dataclass
class Walk:
    """One person's way through the app, in one language."""

    tab: Tab
    words: dict[str, str]
    folder: Path
    language: str
    suffix: str = ""

    def t(self, key: str, **values: Any) -> str:
        return self.words[key].format(**values)

    def tap(self, key: str, **values: Any) -> None:
        self.press(self.t(key, **values))

    def press(self, name: str | re.Pattern[str]) -> None:
        """Taps the control of that name, and lets the screen come to rest."""
        page, exact = self.tab.page, isinstance(name, str)
        found = page.get_by_role("button", name=name, exact=exact)
        for role in ("checkbox", "radio", "tab", "link", "switch"):
            found = found.or_(page.get_by_role(role, name=name, exact=exact))
        self.tab.press(found.first)
        page.wait_for_timeout(_PAINT_MS)

    def place(self, key: str) -> None:
        """To one of the places of the navigation."""
        # The bar's entries are tabs of that name; the rail's are buttons that tell their place too.
        name, page = re.compile(rf"^{re.escape(self.t(key))}(\s|$)"), self.tab.page
        entry = page.get_by_role("tab", name=name).or_(page.get_by_role("button", name=name)).first
        box = entry.bounding_box()
        assert box is not None, f"{key} is not on the screen"
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(2 * _PAINT_MS)

    def back(self) -> None:
        """As the phone's own back."""
        self.tab.page.go_back()
        self.tab.page.wait_for_timeout(_PAINT_MS)

    def fill(self, key: str, text: str, **values: Any) -> None:
        self.tab.fill(self.t(key, **values), text)

    def wait(self, key: str, **values: Any) -> None:
        self.tab.wait_text(self.t(key, **values), timeout_ms=120_000)

    def shot(self, name: str) -> None:
        """The screen as it is now, with few colours: text stays sharp and the file small."""
        self.tab.page.mouse.move(2, 400)  # nothing looks pointed at
        self.tab.page.wait_for_timeout(_PAINT_MS)
        picture = Image.open(io.BytesIO(self.tab.page.screenshot()))
        reduced = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        self.folder.mkdir(parents=True, exist_ok=True)
        reduced.save(self.folder / f"{name}{self.suffix}.png", optimize=True)
        sys.stderr.write(f"{self.folder.name}/{name}{self.suffix}\n")

    def scroll(self, pixels: int) -> None:
        """Scrolls what lies in the middle of the screen."""
        size = self.tab.page.viewport_size or {"width": 0, "height": 0}
        self.tab.page.mouse.move(size["width"] / 2, size["height"] / 2)
        self.tab.page.mouse.wheel(0, pixels)
        self.tab.page.wait_for_timeout(_PAINT_MS)

    def first_customer(self) -> str:
        """Name of the first customer in the list: rows say name, tier and when they are due."""
        told = self.t("customers.row", name="\0", tier="\1", due="\2")
        between = told.split("\0")[1].split("\1")[0]
        names = self.tab.page.get_by_role("button").all_inner_texts()
        labels = [
            n for n in names if between in n and not n.startswith(self.t("sync.state.synced"))
        ]
        return re.escape(labels[0].split(between)[0])

    def say_yes(self) -> None:
        """Answers every question of this step with yes."""
        name = re.compile(f"[：:] ?{re.escape(self.t('report.yes'))}$")
        asked = self.tab.page.get_by_role("button", name=name)
        for place in range(asked.count()):
            self.tab.press(asked.nth(place))

    def sign_in(self, username: str, *, pictures: bool = False) -> None:
        if pictures:
            self.shot("01-sign-in")
        self.fill("sign_in.username", username)
        self.fill("sign_in.password", PASSWORD)
        self.tap("sign_in.submit")
        self.wait("secret.title")
        self.fill("secret.new", PIN, digits=6)
        self.fill("secret.repeat", PIN)
        if pictures:
            self.shot("02-choose-pin")
        self.tap("secret.submit")
        name = next(player.name for player in CAST if player.username == username)
        self.tab.wait_text(name, timeout_ms=120_000)

    def unlock(self) -> None:
        self.fill("unlock.field", PIN)
        self.tap("unlock.submit")


def account_manager(walk: Walk) -> None:
    """Sign-in, Today, customers, a customer, a visit, and what stands under More."""
    walk.sign_in("wangfang", pictures=True)
    walk.shot("03-today")
    walk.place("nav.customers")
    walk.shot("04-customers")
    walk.fill("customers.search", "gs")
    walk.shot("05-search")
    walk.tap("customers.clear")
    walk.press(re.compile("^" + walk.first_customer()))
    walk.shot("06-customer-history")
    for place, part in enumerate(("profile", "contacts", "assets", "orders")):
        walk.press(re.compile(rf"^{walk.t(f'customer.show.{part}')}( \d+)?$"))
        walk.shot(f"07-customer-{place + 1}-{part}")
    walk.tap("customer.plan_visit")
    walk.shot("08-plan-visit")
    walk.back()
    walk.tap("customer.new_case")
    walk.shot("09-new-case")
    walk.back()
    walk.back()
    walk.place("nav.today")
    walk.tap("today.start.visit")
    walk.shot("10-visit-planned")
    walk.tap("visit.start")
    walk.shot("10-visit-started")
    walk.scroll(600)
    walk.shot("11-visit-more")
    walk.scroll(1200)
    walk.shot("12-visit-end")
    walk.back()
    walk.place("nav.more")
    walk.shot("50-more")
    walk.press(re.compile("^" + walk.t("nav.sync")))
    walk.shot("51-sync")
    walk.back()
    walk.press(re.compile("^" + walk.t("nav.settings")))
    walk.shot("52-settings")


def technician(walk: Walk) -> None:
    """A repair from dispatch to the sealed report; then the lock, with the network cut."""
    walk.sign_in("liqiang")
    walk.place("nav.work")
    walk.shot("20-work")
    walk.place("nav.today")
    walk.tap("today.start.repair")
    walk.shot("21-repair")
    for step in ("accepted", "en_route", "on_site"):
        walk.tap(f"repair.step.{step}")
    walk.shot("22-repair-on-site")
    walk.tap("repair.step.write")
    walk.fill("report.cause.text", FOUND[walk.language][0])
    walk.fill("field.method", FOUND[walk.language][1])
    walk.shot("23-report-diagnosis")
    for place, part in enumerate(("checklist", "parts", "photos", "handover")):
        walk.tap("action.next")
        if part in ("checklist", "handover"):
            walk.tab.page.get_by_role("button", name=walk.t("report.yes")).first.wait_for()
            walk.say_yes()
            walk.scroll(-4000)
        walk.shot(f"24-report-{place + 1}-{part}")
    walk.tap("action.next")
    walk.shot("25-report-preview")
    walk.tap("report.to_sign")
    walk.fill("field.signer_name", "芦洋")
    walk.tab.draw(walk.t("sign.pad"), [_wave(0.1), _wave(0.5)])
    walk.shot("26-sign-off")
    walk.tap("sign.do")
    walk.shot("27-sign-off-confirm")
    walk.tap("sign.confirm.do")
    walk.wait("sealed.stands")
    walk.shot("28-sealed-report")
    walk.tab.wait_offline_ready()
    walk.tab.browser.offline()
    walk.tab.reload()
    walk.shot("29-unlock")
    walk.unlock()
    walk.wait("offline.strip")
    walk.shot("30-today-offline")


def agent(walk: Walk) -> None:
    """The queue of callbacks and one call."""
    walk.sign_in("zhaomin")
    walk.place("nav.callbacks")
    walk.shot("40-callbacks")
    walk.place("nav.today")
    walk.tap("today.start.callback")
    walk.shot("41-callback")
    walk.scroll(700)
    walk.shot("42-callback-questions")
    walk.scroll(1500)
    walk.shot("43-callback-result")


def at_night(walk: Walk) -> None:
    """Today in the dark theme, at desktop width."""
    walk.sign_in("wangfang")
    walk.shot("60-today")


FOUND = {
    "zh-CN": (
        "插头内侧接线松动，后半段没有通电。",
        "重新压接端子，加热缩管固定，试运行三十分钟正常。",
    ),
    "en": (
        "A wire in the plug had come loose; the second half had no power.",
        "Crimped it anew and sleeved it. Ran for thirty minutes without fault.",
    ),
}


def _wave(left: float) -> list[tuple[float, float]]:
    return [(left + i * 0.015, 0.5 + 0.22 * math.sin(i / 2.2 + left)) for i in range(22)]


@contextmanager
def person(
    playwright: Playwright,
    url: str,
    folder: Path,
    language: str,
    album: Path,
    suffix: str = "",
    **options: Any,
) -> Iterator[Walk]:
    """Somebody with a fresh profile before the welcome."""
    profile = Path(tempfile.mkdtemp(dir=folder))
    with Browser.open(playwright, profile, locale=LANGUAGES[language], **options) as browser:
        yield Walk(browser.visit(url), words(language), album / language, language, suffix)


def words(language: str) -> dict[str, str]:
    """All texts of a language."""
    found: dict[str, str] = {}
    for file in sorted((TEXTS / language).glob("*.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Goes through the app in each language and leaves the pictures in docs/screens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--album", type=Path, default=ROOT / "docs" / "screens")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Playing() as playwright:
        folder = Path(name)
        web = folder / "web"
        build_web_app(web, cache=DEFAULT_CACHE, progress=lambda *_: None)
        for language in asked.languages.split(","):
            with live_server(folder / language, prepare=_demo, web=web) as live:
                for step, options in ROUNDS.items():
                    if asked.only and step.__name__ not in asked.only.split(","):
                        continue
                    with person(
                        playwright, live.url, folder, language, asked.album, **options
                    ) as walk:
                        try:
                            step(walk)
                        except Exception:
                            walk.shot(f"failed-{step.__name__}")
                            raise
    if not asked.only:
        montage(asked.album)


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
    sheet.quantize(_COLOURS, dither=Image.Dither.NONE).save(album / "readme.png", optimize=True)


def _demo(server: Server) -> None:
    load_demo(server.database, server.clock.now(), lambda *_: None)


ROUNDS: dict[Any, dict[str, Any]] = {
    account_manager: {"size": PHONE},
    technician: {"size": PHONE},
    agent: {"size": PHONE},
    at_night: {"size": DESKTOP, "dark": True, "suffix": "-desktop-dark"},
}

if __name__ == "__main__":
    main()
