"""The packages as trimmed and compiled for the browser still do what the app asks of them."""

from collections.abc import Callable

from tests.browser.harness import Browser, Site


def test_database_report_clock_and_router_work_in_the_browser(
    serve: Callable[[str], Site], browser_on: Callable[..., Browser]
) -> None:
    tab = browser_on("phone").visit(serve("packages").url)
    tab.wait_text("database finds 1, SQLite3")
    tab.wait_text("report of True length")
    tab.wait_text("noon is 04:00 UTC")
    tab.wait_text("packed 回访")
    tab.wait_text("route True")
    tab.wait_text("pillow None")
