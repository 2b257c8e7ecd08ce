"""What the rules ask to be known of a customer and of a case is typed, kept, and shown (S0 #1, #2,
#13; S1 #44; S2 #91, #98, #99; S4 #180)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from shared.declare import Role
from shared.entities import Asset, Case, Customer, Order, OrderLine, Organisation
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, customer
from tests.mobile.ui.repair_field import RepairField

TYPED = {
    "company": "甲集团",
    "industry": "五金批发",
    "source": "行业展会",
    "decision_chain": "店长试用，老板拍板",
    "service_preferences": "只在上午联系",
    "profile": "价格敏感，喜欢先试后买",
    "usage_habits": "两班倒，周末停机",
    "concerns": "怕换机停产",
}
CHOSEN = {
    "kind": "other",
    "stage": "potential",
    "size": "medium",
    "gender": "female",
    "need_kind": "custom",
    "contact_preference": "wechat",
    "buys_through": "phone",
    "price_sense": "quality",
    "decides_by": "service",
    "openness": "when_proven",
}


async def test_what_is_asked_of_a_customer_is_typed_kept_and_shown(field, open_app):
    acme = customer("甲公司")
    field.plant(acme)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}/edit")
    for name, words in TYPED.items():
        await app.type(name, words)
    for name, word in CHOSEN.items():
        await app.choose(f"{name}-{word}", True, "select")
    await app.type("address", "示例路 3 号")
    await app.pick_day("birthday", datetime(1986, 3, 5, tzinfo=UTC))
    await app.tap("save")

    after = shell.store.get(Customer, acme.id)
    assert {name: getattr(after, name) for name in TYPED | CHOSEN} == TYPED | CHOSEN
    assert (after.birthday, after.address) == (date(1986, 3, 5), "示例路 3 号")
    await app.tap("show-profile")
    assert not [words for words in TYPED.values() if not app.says(words)]
    assert app.says("看别人用过再说") and app.says("五金批发 · 批发"), "the class beside the words"


async def test_a_class_of_industry_is_written_down_by_a_tap(field, open_app):
    acme = customer("甲公司", industry="连锁门店")
    field.plant(acme)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}/edit")
    assert app.find("industry-class-零售").selected, "the words that stand there name it"
    await app.choose("industry-class-餐饮", True, "select")
    await app.tap("save")
    assert shell.store.get(Customer, acme.id).industry == "餐饮"


async def test_habits_are_told_from_the_orders_with_how_they_were_counted(field, open_app):
    acme = customer("甲公司")
    bought = []
    for week, state in enumerate(("placed", "placed", "placed", "cancelled")):
        order = Order(
            id=derived_id("order", str(week)), customer_id=acme.id, number=f"N{week}",
            ordered_at=NOW - timedelta(weeks=week), state=state, total_cents=10_000 + week,
            currency="CNY",
        )  # fmt: skip
        line = OrderLine(
            id=derived_id("line", str(week)), customer_id=acme.id, order_id=order.id,
            code="L1", description="白色灯架", quantity=6,
        )  # fmt: skip
        bought += [order, line]
    field.plant(acme, *bought)
    app, _ = await open_app(field)
    await app.go(f"/customers/{acme.id}?show=orders")
    assert app.says("白色灯架（3 单）") and app.says("¥100.01，1 种")
    assert app.says("周一（3 单）") and app.says("3 张订单统计，已取消和退货不计")


async def test_name_model_day_and_amount_of_an_asset_are_typed_kept_and_shown(field, open_app):
    acme = customer("甲公司")
    here = Organisation(
        id=derived_id("here"), name="示范公司", timezone="Asia/Shanghai", currency="CNY"
    )
    field.plant(acme, here)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}/assets/new")
    await app.type("product", "空压机")
    await app.type("model", "GA-37")
    await app.pick_day("bought_at", datetime(2025, 3, 5, tzinfo=UTC))
    await app.type("price_cents", "12,800.50")
    await app.tap("save")

    (kept,) = shell.store.find(Asset, customer_id=acme.id)
    assert (kept.product, kept.model, kept.bought_at) == ("空压机", "GA-37", date(2025, 3, 5))
    assert (kept.price_cents, kept.currency) == (1_280_050, "CNY")
    shown = ("空压机", "GA-37", "2025年3月5日", "¥12,800.50")
    assert not [words for words in shown if not app.says(words)]


async def test_what_an_asset_cost_is_not_asked_of_whoever_holds_a_case_alone(tmp_path, open_app):
    technician = RepairField(tmp_path)
    technician.case()
    app, _ = await open_app(technician)
    await app.go(f"/customers/{technician.customer.id}/assets/new")
    assert app.has("model") and not app.has("price_cents")


async def test_a_repair_asked_for_by_mail_is_booked_with_time_and_place(field, open_app):
    acme = customer("甲公司")
    field.plant(acme)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}")
    await app.tap("new-case")
    await app.type("title", "不制冷")
    await app.choose("channel-email", True, "select")
    await app.type("place", "示例路 2 号")
    await app.pick_day("appointment_at", NOW + timedelta(days=1))
    await app.pick_time(time(14, 30))
    await app.tap("save")

    (case,) = shell.store.find(Case, customer_id=acme.id)
    booked = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # 14:30 in Shanghai
    assert (case.channel, case.place, case.appointment_at) == ("email", "示例路 2 号", booked)
    await app.go(f"/cases/{case.id}")
    assert app.says("14:30") and app.says("示例路")


async def test_a_complaint_comes_with_how_it_is_to_be_handled(tmp_path, open_app):
    agent = RepairField(tmp_path, Role.CALLBACK_AGENT)
    case = agent.case(kind="complaint", title="门锁打不开", state="new", assignee_id=None)
    app, _ = await open_app(agent)
    await app.go(f"/cases/{case.id}")
    await app.tap("instruction-complaint")
    assert app.says("投诉处理要点") and app.says("不打断，不辩解")
