"""A first visit over a phone's link: bytes and seconds until the app can be used, and until it
starts offline, against the bare app as `flet publish` lays it out.

Both are sent by the product's own `WebFiles`, compressed, over one link of 10 Mbit/s with 40 ms to
answer, into an empty browser. Usable: the reference's button answers a tap, and Huifang's sign-in
takes a letter.
"""

from __future__ import annotations

import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from bench.figures import Figure, Section
from bench.published_app import publish
from bench.starting import built, press, turn_semantics_on, type_first
from sync_server.services.web_files import WebFiles
from tests.browser.harness import Browser, Playing, Tab

RATE = 10_000_000 / 8  # bytes a second
DELAY = 0.040  # seconds from a request to its answer
_PIECE = 16 * 1024


class Link:
    """Serves one folder's web app; all answers share the rate. `sent` counts bytes of bodies."""

    def __init__(self, dist: Path, cache: Path) -> None:
        self._files = WebFiles(dist, cache)
        self._turn = threading.Lock()
        self._free_at = 0.0
        self.sent = 0
        link = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                link.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Link:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        time.sleep(DELAY)  # the modelled link: what is measured takes this time
        path = urlsplit(asked.path).path.lstrip("/")
        found = self._files.find(
            path + "index.html" if path.endswith("/") else path, gzip_taken=True
        )
        held = asked.headers.get("If-None-Match", "")
        body = found.path.read_bytes() if found and found.etag != held else b""
        asked.send_response(404 if found is None else 304 if found.etag == held else 200)
        if found is not None:
            for name, value in found.headers.items():
                asked.send_header(name, value)
            asked.send_header("ETag", found.etag)
            asked.send_header("Content-Type", found.media_type)
            if found.gzipped:
                asked.send_header("Content-Encoding", "gzip")
        asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        for start in range(0, len(body), _PIECE):
            piece = body[start : start + _PIECE]
            self._wait_for_turn(len(piece))
            asked.wfile.write(piece)

    def _wait_for_turn(self, size: int) -> None:
        with self._turn:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + size / RATE
            self.sent += size
            wait = self._free_at - now
        time.sleep(wait)  # the modelled link: no more than `RATE` for everything together


def measure(rounds: int) -> Section:
    """Visits each of the two apps `rounds` times, by turns, with a new profile each time."""
    runs: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, Playing() as playwright:
        folder = Path(name)
        apps = {"bare": publish(folder / "published"), "app": built(folder / "web")}
        for dist in apps.values():
            _compress_all(dist, folder / "packed")
        for turn in range(rounds):
            for kind, dist in apps.items():
                profile = folder / f"profile-{kind}-{turn}"
                with (
                    Link(dist, folder / "packed") as link,
                    Browser.open(playwright, profile, measured=True) as browser,
                ):
                    began = time.perf_counter()
                    tab = Tab(browser, browser.context.new_page())
                    tab.page.goto(link.url, wait_until="commit")
                    _use(tab, kind)
                    found = {"s": time.perf_counter() - began, "MB": link.sent / 1e6}
                    if kind == "app":
                        tab.wait_offline_ready()
                        found |= {"all s": time.perf_counter() - began, "all MB": link.sent / 1e6}
                for key, value in found.items():
                    runs.setdefault(f"{kind} {key}", []).append(value)
    return Section(
        "First visit, in Chromium",
        f"python -m bench --only first-visit --rounds {rounds}",
        "An empty browser, a link of 10 Mbit/s with 40 ms to each answer, gzip for both. The bare "
        "app is laid out as `flet publish --no-cdn` 1.0.5 does it, with its packages on the same "
        "server. Bytes are those of bodies as sent.",
        _figures(runs),
    )


def _figures(runs: dict[str, list[float]]) -> list[Figure]:
    def figure(name: str, unit: str, key: str, note: str = "") -> Figure:
        return Figure(name, unit, tuple(runs[key]), note)

    def ratio(unit: str) -> tuple[float, ...]:
        return tuple(a / b for a, b in zip(runs[f"app {unit}"], runs[f"bare {unit}"], strict=True))

    return [
        figure("bare app, usable", "s", "bare s"),
        figure("Huifang, sign-in usable", "s", "app s"),
        Figure("ratio of seconds", "×", ratio("s"), "pair by pair"),
        figure("bare app, sent until usable", "MB", "bare MB"),
        figure("Huifang, sent until usable", "MB", "app MB"),
        Figure("ratio of bytes", "×", ratio("MB"), "pair by pair"),
        figure("Huifang, starts offline", "s", "app all s", "the bare app never does by itself"),
        figure("Huifang, sent until it starts offline", "MB", "app all MB"),
    ]


def _use(tab: Tab, kind: str) -> None:
    if kind == "bare":
        press(tab)
        return
    turn_semantics_on(tab)
    type_first(tab, "用户名")


def _compress_all(dist: Path, cache: Path) -> None:
    """Ahead of the measurement, as a server that has been asked before has it."""
    files = WebFiles(dist, cache)
    for path in dist.rglob("*"):
        if path.is_file():
            files.find(path.relative_to(dist).as_posix(), gzip_taken=True)
