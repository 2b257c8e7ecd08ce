"""What the suite stands on: the web app built once, one Playwright, servers with the demo
organisation, and people at their devices.

Without a Chromium the whole folder is skipped (tests/conftest.py says why).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from sync_server.bootstrap import Server
from sync_server.demo.load import load_demo
from tests.browser.harness import Playing
from tests.e2e.day import Day, a_day
from tests.e2e.people import Person, at_work
from tests.live_server import LiveServer, live_server

Meet = Callable[..., Person]


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app as it is now, built: a folder to serve."""
    dist = tmp_path_factory.mktemp("huifang") / "web"
    build_web_app(dist, cache=DEFAULT_CACHE, progress=lambda *_: None)
    return dist


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Ends with the folder: while it runs, no other event loop can start in this process."""
    with Playing() as playing:
        yield playing


def load(server: Server) -> None:
    """The demo organisation, as of now."""
    load_demo(server.database, server.clock.now(), lambda *_: None)


@pytest.fixture(scope="module")
def live(web: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with the demo organisation, shared by a module's tests."""
    with live_server(tmp_path_factory.mktemp("live"), prepare=load, web=web) as running:
        yield running


@pytest.fixture
def arrive(playwright: Playwright, live: LiveServer, tmp_path: Path) -> Iterator[Meet]:
    """`arrive("wangfang")` → that person before the welcome, on a new device."""
    with ExitStack() as devices:

        def come(username: str, **options: Any) -> Person:
            return devices.enter_context(
                at_work(playwright, tmp_path / username, live, username, **options)
            )

        yield come


@pytest.fixture
def person(arrive: Meet) -> Meet:
    """`person("wangfang")` → signed in, with everything fetched and a PIN set, on Today."""

    def ready(username: str, **options: Any) -> Person:
        one = arrive(username, **options)
        one.enter()
        return one

    return ready


@pytest.fixture(scope="module")
def device(
    playwright: Playwright, live: LiveServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Person]:
    """The account manager's device, set up once."""
    folder = tmp_path_factory.mktemp("device")
    with at_work(playwright, folder, live, "wangfang") as person:
        person.enter()
        yield person


@pytest.fixture
def manager(device: Person) -> Iterator[Person]:
    """The account manager on Today, online and in step; whatever a test does ends so again."""
    device.go("/")
    device.wait_today()
    device.wait_synced()
    yield device
    device.browser.online()
    device.wait_synced()


@pytest.fixture(scope="module")
def day(
    playwright: Playwright, web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Day]:
    """The working day of `tests.e2e.day`, lived through once."""
    folder = tmp_path_factory.mktemp("day")
    with (
        live_server(folder, prepare=load, web=web) as running,
        a_day(playwright, running, folder) as lived,
    ):
        yield lived
