"""The way from a fresh installation to an open vault and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from mobile.keys.port import TRIES, Profile
from mobile.store import schema
from mobile.store.meta import DEVICE_ID, LOOK_CHAIN
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.usecases.session import Phase, Session
from shared.entities import Customer, Policy
from shared.errors import Code, Refusal
from shared.ids import derived_id
from tests.mobile.ui.field import PIN, VAULT, Field, Report, customer, slowly

WRONG = "864209"


@pytest.fixture
def field(tmp_path: Path) -> Field:
    return Field(tmp_path)


async def signed_in(field: Field) -> Session:
    session = Session(field.services())
    await session.begin()
    await session.sign_in("https://huifang.test", "lin", "secret", "a phone")
    return session


async def opened(field: Field) -> Session:
    await field.prepare()
    session = Session(field.services())
    await session.begin()
    await session.unlock(PIN)
    return session


async def test_a_first_sign_in_leads_through_pin_and_first_sync_into_the_app(field):
    field.engine.answers = [Report(received=12)]
    session = await signed_in(field)
    assert session.phase is Phase.CHOOSE_SECRET
    await session.choose_secret(PIN, "zh-CN")
    assert session.phase is Phase.FIRST_SYNC
    assert await session.first_sync(lambda _progress: None) is None
    assert session.phase is Phase.OPEN
    assert session.store is not None and session.store.staff().name == field.staff.name
    await session.lock()

    again = Session(field.services())
    await again.begin()
    assert again.phase is Phase.LOCKED
    await again.unlock(PIN)
    assert again.store is not None and again.store.staff() == field.staff
    await again.lock()


async def test_a_first_sync_that_is_cut_says_why_and_lets_one_in_with_what_came(field):
    session = await signed_in(field)
    await session.choose_secret(PIN, "en")
    field.engine.answers = [Report(Code.CUT_SHORT)]
    assert await session.first_sync(lambda _progress: None) is Code.CUT_SHORT
    assert session.phase is Phase.FIRST_SYNC
    session.enter()
    assert session.phase is Phase.OPEN
    await session.lock()


async def test_a_device_that_waits_for_approval_goes_on_when_it_is_approved(field):
    field.server.device_state = "pending"
    session = await signed_in(field)
    assert session.phase is Phase.PENDING
    await session.check_approval()
    assert session.phase is Phase.PENDING
    field.server.device_state = "approved"
    await session.check_approval()
    assert session.phase is Phase.CHOOSE_SECRET
    assert len({request.device_key for request in field.server.asked}) == 1


async def test_a_blocked_device_is_told_so(field):
    field.server.device_state = "blocked"
    with pytest.raises(Refusal) as refused:
        await signed_in(field)
    assert refused.value.code is Code.DEVICE_BLOCKED


async def test_a_wrong_pin_costs_a_try_and_the_tenth_ends_at_the_sign_in(field):
    await field.prepare()
    session = Session(field.services())
    await session.begin()
    for left in range(TRIES - 1, 0, -1):
        with pytest.raises(Refusal) as refused:
            await session.unlock(WRONG)
        assert refused.value.details["remaining"] == left == await session.tries_left()
    with pytest.raises(Refusal) as refused:
        await session.unlock(WRONG)
    assert refused.value.code is Code.VAULT_DESTROYED

    fresh = Session(field.services())
    await fresh.begin()
    assert fresh.phase is Phase.WELCOME


async def test_tries_and_clock_tolerance_are_the_policys_from_the_sync_that_brought_it(field):
    session = await opened(field)
    assert session.store is not None and session.syncing is not None
    field.receive(
        session.store,
        Policy(
            id=derived_id("policy"), version=2, holds_from=field.clock.now(),
            settings={"max_secret_tries": 3, "clock_tolerance_minutes": 30},
        ),
    )  # fmt: skip
    field.engine.answers = [Report(received=1)]
    await session.syncing.now()
    field.clock._now -= timedelta(minutes=29)
    assert session.store.suspended() is None
    field.clock._now -= timedelta(minutes=2)
    assert session.store.suspended() is Code.CLOCK_BEHIND
    field.clock._now += timedelta(minutes=11)
    await session.lock()
    await session.unlock(PIN)
    assert session.store.suspended() is None, "the same after the next start"
    await session.lock()
    for left in (2, 1):
        with pytest.raises(Refusal) as refused:
            await session.unlock(WRONG)
        assert refused.value.details["remaining"] == left
    with pytest.raises(Refusal) as refused:
        await session.unlock(WRONG)
    assert refused.value.code is Code.VAULT_DESTROYED


async def test_a_vault_of_a_newer_app_is_refused_each_time_and_opens_after_the_update(
    field, monkeypatch
):
    await field.prepare()
    session = Session(field.services())
    await session.begin()
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", ())
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                await session.unlock(PIN)
            assert refused.value.code is Code.VAULT_NEWER
    await session.unlock(PIN)
    assert session.phase is Phase.OPEN
    await session.lock()


async def test_a_full_disk_keeps_nobody_out_of_a_vault_that_has_no_chain_of_looks_yet(field):
    await field.prepare()
    app = field.services()

    def full(db: apsw.Connection, profile: Profile) -> Store:
        store = app.store(db, profile)
        store.parts.meta.put(DEVICE_ID, "device")
        db.execute(f"PRAGMA max_page_count={db.execute('PRAGMA page_count').get}").fetchall()
        with pytest.raises(apsw.FullError):
            for number in range(1000):
                store.parts.meta.put(f"filler {number}", "x" * 100)
        return store

    session = Session(replace(app, store=full))
    await session.begin()
    await session.unlock(PIN)
    assert session.phase is Phase.OPEN and session.store is not None
    assert session.store.parts.meta.get(LOOK_CHAIN) is None
    await session.lock()


async def test_what_was_saved_right_before_the_lock_outlives_a_forgotten_pin(field, monkeypatch):
    one = customer("甲公司")
    field.plant(one)
    monkeypatch.setattr(field.keys, "seal", slowly(field.keys.seal))
    session = await opened(field)
    store = session.store
    assert store is not None and session.syncing is not None
    with store.unit() as unit:
        unit.update(one, needs="年度保养")
        unit.commit()
    await session.lock()

    session.go_to_sign_in()
    await session.sign_in("https://huifang.test", "lin", "secret", "a phone")
    assert session.profile is not None
    session.profile = type(session.profile)(
        **{**_fields(session.profile), "vault": VAULT}
    )  # the same person's vault
    await session.choose_secret("another phrase", "zh-CN")
    assert session.store is not None and session.store.find(Customer) == []
    assert len(SealedLog(field.files, VAULT)) == 1
    await session.lock()


def _fields(profile: object) -> dict[str, object]:
    return {name: getattr(profile, name) for name in profile.__dataclass_fields__}


async def test_locking_closes_the_vault_and_forgets_its_key(field):
    session = await opened(field)
    await session.lock()
    assert session.phase is Phase.LOCKED
    assert session.store is None
    with pytest.raises(ValueError):
        await field.keys.stage_vault_key(VAULT)  # needs the key in memory
    await session.lock()


async def test_the_app_locks_itself_when_nobody_touches_it(field):
    session = await opened(field)
    assert session.store is not None
    idle = timedelta(minutes=session.store.policy().idle_lock_minutes)
    field.clock.move(idle - timedelta(seconds=1))
    assert not await session.lock_if_idle()
    session.touch()
    field.clock.move(idle - timedelta(seconds=1))
    assert not await session.lock_if_idle()
    field.clock.move(timedelta(seconds=2))
    assert await session.lock_if_idle()
    assert session.phase is Phase.LOCKED


async def test_a_vault_that_is_open_in_another_tab_is_not_opened_twice(field, tmp_path):
    session = await opened(field)
    from mobile.store.files import DirectoryFiles

    other_tab = Field(tmp_path)
    other_tab.keys, other_tab.files = field.keys, DirectoryFiles(tmp_path / "vaults")
    second = Session(other_tab.services())
    await second.begin()
    await second.unlock(PIN)
    assert second.phase is Phase.ELSEWHERE
    await session.lock()
    await second.back_to_lock()
    await second.unlock(PIN)
    assert second.phase is Phase.OPEN
    await second.lock()


async def test_signing_out_leaves_nothing_but_the_sealed_log(field):
    session = await opened(field)
    await session.sign_out()
    assert session.phase is Phase.WELCOME
    assert await field.files.vaults() == []
    assert await field.keys.profiles() == []
    assert not await field.keys.has_vault_key(VAULT)


async def test_another_pin_opens_the_same_vault(field):
    session = await opened(field)
    with pytest.raises(Refusal) as refused:
        await session.change_secret(WRONG, "new phrase")
    assert refused.value.code is Code.WRONG_SECRET
    await session.change_secret(PIN, "new phrase")
    await session.lock()
    await session.unlock("new phrase")
    assert session.phase is Phase.OPEN
    await session.lock()
