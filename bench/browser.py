"""The same device in Chromium: private file system, WebAssembly, one thread; and the real server
behind it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bench import field
from bench.figures import Section
from bench.native import CHANGED, COMMITS, IDLE_SYNCS, UPLOADS, figures, queries
from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from tests.browser.harness import Browser, Playing, Tab
from tests.live_server import LiveServer, live_server

_HERE = Path(__file__).parent
_ASK = """([ask, verb, args]) => new Promise((resolve) => {
  const channel = new BroadcastChannel("huifang-bench");
  channel.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.answer === ask) { channel.close(); resolve(message); }
  };
  channel.postMessage(JSON.stringify({ ask, verb, args }));
})"""


class _Phone:
    """The bench app in one tab."""

    _asked = itertools.count(1)

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        tab.wait_text("listening")

    def ask(self, verb: str, **args: Any) -> Any:
        answer = self._tab.page.evaluate(_ASK, [next(self._asked), verb, args])
        assert "value" in answer, answer.get("failed")
        return answer["value"]


def measure(rounds: int) -> Section:
    """As `native.measure`, with a fresh browser profile for each round."""
    runs: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        web = _build(folder)
        with live_server(folder, prepare=field.found, web=web) as live, Playing() as playwright:
            for turn in range(rounds):
                for person, measured in (("field", _working), ("many", _searching)):
                    profile = folder / f"profile-{turn}-{person}"
                    with Browser.open(playwright, profile, measured=True) as browser:
                        phone = _Phone(browser.visit(live.url))
                        phone.ask("enrol", url=live.url, username=person, password=field.PASSWORD)
                        for key, values in measured(phone, live, turn).items():
                            runs.setdefault(key, []).extend(values)
    return Section(
        "Sync, in Chromium",
        f"python -m bench --only browser --rounds {rounds}",
        "As above, with the client in headless Chromium on the same two cores as the server: the "
        "store in the origin-private file system, Python in WebAssembly.",
        figures(runs),
    )


def _working(phone: _Phone, live: LiveServer, turn: int) -> dict[str, list[float]]:
    first = phone.ask("first_sync")
    assert first["received"] >= field.RECORDS, first
    idle = [phone.ask("sync")["seconds"] * 1000 for _ in range(IDLE_SYNCS)]
    changed = []
    for step in range(3):
        with live.opened() as server:
            field.change(server, CHANGED, f"round {turn}.{step}")
        changed.append(phone.ask("sync")["seconds"] * 1000)
    taps = [seconds * 1000 for seconds in phone.ask("write", count=COMMITS)]
    phone.ask("sync")
    phone.ask("write", count=UPLOADS)
    upload = phone.ask("sync")
    assert upload["sent"] == UPLOADS, upload
    return {
        "first": [first["received"] / first["seconds"]],
        "first_s": [first["seconds"]],
        "up": [UPLOADS / upload["seconds"]],
        "changed": changed,
        "idle": idle,
        "tap": taps,
    }


def _searching(phone: _Phone, _live: LiveServer, _turn: int) -> dict[str, list[float]]:
    phone.ask("first_sync")
    texts = queries(phone.ask("names", count=20))
    return {"search": [seconds * 1000 for seconds in phone.ask("search", texts=texts)]}


def _build(folder: Path) -> Path:
    """The bench app with the product's own code beside it."""
    source = folder / "app"
    shutil.copytree(_HERE / "app", source)
    shutil.copy(_HERE / "device.py", source / "device.py")
    for part in ("mobile", "shared"):
        shutil.copytree(
            _HERE.parent / part,
            source / part,
            ignore=shutil.ignore_patterns("__pycache__", "assets"),
        )
    web = folder / "web"
    build_web_app(web, cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=source)
    return web
