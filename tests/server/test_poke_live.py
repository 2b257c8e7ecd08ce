"""Streams of hints through sockets, across server processes, on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mobile.sync.poking import ComeBack, Hint, Said
from mobile.sync.poking_native import NativeStream
from mobile.sync.transport import HttpPeer
from mobile.sync.transport_native import NativeFetch
from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.ids import new_id
from shared.messages import dump
from shared.wire import PullRequest, PushRequest, SignInRequest
from sync_server.bootstrap import Server, SystemClock
from sync_server.services import accounts
from tests.live_server import LiveServer, live_server
from tests.mobile.sync_world import CUSTOMERS, PhoneKeys, furnish
from tests.server.phones import ORG, PASSWORD, found_company, staff_id

pytestmark = pytest.mark.processes

PATIENCE = 30.0  # seconds after which a test has failed, however loaded the machine is


def prepare(server: Server) -> None:
    found_company(server)
    furnish(server)


@pytest.fixture
def two_processes(database_url: str, tmp_path: Path) -> Iterator[tuple[LiveServer, LiveServer]]:
    """Two server processes over one database, keys and files."""
    with live_server(tmp_path, prepare=prepare, database=database_url) as one:
        other = LiveServer(one.settings.model_copy(update={"port": 0}), tmp_path / "other.log")
        other.start()
        try:
            yield one, other
        finally:
            other.stop()


class Phone:
    """A signed-in device: its peer, and what it hears."""

    def __init__(self, url: str) -> None:
        self.fetch = NativeFetch()
        self.keys = PhoneKeys()
        self.peer = HttpPeer(url, self.fetch, self.keys, SystemClock(), NativeStream())
        self.said: asyncio.Queue[Said] = asyncio.Queue()
        self.listening: asyncio.Task[None] | None = None

    async def sign_in(self, who: str) -> None:
        reply = await self.peer.sign_in(
            SignInRequest(
                username=who,
                password=PASSWORD,
                device_key=(await self.keys.public_jwk())["x"],
                device_name="测试手机",
                platform="native",
                app_version="1.0",
            )
        )
        self.peer.carry(reply.access_token)

    async def listen(self) -> Hint:
        """Open the stream; the first hint, which tells where things stand."""
        self.listening = asyncio.ensure_future(self.peer.listen(self.said.put_nowait))
        assert isinstance(await self._next(), ComeBack)
        return await self.hint()

    async def hint(self) -> Hint:
        while not isinstance(said := await self._next(), Hint):
            continue
        return said

    async def _next(self) -> Said:
        async with asyncio.timeout(PATIENCE):
            waiting = asyncio.ensure_future(self.said.get())
            await asyncio.wait({waiting, self.listening}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                await self.listening
                raise AssertionError("the stream ended")
            return waiting.result()

    async def edit(self, customer: str, city: str) -> None:
        """Push one change, as the app does."""
        asked = PullRequest(app_version="1", cursor=0, grants_digest="", grants=[])
        page = await self.peer.pull(asked, lambda _size: None)
        grant = next(
            g["id"]
            for g in _lease(page.header.lease.payload)["grants"]
            if g["bucket"] == f"customer:{customer}"
        )
        now = to_wire(SystemClock().now())
        change = {
            "change_id": new_id(), "number": 1, "grant_id": grant, "entity": "customer",
            "record_id": customer, "kind": "update", "fields": {"city": city}, "base": {},
            "claimed_at": now, "boot_id": "b", "monotonic_ms": 5,
        }  # fmt: skip
        envelope = PushRequest(
            app_version="1", sent_at=now, boot_id="b", monotonic_ms=9, changes=[]
        )
        reply = await self.peer.push(envelope, [json.dumps(change)])
        assert reply.outcomes[0].verdict in {"applied", "merged", "conflict"}, dump(reply)

    async def close(self) -> None:
        if self.listening is not None:
            self.listening.cancel()
            await asyncio.gather(self.listening, return_exceptions=True)
        self.fetch.close()


def _lease(payload: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload)
    return found


@asynccontextmanager
async def phone(url: str, who: str) -> AsyncIterator[Phone]:
    made = Phone(url)
    await made.sign_in(who)
    try:
        yield made
    finally:
        await made.close()


async def test_a_push_at_one_process_pokes_a_stream_at_another(two_processes) -> None:
    one, other = two_processes
    async with phone(one.url, "lin") as lin, phone(other.url, "chen") as chen:
        before = await chen.listen()
        await lin.edit(CUSTOMERS[0], "成都")
        after = await chen.hint()
        assert after.seq > before.seq and after.spread == 0
        async with phone(other.url, "he") as he:  # holds none of it
            await he.listen()
            await lin.edit(CUSTOMERS[1], "重庆")
            assert (await chen.hint()).seq > after.seq
            assert he.said.empty()


async def test_a_deactivated_user_s_stream_at_another_process_ends(two_processes) -> None:
    one, other = two_processes
    async with phone(other.url, "lin") as lin:
        await lin.listen()
        with one.opened() as office, office.database.write() as connection:
            accounts.set_active(connection, ORG, staff_id("lin"), False)
        async with asyncio.timeout(PATIENCE):
            await lin.listening
        with pytest.raises(Refusal) as refused:
            await lin.listen()
        assert refused.value.code is Code.USER_INACTIVE


async def test_a_server_that_stops_ends_its_streams_and_says_when_to_come_back(
    two_processes,
) -> None:
    one, _ = two_processes
    async with phone(one.url, "lin") as lin:
        await lin.listen()
        await asyncio.to_thread(one.stop)
        async with asyncio.timeout(PATIENCE):
            await lin.listening  # in order: no refusal
        assert isinstance(lin.said.get_nowait(), ComeBack)
        with pytest.raises(Refusal) as refused:
            await lin.listen()
        assert refused.value.code is Code.OFFLINE
