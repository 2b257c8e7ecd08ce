"""Photos outlive their vault as changes do: a sealed copy of each that was not sent (L1)."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from PIL import Image

from mobile.store import sealed_copies
from mobile.store.blobs import PART_BYTES
from mobile.store.files import DirectoryFiles, DiskFile, NoRoom
from mobile.store.sealed_log import SealedLog
from mobile.sync.sealed_files import hand_in_file
from mobile.usecases.left_behind import LeftBehind
from shared.entities import File
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.bootstrap import Server
from sync_server.db.base import Database
from sync_server.services import scopes
from sync_server.services.backups import Backup, back_up, restore_sqlite, restored
from sync_server.services.epochs import backed_up
from tests.mobile.sync_world import CUSTOMERS, Handset, at_the_office, furnish
from tests.mobile.test_left_behind import services
from tests.server.phones import ORG, Field, staff_id


async def with_a_log(world: Field, folder: Path) -> Handset:
    files = DirectoryFiles(folder)
    await files.claim("vault")
    phone = Handset(world, "lin", log=SealedLog(files, "vault"))
    await phone.sign_in()
    await phone.synced()
    return phone


@pytest.fixture
async def phone(world: Field, tmp_path: Path) -> AsyncIterator[Handset]:
    phone = await with_a_log(world, tmp_path / "phone")
    yield phone
    await phone.log.files._files.release("vault")


def a_photo(phone: Handset, parts: int = 2, seed: int = 0) -> File:
    """A JPEG a little longer than so many parts, saved with the vault."""
    out = io.BytesIO()
    Image.linear_gradient("L").rotate(seed * 40).convert("RGB").save(out, "JPEG")
    data = out.getvalue() + bytes(parts * PART_BYTES + 10)
    with phone.store.unit() as unit:
        about = {"customer_id": CUSTOMERS[0], "media_type": "image/jpeg", "purpose": "visit"}
        file = unit.attach(File(id=new_id(), **about), data)
        unit.commit()
    return file


async def lose_the_vault(phone: Handset) -> None:
    """The PIN was forgotten: a new vault on the same device."""
    phone.db = apsw.Connection(":memory:")
    phone.open()
    await phone.sign_in()


def copies(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "phone" / "vault.files").glob("*"))


async def test_a_photo_of_a_vault_that_was_lost_reaches_the_server(
    db: Database, tmp_path: Path
) -> None:
    world = Field.on(db, tmp_path / "server")
    furnish(world.server)
    phone = await with_a_log(world, tmp_path / "phone")
    file = a_photo(phone)
    phone.line.up = False
    await phone.sync()
    assert copies(tmp_path) == [file.id]
    phone.line.up = True
    await lose_the_vault(phone)
    await phone.synced()
    await phone.synced()
    seen = phone.store.get(File, file.id)
    assert seen is not None and seen.verified_at is not None
    assert len(await phone.engine.file(seen)) == file.bytes
    assert copies(tmp_path) == [file.id]  # not backed up yet
    phone.line.asked.clear()
    backed_up(world.server.database, ORG, 10**6)
    await phone.synced()
    await phone.synced()
    assert copies(tmp_path) == []
    assert not [asked for asked in phone.line.asked if "sealed-files" in asked]
    await phone.log.files._files.release("vault")


async def test_a_photo_that_was_sent_keeps_its_copy_until_the_backup(
    world: Field, phone: Handset, tmp_path: Path
) -> None:
    file = a_photo(phone)
    await phone.synced()
    assert copies(tmp_path) == [file.id] and phone.store.status().sealed_bytes > file.bytes
    backed_up(world.server.database, ORG, 10**6)
    await phone.synced()
    await phone.synced()
    assert copies(tmp_path) == [] and phone.store.status().sealed_bytes == 0
    assert phone.store.blob(file.sha256) is not None


async def test_a_hand_in_that_was_cut_goes_on_where_the_server_is(
    phone: Handset,
) -> None:
    file = a_photo(phone, parts=3)
    phone.line.up = False
    await phone.sync()
    phone.line.up = True
    await lose_the_vault(phone)
    # sign-in came before; pull, snapshot, pull, sealed log, head, piece, piece whose answer is lost
    report = await phone.sync(*[None] * 6, "answer lost")
    assert report.code is Code.OFFLINE, phone.line.asked
    assert phone.line.asked[-1].startswith("PATCH /v1/sync/sealed-files/")
    phone.line.asked.clear()
    await phone.synced()
    pieces = [asked for asked in phone.line.asked if asked.startswith("PATCH")]
    assert len(pieces) == 2  # of four: two had arrived, one of them unheard
    await phone.synced()
    seen = phone.store.get(File, file.id)
    assert seen is not None and seen.verified_at is not None


async def test_an_upload_begun_with_the_vault_goes_on_from_its_sealed_copy(
    phone: Handset,
) -> None:
    file = a_photo(phone, parts=3)
    # push, begin, offset, first part; the second gets no answer
    await phone.sync(None, None, None, None, "never arrives")
    await lose_the_vault(phone)
    phone.line.asked.clear()
    await phone.synced()
    pieces = [asked for asked in phone.line.asked if asked.startswith("PATCH")]
    assert len(pieces) == 3  # of four
    await phone.synced()
    assert phone.store.get(File, file.id).verified_at is not None


def put_back(server: Server, taken: Backup, folder: Path) -> None:
    """The server as it is after a restore from that backup."""
    server.database.close()
    for path in folder.glob("server.sqlite3*"):
        path.unlink()
    shutil.rmtree(server.settings.files_path)
    restore_sqlite(taken.path, folder / "server.sqlite3", server.settings.files_path)
    restored(server.database, server.clock.now())


async def test_what_a_restored_server_lacks_is_sent_again_though_it_had_been_verified(
    world: Field, phone: Handset, tmp_path: Path
) -> None:
    server = world.server
    folder = tmp_path / "backup"
    taken = back_up(server.database, server.settings.files_path, folder, world.clock.now())
    file = a_photo(phone)
    await phone.synced()
    assert phone.store.status().unsent_files == 0
    put_back(server, taken, tmp_path)
    await phone.sync()
    await phone.synced()
    seen = phone.store.get(File, file.id)
    assert seen is not None and seen.verified_at is not None
    assert server.files.store.has(ORG, file.sha256)


async def test_a_copy_without_its_end_was_never_saved_and_is_cleared_away(
    phone: Handset, tmp_path: Path
) -> None:
    torn = tmp_path / "phone" / "vault.files" / new_id()
    torn.parent.mkdir()
    torn.write_bytes(b"HFFILE01" + bytes(50))
    await phone.synced()
    assert copies(tmp_path) == []


async def test_a_damaged_copy_stays_and_holds_up_no_other(phone: Handset, tmp_path: Path) -> None:
    damaged, good = a_photo(phone, seed=1), a_photo(phone, seed=2)
    phone.line.up = False
    await phone.sync()
    path = tmp_path / "phone" / "vault.files" / damaged.id
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    phone.line.up = True
    await lose_the_vault(phone)
    await phone.synced()
    await phone.synced()
    assert phone.store.get(File, good.id).verified_at is not None
    assert phone.store.get(File, damaged.id).verified_at is None
    assert damaged.id in copies(tmp_path)


async def test_a_sealed_copy_opens_for_its_own_device_file_and_place_only(
    phone: Handset,
) -> None:
    file, other = a_photo(phone, seed=1), a_photo(phone, seed=2)
    phone.line.up = False
    await phone.sync()
    phone.line.up = True
    log, device = phone.log.files, phone.store.parts.meta.get("device_id")
    copy = await log.find(file.id)
    head, piece = await log.piece(copy, -1), await log.piece(copy, 0)
    begin, append = phone.peer.begin_sealed_file, phone.peer.append_sealed_file
    await begin(device, file.id, head.sealed)
    assert (await refusal(append(device, file.id, 1, piece.sealed))) is Code.MALFORMED
    assert (await refusal(begin(device, other.id, head.sealed))) is Code.MALFORMED
    assert (await refusal(begin(new_id(), file.id, head.sealed))) is Code.DEVICE_UNKNOWN
    told = await append(device, file.id, 0, piece.sealed)
    assert (told.arrived, told.stored) == (PART_BYTES, False)
    again = await append(device, file.id, 0, piece.sealed)
    assert again.arrived == PART_BYTES


async def refusal(call: object) -> Code | None:
    with pytest.raises(Refusal) as refused:
        await call
    return refused.value.code


async def test_a_file_before_its_record_waits_for_it_and_only_for_those_bytes(
    world: Field, phone: Handset
) -> None:
    file = a_photo(phone)
    phone.line.up = False
    await phone.sync()
    phone.line.up = True
    log, device = phone.log.files, phone.store.parts.meta.get("device_id")
    copy = await log.find(file.id)
    reply = await hand_in_file(phone.peer, log, copy, device)
    assert reply is not None and reply.stored
    await phone.synced()  # brings the record; its bytes are here
    world.server.clear_away()
    await phone.synced()
    assert phone.store.get(File, file.id).verified_at is not None


async def test_a_full_disk_leaves_no_half_copy_and_sending_goes_on(
    phone: Handset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = a_photo(phone)

    def full(*_write: object) -> None:
        raise NoRoom

    with monkeypatch.context() as disk:
        disk.setattr(DiskFile, "write", full)
        report = await phone.sync()
    assert report.code is Code.DISK_FULL and report.files == 1
    assert copies(tmp_path) == []
    await phone.synced()
    assert phone.store.get(File, file.id).verified_at is not None


async def test_the_copy_of_a_customer_handed_on_goes_after_the_backup(
    world: Field, phone: Handset, tmp_path: Path
) -> None:
    file = a_photo(phone)
    phone.line.up = False
    await phone.sync()
    phone.line.up = True
    world.clock.pass_by(hours=1)
    at_the_office(world, lambda unit: scopes.assign_customer(unit, CUSTOMERS[0], staff_id("he")))
    await phone.synced()
    assert phone.store.blob(file.sha256) is None and copies(tmp_path) == [file.id]
    for waiting in phone.store.waiting():  # "late": its author has seen it
        phone.store.dismiss(waiting.number)
    backed_up(world.server.database, ORG, 10**6)
    await phone.synced()
    await phone.synced()
    assert copies(tmp_path) == [] and sealed_copies.known(phone.store.parts.meta) == set()
    assert phone.db.execute("SELECT count(*) FROM blob").get == 0


async def test_the_same_photo_taken_twice_is_sent_once_and_both_records_are_complete(
    phone: Handset,
) -> None:
    first = a_photo(phone)
    await phone.synced()
    second = a_photo(phone)
    assert second.sha256 == first.sha256
    phone.line.asked.clear()
    await phone.synced()
    await phone.synced()
    assert not [asked for asked in phone.line.asked if asked.startswith("PATCH")]
    assert phone.store.get(File, second.id).verified_at is not None


async def test_photos_in_a_vault_that_nobody_opens_arrive_from_the_lock(
    world: Field, tmp_path: Path
) -> None:
    files = DirectoryFiles(tmp_path / "phone")
    await files.claim("lin")
    phone = Handset(world, "lin", log=SealedLog(files, "lin"))
    await phone.sign_in()
    await phone.synced()
    file = a_photo(phone)
    await phone.seal()
    await files.release("lin")
    app = services(phone, tmp_path)
    folder = tmp_path / "phone" / "lin.files"
    await LeftBehind(app).hand_in()
    assert world.server.files.store.has(ORG, file.sha256)
    assert [path.name for path in folder.iterdir()] == [file.id]  # until it is backed up
    phone.line.asked.clear()
    backed_up(world.server.database, ORG, 10**6)
    await LeftBehind(app).hand_in()
    assert list(folder.iterdir()) == []
    assert not [asked for asked in phone.line.asked if "sealed-files" in asked]
