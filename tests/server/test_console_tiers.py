"""The panel's queue at the console."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.ids import derived_id, new_id
from shared.policy import DEFAULTS
from sync_server.admin.pages import tiers as pages
from sync_server.db.records import RECORDS
from sync_server.services import tier_rules, tier_spread
from sync_server.services.scopes import assign_customers, enrol
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, STORE, Field, staff_id

CUSTOMERS = [derived_id("panel", str(n)) for n in range(3)]


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    now = made.clock.now()

    def work(unit: Unit) -> None:
        enrol(unit, staff_id("chen"))
        for number, customer in enumerate(CUSTOMERS):
            row = {"id": customer, "name": f"客户{number}号", "tier": "low", "store_id": STORE}
            unit.create("customer", row)
            for days in range(number + 1):
                at = to_wire(now - timedelta(days=days * 30))
                order = {"id": new_id(), "customer_id": customer, "number": str(days)}
                unit.create("order", order | {"ordered_at": at, "total_cents": 40_000})
        assign_customers(unit, CUSTOMERS, staff_id("lin"))

    write(made.server.database, ORG, now, work)
    tier_rules.propose(made.server.database, ORG, now)
    yield made
    made.close()


def tiers(field: Field) -> list[str | None]:
    table = RECORDS["customer"]
    with field.server.database.read() as connection:
        found = connection.execute(table.select().where(table.c.org_id == ORG))
        by_id = {row.id: row.tier for row in found}
    return [by_id[customer] for customer in CUSTOMERS]


def value_of(field: Field, customer: str) -> list[str]:
    """Ids of what is proposed for a customer's value."""
    table = RECORDS["tier_proposal"]
    query = table.select().where(table.c.customer_id == customer, table.c.axis == "value")
    with field.server.database.read() as connection:
        return [row.id for row in connection.execute(query)]


def plan(desk: Desk) -> str:
    found = re.search(r'name="plan" value="(\w+)"', desk.page)
    assert found, desk.text
    return found[1]


def test_the_queue_says_what_moved_and_why_and_many_are_confirmed_after_a_look(
    field: Field,
) -> None:
    desk = signed_in(field, "chen")
    desk.get("/console/tiers?state=proposed&axis=value")
    assert "客户1号" in desk.text and "Value Low → Middle" in desk.text
    assert "Spend in the period: 800.00 (limit 750.00)" in desk.text
    asked = {"which": "all", "state": "proposed", "axis": "value", "verdict": "confirmed"}
    desk.post("/console/tiers/look", **asked)
    assert "Value Low Middle 2" in desk.text
    assert tiers(field) == ["low", "low", "low"]
    answer = desk.post("/console/tiers/decide", **asked, plan=plan(desk))
    assert "2 confirmed." in desk.follow(answer)
    assert tiers(field) == ["low", "mid", "mid"]


def test_what_changed_since_the_look_is_not_decided(field: Field) -> None:
    desk = signed_in(field, "chen")
    desk.get("/console/tiers?state=proposed")
    asked = {"which": "all", "state": "proposed", "axis": "value", "verdict": "confirmed"}
    desk.post("/console/tiers/look", **asked)
    seen = plan(desk)
    said = {"which": "chosen", "state": "proposed", "verdict": "disputed", "note": "no"}
    (first,) = value_of(field, CUSTOMERS[1])
    desk.post("/console/tiers/decide", **said, proposal=first)
    desk.get("/console/tiers?state=proposed")
    answer = desk.post("/console/tiers/decide", **asked, plan=seen)
    assert answer.status_code == 409 and tiers(field) == ["low", "low", "low"]


def test_the_second_page_keeps_what_the_list_was_narrowed_to_and_is_decided_like_the_first(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "TIERS_LISTING", replace(pages.TIERS_LISTING, size=1))
    desk = signed_in(field, "chen")
    desk.get("/console/tiers?state=proposed&axis=value&level=mid")
    (onward,) = re.findall(r'rel="next" href="([^"]+)"', desk.page)
    desk.get(html.unescape(onward))
    assert "2 entries" in desk.text and "Low → Middle" in desk.text
    (chosen,) = re.findall(r'name="proposal" value="([^"]+)"', desk.page)
    hidden = dict(re.findall(r'type="hidden" name="(state|axis|level)" value="([^"]+)"', desk.page))
    assert hidden == {"state": "proposed", "axis": "value", "level": "mid"}
    asked = {**hidden, "which": "chosen", "verdict": "confirmed", "proposal": chosen}
    desk.post("/console/tiers/look", **asked)
    answer = desk.post("/console/tiers/decide", **asked, plan=plan(desk))
    assert "1 confirmed." in desk.follow(answer)


def test_a_decision_that_is_refused_shows_the_list_again_and_says_why(field: Field) -> None:
    desk = signed_in(field, "chen")
    desk.get("/console/tiers?state=proposed&axis=value&level=mid")
    asked = {"which": "all", "state": "proposed", "axis": "value", "level": "mid"}
    answer = desk.post("/console/tiers/look", **asked, verdict="disputed")
    assert answer.status_code == 422 and "A required field is empty." in desk.text
    assert "2 entries" in desk.text and desk.page.count('name="proposal"') == 2
    assert 'action="/console/tiers"' in desk.page
    desk.post("/console/tiers/look", **asked, verdict="confirmed")
    again = {**asked, "verdict": "confirmed", "plan": plan(desk)}
    desk.follow(desk.post("/console/tiers/decide", **again))
    answer = desk.post("/console/tiers/decide", **again)  # the first reply was lost
    assert answer.status_code == 422 and 'role="alert"' in desk.page
    assert tiers(field) == ["low", "mid", "mid"]


def test_whoever_comes_second_is_told_that_somebody_else_has_decided(field: Field) -> None:
    desk = signed_in(field, "chen")
    (first,) = value_of(field, CUSTOMERS[1])
    desk.get(f"/console/tiers/{first}")
    said = {"state": "proposed", "verdict": "confirmed"}
    assert "1 confirmed." in desk.follow(desk.post(f"/console/tiers/{first}", **said))
    answer = desk.post(f"/console/tiers/{first}", **{**said, "verdict": "disputed", "note": "no"})
    assert "1 decided by somebody else meanwhile." in desk.follow(answer)
    assert tiers(field) == ["low", "mid", "low"]


def test_the_numbers_behind_a_proposal_are_read_on_record(field: Field) -> None:
    desk = signed_in(field, "chen")
    (first,) = value_of(field, CUSTOMERS[1])
    desk.get("/console/tiers?state=proposed")
    desk.get(f"/console/tiers/{first}")
    desk.get("/console/tiers/spread")
    look = RECORDS["look"].c
    with field.server.database.read() as connection:
        found = connection.execute(select(look.created_by, look.customer_id, look.what))
        assert [tuple(one) for one in found] == [(staff_id("chen"), CUSTOMERS[1], "opened")]


def test_one_is_disputed_with_a_reason_and_gets_a_second_look(field: Field) -> None:
    desk = signed_in(field, "chen")
    desk.get("/console/tiers?state=proposed&axis=value")
    (link, *_) = re.findall(r'href="(/console/tiers/[0-9a-f-]{36})"', desk.page)
    desk.get(link)
    assert "Orders in the period" in desk.text and "under version 1 of the policy" in desk.text
    desk.post(link, verdict="disputed", state="proposed")
    assert "Reason" in desk.text and "required" in desk.text
    answer = desk.post(link, verdict="disputed", state="proposed", note="mostly returns")
    assert "Disputed by chen" in desk.follow(answer)
    desk.post(link, verdict="confirmed", state="disputed")
    assert "somebody else, or another day" in desk.text
    field.clock.pass_by(days=1)
    desk = signed_in(field, "chen")
    desk.get(link)
    answer = desk.post(link, verdict="withdrawn", state="disputed")
    assert "Withdrawn" in desk.follow(answer) and tiers(field).count("mid") == 0


def test_the_rules_look_again_when_asked(field: Field) -> None:
    desk = signed_in(field, "chen")
    desk.get("/console/tiers?state=proposed")
    assert "customers looked at" in desk.follow(desk.post("/console/tiers/propose"))


def test_the_spread_says_what_holds_and_what_the_best_bring(field: Field) -> None:
    desk = signed_in(field, "chen")
    desk.get("/console/tiers/spread")
    assert "3 Buyers 6 Orders 0.0% of the money" in desk.text  # a fifth of three is nobody
    assert "Value Normal 3" in desk.text or "Value Low 3" in desk.text


def test_industries_are_counted_by_class_and_few_of_all_stores_stay_hidden(field: Field) -> None:
    def work(unit: Unit) -> None:
        for number in range(9):
            said = "五金批发" if number < 6 else "综合医院"
            row = {"id": derived_id("firm", str(number)), "name": "甲", "industry": said}
            unit.create("customer", {**row, "store_id": STORE})

    write(field.server.database, ORG, field.clock.now(), work)
    desk = signed_in(field, "chen")
    desk.get("/console/tiers/spread")
    assert "批发 6" in desk.text and "医疗 3" in desk.text and "Not noted 3" in desk.text
    with field.server.database.read() as connection:
        exact = tier_spread.industries(connection, ORG, DEFAULTS, STORE)
        shown = tier_spread.industries(connection, ORG, DEFAULTS)
    assert exact["批发"] == 6 and exact["医疗"] == 3
    assert shown["医疗"] is None and shown[None] is None


def test_the_queue_is_for_store_managers_and_of_their_own_store(field: Field) -> None:
    desk = signed_in(field, "gao")
    assert desk.get("/console/tiers").status_code == 403
    elsewhere = derived_id("elsewhere")

    def work(unit: Unit) -> None:
        unit.create("store", {"id": elsewhere, "name": "二号店"})
        for customer in CUSTOMERS:
            unit.update("customer", customer, {"store_id": elsewhere})

    write(field.server.database, ORG, field.clock.now(), work)
    desk = signed_in(field, "chen")
    desk.get("/console/tiers?state=proposed")
    assert "客户" not in desk.text
