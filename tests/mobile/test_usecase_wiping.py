"""A device that an administrator ordered to be emptied: vault and key go at its next contact, open
or locked; what was unsent still arrives, and a receipt says that it is done (L1, L4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from mobile.keys.keyring import Keyring
from mobile.keys.native import DirectoryRecords, FileShelf, NativePrimitives
from mobile.keys.port import DeviceKeys, Profile
from mobile.store.files import DirectoryFiles
from mobile.store.store import Store
from mobile.store.trusted_time import TrustedClock
from mobile.store.unlocking import renew_key
from mobile.sync.engine import SyncEngine
from mobile.sync.transport import HttpPeer
from mobile.usecases import wiping
from mobile.usecases.services import Services
from mobile.usecases.session import Phase, Session
from shared.entities import Visit
from shared.errors import Code
from shared.wire import Lease, SignedLease
from sync_server.db.accounts import DEVICE
from sync_server.db.log import CHANGE_LOG
from sync_server.services import devices, receipts
from sync_server.services.leases import sign_lease
from tests.mobile.sync_world import VISIT, Line
from tests.mobile.test_sync_moves import OFFICE
from tests.mobile.ui.field import MemoryPreferences, TestPlace, slowly
from tests.server.phones import ADDRESS, ORG, PASSWORD, Field, staff_id

PIN = "246810"


def installed(world: Field, folder: Path) -> tuple[Services, Line]:
    """The app with real keys, files, store and engine, and its way to the server."""
    line, clock = Line(world), world.clock
    keys: DeviceKeys = Keyring(
        NativePrimitives(FileShelf(folder / "device"), iterations=1, memory_kib=32),
        DirectoryRecords(folder / "records"),
    )

    def store(db: apsw.Connection, _profile: Profile) -> Store:
        return Store(db, TrustedClock(clock, "boot", db, timedelta(minutes=5)))

    def engine(store: Store, peer: Any, profile: Profile, seal: Any, log: Any) -> SyncEngine:
        async def rekey() -> None:
            await renew_key(store.parts.db, keys, profile.vault)

        return SyncEngine(store, peer, keys, app_version="1", seal=seal, rekey=rekey, log=log)

    made = Services(
        keys=keys,
        files=DirectoryFiles(folder / "vaults"),
        clock=clock,
        place=TestPlace(),
        preferences=MemoryPreferences(),
        store=store,
        connect=lambda _url: HttpPeer(ADDRESS, line, keys, clock),
        engine=engine,
        app_version="1",
    )
    return made, line


@pytest.fixture
async def lin(world: Field, tmp_path: Path) -> AsyncIterator[tuple[Session, Services, Line]]:
    """Lin's phone, signed in and synced, with a visit that is half written."""
    app, line = installed(world, tmp_path / "phone")
    session = Session(app)
    await session.sign_in(ADDRESS, "lin", PASSWORD, "手机")
    await session.choose_secret(PIN, "zh-CN")
    assert await session.first_sync(lambda _: None) is None
    assert session.store is not None
    session.store.save_draft("visit/1", {"notes": "谈到一半"}, about=("visit", VISIT["id"]))
    yield session, app, line
    await session.left_behind.stop()
    await session.lock()


def order(world: Field) -> str:
    """An administrator orders lin's device to be emptied; its id."""
    with world.server.database.write() as connection:
        (device,) = [
            d for d in devices.all_devices(connection, ORG) if d.staff_id == staff_id("lin")
        ]
        devices.order_wipe(connection, OFFICE, device, world.clock.now())
    return device.id


def wiped_at(world: Field, device_id: str) -> str | None:
    with world.server.database.read() as connection:
        query = select(DEVICE.c.wiped_at).where(DEVICE.c.id == device_id)
        return cast("str | None", connection.scalar(query))


def arrived(world: Field) -> dict[str, str]:
    """Verdict by entity of what came in."""
    with world.server.database.read() as connection:
        rows = connection.execute(select(CHANGE_LOG.c.entity, CHANGE_LOG.c.verdict))
        return {row.entity: row.verdict for row in rows}


async def nothing_left(app: Services, folder: Path) -> None:
    """No vault, no key, no profile: the sealed log alone."""
    assert await app.keys.profiles() == []
    assert not await app.keys.has_vault_key(staff_id("lin"))
    left = {path.name for path in (folder / "phone" / "vaults").rglob("*") if path.is_file()}
    assert all(name.endswith((".log-a", ".log-b", ".lock")) for name in left), left


async def test_an_open_device_is_emptied_and_what_was_half_written_still_arrives(
    world: Field, lin: tuple[Session, Services, Line], tmp_path: Path
) -> None:
    session, app, line = lin
    assert session.store is not None and session.syncing is not None
    visit = session.store.get(Visit, VISIT["id"])
    assert visit is not None
    with session.store.unit() as unit:
        unit.update(visit, next_step="寄报价")
        unit.commit()
    device_id = order(world)
    syncing = session.syncing
    await syncing.now()
    assert syncing.wiped is not None
    await syncing.wiped
    assert (session.phase, session.wiped, session.store) == (Phase.WELCOME, True, None)
    await nothing_left(app, tmp_path)
    assert arrived(world) == {"visit": "quarantined"}
    line.script.append("fails")  # the receipt, which the work does not wait for
    await session.left_behind.hand_in()
    with world.server.database.read() as connection:
        assert len(connection.execute(select(CHANGE_LOG)).all()) == 2
    assert wiped_at(world, device_id) is None
    await session.left_behind.hand_in()
    assert wiped_at(world, device_id) is not None
    (receipt,) = receipts.of_device(world.server.database, ORG, device_id)
    assert '"kind":"wiped"' in receipt.payload
    await session.left_behind.hand_in()  # the next start sends no second one
    assert len(receipts.of_device(world.server.database, ORG, device_id)) == 1


async def test_a_locked_device_is_emptied_without_its_secret(
    world: Field, lin: tuple[Session, Services, Line], tmp_path: Path
) -> None:
    session, app, line = lin
    await session.lock()
    device_id = order(world)
    line.up = False
    at_the_lock = Session(app)
    await at_the_lock.begin()
    await at_the_lock.left_behind.hand_in()
    assert at_the_lock.phase is Phase.LOCKED and await app.keys.has_vault_key(staff_id("lin"))
    line.up = True
    await at_the_lock.left_behind.hand_in()
    assert at_the_lock.left_behind.emptying is not None
    await at_the_lock.left_behind.emptying
    assert (at_the_lock.phase, at_the_lock.wiped) == (Phase.WELCOME, True)
    await nothing_left(app, tmp_path)
    await at_the_lock.left_behind.hand_in()
    assert wiped_at(world, device_id) is not None
    await at_the_lock.left_behind.stop()


@pytest.mark.parametrize("first", ["unlocked", "emptied"])
async def test_a_device_that_is_unlocked_while_it_is_emptied_is_empty_afterwards(
    world: Field, lin: tuple[Session, Services, Line], tmp_path: Path, first: str
) -> None:
    session, app, _ = lin
    await session.lock()
    order(world)
    at_the_lock = Session(app)
    await at_the_lock.begin()
    await at_the_lock.left_behind.hand_in()
    emptying = at_the_lock.left_behind.emptying
    assert emptying is not None and at_the_lock.phase is Phase.LOCKED
    if first == "emptied":
        await asyncio.sleep(0)  # it has begun
    await at_the_lock.unlock(PIN)
    await emptying
    assert (at_the_lock.phase, at_the_lock.store) == (Phase.WELCOME, None)
    await nothing_left(app, tmp_path)
    await at_the_lock.left_behind.hand_in()
    assert arrived(world) == ({"visit": "quarantined"} if first == "unlocked" else {})
    await at_the_lock.left_behind.stop()


async def test_an_order_that_comes_before_the_first_sync_is_carried_out(
    world: Field, tmp_path: Path
) -> None:
    app, _ = installed(world, tmp_path / "phone")
    session = Session(app)
    await session.sign_in(ADDRESS, "lin", PASSWORD, "手机")
    await session.choose_secret(PIN, "zh-CN")
    order(world)
    assert session.syncing is not None
    syncing = session.syncing
    assert await session.first_sync(lambda _: None) is Code.DEVICE_WIPED
    assert syncing.wiped is not None
    await syncing.wiped
    assert session.phase is Phase.WELCOME
    await nothing_left(app, tmp_path)
    await session.left_behind.stop()


async def test_what_was_saved_before_the_disk_was_full_outlives_the_emptying(
    world: Field, lin: tuple[Session, Services, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, app, _ = lin
    assert session.store is not None
    monkeypatch.setattr(app.keys, "seal", slowly(app.keys.seal))
    visit = session.store.get(Visit, VISIT["id"])
    assert visit is not None
    with session.store.unit() as unit:
        unit.update(visit, next_step="寄报价")
        unit.commit()
    # What is half written finds no room any more.
    about = ("visit", VISIT["id"])
    session.store.save_draft("visit/1", {"notes": "谈到一半" * 800}, about=about)
    db = session.store.parts.db
    db.execute(f"PRAGMA max_page_count={db.execute('PRAGMA page_count').get}").fetchall()
    with pytest.raises(apsw.FullError):
        for number in range(1000):
            session.store.parts.meta.put(f"filler {number}", "x" * 100)
    order(world)
    await session.wipe()
    assert session.phase is Phase.WELCOME
    await session.left_behind.hand_in()
    assert arrived(world) == {"visit": "quarantined"}


async def test_an_order_that_was_taken_back_empties_nothing(
    world: Field, lin: tuple[Session, Services, Line]
) -> None:
    session, app, _ = lin
    device_id = order(world)
    with world.server.database.write() as connection:
        device = devices.find(connection, ORG, device_id)
        devices.decide(connection, device, devices.APPROVED, now=world.clock.now())
    assert session.syncing is not None
    report = await session.syncing.now()
    assert report.code is None and session.store is not None


async def test_a_word_that_the_server_did_not_sign_destroys_nothing(
    world: Field, lin: tuple[Session, Services, Line]
) -> None:
    session, app, _ = lin
    (profile,) = await app.keys.profiles()
    key = world.server.keys.lease
    good = Lease(
        organisation_id=ORG, device_id=profile.device_id, staff_id=profile.user_id, role="",
        epoch="", issued_at="", ends_at="", grants_digest="", active=False, wipe=True,
    )  # fmt: skip
    signed = sign_lease(key, good)
    assert await wiping.ordered(app, profile, signed)
    forged = sign_lease(Ed25519PrivateKey.generate(), good)
    refused = [
        None,
        forged,
        sign_lease(key, replace(good, wipe=False)),
        sign_lease(key, replace(good, device_id="another")),
        sign_lease(key, replace(good, staff_id="another")),
        SignedLease(payload=signed.payload + " ", signature=signed.signature),
        SignedLease(payload=signed.payload, signature="§"),
        SignedLease(payload=signed.payload, signature="!!!!" + signed.signature),
    ]
    assert [await wiping.ordered(app, profile, one) for one in refused] == [False] * len(refused)
