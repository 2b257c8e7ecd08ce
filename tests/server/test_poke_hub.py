"""Who is poked of what: the hub of open streams, on both databases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from shared.errors import Code, Refusal
from sync_server.db.accounts import ACCOUNT
from sync_server.db.base import Database
from sync_server.db.news import MOST_BYTES, News, merged, read, written
from sync_server.services import accounts, devices
from sync_server.services.caller import Caller
from sync_server.services.grants import issue, revoke_all
from sync_server.services.poke import Hub, Pace, Poke, Stream
from tests.server.field_org import ORG, PEOPLE, World, person

NEVER = 60.0  # seconds; a test that waits so long has failed


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
async def hub(world: World) -> AsyncIterator[Hub]:
    class Clock:
        def now(self) -> object:
            return world.now

        def monotonic_ms(self) -> int:
            return 0

    hub = Hub(world.db, Clock(), Pace(most=40), random.Random(7))
    leave = world.db.hear(hub.announce)
    yield hub
    leave()
    hub.close()
    await settled(hub)


def enrolled(world: World, name: str, *keys: str) -> list[Caller]:
    """Approved devices of one person, with an account."""
    callers = []
    with world.db.write() as connection:
        if accounts.by_staff(connection, ORG, person(name)) is None:
            accounts.add_account(
                connection, org_id=ORG, staff_id=person(name), username=name,
                password_hash="", now=world.now,
            )  # fmt: skip
        for key in keys or ("one",):
            made = devices.enrol(
                connection, org_id=ORG, staff_id=person(name), device_key=f"{name}-{key}",
                name=key, platform="native", app_version="1", approved=True, now=world.now,
            )  # fmt: skip
            role, store = PEOPLE[name]
            callers.append(
                Caller(
                    org_id=ORG,
                    staff_id=person(name),
                    role=role,
                    device_id=made.id,
                    device_key=made.key,
                    store_id=store,
                )  # fmt: skip
            )
    return callers


async def listening(hub: Hub, caller: Caller) -> Stream:
    """A stream whose first hint is read."""
    stream = await hub.open(caller)
    first = await stream.next(NEVER)
    assert first is not None and first.spread_ms == 0
    return stream


async def quiet(*streams: Stream) -> bool:
    """Whether none of these streams has a hint, all that was announced being told."""
    for _ in range(5):
        await asyncio.sleep(0)
    return all([await stream.next(0) is None and not stream.over for stream in streams])


def edited(world: World, customer: str, city: str = "苏州") -> None:
    world.write(lambda unit: unit.update("customer", customer, {"city": city}))


async def in_office(work: Callable[[], object]) -> None:
    """As requests do: in a thread of its own."""
    await asyncio.to_thread(work)


async def test_the_first_hint_tells_where_things_stand(world: World, hub: Hub) -> None:
    world.customer("an")
    (an,) = enrolled(world, "an")
    phone = world.device("an")
    phone.sync()
    first = await (await hub.open(an)).next(NEVER)
    assert first is not None and first.seq is not None and 0 < first.seq <= phone.cursor
    edited(world, world.customer("an"))
    again = await (await hub.open(an)).next(NEVER)
    assert again is not None and again.seq is not None and again.seq > phone.cursor


async def test_the_hint_tells_of_what_the_caller_may_pull_and_of_nothing_else(
    world: World, hub: Hub
) -> None:
    mine, other = world.customer("an"), world.customer("bai")
    (an,), (bai,) = enrolled(world, "an"), enrolled(world, "bai")
    of_an, of_bai = await listening(hub, an), await listening(hub, bai)
    await in_office(lambda: edited(world, other))
    assert (await of_bai.next(NEVER)) is not None
    assert await quiet(of_an)
    await in_office(lambda: edited(world, mine))
    poke = await of_an.next(NEVER)
    assert poke is not None and poke.seq is not None and poke.seq > 0
    assert await quiet(of_bai)


async def test_who_gets_a_customer_is_told_of_its_changes_from_then_on(
    world: World, hub: Hub
) -> None:
    customer = world.customer("bai")
    (an,), (bai,) = enrolled(world, "an"), enrolled(world, "bai")
    of_an, of_bai = await listening(hub, an), await listening(hub, bai)
    await in_office(lambda: world.assign(customer, "an"))
    assert await of_an.next(NEVER) and await of_bai.next(NEVER)
    await settled(hub)
    await quiet(of_an, of_bai)
    await in_office(lambda: edited(world, customer))
    assert await of_an.next(NEVER)
    assert await quiet(of_bai)


async def settled(hub: Hub) -> None:
    """Until everyone's reach is read."""
    if hub._renewing is not None:
        await hub._renewing


async def test_while_a_reach_is_being_read_a_change_is_rather_told_than_missed(
    world: World, hub: Hub
) -> None:
    customer = world.customer("bai")
    (an,) = enrolled(world, "an")
    stream = await listening(hub, an)
    hub.hear([News(ORG, {f"user:{person('an')}": 10**6})])
    assert await stream.next(NEVER) == Poke(10**6)
    hub.hear([News(ORG, {f"customer:{customer}": 10**6 + 1})])  # not yet read anew
    assert await stream.next(NEVER) == Poke(10**6 + 1)
    await settled(hub)
    hub.hear([News(ORG, {f"customer:{customer}": 10**6 + 2})])
    assert await quiet(stream)


async def test_a_grant_that_begins_or_ends_by_itself_is_told_when_it_does(
    world: World, hub: Hub
) -> None:
    customer = world.customer("bai")
    (an,) = enrolled(world, "an")
    begins, ends = world.now + timedelta(hours=1), world.now + timedelta(hours=2)
    world.write(
        lambda unit: issue(
            unit,
            person("an"),
            f"customer:{customer}",
            "callback",
            "callback_agent",
            not_before=begins,
            expires_at=ends,
        )  # fmt: skip
    )
    stream = await listening(hub, an)
    await in_office(lambda: edited(world, customer, "before"))
    assert await quiet(stream)
    for _ in range(2):  # it begins, and ends
        hub.turn()
        assert await quiet(stream)
        world.pass_by(hours=1)
        hub.turn()
        assert await stream.next(NEVER) == Poke(None)
        await settled(hub)
    await in_office(lambda: edited(world, customer, "after"))
    assert await quiet(stream)


async def test_a_slow_reader_gets_the_newest_hint_once(world: World, hub: Hub) -> None:
    customer = world.customer("an")
    (an,) = enrolled(world, "an")
    stream = await listening(hub, an)
    for city in ("苏州", "杭州", "南京"):
        await in_office(lambda city=city: edited(world, customer, city))
    await asyncio.sleep(0)
    newest = await stream.next(NEVER)
    assert newest is not None and newest.seq == stream.told
    assert await quiet(stream)
    hub.hear([News(ORG, {f"customer:{customer}": stream.told})])
    assert await quiet(stream)  # a number that was told is not told again


@pytest.mark.parametrize("how", ["deactivated", "blocked"])
async def test_the_stream_of_who_is_shut_out_ends_at_once(world: World, hub: Hub, how: str) -> None:
    lost, kept = enrolled(world, "an", "lost", "kept")
    of_lost, of_kept = await listening(hub, lost), await listening(hub, kept)

    def shut_out() -> None:
        with world.db.write() as connection:
            if how == "deactivated":
                accounts.set_active(connection, ORG, person("an"), False)
            else:
                device = devices.find(connection, ORG, lost.device_id)
                devices.decide(connection, device, devices.BLOCKED, now=world.now)

    await in_office(shut_out)
    assert await of_lost.next(NEVER) is None and of_lost.over
    await settled(hub)
    assert of_kept.over is (how == "deactivated") and len(hub) == (not of_kept.over)
    with pytest.raises(Refusal) as refused:
        await hub.open(lost)
    assert refused.value.code in {Code.USER_INACTIVE, Code.DEVICE_BLOCKED}
    assert len(hub) == (not of_kept.over)


async def test_what_nobody_announced_is_found_by_looking(world: World, hub: Hub) -> None:
    """Another process wrote, and its message was lost."""
    customer, other = world.customer("an"), world.customer("bai")
    (an,), (bai,) = enrolled(world, "an"), enrolled(world, "bai")
    of_an, of_bai = await listening(hub, an), await listening(hub, bai)
    world.db.hear(lambda _news: None)
    edited(world, customer)
    await hub.look()
    assert await of_an.next(NEVER) and await quiet(of_bai)
    await hub.look()
    assert await quiet(of_an)
    world.assign(other, "an")
    await hub.look()
    assert await of_an.next(NEVER)
    await settled(hub)
    await quiet(of_bai)
    with world.db.write() as connection:
        connection.execute(
            update(ACCOUNT).where(ACCOUNT.c.staff_id == person("an")).values(active=False)
        )
    await hub.look()
    assert of_an.over and not of_bai.over


async def test_losing_every_grant_is_told_and_nothing_after_it(world: World, hub: Hub) -> None:
    customer = world.customer("an")
    (an,) = enrolled(world, "an")
    stream = await listening(hub, an)
    await in_office(
        lambda: world.write(lambda unit: revoke_all(unit, "ended", staff_id=person("an")))
    )
    assert await stream.next(NEVER) is not None
    await settled(hub)
    await quiet(stream)
    await in_office(lambda: edited(world, customer))
    assert await quiet(stream)


async def test_a_device_has_one_stream_and_a_process_only_so_many(world: World, hub: Hub) -> None:
    (an,) = enrolled(world, "an")
    earlier = await listening(hub, an)
    later = await listening(hub, an)
    assert earlier.over and not later.over and len(hub) == 1
    hub.leave(earlier)
    assert len(hub) == 1
    for caller in enrolled(world, "bai", *map(str, range(39))):
        await listening(hub, caller)
    (one_too_many,) = enrolled(world, "tan")
    with pytest.raises(Refusal) as refused:
        await hub.open(one_too_many)
    assert refused.value.code is Code.SERVER_BUSY
    hub.leave(later)
    await listening(hub, one_too_many)


async def test_two_phones_are_told_at_once_and_many_over_a_while(world: World, hub: Hub) -> None:
    customer = world.customer("an")
    two = [await listening(hub, c) for c in enrolled(world, "an", "one", "two")]
    hub.hear([News(ORG, {f"customer:{customer}": 10**6})])
    assert [await stream.next(NEVER) for stream in two] == [Poke(10**6, 0)] * 2
    many = [await listening(hub, c) for c in enrolled(world, "an", *map(str, range(30)))]
    hub.hear([News(ORG, {f"customer:{customer}": 10**6 + 1})])
    spread = {(await stream.next(NEVER)).spread_ms for stream in many}
    assert spread == {int(1000 * 32 * hub.pace.react_each)}


async def test_a_closing_hub_ends_every_stream_and_takes_no_more(world: World, hub: Hub) -> None:
    (an,), (bai,) = enrolled(world, "an"), enrolled(world, "bai")
    streams = [await listening(hub, an), await listening(hub, bai)]
    hub.close()
    assert all(stream.over for stream in streams)
    with pytest.raises(Refusal):
        await hub.open(an)


def test_phones_come_back_over_a_longer_time_the_more_they_are(db: Database) -> None:
    hub = Hub(db, None, Pace(), random.Random(3))
    alone = [hub.back_ms() for _ in range(500)]
    assert 500 <= min(alone) and max(alone) <= 3000
    hub._by_device = {("org", str(n)): Stream(None) for n in range(2000)}
    together = [hub.back_ms() for _ in range(2000)]
    assert max(together) <= 30_000
    busiest = max(sum(s <= ms < s + 1000 for ms in together) for s in range(0, 30_000, 500))
    assert busiest < 200  # a tenth of them in any second


def test_news_of_several_writes_are_one_message() -> None:
    news = [
        News("a", {"x": 1, "y": 5}),
        News("b", {"z": 2}),
        News("a", {"x": 3}, frozenset({"s"})),
    ]
    (a, b) = merged(news)
    assert a == News("a", {"x": 3, "y": 5}, frozenset({"s"})) and b == News("b", {"z": 2})
    assert read(written(a, "me")) == ("me", a)


def test_news_that_are_too_long_name_less_and_nothing_is_lost_by_it() -> None:
    buckets = {f"customer:{number:036}": number for number in range(1000)}
    some = frozenset({"s"})
    text = written(News("a", buckets, some), "me")
    assert len(text) < MOST_BYTES and read(text) == ("me", News("a", None, some))
    everyone = frozenset(f"{number:036}" for number in range(1000))
    text = written(News("a", buckets, everyone), "me")
    assert len(text) < MOST_BYTES and read(text) == ("me", News("a", None, None))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"by":1,"org":"a","moved":[1],"staff":2}'])
def test_a_message_of_another_version_is_passed_over(text: str) -> None:
    assert read(text) is None
