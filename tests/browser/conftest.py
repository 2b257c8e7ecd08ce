"""What every browser test gets: Playwright, built apps served, and profiles to open them in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from tests.browser.harness import Browser, Playing, Site, copy_profile, keep_app
from tests.once import made_once

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Ends with the module: while it runs, no other event loop can start in this process."""
    with Playing() as playing:
        yield playing


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`built("hello")` → the folder of the web app built from tests/browser/apps/hello."""
    done: dict[str, Path] = {}

    def build(app: str) -> Path:
        if app not in done:
            dist = tmp_path_factory.mktemp(app) / "web"
            build_web_app(dist, cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=APPS / app)
            done[app] = dist
        return done[app]

    return build


@pytest.fixture
def serve(built: Callable[[str], Path]) -> Iterator[Callable[[str], Site]]:
    """`serve("hello")` → that app on a port of its own, for the length of the test."""
    with ExitStack() as open_sites:
        yield lambda app: open_sites.enter_context(Site(built(app)))


@pytest.fixture
def browser_on(playwright: Playwright, tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    """`browser_on("phone")` → a browser on that profile; the same name again is the same device."""
    with ExitStack() as open_browsers:

        def launch(profile: str, **options: Any) -> Browser:
            return open_browsers.enter_context(
                Browser.open(playwright, tmp_path / profile, **options)
            )

        yield launch


@pytest.fixture
def returning(
    playwright: Playwright,
    built: Callable[[str], Path],
    serve: Callable[[str], Site],
    browser_on: Callable[..., Browser],
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> Callable[[str], Browser]:
    """`returning("hello")` → a browser that has been at `ORIGIN` before, with that app there, and
    has kept the app's own files. Its profile is "phone"."""

    def come(app: str) -> Browser:
        def visit(profile: Path) -> None:
            with Site(built(app)) as site:
                keep_app(playwright, profile, site.address)

        copy_profile(made_once(tmp_path_factory, f"visited-{app}", visit), tmp_path / "phone")
        return browser_on("phone", leads_to=serve(app).address)

    return come
