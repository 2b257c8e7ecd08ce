"""Grants steered, receipts looked at and devices emptied over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.clock import to_wire
from shared.errors import Code
from shared.ids import derived_id
from sync_server.services import accounts, scopes
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, STORE, Field, code, staff_id

CUSTOMER, CALL = derived_id("grants http", "customer"), derived_id("grants http", "call")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    """`wu` has a callback's window for a customer of `lin`'s."""
    made = Field.on_sqlite(sqlite_template, tmp_path)

    def work(unit: Unit) -> None:
        for name in ("lin", "wu", "chen", "gao"):
            scopes.enrol(unit, staff_id(name))
        unit.create("customer", {"id": CUSTOMER, "name": "张伟", "store_id": STORE})
        scopes.assign_customer(unit, CUSTOMER, staff_id("lin"))
        row = {"kind": "care", "state": "scheduled", "due_at": to_wire(unit.now)}
        unit.create("callback", {"id": CALL, "customer_id": CUSTOMER, **row})
        policy = accounts.policy_of(unit.connection, ORG, unit.now)
        scopes.assign_callback(unit, CALL, staff_id("wu"), policy)

    write(made.server.database, ORG, made.clock.now(), work)
    yield made
    made.close()


def timed(field: Field) -> str:
    def work(unit: Unit) -> str:
        (grant,) = unit.find("grant", bucket=f"customer:{CUSTOMER}", staff_id=staff_id("wu"))
        return grant.id

    return write(field.server.database, ORG, field.clock.now(), work)


def test_a_manager_gives_an_hour_more_and_takes_it_back(field: Field) -> None:
    chen, wu, grant = field.phone("chen"), field.phone("wu"), timed(field)
    assert code(wu.send("POST", f"/v1/grants/{grant}/more", {})) == Code.ROLE_NOT_ALLOWED.key
    too_long = chen.send("POST", f"/v1/grants/{grant}/more", {"hours": 1000})
    assert code(too_long) == Code.FIELD_INVALID.key
    given = chen.send("POST", f"/v1/grants/{grant}/more", {"hours": 1})
    assert given.status_code == 200 and given.json()["grant_id"] != grant
    for each in (grant, given.json()["grant_id"]):
        assert chen.send("POST", f"/v1/grants/{each}/revoke", {}).status_code == 204
    missing = f"/v1/grants/{derived_id('no grant')}/revoke"
    assert code(chen.send("POST", missing, {})) == Code.RECORD_MISSING.key


def test_a_request_is_listed_and_decided_by_an_administrator(field: Field) -> None:
    gao, wu = field.phone("gao"), field.phone("wu")
    asked = {
        "customer_id": CUSTOMER, "subject": "callback", "subject_id": CALL, "reason": "再打一次",
        "hours": 2,
    }  # fmt: skip
    made = wu.send("POST", "/v1/decisions/details", asked).json()["request_id"]
    assert code(wu.send("GET", "/v1/decisions/details")) == Code.ROLE_NOT_ALLOWED.key
    (listed,) = gao.send("GET", "/v1/decisions/details").json()
    assert (listed["request_id"], listed["reason"]) == (made, "再打一次")
    said = {"approve": False, "answer": "已转给别人"}
    decide = f"/v1/decisions/details/{made}/decide"
    assert gao.send("POST", decide, said).status_code == 204
    assert code(gao.send("POST", decide, said)) == Code.RECORD_MISSING.key
    assert gao.send("GET", "/v1/decisions/details").json() == []


def test_a_device_is_ordered_to_be_emptied_and_hears_of_it_with_its_proof_alone(
    field: Field,
) -> None:
    gao, wu, chen = field.phone("gao"), field.phone("wu"), field.phone("chen")
    path = f"/v1/admin/devices/{wu.device_id}/wipe"
    assert code(chen.send("POST", path)) == Code.ROLE_NOT_ALLOWED.key
    knock = {
        "device_id": wu.device_id, "app_version": "1", "sent_at": to_wire(field.clock.now()),
        "boot_id": "b", "monotonic_ms": 1, "entries": [],
    }  # fmt: skip
    assert wu.send("POST", "/v1/sync/sealed", knock, signed=False).json()["order"] is None
    assert gao.send("POST", path).status_code == 204
    order = wu.send("POST", "/v1/sync/sealed", knock, signed=False).json()["order"]
    assert '"wipe":true' in order["payload"]
    listed = gao.send("GET", "/v1/admin/devices?state=blocked").json()["devices"]
    assert [one["id"] for one in listed] == [wu.device_id]
    assert listed[0]["wipe_ordered_at"] and listed[0]["wiped_at"] is None
    assert gao.send("POST", f"/v1/admin/devices/{wu.device_id}/approve").status_code == 204
    assert wu.send("POST", "/v1/sync/sealed", knock, signed=False).json()["order"] is None


def test_receipts_and_what_is_outstanding_are_for_administrators(field: Field) -> None:
    gao, wu = field.phone("gao"), field.phone("wu")
    for path in ("/v1/grants/outstanding", f"/v1/grants/receipts/{wu.device_id}"):
        assert code(wu.send("GET", path)) == Code.ROLE_NOT_ALLOWED.key
        assert gao.send("GET", path).json() == []
    forged = {
        "device_id": wu.device_id,
        "receipts": [{"payload": "{}", "signature": "AAAA"}],
    }
    assert wu.send("POST", "/v1/sync/receipts", forged, signed=False).json() == {"kept": []}
