"""Work outlives its vault: what was sealed is handed in by a device that has lost the key to it
(L1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from mobile.store.files import DirectoryFiles
from mobile.store.sealed_log import SealedLog
from shared.entities import Visit
from shared.ids import new_id
from sync_server.services.epochs import backed_up
from tests.mobile.sync_world import CUSTOMERS, Handset
from tests.server.phones import ORG, Field


@pytest.fixture
async def phone(world: Field, tmp_path: Path) -> AsyncIterator[Handset]:
    files = DirectoryFiles(tmp_path / "phone")
    await files.claim("vault")
    phone = Handset(world, "lin", log=SealedLog(files, "vault"))
    await phone.sign_in()
    await phone.synced()
    yield phone
    await files.release("vault")


def a_visit(phone: Handset, notes: str) -> str:
    with phone.store.unit() as unit:
        made = unit.create(
            Visit(
                id=new_id(),
                customer_id=CUSTOMERS[0],
                owner_id=phone.id,
                purpose="care",
                state="planned",
                planned_at=phone.store.now(),
                notes=notes,
            )
        )
        unit.commit()
    return made.id


def back_up(world: Field) -> None:
    backed_up(world.server.database, ORG, 10**6)


async def test_work_of_a_vault_that_was_lost_reaches_the_server(
    world: Field, phone: Handset
) -> None:
    visits = [a_visit(phone, f"{n}") for n in range(3)]
    phone.line.up = False
    await phone.sync()
    assert phone.log is not None and len(phone.log) == 1  # sealed together
    phone.db = apsw.Connection(":memory:")  # the PIN was forgotten: a new vault on the same device
    phone.open()
    phone.line.up = True
    await phone.sign_in()
    later = a_visit_after(await phone.sync(), phone)
    await phone.synced()
    assert {v.id for v in phone.store.find(Visit, customer_id=CUSTOMERS[0])} >= {*visits, later}
    # Own entries stay behind the older ones until those are backed up, and then all go.
    assert len(phone.log) == 2
    phone.line.asked.clear()
    await phone.synced()
    assert "POST /v1/sync/sealed" not in phone.line.asked  # handed in once is enough
    back_up(world)
    await phone.synced()
    await phone.synced()
    assert len(phone.log) == 0


def a_visit_after(report: object, phone: Handset) -> str:
    assert report.ok
    return a_visit(phone, "新的保险库")


async def test_the_log_keeps_what_is_not_backed_up(world: Field, phone: Handset) -> None:
    a_visit(phone, "一")
    await phone.synced()
    assert phone.log is not None and len(phone.log) == 1
    back_up(world)
    a_visit(phone, "二")
    await phone.synced()
    await phone.synced()
    assert len(phone.log) == 0  # the backup reached beyond the second, too


async def test_an_entry_that_the_server_cannot_open_stays(phone: Handset) -> None:
    assert phone.log is not None
    phone.log.append(b"sealed for another server")
    a_visit(phone, "在它后面")
    await phone.synced()
    assert len(phone.log) == 2
