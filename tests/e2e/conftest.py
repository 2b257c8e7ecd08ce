"""What the suite stands on: the web app built once, one Playwright, servers with the demo
organisation, and people at their devices, most of which are copies (`tests.e2e.template`).

Without a Chromium the whole folder is skipped (tests/conftest.py says why).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from tests.browser.harness import Playing
from tests.e2e.day import Day, a_day
from tests.e2e.people import Person, at_work
from tests.e2e.template import Template, make
from tests.live_server import LiveServer, live_server
from tests.once import made_once

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


@pytest.fixture(scope="package")
def template(
    playwright: Playwright, web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Template:
    """Servers and devices to copy; nobody writes to them."""
    made = made_once(tmp_path_factory, "signed-in", lambda folder: make(playwright, web, folder))
    return Template(made)


@pytest.fixture(scope="module")
def live(
    template: Template, web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server with the demo organisation, shared by a module's tests."""
    folder = tmp_path_factory.mktemp("live")
    template.lay_server(folder)
    with live_server(folder, web=web) as running:
        yield running


@pytest.fixture
def arrive(
    playwright: Playwright, live: LiveServer, template: Template, tmp_path: Path
) -> Iterator[Meet]:
    """`arrive("wangfang")` → that person before the welcome, on a new device."""
    with ExitStack() as devices:

        def come(username: str) -> Person:
            template.lay_visited(tmp_path / username)
            return devices.enter_context(at_work(playwright, tmp_path / username, live, username))

        yield come


@pytest.fixture
def person(
    playwright: Playwright, live: LiveServer, template: Template, tmp_path: Path
) -> Iterator[Meet]:
    """`person("wangfang")` → signed in, with everything fetched and a PIN set, on Today."""
    with ExitStack() as devices:

        def ready(username: str) -> Person:
            profile = tmp_path / username
            return devices.enter_context(template.on_today(playwright, profile, live, username))

        yield ready


@pytest.fixture(scope="module")
def device(
    playwright: Playwright,
    live: LiveServer,
    template: Template,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Person]:
    """The account manager's device, set up once."""
    profile = tmp_path_factory.mktemp("device") / "profile"
    with template.on_today(playwright, profile, live, "wangfang") as person:
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
    playwright: Playwright, web: Path, template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Day]:
    """The working day of `tests.e2e.day`, lived through once."""
    folder = tmp_path_factory.mktemp("day")
    template.lay_server(folder)
    with (
        live_server(folder, web=web) as running,
        a_day(playwright, template, running, folder) as lived,
    ):
        yield lived
