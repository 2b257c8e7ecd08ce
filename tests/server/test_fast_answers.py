"""What is remembered to answer fast is never an old answer: blocked, deactivated, handed on, begun,
ended, changed: all of it counts at the very next request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Code
from shared.ids import new_id
from sync_server.db.remembered import MOST_WEIGHT, At, Remembered
from sync_server.services import accounts, devices, scopes
from sync_server.services.grants import issue
from sync_server.services.writing import Unit, write
from tests.server.phones import ORG, Field, Phone, code, staff_id


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    made = Field.on_sqlite(sqlite_template, tmp_path)
    _office(made, lambda unit: [scopes.enrol(unit, staff_id(n)) for n in ("lin", "chen")])
    yield made
    made.close()


@pytest.fixture
def lin(field: Field) -> Phone:
    return field.phone("lin")


def _office(field: Field, work: Any) -> None:
    write(field.server.database, ORG, field.clock.now(), work)


def _customer(field: Field, **fields: Any) -> str:
    made = new_id()

    def work(unit: Unit) -> None:
        unit.create("customer", {"id": made, "name": "华联商厦"} | fields)
        scopes.assign_customer(unit, made, staff_id("lin"))

    _office(field, work)
    return made


def _pull(phone: Phone, **asked: Any) -> Any:
    told = {"app_version": "1", "cursor": 0, "grants_digest": "", "grants": []} | asked
    return phone.send("POST", "/v1/sync/pull", told)


def _head(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    head: dict[str, Any] = json.loads(answer.text.split("\n", 1)[0])
    return head


def _fetch(phone: Phone, *buckets: str) -> Any:
    return phone.send("POST", "/v1/sync/snapshot", {"buckets": list(buckets)})


def test_a_blocked_device_is_refused_at_its_very_next_request(field: Field, lin: Phone) -> None:
    bucket = f"customer:{_customer(field)}"
    assert _fetch(lin, bucket).status_code == 200
    with field.server.database.write() as connection:
        device = devices.find(connection, ORG, lin.device_id)
        devices.decide(connection, device, devices.BLOCKED, now=field.clock.now())
    assert code(_fetch(lin, bucket)) == Code.DEVICE_BLOCKED.key
    assert _head(_pull(lin))["fetch"] == []


def test_a_deactivated_user_is_refused_at_their_very_next_request(field: Field, lin: Phone) -> None:
    bucket = f"customer:{_customer(field)}"
    assert bucket in _head(_pull(lin))["fetch"]
    with field.server.database.write() as connection:
        accounts.set_active(connection, ORG, staff_id("lin"), False)
    assert code(_fetch(lin, bucket)) == Code.USER_INACTIVE.key
    header = _head(_pull(lin))
    assert header["fetch"] == [] and json.loads(header["lease"]["payload"])["grants"] == []


def test_a_row_that_changed_is_never_served_as_it_was(field: Field, lin: Phone) -> None:
    customer = _customer(field, needs="旧的")
    bucket = f"customer:{customer}"
    before = _head(_pull(lin, want_checksums=True))
    assert "旧的" in _fetch(lin, bucket).text
    _office(field, lambda unit: unit.update("customer", customer, {"needs": "新的"}))
    answer = _fetch(lin, bucket).text
    assert "新的" in answer and "旧的" not in answer
    after = _head(_pull(lin, want_checksums=True))
    assert after["cursor"] > before["cursor"]


def test_checksums_follow_a_change_that_only_others_made(field: Field, lin: Phone) -> None:
    customer = _customer(field)
    grants = json.loads(_head(_pull(lin))["lease"]["payload"])["grants"]
    known: dict[str, Any] = {
        "grants": [g["id"] for g in grants],
        "epoch": _head(_pull(lin))["epoch"],
        "cursor": _head(_pull(lin))["cursor"],
    }
    before = _head(_pull(lin, **known))["total"]
    _office(field, lambda unit: unit.update("customer", customer, {"needs": "新的"}))
    after = _head(_pull(lin, **known))["total"]
    assert after["rows"] == before["rows"] and after["digest"] != before["digest"]


def test_a_customer_handed_on_is_out_of_reach_at_the_very_next_page(
    field: Field, lin: Phone
) -> None:
    customer = _customer(field)
    bucket = f"customer:{customer}"
    assert "华联商厦" in _fetch(lin, bucket).text
    _office(field, lambda unit: scopes.assign_customer(unit, customer, staff_id("chen")))
    answer = _fetch(lin, bucket).text
    assert "华联商厦" not in answer
    assert json.loads(answer.split("\n", 1)[0])["refused"] == [bucket]


def test_a_grant_begins_and_ends_by_the_clock_alone(field: Field, lin: Phone) -> None:
    customer = new_id()
    bucket, now = f"customer:{customer}", field.clock.now()

    def work(unit: Unit) -> None:
        unit.create("customer", {"id": customer, "name": "华联商厦"})
        issue(
            unit,
            staff_id("lin"),
            bucket,
            "approved_detail",
            "account_manager",
            not_before=now + timedelta(minutes=2),
            expires_at=now + timedelta(minutes=4),
        )

    _office(field, work)
    seen = []
    for _ in range(3):
        seen.append(bucket in _head(_pull(lin))["fetch"])
        field.clock.pass_by(seconds=120)
    assert seen == [False, True, False]  # with no write in between


def test_a_body_that_is_no_json_and_one_with_an_unknown_field_are_told_apart(lin: Phone) -> None:
    odd = _pull(lin, odd=1)
    assert (odd.status_code, code(odd)) == (Code.UNKNOWN_FIELD.status, Code.UNKNOWN_FIELD.key)
    missing = lin.send("POST", "/v1/sync/snapshot", {})
    assert code(missing) == Code.MALFORMED.key and "body.buckets" in missing.text


def test_an_answer_is_forgotten_with_the_number_it_was_read_at() -> None:
    remembered, read = Remembered(), iter("abcd")
    assert remembered.answer("org", At("e", 1), "who", lambda: next(read)) == "a"
    assert remembered.answer("org", At("e", 1), "who", lambda: next(read)) == "a"
    assert remembered.answer("org", At("e", 2), "who", lambda: next(read)) == "b"
    again = remembered.answer("org", At("e", 2), "who", lambda: next(read), holds=lambda _: False)
    assert again == "c"
    assert remembered.answer("org", At("another", 2), "who", lambda: next(read)) == "d"


def test_an_answer_is_carried_on_from_the_number_it_was_read_at_and_never_back() -> None:
    remembered = Remembered()
    asked: list[tuple[str, int]] = []

    def carry(answer: str, since: int) -> str | None:
        asked.append((answer, since))
        return f"{answer}+" if since < 3 else None

    def answer(seq: int, read: str) -> str:
        return remembered.answer("org", At("e", seq), "who", lambda: read, carry=carry)

    assert answer(1, "a") == "a"
    assert answer(3, "b") == "a+"
    assert answer(2, "c") == "c", "a transaction that sees less than what is kept reads for itself"
    assert answer(3, "d") == "a+", "and what it read does not stand for those that see more"
    assert answer(4, "e") == "e"
    assert asked == [("a", 1), ("a+", 3)]


def test_what_is_remembered_does_not_grow_for_ever() -> None:
    remembered, heavy = Remembered(), MOST_WEIGHT // 2
    for number in range(3):
        remembered.answer("org", At("e", 1), number, lambda: "answer", weigh=lambda _: heavy)
    assert remembered.answer("org", At("e", 1), 0, lambda: "read again") == "read again"
    assert remembered.answer("org", At("e", 1), 2, lambda: "not read") == "answer"
