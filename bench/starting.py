"""From a reload with the network cut to a usable Today, against a bare Flet web app of one button
as `flet publish` lays it out (bench/published_app.py).

Both are started by turns, in the same run and the same kind of profile. *Usable* is what a person
can use: the reference's button answers a tap; the app's PIN field takes a digit, and Today shows
its agenda. The digits are typed at a quick thumb's pace; that time is shown apart and is nobody's
wait: *start* is from the tap on the icon to the first digit, and from the last to Today.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from bench.figures import Figure, Section
from bench.published_app import BUTTON, PRESSED, SERVICE_WORKER, publish
from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from sync_server.bootstrap import Server
from sync_server.demo.cast import PASSWORD
from sync_server.demo.load import load_demo
from tests.browser.harness import START_MS, Browser, Playing, Site, Tab
from tests.live_server import live_server

PIN = "246810"
DIGIT_MS = 150  # between two digits
_GOAL = 0.6

# Marks of the page and of Python's worker, in ms since the page's navigation began.
_MARKS = """() => performance.getEntriesByType("mark").map(
    mark => [mark.name, performance.timeOrigin + mark.startTime])"""
_TYPED = "() => document.activeElement.value?.length ?? 0"
_ORIGIN = "() => performance.timeOrigin"


def measure(rounds: int) -> Section:
    """Starts each of the two apps `rounds` times, by turns."""
    runs: dict[str, list[float]] = {}
    marks: list[Mapping[str, float]] = []
    with tempfile.TemporaryDirectory() as name, Playing() as playwright:
        folder = Path(name)
        with (
            Site(publish(folder / "published")) as site,
            live_server(folder, prepare=demo, web=built(folder / "web")) as live,
            Browser.open(playwright, folder / "bare-profile", measured=True) as bare_browser,
            Browser.open(playwright, folder / "profile", measured=True) as browser,
        ):
            bare = bare_browser.begin(site.url)
            press(bare)
            keep_offline(bare)
            app = browser.visit(live.url)
            enter(app)
            app.wait_offline_ready()
            bare_browser.offline()
            browser.offline()
            for turn in range(rounds + 1):
                found = {"bare": _start_bare(bare)} | _start(app)
                found["ratio"] = found["start"] / found["bare"]
                found["all ratio"] = found["all"] / found["bare"]
                if turn:  # the first one fills the browser's caches of compiled code
                    marks.append(read_marks(app))
                    for key, value in found.items():
                        runs.setdefault(key, []).append(value)
    return Section(
        "Start, offline, in Chromium",
        f"python -m bench --only start --rounds {rounds}",
        "Reload with the network cut, the two apps by turns. The bare app is laid out as "
        "`flet publish --no-cdn` 1.0.5 does it, behind a plain service worker that keeps all of "
        "its files; it is usable when its button has answered a tap. Huifang is at Today when its "
        f"list is drawn; the PIN is typed at {DIGIT_MS} ms a digit.",
        _figures(runs, marks),
    )


def _figures(runs: Mapping[str, list[float]], marks: list[Mapping[str, float]]) -> list[Figure]:
    def figure(key: str, name: str, note: str = "", unit: str = "s") -> Figure:
        return Figure(name, unit, tuple(runs[key]), note)

    goal = f"pair by pair; at most {_GOAL} wanted"
    return [
        figure("bare", "bare app of one button, usable", "as `flet publish` lays it out"),
        figure("pin", "Huifang, PIN field takes a digit"),
        figure("today", "Huifang, from the last digit to Today"),
        figure("start", "Huifang, start: the two above together"),
        figure("ratio", "start, ratio to the bare app", goal, "×"),
        figure("typing", "typing the PIN, apart", "a digit each 150 ms; the app loads meanwhile"),
        figure("all", "all of it, typing included"),
        figure("all ratio", "all of it, ratio to the bare app", "pair by pair", "×"),
        *_breakdown(marks),
    ]


def _breakdown(marks: list[Mapping[str, float]]) -> list[Figure]:
    """When each step of the start was reached, in the order of their medians."""
    names = set.intersection(*(set(found) for found in marks)) if marks else set()
    steps = [
        Figure(f"– reached: {name}", "s", tuple(found[name] / 1000 for found in marks))
        for name in names
    ]
    return sorted(steps, key=lambda figure: statistics.median(figure.runs))


def read_marks(tab: Tab) -> dict[str, float]:
    """The marks that the page and its worker made (`huifang-…`), in ms since navigation."""
    began = float(tab.page.evaluate(_ORIGIN))
    found: list[Any] = tab.page.evaluate(_MARKS)
    for worker in tab.page.workers:
        found += worker.evaluate(_MARKS)
    return {
        name.removeprefix("huifang-"): at - began
        for name, at in found
        if name.startswith("huifang-")
    }


def press(bare: Tab) -> None:
    """Until the reference's button has answered a tap."""
    turn_semantics_on(bare)
    bare.button(BUTTON).wait_for(timeout=START_MS)
    bare.button(BUTTON).click()
    bare.button(PRESSED).wait_for(timeout=START_MS)


def turn_semantics_on(tab: Tab) -> None:
    """As soon as Flutter offers it, while Python still loads: for both apps alike."""
    placeholder = "flt-semantics-placeholder"
    tab.page.wait_for_selector(placeholder, state="attached", timeout=START_MS)
    tab.page.evaluate(f"document.querySelector('{placeholder}').click()")


def keep_offline(bare: Tab) -> None:
    """Gives the reference its service worker, and two starts to keep what it asks for."""
    bare.page.evaluate(
        f"navigator.serviceWorker.register('{SERVICE_WORKER}')"
        ".then(() => navigator.serviceWorker.ready).then(() => true)"
    )
    for _ in range(2):
        bare.page.reload()
        press(bare)


def _start_bare(bare: Tab) -> float:
    began = perf_counter()
    bare.page.reload(wait_until="commit")
    press(bare)
    return perf_counter() - began


def _start(app: Tab) -> dict[str, float]:
    began = perf_counter()
    app.page.reload(wait_until="commit")
    field = app.page.locator("#splash-secret")
    field.click(timeout=START_MS)
    app.page.keyboard.type(PIN[0])
    assert field.input_value() == PIN[0], "the field took no digit"
    taken = perf_counter()
    for digit in PIN[1:]:
        app.page.wait_for_timeout(DIGIT_MS)
        app.page.keyboard.type(digit)
    typed = perf_counter()
    app.page.keyboard.press("Enter")
    turn_semantics_on(app)
    app.wait_text("王芳，")
    app.wait_state("ready")  # uncovered, too
    today = perf_counter()
    waits = {"pin": taken - began, "today": today - typed}
    return waits | {"start": sum(waits.values()), "typing": typed - taken, "all": today - began}


def type_first(app: Tab, label: str) -> None:
    """One digit, as soon as the field takes it: a key pressed too early is pressed again."""
    page = app.page
    field = page.get_by_role("textbox", name=label).first
    field.wait_for(timeout=START_MS)
    field.click(timeout=START_MS)
    while not page.evaluate(_TYPED):
        page.keyboard.type(PIN[0])
        with contextlib.suppress(PlaywrightTimeout):
            page.wait_for_function(_TYPED, timeout=DIGIT_MS)
    for _ in range(page.evaluate(_TYPED) - 1):
        page.keyboard.press("Backspace")


def enter(app: Tab) -> None:
    """Signs in, chooses the PIN and waits for Today."""
    app.fill("用户名", "wangfang")
    app.fill("密码", PASSWORD)
    app.tap("登录", exact=True)
    app.wait_text("设置解锁密码")
    app.fill("至少 6 位数字，或一句口令", PIN)
    app.fill("再输入一次", PIN)
    app.tap("设置并继续")
    app.wait_text("王芳，")


def demo(server: Server) -> None:
    """The demo organisation."""
    load_demo(server.database, server.clock.now(), lambda *_: None)


def built(dist: Path) -> Path:
    """Huifang, as shipped."""
    build_web_app(dist, cache=DEFAULT_CACHE, progress=lambda *_: None)
    return dist
