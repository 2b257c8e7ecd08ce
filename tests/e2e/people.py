"""People at their devices: each a browser profile, its tab, and its own way to the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Locator, Playwright, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from sync_server.demo.cast import CAST, PASSWORD
from tests.browser.harness import Browser, Tab
from tests.e2e.way import Way
from tests.live_server import LiveServer

PIN = "246810"
# The first sync of a demo user takes a second or two; two shared cores may make a minute of it.
SYNC_MS = 120_000

_CHIP = re.compile(r"，(\d+) 项待上传，")


@dataclass
class Person:
    """Somebody of the demo organisation at work. `tab` is what they have before them now."""

    username: str
    browser: Browser
    way: Way
    tab: Tab

    @property
    def name(self) -> str:
        return next(player.name for player in CAST if player.username == self.username)

    def sign_in(self) -> None:
        """From the welcome to the choice of a PIN."""
        self.tab.fill("用户名", self.username)
        self.tab.fill("密码", PASSWORD)
        self.tab.tap("登录", exact=True)
        self.tab.wait_text("设置解锁密码", timeout_ms=SYNC_MS)

    def choose_pin(self) -> None:
        """Sets the PIN; the first sync begins."""
        self.tab.fill("至少 6 位数字，或一句口令", PIN)
        self.tab.fill("再输入一次", PIN)
        self.tab.tap("设置并继续")

    def enter(self) -> None:
        """From the welcome to Today, with everything fetched."""
        self.sign_in()
        self.choose_pin()
        self.settle()

    def settle(self) -> None:
        """Until Today is there, everything is fetched, and the app would start offline."""
        self.wait_today()
        self.wait_synced()
        self.tab.wait_offline_ready()

    def wait_today(self) -> None:
        self.tab.wait_text(f"{self.name}，", timeout_ms=SYNC_MS)

    # -- starting anew

    def unlock(self, pin: str = PIN) -> None:
        """At the lock; does not wait for what follows."""
        self.tab.fill("PIN 或口令", pin)
        self.tab.tap("解锁", exact=True)

    def restart(self) -> None:
        """Reloads the page and unlocks: the app goes on at the screen where it was."""
        self.tab.reload()
        self.unlock()
        self._chip.wait_for(state="attached", timeout=SYNC_MS)

    def resume(self) -> None:
        """From the lock to Today, in step with what the server has now."""
        asked = "/v1/sync/pull"
        events = self.browser.context
        with events.expect_event(
            "response", lambda reply: reply.url.endswith(asked), timeout=SYNC_MS
        ):
            self.unlock()
        self.settle()

    def reopen(self) -> None:
        """A new tab, where none is left, unlocked: Today."""
        self.tab = self.browser.visit(self.way.url)
        self.unlock()
        self.wait_today()

    def go(self, address: str) -> None:
        """Opens a screen by its address: "/", "/sync"…"""
        self.tab.page.evaluate("address => { location.hash = `#${address}` }", address)

    # -- the network, and how things stand with the server

    def cut_network(self) -> None:
        """At the browser: no page, worker or service worker of it reaches anything."""
        self.browser.offline()
        self.wait_chip("离线")

    @property
    def _chip(self) -> Locator:
        return self.tab.page.get_by_role("button", name=_CHIP).first

    def wait_chip(self, state: str) -> None:
        """Until the chip begins so: 已同步, 待上传, 同步中, 离线 or 同步受阻."""
        chip = self.tab.page.get_by_role("button", name=re.compile(f"^{state}，"))
        try:
            chip.first.wait_for(state="attached", timeout=SYNC_MS)
        except PlaywrightTimeout:
            last = [(one.method, one.path, one.status) for one in self.way.heard[-8:]]
            raise AssertionError(
                f"{self.username}: the chip is not {state!r}; there is: {self.tab.all_text()};"
                f" last heard: {last}; console errors: {self.tab.errors}"
            ) from None

    def waiting(self) -> int:
        """How many items the chip says are not on the server yet."""
        said = _CHIP.search(self._chip.inner_text())
        assert said is not None  # it was found by that pattern
        return int(said[1])

    def wait_synced(self) -> None:
        """Until the chip says that all is on the server and nothing waits."""
        self.wait_chip("已同步，0 项待上传")

    # -- touching

    def choose_files(self, name: str, *files: FilePayload | Path, place: int = 0) -> None:
        """Taps what opens the file chooser (the `place`-th of that name) and chooses."""
        opener = self.tab.page.get_by_role("button", name=name).nth(place)
        with self.tab.page.expect_file_chooser() as asked:
            self.tab.press(opener)
        asked.value.set_files(list(files))  # type: ignore[arg-type]  # all of one kind or the other

    def answer_all(self, text: str) -> int:
        """Answers every question of the screen with `text`; how many there were."""
        choices = self.tab.page.get_by_role("button", name=re.compile(f"：{text}$"))
        count = choices.count()
        for place in range(count):
            self.tab.press(choices.nth(place))
        return count

    def expect_typed(self, label: str, text: str) -> None:
        """Puts the cursor into the field of that label, and waits until `text` is what it holds:
        Flutter hands the page a field's content only while one writes in it."""
        self.tab.enter(label)
        expect(self.tab.page.locator(".flt-text-editing:focus")).to_have_value(text)

    def pick_day(self, name: str, day: date) -> None:
        """In the calendar that opens from the field of that name."""
        self.tab.tap(name)
        self.tab.wait_text("确定")
        said = f"{day.year}年{day.month}月{day.day}日"
        if not self.tab.sees(f"{day.year}年{day.month}月"):
            self.tab.tap("下个月")
        self.tab.tap(said)
        self.tab.tap("确定")
        self.tab.wait_no_text("确定")

    def record_id(self) -> str:
        """Id of the record whose screen is open, from the address."""
        found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", self.tab.page.url)
        assert found, f"{self.tab.page.url} names no record"
        return found[0]


@contextmanager
def at_work(
    playwright: Playwright, profile: Path, live: LiveServer, username: str, **options: Any
) -> Iterator[Person]:
    """`username` on a device of their own, before the welcome. `options` go to `Browser.open`."""
    with (
        Way(live.url) as way,
        Browser.open(playwright, profile, leads_to=way.address, **options) as browser,
    ):
        yield Person(username, browser, way, browser.visit(way.url))
