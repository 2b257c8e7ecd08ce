"""Photos come in parts, are verified whole, and are shown to whoever holds their customer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from shared.declare import Role
from shared.ids import derived_id, new_id
from sync_server.db.base import Database
from sync_server.services import quarantine
from sync_server.services.caller import Caller
from sync_server.services.scopes import assign_customer, deactivate
from sync_server.services.writing import Unit, write
from tests.server.phones import ADDRESS, ORG, Field, Phone, code, staff_id

CUSTOMER = derived_id("customer")
TUS = {"Tus-Resumable": "1.0.0"}


def picture(side: int = 64, color: str = "teal") -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (side, side), color).save(drawn, "JPEG")
    return drawn.getvalue()


PHOTO = picture()


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    prepare(field)
    yield field
    field.close()


def prepare(field: Field) -> None:
    def work(unit: Unit) -> None:
        unit.create("customer", {"id": CUSTOMER, "name": "大客户", "kind": "company"})
        assign_customer(unit, CUSTOMER, staff_id("lin"))

    write(field.server.database, ORG, field.clock.now(), work)


def record(field: Field, content: bytes = PHOTO, author: str = "lin", **given: Any) -> str:
    """A File record, as a push would have written it."""
    file_id = new_id()
    row = {
        "id": file_id,
        "customer_id": CUSTOMER,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "media_type": "image/jpeg",
        "created_by": staff_id(author),
        **given,
    }
    write(field.server.database, ORG, field.clock.now(), lambda u: u.create("file", row) and None)
    return file_id


def announce(phone: Phone, file_id: str, content: bytes = PHOTO, **given: Any) -> httpx.Response:
    told = {"file_id": file_id, "sha256": hashlib.sha256(content).hexdigest()} | given
    metadata = ",".join(
        f"{k} {base64.b64encode(str(v).encode()).decode()}" for k, v in told.items()
    )
    headers = TUS | {"Upload-Length": str(len(content)), "Upload-Metadata": metadata}
    return phone.send("POST", "/v1/files", headers=headers)


def patch(phone: Phone, address: str, offset: int, data: bytes, **more: str) -> httpx.Response:
    headers = TUS | {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        **more,
    }
    return phone.send("PATCH", address, content=data, headers=headers)


def sent(phone: Phone, file_id: str, content: bytes = PHOTO) -> httpx.Response:
    begun = announce(phone, file_id, content)
    assert begun.status_code == 201, begun.text
    return patch(phone, begun.headers["Location"], 0, content)


def row_of(field: Field, entity: str, record_id: str) -> dict[str, Any]:
    def work(unit: Unit) -> dict[str, Any]:
        held = unit.get(entity, record_id)
        assert held is not None
        return dict(held.row)

    return write(field.server.database, ORG, field.clock.now(), work)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_photo_sent_in_parts_is_verified_and_shown(db: Database, tmp_path: Path) -> None:
    field = Field.on(db, tmp_path)
    prepare(field)
    phone = field.phone("lin")
    file_id = record(field)
    begun = announce(phone, file_id)
    assert begun.status_code == 201
    address, half = begun.headers["Location"], len(PHOTO) // 2
    assert patch(phone, address, 0, PHOTO[:half]).headers["Upload-Offset"] == str(half)
    told = phone.send("HEAD", address, headers=TUS).headers
    assert (told["Upload-Offset"], told["Upload-Length"]) == (str(half), str(len(PHOTO)))
    assert row_of(field, "file", file_id).get("verified_at") is None
    assert patch(phone, address, half, PHOTO[half:]).status_code == 204
    assert row_of(field, "file", file_id)["verified_at"] == "2026-11-21T08:00:00.000Z"
    shown = phone.send("GET", f"/v1/files/{sha(PHOTO)}")
    assert shown.content == PHOTO
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["Cache-Control"] == "no-store"
    # Its last answer may have been lost: the device asks, and is told that all of it is here.
    told = phone.send("HEAD", address, headers=TUS).headers
    assert told["Upload-Offset"] == told["Upload-Length"] == str(len(PHOTO))


def test_a_signed_report_is_complete_with_the_last_of_its_photos(field: Field) -> None:
    phone, report_id = field.phone("lin"), new_id()
    photos = [picture(color=c) for c in ("red", "green")]
    files = [record(field, p, report_id=report_id) for p in photos]
    row = {
        "id": report_id,
        "case_id": derived_id("case"),
        "customer_id": CUSTOMER,
        "author_id": staff_id("lin"),
        "photos_before": files,
        "signature": {"signed_at": "2026-11-21T07:00:00.000Z"},
    }
    write(field.server.database, ORG, field.clock.now(), lambda u: u.create("report", row) and None)
    sent(phone, files[0], photos[0])
    assert not row_of(field, "report", report_id).get("complete")
    sent(phone, files[1], photos[1])
    assert row_of(field, "report", report_id)["complete"] is True


def test_announcing_again_goes_on_where_it_was(field: Field) -> None:
    phone, file_id = field.phone("lin"), record(field)
    first = announce(phone, file_id)
    patch(phone, first.headers["Location"], 0, PHOTO[:100])
    again = announce(phone, file_id)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Upload-Offset"] == "100"


def test_a_part_from_the_wrong_place_is_refused_and_told_the_right_one(field: Field) -> None:
    phone = field.phone("lin")
    address = announce(phone, record(field)).headers["Location"]
    patch(phone, address, 0, PHOTO[:100])
    for offset in (0, 50, 101):
        refused = patch(phone, address, offset, PHOTO[100:])
        assert refused.status_code == 409
        assert code(refused) == "file_incomplete"
        assert refused.json()["details"]["offset"] == 100
    assert patch(phone, address, 100, PHOTO[100:]).status_code == 204


def test_more_than_was_announced_is_refused_and_leaves_nothing(field: Field) -> None:
    phone = field.phone("lin")
    address = announce(phone, record(field)).headers["Location"]
    refused = patch(phone, address, 0, PHOTO + b"x")
    assert code(refused) == "file_too_large"
    assert phone.send("HEAD", address, headers=TUS).headers["Upload-Offset"] == "0"


def test_a_damaged_part_is_noticed_by_its_checksum(field: Field) -> None:
    phone = field.phone("lin")
    address = announce(phone, record(field)).headers["Location"]
    right = base64.b64encode(hashlib.sha256(PHOTO).digest()).decode()
    damaged = patch(phone, address, 0, PHOTO[:-1] + b"x", **{"Upload-Checksum": f"sha256 {right}"})
    assert damaged.status_code == 460
    assert code(damaged) == "file_hash_wrong"
    good = patch(phone, address, 0, PHOTO, **{"Upload-Checksum": f"sha256 {right}"})
    assert good.status_code == 204


def test_a_file_that_arrived_damaged_is_discarded_and_can_be_sent_again(field: Field) -> None:
    phone, file_id = field.phone("lin"), record(field)
    damaged = PHOTO[:-1] + b"x"
    address = announce(phone, file_id).headers["Location"]
    refused = patch(phone, address, 0, damaged)
    assert refused.status_code == 422
    assert code(refused) == "file_hash_wrong"
    assert row_of(field, "file", file_id).get("verified_at") is None
    assert phone.send("HEAD", address, headers=TUS).status_code == 404
    assert sent(phone, file_id).status_code == 204


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script></html>",
        b"\xff\xd8\xff" + b"not a picture at all",
        PHOTO[:-200],
        b"\x89PNG\r\n\x1a\n" + b"0" * 50,
    ],
)
def test_what_is_no_picture_is_refused(field: Field, content: bytes) -> None:
    phone = field.phone("lin")
    refused = sent(phone, record(field, content), content)
    assert refused.status_code == 422
    assert code(refused) == "file_not_image"
    assert code(phone.send("GET", f"/v1/files/{sha(content)}")) == "file_incomplete"


def test_a_document_is_kept_and_only_ever_downloaded(field: Field) -> None:
    phone, content = field.phone("lin"), b"<html><script>alert(1)</script></html>"
    sent(phone, record(field, content, media_type="text/html"), content)
    shown = phone.send("GET", f"/v1/files/{sha(content)}")
    assert shown.content == content
    assert shown.headers["Content-Type"] == "application/octet-stream"
    assert shown.headers["Content-Disposition"] == "attachment"


def test_a_photo_over_the_policy_is_refused_with_its_limit(
    sqlite_template: Path, tmp_path: Path
) -> None:
    field = Field.on_sqlite(sqlite_template, tmp_path, policy={"max_photo_bytes": 500})
    prepare(field)
    refused = announce(field.phone("lin"), record(field))
    assert refused.status_code == 413
    assert code(refused) == "file_too_large"
    assert refused.json()["details"]["limit"] == 500
    field.close()


def test_the_bytes_must_be_those_of_the_record(field: Field) -> None:
    phone, file_id = field.phone("lin"), record(field)
    assert code(announce(phone, file_id, PHOTO + b"x")) == "field_invalid"
    assert code(announce(phone, file_id, PHOTO, sha256="0" * 64)) == "field_invalid"
    assert code(announce(phone, new_id())) == "record_missing"


def test_a_colleague_can_neither_send_nor_see_a_file_of_a_customer_not_theirs(field: Field) -> None:
    lin, wu, file_id = field.phone("lin"), field.phone("wu"), record(field)
    address = announce(lin, file_id).headers["Location"]
    assert code(announce(wu, file_id)) == "record_missing"
    assert wu.send("HEAD", address, headers=TUS).status_code == 404
    assert code(patch(wu, address, 0, PHOTO)) == "not_found"
    patch(lin, address, 0, PHOTO)
    hidden = wu.send("GET", f"/v1/files/{sha(PHOTO)}")
    unknown = wu.send("GET", f"/v1/files/{'0' * 64}")
    assert code(hidden) == "out_of_scope"
    assert hidden.json() == unknown.json()
    assert PHOTO not in hidden.content


def test_whoever_names_a_hash_without_holding_it_must_bring_the_bytes(field: Field) -> None:
    sent(field.phone("lin"), record(field))
    own = record(field, author="wu", customer_id=derived_id("another customer"))
    assert announce(field.phone("wu"), own).status_code == 201


def test_bytes_that_are_here_are_not_sent_twice(field: Field) -> None:
    phone = field.phone("lin")
    sent(phone, record(field))
    second = record(field)
    refused = announce(phone, second)
    assert refused.status_code == 409
    assert code(refused) == "record_exists"
    assert row_of(field, "file", second)["verified_at"]


def test_a_reassigned_author_may_still_bring_a_photo_but_not_see_it(field: Field) -> None:
    lin, file_id = field.phone("lin"), record(field)
    write(
        field.server.database,
        ORG,
        field.clock.now(),
        lambda unit: assign_customer(unit, CUSTOMER, staff_id("chen")),
    )
    assert sent(lin, file_id).status_code == 204
    assert code(lin.send("GET", f"/v1/files/{sha(PHOTO)}")) == "out_of_scope"
    assert field.phone("chen").send("GET", f"/v1/files/{sha(PHOTO)}").content == PHOTO


def test_a_photo_whose_record_waits_in_quarantine_is_taken_and_verified_after_its_release(
    field: Field,
) -> None:
    lin, now, file_id = field.phone("lin"), field.clock.now(), new_id()
    write(field.server.database, ORG, now, lambda u: deactivate(u, staff_id("lin"), "security"))
    fields = {
        "customer_id": CUSTOMER,
        "sha256": sha(PHOTO),
        "bytes": len(PHOTO),
        "media_type": "image/jpeg",
    }
    pushed = lin.send("POST", "/v1/sync/push", envelope(file_id, fields, granted(field)))
    assert [o["verdict"] for o in pushed.json()["outcomes"]] == ["quarantined"]
    assert code(announce(field.phone("wu"), file_id)) == "record_missing"
    assert sent(lin, file_id).status_code == 204
    manager = Caller(
        org_id=ORG,
        staff_id=staff_id("chen"),
        role=Role.STORE_MANAGER,
        device_id="",
        device_key="",
        store_id=row_of(field, "customer", CUSTOMER)["store_id"],
    )
    waiting = quarantine.waiting_for(field.server.database, manager, now)
    changes = [one.change_id for one in waiting]
    quarantine.release(field.server.database, manager, changes, now)
    assert row_of(field, "file", file_id)["verified_at"]


def granted(field: Field) -> str:
    def work(unit: Unit) -> str:
        return unit.find("grant", bucket=f"customer:{CUSTOMER}", staff_id=staff_id("lin"))[0].id

    return write(field.server.database, ORG, field.clock.now(), work)


def envelope(file_id: str, fields: dict[str, Any], grant_id: str) -> dict[str, Any]:
    """A push of one File record."""
    clocks = {"boot_id": "boot", "monotonic_ms": 1}
    change = {
        "change_id": new_id(),
        "number": 1,
        "grant_id": grant_id,
        "entity": "file",
        "record_id": file_id,
        "kind": "create",
        "fields": fields,
        "claimed_at": "2026-11-21T08:00:00.000Z",
        **clocks,
    }
    sent_at = "2026-11-21T08:00:00.000Z"
    return {"app_version": "1.0", "sent_at": sent_at, "changes": [change], **clocks}


def test_nobody_without_a_sign_in_sends_or_sees_a_byte(field: Field) -> None:
    address = announce(field.phone("lin"), record(field)).headers["Location"]
    stranger = field.phone()
    assert code(announce(stranger, new_id())) == "sign_in_required"
    assert code(patch(stranger, address, 0, PHOTO)) == "sign_in_required"
    assert code(stranger.send("GET", f"/v1/files/{sha(PHOTO)}")) == "sign_in_required"
    parts = list((field.server.settings.files_path / "uploads").iterdir())
    assert [part.stat().st_size for part in parts] == [0]


def test_what_a_broken_connection_brought_is_kept(field: Field) -> None:
    phone = field.phone("lin")
    address = announce(phone, record(field)).headers["Location"]
    headers = TUS | {
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Authorization": f"DPoP {phone.access_token}",
        "DPoP": phone.proof("PATCH", ADDRESS + address, phone.access_token),
    }
    asyncio.run(_hang_up(field, address, headers, PHOTO[:300]))
    assert phone.send("HEAD", address, headers=TUS).headers["Upload-Offset"] == "300"
    assert patch(phone, address, 300, PHOTO[300:]).status_code == 204


async def _hang_up(field: Field, address: str, headers: dict[str, str], data: bytes) -> None:
    """One request whose connection breaks after `data`."""
    messages: AsyncIterator[dict[str, Any]] = _broken(data)
    scope = {
        "type": "http",
        "method": "PATCH",
        "scheme": "http",
        "path": address,
        "raw_path": address.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"testserver"),
            *((k.lower().encode(), v.encode()) for k, v in headers.items()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
    }

    async def receive() -> dict[str, Any]:
        return await anext(messages)

    async def send(_message: Any) -> None:
        """Nobody hears it."""

    await field.app(scope, receive, send)


async def _broken(data: bytes) -> AsyncIterator[dict[str, Any]]:
    yield {"type": "http.request", "body": data, "more_body": True}
    while True:
        yield {"type": "http.disconnect"}


def test_an_upload_nobody_finished_is_forgotten_after_a_week(field: Field) -> None:
    phone, file_id = field.phone("lin"), record(field)
    address = announce(phone, file_id).headers["Location"]
    assert field.server.files.sweep() == 0
    field.clock.pass_by(days=7)
    phone.refresh()
    assert phone.send("HEAD", address, headers=TUS).status_code == 404
    assert field.server.files.sweep() == 1
    assert not list((field.server.settings.files_path / "uploads").iterdir())
    assert sent(phone, file_id).status_code == 204


def test_an_upload_can_be_given_up(field: Field) -> None:
    phone = field.phone("lin")
    address = announce(phone, record(field)).headers["Location"]
    assert phone.send("DELETE", address, headers=TUS).status_code == 204
    assert phone.send("HEAD", address, headers=TUS).status_code == 404


def test_files_lie_sealed_on_the_disk(field: Field) -> None:
    sent(field.phone("lin"), record(field))
    kept = [p for p in field.server.settings.files_path.rglob("*") if p.is_file()]
    assert len(kept) == 1
    assert PHOTO[:64] not in kept[0].read_bytes()
    assert kept[0].stat().st_mode & 0o077 == 0
    kept[0].write_bytes(kept[0].read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="altered"):
        field.server.files.store.read(ORG, sha(PHOTO))


@pytest.mark.parametrize(
    "headers",
    [
        {"Tus-Resumable": "0.2.2"},
        {"Upload-Metadata": "file_id not-base64!"},
        {"Upload-Metadata": "file_id"},
        {"Upload-Length": "0"},
        {"Upload-Length": "-5"},
        {"Upload-Length": "many"},
    ],
)
def test_what_is_no_tus_is_malformed(field: Field, headers: dict[str, str]) -> None:
    right = TUS | {"Upload-Length": "5", "Upload-Metadata": "file_id YQ==,sha256 YQ=="}
    answer = field.phone("lin").send("POST", "/v1/files", headers=right | headers)
    assert code(answer) == "malformed"


def test_the_server_says_what_it_knows_of_tus(field: Field) -> None:
    told = field.client.request("OPTIONS", "/v1/files").headers
    assert told["Tus-Version"] == "1.0.0"
    assert "checksum" in told["Tus-Extension"]
