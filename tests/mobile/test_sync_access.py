"""Access that ends between real phones and a real server: what is signed for, asked, decided and
given back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mobile.usecases import access
from shared.clock import to_wire
from shared.entities import Callback, Customer
from shared.ids import derived_id
from sync_server.services import accounts, receipts, scopes
from sync_server.services.writing import Unit
from tests.mobile.sync_world import CUSTOMERS, Handset, at_the_office, company, handset
from tests.server.phones import ORG, PASSWORD, STORE, Field, staff_id

CALL = derived_id("access test", "callback")
CAI = staff_id("cai")


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> Iterator[Field]:
    """The company with an agent, `cai`, whose window for one of `lin`'s customers is open."""
    made = company(sqlite_template, tmp_path)

    def hire(unit: Unit) -> None:
        unit.create("staff", {"id": CAI, "name": "蔡", "role": "callback_agent", "store_id": STORE})
        scopes.enrol(unit, CAI)
        row = {
            "id": CALL,
            "customer_id": CUSTOMERS[0],
            "kind": "care",
            "state": "scheduled",
            "due_at": to_wire(unit.now),
        }
        unit.create("callback", row)
        policy = accounts.policy_of(unit.connection, ORG, unit.now)
        scopes.assign_callback(unit, CALL, CAI, policy)

    at_the_office(made, hire)
    with made.server.database.write() as connection:
        accounts.add_account(
            connection,
            org_id=ORG,
            staff_id=CAI,
            username="cai",
            password_hash=made.server.hashes.make(PASSWORD),
            now=made.server.clock.now(),
        )
    yield made
    made.close()


def outstanding(world: Field) -> list[receipts.Outstanding]:
    return receipts.outstanding(world.server.database, ORG, world.clock.now())


def half_written(phone: Handset) -> None:
    phone.store.save_draft(f"callback:{CALL}", {"notes": "说到一半"}, about=("callback", CALL))


async def test_a_window_that_ends_offline_is_deleted_arrives_and_is_signed_for(
    world: Field,
) -> None:
    cai = await handset(world, "cai")
    assert cai.store.get(Callback, CALL) is not None
    half_written(cai)
    cai.line.up = False
    world.clock.pass_by(hours=80)
    await cai.engine.forget_ended()
    assert cai.rekeyed == 1
    assert (
        cai.store.parts.db.execute(
            "SELECT count(*) FROM server_row WHERE entity IN ('callback', 'customer')"
        ).get
        == 0
    )
    (one,) = outstanding(world)
    cai.line.up = True
    # Its answer is lost: it is sent again, and kept once.
    await cai.sync(*([None] * 3), "answer lost")
    await cai.synced()
    assert cai.line.asked.count("POST /v1/sync/receipts") == 2
    assert outstanding(world) == []
    assert len(receipts.of_device(world.server.database, ORG, one.device_id)) == 1
    assert {c.verdict for c in cai.store.waiting()} == {"late"}
    with world.server.database.read() as connection:
        notes = connection.exec_driver_sql("SELECT count(*) FROM callback_row WHERE notes NOT NULL")
        assert notes.scalar() == 1


async def test_more_time_is_asked_for_decided_and_there(world: Field) -> None:
    cai, chen = await handset(world, "cai"), await handset(world, "chen")
    half_written(cai)
    world.clock.pass_by(hours=80)
    await cai.synced()
    assert cai.store.get(Callback, CALL) is None
    assert not access.may_give_back(cai.store, "callback", CALL)
    access.ask(cai.store, "callback", CALL, 1, "客户刚打回来")
    await cai.synced()
    await chen.synced()
    (wish,) = access.waiting_wishes(chen.store)
    assert wish.customer != "" and wish.request.reason == "客户刚打回来"
    access.decide(chen.store, wish.request, approve=True)
    assert access.waiting_wishes(chen.store) == []
    await chen.synced()
    await cai.synced()
    again = cai.store.get(Callback, CALL)
    assert again is not None and again.notes == "说到一半"
    with cai.store.unit() as unit:
        unit.update(again, notes="说完了")
        unit.commit()
    await cai.synced()
    world.clock.pass_by(hours=1)
    await cai.synced()
    assert cai.store.get(Callback, CALL) is None and outstanding(world) == []


async def test_what_is_given_back_offline_is_gone_and_ends_at_the_server(world: Field) -> None:
    cai = await handset(world, "cai")
    half_written(cai)
    cai.line.up = False
    access.give_back(cai.store, "callback", CALL)
    await cai.engine.forget_ended()
    assert cai.store.get(Customer, CUSTOMERS[0]) is None and cai.rekeyed == 1
    access.give_back(cai.store, "callback", CALL)
    cai.line.up = True
    await cai.synced()
    assert cai.store.get(Customer, CUSTOMERS[0]) is None
    assert outstanding(world) == []
    with world.server.database.read() as connection:
        ended = "SELECT count(*) FROM grant_row WHERE revoked_because = 'ended'"
        assert connection.exec_driver_sql(ended).scalar() == 1


async def test_a_return_whose_push_is_held_up_brings_nothing_back(world: Field) -> None:
    cai = await handset(world, "cai")
    access.give_back(cai.store, "callback", CALL)
    unsettled = cai.store.parts.outbox.unsettled
    cai.store.parts.outbox.unsettled = lambda *_: []  # type: ignore[method-assign]  # held up
    assert (await cai.sync()).ok
    assert cai.store.get(Customer, CUSTOMERS[0]) is None
    cai.store.parts.outbox.unsettled = unsettled  # type: ignore[method-assign]  # goes on
    await cai.synced()
    assert cai.store.get(Customer, CUSTOMERS[0]) is None and outstanding(world) == []


async def test_a_server_that_knows_no_receipts_stops_no_sync(world: Field) -> None:
    cai = await handset(world, "cai")
    world.clock.pass_by(hours=80)
    asked = cai.peer.hand_in_receipts

    async def unknown(_request: object) -> object:
        from shared.errors import Code, Refusal

        raise Refusal(Code.NOT_FOUND)

    cai.peer.hand_in_receipts = unknown  # type: ignore[method-assign,assignment]  # an older server
    await cai.synced()
    assert len(outstanding(world)) == 1
    cai.peer.hand_in_receipts = asked  # type: ignore[method-assign]  # it was updated
    await cai.synced()
    assert outstanding(world) == []
