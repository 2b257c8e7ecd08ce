"""No room left: the tap is refused, what was saved stays, and the same unit goes through once
there is room."""

from __future__ import annotations

import pytest

from shared.entities import Customer, File
from shared.errors import Code, Refusal
from tests.mobile.store_world import ME, World, an_id, customer

ZHANG = customer("张伟")


def pages(world: World, most: int) -> None:
    world.db.execute(f"PRAGMA max_page_count={most}").fetchall()


def test_a_full_disk_undoes_the_tap_and_the_same_unit_goes_through_later() -> None:
    world = World()
    world.hold(f"customer:{ZHANG['id']}", f"user:{ME}", rows=(world.line("customer", ZHANG),))
    now = int(world.db.execute("PRAGMA page_count").get)
    seen = world.store.get(Customer, ZHANG["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, needs="记下了")
        unit.attach(
            File(id=an_id("f"), customer_id=ZHANG["id"], media_type="image/jpeg"), bytes(500_000)
        )
        pages(world, now + 10)
        with pytest.raises(Refusal) as refused:
            unit.commit()
        assert refused.value.code is Code.DISK_FULL
        assert world.store.waiting() == [] and world.store.status().unsent_files == 0
        again = world.store.get(Customer, ZHANG["id"])
        assert again is not None and again.needs is None
        pages(world, now + 10_000)
        unit.commit()
    assert world.store.status().unsent == 2
    assert [w.number for w in world.store.waiting()] == [1, 2]


def test_a_page_that_finds_no_room_leaves_the_cursor_where_it_was() -> None:
    world = World()
    world.hold(f"customer:{ZHANG['id']}", rows=(world.line("customer", ZHANG),))
    position = world.store.inbound.position()
    pages(world, int(world.db.execute("PRAGMA page_count").get) + 5)
    big = {**ZHANG, "profile": "很长" * 20_000}
    with pytest.raises(Refusal) as refused:
        world.pull(world.line("customer", big))
    assert refused.value.code is Code.DISK_FULL
    assert world.store.inbound.position() == position
