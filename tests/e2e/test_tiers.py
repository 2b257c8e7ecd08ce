"""A tier change from the rules' proposal through a dispute to a changed visit plan on the account
manager's phone (S0 #7, #20-#22, S1 #50-#53)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, Playwright, expect

from mobile.ui import formats
from shared.clock import from_wire, to_wire
from shared.ids import new_id
from sync_server.demo.load import ORGANISATION, ZONE
from sync_server.services import cadence_plans, policies
from sync_server.services.audit import by_itself
from sync_server.services.writing import Unit, write
from tests.browser.console import sign_in
from tests.e2e.conftest import Meet
from tests.e2e.evidence import Evidence, Row
from tests.e2e.people import SYNC_MS
from tests.live_server import LiveServer
from tools import chromium

WHY = "大单是一次性的，先看看再说。"


def test_a_tier_goes_from_proposal_through_dispute_to_a_changed_plan_on_the_phone(
    person: Meet, live: LiveServer, playwright: Playwright
) -> None:
    evidence = Evidence(live)
    customer = a_small_customer_who_buys_much(live, evidence)
    before = the_visit(evidence, customer["id"])
    assert before["every_days"] == 182 and before["channel"] == "phone"

    phone = person("wangfang")
    phone.go(f"/visits/{before['id']}")
    phone.tab.wait_text(customer["name"])
    phone.tab.wait_text("普通")
    assert phone.tab.sees("电话")

    browser = playwright.chromium.launch(executable_path=chromium.find())
    panel = browser.new_page(locale="zh-CN")
    the_panel_disputes_and_confirms(panel, live.url, customer["name"])
    browser.close()

    after = the_visit(evidence, customer["id"])
    assert after["id"] == before["id"] and after["planned_at"] != before["planned_at"]
    assert from_wire(after["due_by"]) <= datetime.now(UTC) + timedelta(days=31)
    phone.tab.wait_text("高价值", timeout_ms=SYNC_MS)  # it comes by itself
    phone.tab.wait_text("上门")
    formats.set_zone(str(ZONE))
    moved = formats.when(from_wire(after["planned_at"]), datetime.now(UTC))
    phone.tab.wait_text(moved)
    phone.go("/")
    phone.tab.wait_text("等级有变动")
    phone.go(f"/customers/{customer['id']}?show=profile")
    phone.tab.wait_text("依据政策第 2 版")


def a_small_customer_who_buys_much(live: LiveServer, evidence: Evidence) -> Row:
    """One of the lowest tier, with a visit planned by it, to whom six large orders come."""
    mine = evidence.rows("customer", owner_id=evidence.staff_id("wangfang"), tier="low")
    customer = mine[0]

    def buys(unit: Unit) -> None:
        for ago in range(6):
            row = {"id": new_id(), "customer_id": customer["id"], "number": f"新 {ago}"}
            at = to_wire(unit.now - timedelta(days=1 + ago * 20))
            unit.create("order", row | {"ordered_at": at, "total_cents": 90_000})
        for visit in unit.find("visit", customer_id=customer["id"], state="planned"):
            unit.update("visit", visit.id, {"state": "cancelled"})

    with live.opened() as office:
        now = office.clock.now()
        today = {"second_look_hours": 0}  # one person decides here, and does not wait a day
        policies.add_version(office.database, by_itself(ORGANISATION), today, None, now)
        write(office.database, ORGANISATION, now, buys)
        cadence_plans.plan_all(office.database, ORGANISATION, now)
    return customer


def the_visit(evidence: Evidence, customer_id: str) -> Row:
    """The one that the cadence has planned."""
    (planned,) = evidence.rows("visit", customer_id=customer_id, state="planned")
    return planned


def the_panel_disputes_and_confirms(page: Page, url: str, name: str) -> None:
    """The store's manager has the rules look, disputes, and comes back to it."""
    sign_in(page, f"{url}/console/tiers", "chenjing")
    page.get_by_role("button", name="立即计算").click()
    expect(page.get_by_text("项建议。")).to_be_visible()
    page.goto(f"{url}/console/tiers?state=proposed&axis=value&level=high")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text("统计期订单")).to_be_visible()
    page.locator("[name=note]").fill(WHY)
    page.get_by_role("button", name="提出争议").click()
    expect(page.get_by_text(WHY).first).to_be_visible()
    page.goto(f"{url}/console/tiers?state=disputed")
    page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="确认", exact=True).click()
    expect(page.get_by_text("将确认 1 项")).to_be_visible()
    page.get_by_role("button", name="确认 1 项").click()
    expect(page.get_by_text("已确认 1 项。")).to_be_visible()
