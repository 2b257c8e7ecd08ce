"""The inbox of what waits to be decided: conflicts by field, with undo and return; held work for a
store manager, online; and what people are told when customers change hands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.clock import to_wire
from shared.declare import Role
from shared.entities import Conflict, Customer, Notice, Staff
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.wire import HeldChange, Outcome, PushReply
from tests.mobile.ui.field import NOW, Field, customer
from tests.mobile.ui.test_sync_screen import COLLEAGUE, conflict

ZHAO = Staff(id=COLLEAGUE, name="赵国栋", role="account_manager")


def told(phone: Field, **facts: Any) -> Notice:
    given = {
        "id": derived_id("notice", str(facts)), "staff_id": phone.staff.id, "kind": "received",
        "subject": "customer", "count": 12, "other_id": COLLEAGUE, "happened_at": NOW,
    }  # fmt: skip
    return Notice(**(given | facts))


async def test_the_inbox_names_record_field_people_and_values(field, open_app):
    one = customer("甲公司")
    held = conflict(one, field)
    second = replace(held, id=derived_id("c2"), field="city", kept_value="上海")
    field.plant(one, held, second, ZHAO)
    app, _ = await open_app(field)
    await app.go("/decisions")
    assert app.says("甲公司") and app.says("需求") and app.says("城市")
    assert app.says("赵国栋：季度检修") and app.says("我：年度保养")
    assert app.has(f"conflict-{held.id}") and app.has(f"conflict-{second.id}")


async def test_an_empty_inbox_says_what_it_is_for(field, open_app):
    app, _ = await open_app(field)
    await app.go("/decisions")
    assert app.says("没有要决定的冲突") and app.says("没有网络也能决定")
    assert not app.says("被扣下的工作")


async def test_a_decision_is_taken_back_from_the_line_that_confirms_it(field, open_app):
    one = customer("甲公司")
    held = conflict(one, field)
    field.plant(one, held, ZHAO)
    app, shell = await open_app(field)
    await app.go(f"/decisions/{held.id}")
    await app.tap("take-mine")
    assert shell.store.conflicts() == []
    await app.undo()
    assert [c.id for c in shell.store.conflicts()] == [held.id]
    assert shell.store.waiting() == [] and shell.store.status().unsent == 0


async def test_a_decision_that_was_sent_is_no_longer_taken_back(field, open_app):
    one = customer("甲公司")
    held = conflict(one, field)
    field.plant(one, held, ZHAO)
    app, shell = await open_app(field)
    await app.go(f"/decisions/{held.id}")
    await app.tap("take-mine")
    change = shell.store.waiting()[0]
    done = Outcome(change_id=change.change_id, verdict="applied", seq=50)
    shell.store.inbound.pushed(
        PushReply(epoch="first", outcomes=[done], backed_up_to=0, server_time=to_wire(NOW))
    )
    await app.undo()
    assert app.says("已经上传了")
    assert shell.store.get(Conflict, held.id).resolution == "other"


async def test_the_value_that_was_left_aside_comes_back_as_an_ordinary_edit(field, open_app):
    one = customer("甲公司", needs="季度检修")
    field.plant(one, conflict(one, field, resolution="kept", updated_at=NOW), ZHAO)
    app, shell = await open_app(field)
    await app.go("/decisions")
    assert app.says("未采用：年度保养")
    await app.tap(f"restore-{derived_id('conflict', '1')}")
    assert shell.store.get(Customer, one.id).needs == "年度保养"
    (change,) = shell.store.waiting()
    assert (change.entity, change.values) == ("customer", {"needs": "年度保养"})


async def test_two_colleagues_values_bear_their_names_for_a_manager(field_of, open_app):
    phone = field_of(Role.STORE_MANAGER)
    one = customer("甲公司", owner_id=COLLEAGUE)
    other = Staff(id=derived_id("staff", "qian"), name="钱进", role="technician")
    held = conflict(one, phone, other_by=other.id)
    phone.plant(one, held, ZHAO, other)
    app, shell = await open_app(phone)
    await app.go("/decisions")
    assert app.says("客户经理：赵国栋")
    await app.go(f"/decisions/{held.id}")
    assert {"钱进", "赵国栋"} <= app.texts() and "我的" not in app.texts()
    assert app.has("take-kept") and not app.has("take-mine")
    await app.tap("take-other")
    assert shell.store.get(Conflict, held.id).resolution == "other"


# ── held work ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class Desk:
    """Stands in for the server where a manager decides on held work."""

    waiting: list[HeldChange] = field(default_factory=list)
    refusal: Refusal | None = None
    released: list[list[str]] = field(default_factory=list)
    refused: list[list[str]] = field(default_factory=list)

    async def ask(self, call: Any) -> Any:
        if self.refusal is not None:
            raise self.refusal
        return await call(self)

    async def held_work(self) -> list[HeldChange]:
        return self.waiting

    async def release_held(self, ids: list[str]) -> None:
        self.released.append(ids)
        self.waiting = [one for one in self.waiting if one.change_id not in ids]

    async def refuse_held(self, ids: list[str]) -> None:
        self.refused.append(ids)
        self.waiting = [one for one in self.waiting if one.change_id not in ids]


def brought(one: Customer, name: str, **fields: Any) -> HeldChange:
    return HeldChange(
        change_id=derived_id("change", name), staff_id=COLLEAGUE, customer_id=one.id,
        entity="visit", record_id=derived_id("visit"), kind="create", fields=fields,
        written_at=to_wire(NOW - timedelta(hours=3)), received_at=to_wire(NOW),
    )  # fmt: skip


@pytest.fixture
def manager(field_of) -> tuple[Field, Desk, Customer]:
    phone, desk, one = field_of(Role.STORE_MANAGER), Desk(), customer("甲公司")
    phone.engine.ask = desk.ask
    phone.plant(one, ZHAO)
    desk.waiting = [brought(one, "1", notes="客户要加急", purpose="care"), brought(one, "2")]
    return phone, desk, one


async def test_held_work_is_shown_and_accepted_whole(manager, open_app):
    phone, desk, _ = manager
    app, _ = await open_app(phone)
    await app.go("/decisions")
    assert app.says("赵国栋 · 甲公司") and app.says("2 项") and app.says("客户要加急")
    (key,) = [key for key in app.keys() if key.startswith("accept-")]
    await app.tap(key)
    assert desk.released == [[derived_id("change", "1"), derived_id("change", "2")]]
    assert app.says("没有被扣下的工作")


async def test_held_work_is_refused_only_after_a_question(manager, open_app):
    phone, desk, _ = manager
    app, _ = await open_app(phone)
    await app.go("/decisions")
    (key,) = [key for key in app.keys() if key.startswith("refuse-")]
    await app.tap(key)
    assert desk.refused == [] and app.says("它们不会生效")
    await app.tap("confirm-yes")
    assert len(desk.refused) == 1 and app.says("没有被扣下的工作")


async def test_without_a_network_held_work_says_so_and_is_asked_for_again(manager, open_app):
    phone, desk, _ = manager
    desk.refusal = Refusal(Code.OFFLINE)
    app, _ = await open_app(phone)
    await app.go("/decisions")
    assert app.says("被扣下的工作要连上网络才能看到")
    desk.refusal = None
    await app.tap("held-retry")
    assert app.says("赵国栋 · 甲公司")


async def test_a_refusal_of_the_server_is_worded_and_can_be_tried_again(manager, open_app):
    phone, desk, _ = manager
    desk.refusal = Refusal(Code.SERVER_FAULT)
    app, _ = await open_app(phone)
    await app.go("/decisions")
    assert app.says("应用会再试") and app.has("held-retry")


# ── notices ───────────────────────────────────────────────────────────────────────────────────


async def test_today_tells_of_customers_that_came_until_it_was_read(field, open_app):
    one = told(field)
    field.plant(one, ZHAO)
    app, shell = await open_app(field)
    assert app.says("赵国栋 把 12 位客户转给了你")
    await app.tap(f"dismiss-{one.id}")
    assert not app.says("12 位客户")
    assert [w.entity for w in shell.store.waiting()] == ["notice"]


async def test_in_english_one_customer_is_one_customer(field, open_app):
    field.plant(told(field, kind="handed_on", count=1), ZHAO)
    app, shell = await open_app(field)
    shell.speak("en")
    await app.settle()
    assert app.says("1 customer went to 赵国栋")


async def test_what_was_told_long_ago_is_told_no_more(field, open_app):
    field.plant(told(field, happened_at=NOW - timedelta(days=31)), ZHAO)
    app, _ = await open_app(field)
    assert not app.says("12 位客户")


async def test_today_leads_to_what_waits_to_be_decided(field, open_app):
    one = customer("甲公司")
    field.plant(one, conflict(one, field), ZHAO)
    app, shell = await open_app(field)
    assert app.says("有 1 处冲突等你决定")
    await app.tap("to-decisions")
    assert shell.page.route == "/decisions"
