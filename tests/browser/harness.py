"""Drives the built web app in a real Chromium, as a person would: by what controls are called.

    with Site(dist) as site, Browser.open(tmp_path / "profile") as browser:
        tab = browser.visit(site.url)
        tab.tap("保存 Save")
        browser.offline()
        tab.reload()
        tab.wait_text("已保存")

Each Browser is one profile on one device: its storage outlives the tab and the Browser object.
Flutter paints on a canvas; with its semantics on, every control has a role and a name in the page,
and that is what these calls look for. Each call waits for what it needs.
"""

import functools
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pytest
from playwright.sync_api import (
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
)
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tools import chromium

PHONE = (412, 915)
DESKTOP = (1280, 800)

# A loaded two-core machine starts Python in a browser in up to half a minute.
START_MS = 120_000
STEP_MS = 20_000

_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
# A page lives for seconds in a test: compiling what it runs a second time, to run it faster, costs
# more than it brings, and keeps the other browser waiting.
_BRIEF = ("--js-flags=--no-wasm-tier-up --no-wasm-dynamic-tiering --no-opt",)

# A browser keeps what it stores by origin: under one name, whatever the port, a profile that was
# copied finds its things again.
ORIGIN = "http://huifang.localhost"

_TAPPABLE: tuple[Literal["tab", "link", "menuitem", "checkbox", "radio", "switch", "option"], ...]
_TAPPABLE = ("tab", "link", "menuitem", "checkbox", "radio", "switch", "option")


# Some nodes of the tree are empty and lie over the whole screen: a watermark, the place where a
# slider would show its value. Flutter hit-tests every tap by itself and passes them by; so must we.
_NOTHING_THERE = "flt-semantics:empty:not([role]):not([aria-label]):not([flt-tappable])"
_LET_TAPS_THROUGH = f"{_NOTHING_THERE} {{ pointer-events: none !important }}"

# Not as an element, which the app's policy forbids.
_STYLED = """text => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""

# Where the middle of a control is, and whether a tap there would meet it.
_MEETS = """e => {
    const box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    const there = document.elementFromPoint(x, y);
    return [x, y, Boolean(there) && (e.contains(there) || there === e.parentElement)];
}"""
_MOVED = """([e, x, y]) => {
    const box = e.getBoundingClientRect();
    return box.x + box.width / 2 !== x || box.y + box.height / 2 !== y;
}"""
_SCROLL_MS = 2_000
_TAKES_KEYS = ".flt-text-editing:focus"
_CLEARINGS = 20


class Site:
    """Serves a built web app on a free port of 127.0.0.1, with the headers that the build asks for.

    `requested` are the paths asked for so far. Setting `dist` deploys another build.
    """

    def __init__(self, dist: Path) -> None:
        self.dist = dist
        self.policy = json.loads((dist / "headers.json").read_bytes())
        self.requested: list[str] = []
        handler = functools.partial(_Files, self)
        self._server = _Server(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self) -> "Site":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that leaves before it has everything is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Files(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, site: Site, *args: Any) -> None:
        self._site = site
        super().__init__(*args, directory=str(site.dist))

    def do_GET(self) -> None:
        self._site.requested.append(self.path)
        self.directory = str(self._site.dist)  # a test may deploy another build meanwhile
        super().do_GET()

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        named = self._site.policy["types"].get(Path(path).suffix)
        return str(named or super().guess_type(path))

    def end_headers(self) -> None:
        for name, value in self._site.policy["headers"].items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `Site.requested` holds what was asked for."""


def _finding(address: str | None) -> tuple[str, ...]:
    """The flag by which a browser finds `ORIGIN` at that address."""
    name = ORIGIN.removeprefix("http://")
    return (f"--host-resolver-rules=MAP {name} {address}",) if address else ()


class Browser:
    """One profile of one person's browser; what it stores stays for the next Browser there."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.requests: list[Request] = []
        context.on("request", lambda request: self.requests.append(request))

    @classmethod
    @contextmanager
    def open(
        cls,
        playwright: Playwright,
        profile: Path,
        *,
        size: tuple[int, int] = PHONE,
        locale: str = "zh-CN",
        permissions: Sequence[str] = (),
        dark: bool = False,
        measured: bool = False,
        leads_to: str | None = None,
    ) -> Iterator["Browser"]:
        """`permissions` such as ["geolocation"] are granted without a question. `measured`: just
        as people's browsers are; otherwise without what makes a short life longer. `leads_to`:
        where this browser finds `ORIGIN`, such as 127.0.0.1:8000."""
        executable = chromium.find()
        assert executable, chromium.why_missing()
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=executable,
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            timezone_id="Asia/Shanghai",
            permissions=list(permissions),
            color_scheme="dark" if dark else "light",
            reduced_motion=None if measured else "reduce",
            args=[*_FLAGS, *(() if measured else _BRIEF), *_finding(leads_to)],
        )
        try:
            yield cls(context)
        finally:
            context.close()

    def visit(self, url: str) -> "Tab":
        """A new tab on `url`; returns when the app is usable."""
        tab = self.begin(url)
        tab.wait_ready()
        return tab

    def begin(self, url: str) -> "Tab":
        """A new tab on `url`, without waiting for anything of it."""
        tab = Tab(self, self.context.new_page())
        tab.page.goto(url)
        return tab

    def close(self) -> None:
        """Closes the whole browser; a second call is harmless."""
        self.context.close()

    def offline(self) -> None:
        """Cuts the network at the browser, for pages, workers and the service worker alike."""
        self.context.set_offline(True)

    def online(self) -> None:
        self.context.set_offline(False)

    def origins(self) -> set[str]:
        """Every origin that anything in this browser asked for something."""
        asked = (request.url for request in self.requests)
        return {"/".join(url.split("/")[:3]) for url in asked if url.startswith("http")}


def keep_app(playwright: Playwright, profile: Path, address: str) -> None:
    """A profile whose browser has been at `ORIGIN`, at that address, and has kept the app's own
    files. Tests of anything later than a first visit begin with copies of it."""
    with Browser.open(playwright, profile, leads_to=address) as browser:
        browser.visit(ORIGIN).wait_offline_ready()


def copy_profile(kept: Path, profile: Path) -> None:
    """Another profile with the same content: the same device, to whatever runs in it."""
    running = shutil.ignore_patterns("Singleton*")  # sockets and locks of a running browser
    shutil.copytree(kept, profile, ignore=running)


class Tab:
    """One tab, seen by the names of its controls."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self.browser = browser
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(STEP_MS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} [{message.location.get('url', '')}]")

    # -- starting and ending

    def wait_ready(self) -> None:
        """Until the app's own first frame is on the screen, with semantics on."""
        try:
            self.page.wait_for_selector("html[data-huifang]", state="attached", timeout=START_MS)
        except PlaywrightTimeout:
            raise AssertionError(f"the app did not start; console errors: {self.errors}") from None
        state = self.state()
        assert state == "ready", f"the app says {state!r}: {self.splash_text()}"
        self._turn_semantics_on()

    def _turn_semantics_on(self) -> None:
        # A field that has the cursor by now would get a second node in the page, which takes the
        # keys from then on and hands them to nobody.
        self.page.evaluate("document.activeElement.blur()")
        # Flutter offers a hidden button that switches the tree on; it is gone once that is done.
        self.page.evaluate("document.querySelector('flt-semantics-placeholder')?.click()")
        self.page.wait_for_selector("flt-semantics", state="attached")
        self.page.evaluate(_STYLED, _LET_TAPS_THROUGH)

    def state(self) -> str:
        """`ready`, the splash's question (`elsewhere`, `taken`, `failed`, `outdated`), or ''."""
        return str(self.page.evaluate("document.documentElement.dataset.huifang ?? ''"))

    def splash_text(self) -> str:
        return str(self.page.evaluate("document.getElementById('splash')?.innerText ?? ''"))

    def wait_state(self, state: str) -> None:
        found = f"html[data-huifang={state}]"
        self.page.wait_for_selector(found, state="attached", timeout=START_MS)

    def answer_splash(self) -> None:
        """Presses the one button of the splash's question."""
        self.page.locator("#splash-action").click()

    def wait_offline_ready(self) -> None:
        """Until the service worker has stored the shell, so that a reload needs no network."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    def reload(self) -> None:
        """Reloads, and returns when the app is usable again."""
        self.page.reload()
        self.wait_ready()

    def kill(self) -> None:
        """Ends the tab's process at once, as a phone's system does: no unload, no goodbye."""
        with pytest.raises(PlaywrightError, match="crash"):
            self.page.goto("chrome://crash")
        self.page.close()

    def cdp(self) -> CDPSession:
        return self.browser.context.new_cdp_session(self.page)

    # -- finding and touching

    def button(self, name: str, *, exact: bool = False) -> Locator:
        """Whatever can be tapped under that name: button, tab, link, menu item, check box…"""
        found = self.page.get_by_role("button", name=name, exact=exact)
        for role in _TAPPABLE:
            found = found.or_(self.page.get_by_role(role, name=name, exact=exact))
        return found.first

    def tap(self, name: str, *, exact: bool = False) -> None:
        """Taps the control of that name, scrolled into view."""
        self.press(self.button(name, exact=exact))

    def press(self, target: Locator) -> None:
        """Taps a control that was found some other way, scrolled into view."""
        self.bring(target)
        target.click()

    def bring(self, target: Locator) -> None:
        """Scrolls with the wheel until a tap on the target's middle would meet it.

        Scrolling its node in the page moves the tree alone: right after a tap, Flutter follows
        only half a second later, and the next tap would meet what it still shows there.
        """
        target.wait_for(state="attached", timeout=STEP_MS)
        size = self.page.viewport_size
        assert size is not None, "a browser is opened with a viewport"
        while True:
            x, y, meets = target.evaluate(_MEETS)
            if meets:
                return
            across = not 0 < x < size["width"]
            middle = size["width"] / 2, y if across else size["height"] / 2
            self.page.mouse.move(*middle)
            self.page.mouse.wheel(x - middle[0] if across else 0, y - middle[1])
            try:
                place = [target.element_handle(), x, y]
                self.page.wait_for_function(_MOVED, arg=place, timeout=_SCROLL_MS)
            except PlaywrightTimeout:
                return  # it stays where it is: whatever covers it has to go first

    def enter(self, label: str) -> None:
        """Puts the cursor into the text field of that label, where it takes keys."""
        field = self.page.get_by_role("textbox", name=label).first
        self.press(field)
        # Flutter makes the page's field when it takes the tap: keys before that go nowhere. A field
        # that had the cursor before the tree was there keeps the tap for its node, which hands keys
        # to nobody: it lets go, and is tapped again.
        self.page.locator("input:focus, textarea:focus").first.wait_for(state="attached")
        try:
            self.page.locator(_TAKES_KEYS).first.wait_for(state="attached", timeout=_SCROLL_MS)
        except PlaywrightTimeout:
            self.page.evaluate("document.activeElement.blur()")
            self.press(field)
            self.page.locator("input:focus, textarea:focus").first.wait_for(state="attached")

    def fill(self, label: str, text: str) -> None:
        """Replaces the content of the text field of that label, key by key as Flutter needs it."""
        self.enter(label)
        # A moment after the tap Flutter puts the cursor where it was, and then nothing is selected.
        for _ in range(_CLEARINGS):
            self.page.keyboard.press("Control+A")
            self.page.keyboard.press("Delete")
            if not self.page.evaluate("document.activeElement.value"):
                break
        self.page.keyboard.type(text, delay=5)

    def value(self, label: str) -> str:
        """What the text field of that label holds."""
        return self.page.get_by_role("textbox", name=label).first.input_value()

    def draw(self, name: str, strokes: Sequence[Sequence[tuple[float, float]]]) -> None:
        """Draws on the control of that name; points are shares (0–1) of its width and height."""
        pad = self.text(name)
        self.bring(pad)
        box = pad.bounding_box()
        assert box, f"{name!r} has no place on the screen"
        mouse = self.page.mouse
        for stroke in strokes:
            points = [
                (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke
            ]
            mouse.move(*points[0])
            mouse.down()
            for point in points[1:]:
                mouse.move(*point, steps=4)
            mouse.up()

    # -- looking

    def text(self, text: str) -> Locator:
        """Any node that shows or is named `text`: Flutter puts both in its semantics tree."""
        return self.page.get_by_text(text).or_(self.page.get_by_label(text)).first

    def wait_text(self, text: str, *, timeout_ms: int = STEP_MS) -> None:
        try:
            self.text(text).wait_for(state="attached", timeout=timeout_ms)
        except PlaywrightTimeout:
            raise AssertionError(f"{text!r} did not come; there is: {self.all_text()}") from None

    def wait_no_text(self, text: str, *, timeout_ms: int = STEP_MS) -> None:
        expect(self.page.get_by_text(text)).to_have_count(0, timeout=timeout_ms)

    def sees(self, text: str) -> bool:
        """Whether it is there right now; does not wait."""
        return self.page.get_by_text(text).count() + self.page.get_by_label(text).count() > 0

    def all_text(self) -> str:
        """Everything the semantics tree says, for failure messages."""
        return str(self.page.locator("flt-semantics-host").inner_text())

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path))

    def milliseconds_to_ready(self) -> float:
        """From the page's navigation to its first own frame."""
        mark = "performance.getEntriesByName('huifang-ready')[0].startTime"
        return float(self.page.evaluate(mark))

    def installability_errors(self) -> list[str]:
        answer = self.cdp().send("Page.getInstallabilityErrors")
        return [error["errorId"] for error in answer["installabilityErrors"]]


class Playing:
    """Playwright for a `with`; apart so that conftest and benchmarks start it alike."""

    def __enter__(self) -> Playwright:
        from playwright.sync_api import sync_playwright

        self._manager = sync_playwright()
        return self._manager.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._manager.__exit__(kind, error, trace)
