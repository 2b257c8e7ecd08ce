"""The desk on the phone: a call that becomes a complaint, its eight steps, experts, milestones,
approvals; all of it without a network."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from mobile.device.port import Picked
from mobile.usecases.callbacks import Callbacks
from mobile.usecases.complaints import CALL_DRAFT
from mobile.usecases.desk import Desk
from shared.declare import Role
from shared.entities import (
    Callback,
    Case,
    CaseEvent,
    Customer,
    Feedback,
    Inspection,
    Milestone,
    Staff,
    Transfer,
)
from shared.errors import Code, Refusal
from shared.followups import callback_after_solution
from shared.ids import derived_id
from shared.policy import DEFAULTS
from tests.mobile.ui.field import NOW, PIN
from tests.mobile.ui.repair_field import RepairField

CHEN = Staff(id=derived_id("chen"), name="陈工", role=Role.TECHNICIAN, active=True)


@pytest.fixture
def agent(tmp_path):
    return RepairField(tmp_path, Role.CALLBACK_AGENT)


@pytest.fixture
def manager(tmp_path):
    field = RepairField(tmp_path, Role.STORE_MANAGER)
    field.plant(CHEN)
    return field


def complaint(field, **facts):
    given = {"kind": "complaint", "title": "门锁打不开", "state": "new", "assignee_id": None}
    return field.case(**{**given, **facts})


async def test_a_call_from_a_stranger_becomes_a_customer_and_a_complaint(agent, open_app):
    app, shell = await open_app(agent)
    await app.tap("call-in")
    await app.type("title", "门锁打不开")
    await app.tap("save")
    assert shell.store.find(Case) == [], "nobody was named"
    await app.type("phone", "13912345678")
    await app.type("name", "赵敏")
    await app.choose("category-product.quality", True, "select")
    await app.type("description", "昨晚回家钥匙断在里面")
    await app.tap("save")
    (case,) = shell.store.find(Case)
    customer = shell.store.get(Customer, case.customer_id)
    assert (customer.name, customer.phone) == ("赵敏", "13912345678")
    assert (case.kind, case.state, case.channel) == ("complaint", "new", "phone")
    assert case.category == "product.quality" and case.occurred_at == NOW
    assert app.says("投诉处理八步") and app.says("还缺：地点、影响")


async def test_whom_the_phone_knows_is_found_by_number_and_taken_with_a_tap(agent, open_app):
    app, shell = await open_app(agent)
    await app.go("/calls/new")
    await app.type("phone", agent.customer.phone)
    await app.until(lambda: app.says("是不是其中一位？"))
    await app.tap(f"known-{agent.customer.id}")
    await app.type("title", "发票抬头错了")
    await app.choose("kind-enquiry", True, "select")
    await app.tap("save")
    (case,) = shell.store.find(Case)
    assert case.customer_id == agent.customer.id and case.kind == "enquiry"
    assert case.occurred_at is not None and not app.says("投诉处理八步")


async def test_who_calls_outlives_a_kill_and_ends_with_the_access_to_them(agent, open_app, start):
    bucket = f"customer:{agent.customer.id}"
    agent.until[bucket] = NOW + timedelta(hours=1)
    app, shell = await open_app(agent)
    await app.go("/calls/new")
    await app.type("phone", agent.customer.phone)
    await app.type("title", "发票抬头错了")
    await shell.session.lock()

    app, shell = await start(agent)
    await shell.session.unlock(PIN)
    await app.go("/calls/new")
    assert app.find("phone").value == agent.customer.phone
    await app.tap(f"known-{agent.customer.id}")
    assert app.says(agent.customer.name) and app.find("title").value == "发票抬头错了"
    await shell.session.lock()
    await shell.session.unlock(PIN)
    await app.settle()
    assert app.says(agent.customer.name)

    agent.clock.move(timedelta(hours=1))
    await shell.session.ending.look()
    await app.settle()
    assert not app.says(agent.customer.name) and app.has("name")
    assert shell.store.draft(CALL_DRAFT) is None


async def test_steps_are_written_where_they_stand_and_count_as_done_by_what_is_there(
    manager, open_app
):
    case = complaint(manager)
    app, shell = await open_app(manager)
    await app.go(f"/cases/{case.id}")
    await app.tap("step-verify")
    await app.type("findings", "锁芯断裂")
    manager.device.photos = [Picked("锁.jpg", 42, b"\xff\xd8" + b"\0" * 40)]
    await app.tap("add-photos")
    await app.tap("save")
    await app.tap("step-liability")
    await app.choose("liability-product", True, "select")
    await app.type("liable_party", "锁厂")
    await app.tap("save")
    saved = shell.store.get(Case, case.id)
    assert (saved.findings, saved.liability, len(saved.photo_ids)) == ("锁芯断裂", "product", 1)
    assert app.says("核实") and not app.says("还缺：核实结果")


async def test_a_manager_assigns_sets_a_milestone_and_inspects(manager, open_app):
    case = complaint(manager)
    app, shell = await open_app(manager)
    await app.go(f"/cases/{case.id}")
    await app.tap("turn-assign")
    await app.choose(f"assign-{CHEN.id}", True, "select")
    assert shell.store.get(Case, case.id).assignee_id == CHEN.id
    await app.tap("turn-milestone")
    await app.type("title", "新锁到货")
    await app.choose("within-2", True, "select")
    await app.tap("turn-yes")
    (milestone,) = shell.store.find(Milestone)
    assert milestone.owner_id == CHEN.id
    assert milestone.due_at == NOW + timedelta(days=2)  # Monday at ten to Wednesday at ten
    await app.choose(f"milestone-{milestone.id}", True, "change")
    assert shell.store.get(Milestone, milestone.id).finished_at == NOW
    await app.tap("turn-inspect")
    await app.choose("judgement-faults", True, "select")
    await app.type("notes", "现场没有清理")
    await app.tap("turn-yes")
    (seen,) = shell.store.find(Inspection)
    assert (seen.judgement, seen.notes) == ("faults", "现场没有清理") and len(seen.checklist) == 7
    assert app.says("没做到")


async def test_a_question_goes_to_an_expert_with_a_promise_and_its_own_clock(manager, open_app):
    case = complaint(manager)
    app, shell = await open_app(manager)
    await app.go(f"/cases/{case.id}")
    await app.tap("turn-ask")
    await app.tap("turn-yes")
    assert shell.store.find(Transfer) == []
    await app.choose(f"expert-{CHEN.id}", True, "select")
    await app.type("question", "这款锁芯能单独换吗？")
    await app.choose("promise-2", True, "select")
    await app.tap("turn-yes")
    (asked,) = shell.store.find(Transfer)
    assert asked.promised_at == NOW + timedelta(hours=2) and app.says("还有 2 小时")
    manager.clock.move(timedelta(hours=3))
    desk = Desk(shell.store)
    assert desk.clock(asked).breached
    answered = desk.answer(asked, "可以")
    assert desk.clock(answered).stopped_at == NOW + timedelta(hours=3)
    with pytest.raises(Refusal) as caught:
        desk.transfer(case, CHEN.id, "再问", shell.now() + timedelta(hours=25))
    assert caught.value.code is Code.FIELD_INVALID


async def test_the_expert_finds_the_question_in_their_list_and_answers_it(tmp_path, open_app):
    phone, case = asked(tmp_path)
    app, shell = await open_app(phone)
    await app.go("/cases")
    assert "等我答复" in app.texts()
    await app.tap(f"case-{case.id}")
    await app.type("answer", "可以，备件有货")
    await app.tap("expert-send")
    (answered,) = shell.store.find(Transfer)
    assert (answered.answer, answered.answered_at) == ("可以，备件有货", NOW)
    assert not app.has("answer")


def asked(tmp_path):
    """The phone of an expert who was asked about somebody's case, and the case."""
    phone = RepairField(tmp_path)
    case = complaint(phone, assignee_id=derived_id("somebody"))
    phone.plant(
        Transfer(
            id=derived_id("transfer"), case_id=case.id, customer_id=case.customer_id,
            asked_by=CHEN.id, expert_id=phone.staff.id, question="能换吗？", asked_at=NOW,
            promised_at=NOW + timedelta(hours=4),
        )
    )  # fmt: skip
    return phone, case


async def test_a_half_written_answer_of_an_expert_outlives_a_kill(tmp_path, open_app, start):
    phone, case = asked(tmp_path)
    app, shell = await open_app(phone)
    await app.go(f"/cases/{case.id}")
    await app.type("answer", "可以，备件")
    await shell.session.lock()

    app, shell = await start(phone)
    await shell.session.unlock(PIN)
    await app.go(f"/cases/{case.id}")
    assert app.find("answer").value == "可以，备件"
    await app.tap("expert-send")
    assert shell.store.find(Transfer)[0].answer == "可以，备件"
    assert shell.store.drafts() == []


@pytest.mark.parametrize(
    ("turn", "field", "chosen", "done"),
    [
        ("noted", "note", "", CaseEvent),
        ("ask", "question", f"expert-{CHEN.id}", Transfer),
        ("milestone", "title", "within-3", Milestone),
        ("inspect", "notes", "judgement-faults", Inspection),
    ],
)
async def test_what_is_half_written_beside_a_case_stands_open_again_after_a_kill(
    manager, open_app, start, turn, field, chosen, done
):
    case = complaint(manager)
    app, shell = await open_app(manager)
    await app.go(f"/cases/{case.id}")
    await app.tap(f"turn-{turn}")
    if chosen:
        await app.choose(chosen, True, "select")
    await app.type(field, "还没说完")
    await shell.session.lock()

    app, shell = await start(manager)
    await shell.session.unlock(PIN)
    await app.go(f"/cases/{case.id}")
    assert app.find(field).value == "还没说完"
    assert not chosen or app.find(chosen).selected
    await app.tap("turn-yes")
    (made,) = shell.store.find(done)
    assert getattr(made, field) == "还没说完"
    assert shell.store.drafts() == []


async def test_what_is_given_up_beside_a_case_leaves_no_draft(manager, open_app):
    case = complaint(manager)
    app, shell = await open_app(manager)
    await app.go(f"/cases/{case.id}")
    await app.tap("turn-noted")
    await app.type("note", "算了")
    await app.until(lambda: shell.store.drafts() != [])
    await app.tap("turn-no")
    assert shell.store.drafts() == [] and app.has("turn-noted")


async def test_a_solved_complaint_is_asked_about_in_a_week_and_goes_on_until_they_are_content(
    agent, open_app
):
    case = complaint(agent, state="in_progress")
    app, shell = await open_app(agent)
    await app.go(f"/cases/{case.id}")
    await app.tap("turn-solve")
    await app.type("note", "已换新锁")
    await app.tap("turn-yes")
    (call,) = shell.store.find(Callback)
    assert (call.kind, call.due_at) == ("after_complaint", NOW + timedelta(days=7))

    def say(call, outcome, **more):
        calls = Callbacks(shell.store)
        calls.finish(call, outcome=outcome, satisfaction=50, answers=(), notes="还是不行", **more)
        return shell.store.get(Case, case.id)

    reopened = say(call, "needs_more")
    assert (reopened.state, reopened.reopened) == ("in_progress", 1)
    solved = Desk(shell.store).solve(reopened, "又调了一遍")
    again = next(c for c in shell.store.find(Callback) if c.state == "scheduled")
    assert again.id != call.id
    closed = say(again, "satisfied", reopen=True)  # a switch that an older app's draft had on
    assert (closed.state, closed.closed_at) == ("closed", shell.now()) and solved.reopened == 1
    kinds = [e.to_state for e in shell.store.find(CaseEvent, case_id=case.id)]
    assert kinds == ["resolved", "in_progress", "resolved", "closed"]


async def test_a_complaint_that_late_work_took_up_again_can_be_solved_again(agent, open_app):
    case = complaint(agent, state="in_progress")  # reopened, and nobody counted
    asked = replace(callback_after_solution(case, NOW, DEFAULTS), state="done")
    agent.plant(asked)
    _, shell = await open_app(agent)
    assert Desk(shell.store).solve(case, "又调了一遍").state == "resolved"
    (call,) = shell.store.find(Callback, state="scheduled")
    assert call.id != asked.id


async def test_a_return_is_approved_or_declined_by_whoever_reviews_it(manager, open_app):
    first = complaint(manager, kind="return", number="R1")
    second = complaint(manager, kind="exchange", number="R2")
    app, shell = await open_app(manager)
    await app.go(f"/cases/{first.id}")
    await app.tap("approve")
    assert shell.store.get(Case, first.id).state == "accepted"
    await app.go(f"/cases/{second.id}")
    await app.tap("turn-decline")
    await app.type("note", "超过三十天")
    await app.tap("turn-yes")
    assert shell.store.get(Case, second.id).state == "cancelled" and app.says("超过三十天")


async def test_an_agent_who_does_not_review_returns_cannot_approve_one(agent, open_app):
    case = complaint(agent, kind="return")
    app, shell = await open_app(agent)
    await app.go(f"/cases/{case.id}")
    assert not app.has("approve")
    with pytest.raises(Refusal) as caught:
        Desk(shell.store).approve(case)
    assert caught.value.code is Code.ROLE_NOT_ALLOWED


async def test_a_vip_s_case_stands_first_of_those_to_accept_and_a_package_says_what_it_covers(
    tmp_path, open_app
):
    phone = RepairField(tmp_path)
    vip = replace(phone.customer, id=derived_id("vip"), name="甲乙丙", vip=True)
    phone.plant(vip, replace(phone.asset, package="全保", package_terms="四小时上门"))
    phone.case(number="R1", title="先来的", appointment_at=NOW - timedelta(hours=2))
    last = phone.case(number="R2", title="后来的", customer_id=vip.id, asset_id=None)
    app, _ = await open_app(phone)
    await app.go("/cases")
    shown = [c.value for c in app.controls() if getattr(c, "value", "") in ("先来的", "后来的")]
    assert shown == ["后来的", "先来的"] and last
    await app.go(f"/cases/{derived_id('case', 'R1')}")
    assert app.says("全保") and app.says("四小时上门") and app.says("通用上门维修")


async def test_feedback_goes_to_its_department_with_a_deadline_and_is_followed_to_the_end(
    manager, open_app
):
    app, shell = await open_app(manager)
    await app.go(f"/customers/{manager.customer.id}")
    await app.tap("note-feedback")
    await app.type("said", "送货又晚了一天")
    await app.tap("save")
    assert shell.store.find(Feedback) == [], "it belongs under no topic yet"
    await app.choose("topic-logistics.late", True, "select")
    await app.tap("save")
    (noted,) = shell.store.find(Feedback)
    assert (noted.department, noted.happened_at) == ("物流部", NOW)
    assert noted.due_at == NOW + timedelta(days=3)  # from Monday at ten to Thursday at ten
    await app.tap(f"happened-{noted.id}")
    assert app.says("送货延误") and not app.has("told")
    await app.type("measure", "换了承运商")
    await app.choose("effect-better", True, "select")
    await app.tap("save")
    done = shell.store.get(Feedback, noted.id)
    assert (done.measure, done.effect, done.finished_at) == ("换了承运商", "better", NOW)
    await app.tap("told")
    assert shell.store.get(Feedback, noted.id).told_at == NOW and app.says("已告知客户")


async def test_settled_feedback_leaves_no_draft_and_says_what_its_author_had_not_seen(
    manager, open_app
):
    noted = Feedback(
        id=derived_id("feedback"), customer_id=manager.customer.id, happened_at=NOW,
        topic="logistics.late", said="送货又晚了一天",
    )  # fmt: skip
    manager.plant(noted)
    app, shell = await open_app(manager)
    await app.go(f"/feedback/{noted.id}")
    await app.type("measure", "换了承运商")
    manager.receive(shell.store, replace(noted, measure="打了电话"))  # a colleague's, meanwhile
    await app.tap("save")
    changes = [json.loads(text) for _, text in shell.store.parts.outbox.unsettled(99, 10**6)]
    assert [one["base"] for one in changes if one["entity"] == "feedback"] == [{"measure": 0}]
    await app.go("/")
    assert shell.store.drafts("feedback/") == []


async def test_a_case_that_nobody_took_on_is_marked_as_gone_to_the_manager(manager, open_app):
    complaint(manager, number="C1", title="没人接", opened_at=NOW - timedelta(hours=3))
    complaint(manager, number="C2", title="刚来的", opened_at=NOW - timedelta(minutes=20))
    app, _ = await open_app(manager)
    await app.go("/cases")
    gone = [c for c in app.controls() if getattr(c, "value", "") == "已升级给店长"]
    assert len(gone) == 1 and app.says("没人接") and app.says("刚来的")
