"""The PIN typed while the app still loads, at the splash's own field."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.harness import START_MS
from tests.e2e.conftest import Meet
from tests.e2e.people import PIN, Person

FIELD = "#splash-secret"
# Where a page keeps things, and what is there.
KEPT = """() => JSON.stringify(
    [{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])"""


# A finger on the field as soon as it is there: a word to the page from here may come when the app
# has long been drawn, and the field has given way to the app's own lock.
TAP = """
    const tap = () => {
      const field = document.getElementById("splash-secret");
      if (field?.offsetParent) field.focus();
      else requestAnimationFrame(tap);
    };
    tap();
"""


def begin(one: Person) -> None:
    """Starts the app anew, offline, and puts the cursor into the field."""
    one.browser.offline()
    page = one.tab.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.enable")
    added = devtools.send("Page.addScriptToEvaluateOnNewDocument", {"source": TAP})
    page.reload(wait_until="commit")
    expect(page.locator(FIELD)).to_be_focused(timeout=START_MS)
    devtools.send("Page.removeScriptToEvaluateOnNewDocument", added)
    devtools.detach()


def test_what_is_typed_while_the_app_loads_opens_today(manager: Person) -> None:
    begin(manager)
    page = manager.tab.page
    assert page.get_by_label("PIN 或口令").count() == 1
    page.locator(FIELD).fill(PIN)
    page.keyboard.press("Enter")
    kept = page.evaluate(KEPT)
    manager.tab.wait_ready()
    manager.wait_today()
    assert PIN not in kept + page.evaluate(KEPT)
    assert page.locator(FIELD).count() == 0


def test_whoever_is_still_typing_is_not_interrupted_by_the_lock(manager: Person) -> None:
    begin(manager)
    page = manager.tab.page
    page.locator(FIELD).press_sequentially(PIN[:3])
    page.wait_for_function(
        "() => performance.getEntriesByName('huifang-drawn').length > 0", timeout=START_MS
    )
    expect(page.locator(FIELD)).to_be_focused()
    page.locator(FIELD).press_sequentially(PIN[3:])
    page.keyboard.press("Enter")
    manager.tab.wait_ready()
    manager.wait_today()


def test_a_wrong_pin_typed_ahead_is_a_try_and_leads_to_the_lock(manager: Person) -> None:
    begin(manager)
    manager.tab.page.locator(FIELD).fill("135791")
    manager.tab.page.keyboard.press("Enter")
    manager.tab.wait_ready()
    manager.tab.wait_text("还可以试 9 次")
    manager.unlock()
    manager.wait_today()


def test_a_device_without_a_vault_is_not_asked(arrive: Meet) -> None:
    one = arrive("wangfang")
    one.tab.page.reload(wait_until="commit")
    one.tab.wait_ready()
    one.tab.wait_text("登录")
    assert one.tab.page.evaluate("localStorage.getItem('huifang-lock')") is None
