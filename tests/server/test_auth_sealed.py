"""Work that outlives its user's PIN, grant or account is handed in by the device alone (L1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.clock import to_wire
from shared.ids import derived_id, new_id
from shared.wire import SEALED_INFO
from sync_server.services import accounts
from sync_server.services.scopes import assign_customer, deactivate
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, Field, Phone, code, staff_id

CUSTOMER = derived_id("customer")
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)

    def work(unit: Unit) -> None:
        unit.create("customer", {"id": CUSTOMER, "name": "大客户", "kind": "company"})
        assign_customer(unit, CUSTOMER, staff_id("lin"))

    write(field.server.database, ORG, field.clock.now(), work)
    yield field
    field.close()


def visit(field: Field) -> dict[str, Any]:
    """A change as lin's phone stored it."""

    def granted(unit: Unit) -> str:
        return unit.find("grant", bucket=f"customer:{CUSTOMER}", revoked_at=None)[0].id

    return {
        "change_id": new_id(),
        "number": 1,
        "grant_id": write(field.server.database, ORG, field.clock.now(), granted),
        "entity": "visit",
        "record_id": new_id(),
        "kind": "create",
        "fields": {
            "customer_id": CUSTOMER,
            "owner_id": staff_id("lin"),
            "purpose": "care",
            "state": "planned",
            "planned_at": to_wire(field.clock.now()),
        },
        "base": {},
        "claimed_at": to_wire(field.clock.now()),
        "boot_id": "boot",
        "monotonic_ms": 1000,
        "protocol": 1,
    }


def sealed(field: Field, change: Any, device_id: str, key: X25519PublicKey | None = None) -> str:
    recipient = key or field.server.keys.seal.public_key()
    plain = json.dumps(change).encode()
    info = SEALED_INFO + device_id.encode()
    return base64.b64encode(SUITE.encrypt(plain, recipient, info=info)).decode()


def hand_in(phone: Phone, *entries: str, device_id: str | None = None) -> Any:
    asked = {
        "device_id": device_id or phone.device_id,
        "app_version": "1.0",
        "sent_at": to_wire(phone.clock.now()),
        "boot_id": "boot",
        "monotonic_ms": 2000,
        "entries": list(entries),
    }
    return phone.send("POST", "/v1/sync/sealed", asked, signed=False)


def is_there(field: Field, record_id: str) -> bool:
    def found(unit: Unit) -> bool:
        return unit.get("visit", record_id) is not None

    return write(field.server.database, ORG, field.clock.now(), found)


def test_a_phone_whose_pin_is_forgotten_hands_its_work_in(field: Field) -> None:
    phone, change = field.phone("lin"), visit(field)
    answer = hand_in(phone, sealed(field, change, phone.device_id))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(o["change_id"], o["verdict"]) for o in told["outcomes"]] == [
        (change["change_id"], "applied")
    ]
    assert told["unopened"] == []
    assert is_there(field, change["record_id"])


def test_handing_in_twice_has_one_effect(field: Field) -> None:
    phone, change = field.phone("lin"), visit(field)
    first = hand_in(phone, sealed(field, change, phone.device_id)).json()
    again = hand_in(phone, sealed(field, change, phone.device_id)).json()
    assert first["outcomes"] == again["outcomes"]


def test_the_work_of_someone_who_left_is_taken(field: Field) -> None:
    phone, change = field.phone("lin"), visit(field)
    field.clock.pass_by(minutes=1)
    with field.server.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id("lin"), False)
    now = field.clock.now()
    write(field.server.database, ORG, now, lambda unit: deactivate(unit, staff_id("lin")))
    told = hand_in(phone, sealed(field, change, phone.device_id)).json()
    assert told["outcomes"][0]["verdict"] == "late"
    assert is_there(field, change["record_id"])


def test_the_work_of_someone_not_trusted_waits_for_a_manager(field: Field) -> None:
    phone, change = field.phone("lin"), visit(field)
    field.clock.pass_by(minutes=1)
    now = field.clock.now()
    write(field.server.database, ORG, now, lambda u: deactivate(u, staff_id("lin"), "security"))
    told = hand_in(phone, sealed(field, change, phone.device_id)).json()
    assert told["outcomes"][0]["verdict"] == "quarantined"
    assert not is_there(field, change["record_id"])


def test_what_does_not_open_is_told_by_its_place_and_holds_up_nothing(field: Field) -> None:
    phone, change = field.phone("lin"), visit(field)
    other_server = X25519PrivateKey.generate().public_key()
    answer = hand_in(
        phone,
        sealed(field, change, phone.device_id, other_server),
        sealed(field, change, new_id()),
        "not base64!",
        sealed(field, "no change", phone.device_id),
        sealed(field, change, phone.device_id),
    )
    assert answer.json()["unopened"] == [0, 1, 2, 3]
    assert [o["verdict"] for o in answer.json()["outcomes"]] == ["applied"]


def test_nobody_hands_in_work_in_the_name_of_another_device(field: Field) -> None:
    phone, thief, change = field.phone("lin"), field.phone("wu"), visit(field)
    entry = sealed(field, change, phone.device_id)
    assert code(hand_in(thief, entry, device_id=phone.device_id)) == "device_unknown"
    assert code(hand_in(field.phone(), entry, device_id=phone.device_id)) == "device_unknown"
    bare = field.client.post("/v1/sync/sealed", json={"entries": [entry]})
    assert bare.status_code in (400, 401)
    assert not is_there(field, change["record_id"])


def test_a_device_that_was_never_let_in_hands_nothing_in(
    sqlite_template: Path, tmp_path: Path
) -> None:
    policy = {"device_approval": "administrator"}
    field = Field.on_sqlite(sqlite_template, tmp_path, policy=policy)
    phone = field.phone("lin")
    assert code(hand_in(phone)) == "device_pending"
    field.close()


def test_the_reply_shows_nothing_but_outcomes(field: Field) -> None:
    phone, change = field.phone("lin"), visit(field)
    text = hand_in(phone, sealed(field, change, phone.device_id)).text
    assert "大客户" not in text and CUSTOMER not in text


def test_an_entry_of_several_changes_is_opened_whole_however_many_they_are(field: Field) -> None:
    phone = field.phone("lin")
    changes = [visit(field) | {"number": n} for n in range(1, 8)]
    known = hand_in(phone, sealed(field, changes[2], phone.device_id)).json()["outcomes"]
    told = hand_in(phone, sealed(field, changes, phone.device_id)).json()
    assert [o["change_id"] for o in told["outcomes"]] == [c["change_id"] for c in changes]
    assert {o["verdict"] for o in told["outcomes"]} == {"applied"} and told["unopened"] == []
    assert told["outcomes"][2] == known[0]


def test_of_an_entry_with_something_else_in_it_the_changes_are_taken_and_it_is_kept(
    field: Field,
) -> None:
    phone, change = field.phone("lin"), visit(field)
    told = hand_in(phone, sealed(field, [change, 7], phone.device_id)).json()
    assert [o["verdict"] for o in told["outcomes"]] == ["applied"] and told["unopened"] == [0]
