"""Access that ends before one's eyes, is asked for, decided by a store manager, and given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mobile.usecases.callbacks import draft_key
from shared.declare import Role
from shared.entities import AccessRequest, Assignment, Callback, Customer, Grant, Notice, Staff
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, PIN, Field, customer

ONE = customer("甲公司")
HERE = f"customer:{ONE.id}"
ENDS = NOW + timedelta(hours=1)
AGENT = Staff(id=derived_id("agent"), name="陈静", role="callback_agent")


def a_call(staff_id: str) -> Callback:
    return Callback(
        id=derived_id("call"), customer_id=ONE.id, kind="care", state="scheduled",
        due_at=NOW - timedelta(hours=1), assignee_id=staff_id, window_ends_at=ENDS,
    )  # fmt: skip


def given(phone: Field, call: Callback) -> Assignment:
    return Assignment(
        id=derived_id("assignment"), staff_id=phone.staff.id, subject="callback",
        subject_id=call.id, customer_id=ONE.id, from_at=NOW, until_at=ENDS,
    )  # fmt: skip


def wish(call: Callback, **facts: Any) -> AccessRequest:
    said = {
        "id": derived_id("wish"), "staff_id": AGENT.id, "customer_id": ONE.id,
        "subject": "callback", "subject_id": call.id, "hours": 4, "reason": "客户让我明天再打",
        "asked_at": NOW - timedelta(minutes=5),
    }  # fmt: skip
    return AccessRequest(**(said | facts))


@pytest.fixture
def agent(field_of) -> Field:
    """A callback agent whose access to ONE ends in an hour, without a network."""
    phone = field_of(Role.CALLBACK_AGENT)
    phone.place.up = False
    phone.until[HERE] = ENDS
    call = a_call(phone.staff.id)
    phone.plant(ONE, call, given(phone, call))
    return phone


@pytest.fixture
def manager(field_of) -> Field:
    phone = field_of(Role.STORE_MANAGER)
    phone.plant(ONE, AGENT, a_call(AGENT.id), wish(a_call(AGENT.id)))
    return phone


async def test_at_its_end_an_open_call_goes_from_the_screen_and_what_was_typed_goes_its_way(
    agent, open_app
):
    app, shell = await open_app(agent)
    call = a_call(agent.staff.id)
    await app.go(f"/callbacks/{call.id}")
    await app.type("notes", "说好下周三再打")
    assert app.says("甲公司")
    agent.clock.move(timedelta(hours=1) - timedelta(milliseconds=500))
    await shell.session.ending.look()
    assert app.says("甲公司") and shell.store.draft(draft_key(call.id)) is not None
    agent.clock.move(timedelta(milliseconds=500))
    await shell.session.ending.look()  # nobody touches anything
    await app.settle()
    assert app.says("查看时间已结束") and not app.says("甲公司") and not app.has("notes")
    assert [c.values["notes"] for c in shell.store.waiting()] == ["说好下周三再打"]
    assert shell.store.parts.db.execute("SELECT count(*) FROM server_row WHERE id = ?",
                                        (ONE.id,)).get == 0  # fmt: skip


async def test_what_was_typed_into_a_page_that_slept_past_the_end_is_sealed_and_on_its_way(
    agent, open_app
):
    app, shell = await open_app(agent)
    call = a_call(agent.staff.id)
    await app.go(f"/callbacks/{call.id}")
    await app.type("notes", "说到一半，合上了电脑")  # nothing has stored it yet
    agent.clock.move(timedelta(hours=9))
    await shell.session.ending.look()
    await app.settle()
    assert not app.has("notes")
    (change,) = shell.store.waiting()
    assert change.values["notes"] == "说到一半，合上了电脑" and change.made_at == NOW
    await shell.syncing.settled()
    assert shell.store.parts.outbox.unsealed() == [], "it has its sealed copy"
    assert shell.store.parts.db.execute("SELECT count(*) FROM draft").get == 0


async def test_what_ended_while_the_app_was_closed_is_gone_before_anything_is_shown(
    agent, open_app, start
):
    app, shell = await open_app(agent)
    await shell.close()
    agent.clock.move(timedelta(hours=2))
    app, shell = await start(agent)
    seen: list[int] = []

    def phase_changed() -> None:
        if shell.session.store is not None:
            count = "SELECT count(*) FROM server_row WHERE id = ?"
            seen.append(shell.session.store.parts.db.execute(count, (ONE.id,)).get)

    shell.session.subscribe(phase_changed)
    await shell.session.unlock(PIN)
    assert seen == [0]


async def test_a_lease_that_ends_before_ones_eyes_hides_what_is_open(agent, open_app):
    agent.until.clear()
    app, shell = await open_app(agent)
    await app.go("/customers")
    assert app.says("甲公司")
    agent.clock.move(timedelta(hours=73))
    await shell.session.ending.look()
    await app.settle()
    assert not app.says("甲公司")


async def test_an_agent_asks_for_more_time_where_the_call_was_and_sees_what_was_asked(
    agent, open_app
):
    app, shell = await open_app(agent)
    call = a_call(agent.staff.id)
    agent.clock.move(timedelta(hours=1))
    await shell.session.ending.look()
    await app.go(f"/callbacks/{call.id}")
    await app.tap("access-more")
    await app.tap("ask")
    assert app.find("reason").error == "必填" and shell.store.waiting() == []
    await app.type("reason", "客户让我明天上午再打")
    await app.choose("hours-4", True, "select")
    await app.tap("ask")
    (asked,) = shell.store.find(AccessRequest)
    assert (asked.subject, asked.subject_id, asked.customer_id) == ("callback", call.id, ONE.id)
    assert (asked.hours, asked.reason, asked.decision) == (4, "客户让我明天上午再打", None)
    await app.go(f"/ask/callback/{call.id}")
    assert app.says("客户让我明天上午再打") and not app.has("ask")


async def test_what_was_never_ones_own_is_not_asked_for(agent, open_app):
    app, shell = await open_app(agent)
    await app.go(f"/ask/callback/{derived_id('elsewhere')}")
    assert not app.has("ask")


async def test_a_refusal_is_shown_with_its_answer_and_one_may_ask_again(agent, open_app):
    call = a_call(agent.staff.id)
    agent.plant(
        wish(call, staff_id=agent.staff.id, decision="refused", answer="小崔已经打过了",
             decided_at=NOW),
        Notice(id=derived_id("n"), staff_id=agent.staff.id, kind="access_refused",
               subject="callback", count=4, by_id=AGENT.id, happened_at=NOW),
        AGENT,
    )  # fmt: skip
    app, _ = await open_app(agent)
    assert app.says("陈静 没有批准你查看一次回访的申请")
    await app.go(f"/ask/callback/{call.id}")
    assert app.says("小崔已经打过了") and app.has("ask")


async def test_giving_back_deletes_at_once_and_tells_the_server(agent, open_app):
    timed = Grant(
        id=derived_id("grant", HERE), staff_id=agent.staff.id, bucket=HERE, purpose="callback",
        role="callback_agent", not_before=NOW - timedelta(days=1), expires_at=ENDS,
    )  # fmt: skip
    agent.plant(timed)
    app, shell = await open_app(agent)
    await app.go(f"/callbacks/{a_call('').id}")
    await app.tap("access-return")
    await app.tap("confirm-yes")
    await app.settle()
    assert shell.store.get(Customer, ONE.id) is None and not app.says("甲公司")
    (change,) = shell.store.waiting()
    assert (change.entity, set(change.values)) == ("grant", {"returned_at"})


async def test_a_manager_finds_who_asks_and_approves(manager, open_app):
    app, shell = await open_app(manager)
    assert app.says("有 1 个查看申请等你决定")
    await app.go("/more")
    assert app.says("1")
    await app.go("/decisions")
    assert app.says("陈静（回访专员）") and app.says("客户让我明天再打") and app.says("4 小时")
    await app.tap(f"approve-{wish(a_call('')).id}")
    (change,) = shell.store.waiting()
    assert change.values == {"decision": "approved"}
    assert not app.has(f"approve-{wish(a_call('')).id}") and app.says("已批准")


async def test_a_manager_ends_what_was_approved_and_still_runs(field_of, open_app):
    phone, call = field_of(Role.STORE_MANAGER), a_call(AGENT.id)
    over = wish(
        call, id=derived_id("over"), hours=1, decision="approved",
        decided_at=NOW - timedelta(hours=2),
    )  # fmt: skip
    runs = wish(call, decision="approved", decided_at=NOW - timedelta(hours=2))
    phone.plant(ONE, AGENT, call, over, runs)
    app, shell = await open_app(phone)
    await app.go("/decisions")
    assert not app.has(f"end-{over.id}")
    await app.tap(f"end-{runs.id}")
    await app.tap("confirm-yes")
    await app.settle()
    (change,) = shell.store.waiting()
    assert (change.record_id, set(change.values)) == (runs.id, {"ended_at"})
    assert not app.has(f"end-{runs.id}") and app.says("已提前结束")


async def test_a_manager_refuses_with_a_word(manager, open_app):
    app, shell = await open_app(manager)
    await app.go("/decisions")
    await app.tap(f"refuse-{wish(a_call('')).id}")
    await app.type("answer", "小崔已经打过了")
    await app.tap("refuse-yes")
    await app.settle()
    (change,) = shell.store.waiting()
    assert change.values == {"decision": "refused", "answer": "小崔已经打过了"}


async def test_nobody_but_a_manager_finds_requests_to_decide(field, open_app):
    field.plant(ONE, AGENT, wish(a_call(AGENT.id)))
    app, _ = await open_app(field)
    await app.go("/decisions")
    assert not app.says("客户让我明天再打")
