"""Days on which something is wrong: the person is told what and what to do, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Meet
from tests.e2e.evidence import Evidence
from tests.e2e.people import PIN, Person
from tests.e2e.pictures import photo
from tests.e2e.visiting import begin_visit, keep_visit
from tests.live_server import LiveServer

WRONG_PIN = "135791"
NOTES = "展柜的灯带要换成暖光，店长催得急。"


@pytest.fixture
def evidence(live: LiveServer) -> Evidence:
    return Evidence(live)


def test_a_wrong_pin_says_how_many_tries_are_left_and_the_right_one_gives_them_back(
    manager: Person,
) -> None:
    manager.tab.reload()
    manager.unlock(WRONG_PIN)
    manager.tab.wait_text("PIN 或口令不对")
    manager.tab.wait_text("还可以试 9 次")
    manager.unlock(WRONG_PIN)
    manager.tab.wait_text("还可以试 8 次")
    manager.unlock(PIN)
    manager.wait_today()
    manager.tab.reload()
    assert not manager.tab.sees("还可以试")
    manager.unlock(WRONG_PIN)
    manager.tab.wait_text("还可以试 9 次")
    manager.unlock(PIN)
    manager.wait_today()


def test_a_server_that_answers_500_is_told_of_and_tried_again_and_nothing_is_lost(
    manager: Person, evidence: Evidence
) -> None:
    with manager.way.answering("/v1/", 500) as fault:
        visit_id = begin_visit(manager)
        manager.wait_chip("同步受阻")
        assert fault.met > 0 and manager.waiting() > 0
        manager.go("/sync")
        manager.tab.wait_text("服务器出错了")
        manager.tab.wait_text("可以继续工作")
        manager.restart()
        assert manager.waiting() > 0
        assert evidence.row("visit", visit_id)["state"] == "planned"
    manager.wait_synced()
    assert evidence.row("visit", visit_id)["state"] == "started"


def test_a_first_sync_cut_mid_page_says_so_and_goes_on_where_it_stopped(
    arrive: Meet, evidence: Evidence
) -> None:
    person = arrive("liuyang")
    person.sign_in()
    with person.way.cutting("/v1/sync/snapshot", 0.5, spared=1):
        person.choose_pin()
        person.tab.wait_text("还没有收完")
        person.tab.wait_text("应用会从断开处继续")
    (whole,) = person.way.said("/v1/sync/snapshot")
    assert json.loads(whole.sent)["after"] is None
    person.tab.tap("重试")
    person.settle()
    second = json.loads(person.way.said("/v1/sync/snapshot")[1].sent)
    assert second["after"], "what had arrived was not asked for again"
    person.go("/customers")
    mine = evidence.rows("customer", owner_id=evidence.staff_id("liuyang"))
    person.tab.wait_text(f"{len(mine)} 位客户")


def test_work_goes_on_while_the_server_is_killed_and_arrives_when_it_is_back(
    manager: Person, live: LiveServer, evidence: Evidence
) -> None:
    live.kill()
    visit_id = begin_visit(manager)
    manager.wait_chip("离线")
    assert manager.waiting() > 0
    live.start()
    manager.go("/sync")
    manager.tab.tap("立即同步")
    manager.wait_synced()
    assert evidence.row("visit", visit_id)["state"] == "started"


def test_photos_that_cannot_be_taken_are_refused_by_name_and_the_draft_stays(
    manager: Person, evidence: Evidence, tmp_path: Path
) -> None:
    visit_id = begin_visit(manager)
    manager.tab.fill("记录", NOTES)
    large = tmp_path / "全景.jpg"
    large.write_bytes(photo("全景.jpg")["buffer"].ljust(60_000_000, b"\0"))
    manager.choose_files("拍照或选择照片", large)
    manager.tab.wait_text("全景.jpg 没有添加", timeout_ms=60_000)
    manager.tab.wait_text("照片有 60.0 MB，上限是")
    manager.tab.wait_text("请拍一张小一些的照片")
    contract = tmp_path / "合同.jpg"
    contract.write_bytes(b"%PDF-1.7 no picture at all")
    good = tmp_path / "柜台.jpg"
    good.write_bytes(photo("柜台.jpg")["buffer"])
    manager.choose_files("拍照或选择照片", contract, good)
    manager.tab.wait_text("合同.jpg 没有添加")
    manager.tab.wait_text("这不是能识别的图片")
    manager.tab.wait_text("已添加 1 张照片")
    manager.expect_typed("记录", NOTES)
    manager.tab.wait_text("草稿已存在本机")
    manager.restart()
    manager.expect_typed("记录", NOTES)
    keep_visit(manager)
    manager.wait_synced()
    row = evidence.row("visit", visit_id)
    assert row["notes"] == NOTES
    assert len(row["photo_ids"]) == 1


def test_a_text_stops_at_its_limit_and_says_how_much_room_there_is(
    manager: Person, evidence: Evidence
) -> None:
    visit_id = begin_visit(manager)
    limit, text = 500, "报价" * 300
    manager.tab.fill("下一步", "")
    manager.tab.page.keyboard.insert_text(text)
    manager.expect_typed("下一步", text[:limit])
    manager.tab.wait_text("还可输入 0 个字符")
    keep_visit(manager)
    manager.wait_synced()
    assert evidence.row("visit", visit_id)["next_step"] == text[:limit]


def test_an_app_too_old_to_receive_still_sends(manager: Person, evidence: Evidence) -> None:
    with manager.way.answering("/v1/sync/pull", 426) as fault:
        visit_id = begin_visit(manager)
        manager.wait_chip("同步受阻，0 项待上传")
        assert fault.met > 0
        assert evidence.row("visit", visit_id)["state"] == "started"
        manager.go("/sync")
        manager.tab.wait_text("应用版本太旧")
        manager.tab.wait_text("上传不受影响")
    manager.tab.tap("立即同步")


def test_a_second_tab_takes_over_with_all_that_was_saved(manager: Person) -> None:
    first, name = manager.tab, begin_visit(manager)
    second = manager.browser.begin(f"{manager.way.url}/#/visits/{name}")
    second.wait_state("elsewhere")
    assert first.state() == "ready", "asking takes nothing away"
    second.answer_splash()
    second.wait_ready()
    first.wait_state("taken")
    manager.tab = second
    manager.unlock()
    second.wait_text("完成拜访")
    first.page.close()
