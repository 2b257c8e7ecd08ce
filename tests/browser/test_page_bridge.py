"""What Python in its worker asks of the page, and what the page tells it.

One tab serves all these tests; each says anew what it does.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.harness import Browser, Site, Tab


@pytest.fixture(scope="module")
def tab(
    playwright: Playwright,
    built: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Tab]:
    profile = tmp_path_factory.mktemp("phone")
    with Site(built("workbench")) as site, Browser.open(playwright, profile) as browser:
        yield browser.visit(site.url)


def test_python_learns_whether_the_browser_will_keep_its_storage(tab: Tab) -> None:
    tab.tap("persist_storage")
    tab.wait_text('persist_storage said {"persisted": ')
    assert '"quota_bytes": ' in tab.all_text()


def test_python_hears_that_the_network_went_away(tab: Tab) -> None:
    tab.wait_offline_ready()
    tab.browser.offline()
    tab.wait_text('"online": false')
    tab.browser.online()
    tab.wait_text('"online": true')


def test_a_position_comes_with_its_accuracy_and_time(tab: Tab) -> None:
    tab.browser.context.grant_permissions(["geolocation"])
    tab.browser.context.set_geolocation({"latitude": 31.25, "longitude": 121.5, "accuracy": 12})
    tab.tap("position")
    tab.wait_text('position said {"accuracy_m": 12, "latitude": 31.25, "longitude": 121.5')
    assert '"taken_at_ms": ' in tab.all_text()


@pytest.mark.parametrize(
    ("call", "reason"), [("position", "PermissionDenied"), ("no_such_call", "UnknownCall")]
)
def test_a_refusal_arrives_by_name(tab: Tab, call: str, reason: str) -> None:
    tab.browser.context.clear_permissions()
    tab.tap(call)
    tab.wait_text(f"{call} said refused: {reason}")


def test_text_is_typed_and_strokes_are_drawn_by_name(tab: Tab) -> None:
    tab.fill("客户名称", "王伟 Acme")
    tab.wait_text("name 王伟 Acme")
    tab.fill("客户名称", "李娜")
    tab.wait_text("name 李娜")
    assert tab.value("客户名称") == "李娜"
    tab.draw("签名", [[(0.1, 0.1), (0.9, 0.9)], [(0.9, 0.1), (0.1, 0.9)]])
    tab.wait_no_text("0 points")


def test_a_character_that_no_font_has_is_asked_of_nobody(tab: Tab) -> None:
    """Unanswered, Flutter would ask for it again at every frame."""
    with tab.page.expect_request("**/NotoSansSC-Regular.otf"):
        tab.fill("客户名称", "🙂")
    tab.wait_text("name 🙂")
    asked = [request.url for request in tab.browser.requests if "/assets/fallback/" in request.url]
    assert asked == []
    assert tab.errors == []
