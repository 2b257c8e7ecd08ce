"""The console in Chromium: what axe finds on every page, in both languages and both brightnesses,
on a phone and on a desk; a walk by keyboard alone; and all of it without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, Playwright, expect
from sqlalchemy import insert, update

from shared import dpop
from shared.clock import to_wire
from shared.ids import derived_id, new_id
from sync_server.bootstrap import Server
from sync_server.db.accounts import DEVICE
from sync_server.db.log import CHANGE_LOG
from sync_server.services import accounts, devices
from sync_server.services.scopes import assign_customers, enrol
from sync_server.services.writing import Unit, write
from tests.browser.console import sign_in
from tests.live_server import LiveServer, live_server
from tests.server.phones import ORG, PASSWORD, STORE, found_company, staff_id

CUSTOMERS = [derived_id("console in a browser", str(n)) for n in range(3)]
PAGES = (
    "", "/users", "/users/new", f"/users/{staff_id('lin')}", "/stores", "/stores/new",
    "/assignments", "/devices", "/devices?device_state=pending", "/waiting?verdict=rejected",
    "/conflicts", "/figures", "/policy", "/policy/change", "/calendar", "/import", "/health",
    "/nothing",
)  # fmt: skip
CONFLICT = derived_id("console in a browser", "conflict")
MANAGERS = ("/waiting", f"/conflicts/{CONFLICT}", "/doubles", "/tiers", "/tiers/spread", "/churn")
"""What only a store manager sees, or sees of."""
SIZES = {"phone": (390, 844), "desk": (1440, 900)}
LOOKS = (("zh-CN", "light", "phone"), ("en-GB", "dark", "desk"))
KEYS = (
    "console|users|devices|stores|assignments|waiting|policy|calendar|import|health|field|figures?"
)
A_KEY = re.compile(rf"\b(?:{KEYS})\.[a-z_]+\b")


def prepare(server: Server) -> None:
    """A company with a device that waits, one that is behind, a refused change and a conflict."""
    found_company(server, device_approval="administrator")
    now = server.clock.now()

    def work(unit: Unit) -> None:
        for number, customer in enumerate(CUSTOMERS):
            row = {"id": customer, "name": "大客户", "origin_ref": f"K{number}", "store_id": STORE}
            unit.create("customer", row | {"phone": "021 5588 6600"})
        enrol(unit, staff_id("chen"))
        assign_customers(unit, CUSTOMERS, staff_id("lin"))
        told = {
            "id": CONFLICT, "customer_id": CUSTOMERS[0], "entity": "customer", "field": "city",
            "record_id": CUSTOMERS[0], "kept_value": "上海", "other_value": "苏州",
            "found_at": to_wire(now), "late": True,
        }  # fmt: skip
        unit.create("conflict", told)

    write(server.database, ORG, now, work)
    with server.database.write() as connection:
        for name in ("lin", "wu"):
            account = accounts.known(connection, name)
            key = dpop.b64(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
            device = devices.enrol(
                connection, org_id=ORG, staff_id=account.staff_id, device_key=key,
                name=f"{name} 的手机", platform="browser", app_version="1.0",
                approved=name == "lin", now=now,
            )  # fmt: skip
        since = to_wire(now - timedelta(days=4))
        told = {"heard_at": since, "unsent": 2, "unsent_files": 1, "unsent_since": since}
        lins = DEVICE.c.staff_id == staff_id("lin")
        connection.execute(update(DEVICE).where(lins).values(**told))
        connection.execute(
            insert(CHANGE_LOG).values(
                org_id=ORG, change_id=new_id(), seq=10**6, digest=b"", verdict="rejected",
                code="record_missing", outcome="{}", entity="contact", record_id=new_id(),
                staff_id=staff_id("lin"), device_id=device.id, received_at=to_wire(now),
                written_at=to_wire(now), body="{}",
            )
        )  # fmt: skip


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("console"), prepare=prepare) as running:
        yield running


@pytest.fixture(scope="module")
def chrome(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
    yield browser
    browser.close()


def at_desk(chrome: Browser, live: LiveServer, name: str = "gao", **options: Any) -> Page:
    """Somebody signed in, in a browser of their own."""
    context = chrome.new_context(base_url=live.url, **options)
    page = context.new_page()
    sign_in(page, "/console", name, PASSWORD)
    return page


@pytest.mark.parametrize(("locale", "brightness", "size"), LOOKS)
def test_axe_finds_nothing_on_any_page(
    chrome: Browser, live: LiveServer, locale: str, brightness: Any, size: str
) -> None:
    width, height = SIZES[size]
    look: dict[str, Any] = {
        "locale": locale, "color_scheme": brightness,
        "viewport": {"width": width, "height": height}, "bypass_csp": True,
    }  # fmt: skip
    page = at_desk(chrome, live, **look)
    menu = page.locator("nav.menu a").evaluate_all("all => all.map(a => a.pathname)")
    ours = [f"/console{path}" for path in PAGES]
    nothing_is_wrong_on(page, [*ours, *(found for found in menu if found not in ours)])
    manager = at_desk(chrome, live, "chen", **look)
    nothing_is_wrong_on(manager, [f"/console{path}" for path in MANAGERS])


def test_a_device_is_let_in_by_keyboard_alone(chrome: Browser, live: LiveServer) -> None:
    page = chrome.new_context(base_url=live.url, locale="en-GB").new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    page.goto("/console")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for text in ("gao", PASSWORD):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    tab_to(page, page.get_by_role("link", name="Devices waiting for approval"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Devices", exact=True)).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("User name begins with")).to_be_focused()
    page.keyboard.type("wu")
    page.keyboard.press("Enter")
    approve = page.get_by_role("button", name="Approve wu")
    expect(page.get_by_role("status").first).to_contain_text("1 entry")
    tab_to(page, approve)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is approved")
    assert refused == []
    page.context.close()


def test_every_action_works_without_a_script(chrome: Browser, live: LiveServer) -> None:
    page = at_desk(chrome, live, locale="en-GB", java_script_enabled=False)
    page.goto(f"/console/users/{staff_id('wu')}")
    page.get_by_role("button", name="End access").click()
    expect(page.get_by_role("status")).to_contain_text("Their access has ended.")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("They can sign in again.")
    page.goto("/console/assignments")
    page.get_by_label("Choose K0").check()
    page.get_by_label("To", exact=True).select_option(label="chen · 一号店")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("heading", name="Dry run")).to_be_visible()
    page.get_by_role("link", name="Back", exact=True).click()
    page.context.close()


def nothing_is_wrong_on(page: Page, paths: Sequence[str]) -> None:
    """Looks at each; then the browser is closed."""
    for path in paths:
        page.goto(path)
        found = Axe().run(page).response["violations"]
        told = [(path, one["id"], one["nodes"][0]["html"][:200]) for one in found]
        assert not told, told
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{path} is wider than the window"
        assert not A_KEY.search(page.locator("body").inner_text()), path
    page.context.close()


def tab_to(page: Page, aim: Any) -> None:
    """Presses Tab until the focus is there."""
    expect(aim).to_be_visible()
    for _ in range(80):
        if aim.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("no number of tabs leads there")
