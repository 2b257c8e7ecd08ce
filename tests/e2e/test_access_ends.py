"""A callback agent's access runs out while the page is open and offline, and a store manager gives
an hour more (S3 #151)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import apsw
from playwright.sync_api import Playwright, expect

from shared.clock import to_wire
from sync_server.demo.load import ORGANISATION
from sync_server.services import receipts
from sync_server.services.writing import Unit, write
from tests.browser.console import sign_in
from tests.e2e.conftest import Meet
from tests.e2e.evidence import Evidence, Row
from tests.e2e.people import PIN, SYNC_MS
from tests.e2e.vault_files import every_file, natively, unwrapped
from tests.live_server import LiveServer
from tools import chromium

NOTES = "客户在开会，说好半小时后再打。"
REASON = "客户请我半小时后再打，窗口快到了。"
LEFT = timedelta(seconds=60)
"""Of access, when the server shortens it: time to hear of it, to lose the network and to type."""


def shorten(live: LiveServer, grants: list[Row]) -> datetime:
    """The office ends these soon; when."""
    end = datetime.now(UTC) + LEFT

    def work(unit: Unit) -> None:
        for grant in grants:
            unit.update("grant", grant["id"], {"expires_at": to_wire(end)})

    with live.opened() as server:
        write(server.database, ORGANISATION, datetime.now(UTC), work)
    return end


def left(connection: apsw.Connection, customer_id: str) -> int:
    """Rows of the customer, and drafts, in a vault. That it was once theirs, and what they ask, is
    a record of the reader's own, with nothing of the customer."""
    about = "(customer_id = ?1 OR id = ?1) AND entity NOT IN ('assignment', 'access_request')"
    rows = connection.execute(f"SELECT count(*) FROM server_row WHERE {about}", (customer_id,)).get
    pending = "SELECT count(*) FROM pending_row WHERE entity = 'callback'"
    return int(rows + connection.execute(pending).get
               + connection.execute("SELECT count(*) FROM draft").get)  # fmt: skip


def test_a_window_that_ends_offline_takes_the_call_away_and_an_hour_more_brings_it_back(
    person: Meet, live: LiveServer, playwright: Playwright
) -> None:
    evidence, agent = Evidence(live), person("zhaomin")
    vault = evidence.staff_id("zhaomin")
    agent.tab.tap("开始回访")
    agent.tab.wait_text("回访结果")
    call = evidence.row("callback", agent.record_id())
    customer = evidence.row("customer", call["customer_id"])
    case = call.get("case_id")
    bucket = f"case:{case}" if case else f"customer:{customer['id']}"
    held = evidence.rows("grant", staff_id=vault, bucket=bucket)
    agent.tab.wait_text(customer["name"])
    old_key, _ = unwrapped(agent.tab.page, vault, PIN)

    end = shorten(live, held)
    agent.tab.wait_text("还剩不到 1 分钟", timeout_ms=SYNC_MS)
    agent.cut_network()
    agent.tab.fill("通话记录", NOTES)
    agent.tab.wait_text("草稿已存在本机")
    assert agent.tab.sees(customer["name"])
    agent.tab.wait_no_text(customer["name"], timeout_ms=SYNC_MS)
    gone_after = datetime.now(UTC) - end
    print(f"the call was gone {gone_after.total_seconds():+.2f} s after its end")  # noqa: T201 - measured, not asserted
    agent.tab.wait_text("查看时间已结束")
    assert not agent.tab.sees(NOTES)
    agent.wait_chip(r"离线，[1-9]\d* 项待上传")
    _until_rekeyed(agent.tab.page, vault, old_key)
    new_key, _ = unwrapped(agent.tab.page, vault, PIN)
    files = every_file(agent.tab.page)
    assert natively(files, vault, new_key, lambda db: left(db, customer["id"])) == 0

    agent.browser.online()
    agent.wait_synced()
    assert evidence.row("callback", call["id"])["notes"] == NOTES
    with live.opened() as server:
        waited_for = receipts.outstanding(server.database, ORGANISATION, datetime.now(UTC))
    assert not {one.grant_id for one in waited_for} & {grant["id"] for grant in held}
    agent.restart()
    agent.go(f"/callbacks/{call['id']}")
    agent.tab.wait_text("查看时间已结束")
    assert not agent.tab.sees(customer["name"]) and not agent.tab.sees(NOTES)

    agent.tab.tap("申请延长")
    agent.tab.tap("1 小时", exact=True)
    agent.tab.fill("原因", REASON)
    agent.tab.tap("提出申请")
    agent.wait_synced()
    give_an_hour(playwright, live, customer["id"])
    agent.go(f"/callbacks/{call['id']}")
    agent.tab.wait_text(customer["name"], timeout_ms=SYNC_MS)
    agent.expect_typed("通话记录", NOTES)


def give_an_hour(playwright: Playwright, live: LiveServer, customer_id: str) -> None:
    """The store manager reads at the console who asks and why, and gives an hour more."""
    browser = playwright.chromium.launch(executable_path=chromium.find())
    page = browser.new_page(locale="zh-CN")
    sign_in(page, f"{live.url}/console/grants", "chenjing")
    expect(page.get_by_text(REASON)).to_be_visible()
    page.goto(f"{live.url}/console/grants?customer={customer_id}")
    ended = page.get_by_role("table", name="最近七天内结束")
    ended.get_by_role("button", name="再给一小时").first.click()
    expect(page.get_by_text("可查看到")).to_be_visible()
    browser.close()


def _until_rekeyed(page: object, vault: str, old_key: bytes) -> None:
    """The new key follows the deletion in the same breath; looking takes a moment, too."""
    deadline = time.monotonic() + 60
    while unwrapped(page, vault, PIN)[0] == old_key:  # type: ignore[arg-type]  # a Page
        assert time.monotonic() < deadline, "the vault kept its key"
