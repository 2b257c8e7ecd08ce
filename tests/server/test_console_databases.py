"""The console's pages on SQLite and on PostgreSQL alike: every list, order and filter answers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from shared.clock import to_wire
from shared.ids import derived_id, new_id
from sync_server.admin.listing import Listing
from sync_server.admin.pages.assignments import ASSIGNMENTS
from sync_server.admin.pages.conflicts import CONFLICTS
from sync_server.admin.pages.devices import DEVICES
from sync_server.admin.pages.stores import STORES
from sync_server.admin.pages.users import USERS
from sync_server.admin.pages.waiting import WAITING
from sync_server.db.base import Database
from sync_server.services.scopes import assign_customers
from sync_server.services.writing import Unit, write
from tests.server.desks import Desk, signed_in
from tests.server.phones import ORG, STORE, Field, staff_id

pytestmark = pytest.mark.thorough

LISTS = {
    "users": USERS, "stores": STORES, "devices": DEVICES, "assignments": ASSIGNMENTS,
    "waiting": WAITING, "conflicts": CONFLICTS,
}  # fmt: skip
CUSTOMERS = [derived_id("console databases", str(n)) for n in range(120)]


@pytest.fixture
def field(db: Database, tmp_path: Path) -> Field:
    made = Field.on(db, tmp_path)

    def work(unit: Unit) -> None:
        for number, customer in enumerate(CUSTOMERS):
            row = {
                "id": customer,
                "name": "客户",
                "store_id": STORE,
                "origin_ref": f"R-{number:03}",
                "industry": ("五金批发", "Wholesale", "综合医院", None)[number % 4],
            }
            unit.create("customer", row)
            told = {
                "id": new_id(), "customer_id": customer, "entity": "customer", "field": "city",
                "record_id": customer, "found_at": to_wire(unit.now),
            }  # fmt: skip
            unit.create("conflict", told)
        assign_customers(unit, CUSTOMERS, staff_id("lin"))

    write(db, ORG, made.clock.now(), work)
    return made


def shown(desk: Desk, path: str) -> int:
    """How many rows a page shows."""
    assert desk.get(path).status_code == 200, f"{path}: {desk.text}"
    return desk.page.count("<tr role") - 1 if "<tbody" in desk.page else 0


def queries(listing: Listing) -> list[str]:
    sorts = [column.name for column in listing.columns if column.sort is not None]
    filters = [f"{one.name}={word}" for one in listing.filters for word in one.choices or ("R-0",)]
    return ["", *(f"sort={s}" for s in sorts), *(f"sort=-{s}" for s in sorts), *filters]


def test_every_list_answers_in_every_order_and_to_every_filter(field: Field) -> None:
    desk, phone = signed_in(field), field.phone("lin")
    for name, listing in LISTS.items():
        for query in queries(listing):
            shown(desk, f"/console/{name}?{query}")
    assert shown(desk, "/console/assignments?code=R-01") == 10
    assert shown(desk, "/console/assignments?code=r-01") == 0
    assert shown(desk, "/console/assignments?owner=li") == 50
    assert shown(desk, "/console/devices?owner=LIN") == 1
    assert shown(desk, f"/console/devices/{phone.device_id}") == 0
    assert shown(desk, "/console/users?begins=g&role=administrator") == 1
    assert shown(desk, "/console/health") > 5
    manager = signed_in(field, "chen")
    assert shown(manager, "/console/conflicts?conflict_state=open") == 50


def test_a_manager_finds_customers_by_class_of_industry_and_nobody_else_does(field: Field) -> None:
    manager, administrator = signed_in(field, "chen"), signed_in(field)
    path = "/console/assignments?industry="
    found = {
        word: shown(manager, path + word) for word in ("批发", "医疗", "零售", "none", "other")
    }
    assert found == {"批发": 50, "医疗": 30, "零售": 0, "none": 30, "other": 0}
    shown(manager, path + "批发")
    assert "60 entries" in manager.text and "industry=" in link(manager, "next")
    assert shown(manager, path + "x") == 50, "no such class"
    assert shown(administrator, path + "医疗") == 50 and 'name="industry"' not in administrator.page


def test_pages_lead_on_and_back_whatever_the_order(field: Field) -> None:
    desk = signed_in(field)
    for path in ("/console/assignments?sort=customer", "/console/conflicts?sort=-found_at"):
        sizes = [shown(desk, path)]
        while 'rel="next"' in desk.page:
            sizes.append(shown(desk, link(desk, "next")))
        assert sizes == [50, 50, 20]
        assert shown(desk, link(desk, "prev")) == 50


PLACES: list[list[Any]] = [
    ["z\0", "z\0"], [10**30, 10**30], ["x", 5], [5, "x"], [True, False], ["\ud800", "\ud800"]
]  # fmt: skip


def test_a_place_that_nobody_was_sent_to_is_no_fault(field: Field) -> None:
    desk = signed_in(field)
    for place in PLACES:
        mark = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
        for name in LISTS:
            for way in ("after", "before"):
                answer = desk.get(f"/console/{name}?{way}={mark}")
                assert answer.status_code == 200, (name, way, place)


def test_nothing_is_called_by_a_name_with_a_nul_in_it(field: Field) -> None:
    desk = signed_in(field)
    for path in ("devices/%00", "devices?owner=%00", "grants?customer=a%00"):
        assert desk.get(f"/console/{path}").status_code == 404, path
    desk.get("/console/devices")
    assert desk.post("/console/devices/%00/approve").status_code == 404


def test_a_dry_run_counts_on_every_database(field: Field) -> None:
    desk = signed_in(field)
    desk.get("/console/assignments")
    to = {"customers_of": staff_id("lin"), "to": staff_id("chen")}
    assert desk.post("/console/assignments/rehearse", **to).status_code == 200
    assert "120 Customers would change hands" in desk.text and "kB To fetch" in desk.text


def link(desk: Desk, rel: str) -> str:
    return desk.page.split(f'rel="{rel}" href="')[1].split('"')[0].replace("&amp;", "&")
