"""A first copy comes in pages, the next on its way while one is stored: cut anywhere it goes on
where it was, and each page asks anew what may be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from mobile.store.store import Store
from mobile.sync.engine import SyncEngine
from mobile.sync.fetching import PageSizes
from mobile.sync.peer import Received
from mobile.sync.transport import HttpPeer, Response
from shared.errors import Code
from sync_server.services import scopes
from tests.mobile.sync_world import CUSTOMERS, Handset, at_the_office
from tests.server.phones import ADDRESS, Field, staff_id

SNAPSHOT = "/v1/sync/snapshot"
SMALL = PageSizes(first=1, others=2)


class Watched:
    """A line on which something happens just before the n-th page is asked for."""

    def __init__(self, phone: Handset) -> None:
        self._line = phone.line
        self.before: dict[int, Callable[[], None]] = {}
        self.events: list[str] = []
        self.asked: list[dict[str, object]] = []

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
    ) -> Response:
        if url.endswith(SNAPSHOT):
            self.asked.append(json.loads(body or b""))
            self.events.append(f"asked {len(self.asked)}")
            self.before.get(len(self.asked), lambda: None)()
        return await self._line(method, url, headers, body, received)


async def phone_with_small_pages(world: Field, who: str = "lin") -> tuple[Handset, Watched]:
    phone = Handset(world, who)
    watched = Watched(phone)
    phone.peer = HttpPeer(ADDRESS, watched, phone.keys, world.clock)
    phone.engine = SyncEngine(phone.store, phone.peer, phone.keys, app_version="1.0", pages=SMALL)
    await phone.sign_in()
    return phone, watched


def held(store: Store) -> int:
    count: int = store.parts.db.execute("SELECT count(*) FROM server_row").get
    return count


async def test_the_next_page_is_asked_for_before_this_one_is_stored(world: Field) -> None:
    phone, watched = await phone_with_small_pages(world)
    phone.store.subscribe(lambda touched: watched.events.append("stored") if touched else None)
    assert (await phone.sync()).agreed
    pages = len(watched.asked)
    first = watched.events.index("asked 1")
    told = watched.events[first : first + 2 * pages]
    assert pages > 3
    # A store behind each question, and behind the last one two.
    between = [event for page in range(2, pages + 1) for event in (f"asked {page}", "stored")]
    assert told == ["asked 1", *between, "stored"]


async def test_a_cut_in_the_next_page_keeps_the_ones_before_it(world: Field) -> None:
    phone, watched = await phone_with_small_pages(world)
    report = await phone.sync(None, None, None, "answer cut")  # pull, and of the pages the third
    assert report.code is Code.CUT_SHORT
    assert held(phone.store) == SMALL.first + SMALL.others
    cut = watched.asked[-1]
    watched.asked.clear()
    await phone.synced()
    assert watched.asked[0]["after"] == cut["after"] is not None
    assert watched.asked[0]["buckets"] == cut["buckets"]


async def test_a_grant_that_ends_between_two_pages_keeps_its_bucket_away(world: Field) -> None:
    phone, watched = await phone_with_small_pages(world)

    def handed_on() -> None:
        at_the_office(
            world, lambda unit: scopes.assign_customer(unit, CUSTOMERS[0], staff_id("he"))
        )

    watched.before[3] = handed_on
    before = f"customer:{CUSTOMERS[0]}"
    assert (await phone.sync()).ok
    assert before in watched.asked[1]["buckets"]  # type: ignore[operator]  # a list of names
    assert not any(f"{before}\t".encode() in body for body in phone.line.bodies[4:])
    assert phone.db.execute("SELECT count(*) FROM bucket WHERE name = ?", (before,)).get == 0
    await phone.synced()


async def test_a_page_under_way_is_let_go_when_the_one_before_it_cannot_be_stored(
    world: Field,
) -> None:
    phone, watched = await phone_with_small_pages(world)

    def fill_up() -> None:
        phone.db.execute("PRAGMA max_page_count=1")

    watched.before[2] = fill_up
    report = await phone.sync()
    assert report.code is Code.DISK_FULL
    phone.db.execute("PRAGMA max_page_count=1000000")
    await phone.synced()
