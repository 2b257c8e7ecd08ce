"""What tiers bring to a phone: the visit by tier with its small tasks, why a level holds, and what
waits for a seat of the panel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mobile.usecases import panel
from shared.declare import Role
from shared.entities import Customer, Policy, Reason, TierProposal
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, customer, visit

SPEND = Reason(key="spend", value=4_123_00, wanted=3_000_00)
ORDERS = Reason(key="orders", value=2, wanted=6)


def proposed(of: Customer, axis: str = "value", after: str = "high", **more: Any) -> TierProposal:
    row: dict[str, Any] = {
        "id": derived_id("proposal", of.id, axis), "customer_id": of.id, "axis": axis,
        "before": "mid" if axis == "value" else None, "after": after, "reasons": (ORDERS, SPEND),
        "policy_version": 3, "state": "proposed", "proposed_at": NOW - timedelta(days=3),
    }  # fmt: skip
    return TierProposal(**(row | more))


def seats(**words: str) -> Policy:
    settings = {f"panel_{seat}": word for seat, word in words.items()}
    since = NOW - timedelta(days=9)
    return Policy(id=derived_id("policy"), version=1, holds_from=since, settings=settings)


async def test_what_falls_due_until_a_visit_is_done_along_with_it(field, open_app):
    acme = customer("甲公司", created_at=NOW - timedelta(days=60))
    plan = visit(acme, field.staff, NOW + timedelta(days=1), due_by=NOW + timedelta(days=3))
    later = customer("乙公司", contact_verified_at=NOW, created_at=NOW - timedelta(days=60))
    other = visit(later, field.staff, NOW + timedelta(days=2))
    field.plant(acme, plan, later, other)
    app, shell = await open_app(field)

    await app.go(f"/visits/{plan.id}")
    assert app.says("按等级最迟") and app.says("本次顺带完成")
    assert app.says("节假日历未定，暂估"), "no calendar has come to this phone"
    assert app.has("verify") and not app.has("review"), "needs are not due for another month"
    await app.tap("start")
    await app.tap("verify")
    assert shell.store.get(Customer, acme.id).contact_verified_at == NOW
    assert not app.says("本次顺带完成")

    await app.go(f"/visits/{other.id}")
    assert not app.says("本次顺带完成")


async def test_a_customers_page_says_why_their_tier_holds_and_under_which_policy(field, open_app):
    acme = customer("甲公司", tier="high", lifecycle="active", loyalty="loyal")
    said = TierProposal(
        id=derived_id("proposal"), customer_id=acme.id, axis="value", before="mid", after="high",
        reasons=(Reason(key="orders", value=8, wanted=6),), policy_version=3, state="confirmed",
        proposed_at=NOW - timedelta(days=3), decided_at=NOW - timedelta(days=2),
    )  # fmt: skip
    field.plant(acme, said)
    app, _ = await open_app(field)
    await app.go(f"/customers/{acme.id}?show=profile")
    assert app.says("统计期订单：8（标准 6）") and app.says("依据政策第 3 版")
    assert app.says("活跃") and app.says("忠诚")


async def test_a_manager_confirms_offline_what_waits_for_their_seat_and_can_take_it_back(
    field_of, open_app
):
    field = field_of(Role.STORE_MANAGER)
    field.place.up = False
    acme = customer("甲公司", tier="mid")
    one, said = proposed(acme), proposed(acme, "need", "standard", state="confirmed")
    older = proposed(acme, "region", "first", reasons=(), proposed_at=NOW - timedelta(days=9))
    field.plant(acme, older, one, said)
    app, shell = await open_app(field)
    await app.go("/decisions")
    assert app.says("价值：中价值 → 高价值") and app.says("统计期消费：4,123.00（标准 3,000.00）")
    assert not app.has(f"tier-{said.id}")
    assert panel.waiting(shell.store) == [one.id, older.id], "what moves visits comes first"

    await app.tap(f"tier-{one.id}")
    await app.until(lambda: app.has("confirmed"))
    assert app.says("统计期订单：2（标准 6）") and app.says("依据政策第 3 版")
    await app.tap("confirmed")
    assert shell.store.get(TierProposal, one.id).state == "confirmed"
    assert not app.has(f"tier-{one.id}")
    await app.undo()
    assert shell.store.get(TierProposal, one.id).state == "proposed"
    await app.until(lambda: app.has(f"tier-{one.id}"))


async def test_a_dispute_says_why_and_waits_a_day_for_its_authors_second_look(field_of, open_app):
    field = field_of(Role.STORE_MANAGER)
    acme = customer("甲公司", tier="mid")
    one = proposed(acme)
    mine = proposed(
        acme, "loyalty", "loyal", state="disputed", note="再看看", disputed_by=field.staff.id,
        disputed_at=NOW - timedelta(hours=2),
    )  # fmt: skip
    field.plant(acme, one, mine)
    app, shell = await open_app(field)
    await app.go("/decisions")
    assert not app.has(f"tier-{mine.id}")
    await app.tap(f"tier-{one.id}")
    await app.until(lambda: app.has("disputed"))
    await app.tap("disputed")
    assert app.find("note").error == "必填"
    assert shell.store.get(TierProposal, one.id).state == "proposed"
    await app.type("note", "大单是一次性的")
    await app.tap("disputed")
    now = shell.store.get(TierProposal, one.id)
    assert (now.state, now.note) == ("disputed", "大单是一次性的")
    assert not app.has(f"tier-{one.id}"), "what was just disputed waits for others"

    await app.go(f"/customers/{acme.id}/tier/{mine.id}")
    assert app.says("这是你提出的争议") and not app.has("withdrawn")
    field.clock.move(timedelta(hours=23))
    await app.go("/decisions")
    await app.tap(f"tier-{mine.id}")
    await app.until(lambda: app.has("withdrawn"))
    await app.tap("withdrawn")
    assert shell.store.get(TierProposal, mine.id).state == "withdrawn"


async def test_who_is_named_for_a_seat_finds_what_waits_for_it_and_nobody_else_does(
    field, open_app
):
    acme = customer("甲公司", tier="mid", owner_id=field.staff.id)
    fulfilled = tuple(Reason(key=key, value=1, wanted=1) for key in ("criteria", "advice"))
    value, vip = proposed(acme), proposed(acme, "vip", "yes", reasons=fulfilled)
    sat = proposed(acme, "loyalty", "loyal", seats=("sales",))
    field.plant(acme, value, vip, sat)
    app, shell = await open_app(field)
    await app.go("/decisions")
    assert not app.says("等你审核的分级")
    field.receive(shell.store, seats(sales=field.staff.id, service="store_manager"))
    await app.until(lambda: app.has(f"tier-{value.id}"))
    assert not app.has(f"tier-{vip.id}"), "the service seat's"
    assert not app.has(f"tier-{sat.id}"), "this seat has confirmed it"
    await app.go(f"/customers/{acme.id}/tier/{vip.id}")
    assert (
        app.says("由售后席位单独确认") and app.says("有价值的建议：是") and not app.has("confirmed")
    )
