"""Keys are rotated while a server runs and phones sync: nothing is left under the old key, nothing
is lost, and nobody had to restart anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from mobile.sync.transport import HttpPeer
from mobile.sync.transport_native import NativeFetch
from shared.entities import Contact, Visit
from shared.ids import new_id
from sync_server.bootstrap import Server, SystemClock
from sync_server.db.base import Database
from sync_server.db.records import RECORDS
from sync_server.db.sealing import KeyRing
from sync_server.services.file_store import FileStore
from sync_server.services.rekeying import open_all, rotate, versions
from sync_server.services.server_keys import add_data_key, read_keys
from tests.live_server import LiveServer, live_server
from tests.mobile.sync_world import CUSTOMERS, VISIT, Handset, PhoneKeys, furnish
from tests.server.phones import ORG, found_company

pytestmark = pytest.mark.processes
PHONE_NUMBER = "+86 138 0000 1111"


def prepare(server: Server) -> None:
    found_company(server)
    furnish(server)
    server.files.store.keep(ORG, "a" * 64, b"a photo")


class LivePhone(Handset):
    """A phone with the real store and engine, through a real socket."""

    def __init__(self, live: LiveServer, who: str) -> None:
        self.url = live.url
        world: Any = SimpleNamespace(clock=SystemClock())
        super().__init__(world, who)

    def __post_init__(self) -> None:
        self.fetch = NativeFetch()
        self.line = cast(Any, SimpleNamespace(script=None))  # a real one, that no test can cut
        self.keys = PhoneKeys()
        self.peer = HttpPeer(self.url, self.fetch, self.keys, self.world.clock)
        self.rekeyed = 0
        self.open()

    def write_one(self, words: str) -> str:
        with self.store.unit() as unit:
            made = {"purpose": "care", "state": "planned", "planned_at": VISIT["planned_at"]}
            visit = unit.create(
                Visit(id=new_id(), customer_id=CUSTOMERS[0], owner_id=self.id, notes=words, **made)
            )
            unit.commit()
        return visit.id


async def working(phone: LivePhone, rotated: asyncio.Event) -> dict[str, str]:
    """Writes and syncs, over and over, until some time after the keys were rotated."""
    written: dict[str, str] = {}
    more = 3
    while more:
        words = f"{phone.who} {len(written)}"
        written[phone.write_one(words)] = words
        report = await phone.engine.sync()
        assert report.ok, report
        more -= rotated.is_set()
    await phone.synced()
    return written


async def test_after_a_rotation_on_a_running_server_nothing_is_under_the_old_key(
    database_url: str, tmp_path: Path
) -> None:
    settings = {} if database_url.startswith("sqlite") else {"database": database_url}
    with live_server(tmp_path, prepare=prepare, **settings) as live:
        phones = [LivePhone(live, who) for who in ("lin", "chen")]
        for phone in phones:
            await phone.sign_in()
            await phone.synced()
        with phones[0].store.unit() as unit:
            contact = Contact(
                id=new_id(), customer_id=CUSTOMERS[0], name="李娜", phone=PHONE_NUMBER
            )
            unit.create(contact)
            unit.commit()
        rotated = asyncio.Event()
        work = [asyncio.create_task(working(phone, rotated)) for phone in phones]
        with live.opened() as server:
            new = add_data_key(server.settings.keys_path)
            server.database.ring.look_for_more()
            done = await asyncio.to_thread(
                rotate, server.database, server.files.store, lambda *_: None, lambda: None
            )
            rotated.set()
            written = [await task for task in work]
            # What the server wrote before it met the new key is done by another round.
            again = await asyncio.to_thread(
                rotate, server.database, server.files.store, lambda *_: None, lambda: None
            )
            url = server.settings.database_url
        assert done.values > 30 and done.files == 1 and again.left == 0
        keys = read_keys(live.settings.keys_path)
        only_new = KeyRing({new: keys.data[new]}, keys.lookup)
        bare = Database(url, only_new)
        assert set(versions(bare)) == {new}
        assert open_all(bare).unreadable == 0
        found = RECORDS["contact"].c
        with bare.read() as connection:
            looked_up = select(found.id).where(
                found.org_id == ORG, found.phone_hash == only_new.hash_phone("13800001111")
            )
            assert connection.scalars(looked_up).all() == [contact.id]
            visit = RECORDS["visit"].c
            rows = connection.execute(select(visit.id, visit.notes))
            notes = {row.id: row.notes for row in rows}
        assert {i: notes[i] for i in {**written[0], **written[1]}} == {**written[0], **written[1]}
        bare.close()
        files = FileStore(live.settings.files_path, only_new)
        assert files.read(ORG, "a" * 64) == b"a photo"
        assert "WARNING" not in live.log.read_text() and "error" not in live.log.read_text()
        for phone in phones:
            await phone.synced()
            phone.fetch.close()
