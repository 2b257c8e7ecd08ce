"""Phones with the real store and engine, a real server in the same process, and a way between
that can be made to fail as real ones do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from mobile.keys.port import Profile
from mobile.store.credentials import server_keys
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.store.trusted_time import Reading
from mobile.sync.engine import SyncEngine
from mobile.sync.peer import Received
from mobile.sync.report import SyncReport
from mobile.sync.transport import HttpPeer, Response
from mobile.usecases.sealing import Sealing
from shared import dpop
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.policy import DEFAULTS
from shared.wire import SignInRequest
from sync_server.bootstrap import Server
from sync_server.services import accounts, scopes
from sync_server.services.writing import Unit, write
from tests.server.phones import (
    ADDRESS,
    ORG,
    PASSWORD,
    PEOPLE,
    STORE,
    Field,
    HandClock,
    staff_id,
)

Fault = Callable[[Response], Response]


class Line:
    """The way between one phone and the server. `script` holds what happens to the next requests,
    in order: None lets one pass."""

    def __init__(self, world: Field) -> None:
        self._transport = httpx.ASGITransport(app=world.client._transport.app)
        self.up = True
        self.script: deque[str | None] = deque()
        self.asked: list[str] = []
        self.bodies: list[bytes] = []

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        received: Received,
    ) -> Response:
        fault = self.script.popleft() if self.script else None
        if not self.up or fault == "never arrives":
            raise Refusal(Code.OFFLINE)
        self.asked.append(f"{method} {url.removeprefix(ADDRESS)}")
        if fault in STATUSES:
            return Response(STATUSES[fault], {"retry-after": "7"}, b"<html>")
        response = await self._exchange(method, url, headers, body)
        if fault == "asked twice":
            response = await self._exchange(method, url, headers, body)
        if fault == "answer lost":
            raise Refusal(Code.OFFLINE)
        if fault == "answer cut":
            response = Response(
                response.status, response.headers, response.body[: len(response.body) * 2 // 3]
            )
        received(len(response.body))
        self.bodies.append(response.body)
        return response

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        async with httpx.AsyncClient(transport=self._transport) as client:
            answer = await client.request(method, url, headers=dict(headers), content=body)
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, names, answer.content)


STATUSES = {"fails": 500, "is busy": 503, "portal": 200, "portal 401": 401, "too old": 426}


class PhoneKeys:
    """The part of `DeviceKeys` that a sync needs."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    async def public_jwk(self) -> dict[str, str]:
        return dpop.public_jwk(dpop.b64(self._key.public_key().public_bytes_raw()))

    async def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    async def seal(self, recipient: bytes, info: bytes, plaintext: bytes) -> bytes:
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
        return suite.encrypt(plaintext, X25519PublicKey.from_public_bytes(recipient), info=info)

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass
class PhoneTime:
    """Effective time over the clock that the whole test shares, apart by `skew_ms`."""

    clock: HandClock
    boot: str = "boot-1"

    def now(self) -> object:
        return self.clock.now()

    def reading(self) -> Reading:
        return Reading(self.clock.now(), self.clock.monotonic_ms(), self.boot)

    def refuse_reading_if_set_back(self) -> None:
        return None

    def tolerate(self, _tolerance: object) -> None:
        return None

    def ahead_of_server(self) -> None:
        return None

    def server_said(self, _moment: object) -> None:
        return None


@dataclass
class Handset:
    """One phone in a test: store, line, engine."""

    world: Field
    who: str
    db: apsw.Connection = field(default_factory=lambda: apsw.Connection(":memory:"))
    log: SealedLog | None = None

    def __post_init__(self) -> None:
        self.line = Line(self.world)
        self.keys = PhoneKeys()
        self.peer = HttpPeer(ADDRESS, self.line, self.keys, self.world.clock)
        self.rekeyed = 0
        self.room = True  # for a new key, which needs as much again as the vault has
        self.open()

    @property
    def id(self) -> str:
        return staff_id(self.who)

    def open(self) -> None:
        """Open the store anew over the same vault, as after a kill."""
        self.store = Store(self.db, PhoneTime(self.world.clock))
        self.engine = SyncEngine(
            self.store,
            self.peer,
            self.keys,
            app_version="1.0",
            rekey=self._rekey,
            seal=self.seal,
            log=self.log,
        )

    async def seal(self) -> None:
        """As `usecases.sealing` does."""
        if self.log is not None and (keys := server_keys(self.store.parts)):
            profile = Profile(
                vault=self.id,
                server_url=ADDRESS,
                user_id=self.id,
                display_name=self.who,
                device_id=self.store.parts.meta.get("device_id"),
                server_seal_key=keys.seal,
            )
            await Sealing(self.store, self.log, self.keys, profile).copy()

    async def _rekey(self) -> None:
        if not self.room:
            raise Refusal(Code.DISK_FULL)
        self.rekeyed += 1

    async def sign_in(self) -> None:
        key = (await self.keys.public_jwk())["x"]
        reply = await self.peer.sign_in(
            SignInRequest(
                username=self.who,
                password=PASSWORD,
                device_key=key,
                device_name="测试手机",
                platform="native",
                app_version="1.0",
            )
        )
        self.store.begin(reply)

    async def sync(self, *script: str | None) -> SyncReport:
        """One sync; `script` says what happens to its requests."""
        self.line.script = deque(script)
        return await self.engine.sync()

    async def synced(self) -> SyncReport:
        """One sync that goes through and agrees."""
        report = await self.sync()
        assert report.ok and report.agreed, report
        return report


def at_the_office(world: Field, work: Callable[[Unit], object]) -> None:
    """Something happens at the server."""
    write(world.server.database, ORG, world.clock.now(), work)


async def handset(world: Field, who: str) -> Handset:
    """A phone signed in and synced for the first time."""
    phone = Handset(world, who)
    await phone.sign_in()
    await phone.synced()
    return phone


def company(template: Path, folder: Path) -> Field:
    """A running company over a database of its own: its people enrolled, a second account manager
    `he`, and three customers of `lin`'s, the first with an open case of `wu`'s."""
    world = Field.on_sqlite(template, folder)
    furnish(world.server)
    return world


def furnish(server: Server) -> None:
    """What `company` has beside `found_company`."""
    hired = staff_id("he")

    def work(unit: Unit) -> None:
        manager = {"name": "何", "role": "account_manager", "store_id": STORE}
        unit.create("staff", {"id": hired, **manager})
        for name in (*PEOPLE, "he"):
            scopes.enrol(unit, staff_id(name))
        for number, name in enumerate(("张伟", "王芳", "长安汽车"), 1):
            unit.create("customer", {"id": CUSTOMERS[number - 1], "name": name, "store_id": STORE})
            scopes.assign_customer(unit, CUSTOMERS[number - 1], staff_id("lin"))
        unit.create("visit", {**VISIT, "customer_id": CUSTOMERS[0]})
        unit.create("case", {**CASE, "customer_id": CUSTOMERS[0]})
        scopes.dispatch_case(unit, CASE["id"], staff_id("wu"), DEFAULTS)

    write(server.database, ORG, server.clock.now(), work)
    password = server.hashes.make(PASSWORD)
    with server.database.write() as connection:
        accounts.add_account(
            connection,
            org_id=ORG,
            staff_id=hired,
            username="he",
            password_hash=password,
            now=server.clock.now(),
        )


CUSTOMERS = tuple(derived_id("sync test", f"customer {n}") for n in (1, 2, 3))
VISIT = {
    "id": derived_id("sync test", "visit"),
    "owner_id": staff_id("lin"),
    "purpose": "care",
    "state": "planned",
    "planned_at": "2026-11-21T09:00:00.000Z",
}
CASE = {
    "id": derived_id("sync test", "case"),
    "number": "C-1",
    "kind": "repair",
    "title": "不制冷",
    "state": "new",
    "opened_at": "2026-11-20T09:00:00.000Z",
}
