"""Calling back from the queue to its end, without a network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mobile.usecases.callbacks import draft_key
from shared.declare import Role
from shared.entities import Assignment, Callback, Case
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, PIN
from tests.mobile.ui.repair_field import RepairField


@pytest.fixture
def phone(tmp_path):
    return RepairField(tmp_path, Role.CALLBACK_AGENT)


def planted(phone, **facts):
    """A call that is due about a solved repair."""
    case = phone.case(state="resolved", resolved_at=NOW - timedelta(days=2))
    call = Callback(
        **{
            "id": derived_id("call"), "customer_id": phone.customer.id, "case_id": case.id,
            "kind": "after_repair", "state": "scheduled", "due_at": NOW - timedelta(hours=1),
            "assignee_id": phone.staff.id, "window_ends_at": NOW + timedelta(hours=10),
        }
        | facts
    )  # fmt: skip
    phone.plant(call)
    return call


async def test_a_call_goes_from_the_queue_to_its_result(phone, open_app):
    call = planted(phone)
    phone.place.up = False
    app, shell = await open_app(phone)

    await app.go("/callbacks")
    assert app.says("138••••00") and not app.says("13800000000")
    await app.tap(f"call-{call.id}")
    assert app.says("我是示范公司的客服李强")
    await app.choose("answer-works-yes", True, "select")
    await app.type("answer-suggestion", "希望早点到")
    await app.tap("points-100")
    await app.type("notes", "客户很满意")
    await app.tap("finish")
    await app.tap("confirm-yes")

    done = shell.store.get(Callback, call.id)
    assert (done.state, done.outcome, done.satisfaction) == ("done", "satisfied", 100)
    assert [(a.key, a.answer) for a in done.answers] == [
        ("works", "yes"),
        ("suggestion", "希望早点到"),
    ]
    assert done.notes == "客户很满意" and app.page.route == "/callbacks"


async def test_it_says_that_it_is_done_once_the_screen_shows_it(phone, open_app):
    """Nobody reads "finished" beside a chip that still says that nothing waits."""
    call = planted(phone)
    phone.place.up = False
    app, _shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("points-100")
    await app.tap("finish")
    await app.tap("confirm-yes")
    assert app.came("离线，1 项待上传") < app.came("回访已完成")


async def test_an_unhappy_customer_sends_the_case_back_to_work(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("points-20")
    await app.choose("reopened_case", True)
    await app.tap("finish")
    await app.tap("confirm-yes")
    assert shell.store.get(Case, call.case_id).state == "assigned"
    assert shell.store.get(Callback, call.id).outcome == "unsatisfied"


async def test_nobody_reached_is_tried_again_and_can_be_taken_back(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("result-no_answer")
    tried = shell.store.get(Callback, call.id)
    assert tried.next_attempt_at == NOW + timedelta(hours=4) and len(tried.attempts) == 1
    assert app.page.route == "/callbacks" and app.says("下次拨打：今天 14:00")
    await app.go(f"/callbacks/{call.id}")
    assert app.says("无人接听") and app.says("打过 1 次")


async def test_an_attempt_by_mistake_is_taken_back(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("result-wrong_number")
    assert shell.store.get(Callback, call.id).state == "unreachable"
    assert app.says("联系不上")
    bar = next(d for d in app.page._dialogs.controls if d.open and getattr(d, "action", None))
    await app.page.session.dispatch_event(bar.action._i, "click", None)
    await app.settle()
    assert shell.store.get(Callback, call.id).state == "scheduled"
    assert shell.store.get(Callback, call.id).attempts == ()


async def test_who_could_not_be_reached_is_called_once_more(phone, open_app):
    call = planted(phone, state="unreachable", outcome="unreachable")
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    assert not app.has("finish")
    await app.tap("once-more")
    assert shell.store.get(Callback, call.id).state == "scheduled"
    assert app.has("finish")


async def test_a_customer_may_ask_for_another_day(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("later-tomorrow")
    again = shell.store.get(Callback, call.id)
    assert again.next_attempt_at == datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
    assert again.attempts[0].result == "reached"


async def test_a_call_without_points_and_conclusion_is_not_finished(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("finish")
    assert app.says("请先填写满意度和回访结论") and not app.has("confirm-yes")
    assert shell.store.get(Callback, call.id).state == "scheduled"


async def test_points_propose_a_conclusion_and_never_overrule_one(phone, open_app):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.tap("points-40")
    assert app.find("outcome-unsatisfied").selected and app.has("reopened_case")
    await app.choose("outcome-needs_more", True, "select")
    await app.tap("points-100")
    assert app.find("outcome-needs_more").selected and app.find("satisfaction").value == "100"
    await app.type("satisfaction", "93")
    await app.tap("finish")
    await app.tap("confirm-yes")
    done = shell.store.get(Callback, call.id)
    assert (done.satisfaction, done.outcome) == (93, "needs_more")


async def test_answers_outlive_a_kill(phone, open_app, start):
    call = planted(phone)
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    await app.choose("answer-works-partly", True, "select")
    await app.type("notes", "偶尔闪一下")
    await app.until(lambda: "notes" in (shell.store.draft(draft_key(call.id)) or {}), turns=20_000)
    await shell.close()

    app, shell = await start(phone)
    await shell.session.unlock(PIN)
    await app.settle()
    await app.go(f"/callbacks/{call.id}")
    assert app.find("notes").value == "偶尔闪一下" and app.find("answer-works-partly").selected


async def test_after_its_window_nothing_of_the_customer_is_shown(phone, open_app):
    call = planted(phone, window_ends_at=NOW + timedelta(hours=1))
    app, shell = await open_app(phone)
    await app.go(f"/callbacks/{call.id}")
    assert app.says("还有 1 小时") and app.says("甲公司")
    phone.clock.move(timedelta(hours=1))
    await app.go("/callbacks")
    await app.go(f"/callbacks/{call.id}")
    assert app.says("查看时间已结束") and not app.says("甲公司") and not app.has("points-100")


async def test_a_call_that_was_taken_away_says_what_can_be_done(phone, open_app):
    elsewhere = derived_id("elsewhere")
    phone.plant(
        Assignment(
            id=derived_id("given"),
            staff_id=phone.staff.id,
            subject="callback",
            subject_id=elsewhere,
            customer_id=phone.customer.id,
            from_at=NOW,
        )  # fmt: skip
    )
    app, _ = await open_app(phone)
    await app.go(f"/callbacks/{elsewhere}")
    assert app.says("可以申请查看") and not app.has("finish")
