"""Customers as their people meet them: who is due, who is found, what is written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mobile.usecases import customer_records as records
from mobile.usecases.case_opening import case_draft, open_case, suggested_case
from mobile.usecases.customer_page import customer_page, purchases, warranty
from mobile.usecases.customers import Known, by_due, own_customers, search
from mobile.usecases.timeline import timeline
from shared.clock import to_wire
from shared.declare import Role
from shared.entities import Asset, CaseEvent, Contact, Customer
from shared.errors import Code, Refusal
from shared.policy import DEFAULTS
from tests.mobile.store_world import ME, MORNING, World, an_id, case, customer, visit

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = MORNING.astimezone(SHANGHAI).date()


def world(*people: dict, rows: tuple = (), role: Role = Role.ACCOUNT_MANAGER) -> World:
    """A store that holds these customers and these (entity, row) beside them."""
    made = World(role=role)
    lines = [made.line("customer", one) for one in people]
    lines += [made.line(entity, row) for entity, row in rows]
    made.hold(*(f"customer:{one['id']}" for one in people), rows=tuple(lines))
    return made


# ── whose turn it is ──────────────────────────────────────────────────────────────────────


def ago(days: int) -> str:
    return to_wire(MORNING - timedelta(days=days))


def someone(name: str, tier: str | None, days_known: int = 400) -> Known:
    return Known(an_id("customer", name), name, None, None, tier, None, ago(days_known))


def test_whoever_is_due_first_by_tier_stands_on_top():
    high, mid, low = someone("高", "high"), someone("中", "mid"), someone("普", "low")
    finished = [(high.id, ago(20)), (mid.id, ago(89)), (low.id, ago(100))]

    cards = by_due([low, mid, high], finished, [], DEFAULTS, MORNING)

    assert [card.name for card in cards] == ["中", "高", "普"]
    assert [(card.due_at - MORNING).days for card in cards] == [2, 10, 82]


def test_a_customer_never_visited_is_due_counted_from_their_first_day():
    (card,) = by_due([someone("新", "high", days_known=31)], [], [], DEFAULTS, MORNING)

    assert card.overdue(MORNING)
    assert card.due_at == MORNING - timedelta(days=1)


def test_the_latest_of_several_visits_counts_in_whatever_order_they_come():
    one = someone("甲", "high")
    finished = [(one.id, ago(3)), (one.id, ago(40)), (one.id, None), (one.id, ago(20))]

    (card,) = by_due([one], finished, [], DEFAULTS, MORNING)

    assert card.visited_at == MORNING - timedelta(days=3)


def test_a_late_customer_with_a_coming_visit_is_not_overdue_but_one_whose_plan_passed_is():
    one = someone("甲", "high")
    coming = [(one.id, MORNING + timedelta(hours=2)), (one.id, MORNING + timedelta(days=9))]

    (card,) = by_due([one], [], coming, DEFAULTS, MORNING)

    assert card.planned_at == MORNING + timedelta(hours=2)
    assert not card.overdue(MORNING)
    assert card.overdue(MORNING + timedelta(hours=3))


def test_the_list_reads_finished_and_coming_visits_of_each_customer():
    acme = customer("甲公司", tier="high", city="上海", vip=True)
    done = visit(acme, "done", state="finished", finished_at=ago(5))
    made = world(
        acme, customer("乙公司", tier="low"), rows=(("visit", done), ("visit", visit(acme)))
    )

    first, second = own_customers(made.store)

    assert (first.name, first.city, first.vip) == ("甲公司", "上海", True)
    assert first.visited_at == MORNING - timedelta(days=5)
    assert first.planned_at == MORNING + timedelta(hours=1)
    assert (second.name, second.visited_at, second.planned_at) == ("乙公司", None, None)


def test_those_who_do_not_visit_see_their_customers_by_name_without_due_times():
    made = world(customer("乙"), customer("丙"), customer("甲"), role=Role.CALLBACK_AGENT)

    cards = own_customers(made.store)

    assert [card.name for card in cards] == sorted(["甲", "乙", "丙"])
    assert all(card.due_at is None for card in cards)


# ── the search box ────────────────────────────────────────────────────────────────────────


def test_one_box_finds_names_initials_phones_serials_and_case_numbers_grouped_by_kind():
    acme = customer("上海示例机电", phone="138 0000 0000")
    contact = {"id": an_id("contact"), "customer_id": acme["id"], "name": "王小明",
               "phone": "13911112222"}  # fmt: skip
    asset = {"id": an_id("asset"), "customer_id": acme["id"], "product": "空压机",
             "serial": "SN-7788"}  # fmt: skip
    repair = case(acme, number="HF-1024")
    made = world(acme, rows=(("contact", contact), ("asset", asset), ("case", repair)))

    assert search(made.store, "shsx") == {}
    assert [hit.title for hit in search(made.store, "shslj")["customer"]] == ["上海示例机电"]
    assert [hit.title for hit in search(made.store, "wxm")["contact"]] == ["王小明"]
    assert search(made.store, "13911112222")["contact"][0].customer == "上海示例机电"
    assert search(made.store, "sn7788")["asset"][0].route == (
        f"/customers/{acme['id']}?show=assets"
    )
    assert search(made.store, "HF-1024")["case"][0].route == f"/cases/{repair['id']}"
    assert search(made.store, " ") == {}


def test_no_hit_carries_a_phone_number_onto_the_screen():
    acme = customer("甲公司", phone="13800001111", company="甲集团")
    made = world(acme)

    (hit,) = search(made.store, "13800001111")["customer"]

    assert "1380" not in " ".join((hit.title, hit.text, hit.customer))


# ── the page ──────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_open_work_main_contact_first_and_what_is_due():
    acme = customer("甲公司", tier="high", contact_verified_at=to_wire(MORNING))
    people = [
        {"id": an_id("b"), "customer_id": acme["id"], "name": "乙", "decides": True},
        {"id": an_id("a"), "customer_id": acme["id"], "name": "甲"},
        {"id": an_id("c"), "customer_id": acme["id"], "name": "丙", "primary": True},
    ]
    done = visit(acme, "done", state="finished", finished_at=to_wire(MORNING))
    made = world(
        acme,
        rows=(
            *(("contact", one) for one in people),
            ("visit", visit(acme)), ("visit", done),
            ("case", case(acme)), ("case", case(acme, "old", state="closed")),
        ),
    )  # fmt: skip

    page = customer_page(made.store, acme["id"], TODAY)

    assert [one.name for one in page.contacts] == ["丙", "乙", "甲"]
    assert [one.id for one in page.visits] == [an_id("visit")]
    assert [one.id for one in page.cases] == [an_id("case")]
    assert page.due_at == MORNING + timedelta(days=DEFAULTS.visit_every_days_high)
    assert page.checks.contacts_due_at == MORNING + timedelta(days=30)
    assert page.checks.needs_due_at == MORNING + timedelta(days=91)


def test_a_customer_out_of_scope_has_no_page():
    made = world(customer("甲公司"))

    with pytest.raises(Refusal) as refused:
        customer_page(made.store, an_id("customer", "别人的"), TODAY)

    assert refused.value.code is Code.RECORD_MISSING


@pytest.mark.parametrize(
    ("until", "stands"),
    [
        (date(2026, 11, 22), "over"),
        (date(2026, 11, 23), "ending"),
        (date(2026, 12, 23), "ending"),
        (date(2026, 12, 24), "running"),
        (None, "unknown"),
    ],
)
def test_a_warranty_runs_until_the_end_of_its_last_day(until, stands):
    asset = Asset(id=an_id("a"), customer_id=an_id("c"), product="空压机", warranty_until=until)

    assert warranty(asset, date(2026, 11, 23)) == stands


def test_cancelled_orders_do_not_count_and_currencies_are_not_added_up():
    acme = customer("甲公司")

    def order(word: str, cents: int, currency: str, state: str = "placed") -> tuple[str, dict]:
        row = {
            "id": an_id(word), "customer_id": acme["id"], "number": word, "state": state,
            "ordered_at": to_wire(MORNING), "total_cents": cents, "currency": currency,
        }  # fmt: skip
        return "order", row

    made = world(
        acme,
        rows=(
            order("1", 1000, "CNY"), order("2", 500, "CNY"), order("3", 700, "GBP"),
            order("4", 9000, "CNY", "cancelled"),
        ),
    )  # fmt: skip

    bought = purchases(made.store, acme["id"])

    assert dict(bought.totals) == {"CNY": 1500, "GBP": 700}
    assert bought.count == 4


# ── the timeline ──────────────────────────────────────────────────────────────────────────


def test_the_timeline_has_everything_that_happened_newest_first_and_no_plans():
    acme = customer("甲公司")
    at = {n: to_wire(MORNING - timedelta(days=n)) for n in (1, 2, 3, 40)}
    made = world(
        acme,
        rows=(
            ("visit", visit(acme)),
            ("visit", visit(acme, "was", state="finished", finished_at=at[2], satisfaction=90)),
            ("case", case(acme, opened_at=at[3])),
            ("case_event", {"id": an_id("e"), "case_id": an_id("case"), "customer_id": acme["id"],
                            "kind": "moved", "happened_at": at[1], "to_state": "assigned"}),
            ("order", {"id": an_id("o"), "customer_id": acme["id"], "number": "536365",
                       "ordered_at": at[40], "total_cents": 100, "currency": "GBP"}),
        ),
    )  # fmt: skip

    listed = timeline(made.store, acme["id"], SHANGHAI, frozenset(), 10)

    months = [(month.month, [one.id for one in month.happenings]) for month in listed.months]
    assert months == [(11, [an_id("e"), an_id("was"), an_id("case")]), (10, [an_id("o")])]
    assert listed.total == 4


def test_the_timeline_narrows_by_kind_and_is_cut_but_says_how_long_it_is():
    acme = customer("甲公司")
    rows = tuple(
        ("visit", visit(acme, f"v{n}", state="finished",
                        finished_at=to_wire(MORNING - timedelta(days=n))))
        for n in range(5)
    )  # fmt: skip
    made = world(acme, rows=(*rows, ("case", case(acme))))

    listed = timeline(made.store, acme["id"], SHANGHAI, frozenset({"visit"}), 2)

    shown = [one.id for month in listed.months for one in month.happenings]
    assert shown == [an_id("v0"), an_id("v1")]
    assert (listed.shown, listed.total) == (2, 5)


def test_a_month_is_the_readers_month():
    acme = customer("甲公司")
    late_october_in_utc = datetime(2026, 10, 31, 17, 0, tzinfo=UTC)  # 1 November in Shanghai
    row = visit(acme, "v", state="finished", finished_at=to_wire(late_october_in_utc))
    made = world(acme, rows=(("visit", row),))

    (month,) = timeline(made.store, acme["id"], SHANGHAI, frozenset(), 5).months

    assert (month.year, month.month) == (2026, 11)


# ── writing ───────────────────────────────────────────────────────────────────────────────


def test_a_customer_met_in_the_field_is_a_prospect_and_its_draft_is_gone():
    made = World()
    made.hold(f"user:{ME}")
    made.store.save_draft(records.NEW_CUSTOMER_DRAFT, {"name": "新客户"})

    added = records.add_customer(made.store, {"name": "新客户", "city": None})

    assert made.store.get(Customer, added.id).stage == "potential"
    assert made.store.draft(records.NEW_CUSTOMER_DRAFT) is None


def test_an_edit_sends_what_changed_and_nothing_else():
    acme = customer("甲公司", city="上海")
    made = world(acme)
    seen = made.store.get(Customer, acme["id"])

    records.edit_customer(made.store, seen, {"city": "杭州", "name": "甲公司"})

    (change,) = made.store.waiting()
    assert set(change.values) == {"city"}


def test_an_account_manager_cannot_give_a_tier():
    acme = customer("甲公司")
    made = world(acme)

    with pytest.raises(Refusal) as refused:
        records.edit_customer(made.store, made.store.get(Customer, acme["id"]), {"tier": "high"})

    assert refused.value.code is Code.FIELD_NOT_YOURS


def test_verified_and_reviewed_carry_the_moment_of_the_tap():
    acme = customer("甲公司")
    made = world(acme)

    records.verify_contact_details(made.store, made.store.get(Customer, acme["id"]))
    made.clock.advance(minutes=5)
    records.review_needs(made.store, made.store.get(Customer, acme["id"]))

    after = made.store.get(Customer, acme["id"])
    assert after.contact_verified_at == MORNING
    assert after.needs_reviewed_at == MORNING + timedelta(minutes=5)


def test_a_customer_has_one_main_contact():
    acme = customer("甲公司")
    made = world(acme)
    first = records.save_contact(made.store, acme["id"], None, {"name": "甲", "primary": True})

    second = records.save_contact(made.store, acme["id"], None, {"name": "乙", "primary": True})

    main = made.store.find(Contact, customer_id=acme["id"], primary=True)
    assert [one.id for one in main] == [second.id] != [first.id]


def test_verifying_the_main_contact_verifies_the_customer_and_another_does_not():
    acme = customer("甲公司")
    made = world(acme)
    main = records.save_contact(made.store, acme["id"], None, {"name": "甲", "primary": True})
    other = records.save_contact(made.store, acme["id"], None, {"name": "乙"})

    records.verify_contact(made.store, other)
    assert made.store.get(Customer, acme["id"]).contact_verified_at is None

    records.verify_contact(made.store, main)
    assert made.store.get(Customer, acme["id"]).contact_verified_at == MORNING


def test_an_asset_is_added_and_corrected():
    acme = customer("甲公司")
    made = world(acme)
    added = records.save_asset(made.store, acme["id"], None, {"product": "空压机"})

    records.save_asset(made.store, acme["id"], added, {"serial": "SN-1"})

    (asset,) = made.store.find(Asset, customer_id=acme["id"])
    assert (asset.product, asset.serial) == ("空压机", "SN-1")


# ── a new case ────────────────────────────────────────────────────────────────────────────


def test_a_case_begins_at_the_customers_address_with_the_main_contact():
    acme = customer("甲公司", address="示例路 1 号")
    made = world(acme)
    main = records.save_contact(made.store, acme["id"], None, {"name": "甲", "primary": True})

    start = suggested_case(made.store, acme["id"])

    assert (start["place"], start["contact_id"]) == ("示例路 1 号", main.id)


def test_a_case_is_opened_under_a_number_with_the_step_its_clocks_begin_from():
    acme = customer("甲公司")
    made = world(acme)
    made.store.save_draft(case_draft(acme["id"]), {"title": "不制冷"})

    opened = open_case(made.store, acme["id"], {"kind": "repair", "title": "不制冷"})

    (event,) = made.store.find(CaseEvent, case_id=opened.id)
    assert (opened.state, opened.opened_at, event.happened_at) == ("new", MORNING, MORNING)
    assert opened.number and made.store.draft(case_draft(acme["id"])) is None


def test_a_case_that_is_refused_uses_up_no_number():
    acme = customer("甲公司")
    made = world(acme)

    with pytest.raises(Refusal):
        open_case(made.store, acme["id"], {"kind": "repair"})
    one = open_case(made.store, acme["id"], {"kind": "repair", "title": "不制冷"})
    two = open_case(made.store, acme["id"], {"kind": "complaint", "title": "迟到"})

    assert [one.number[-1], two.number[-1]] == ["1", "2"]
