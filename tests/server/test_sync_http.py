"""The sync routes as a phone meets them: signed, compressed, whole, and refused with a code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.clock import to_wire
from shared.errors import Code
from shared.ids import new_id
from shared.rows import read_line
from shared.wire import SignedLease
from sync_server.db.base import Database
from sync_server.services import devices, scopes
from sync_server.services.grants import revoke_all
from sync_server.services.leases import lease_holds
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, Field, Phone, code, staff_id


@pytest.fixture
def field(db: Database, tmp_path: Path) -> Iterator[Field]:
    made = Field.on(db, tmp_path)

    def enrol(unit: Unit) -> None:
        for name in ("lin", "wu", "chen"):
            scopes.enrol(unit, staff_id(name))

    write(made.server.database, ORG, made.clock.now(), enrol)
    yield made
    made.close()


@pytest.fixture
def lin(field: Field) -> Phone:
    return field.phone("lin")


def _customer(field: Field, name: str = "lin") -> str:
    made = new_id()

    def work(unit: Unit) -> None:
        unit.create("customer", {"id": made, "name": "华联商厦", "needs": "需要" * 2000})
        scopes.assign_customer(unit, made, staff_id(name))

    write(field.server.database, ORG, field.clock.now(), work)
    return made


def _pull(phone: Phone, **asked: Any) -> Any:
    told = {"app_version": "1", "cursor": 0, "grants_digest": ""} | asked
    return phone.send("POST", "/v1/sync/pull", told)


def _lines(answer: Any) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    head, *rows, tail = answer.text.rstrip("\n").split("\n")
    return json.loads(head), [read_line(row) for row in rows], json.loads(tail)


def _change(phone: Phone, grant: str, **other: Any) -> dict[str, Any]:
    now = to_wire(phone.clock.now())
    told = {
        "change_id": new_id(),
        "number": 1,
        "grant_id": grant,
        "entity": "customer",
        "record_id": new_id(),
        "kind": "create",
        "fields": {"name": "新客户"},
        "claimed_at": now,
        "boot_id": "b",
        "monotonic_ms": 5,
    }
    return told | other


def _push(phone: Phone, *changes: dict[str, Any], **other: Any) -> Any:
    now = to_wire(phone.clock.now())
    told = {"app_version": "1", "sent_at": now, "boot_id": "b", "monotonic_ms": 9}
    return phone.send("POST", "/v1/sync/push", told | {"changes": list(changes)} | other)


def test_a_pull_brings_a_lease_that_the_server_signed(field: Field, lin: Phone) -> None:
    customer = _customer(field)
    header, rows, trailer = _lines(_pull(lin))
    keys = field.server.sessions.keys
    assert lease_holds(SignedLease(**header["lease"]), keys.lease)
    lease = json.loads(header["lease"]["payload"])
    assert lease["device_id"] == lin.device_id
    assert f"customer:{customer}" in header["fetch"]
    assert trailer == {"rows": len(rows), "after": None}


def test_a_snapshot_comes_compressed_and_whole(field: Field, lin: Phone) -> None:
    customer = _customer(field)
    asked = {"buckets": [f"customer:{customer}"]}
    answer = lin.send("POST", "/v1/sync/snapshot", asked, headers={"Accept-Encoding": "gzip"})
    _, rows, trailer = _lines(answer)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.content) > 10 * int(answer.headers["content-length"])
    assert [row.entity for row in rows] == ["customer"] and trailer["rows"] == 1
    plain = lin.send("POST", "/v1/sync/snapshot", asked, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == answer.text


def test_what_is_pushed_is_pulled(lin: Phone) -> None:
    header, _, _ = _lines(_pull(lin))
    lease = json.loads(header["lease"]["payload"])
    own = next(g["id"] for g in lease["grants"] if g["bucket"].startswith("user:"))
    made = _change(lin, own)
    answer = _push(lin, made)
    assert answer.status_code == 200, answer.text
    (outcome,) = answer.json()["outcomes"]
    assert outcome["verdict"] == "applied" and answer.json()["epoch"] == header["epoch"]
    header, _, _ = _lines(_pull(lin))
    assert f"customer:{made['record_id']}" in header["fetch"]


def test_a_blocked_device_may_hand_in_and_hear_but_not_fetch(field: Field, lin: Phone) -> None:
    customer = _customer(field)
    header, _, _ = _lines(_pull(lin))
    lease = json.loads(header["lease"]["payload"])
    with field.server.database.write() as connection:
        device = devices.find(connection, ORG, lin.device_id)
        devices.decide(connection, device, devices.BLOCKED, now=field.clock.now())
    grants = [g["id"] for g in lease["grants"]]
    (outcome,) = _push(lin, _change(lin, grants[0])).json()["outcomes"]
    assert outcome["verdict"] == "quarantined"
    header, rows, _ = _lines(_pull(lin, epoch=header["epoch"], grants=grants))
    lease = json.loads(header["lease"]["payload"])
    assert rows == [] and not lease["active"] and lease["grants"] == []
    assert {d["grant_id"] for d in lease["drops"]} == set(grants)
    refused = lin.send("POST", "/v1/sync/snapshot", {"buckets": [f"customer:{customer}"]})
    assert code(refused) == Code.DEVICE_BLOCKED.key


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("push", {}, Code.MALFORMED),
        ("push", [], Code.MALFORMED),
        ("push", {"colour": 1}, Code.UNKNOWN_FIELD),
        ("pull", {"cursor": 0}, Code.MALFORMED),
        ("pull", {"app_version": "1", "cursor": "a", "grants_digest": ""}, Code.MALFORMED),
        (
            "pull",
            {"app_version": "1", "cursor": 0, "grants_digest": "", "colour": 1},
            Code.UNKNOWN_FIELD,
        ),
        ("snapshot", {"buckets": ["moon"]}, Code.MALFORMED),
        (
            "snapshot",
            {"buckets": ["customer:1"], "after": ["customer:2", "a", "b"]},
            Code.MALFORMED,
        ),
        ("snapshot", {"buckets": [f"customer:{n}" for n in range(30_000)]}, Code.BATCH_TOO_LARGE),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_a_code(
    lin: Phone, path: str, body: Any, expected: Code
) -> None:
    answer = lin.send("POST", f"/v1/sync/{path}", body)
    assert (code(answer), answer.status_code) == (expected.key, expected.status)


def test_text_that_is_no_json_is_refused(lin: Phone) -> None:
    headers = {"Content-Type": "application/json"}
    answer = lin.send("POST", "/v1/sync/push", content=b"{", headers=headers)
    assert code(answer) == Code.MALFORMED.key


def test_nobody_syncs_without_signing_in(field: Field) -> None:
    stranger = field.phone()
    for method, path in (("POST", "push"), ("POST", "pull"), ("POST", "snapshot"), ("GET", "poke")):
        answer = stranger.send(method, f"/v1/sync/{path}", {} if method == "POST" else None)
        assert answer.status_code in {400, 401}, path
        assert code(answer) in {Code.SIGN_IN_REQUIRED.key, Code.MALFORMED.key}


def test_a_manager_decides_over_http_on_work_that_waits(field: Field, lin: Phone) -> None:
    customer = _customer(field)
    header, _, _ = _lines(_pull(lin))
    grants = json.loads(header["lease"]["payload"])["grants"]
    grant = next(g["id"] for g in grants if g["bucket"] == f"customer:{customer}")
    write(
        field.server.database,
        ORG,
        field.clock.now(),
        lambda unit: revoke_all(unit, "security", staff_id=staff_id("lin")),
    )
    edits = [
        _change(lin, grant, kind="update", record_id=customer, number=n, fields={"city": f"城{n}"})
        for n in (1, 2)
    ]
    assert {o["verdict"] for o in _push(lin, *edits).json()["outcomes"]} == {"quarantined"}
    chen = field.phone("chen")
    waiting = chen.send("GET", "/v1/decisions/quarantine").json()
    assert [(w["change_id"], w["fields"]) for w in waiting] == [
        (e["change_id"], e["fields"]) for e in edits
    ]
    refused = lin.send("GET", "/v1/decisions/quarantine")
    assert code(refused) == Code.ROLE_NOT_ALLOWED.key
    first, second = ({"change_ids": [e["change_id"]]} for e in edits)
    done = chen.send("POST", "/v1/decisions/quarantine/release", first)
    assert done.json() == {"verdicts": {edits[0]["change_id"]: "late"}}
    assert chen.send("POST", "/v1/decisions/quarantine/refuse", second).status_code == 204
    assert chen.send("GET", "/v1/decisions/quarantine").json() == []


def test_head_office_asks_and_a_manager_of_the_store_answers(field: Field) -> None:
    customer = _customer(field)
    chen, lin = field.phone("chen"), field.phone("lin")
    asked = {"customer_id": customer, "reason": "投诉升级"}
    assert code(lin.send("POST", "/v1/decisions/details", asked)) == Code.FIELD_INVALID.key
    missing = f"/v1/decisions/details/{new_id()}/decide"
    answer = chen.send("POST", missing, {"approve": True})
    assert (code(answer), answer.status_code) == (Code.RECORD_MISSING.key, 404)
