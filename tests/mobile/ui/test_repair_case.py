"""One case on the phone: what is known about it, the next step, and the turns beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.declare import Role
from shared.entities import Case, CaseEvent, Report
from tests.mobile.ui.field import NOW
from tests.mobile.ui.repair_field import RepairField


@pytest.fixture
def phone(tmp_path):
    return RepairField(tmp_path)


def looks(shell):
    """(what, entity) of every look that was put on record."""
    found = [w for _, w in shell.store.parts.outbox.unsettled(1000, 10**9)]
    return [w for w in found if '"entity":"look"' in w]


async def test_the_list_groups_cases_by_what_is_to_be_done(phone, open_app):
    phone.case(number="R1", title="指针不走", appointment_at=NOW - timedelta(hours=2))
    phone.case(number="R2", title="插头发热", state="in_progress", priority="critical")
    phone.case(number="R3", title="外壳开裂", state="waiting", waiting_for="parts")
    phone.case(number="R4", title="定时失灵", state="closed", resolved_at=NOW - timedelta(days=3))
    app, _ = await open_app(phone)
    await app.go("/cases")
    assert {"正在处理", "待接单", "等待中", "最近完成"} <= app.texts()
    assert {"紧急", "等待中 · 等配件", "已超 2 小时"} <= app.texts()


async def test_without_cases_the_list_says_what_it_is_for(phone, open_app):
    app, _ = await open_app(phone)
    await app.go("/cases")
    assert app.says("没有派给你的工单")


async def test_opening_a_case_is_on_record_before_anything_is_shown(phone, open_app):
    case = phone.case()
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    assert app.says("指针不走") and app.says("挂钟 · SN-0417") and app.says("示例路 1…")
    assert len(looks(shell)) == 1
    assert not app.says("13800000000")
    await app.tap("phone-show")
    assert app.says("13800000000") and len(looks(shell)) == 2


async def test_the_clocks_say_what_is_left_and_what_was_missed(phone, open_app):
    case = phone.case(opened_at=NOW - timedelta(hours=1))
    app, _ = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    assert app.says("已超 50 分钟") and app.says("还有")
    assert app.says("节假日历未定，暂估")  # no calendar has come to this phone


async def test_waiting_for_the_customer_stops_the_clock_and_work_goes_on_where_it_was(
    phone, open_app
):
    case = phone.case(state="in_progress")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.tap("turn-wait")
    await app.tap("turn-yes")
    assert shell.store.get(Case, case.id).state == "in_progress"  # for whom was not said
    await app.choose("waiting_for-customer", True, "select")
    await app.type("note", "下午才有人")
    await app.tap("turn-yes")
    assert shell.store.get(Case, case.id).waiting_for == "customer"
    assert app.says("等客户，暂停计时") and app.says("下午才有人")
    await app.tap("next-step")
    assert shell.store.get(Case, case.id).state == "in_progress"


async def test_handing_back_wants_a_reason(phone, open_app):
    case = phone.case(state="accepted")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.tap("turn-back")
    await app.tap("turn-yes")
    assert app.find("note").error == "必填"
    await app.type("note", "没有这个型号的配件")
    await app.tap("turn-yes")
    assert shell.store.get(Case, case.id).state == "assigned"
    assert app.says("没有这个型号的配件")


async def test_the_checklist_before_leaving_is_kept_for_the_report(phone, open_app):
    case = phone.case(state="accepted")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.choose("check-before.tools", True)
    (report,) = shell.store.find(Report, case_id=case.id)
    assert [i.key for i in report.checklist if i.done] == ["before.tools"]
    assert app.says("1 / 3")
    await app.choose("check-before.tools", False)
    (report,) = shell.store.find(Report, case_id=case.id)
    assert not any(i.done for i in report.checklist)


async def test_who_only_looks_has_no_next_step_but_may_note(tmp_path, open_app):
    phone = RepairField(tmp_path, Role.STORE_MANAGER)
    case = phone.case()
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    assert not app.has("next-step") and not app.has("turn-wait")
    await app.tap("turn-noted")
    await app.type("note", "客户是老会员")
    await app.tap("turn-yes")
    assert [e.note for e in shell.store.find(CaseEvent)] == ["客户是老会员"]


async def test_a_case_that_may_not_be_read_says_so(phone, open_app):
    app, _ = await open_app(phone)
    await app.go("/cases/01a00000-0000-7000-8000-000000000000")
    assert app.says("没有这条记录") or app.says("同步")
    assert not app.has("next-step")


async def test_a_technician_opens_another_case_beside_the_one_they_are_at(phone, open_app):
    case = phone.case(state="on_site")
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.tap("another-case")
    assert app.says("甲公司") and app.find("place").value == "示例路 1 号 3 楼"
    await app.type("title", "第二台走时不准")
    await app.tap("save")
    (made,) = shell.store.find(Case, state="new")
    assert (made.title, made.customer_id) == ("第二台走时不准", phone.customer.id)
    await app.go(f"/cases/{made.id}")
    await app.tap("next-step")
    assert shell.store.get(Case, made.id).state == "accepted"


async def test_who_is_no_technician_is_offered_no_case_beside(tmp_path, open_app):
    phone = RepairField(tmp_path, Role.STORE_MANAGER)
    case = phone.case()
    app, _ = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    assert not app.has("another-case")
