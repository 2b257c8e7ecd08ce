"""A signed report never changes and says what was signed (L6); every look is on record (L7)."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from shared import looks
from shared.clock import to_wire
from shared.ids import new_id
from shared.seal import content_hash, seal_bytes
from sync_server.db.accounts import DEVICE
from sync_server.db.base import Database
from sync_server.db.log import ALARM
from sync_server.services.completeness import file_verified
from tests.server.field_org import ORG, Device, World, person


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def job(world: World) -> tuple[str, str, Device]:
    """A customer, a case at it, and the technician's device in step."""
    customer = world.customer("an")
    case = world.case(customer, "tan")
    tan = world.device("tan")
    tan.sync()
    return customer, case, tan


Job = tuple[str, str, Device]


def _report(job: Job, **fields: Any) -> dict[str, Any]:
    customer, case, tan = job
    told = {"case_id": case, "customer_id": customer, "author_id": person("tan")}
    return told | {"cause": "压缩机老化", "method": "更换", "operation_confirmed": True} | fields


def _signed(report_id: str, fields: dict[str, Any], device: Device) -> dict[str, Any]:
    """The report's fields with the customer's signature under them, as the device seals it."""
    signature: dict[str, Any] = {
        "signer_name": "王五",
        "signer_role": "owner",
        "signed_at": to_wire(device.world.now),
        "strokes": [{"points": [0, 0, 10, 10]}],
        "content_hash": content_hash(fields | {"id": report_id}),
        "device_id": device.id,
        "device_key": device.caller.device_key,
    }
    sealed = device.key.sign(seal_bytes(report_id, signature))
    text = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    return fields | {"signature": signature | {"device_signature": text}}


def _push_signed(job: Job, **fields: Any) -> str:
    tan = job[2]
    report_id = new_id()
    signed = _signed(report_id, _report(job, **fields), tan)
    (outcome,) = tan.push(tan.create("report", signed, f"case:{job[1]}", record_id=report_id))
    assert outcome.verdict == "applied", outcome
    return report_id


def test_a_signed_report_is_taken_and_its_seal_stands_on_the_server(world: World, job: Job) -> None:
    report_id = _push_signed(job)
    row = world.row("report", report_id)
    assert row["signature"]["content_hash"] == content_hash(row)
    assert row["complete"] is True


def test_a_report_written_first_and_signed_later_is_sealed_by_the_signature(
    world: World, job: Job
) -> None:
    tan, bucket = job[2], f"case:{job[1]}"
    report_id = new_id()
    fields = _report(job)
    signature = {"signature": _signed(report_id, fields, tan)["signature"]}
    first = tan.create("report", fields, bucket, record_id=report_id)
    second = tan.update("report", report_id, signature, bucket)
    third = tan.update("report", report_id, {"cause": "别的"}, bucket)
    outcomes = tan.push(first, second, third)
    assert [o.verdict for o in outcomes] == ["applied", "applied", "rejected"]
    assert outcomes[2].code == "report_sealed"
    assert world.row("report", report_id)["cause"] == "压缩机老化"


def test_saying_again_what_a_sealed_report_says_is_harmless(job: Job) -> None:
    report_id = _push_signed(job)
    tan = job[2]
    same = tan.update("report", report_id, {"cause": "压缩机老化"}, f"case:{job[1]}")
    assert [o.verdict for o in tan.push(same)] == ["applied"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda fields: fields | {"cause": "客户自己弄坏"},
        lambda fields: fields | {"signature": fields["signature"] | {"signer_name": "别人"}},
        lambda fields: fields | {"signature": fields["signature"] | {"device_signature": "AAAA"}},
        lambda fields: fields | {"signature": fields["signature"] | {"device_signature": "不"}},
        lambda fields: fields | {"signature": fields["signature"] | {"device_key": "AA"}},
    ],
)
def test_a_report_that_differs_from_what_was_signed_is_refused(
    world: World, job: Job, forge: Any
) -> None:
    tan = job[2]
    report_id = new_id()
    forged = forge(_signed(report_id, _report(job), tan))
    (outcome,) = tan.push(tan.create("report", forged, f"case:{job[1]}", record_id=report_id))
    assert (outcome.verdict, outcome.code) == ("rejected", "seal_broken")
    assert world.rows("report") == []


def test_a_signature_of_a_device_that_nobody_enrolled_is_refused(world: World, job: Job) -> None:
    tan, stranger = job[2], world.device("tan")
    report_id = new_id()
    signed = _signed(report_id, _report(job), stranger)
    change = tan.create("report", signed, f"case:{job[1]}", record_id=report_id)
    (outcome,) = tan.push(change)
    assert (outcome.verdict, outcome.code) == ("rejected", "seal_broken")


def test_a_report_that_another_enrolled_device_signed_is_taken(world: World, job: Job) -> None:
    tan, old = job[2], world.device("tan")
    with world.db.write() as connection:
        connection.execute(
            DEVICE.insert().values(
                org_id=ORG,
                id=old.id,
                staff_id=person("tan"),
                key=old.caller.device_key,
                thumbprint="t",
                name="old phone",
                platform="browser",
                app_version="1",
                state="blocked",
                enrolled_at=to_wire(world.now),
                heard_at=to_wire(world.now),
            )
        )
    report_id = new_id()
    signed = _signed(report_id, _report(job), old)
    (outcome,) = tan.push(tan.create("report", signed, f"case:{job[1]}", record_id=report_id))
    assert outcome.verdict == "applied"


def test_a_correction_is_an_amendment_beside_the_signed_report(world: World, job: Job) -> None:
    report_id = _push_signed(job)
    amendment = _push_signed(job, amends_id=report_id, cause="实为接线松动")
    assert world.row("report", amendment)["amends_id"] == report_id
    assert world.row("report", report_id)["cause"] == "压缩机老化"


def test_a_report_is_complete_when_its_last_photo_is_verified(world: World, job: Job) -> None:
    customer, case, tan = job
    photos = [new_id(), new_id()]
    report_id = _push_signed(job, photos_before=photos[:1], photos_after=photos[1:])
    assert world.row("report", report_id)["complete"] is False
    for photo in photos:
        fields = {
            "customer_id": customer,
            "case_id": case,
            "report_id": report_id,
            "sha256": photo.replace("-", "") * 2,
            "bytes": 10,
            "media_type": "image/jpeg",
        }
        assert [
            o.verdict for o in tan.push(tan.create("file", fields, f"case:{case}", record_id=photo))
        ] == ["applied"]
    world.write(lambda unit: file_verified(unit, photos[0], world.now))
    assert world.row("report", report_id)["complete"] is False
    world.write(lambda unit: file_verified(unit, photos[1], world.now))
    assert world.row("report", report_id)["complete"] is True


def _looks(job: Job, count: int) -> list[dict[str, Any]]:
    """Entries of a chain, as the device makes them."""
    customer, case, tan = job
    entries: list[dict[str, Any]] = []
    previous = looks.FIRST
    for number in range(1, count + 1):
        entry = {
            "id": new_id(),
            "customer_id": customer,
            "entity": "customer",
            "record_id": customer,
            "what": "opened",
            "looked_at": to_wire(tan.world.now),
            "number": number,
            "previous": previous,
        }
        previous = looks.entry_hash(entry)
        entries.append(entry)
    return entries


def _push_looks(job: Job, entries: list[dict[str, Any]]) -> list[str]:
    tan = job[2]
    changes = [
        tan.create(
            "look", {n: v for n, v in e.items() if n != "id"}, f"case:{job[1]}", record_id=e["id"]
        )
        for e in entries
    ]
    return [o.verdict for o in tan.push(*changes)]


def _alarms(world: World) -> list[str]:
    with world.db.read() as connection:
        return list(connection.scalars(select(ALARM.c.kind).order_by(ALARM.c.id)))


def test_looks_are_on_record_and_go_to_no_phone(world: World, job: Job) -> None:
    entries = _looks(job, 3)
    assert _push_looks(job, entries[:2]) == ["applied", "applied"]
    assert _push_looks(job, entries[2:]) == ["applied"]
    assert [look["number"] for look in world.rows("look")] == [1, 2, 3]
    assert _alarms(world) == []
    an = world.device("an")
    an.sync()
    assert an.ids("look") == set()


def test_a_look_left_out_raises_an_alarm_and_the_rest_is_recorded(world: World, job: Job) -> None:
    first, _, third = _looks(job, 3)
    assert _push_looks(job, [first, third]) == ["applied", "applied"]
    assert _alarms(world) == ["look_missing"]
    assert len(world.rows("look")) == 2


def test_a_look_altered_raises_an_alarm(world: World, job: Job) -> None:
    first, second, _ = _looks(job, 3)
    first |= {"what": "shared"}
    assert _push_looks(job, [first, second]) == ["applied", "applied"]
    assert _alarms(world) == ["look_altered"]


def test_a_number_used_twice_raises_an_alarm(world: World, job: Job) -> None:
    first, second, _ = _looks(job, 3)
    again = second | {"id": new_id()}
    assert _push_looks(job, [first, second, again]) == ["applied"] * 3
    assert _alarms(world) == ["look_repeated"]
