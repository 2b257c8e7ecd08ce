"""When the app synchronises by itself, and what it says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from mobile.usecases.session import Session
from mobile.usecases.syncing import Syncing
from shared.errors import Code
from tests.mobile.ui.field import PIN, Field, Report, customer


@pytest.fixture
async def session(tmp_path: Path):
    field = Field(tmp_path)
    field.plant(customer("甲公司"))
    await field.prepare()
    session = Session(field.services())
    await session.begin()
    await session.unlock(PIN)
    session.field = field
    yield session
    await session.lock()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("never came to hold")


def syncing_of(session: Session) -> Syncing:
    assert session.syncing is not None
    return session.syncing


async def test_two_who_ask_at_once_share_one_sync(session):
    session.field.engine.answers = [Report(), Report()]
    one, two = await asyncio.gather(syncing_of(session).now(), syncing_of(session).now())
    assert one is two
    assert session.field.engine.syncs == 1


@pytest.mark.parametrize(
    ("code", "state"),
    [(None, "synced"), (Code.OFFLINE, "offline"), (Code.CUT_SHORT, "offline"),
     (Code.SERVER_FAULT, "trouble"), (Code.SIGN_IN_REQUIRED, "trouble")],
)  # fmt: skip
async def test_the_chip_says_how_the_last_sync_ended(session, code, state):
    session.field.engine.answers = [Report(code)]
    await syncing_of(session).now()
    assert syncing_of(session).state == state
    assert syncing_of(session).exchanges[-1].code is code


async def test_unsent_work_shows_as_waiting(session):
    session.field.engine.answers = [Report()]
    await syncing_of(session).now()
    with session.store.unit() as unit:
        unit.update(customer("甲公司"), needs="年度保养")
        unit.commit()
    assert syncing_of(session).state == "waiting"


async def test_the_first_sync_begins_by_itself_and_the_next_when_the_network_returns(session):
    session.field.engine.answers = [Report(Code.OFFLINE), Report()]
    syncing_of(session).start()
    await until(lambda: session.field.engine.syncs == 1 and syncing_of(session).state == "offline")
    session.field.place.switch(False)
    session.field.place.switch(True)
    await until(lambda: session.field.engine.syncs == 2 and syncing_of(session).state == "synced")


async def test_what_is_written_during_a_sync_goes_up_soon_after_it(session, monkeypatch):
    monkeypatch.setattr("mobile.sync.scheduler.AFTER_A_CHANGE", 0)

    async def sync(_progress=None):
        session.field.engine.syncs += 1
        if session.field.engine.syncs == 1:
            with session.store.unit() as unit:
                unit.update(customer("甲公司"), needs="年度保养")
                unit.commit()
        return Report()

    session.field.engine.sync = sync
    syncing_of(session).start()
    await until(lambda: session.field.engine.syncs == 2)
    for _ in range(200):
        await asyncio.sleep(0)
    assert session.field.engine.syncs == 2


async def test_coming_to_the_front_synchronises_what_was_missed(session):
    session.field.engine.answers = [Report(), Report()]
    syncing_of(session).start()
    await until(lambda: session.field.engine.syncs == 1)
    session.field.place.show(True)
    await until(lambda: session.field.engine.syncs == 2)
    assert syncing_of(session).state == "synced"


async def test_without_a_network_the_state_is_offline_even_before_a_sync_fails(session):
    session.field.place.switch(False)
    assert syncing_of(session).state == "offline"


async def test_a_sync_that_works_shows_that_there_is_a_network_whatever_the_system_says(session):
    session.field.place.switch(False)
    session.field.engine.answers = [Report(Code.OFFLINE), Report()]
    await syncing_of(session).now()
    assert syncing_of(session).state == "offline"
    await syncing_of(session).now()
    assert syncing_of(session).state == "synced"
    session.field.place.switch(True)
    session.field.place.switch(False)
    assert syncing_of(session).state == "offline"


async def test_a_sync_that_was_under_way_when_the_network_went_says_nothing_of_the_network(session):
    asked, reply = asyncio.Event(), asyncio.Event()

    async def sync(_progress=None):
        asked.set()
        await reply.wait()
        return Report()

    session.field.engine.sync = sync
    running = asyncio.ensure_future(syncing_of(session).now())
    await asked.wait()
    session.field.place.switch(False)
    reply.set()  # its last reply had come before the cut
    await running
    assert syncing_of(session).state == "offline"
    await syncing_of(session).now()
    assert syncing_of(session).state == "synced", "one that began after it does"


async def test_a_saved_change_has_a_sealed_copy_before_any_sync(session):
    with session.store.unit() as unit:
        unit.update(customer("甲公司"), needs="年度保养")
        unit.commit()
    assert session.store.parts.outbox.unsealed()
    await syncing_of(session).settled()
    assert not session.store.parts.outbox.unsealed()
    assert session.field.engine.syncs == 0


@pytest.mark.parametrize("turns", range(5))
async def test_stopping_ends_it_even_while_it_is_being_woken(session, turns):
    session.field.engine.answers = [Report()]
    syncing_of(session).start()
    await until(lambda: session.field.engine.syncs == 1)
    await until(lambda: syncing_of(session).state == "synced")
    for _ in range(20):
        await asyncio.sleep(0)  # the loop has come to rest and waits
    with session.store.unit() as unit:
        unit.update(customer("甲公司"), needs="年度保养")
        unit.commit()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await syncing_of(session).stop()
    assert session.field.engine.syncs == 1


async def test_stopping_twice_is_harmless(session):
    syncing_of(session).start()
    await syncing_of(session).stop()
    await syncing_of(session).stop()
