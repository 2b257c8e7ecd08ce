"""Sealing: what waits together becomes one entry; whatever was marked as sealed can be opened after
any power cut (L1)."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from mobile.keys.port import Profile
from mobile.store import outbox
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.usecases.sealing import Sealing
from shared.entities import Visit
from sync_server.services.sealed import open_entry
from tests.mobile.failing_disk import WHAT_A_CUT_KEEPS, FailingDisk, FailingFiles, PowerCut
from tests.mobile.store_world import ME, World, an_id, visit
from tests.mobile.sync_world import PhoneKeys

KEY = X25519PrivateKey.generate()
DEVICE = an_id("device")


def sealing(store: Store, log: SealedLog) -> Sealing:
    public = b64encode(KEY.public_key().public_bytes_raw(), b"-_").decode().rstrip("=")
    profile = Profile(
        vault="lin",
        server_url="https://huifang.test",
        user_id=ME,
        display_name="lin",
        device_id=DEVICE,
        server_seal_key=public,
    )
    return Sealing(store, log, PhoneKeys(), profile)


def opened(log: SealedLog) -> dict[str, int]:
    """Number of the entry by id of each change in the log."""
    found = {}
    for entry in log.entries():
        changes, whole = open_entry(KEY, DEVICE, b64encode(entry.sealed).decode())
        assert whole
        found |= {change.change_id: entry.seq for change in changes}
    return found


def marked(store: Store) -> dict[str, int]:
    return dict(store.parts.db.execute("SELECT change_id, sealed FROM outbox WHERE sealed > 0"))


def written(count: int) -> World:
    world = World()
    customer = {"id": an_id("customer"), "name": "客户", "kind": "company"}
    world.hold(f"customer:{customer['id']}", rows=(world.line("customer", customer),))
    for number in range(count):
        with world.store.unit() as unit:
            row = visit(customer, f"{number}")
            unit.create(
                Visit(
                    id=row["id"],
                    customer_id=customer["id"],
                    owner_id=ME,
                    purpose="care",
                    state="planned",
                    planned_at=world.store.now(),
                )
            )
            unit.commit()
    return world


async def log_on(disk: FailingDisk) -> SealedLog:
    files = FailingFiles(disk)
    await files.claim("lin")
    return SealedLog(files, "lin")


@pytest.mark.parametrize("kept", WHAT_A_CUT_KEEPS)
async def test_whatever_is_marked_as_sealed_is_in_the_log_after_a_cut_at_any_write(
    kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SEALED_BYTES", 900)  # a few entries of two or three changes
    marks = set()
    for step in range(40):
        world, disk = written(7), FailingDisk()
        copies = sealing(world.store, await log_on(disk))
        disk.steps_left = step
        done = True
        try:
            await copies.copy()
        except PowerCut:
            done = False
        disk.steps_left = None
        after = FailingDisk()
        after.files.update(disk.after_the_cut(kept).files)
        log = await log_on(after)
        found = opened(log)
        assert marked(world.store).items() <= found.items(), f"step {step}"
        marks.add(len(marked(world.store)))
        await sealing(world.store, log).copy()  # and the rest follows
        assert len(opened(log)) == 7 and len(marked(world.store)) == 7
        if done:
            break
    assert done and len(marks) > 2


async def test_a_single_change_is_sealed_as_the_first_version_did() -> None:
    world = written(1)
    log = await log_on(FailingDisk())
    await sealing(world.store, log).copy()
    (entry,) = log.entries()
    (text,) = world.store.parts.db.execute("SELECT change FROM outbox").fetchone()
    (change,), whole = open_entry(KEY, DEVICE, b64encode(entry.sealed).decode())
    assert whole and change.text == text and json.loads(text)["entity"] == "visit"


async def test_what_waits_together_is_one_entry_and_keeps_its_order() -> None:
    world = written(5)
    log = await log_on(FailingDisk())
    await sealing(world.store, log).copy()
    assert len(log) == 1
    (entry,) = log.entries()
    changes, _ = open_entry(KEY, DEVICE, b64encode(entry.sealed).decode())
    assert [c.content and c.content.number for c in changes] == [1, 2, 3, 4, 5]
    assert not world.store.parts.outbox.unsealed()
