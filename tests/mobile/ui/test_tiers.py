"""What tiers bring to a phone: the visit by tier with its small tasks, and why a level holds."""

from __future__ import annotations

from datetime import timedelta

from shared.entities import Customer, Reason, TierProposal
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, customer, visit


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
