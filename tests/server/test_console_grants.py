"""The console's page on access: requests decided, who holds a customer, an hour more, the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import to_wire
from shared.declare import Role
from shared.ids import derived_id
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.services import accounts, scopes
from sync_server.services.approvals import request_access
from sync_server.services.caller import Caller
from sync_server.services.writing import Unit, write
from tests.server.desks import signed_in
from tests.server.phones import ORG, STORE, Field, staff_id
from tests.server.test_grants_http import CALL, CUSTOMER

OTHER = derived_id("console grants", "elsewhere")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    """`wu` has a callback's window for a customer of `lin`'s, on a phone."""
    made = Field.on_sqlite(sqlite_template, tmp_path)

    def work(unit: Unit) -> None:
        for name in ("lin", "wu", "chen", "gao"):
            scopes.enrol(unit, staff_id(name))
        unit.create("store", {"id": OTHER, "name": "二号店"})
        unit.create("customer", {"id": CUSTOMER, "name": "秘密公司", "store_id": STORE})
        unit.create("customer", {"id": OTHER, "name": "别处公司", "store_id": OTHER})
        scopes.assign_customer(unit, CUSTOMER, staff_id("lin"))
        row = {"kind": "care", "state": "scheduled", "due_at": to_wire(unit.now)}
        unit.create("callback", {"id": CALL, "customer_id": CUSTOMER, **row})
        policy = accounts.policy_of(unit.connection, ORG, unit.now)
        scopes.assign_callback(unit, CALL, staff_id("wu"), policy)

    write(made.server.database, ORG, made.clock.now(), work)
    yield made
    made.close()


def ask(field: Field) -> None:
    wu = field.phone("wu")
    caller = Caller(
        org_id=ORG, staff_id=staff_id("wu"), role=Role.TECHNICIAN,
        device_id=wu.device_id, device_key=wu.device_key,
    )  # fmt: skip
    request_access(
        field.server.database, caller, CUSTOMER, "客户请我再打", 2, field.clock.now(),
        ("callback", CALL),
    )  # fmt: skip


def test_a_manager_sees_names_and_decides_and_an_administrator_sees_ids(field: Field) -> None:
    ask(field)
    office, shop = signed_in(field), signed_in(field, "chen")
    office.get("/console/grants")
    assert "客户请我再打" in office.text and "秘密公司" not in office.text
    shop.get("/console/grants")
    assert "客户请我再打" in shop.text and "秘密公司" in shop.text
    assert "Not signed for" in office.text and "Not signed for" not in shop.text
    request = shop.page.split("/console/grants/requests/")[1][:36]
    said = shop.post(f"/console/grants/requests/{request}", decision="approved")
    assert "Approved; whoever asked is told." in shop.follow(said)
    assert "Nobody asks for access now." in shop.text
    wrong = shop.post(f"/console/grants/requests/{request}", decision="perhaps")
    assert wrong.status_code == 400


def test_an_hour_more_is_given_from_the_page_of_a_customer_and_ended_there(field: Field) -> None:
    shop = signed_in(field, "chen")
    field.clock.pass_by(days=4)
    shop = signed_in(field, "chen")
    shop.get(f"/console/grants?customer={CUSTOMER}")
    assert "秘密公司" in shop.text and "Ended in the last seven days" in shop.text
    grant = shop.page.split("/more")[0].rsplit("/", 1)[1]
    given = shop.post(f"/console/grants/{grant}/more", customer=CUSTOMER)
    assert "Access runs until" in shop.follow(given)
    assert "Ended in the last seven days" not in shop.text
    fresh = next(
        part.rsplit("/", 1)[1] for part in shop.page.split("/more") if "/console/grants/" in part
    )
    ended = shop.post(f"/console/grants/{fresh}/end", customer=CUSTOMER)
    assert "Access has ended." in shop.follow(ended)


def test_a_manager_looks_at_no_customer_of_another_store(field: Field) -> None:
    shop, office = signed_in(field, "chen"), signed_in(field)
    assert shop.get(f"/console/grants?customer={OTHER}").status_code == 403
    assert "别处公司" not in shop.page
    assert office.get(f"/console/grants?customer={OTHER}").status_code == 200
    assert "别处公司" not in office.page
    assert office.get("/console/grants?customer=nobody").status_code == 404
    with field.server.database.read() as connection:
        asked = select(AUDIT_ENTRY.c.actor_id, AUDIT_ENTRY.c.customer_id).where(
            AUDIT_ENTRY.c.action == "holders_asked"
        )
        assert connection.execute(asked).all() == [(staff_id("gao"), OTHER)], "on record (L7)"


def test_what_nobody_signed_for_is_listed(field: Field) -> None:
    wu = field.phone("wu")
    asked = {"app_version": "1", "cursor": 0, "grants_digest": "", "grants": []}
    assert wu.send("POST", "/v1/sync/pull", asked).status_code == 200
    field.clock.pass_by(days=4)
    office = signed_in(field)
    office.get("/console/grants")
    assert "not heard of since" in office.text and wu.device_id[-8:] in office.text


def test_a_device_is_ordered_to_be_emptied_and_approving_takes_the_order_back(
    field: Field,
) -> None:
    wu, office = field.phone("wu"), signed_in(field)
    office.get(f"/console/devices/{wu.device_id}")
    said = office.post(f"/console/devices/{wu.device_id}/wipe")
    assert "will be emptied at its next contact" in office.follow(said)
    assert "not heard of since" in office.text
    office.follow(office.post(f"/console/devices/{wu.device_id}/approve"))
    assert "not heard of since" not in office.text and "Empty it" in office.text
