"""Customers on the screen: the list, the one search box, the page and its sections."""

from __future__ import annotations

from datetime import timedelta

import apsw
from flet import Chip
from flet.canvas import Canvas

from mobile.keys.port import Profile
from mobile.store.store import Store
from mobile.store.unit import Unit
from mobile.ui.theme import TARGET
from shared.declare import Role
from shared.entities import Asset, Assignment, Case, Contact, Customer, Order, OrderLine
from shared.errors import Code, Refusal
from shared.ids import derived_id
from tests.mobile.ui.field import NOW, Field, customer, visit
from tests.mobile.ui.written import looks


def contact(of: Customer, name: str, **more) -> Contact:
    return Contact(id=derived_id("contact", of.id, name), customer_id=of.id, name=name, **more)


async def searched(app, text: str) -> None:
    """Types into the box and waits for what it finds."""
    await app.type("search", text)
    await app.until(lambda: not app.has("customers"))


# ── the list ──────────────────────────────────────────────────────────────────────────────


async def test_the_list_begins_with_whoever_is_overdue_and_says_how_many(field, open_app):
    late = customer("迟公司", tier="high", created_at=NOW - timedelta(days=60))
    soon = customer("新公司", tier="low", created_at=NOW - timedelta(days=1), vip=True)
    field.plant(soon, late)
    app, _ = await open_app(field)

    await app.go("/customers")

    rows = [c.key for c in app.controls() if str(getattr(c, "key", "")).startswith("open-")]
    assert rows == [f"open-{late.id}", f"open-{soon.id}"]
    assert app.says("拜访逾期 30 天") and app.says("1 位拜访逾期") and app.says("重点客户")


async def test_a_phone_without_customers_says_what_this_place_is_for(field, open_app):
    app, _ = await open_app(field)

    await app.go("/customers")

    assert app.says("还没有客户")


async def test_ten_thousand_customers_reach_the_client_a_page_at_a_time(field, open_app):
    field.plant(*(customer(f"客户{n:05d}", created_at=NOW) for n in range(130)))
    app, _ = await open_app(field)
    await app.go("/customers")

    def rows() -> int:
        return sum(1 for key in app.keys() if key.startswith("open-"))

    assert rows() == 60 and app.says("130 位客户")
    await app.scroll("customers", pixels=4000, end=4560)
    assert rows() == 120
    await app.scroll("customers", pixels=9000, end=9120)
    await app.scroll("customers", pixels=9100, end=9120)
    assert rows() == 130


async def test_the_box_finds_as_one_types_grouped_by_kind_and_the_way_back_finds_it_again(
    field, open_app
):
    acme = customer("上海示例机电")
    field.plant(acme, contact(acme, "王小明"), customer("别的公司"))
    app, _ = await open_app(field)
    await app.go("/customers")

    await searched(app, "wxm")
    (hit,) = [key for key in app.keys() if key.startswith("hit-")]
    assert app.says("联系人（1）") and app.says("上海示例机电")
    await app.tap(hit)
    assert app.find("show-contacts") and app.says("王小明")
    await app.tap("back")
    assert app.find("search").value == "wxm" and app.has(hit)


async def test_nothing_found_says_so_and_clearing_brings_the_list_back(field, open_app):
    field.plant(customer("甲公司"))
    app, _ = await open_app(field)
    await app.go("/customers")

    await searched(app, "没有这样的人")
    assert app.says("没有找到")
    await app.tap("search-clear")
    assert app.has("customers") and app.find("search").value == ""


# ── the page ──────────────────────────────────────────────────────────────────────────────


async def test_opening_a_customer_is_on_record_before_anything_is_shown(field, open_app):
    acme = customer("甲公司")
    field.plant(acme)
    app, shell = await open_app(field)

    await app.go(f"/customers/{acme.id}")

    assert app.says("甲公司")
    assert looks(shell) == [("customer", "opened")]


class FullPhone(Field):
    """A phone on which nothing can be written any more."""

    def store(self, db: apsw.Connection, profile: Profile | None = None) -> Store:
        time = super().store(db, profile).parts.time
        return FullStore(db, time)


class FullStore(Store):
    def unit(self) -> Unit:
        raise Refusal(Code.DISK_FULL)


async def test_a_look_that_cannot_be_kept_shows_nothing(tmp_path, open_app):
    phone = FullPhone(tmp_path)
    acme = customer("甲公司")
    phone.plant(acme)
    app, _ = await open_app(phone)

    await app.go(f"/customers/{acme.id}")
    assert app.says("存储空间不足") and not app.ever_said("甲公司")
    await app.go(f"/customers/{acme.id}/edit")
    assert app.says("存储空间不足") and not app.has("phone")


async def test_a_number_is_masked_until_asked_for_and_the_asking_is_on_record(field, open_app):
    acme = customer("甲公司", phone="13812345678")
    field.plant(acme)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}")

    assert not app.says("13812345678")
    await app.tap("phone-show")

    assert app.says("13812345678")
    assert looks(shell) == [("customer", "opened"), ("customer", "unmasked")]


async def test_a_customer_of_someone_else_shows_a_refusal_and_no_name(field, open_app):
    app, _ = await open_app(field)

    await app.go(f"/customers/{derived_id('customer', '别人的')}")

    assert app.says("找不到这条记录")


async def test_an_email_in_the_profile_is_masked_until_asked_for(field, open_app):
    acme = customer("甲公司", email="wang@example.com")
    field.plant(acme)
    app, _ = await open_app(field)
    await app.go(f"/customers/{acme.id}?show=profile")

    assert app.says("w••••@example.com")
    await app.tap(f"unmask-email-{acme.id}")
    assert app.says("wang@example.com")


async def test_contact_details_are_verified_and_needs_reviewed_by_one_tap_each(field, open_app):
    acme = customer("甲公司", created_at=NOW - timedelta(days=100))
    field.plant(acme)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}")
    await app.tap("show-profile")
    assert app.says("该做了")

    await app.tap("verify")
    await app.tap("review")

    after = shell.store.get(Customer, acme.id)
    assert after.contact_verified_at == after.needs_reviewed_at == NOW
    assert not app.says("该做了")


async def test_what_comes_next_stands_above_and_opens(field, open_app):
    acme = customer("甲公司")
    plan = visit(acme, field.staff, NOW + timedelta(days=1))
    repair = Case(
        id=derived_id("case"), number="HF-1", customer_id=acme.id, kind="repair",
        title="空调不制冷", state="assigned", opened_at=NOW,
    )  # fmt: skip
    field.plant(acme, plan, repair)
    app, _ = await open_app(field)
    await app.go(f"/customers/{acme.id}")

    assert app.says("空调不制冷") and app.says("明天 10:00")
    await app.tap(f"visit-{plan.id}")
    assert app.has("start")


async def test_the_history_narrows_by_kind(field, open_app):
    acme = customer("甲公司")
    was = visit(
        acme, field.staff, NOW - timedelta(days=3), state="finished",
        finished_at=NOW - timedelta(days=3), notes="谈得很好", satisfaction=90,
    )  # fmt: skip
    order = Order(
        id=derived_id("order"), customer_id=acme.id, number="536365",
        ordered_at=NOW - timedelta(days=40), total_cents=12_300, currency="CNY",
    )  # fmt: skip
    field.plant(acme, was, order)
    app, _ = await open_app(field)
    await app.go(f"/customers/{acme.id}")
    assert app.says("谈得很好") and app.says("536365") and app.says("90 分")

    await app.choose("filter-order", True, "select")

    assert app.says("536365") and not app.says("谈得很好")


async def test_an_order_opens_to_its_lines(field, open_app):
    acme = customer("甲公司")
    order = Order(
        id=derived_id("order"), customer_id=acme.id, number="536365", ordered_at=NOW,
        total_cents=12_300, currency="CNY",
    )  # fmt: skip
    line = OrderLine(
        id=derived_id("line"), customer_id=acme.id, order_id=order.id, code="85123A",
        description="白色灯架", quantity=6, unit_price_cents=255, currency="CNY",
    )  # fmt: skip
    field.plant(acme, order, line)
    app, _ = await open_app(field)
    await app.go(f"/customers/{acme.id}?show=orders")

    assert not app.says("白色灯架")
    await app.tap(f"order-{order.id}")

    assert app.says("白色灯架") and app.says("6 × ¥2.55")


async def test_an_asset_says_how_its_warranty_stands(field, open_app):
    acme = customer("甲公司")
    asset = Asset(
        id=derived_id("asset"), customer_id=acme.id, product="空压机", serial="SN-1",
        warranty_until=NOW.date() - timedelta(days=1),
    )  # fmt: skip
    field.plant(acme, asset)
    app, _ = await open_app(field)

    await app.go(f"/customers/{acme.id}?show=assets")

    assert app.says("已过保") and app.says("SN-1")


# ── writing ───────────────────────────────────────────────────────────────────────────────


async def test_a_new_customer_needs_a_name_and_nothing_else(field, open_app):
    field.plant(
        Assignment(
            id=derived_id("own"), staff_id=field.staff.id, subject="customer",
            subject_id=derived_id("any"), customer_id=derived_id("any"), from_at=NOW,
        )
    )  # fmt: skip
    app, shell = await open_app(field)
    await app.go("/customers/new")

    await app.tap("save")
    assert app.find("name").error
    await app.type("name", "丙公司")
    await app.tap("save")

    # Its own grant comes with the next sync; what its author wrote is there at once.
    assert app.says("丙公司")
    (made,) = [one for one in shell.store.waiting() if one.entity == "customer"]
    assert made.values["name"] == "丙公司"


async def test_an_edit_left_half_way_is_there_again(field, open_app):
    acme = customer("甲公司")
    field.plant(acme)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}/edit")
    assert not app.has("tier-high"), "an account manager gives no tier"

    await app.type("needs", "要备用机")
    await app.tap("back")
    await app.go(f"/customers/{acme.id}/edit")
    assert app.find("needs").value == "要备用机"
    await app.tap("save")

    assert shell.store.get(Customer, acme.id).needs == "要备用机"


async def test_a_store_manager_sees_tier_and_vip(field_of, open_app):
    manager = field_of(Role.STORE_MANAGER)
    acme = customer("甲公司")
    manager.plant(acme)
    app, shell = await open_app(manager)
    await app.go(f"/customers/{acme.id}/edit")

    await app.choose("tier-mid", True, "select")
    await app.tap("save")

    assert shell.store.get(Customer, acme.id).tier == "mid"


async def test_a_contact_is_added_verified_and_shown_first_when_main(field, open_app):
    acme = customer("甲公司")
    field.plant(acme, contact(acme, "王小明"))
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}?show=contacts")

    await app.tap("add-contact")
    await app.type("name", "李工")
    await app.choose("primary", True)
    await app.tap("save")

    (main,) = shell.store.find(Contact, customer_id=acme.id, primary=True)
    assert main.name == "李工"
    assert app.has(f"verify-{main.id}"), "the way back leads to the contacts"
    await app.tap(f"verify-{main.id}")
    assert shell.store.get(Contact, main.id).verified_at == NOW


async def test_an_asset_is_corrected(field, open_app):
    acme = customer("甲公司")
    asset = Asset(id=derived_id("asset"), customer_id=acme.id, product="空压机")
    field.plant(acme, asset)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}?show=assets")

    await app.tap(f"edit-{asset.id}")
    await app.type("serial", "SN-9")
    await app.tap("save")

    assert shell.store.get(Asset, asset.id).serial == "SN-9" and app.says("SN-9")


async def test_a_case_is_opened_with_the_customers_address_and_gets_its_number(field, open_app):
    acme = customer("甲公司")
    asset = Asset(id=derived_id("asset"), customer_id=acme.id, product="空压机")
    field.plant(acme, asset)
    app, shell = await open_app(field)
    await app.go(f"/customers/{acme.id}")

    await app.tap("new-case")
    await app.tap("save")
    assert app.find("title").error
    await app.type("title", "不制冷")
    await app.choose(f"asset_id-{asset.id}", True, "select")
    await app.tap("save")

    (case,) = shell.store.find(Case, customer_id=acme.id)
    assert (case.state, case.asset_id, case.place) == ("new", asset.id, "示例路 1 号")
    assert case.number and app.says(case.number)


async def test_a_technician_sees_no_visit_to_plan_or_start(field_of, open_app):
    technician = field_of(Role.TECHNICIAN)
    acme = customer("甲公司")
    repair = Case(
        id=derived_id("case"), number="HF-1", customer_id=acme.id, kind="repair",
        title="空调不制冷", state="assigned", opened_at=NOW,
    )  # fmt: skip
    technician.plant(acme, repair)
    app, _ = await open_app(technician)

    await app.go(f"/customers/{acme.id}")

    assert app.says("甲公司") and app.says("空调不制冷")
    assert not {"start-visit", "plan-visit", "new-case", "edit"} & app.keys()


async def test_a_form_that_shows_a_number_is_an_unmasking_on_record(field, open_app):
    acme = customer("甲公司", phone="13812345678")
    main = contact(acme, "王小明", phone="13911112222")
    field.plant(acme, main)
    app, shell = await open_app(field)

    await app.go(f"/customers/{acme.id}/edit")
    await app.go(f"/customers/{acme.id}/contacts/{main.id}")

    assert app.find("phone").value == "13911112222"
    assert looks(shell) == [("customer", "unmasked"), ("contact", "unmasked")]


# ── coming back, and access that ends ─────────────────────────────────────────────────────


async def test_the_list_stands_where_it_was_when_one_comes_back_to_it(field, open_app):
    field.plant(*(customer(f"客户{n:05d}", created_at=NOW) for n in range(130)))
    app, shell = await open_app(field)
    await app.go("/customers")
    await app.scroll("customers", pixels=5000, end=9000)
    await app.go("/more")
    await app.go("/customers")
    assert shell.scrolled == {"customers": 5000}
    assert f"open-{customer('客户00070').id}" in set(app.keys()), "as far as it was scrolled"
    shell.visit("/customers")
    assert shell.scrolled == {}, "from the navigation it begins at its top"


async def test_a_page_whose_access_ends_says_when(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, shell = await open_app(field)
    db = shell.store.parts.db
    db.execute("UPDATE held_grant SET expires_at = '2026-11-23T05:00:00.000Z'")
    shell.store.parts.gate.changed()
    await app.go(f"/customers/{one.id}")
    await app.until(lambda: app.says("还有 3 小时"))
    assert app.says("甲公司")


async def test_access_without_an_end_says_nothing_of_it(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, shell = await open_app(field)
    await app.go(f"/customers/{one.id}")
    assert shell.store.access_ends("customer", one.id) is None
    assert app.says("甲公司")


async def test_the_watermark_covers_the_whole_of_a_wide_window(field, open_app):
    one = customer("甲公司")
    field.plant(one)
    app, _ = await open_app(field, width=1400, height=900)
    await app.go(f"/customers/{one.id}")
    (canvas,) = [c for c in app.controls() if isinstance(c, Canvas)]
    assert max(shape.x for shape in canvas.shapes) > 1200
    assert max(shape.y for shape in canvas.shapes) > 700


async def test_chips_of_a_form_are_as_high_as_a_thumb_needs(field, open_app):
    app, _ = await open_app(field)
    await app.go("/customers/new")
    chips = [c for c in app.controls() if isinstance(c, Chip)]
    assert len(chips) > 5
    for chip in chips:
        assert chip.padding.top + chip.padding.bottom + _LINE >= TARGET


_LINE = 20  # dp of a chip's one line of text
