"""A phone works once an administrator let it in, and no longer once it was blocked (S3 #146)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ids import derived_id, new_id
from sync_server.services import accounts, devices
from sync_server.services.scopes import assign_customer
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, Field, Phone, code, staff_id

CUSTOMER = derived_id("customer")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    yield field
    field.close()


@pytest.fixture
def careful(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    """A company whose devices wait for an administrator; hers was let in at the terminal."""
    policy = {"device_approval": "administrator"}
    field = Field.on_sqlite(sqlite_template, tmp_path, policy=policy)
    yield field
    field.close()


def let_in(field: Field, phone: Phone) -> None:
    with field.server.database.write() as connection:
        device = devices.find(connection, ORG, phone.device_id)
        devices.decide(connection, device, devices.APPROVED, now=field.clock.now())


def administrator(field: Field) -> Phone:
    phone = field.phone("gao")
    let_in(field, phone)
    phone.sign_in("gao")
    return phone


def test_a_new_phone_waits_and_gets_no_tokens(careful: Field) -> None:
    phone = careful.phone()
    told = phone.sign_in("lin").json()
    assert told["device_state"] == "pending"
    assert told["access_token"] is told["refresh_token"] is None
    assert told["device_id"]
    assert code(phone.who()) == "sign_in_required"


def test_an_approved_phone_signs_in_and_stays_the_same_device(careful: Field) -> None:
    phone = careful.phone()
    before = phone.sign_in("lin").json()["device_id"]
    gao = administrator(careful)
    listed = gao.send("GET", "/v1/admin/devices?state=pending").json()["devices"]
    assert [(d["id"], d["username"]) for d in listed] == [(before, "lin")]
    assert gao.send("POST", f"/v1/admin/devices/{before}/approve").status_code == 204
    after = phone.sign_in("lin").json()
    assert (after["device_id"], after["device_state"]) == (before, "approved")
    assert phone.who().status_code == 200


def test_a_blocked_phone_is_shut_out_at_once(field: Field) -> None:
    phone, gao = field.phone("lin"), field.phone("gao")
    assert gao.send("POST", f"/v1/admin/devices/{phone.device_id}/block").status_code == 204
    assert code(phone.who()) == "device_blocked"
    assert code(phone.sign_in("lin")) == "device_blocked"
    assert code(phone.sign_in("lin", "wrong password")) == "sign_in_failed"
    other = field.phone("lin")
    assert other.who().status_code == 200


def test_a_blocked_phone_may_hand_in_its_work_and_hear_what_to_drop(field: Field) -> None:
    phone, gao = field.phone("lin"), field.phone("gao")
    gao.send("POST", f"/v1/admin/devices/{phone.device_id}/block")
    assert phone.refresh().status_code == 200
    pushed = phone.send(
        "POST",
        "/v1/sync/push",
        {
            "app_version": "1.0",
            "sent_at": "2026-11-21T08:00:00.000Z",
            "boot_id": "boot",
            "monotonic_ms": 1,
            "changes": [],
        },
    )
    assert pushed.status_code == 200, pushed.text
    pulled = phone.send(
        "POST", "/v1/sync/pull", {"app_version": "1.0", "cursor": 0, "grants_digest": ""}
    )
    assert pulled.status_code == 200
    refused = phone.send("POST", "/v1/sync/snapshot", {"buckets": [f"user:{staff_id('lin')}"]})
    assert code(refused) == "device_blocked"


def test_a_phone_can_not_write_on_the_administrators_terminal(field: Field) -> None:
    phone = field.phone()
    phone.sign_in("lin", device_name="\x1b[2J手机\u202e" + "x" * 200)
    listed = field.phone("gao").send("GET", "/v1/admin/devices").json()["devices"]
    (name,) = (d["name"] for d in listed if d["username"] == "lin")
    assert name.startswith("[2J手机x") and len(name) == 80


def test_two_who_share_a_tablet_have_a_device_each(field: Field) -> None:
    tablet = field.phone("lin")
    first = tablet.device_id
    second = tablet.sign_in("wu").json()["device_id"]
    assert first != second
    gao = field.phone("gao")
    gao.send("POST", f"/v1/admin/devices/{second}/block")
    assert tablet.sign_in("lin").json()["device_id"] == first


@pytest.mark.parametrize("name", ["lin", "wu", "chen"])
def test_only_an_administrator_decides(field: Field, name: str) -> None:
    phone = field.phone(name)
    for method, path in (
        ("GET", "/v1/admin/devices"),
        ("POST", f"/v1/admin/devices/{phone.device_id}/approve"),
        ("POST", f"/v1/admin/devices/{phone.device_id}/block"),
        ("POST", f"/v1/admin/users/{staff_id('lin')}/reactivate"),
    ):
        assert code(phone.send(method, path)) == "role_not_allowed"


def test_a_device_of_nobody_is_unknown(field: Field) -> None:
    gao = field.phone("gao")
    assert code(gao.send("POST", f"/v1/admin/devices/{new_id()}/approve")) == "device_unknown"


def test_a_deactivated_user_loses_their_grants_and_comes_back_with_their_role(field: Field) -> None:
    lin, gao = field.phone("lin"), field.phone("gao")
    path = f"/v1/admin/users/{staff_id('lin')}"
    assert gao.send("POST", f"{path}/deactivate", {"because": "security"}).status_code == 200
    assert code(lin.who()) == "user_inactive"
    assert gao.send("POST", f"{path}/reactivate").status_code == 204
    assert lin.who().status_code == 200
    with field.server.database.read() as connection:
        account = accounts.known(connection, "lin")
    assert account.active


def test_a_customer_and_a_case_are_given(field: Field) -> None:
    case_id = new_id()

    def work(unit: Unit) -> None:
        unit.create("customer", {"id": CUSTOMER, "name": "大客户", "kind": "company"})
        row = {"id": case_id, "customer_id": CUSTOMER, "state": "new", "kind": "repair"}
        unit.create("case", {**row, "opened_at": "2026-11-20T08:00:00.000Z"})

    write(field.server.database, ORG, field.clock.now(), work)
    gao = field.phone("gao")
    given = {"staff_id": staff_id("lin"), "reason": "holiday"}
    assert gao.send("POST", f"/v1/admin/customers/{CUSTOMER}/assign", given).status_code == 204
    given = {"staff_id": staff_id("wu")}
    assert gao.send("POST", f"/v1/admin/cases/{case_id}/dispatch", given).status_code == 204
    wrong = gao.send("POST", f"/v1/admin/cases/{case_id}/dispatch", {"staff_id": staff_id("lin")})
    assert code(wrong) == "role_not_allowed"
    missing = gao.send(
        "POST", f"/v1/admin/customers/{new_id()}/assign", {"staff_id": staff_id("lin")}
    )
    assert code(missing) == "record_missing"

    def held(unit: Unit) -> set[tuple[str, str]]:
        return {(g.row["staff_id"], g.row["bucket"]) for g in unit.find("grant", revoked_at=None)}

    grants = write(field.server.database, ORG, field.clock.now(), held)
    assert (staff_id("lin"), f"customer:{CUSTOMER}") in grants
    assert (staff_id("wu"), f"case:{case_id}") in grants


def test_reassigning_takes_the_customer_from_whoever_had_them(field: Field) -> None:
    def work(unit: Unit) -> None:
        unit.create("customer", {"id": CUSTOMER, "name": "大客户", "kind": "company"})
        assign_customer(unit, CUSTOMER, staff_id("lin"))

    write(field.server.database, ORG, field.clock.now(), work)
    gao = field.phone("gao")
    gao.send("POST", f"/v1/admin/customers/{CUSTOMER}/assign", {"staff_id": staff_id("chen")})

    def holders(unit: Unit) -> set[str]:
        live = unit.find("grant", bucket=f"customer:{CUSTOMER}", revoked_at=None)
        return {grant.row["staff_id"] for grant in live}

    assert write(field.server.database, ORG, field.clock.now(), holders) == {staff_id("chen")}
