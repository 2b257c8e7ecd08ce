"""The shell around the app: it starts without a network, and asks nobody but its origin."""

from collections.abc import Callable

from tests.browser.harness import Browser, Site

Serve = Callable[[str], Site]
BrowserOn = Callable[..., Browser]


def test_the_app_starts_and_reloads_with_the_network_cut(
    serve: Serve, browser_on: BrowserOn
) -> None:
    site, browser = serve("hello"), browser_on("phone")
    tab = browser.visit(site.url)
    tab.wait_offline_ready()
    asked_while_online = len(site.requested)
    browser.offline()
    tab.reload()
    tab.tap("按下 Press")
    tab.wait_text("1")
    assert len(site.requested) == asked_while_online
    assert tab.errors == []
