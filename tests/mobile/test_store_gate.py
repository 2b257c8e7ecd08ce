"""What may be read, and when (L4): grants that end, leases that end, clocks that are set back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import to_wire
from shared.entities import Customer, File, Policy, Visit
from shared.errors import Code, Refusal
from shared.wire import Drop
from tests.mobile.store_world import ME, MORNING, World, an_id, case, customer, visit

ZHANG, WANG = customer("张伟", needs="只在客户范围"), customer("王芳")
VISIT = visit(ZHANG)
HERE = f"customer:{ZHANG['id']}"


def timed(hours: float) -> str:
    return to_wire(MORNING + timedelta(hours=hours))


@pytest.fixture
def world() -> World:
    """ZHANG under a grant of two hours, WANG under one without an end."""
    world = World()
    lease = world.lease(
        world.grant(HERE, expires_at=timed(2)),
        world.grant(f"customer:{WANG['id']}"),
        world.grant(f"user:{ME}"),
        world.grant("ref:policy"),
    )
    world.pull(lease=lease)
    world.fetch_whole(
        world.line("customer", ZHANG), world.line("customer", WANG), world.line("visit", VISIT)
    )
    return world


def code_of(world: World) -> Code | None:
    try:
        world.store.find(Customer)
    except Refusal as refusal:
        return refusal.code
    return None


def test_at_the_end_of_a_grant_everything_of_it_is_hidden_at_once(world: World) -> None:
    store = world.store
    seen = store.get(Visit, VISIT["id"])
    assert seen is not None
    with store.unit() as unit:
        unit.update(seen, notes="还没发")
        file = unit.attach(
            File(id=an_id("f"), customer_id=ZHANG["id"], media_type="image/jpeg"), b"bytes"
        )
        unit.commit()
    store.save_draft("d", {"notes": "半"}, about=("visit", VISIT["id"]))
    world.clock.advance(hours=2, seconds=-1)
    assert store.get(Customer, ZHANG["id"]) is not None
    world.clock.advance(seconds=1)
    assert store.get(Customer, ZHANG["id"]) is None
    assert store.get(Visit, VISIT["id"]) is None  # with its unsent change
    assert store.agenda(Visit) == [] and store.find(Visit, customer_id=ZHANG["id"]) == []
    assert store.count(Customer) == 1
    assert store.search("张") == [] and store.search("zw") == []
    assert store.blob(file.sha256) is None
    assert store.draft("d") is None and store.drafts() == []
    assert store.get(Customer, WANG["id"]) is not None
    assert store.status().unsent == 2  # the work goes on its way all the same


def test_what_ended_is_deleted_and_asks_for_a_new_key(world: World) -> None:
    seen = world.store.get(Visit, VISIT["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, notes="还没发")
        unit.commit()
    assert world.store.inbound.end_expired() == []
    world.clock.advance(hours=3)
    assert world.store.inbound.end_expired() == [HERE]
    assert world.store.inbound.rekey_due()
    for table in ("server_row", "pending_row", "finding"):
        left = world.db.execute(
            f"SELECT count(*) FROM {table} WHERE id IN (?, ?)", (ZHANG["id"], VISIT["id"])
        ).get
        assert left == 0, table
    assert world.store.status().unsent == 1
    world.store.inbound.rekeyed(world.store.inbound.rekey_due())
    assert not world.store.inbound.rekey_due()


def test_a_grant_opens_only_when_it_begins(world: World) -> None:
    later = world.grant(f"customer:{an_id('li')}", not_before=timed(5))
    li = {**customer("李娜"), "id": an_id("li")}
    world.pull(lease=world.lease(world.grant(f"customer:{WANG['id']}"), later))
    world.fetch_whole(world.line("customer", li))
    assert world.store.get(Customer, li["id"]) is None
    world.clock.advance(hours=5)
    assert world.store.get(Customer, li["id"]) is not None


def test_after_the_lease_nothing_is_read_and_writing_goes_on(world: World) -> None:
    seen = world.store.get(Customer, WANG["id"])
    assert seen is not None
    world.clock.advance(hours=72)
    assert code_of(world) is Code.LEASE_ENDED
    assert world.store.suspended() is Code.LEASE_ENDED
    for read in (
        lambda: world.store.get(Customer, WANG["id"]),
        lambda: world.store.row("customer", WANG["id"]),
        lambda: world.store.search("王"),
        lambda: world.store.agenda(Visit),
        lambda: world.store.count(Visit),
        lambda: world.store.blob("0" * 64),
    ):
        with pytest.raises(Refusal):
            read()
    assert world.store.find(Policy) == []  # rules name no customer
    with world.store.unit() as unit:
        unit.update(seen, needs="照样记下")
        unit.commit()
    assert world.store.waiting()[0].values == {"needs": "照样记下"}
    world.pull(lease=world.lease(world.grant(f"customer:{WANG['id']}")))
    assert code_of(world) is None


def test_a_clock_set_back_suspends_reading(world: World) -> None:
    world.clock.set_back = True
    assert code_of(world) is Code.CLOCK_BEHIND
    assert world.store.status().suspended is Code.CLOCK_BEHIND


def test_of_several_buckets_the_widest_open_one_shows(world: World) -> None:
    repair = case(ZHANG)
    narrow = f"case:{repair['id']}"
    world.pull(lease=world.lease(world.grant(HERE, expires_at=timed(2)), world.grant(narrow)))
    world.fetch_whole(
        world.line("case", repair),
        world.line("case", repair, narrow),
        world.line("customer", ZHANG, narrow),
    )
    wide = world.store.get(Customer, ZHANG["id"])
    assert wide is not None and wide.needs == "只在客户范围"
    assert world.store.count(Customer) == 1 and len(world.store.search("张伟")) == 1
    world.clock.advance(hours=2)
    left = world.store.get(Customer, ZHANG["id"])
    assert left is not None and (left.name, left.needs) == ("张伟", None)


def test_a_pending_change_shows_under_each_bucket_by_itself(world: World) -> None:
    repair = case(ZHANG)
    narrow = f"case:{repair['id']}"
    world.pull(lease=world.lease(world.grant(HERE, expires_at=timed(2)), world.grant(narrow)))
    world.fetch_whole(world.line("customer", ZHANG), world.line("customer", ZHANG, narrow))
    seen = world.store.get(Customer, ZHANG["id"])
    assert seen is not None
    with world.store.unit() as unit:
        unit.update(seen, phone="13911112222")
        unit.commit()
    for needs in ("只在客户范围", None):
        shown = world.store.get(Customer, ZHANG["id"])
        assert shown is not None and (shown.phone, shown.needs) == ("13911112222", needs)
        world.clock.advance(hours=2)


def test_a_drop_deletes_what_its_grant_alone_held(world: World) -> None:
    again = world.grant(HERE, id=an_id("second grant"))
    kept = world.grant(f"customer:{WANG['id']}")
    first = world.grant(HERE, expires_at=timed(2))
    world.pull(lease=world.lease(first, kept, again))
    world.pull(lease=world.lease(kept, again, drops=[drop(first.id)]))
    assert world.store.get(Customer, ZHANG["id"]) is not None
    world.pull(lease=world.lease(kept, drops=[drop(again.id)]))
    assert world.store.get(Customer, ZHANG["id"]) is None
    assert world.db.execute("SELECT count(*) FROM server_row").get == 1


def drop(grant_id: str) -> Drop:
    return Drop(grant_id=grant_id, bucket=HERE, reason="reassigned")


def test_a_grant_that_a_lease_leaves_out_without_a_word_is_closed_and_held(world: World) -> None:
    kept, lost = world.grant(f"customer:{WANG['id']}"), world.grant(HERE)
    world.pull(lease=world.lease(kept))
    assert world.store.get(Customer, ZHANG["id"]) is None
    assert world.db.execute("SELECT count(*) FROM server_row").get == 3  # held, not dropped
    assert lost.id not in world.store.inbound.holdings.grant_ids()
    world.pull(lease=world.lease(kept, lost), fetch=[HERE])
    assert world.store.inbound.next_fetch() is not None  # the feed had left it out meanwhile
    world.fetch_whole(world.line("customer", ZHANG))
    assert world.store.get(Customer, ZHANG["id"]) is not None
    assert world.store.get(Visit, VISIT["id"]) is None  # the whole fetch did not bring it


def test_an_empty_list_of_grants_drops_nothing(world: World) -> None:
    empty = world.lease()
    object.__setattr__(empty, "grants", [])
    world.pull(lease=empty)
    assert world.db.execute("SELECT count(*) FROM server_row").get == 3
    assert world.store.find(Customer) == []


def test_a_row_of_a_bucket_that_is_not_held_is_not_stored(world: World) -> None:
    stranger = customer("陌生人")
    world.pull(world.line("customer", stranger))
    assert (
        world.db.execute("SELECT count(*) FROM server_row WHERE id = ?", (stranger["id"],)).get == 0
    )
    assert world.store.search("陌生") == []
