"""Customers whom two people met, at the console."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.clock import to_wire
from shared.ids import derived_id
from sync_server.services.scopes import assign_customers, enrol
from sync_server.services.writing import Author, Unit, write
from tests.server.desks import signed_in
from tests.server.phones import ORG, STORE, Field, staff_id

NORTH = {"store_id": STORE}


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    write(made.server.database, ORG, made.clock.now(), lambda unit: enrol(unit, staff_id("chen")))
    yield made
    made.close()


def met(field: Field, name: str, phone: str, contact: str = "", **more: object) -> str:
    """Somebody of Lin's, whose contact may have a number as well."""
    made = derived_id("customer", name)

    def work(unit: Unit) -> None:
        row = {"id": made, "name": name, "phone": phone, **NORTH, **more}
        unit.create("customer", row, Author(staff_id=staff_id("lin")))
        if contact:
            them = {"id": derived_id("contact", name), "customer_id": made, "name": "王"}
            unit.create("contact", them | {"phone": contact})
        if not more:  # of this store, and there
            assign_customers(unit, [made], staff_id("lin"))

    field.clock.pass_by(minutes=1)
    write(field.server.database, ORG, field.clock.now(), work)
    return made


def test_customers_of_a_store_who_share_a_number_are_told_once_and_no_others(field: Field) -> None:
    met(field, "甲公司", "+86 138-1111-2222")
    met(field, "乙公司", "021 5555 6666", "13900000000")
    met(field, "丙公司", "139 0000 0000", "13811112222")
    met(field, "丁公司", "137 3333 4444", "137 3333 4444")
    met(field, "戊公司", "", "")
    elsewhere = derived_id("store", "elsewhere")
    met(field, "己公司", "137 3333 4444", store_id=elsewhere)
    met(field, "庚公司", "137 3333 4444", erased_at=to_wire(field.clock.now() - timedelta(days=1)))
    desk = signed_in(field, "chen")
    desk.get("/console/doubles")
    assert desk.text.count("2 customers with one number") == 2
    for name, times in (("甲公司", 1), ("乙公司", 1), ("丙公司", 2)):
        assert desk.text.count(name) == times, name
    assert not any(name in desk.text for name in ("丁公司", "戊公司", "己公司", "庚公司"))
    assert "1111" not in desk.text and "lin" in desk.text


def test_nobody_but_a_store_manager_is_told_of_them(field: Field) -> None:
    assert signed_in(field).get("/console/doubles").status_code == 403
