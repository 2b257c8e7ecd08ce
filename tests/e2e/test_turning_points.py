"""What changes under a running app: its version, its room on the disk, and whose customer it is."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest
from playwright.sync_api import Locator, Playwright

from mobile.pwa import builder
from mobile.pwa.wheels import DEFAULT_CACHE
from sync_server.demo.load import ORGANISATION
from sync_server.services.scopes import assign_customer
from sync_server.services.writing import Unit, write
from tests.e2e.conftest import Meet
from tests.e2e.evidence import Evidence
from tests.e2e.people import PIN, SYNC_MS, Person
from tests.e2e.pictures import photo
from tests.e2e.template import Template
from tests.e2e.vault_files import every_file, natively, unwrapped
from tests.e2e.visiting import begin_visit, keep_visit
from tests.live_server import LiveServer, live_server

NOTES = "客户想把展柜搬到窗边，下周量尺寸。"


def test_a_new_version_takes_over_when_told_to_and_finds_everything(
    playwright: Playwright,
    web: Path,
    template: Template,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = shutil.copytree(web, tmp_path / "web")
    template.lay_server(tmp_path)
    with (
        live_server(tmp_path, web=served) as live,
        template.on_today(playwright, tmp_path / "device", live, "wangfang") as person,
    ):
        person.cut_network()
        visit_id = begin_visit(person)
        person.tab.fill("记录", NOTES)
        keep_visit(person)
        person.browser.online()
        monkeypatch.setattr(builder, "DESCRIPTION", "A later version")
        later = builder.build_web_app(served, cache=DEFAULT_CACHE, progress=lambda *_: None)
        person.wait_synced()
        person.restart()
        person.go("/settings")
        person.tab.wait_text("有新版本")
        assert not person.tab.sees(later.version[:8]), "the old one runs on until told otherwise"
        with person.tab.page.expect_navigation():
            person.tab.tap("更新并重新打开")
        person.tab.wait_ready()
        person.browser.offline()
        person.restart()
        person.go("/settings")
        person.tab.wait_text(f"版本 {later.version[:8]}")
        person.go(f"/visits/{visit_id}")
        person.expect_typed("记录", NOTES)


def test_a_customer_handed_over_meanwhile_is_gone_and_the_visit_arrives_late(
    person: Meet, live: LiveServer
) -> None:
    evidence, before = Evidence(live), person("wangfang")
    vault = evidence.staff_id("wangfang")
    old_key, _ = unwrapped(before.tab.page, vault, PIN)
    before.cut_network()
    visit_id = begin_visit(before)
    customer_id = evidence.row("visit", visit_id)["customer_id"]
    name = evidence.row("customer", customer_id)["name"]
    before.tab.tap("不想定位")
    before.tab.fill("记录", NOTES)
    before.tab.tap("完成拜访")
    before.tab.tap("完成拜访", exact=True)
    before.tab.wait_text("拜访已完成")
    hand_over(live, customer_id, evidence.staff_id("liuyang"))
    before.browser.online()
    before.wait_synced()
    before.tab.wait_no_text(name)
    before.go("/sync")
    before.tab.wait_text("这项改动到得晚了")
    before.tab.wait_text("客户已由别人负责")
    visit = evidence.row("visit", visit_id)
    assert (visit["state"], visit["notes"]) == ("finished", NOTES)
    before.go("/customers")
    before.tab.wait_text("位客户")
    assert not before.tab.sees(name)

    def left(connection: apsw.Connection) -> int:
        # That they once had the customer is a record of their own, with nothing of the customer.
        about = "(customer_id = ?1 OR id = ?1) AND entity <> 'assignment'"
        query = f"SELECT count(*) FROM server_row WHERE {about}"
        return int(connection.execute(query, (customer_id,)).get)

    new_key, _ = unwrapped(before.tab.page, vault, PIN)
    assert new_key != old_key, "what the old key opened is sealed anew"
    assert natively(every_file(before.tab.page), vault, new_key, left) == 0


def test_a_full_disk_refuses_photos_keeps_the_visit_and_goes_on_when_there_is_room(
    person: Meet, live: LiveServer
) -> None:
    evidence, one = Evidence(live), person("liuyang")
    visit_id = begin_visit(one)
    one.tab.fill("记录", NOTES)
    one.tab.wait_text("草稿已存在本机")
    chrome, origin = one.tab.cdp(), {"origin": one.way.url}
    used = chrome.send("Storage.getUsageAndQuota", origin)["usage"]
    chrome.send("Storage.overrideQuotaForOrigin", {**origin, "quotaSize": used})
    # The log and the room that the browser set aside for open files still take some photos.
    taken_whole = 0
    while not one.tab.sees("没有添加"):
        one.choose_files("拍照或选择照片", *(photo(f"{taken_whole + n}.jpg") for n in range(6)))
        taken_whole += 6
        refused = one.tab.page.get_by_text("没有添加")
        all_taken = photos_of(one).nth(taken_whole - 1)
        refused.or_(all_taken).first.wait_for(state="attached", timeout=SYNC_MS)
    one.tab.wait_text("存储空间不足")
    one.tab.wait_text("已保存的内容不会丢")
    taken = photos_of(one).count()
    assert taken < taken_whole
    one.expect_typed("记录", NOTES)
    chrome.send("Storage.overrideQuotaForOrigin", origin)
    one.restart()
    one.expect_typed("记录", NOTES)
    assert photos_of(one).count() == taken
    one.choose_files("拍照或选择照片", photo("柜台.jpg"))
    one.tab.wait_text("已添加 1 张照片")
    keep_visit(one)
    one.wait_synced()
    row = evidence.row("visit", visit_id)
    assert row["notes"] == NOTES
    assert len(row["photo_ids"]) == taken + 1


def photos_of(person: Person) -> Locator:
    """The thumbnails of the visit under way."""
    return person.tab.page.get_by_role("button", name=re.compile("^照片，"))


def hand_over(live: LiveServer, customer_id: str, staff_id: str) -> None:
    """As an administrator does: the customer is somebody else's from now on."""

    def work(unit: Unit) -> None:
        assign_customer(unit, customer_id, staff_id)

    with live.opened() as server:
        write(server.database, ORGANISATION, datetime.now(UTC), work)
