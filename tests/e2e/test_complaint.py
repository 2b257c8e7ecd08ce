"""A complaint from a phone call to a satisfied customer, with one reopening, partly offline, across
agent, manager and technician (S2 #112–#115, S4 #179)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.declare import Role
from sync_server.bootstrap import Server
from sync_server.demo.load import ORGANISATION
from sync_server.services import audit, policies
from tests.e2e.conftest import Meet
from tests.e2e.evidence import Evidence
from tests.e2e.people import SYNC_MS, Person
from tests.e2e.template import Template
from tests.live_server import LiveServer, live_server

AGENT, MANAGER, TECHNICIAN = "zhaomin", "chenjing", "liqiang"
CALLER, PHONE = "林晓燕", "13977776666"
TITLE = "新装的门锁打不开"
COURSE, IMPACT, PLACE = "钥匙断在锁芯里，装好才两天。", "一家人进不了门", "滨江路 8 号 2 单元"
PLAN = "换新锁芯，当面试开十次。"
FIRST, SECOND = "换了锁芯，试开十次正常。", "门框也调了，两把钥匙都试过。"
STILL = "还是卡，要用力才能转。"


def call_back_at_once(server: Server) -> None:
    """The policy has complaints called back on the same day, not in a week."""
    who = audit.command_line(ORGANISATION)
    changed = {"complaint_callback_days": 0}
    policies.add_version(server.database, who, changed, None, server.clock.now())


@pytest.fixture(scope="module")
def live(
    template: Template, web: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("complaint")
    template.lay_server(folder)
    with live_server(folder, prepare=call_back_at_once, web=web) as running:
        yield running


def test_a_complaint_goes_from_a_call_to_a_satisfied_customer_with_one_reopening(
    person: Meet, live: LiveServer
) -> None:
    evidence = Evidence(live)
    agent, manager, technician = person(AGENT), person(MANAGER), person(TECHNICIAN)
    case_id = registered(agent)
    assigned(manager, case_id)
    solved(technician, case_id, FIRST, offline=True)
    called(agent, "需要继续跟进", STILL)
    assert evidence.row("case", case_id)["reopened"] == 1
    solved(technician, case_id, SECOND, offline=False)
    called(agent, "满意", "这次顺了")

    case = evidence.row("case", case_id)
    assert (case["state"], case["reopened"], case["plan"]) == ("closed", 1, PLAN)
    assert case["description"] == COURSE and case["category"] == "product.quality"
    customer = evidence.row("customer", case["customer_id"])
    assert (customer["name"], customer["phone"]) == (CALLER, PHONE)
    events = evidence.rows("case_event", case_id=case_id)
    events.sort(key=lambda event: str(event["happened_at"]))
    states = [e["to_state"] for e in events if e["kind"] == "moved"]
    assert states == [
        "new", "accepted", "resolved", "assigned", "accepted", "resolved", "closed",
    ]  # fmt: skip
    staff = {event["staff_id"] for event in events}
    assert {evidence.staff_id(AGENT), evidence.staff_id(TECHNICIAN)} <= staff
    calls = evidence.rows("callback", case_id=case_id)
    assert sorted(call["outcome"] for call in calls) == ["needs_more", "satisfied"]
    roles = {evidence.row("staff", call["assignee_id"])["role"] for call in calls}
    assert roles == {Role.CALLBACK_AGENT}


def registered(agent: Person) -> str:
    """The call comes while there is no network; the id of what came of it."""
    tab = agent.tab
    agent.cut_network()
    tab.tap("登记来电")
    tab.fill("电话", PHONE)
    tab.fill("姓名/名称", CALLER)
    tab.fill("标题", TITLE)
    tab.tap("产品质量")
    tab.fill("经过", COURSE)
    tab.fill("地点", PLACE)
    tab.fill("影响", IMPACT)
    tab.tap("登记", exact=True)
    tab.wait_text("投诉处理八步")
    tab.wait_text("受理登记")
    case_id = agent.record_id()
    agent.browser.online()
    agent.wait_synced()
    return case_id


def assigned(manager: Person, case_id: str) -> None:
    """The manager plans it and gives it to a technician."""
    tab = manager.tab
    manager.go(f"/cases/{case_id}")
    tab.wait_text(TITLE, timeout_ms=SYNC_MS)
    tab.tap("5. 方案")
    tab.fill("处理方案", PLAN)
    tab.tap("保存")
    tab.tap("派单")
    tab.tap("李强", exact=True)
    manager.wait_synced()


def solved(technician: Person, case_id: str, how: str, *, offline: bool) -> None:
    """The technician accepts it, and says how it was solved."""
    tab = technician.tab
    technician.go("/cases")
    tab.wait_text(TITLE, timeout_ms=SYNC_MS)
    if offline:
        technician.cut_network()
    technician.go(f"/cases/{case_id}")
    tab.tap("接单", exact=True)
    tab.tap("已解决")
    tab.fill("备注", how)
    tab.tap("记为已解决")
    tab.wait_text(how)
    if offline:
        technician.browser.online()
    technician.wait_synced()


def called(agent: Person, outcome: str, notes: str) -> None:
    """The agent asks how it is now."""
    tab = agent.tab
    agent.go("/callbacks")
    tab.wait_text(CALLER, timeout_ms=SYNC_MS)
    tab.tap(CALLER)
    tab.wait_text("回访结果")
    tab.fill("精确分数", "70" if outcome != "满意" else "95")
    tab.tap(outcome, exact=True)
    tab.fill("通话记录", notes)
    tab.tap("完成回访")
    tab.wait_text("完成这次回访？")
    tab.tap("完成回访", exact=True)
    tab.wait_text("回访已完成")
    agent.wait_synced()
