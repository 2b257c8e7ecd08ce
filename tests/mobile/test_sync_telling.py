"""What a phone tells of itself with each pull, and where the server keeps it."""

from __future__ import annotations

from sqlalchemy import select

from mobile.store.telling import tells
from shared.clock import to_wire
from shared.entities import Visit
from shared.ids import new_id
from sync_server.db.accounts import DEVICE
from tests.mobile.sync_world import CUSTOMERS, handset
from tests.server.phones import Field


async def test_a_phone_tells_what_waits_and_since_when_and_the_server_keeps_it(
    world: Field,
) -> None:
    phone = await handset(world, "lin")
    parts = phone.store.parts
    before = tells(parts.db, parts.meta)
    assert (before.unsent, before.unsent_files, before.oldest_unsent_at) == (0, 0, None)
    assert before.stored_bytes > 10_000
    made_at = to_wire(phone.store.now())
    with phone.store.unit() as unit:
        visit = Visit(
            id=new_id(), customer_id=CUSTOMERS[0], owner_id=phone.id, purpose="care",
            state="planned", planned_at=phone.store.now(),
        )  # fmt: skip
        unit.create(visit)
        unit.commit()
    waiting = tells(parts.db, parts.meta)
    assert (waiting.unsent, waiting.oldest_unsent_at) == (1, made_at)
    world.clock.pass_by(minutes=6)
    report = await phone.sync()
    assert report.code is None
    with world.server.database.read() as connection:
        row = connection.execute(select(DEVICE)).one()
    assert (row.unsent, row.unsent_since) == (0, None)
    assert row.heard_at == to_wire(world.clock.now()) and row.stored_bytes > 10_000
