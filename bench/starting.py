"""From a reload with the network cut to a usable Today, against a bare Flet web app of one button.

Both are built by the same builder and started in turn, in the same run and the same kind of
profile. The app's time is taken twice: to the screen that asks for the PIN, and from the PIN to
Today with its agenda.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter

from bench.figures import Figure, Section
from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from sync_server.bootstrap import Server
from sync_server.demo.cast import PASSWORD
from sync_server.demo.load import load_demo
from tests.browser.harness import Browser, Playing, Site, Tab
from tests.live_server import live_server

PIN = "246810"
_BARE = """import flet as ft


def main(page: ft.Page) -> None:
    page.add(ft.Button("按我 Press me"))


ft.run(main)
"""


def measure(rounds: int) -> Section:
    """Starts each of the two apps `rounds` times, by turns."""
    bare: list[float] = []
    lock: list[float] = []
    today: list[float] = []
    with tempfile.TemporaryDirectory() as name, Playing() as playwright:
        folder = Path(name)
        (folder / "bare").mkdir()
        (folder / "bare" / "main.py").write_text(_BARE, encoding="utf-8")
        plain = _built(folder / "bare-web", folder / "bare")
        web = _built(folder / "web", None)
        with (
            Site(plain) as site,
            live_server(folder, prepare=_demo, web=web) as live,
            Browser.open(playwright, folder / "bare-profile") as bare_browser,
            Browser.open(playwright, folder / "profile") as browser,
        ):
            button = bare_browser.visit(site.url)
            button.wait_offline_ready()
            app = browser.visit(live.url)
            _enter(app)
            app.wait_offline_ready()
            bare_browser.offline()
            browser.offline()
            for _ in range(rounds):
                bare.append(_reload(button))
                lock.append(_reload(app))
                began = perf_counter()
                app.fill("PIN 或口令", PIN)
                app.tap("解锁", exact=True)
                app.wait_text("王芳，")
                today.append(perf_counter() - began)
    return Section(
        "Start, offline, in Chromium",
        f"python -m bench --only start --rounds {rounds}",
        "Reload with the network cut, both apps built by the same builder and started by turns.",
        [
            Figure("bare app of one button, usable", "s", tuple(bare)),
            Figure("Huifang, PIN can be typed", "s", tuple(lock)),
            Figure(
                "Huifang, from the PIN's first digit to Today", "s", tuple(today), "typing included"
            ),
            Figure(
                "ratio to the bare app",
                "×",
                tuple(a / b for a, b in zip(lock, bare, strict=True)),
                "first screen, pair by pair",
            ),
        ],
    )


def _reload(tab: Tab) -> float:
    began = perf_counter()
    tab.reload()
    return perf_counter() - began


def _enter(app: Tab) -> None:
    app.fill("用户名", "wangfang")
    app.fill("密码", PASSWORD)
    app.tap("登录", exact=True)
    app.wait_text("设置解锁密码")
    app.fill("至少 6 位数字，或一句口令", PIN)
    app.fill("再输入一次", PIN)
    app.tap("设置并继续")
    app.wait_text("王芳，")


def _demo(server: Server) -> None:
    load_demo(server.database, server.clock.now(), lambda *_: None)


def _built(dist: Path, app_dir: Path | None) -> Path:
    build_web_app(dist, cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=app_dir)
    return dist
