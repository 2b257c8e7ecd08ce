"""Photos on their way: resumable, verified by hash, kept until then (design §5, Files)."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from mobile.store.blobs import PART_BYTES
from shared.entities import File
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.services import scopes
from tests.mobile.sync_world import CUSTOMERS, Handset, at_the_office, handset
from tests.server.phones import Field


def photo(parts: int) -> bytes:
    """A JPEG that is a little longer than so many parts."""
    out = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(out, "JPEG")
    picture = out.getvalue()
    return picture + bytes(parts * PART_BYTES + 10 - len(picture))


def taken(phone: Handset, data: bytes, media_type: str = "image/jpeg") -> File:
    with phone.store.unit() as unit:
        file = unit.attach(
            File(id=new_id(), customer_id=CUSTOMERS[0], media_type=media_type, purpose="visit"),
            data,
        )
        unit.commit()
    return file


async def test_a_photo_arrives_whole_and_a_colleague_sees_it(world: Field) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    data = photo(3)
    file = taken(lin, data)
    report = await lin.synced()
    assert report.files == 1 and lin.store.status().unsent_files == 0
    await chen.synced()
    seen = chen.store.get(File, file.id)
    assert seen is not None and seen.verified_at is not None
    assert chen.store.blob(file.sha256) is None
    assert await chen.engine.file(seen) == data
    chen.line.up = False
    assert await chen.engine.file(seen) == data  # from the phone, the second time
    assert lin.store.blob(file.sha256) == data


async def test_a_cut_upload_goes_on_from_where_the_server_is(world: Field) -> None:
    lin = await handset(world, "lin")
    taken(lin, photo(4))
    # push, begin, offset, part, part whose answer is lost
    report = await lin.sync(None, None, None, None, "answer lost")
    assert report.code is Code.OFFLINE and lin.store.status().unsent_files == 1
    lin.line.asked.clear()
    await lin.synced()
    parts = [asked for asked in lin.line.asked if asked.startswith("PATCH")]
    assert len(parts) == 3  # of five: two had arrived, one of them unheard
    assert lin.store.status().unsent_files == 0


async def test_a_file_that_is_no_picture_is_named_and_holds_up_nothing(world: Field) -> None:
    lin = await handset(world, "lin")
    bad = taken(lin, b"no picture at all")
    good = taken(lin, photo(1))
    report = await lin.sync()
    assert report.code is Code.FILE_NOT_IMAGE and report.files == 1
    (waiting,) = lin.store.waiting_files()
    assert (waiting.file_id, waiting.code) == (bad.id, "file_not_image")
    assert lin.store.blob(bad.sha256) is not None  # the only copy stays
    seen = lin.store.get(File, good.id)
    assert seen is not None and seen.verified_at is not None


async def test_a_photo_of_a_customer_handed_on_still_arrives_and_is_not_sent_twice(
    world: Field,
) -> None:
    lin, he = [await handset(world, who) for who in ("lin", "he")]
    file = taken(lin, photo(1))
    world.clock.pass_by(hours=1)
    at_the_office(world, lambda unit: scopes.assign_customer(unit, CUSTOMERS[0], he.id))
    await lin.synced()
    assert lin.store.status().unsent_files == 0
    assert lin.store.blob(file.sha256) is None  # no longer theirs to look at
    await he.synced()
    seen = he.store.get(File, file.id)
    assert seen is not None
    assert len(await he.engine.file(seen)) == file.bytes


async def test_a_download_that_is_not_what_was_asked_for_is_refused(world: Field) -> None:
    lin, chen = [await handset(world, who) for who in ("lin", "chen")]
    file = taken(lin, photo(1))
    await lin.synced()
    await chen.synced()
    chen.line.script.extend(["answer cut"])
    seen = chen.store.get(File, file.id)
    assert seen is not None
    with pytest.raises(Refusal) as refused:
        await chen.engine.file(seen)
    assert refused.value.code is Code.FILE_HASH_WRONG
    assert chen.store.blob(file.sha256) is None
