"""One person's way through the app: tapping by the keys of the catalogues, and taking pictures."""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Locator, Playwright

from shared.wording import worded
from sync_server.demo.cast import CAST, PASSWORD
from tests.browser.harness import Browser, Tab
from tests.live_server import LiveServer
from tools.screens.slow_line import SlowLine

_ROOT = Path(__file__).parents[2]
TEXTS = (_ROOT / "shared" / "texts", _ROOT / "mobile" / "ui" / "texts")
PIN = "246810"
LANGUAGES = {"zh-CN": "zh-CN", "en": "en-GB"}
COLOURS = 96
PATIENCE_MS = 120_000
_PAINT_MS = 900  # an animation's length: a picture taken within it shows neither screen


@dataclass
class Walk:
    """One person's way through the app, in one language. `line` is what the browser's traffic
    passes through."""

    browser: Browser
    live: LiveServer
    line: SlowLine
    words: dict[str, str]
    folder: Path
    language: str
    suffix: str = ""
    _tab: Tab | None = None

    @property
    def tab(self) -> Tab:
        """The tab before them; opened, and waited for, when it is first needed."""
        if self._tab is None:
            self._tab = self.browser.visit(self.line.url)
        return self._tab

    def begin(self) -> Tab:
        """A tab without waiting for the app to start in it."""
        self._tab = self.browser.begin(self.line.url)
        return self._tab

    def t(self, key: str, **values: Any) -> str:
        return worded(self.words[key], values)

    # -- touching

    def tap(self, key: str, **values: Any) -> None:
        self.press(self.t(key, **values))

    def press(self, name: str | re.Pattern[str], place: int = 0) -> None:
        """Taps the control of that name, and lets the screen come to rest."""
        self.tab.press(self.control(name).nth(place))
        self.rest()

    def control(self, name: str | re.Pattern[str]) -> Locator:
        """Whatever can be tapped and is called so."""
        page, exact = self.tab.page, isinstance(name, str)
        found = page.get_by_role("button", name=name, exact=exact)
        for role in ("checkbox", "radio", "tab", "link", "switch"):
            found = found.or_(page.get_by_role(role, name=name, exact=exact))
        return found

    def rest(self) -> None:
        self.tab.page.wait_for_timeout(_PAINT_MS)

    def place(self, key: str) -> None:
        """To one of the places of the navigation."""
        # The bar's entries are tabs of that name; the rail's are buttons that tell their place too.
        self.press(re.compile(rf"^{re.escape(self.t(key))}(\s|$)"))
        self.rest()

    def go(self, address: str) -> None:
        """Opens a screen by its address: "/", "/sync"…"""
        self.tab.page.evaluate("address => { location.hash = `#${address}` }", address)
        self.rest()

    def back(self) -> None:
        """As the phone's own back."""
        self.tab.page.go_back()
        self.rest()

    def fill(self, key: str, text: str, **values: Any) -> None:
        self.tab.fill(self.t(key, **values), text)

    def choose_files(self, key: str, *files: FilePayload) -> None:
        """Taps what opens the file chooser, and chooses."""
        with self.tab.page.expect_file_chooser() as asked:
            self.tap(key)
        asked.value.set_files(list(files))

    def scroll(self, pixels: int) -> None:
        """Scrolls what lies in the middle of the screen."""
        size = self.tab.page.viewport_size or {"width": 0, "height": 0}
        self.tab.page.mouse.move(size["width"] / 2, size["height"] / 2)
        self.tab.page.mouse.wheel(0, pixels)
        self.rest()

    def say_yes(self) -> None:
        """Answers every question of this step with yes."""
        name = re.compile(f"[：:] ?{re.escape(self.t('report.yes'))}$")
        self.tab.page.get_by_role("button", name=name).first.wait_for()
        asked = self.tab.page.get_by_role("button", name=name)
        for place in range(asked.count()):
            self.tab.press(asked.nth(place))
        self.scroll(-4000)

    # -- looking

    def wait(self, key: str, **values: Any) -> None:
        self.tab.wait_text(self.t(key, **values), timeout_ms=PATIENCE_MS)

    def wait_chip(self, state: str) -> None:
        """Until the sync chip says so: `synced`, `waiting`, `offline`…"""
        told = re.compile("^" + re.escape(self.t(f"sync.state.{state}")))
        self.tab.page.get_by_role("button", name=told).first.wait_for(
            state="attached", timeout=PATIENCE_MS
        )

    def shot(self, name: str) -> None:
        """The screen as it is now, with few colours: text stays sharp and the file small."""
        self.tab.page.mouse.move(2, 400)  # nothing looks pointed at
        self.rest()
        self.keep(name, self.tab.page.screenshot())

    def keep(self, name: str, png: bytes) -> None:
        kept(self.folder, f"{name}{self.suffix}", png)

    def first_customer(self) -> re.Pattern[str]:
        """The first customer in the list: rows say name, tier and when they are due."""
        told = self.t("customers.row", name="\0", tier="\1", due="\2")
        between = told.split("\0")[1].split("\1")[0]
        states = tuple(self.t(f"sync.state.{word}") for word in ("synced", "waiting", "offline"))
        while True:
            names = self.tab.page.get_by_role("button").all_inner_texts()
            labels = [n for n in names if n.count(between) > 1 and not n.startswith(states)]
            if labels:
                return re.compile("^" + re.escape(labels[0].split(between)[0]))
            self.rest()  # the list is on its way

    # -- coming in

    def sign_in(self, username: str, *, pictures: bool = False) -> None:
        """From the welcome to Today, with everything fetched."""
        if pictures:
            self.shot("01-sign-in")
        self.give_name(username)
        self.wait("secret.title")
        self.choose_pin(picture=pictures)
        self.wait_today(username)

    def give_name(self, username: str) -> None:
        """Name and password; does not wait for what follows."""
        self.fill("sign_in.username", username)
        self.fill("sign_in.password", PASSWORD)
        self.tap("sign_in.submit")

    def choose_pin(self, *, picture: bool = False) -> None:
        self.fill("secret.new", PIN, digits=6)
        self.fill("secret.repeat", PIN)
        if picture:
            self.shot("02-choose-pin")
        self.tap("secret.submit")

    def wait_today(self, username: str) -> None:
        named = [player.name for player in CAST if player.username == username]
        self.tab.wait_text(named[0] if named else username, timeout_ms=PATIENCE_MS)

    def unlock(self, pin: str = PIN) -> None:
        self.fill("unlock.field", pin)
        self.tap("unlock.submit")


@contextmanager
def person(
    playwright: Playwright,
    live: LiveServer,
    folder: Path,
    album: Path,
    language: str,
    suffix: str = "",
    **options: Any,
) -> Iterator[Walk]:
    """Somebody with a fresh profile. `options` go to `Browser.open`."""
    profile = Path(tempfile.mkdtemp(dir=folder))
    with ExitStack() as open_:
        line = open_.enter_context(SlowLine(live.settings.port))
        browser = open_.enter_context(
            Browser.open(playwright, profile, locale=LANGUAGES[language], **options)
        )
        yield Walk(browser, live, line, words(language), album / language, language, suffix)


def kept(folder: Path, name: str, png: bytes) -> None:
    """Stores a picture, reduced."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    reduced = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    folder.mkdir(parents=True, exist_ok=True)
    reduced.save(folder / f"{name}.png", optimize=True)
    sys.stderr.write(f"{folder.name}/{name}\n")


def words(language: str) -> dict[str, str]:
    """All texts of a language."""
    found: dict[str, str] = {}
    for file in sorted(file for folder in TEXTS for file in (folder / language).glob("*.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found
