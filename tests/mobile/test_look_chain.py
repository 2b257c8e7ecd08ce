"""A store begun anew on the same device says so, and a search leaves an entry (L7): the app's own
store against a real server."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mobile.store import look_chain
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.log import ALARM
from sync_server.db.records import RECORDS
from tests.mobile.sync_world import CUSTOMERS, Handset
from tests.server.phones import Field


async def begun(world: Field, keys: Handset | None = None) -> Handset:
    """Lin's phone with a fresh store; with `keys` on the same device as before."""
    phone = Handset(world, "lin")
    if keys is not None:
        phone.keys = phone.peer._keys = keys.keys
        phone.open()
    await phone.sign_in()
    await phone.synced()
    return phone


def look(phone: Handset, count: int = 1) -> None:
    for _ in range(count):
        with phone.store.unit() as unit:
            unit.look(CUSTOMERS[0], "customer", CUSTOMERS[0])
            unit.commit()


def recorded(world: Field) -> tuple[list[tuple[str, int]], list[str]]:
    """(what, number) of every look at the server, and the alarms."""
    table = RECORDS["look"]
    with world.server.database.read() as connection:
        looks = connection.execute(select(table.c.what, table.c.number).order_by(table.c.id)).all()
        alarms = connection.scalars(select(ALARM.c.kind)).all()
    return [(row.what, row.number) for row in looks], list(alarms)


async def test_a_second_store_on_the_same_device_begins_a_chain_of_its_own(world: Field) -> None:
    first = await begun(world)
    await look_chain.begin(first.store.parts, first.keys)
    look(first, 2)
    await first.synced()
    second = await begun(world, first)
    await look_chain.begin(second.store.parts, second.keys)
    look(second)
    await second.synced()
    assert recorded(world) == ([("opened", 1), ("opened", 2), ("opened", 1)], [])


async def test_a_store_of_an_older_app_goes_on_in_a_chain_with_a_name(world: Field) -> None:
    phone = await begun(world)
    look(phone, 2)
    await look_chain.begin(phone.store.parts, phone.keys)
    await look_chain.begin(phone.store.parts, phone.keys)
    look(phone)
    await phone.synced()
    phone.open()
    look(phone)
    await phone.synced()
    looks, alarms = recorded(world)
    assert (looks, alarms) == ([("opened", 1), ("opened", 2), ("opened", 1), ("opened", 2)], [])


async def test_a_search_goes_up_with_its_hits_and_in_the_same_chain(world: Field) -> None:
    phone = await begun(world)
    await look_chain.begin(phone.store.parts, phone.keys)
    look(phone)
    with phone.store.unit() as unit:
        made = unit.search(hits=3)
        unit.commit()
    look(phone)
    await phone.synced()
    assert (made.customer_id, made.hits) == (None, 3)
    assert recorded(world) == ([("opened", 1), ("searched", 2), ("opened", 3)], [])


async def test_a_holder_reads_who_looked_at_their_customer_and_one_reads_ones_own(
    world: Field,
) -> None:
    phone = await begun(world)
    look(phone, 3)
    with phone.store.unit() as unit:
        unit.search(hits=1)
        unit.commit()
    await phone.synced()
    found = await phone.engine.ask(lambda peer: peer.looks(CUSTOMERS[0], None))
    assert [(one.staff, one.what) for one in found.looks] == [("lin", "opened")] * 3
    rest = await phone.engine.ask(lambda peer: peer.looks(CUSTOMERS[0], found.looks[0].id))
    assert rest.looks == found.looks[1:]
    own = await phone.engine.ask(lambda peer: peer.looks(None, None))
    assert [one.what for one in own.looks] == ["searched", "opened", "opened", "opened"]
    with pytest.raises(Refusal) as foreign:
        await phone.engine.ask(lambda peer: peer.looks(new_id(), None))
    assert foreign.value.code is Code.OUT_OF_SCOPE
