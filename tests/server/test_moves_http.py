"""Scope moves over HTTP and on the command line: who may ask, and what the answers say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ids import derived_id, new_id
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, STORE, Field, Phone, code, staff_id

CUSTOMERS = [derived_id("moves http", str(n)) for n in range(3)]
HE = derived_id("moves http", "he")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)

    def work(unit: Unit) -> None:
        row = {"id": HE, "name": "何", "role": "account_manager", "store_id": STORE}
        unit.create("staff", {**row, "active": True})
        for customer in CUSTOMERS:
            unit.create("customer", {"id": customer, "name": "大客户", "store_id": STORE})

    write(made.server.database, ORG, made.clock.now(), work)
    yield made
    made.close()


def hand_over(phone: Phone, to: str) -> object:
    asked = {"customer_ids": CUSTOMERS, "staff_id": to}
    return phone.send("POST", "/v1/moves/customers", asked)


def test_one_request_hands_over_many_and_says_how_many(field: Field) -> None:
    gao = field.phone("gao")
    assert hand_over(gao, staff_id("lin")).json() == {"moved": 3, "already": 0}
    assert hand_over(gao, staff_id("lin")).json() == {"moved": 0, "already": 3}
    assert hand_over(gao, HE).json() == {"moved": 3, "already": 0}


@pytest.mark.parametrize("name", ["lin", "wu"])
def test_who_sells_or_repairs_hands_nothing_over(field: Field, name: str) -> None:
    assert code(hand_over(field.phone(name), HE)) == "role_not_allowed"


def test_a_record_is_moved_and_only_the_kinds_that_can_be(field: Field) -> None:
    contact = new_id()
    row = {"id": contact, "customer_id": CUSTOMERS[0], "name": "王主任"}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("contact", row))
    gao = field.phone("gao")
    asked = {"entity": "contact", "record_id": contact, "to_customer": CUSTOMERS[1]}
    assert gao.send("POST", "/v1/moves/records", asked).json() == {"records": 1, "untied": 0}
    wrong = gao.send("POST", "/v1/moves/records", asked | {"entity": "order"})
    assert code(wrong) == "unknown_entity"


def test_someone_is_moved_to_another_store_and_what_waits_is_said(field: Field) -> None:
    south = new_id()
    row = {"id": south, "name": "南店"}
    write(field.server.database, ORG, field.clock.now(), lambda unit: unit.create("store", row))
    gao = field.phone("gao")
    hand_over(gao, HE)
    told = gao.send("POST", f"/v1/moves/staff/{HE}", {"store_id": south}).json()
    assert (told["customers_unassigned"], told["customers_given"]) == (3, 0)
    assert code(gao.send("POST", f"/v1/moves/staff/{HE}", {"store_id": new_id()})) == (
        "record_missing"
    )


def test_administrators_alone_ask_who_holds_a_customer(field: Field) -> None:
    gao = field.phone("gao")
    hand_over(gao, HE)
    path = f"/v1/moves/holders/{CUSTOMERS[0]}"
    held = gao.send("GET", path).json()
    assert [one["staff_id"] for one in held["people"] if one["purpose"] == "assignment"] == [HE]
    assert "大客户" not in str(held)
    assert code(field.phone("chen").send("GET", path)) == "role_not_allowed"
