"""What most tests begin with: a server with the demo organisation, and devices that are signed in.
Made once for all workers; a test gets copies of the server's folder and of the browsers' profiles.

A copied profile opens with its PIN as the original would. The server would notice if both went on:
the originals do not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Playwright

from sync_server.bootstrap import Server
from sync_server.demo.load import load_demo
from tests.browser.harness import copy_profile, keep_app
from tests.e2e.people import Person, at_work
from tests.e2e.way import Way
from tests.live_server import LiveServer, live_server

SIGNED_IN = ("wangfang", "liqiang", "zhaomin")
"""Whose devices are in the template: those whom more than one test needs."""

_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Template:
    """Lies in `folder`, which nobody writes to any more."""

    folder: Path

    def lay_server(self, folder: Path) -> None:
        """Where `live_server(folder)` will find it."""
        shutil.copytree(self.folder / "server", folder / "server")

    def lay_visited(self, profile: Path) -> None:
        """A new device, whose browser has kept the app's own files and nothing else."""
        copy_profile(self.folder / _NOBODY, profile)

    @contextmanager
    def on_today(
        self, playwright: Playwright, profile: Path, live: LiveServer, username: str
    ) -> Iterator[Person]:
        """`username` on Today, signed in, with everything fetched and a PIN set."""
        if username in SIGNED_IN:
            copy_profile(self.folder / username, profile)
        else:
            self.lay_visited(profile)
        with at_work(playwright, profile, live, username) as person:
            if username in SIGNED_IN:
                person.resume()
            else:
                person.enter()
            yield person


def make(playwright: Playwright, web: Path, folder: Path) -> None:
    """Fills the template's folder."""
    with live_server(folder, prepare=_load, web=web) as live:
        # By that way too, whose headers tell the browser where to report: it keeps them.
        with Way(live.url) as way:
            keep_app(playwright, folder / _NOBODY, way.address)
            assert way.breaches.empty(), way.breaches.get()
        for username in SIGNED_IN:
            copy_profile(folder / _NOBODY, folder / username)
            with at_work(playwright, folder / username, live, username) as person:
                person.enter()
            assert person.way.breaches.empty(), person.way.breaches.get()


def _load(server: Server) -> None:
    """The demo organisation, as of now."""
    load_demo(server.database, server.clock.now(), lambda *_: None)
