"""Files that mean no good, that nobody names, and that come twice at once."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import func, select

from mobile.device.native import reduced
from shared.ids import derived_id, new_id
from sync_server.db.accounts import EARLY_FILE, STORED_FILE
from sync_server.db.base import Database
from sync_server.db.log import ALARM
from sync_server.services.caller import Caller
from sync_server.services.file_records import Announced
from sync_server.services.file_store import FileStore
from sync_server.services.pictures import is_picture, names_a_place
from sync_server.services.writing import write
from tests.databases import RING
from tests.server.phones import ORG, Field, code
from tests.server.test_files_upload import (
    CUSTOMER,
    PHOTO,
    announce,
    patch,
    picture,
    prepare,
    record,
    row_of,
    sent,
    sha,
)

MAGIC = (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP", b"GIF89a", b"")
TYPES = ("image/jpeg", "image/png", "image/webp", "image/svg+xml", "image/gif")


@pytest.fixture
def field(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    field = Field.on_sqlite(sqlite_template, tmp_path)
    prepare(field)
    yield field
    field.close()


# ── what is no picture ────────────────────────────────────────────────────────────────────


@settings(max_examples=150)
@given(st.sampled_from(MAGIC), st.binary(max_size=400), st.sampled_from(TYPES))
def test_noise_behind_a_pictures_first_bytes_is_no_picture(
    magic: bytes, noise: bytes, media_type: str
) -> None:
    assert not is_picture(magic + noise, media_type)


@settings(max_examples=150)
@given(
    st.integers(0, 10**6),
    st.binary(min_size=1, max_size=8),
    st.sampled_from(("JPEG", "PNG", "WEBP")),
)
def test_a_picture_with_bytes_turned_is_judged_without_a_fault(
    where: int, what: bytes, kind: str
) -> None:
    content = bytearray(drawn(kind))
    at = where % len(content)
    content[at : at + len(what)] = what
    verdict = is_picture(bytes(content), f"image/{kind.lower()}")
    assert verdict in (True, False)
    if verdict:
        assert names_a_place(bytes(content)) in (True, False)


def drawn(kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, kind, **more)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that would unpack to gigabytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(width * 3 + 1) * 50, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_by_its_head(field: Field) -> None:
    phone, content = field.phone("lin"), bomb(60_000, 60_000)
    refused = sent(phone, record(field, content, media_type="image/png"), content)
    assert code(refused) == "file_not_image"


@pytest.mark.parametrize(
    "tail", [b"<script>alert(1)</script>", b"PK\x03\x04" + bytes(40), b"%PDF-1.7"]
)
def test_what_is_two_things_at_once_is_shown_as_a_picture_only(field: Field, tail: bytes) -> None:
    phone, content = field.phone("lin"), PHOTO + tail
    assert sent(phone, record(field, content), content).status_code == 204
    shown = phone.send("GET", f"/v1/files/{sha(content)}").headers
    assert shown["Content-Type"] == "image/jpeg"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_sixty_megabytes_and_none_at_all_are_refused_before_a_byte_comes(field: Field) -> None:
    phone = field.phone("lin")
    large = record(field, PHOTO, bytes=60_000_000)
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "60000000",
        "Upload-Metadata": told(large),
    }
    assert code(phone.send("POST", "/v1/files", headers=headers)) == "file_too_large"
    empty = headers | {"Upload-Length": "0"}
    assert code(phone.send("POST", "/v1/files", headers=empty)) == "malformed"


def told(file_id: str) -> str:
    about = {"file_id": file_id, "sha256": sha(PHOTO)}
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in about.items())


def test_a_recording_may_be_longer_than_a_photo(sqlite_template: Path, tmp_path: Path) -> None:
    limits = {"max_photo_bytes": 500, "max_document_bytes": 5000}
    field = Field.on_sqlite(sqlite_template, tmp_path, policy=limits)
    prepare(field)
    phone, content = field.phone("lin"), bytes(4000)
    assert code(announce(phone, record(field))) == "file_too_large"
    assert sent(phone, record(field, content, media_type="audio/mp4"), content).status_code == 204
    longer = bytes(5001)
    assert (
        code(announce(phone, record(field, longer, media_type="audio/mp4"), longer))
        == "file_too_large"
    )
    field.close()


# ── where it was taken ────────────────────────────────────────────────────────────────────


def with_place(kind: str = "JPEG") -> bytes:
    """A picture as a camera makes it: its EXIF names a place in Shanghai."""
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 13.0, 49.0), 3: "E", 4: (121.0, 28.0, 25.0)})
    return drawn(kind, exif=exif)


def with_place_in_xmp() -> bytes:
    packet = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta exif:GPSLatitude="31,13.8N"/>'
    plain = drawn("JPEG")
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet + plain[2:]


@pytest.mark.parametrize(
    "content", [with_place(), with_place("PNG"), with_place("WEBP"), with_place_in_xmp()]
)
def test_a_picture_that_says_where_it_was_taken_is_refused(field: Field, content: bytes) -> None:
    kind = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}[content[:2]]
    phone, file_id = field.phone("lin"), record(field, content, media_type=kind)
    assert code(sent(phone, file_id, content)) == "file_has_position"
    assert row_of(field, "file", file_id).get("verified_at") is None


def test_it_may_say_so_where_the_visit_has_the_place_on_record(field: Field) -> None:
    place = {"latitude": 31.23, "longitude": 121.47, "fixed_at": "2026-11-21T08:00:00.000Z"}
    visit = {
        "id": new_id(),
        "customer_id": CUSTOMER,
        "owner_id": derived_id("staff", "lin"),
        "purpose": "care",
        "state": "started",
        "planned_at": "2026-11-21T08:00:00.000Z",
        "position": place,
    }
    write(
        field.server.database, ORG, field.clock.now(), lambda u: u.create("visit", visit) and None
    )
    content = with_place()
    file_id = record(field, content, visit_id=visit["id"])
    assert sent(field.phone("lin"), file_id, content).status_code == 204


@pytest.mark.parametrize("content", [with_place(), with_place("PNG"), with_place_in_xmp()])
def test_the_device_leaves_the_place_out_before_anything_is_hashed(content: bytes) -> None:
    assert names_a_place(content)
    made = reduced(content, 2048, 82)
    assert is_picture(made.data, "image/jpeg") and not names_a_place(made.data)


# ── twice, and at once ────────────────────────────────────────────────────────────────────


def test_the_same_content_from_two_devices_at_once_is_stored_once_and_both_are_complete(
    db: Database, tmp_path: Path
) -> None:
    field = Field.on(db, tmp_path)
    prepare(field)
    phones = [field.phone("lin"), field.phone("lin")]
    files = [record(field), record(field)]
    places = [announce(p, f).headers["Location"] for p, f in zip(phones, files, strict=True)]
    for phone, place in zip(phones, places, strict=True):
        patch(phone, place, 0, PHOTO[:-1])
    answers = at_once(
        *(
            lambda phone=phone, place=place: patch(phone, place, len(PHOTO) - 1, PHOTO[-1:])
            for phone, place in zip(phones, places, strict=True)
        )
    )
    assert answers == [204, 204]
    assert all(row_of(field, "file", file_id)["verified_at"] for file_id in files)
    kept = [p for p in field.server.settings.files_path.rglob("*") if p.is_file()]
    assert [p.name for p in kept] == [sha(PHOTO)]
    assert field.server.files.store.read(ORG, sha(PHOTO)) == PHOTO


def at_once(*calls: Callable[[], object]) -> list[int]:
    """What several requests are answered that are made at the same moment."""
    start, answers = threading.Barrier(len(calls)), [0] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        start.wait()
        answers[place] = call().status_code

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_writers_of_one_content_do_not_spoil_each_others_file(tmp_path: Path) -> None:
    store = FileStore(tmp_path, RING)
    content = random.Random(1).randbytes(3_000_000)
    name = hashlib.sha256(content).hexdigest()
    threads = [threading.Thread(target=store.keep, args=(ORG, name, content)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(ORG, name) == content
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [name]


def test_an_upload_that_came_whole_as_the_server_stopped_is_finished_when_asked_for(
    field: Field,
) -> None:
    phone, file_id = field.phone("lin"), record(field)
    address = announce(phone, file_id).headers["Location"]
    part = field.server.settings.files_path / "uploads" / address.rsplit("/", 1)[1]
    part.write_bytes(PHOTO)  # the last byte was on the disk, and the server was killed
    asked = phone.send("HEAD", address, headers={"Tus-Resumable": "1.0.0"})
    assert asked.headers["Upload-Offset"] == str(len(PHOTO))
    assert row_of(field, "file", file_id)["verified_at"]


# ── whole files on the disk ───────────────────────────────────────────────────────────────


def test_a_whole_file_whose_pieces_were_cut_moved_or_put_together_is_noticed(
    tmp_path: Path,
) -> None:
    store, content = FileStore(tmp_path, RING), random.Random(2).randbytes(2_500_000)
    name = hashlib.sha256(content).hexdigest()
    store.keep(ORG, name, content)
    path = next(p for p in tmp_path.rglob("*") if p.is_file())
    kept = path.read_bytes()
    piece = 4 + (1 << 20) + 31
    for damaged in (kept[:-1], kept[: 12 + piece], kept[:12] + kept[12 + piece :], kept + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="altered|no key"):
            store.read(ORG, name)


def test_a_file_that_an_earlier_version_sealed_in_one_is_still_read(tmp_path: Path) -> None:
    store, name = FileStore(tmp_path, RING), sha(PHOTO)
    path = tmp_path / ORG / name[:2] / name
    path.parent.mkdir(parents=True)
    path.write_bytes(RING.seal(PHOTO, f"file\0{ORG}\0{name}".encode()))
    assert store.read(ORG, name) == PHOTO


# ── nobody's ──────────────────────────────────────────────────────────────────────────────


def early(field: Field, file_id: str, content: bytes) -> None:
    """Bytes of a file whose record has not come, as a sealed copy brings them."""
    phone = field.phone("lin")
    caller = Caller(
        org_id=ORG,
        staff_id=derived_id("staff", "lin"),
        role=None,
        device_id=phone.device_id,
        device_key=phone.device_key,
    )
    files = field.server.files
    upload = files.begun(caller, file_id, Announced(sha(content), len(content), "image/jpeg"))
    with files.store.open_end(upload.id) as part:
        part.write(content)
    files.finish(caller, files.find(caller, upload.id), sealed=True)


def test_bytes_without_a_record_wait_for_it_two_years_and_go_then(
    db: Database, tmp_path: Path
) -> None:
    field = Field.on(db, tmp_path)
    prepare(field)
    orphan, named = picture(color="red"), picture(color="green")
    early(field, new_id(), orphan)
    sent(field.phone("lin"), record(field, named), named)
    field.clock.pass_by(days=730)
    field.server.clear_away()
    assert count(db, STORED_FILE) == 2  # a device may still bring its record
    field.clock.pass_by(days=2)
    field.server.clear_away()
    assert field.server.files.store.read(ORG, sha(orphan)) is None
    assert field.server.files.store.read(ORG, sha(named)) == named
    assert (count(db, STORED_FILE), count(db, EARLY_FILE)) == (1, 0)


def count(db: Database, table: object) -> int:
    with db.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_a_record_with_another_hash_is_not_verified_by_bytes_that_came_before_it(
    field: Field,
) -> None:
    file_id, other = new_id(), picture(color="red")
    early(field, file_id, other)
    row = {
        "id": file_id,
        "customer_id": CUSTOMER,
        "sha256": sha(PHOTO),
        "bytes": len(PHOTO),
        "media_type": "image/jpeg",
    }
    write(field.server.database, ORG, field.clock.now(), lambda u: u.create("file", row) and None)
    field.server.clear_away()
    assert row_of(field, "file", file_id).get("verified_at") is None


def test_a_sealed_copy_that_names_a_place_is_kept_and_an_alarm_raised(field: Field) -> None:
    content = with_place()
    early(field, new_id(), content)
    assert field.server.files.store.read(ORG, sha(content)) == content
    with field.server.database.read() as connection:
        kinds = connection.execute(select(ALARM.c.kind)).scalars().all()
    assert kinds == ["photo_position"]


def test_what_was_being_written_when_a_server_stopped_is_cleared_away_later(
    tmp_path: Path,
) -> None:
    store = FileStore(tmp_path, RING)
    left = tmp_path / ORG / "ab" / f".{'ab' * 32}.{new_id()}"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert store.clear_unfinished() == 0
    old = time.time() - timedelta(days=2).total_seconds()
    os.utime(left, (old, old))
    assert store.clear_unfinished() == 1 and not left.exists()
