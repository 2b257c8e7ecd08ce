"""Work in a vault that nobody opens any more arrives all the same, once, and needs no secret (L1,
L2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from mobile.keys.port import Profile
from mobile.store.credentials import server_keys
from mobile.store.files import DirectoryFiles
from mobile.store.sealed_log import SealedLog
from mobile.usecases import left_behind
from mobile.usecases.left_behind import LeftBehind
from mobile.usecases.services import Services
from sync_server.db.log import CHANGE_LOG
from sync_server.services.epochs import backed_up, begin_epoch
from tests.mobile.sync_world import Handset
from tests.mobile.test_sync_sealed import a_visit
from tests.mobile.ui.field import MemoryPreferences, TestPlace
from tests.server.phones import ADDRESS, ORG, Field


@pytest.fixture
async def phone(world: Field, tmp_path: Path) -> AsyncIterator[Handset]:
    """Lin's phone after a day offline: two visits, saved and sealed, and the vault closed."""
    files = DirectoryFiles(tmp_path / "phone")
    await files.claim("lin")
    phone = Handset(world, "lin", log=SealedLog(files, "lin"))
    await phone.sign_in()
    await phone.synced()
    a_visit(phone, "一")
    a_visit(phone, "二")
    await phone.seal()
    await files.release("lin")
    phone.line.asked.clear()
    phone.line.bodies.clear()
    yield phone


def services(phone: Handset, folder: Path) -> Services:
    """The app as it stands at the lock. `profiles` may be emptied by a test."""
    keys = server_keys(phone.store.parts)
    assert keys is not None
    profiles = [
        Profile(
            vault="lin",
            server_url=ADDRESS,
            user_id=phone.id,
            display_name="林晓",
            device_id=phone.store.parts.meta.get("device_id"),
            server_seal_key=keys.seal,
        )
    ]

    async def listed() -> list[Profile]:
        return list(profiles)

    made = SimpleNamespace(
        keys=SimpleNamespace(profiles=listed),
        files=DirectoryFiles(folder / "phone"),
        clock=phone.world.clock,
        place=TestPlace(),
        preferences=MemoryPreferences(),
        connect=lambda _url: phone.peer,
        app_version="1.0",
        profiles=profiles,
    )
    return cast(Services, made)


def arrived(world: Field) -> int:
    with world.server.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(CHANGE_LOG)) or 0)


async def left_in_the_log(app: Services) -> int:
    await app.files.claim("lin")
    length = len(SealedLog(app.files, "lin"))
    await app.files.release("lin")
    return length


def told(phone: Handset) -> list[int]:
    """How many outcomes each reply brought."""
    return [len(json.loads(body)["outcomes"]) for body in phone.line.bodies]


async def test_the_work_of_someone_who_forgot_the_pin_arrives_though_nobody_signs_in(
    world: Field, phone: Handset, tmp_path: Path
) -> None:
    app = services(phone, tmp_path)
    await LeftBehind(app).hand_in()
    assert arrived(world) == 2
    assert set(phone.line.asked) == {"POST /v1/sync/sealed"}  # no token was asked for
    assert await left_in_the_log(app) == 1  # until it is backed up
    phone.line.bodies.clear()
    await LeftBehind(app).hand_in()  # the next start asks, and brings nothing twice
    assert told(phone) == [0]
    backed_up(world.server.database, ORG, 10**6)
    await LeftBehind(app).hand_in()
    assert await left_in_the_log(app) == 0 and arrived(world) == 2


async def test_a_vault_that_is_opened_again_later_does_nothing_twice(
    world: Field, phone: Handset, tmp_path: Path
) -> None:
    app = services(phone, tmp_path)
    await LeftBehind(app).hand_in()
    backed_up(world.server.database, ORG, 10**6)
    await LeftBehind(app).hand_in()
    await app.files.claim("lin")
    phone.log = SealedLog(app.files, "lin")
    phone.open()
    a_visit(phone, "三")
    await phone.synced()
    await phone.synced()
    assert arrived(world) == 3 and not phone.store.waiting()
    assert len(phone.log) == 0
    await app.files.release("lin")


async def test_the_work_of_someone_who_signed_out_arrives_while_another_is_at_the_sign_in(
    world: Field, phone: Handset, tmp_path: Path
) -> None:
    app = services(phone, tmp_path)
    app.profiles.clear()  # type: ignore[attr-defined]  # the fake's
    await LeftBehind(app).hand_in()
    assert arrived(world) == 0  # nobody knows whose it is
    profile = (await services(phone, tmp_path).keys.profiles())[0]
    await LeftBehind(app).remember(profile)  # what signing out does
    await LeftBehind(app).hand_in()
    assert arrived(world) == 2


async def test_a_restored_server_is_handed_again_what_its_backup_had_not(
    world: Field, phone: Handset, tmp_path: Path
) -> None:
    app = services(phone, tmp_path)
    await LeftBehind(app).hand_in()
    begin_epoch(world.server.database, ORG)
    phone.line.bodies.clear()
    await LeftBehind(app).hand_in()
    assert told(phone) == [0, 2] and arrived(world) == 2


async def test_without_a_network_it_waits_and_goes_when_the_network_returns(
    world: Field, phone: Handset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_behind, "BEGINS_AFTER", 0.0)
    app = services(phone, tmp_path)
    place: Any = app.place
    place.switch(False)
    left = LeftBehind(app)
    left.start()
    for _ in range(20):
        await asyncio.sleep(0)
    assert phone.line.asked == []
    through, push_sealed = asyncio.Event(), phone.peer.push_sealed

    async def pushed(request: Any) -> Any:
        reply = await push_sealed(request)
        if reply.outcomes:
            through.set()
        return reply

    monkeypatch.setattr(phone.peer, "push_sealed", pushed)
    place.switch(True)
    async with asyncio.timeout(60):
        await through.wait()
    assert arrived(world) == 2
    await left.stop()
    await left.stop()


async def test_whoever_opens_the_vault_meanwhile_has_its_log_to_themselves(
    phone: Handset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_behind, "BEGINS_AFTER", 0.0)
    app = services(phone, tmp_path)
    asked = asyncio.Event()

    async def never(_request: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(phone.peer, "push_sealed", never)
    left = LeftBehind(app)
    left.start()
    await asked.wait()
    await left.leave("lin")
    other = DirectoryFiles(tmp_path / "phone")
    await other.claim("lin")  # refused while it is in use
    assert len(SealedLog(other, "lin")) == 1
    asked.clear()
    await left.hand_in()
    assert not asked.is_set()  # and goes on without it
    await other.release("lin")
    await left.stop()
