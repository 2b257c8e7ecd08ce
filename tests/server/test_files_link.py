"""A long recording over a link that breaks all the time: by our own client, and by another's.

Everyday runs send 20 MB over 40 cuts; `HUIFANG_LINK_MB=100` sends 100 MB over 200.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from mobile.store.store import Store
from mobile.sync import pushing, renewing
from mobile.sync.engine import SyncEngine
from mobile.sync.transport import HttpPeer
from mobile.sync.transport_native import NativeFetch
from shared import dpop
from shared.entities import File
from shared.errors import Code
from shared.ids import new_id
from shared.wire import SignInRequest
from sync_server.bootstrap import Server
from tests.cut_link import CutLink
from tests.live_server import LiveServer, live_server
from tests.mobile.sync_world import CUSTOMERS, PhoneKeys, PhoneTime, furnish
from tests.server.phones import ORG, PASSWORD, found_company

pytestmark = pytest.mark.processes

MEGABYTES = int(os.environ.get("HUIFANG_LINK_MB", "20"))
CUTS = MEGABYTES * 2
ROOM_MB = 48
"""What the server may grow by while it takes a file in, whatever the file's length."""
SEED = 20261122


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    def prepare(server: Server) -> None:
        found_company(server)
        furnish(server)

    with live_server(tmp_path_factory.mktemp("link"), prepare=prepare) as live:
        yield live


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_ms(self) -> int:
        return 1


class Desk:
    """`lin`'s phone over real sockets."""

    def __init__(self, url: str) -> None:
        self.keys = PhoneKeys()
        self.url = url
        self.store = Store(apsw.Connection(":memory:"), PhoneTime(WallClock()))
        self._fetch = NativeFetch()
        self.connect(url)

    def connect(self, url: str) -> None:
        """As after a start of the app: a new connection, everything else from the vault."""
        self.close()
        self._fetch = NativeFetch()
        self.peer = HttpPeer(url, self._fetch, self.keys, WallClock())
        self.engine = SyncEngine(self.store, self.peer, self.keys, app_version="1.0")

    def close(self) -> None:
        """The connection that was kept."""
        self._fetch.close()

    async def sign_in(self) -> None:
        key = (await self.keys.public_jwk())["x"]
        asked = SignInRequest(
            username="lin",
            password=PASSWORD,
            device_key=key,
            device_name="测试手机",
            platform="native",
            app_version="1.0",
        )
        self.store.begin(await self.peer.sign_in(asked))
        assert (await self.engine.sync()).ok

    def record(self, seed: int) -> tuple[File, bytes]:
        """A recording in the vault: noise, that nothing compresses."""
        data = random.Random(seed).randbytes(MEGABYTES * 1_000_000)
        about = {"customer_id": CUSTOMERS[0], "media_type": "video/mp4", "purpose": "document"}
        with self.store.unit() as unit:
            file = unit.attach(File(id=new_id(), **about), data)
            unit.commit()
        return file, data

    async def send_record_alone(self) -> None:
        """The File's row goes up, its bytes stay."""
        exchange = self.engine._exchange(lambda _progress: None)
        await renewing.renew(exchange)
        await pushing.push(exchange)


def memory_mb(live: LiveServer, what: str = "VmHWM") -> float:
    """Of the server's process: the most it ever had, or (`VmRSS`) has."""
    status = Path(f"/proc/{live._process.pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) / 1000


def on_disk(live: LiveServer) -> list[int]:
    return [p.stat().st_size for p in live.settings.files_path.rglob("*") if p.is_file()]


def holds(live: LiveServer, file: File, data: bytes, before: list[int], most_mb: float) -> None:
    """The server has it whole, once, and took it in without growing."""
    with live.opened() as server:
        whole = server.files.store.open(ORG, file.sha256)
        assert whole is not None
        found = hashlib.sha256()
        for piece in whole.pieces:
            found.update(piece)
    assert found.hexdigest() == hashlib.sha256(data).hexdigest() == file.sha256
    assert memory_mb(live) - most_mb < ROOM_MB
    added = sum(on_disk(live)) - sum(before)
    assert len(data) < added < len(data) * 1.01


async def test_our_own_client_brings_a_long_file_over_a_link_that_is_cut_all_the_time(
    live: LiveServer,
) -> None:
    with CutLink(live.url) as link:
        lin = Desk(link.url)
        await lin.sign_in()
        file, data = lin.record(seed=1)
        before, most, tries, told = on_disk(live), memory_mb(live), 0, []
        codes: Counter[Code | None] = Counter()
        link.arm(SEED, CUTS, len(data))
        while not (report := await lin.engine.sync(lambda p: told.append((p.step, p.done)))).ok:
            tries += 1
            codes[report.code] += 1
            assert tries <= CUTS * 2, codes
            if tries % 10 == 0:
                lin.connect(link.url)  # the app was started anew: it asks the server how far it is
        assert link.broken == CUTS
        lin.close()
    holds(live, file, data, before, most)
    steps = [done for step, done in told if step == "uploading"]
    assert steps[-1] == len(data)
    # No step back but to what the server had not heard: one part at each cut.
    assert sum(a > b for a, b in zip(steps, steps[1:], strict=False)) <= CUTS


async def test_a_client_of_another_makes_does_as_well(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tuspy, which knows nothing of us: only the proofs are put on its requests."""
    lin = Desk(live.url)
    await lin.sign_in()
    file, data = lin.record(seed=2)
    await lin.send_record_alone()
    lin.close()
    before, most = on_disk(live), memory_mb(live)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", proving(lin))
    with CutLink(live.url) as link:
        link.arm(SEED + 1, CUTS, len(data))
        client = TusClient(f"{link.url}/v1/files")
        uploader = client.uploader(
            file_stream=io.BytesIO(data),
            chunk_size=4_000_000,
            metadata={"file_id": file.id, "sha256": file.sha256},
        )
        for _ in range(CUTS * 3):
            try:
                uploader.upload()
                break
            except (TusUploadFailed, TusCommunicationError):
                if uploader.url:
                    uploader.offset = offset_of(uploader) or uploader.offset
        assert uploader.offset == len(data) and link.broken >= CUTS
    holds(live, file, data, before, most)


def offset_of(uploader: Any) -> int | None:
    try:
        return int(uploader.get_offset())
    except (TusCommunicationError, requests.RequestException):
        return None


def proving(desk: Desk) -> Callable[..., Any]:
    """`requests`' way to send, with a proof of the device's key for each request."""
    plain = requests.adapters.HTTPAdapter.send
    token = desk.store.parts.meta.get("tokens")["access"]
    public = dpop.public_jwk(dpop.b64(desk.keys._key.public_key().public_bytes_raw()))

    def send(self: Any, request: Any, **options: Any) -> Any:
        signed = dpop.signing_input(
            public,
            method=request.method,
            url=request.url,
            now=datetime.now(UTC),
            access_token=token,
        )
        request.headers["DPoP"] = dpop.proof(signed, desk.keys._key.sign(signed))
        request.headers["Authorization"] = f"DPoP {token}"
        return plain(self, request, **options)

    return send
