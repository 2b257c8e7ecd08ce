"""The app's own HTTP peer against a real server, through a real socket."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mobile.keys.native import native_keys
from mobile.sync.transport import HttpPeer
from mobile.sync.transport_native import NativeFetch
from shared.errors import Code, Refusal
from shared.wire import PullRequest, SignInRequest, SnapshotRequest, TokenReply
from sync_server.bootstrap import Server, SystemClock
from sync_server.services import scopes
from sync_server.services.leases import lease_holds
from sync_server.services.writing import Unit, write
from tests.live_server import LiveServer, live_server
from tests.server.phones import ORG, PASSWORD, found_company, staff_id
from tests.server.test_files_upload import CUSTOMER, PHOTO

pytestmark = pytest.mark.processes

FILE = "019a0000-0000-7000-8000-000000000001"
SHA256 = hashlib.sha256(PHOTO).hexdigest()


def prepare(server: Server) -> None:
    found_company(server)

    def work(unit: Unit) -> None:
        for name in ("lin", "wu"):
            scopes.enrol(unit, staff_id(name))
        unit.create("customer", {"id": CUSTOMER, "name": "大客户", "kind": "company"})
        scopes.assign_customer(unit, CUSTOMER, staff_id("lin"))
        row = {"id": FILE, "customer_id": CUSTOMER, "sha256": SHA256, "bytes": len(PHOTO)}
        unit.create("file", {**row, "media_type": "image/jpeg", "created_by": staff_id("lin")})

    write(server.database, ORG, server.clock.now(), work)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("live"), prepare=prepare) as running:
        yield running


class LateClock:
    """A phone's clock that is an hour behind."""

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)

    def monotonic_ms(self) -> int:
        return 0


class App:
    """The app's keys and peer, without its store."""

    def __init__(self, live: LiveServer, folder: Path, clock: SystemClock | LateClock) -> None:
        self.fetch = NativeFetch()
        self.keys = native_keys(folder)
        self.peer = HttpPeer(live.url, self.fetch, self.keys, clock)

    async def sign_in(self, username: str) -> TokenReply:
        reply = await self.peer.sign_in(
            SignInRequest(
                username=username,
                password=PASSWORD,
                device_key=(await self.keys.public_jwk())["x"],
                device_name="手机",
                platform="native",
                app_version="1.0",
            )
        )
        self.peer.carry(reply.access_token)
        return reply

    async def pull(self) -> list[str]:
        """Signs of a first sync: every row's text."""
        asked = PullRequest(app_version="1.0", cursor=0, grants_digest="", grants=[])
        page = await self.peer.pull(asked, _unheard)
        asked_whole = SnapshotRequest(buckets=page.header.fetch)
        whole = await self.peer.snapshot(asked_whole, _unheard)
        return [line.body for line in whole.lines]


def _unheard(_size: int) -> None:
    """Nobody counts."""


def test_the_app_signs_in_fetches_its_customers_and_no_one_elses(
    live: LiveServer, tmp_path: Path
) -> None:
    async def day() -> tuple[list[str], list[str]]:
        lin = App(live, tmp_path / "lin", SystemClock())
        wu = App(live, tmp_path / "wu", SystemClock())
        await lin.sign_in("lin")
        await wu.sign_in("wu")
        rows = await lin.pull(), await wu.pull()
        lin.fetch.close()
        wu.fetch.close()
        return rows

    hers, his = asyncio.run(day())
    assert any("大客户" in row for row in hers)
    assert his and not any("大客户" in row for row in his)


def test_a_phone_with_a_wrong_clock_works_after_one_refusal(
    live: LiveServer, tmp_path: Path
) -> None:
    async def day() -> list[str]:
        app = App(live, tmp_path, LateClock())
        await app.sign_in("lin")
        rows = await app.pull()
        app.fetch.close()
        return rows

    assert asyncio.run(day())


def test_the_lease_is_signed_by_the_key_told_at_sign_in(live: LiveServer, tmp_path: Path) -> None:
    async def day() -> bool:
        app = App(live, tmp_path, SystemClock())
        told = await app.sign_in("lin")
        asked = PullRequest(app_version="1.0", cursor=0, grants_digest="", grants=[])
        header = (await app.peer.pull(asked, _unheard)).header
        app.fetch.close()
        assert header.lease is not None and told.keys is not None
        return lease_holds(header.lease, told.keys.lease)

    assert asyncio.run(day())


def test_the_app_sends_a_photo_in_parts_and_fetches_it_again(
    live: LiveServer, tmp_path: Path
) -> None:
    async def day() -> bytes:
        app = App(live, tmp_path, SystemClock())
        await app.sign_in("lin")
        peer = app.peer
        address = await peer.begin_upload(SHA256, FILE, len(PHOTO), "image/jpeg")
        assert await peer.upload_part(address, 0, PHOTO[:100]) == 100
        assert await peer.upload_offset(address) == 100
        with pytest.raises(Refusal) as misplaced:
            await peer.upload_part(address, 0, PHOTO)
        assert misplaced.value.code is Code.FILE_INCOMPLETE
        assert await peer.upload_part(address, 100, PHOTO[100:]) == len(PHOTO)
        with pytest.raises(Refusal) as there:
            await peer.begin_upload(SHA256, FILE, len(PHOTO), "image/jpeg")
        assert there.value.code is Code.RECORD_EXISTS
        content = await peer.download(SHA256, _unheard)
        app.fetch.close()
        return content

    assert asyncio.run(day()) == PHOTO
