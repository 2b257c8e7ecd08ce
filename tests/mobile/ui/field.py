"""A phone in the field, for tests: real keys, files and store in a temporary folder; a clock moved
by hand; a network that is down unless a test puts a server behind it.
"""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from mobile.keys.keyring import Keyring
from mobile.keys.native import DirectoryRecords, FileShelf, NativePrimitives
from mobile.keys.port import Profile
from mobile.store.files import DirectoryFiles
from mobile.store.meta import LAST_SYNC_AT, STAFF, Meta
from mobile.store.store import Store
from mobile.store.trusted_time import TrustedClock
from mobile.store.unlocking import create_vault, unlock_vault
from mobile.usecases.arrival import Arrival
from mobile.usecases.services import Installation, Services, Storage
from shared.access import Bucket, buckets_of, companions_of, project
from shared.clock import to_wire
from shared.codec import write
from shared.declare import Record, Role, entity_of
from shared.entities import Case, Customer, Visit
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.messages import dump
from shared.rows import RowLine, body_text
from shared.wire import (
    Lease,
    LeaseGrant,
    PullHeader,
    ServerKeys,
    SignInRequest,
    StaffCard,
    TokenReply,
    Trailer,
)
from shared.wire_company import WaysReply

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, 10:00 in Shanghai
PIN = "135790"
VAULT = "field-lin"
SEAL_KEY = "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  # X25519's base point: a key nobody holds


class HandClock:
    """Stands still until moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now, self._ms = now, 1000

    def now(self) -> datetime:
        return self._now

    def monotonic_ms(self) -> int:
        return self._ms

    def move(self, by: timedelta) -> None:
        self._now += by
        self._ms += int(by.total_seconds() * 1000)


class MemoryPreferences:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def read(self) -> dict[str, Any]:
        return dict(self.values)

    async def write(self, values: dict[str, Any]) -> None:
        self.values = dict(values)


class TestPlace:
    """A browser in Shanghai whose network a test switches."""

    __test__ = False
    platform = "browser"
    origin = "https://huifang.test"

    def __init__(self) -> None:
        self.up = True
        self.front = True
        self.persisted = True
        self.update = False
        self.updated = 0
        self.typed_early: str | None = None
        self.typed_late: str | None = None
        self.lock_language: str | None = None
        self.revealed = 0
        self.brought: Arrival | None = None
        self.left_for: list[str] = []
        self.spoken = ["zh-CN"]
        self._listeners: list[Callable[[bool], None]] = []
        self._watchers: list[Callable[[bool], None]] = []

    def online(self) -> bool:
        return self.up

    def on_network(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: listener in self._listeners and self._listeners.remove(listener)

    def visible(self) -> bool:
        return self.front

    def on_visible(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        self._watchers.append(listener)
        return lambda: listener in self._watchers and self._watchers.remove(listener)

    def show(self, front: bool) -> None:
        """Brings the app to the front, or puts it away."""
        self.front = front
        for listener in list(self._watchers):
            listener(front)

    def switch(self, up: bool) -> None:
        self.up = up
        for listener in list(self._listeners):
            listener(up)

    def languages(self) -> list[str]:
        return self.spoken

    async def storage(self, ask: bool) -> Storage:
        self.persisted = self.persisted or ask
        return Storage(persisted=self.persisted, usage_bytes=4_200_000, quota_bytes=2_000_000_000)

    async def installation(self) -> Installation:
        return Installation(version="test", ready=True, update=self.update)

    async def activate_update(self) -> None:
        self.updated += 1

    async def typed_ahead(self, wait: bool) -> str | None:
        return self.typed_late if wait else self.typed_early

    async def remember_lock(self, language: str) -> None:
        self.lock_language = language

    async def reveal(self) -> None:
        self.revealed += 1

    async def arrival(self) -> Arrival | None:
        brought, self.brought = self.brought, None
        return brought

    async def leave_for(self, address: str) -> None:
        self.left_for.append(address)


@dataclass
class Report:
    """What the engine's report says, as far as screens read it."""

    code: Code | None = None
    sent: int = 0
    received: int = 0
    agreement: dict[str, tuple[int, int]] | None = None
    retry_after: float | None = None


@dataclass
class Engine:
    """Stands in for the sync engine: answers what the test lays ready."""

    answers: list[Report] = field(default_factory=list)
    syncs: int = 0
    store: Store | None = None

    def over(self, store: Store) -> Engine:
        """The engine of the vault that was just opened."""
        self.store = store
        return self

    async def forget_ended(self) -> None:
        """As the real one does, without a new key."""
        assert self.store is not None
        self.store.inbound.end_expired()
        if self.store.inbound.rekey_due():
            self.store.inbound.rekeyed(self.store.inbound.rekey_due())

    async def sync(self, _progress: Any = None) -> Report:
        self.syncs += 1
        return self.answers.pop(0) if self.answers else Report(Code.OFFLINE)

    async def compare(self, progress: Any = None) -> Report:
        return await self.sync(progress)


@dataclass
class Server:
    """Stands in for the server at sign-in: what it answers is laid ready by the test."""

    staff: StaffCard
    device_state: str = "approved"
    refuses: Refusal | None = None
    asked: list[SignInRequest] = field(default_factory=list)
    company: str | None = None
    factor: str | None = None  # the code that is wanted beside the password
    code: str | None = None  # lets a device in that would have to wait

    async def listen(self, _heard: Any) -> None:
        """Tells nothing and never ends."""
        await asyncio.Event().wait()

    async def ways(self) -> WaysReply:
        return WaysReply(company=self.company)

    async def begin_company_sign_in(self) -> str:
        return "https://login.example/auth?state=signed"

    async def sign_in(self, request: SignInRequest) -> TokenReply:
        self.asked.append(request)
        if self.refuses is not None:
            raise self.refuses
        if self.factor is not None and request.second_factor != self.factor:
            given = request.second_factor is not None
            raise Refusal(Code.SECOND_FACTOR_WRONG if given else Code.SECOND_FACTOR_WANTED)
        if request.enrolment_code not in (None, self.code):
            raise Refusal(Code.ENROLMENT_CODE_INVALID)
        if self.device_state != "approved" and request.enrolment_code is None:
            state = self.device_state
            return TokenReply(device_id="device", device_state=state, ticket="a ticket")
        seal = X25519PrivateKey.generate().public_key().public_bytes_raw()
        return TokenReply(
            device_id="device",
            device_state="approved",
            access_token="access",
            refresh_token="refresh",
            expires_in=900,
            staff=self.staff,
            keys=ServerKeys(lease="", seal=urlsafe_b64encode(seal).rstrip(b"=").decode()),
        )


def slowly(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`call` as a browser's cryptography answers: others have their turn first."""

    async def answer(*given: Any) -> Any:
        for _ in range(50):
            await asyncio.sleep(0)
        return await call(*given)

    return answer


class Field:
    """One phone and who holds it. `plant` records before `open_app`."""

    def __init__(self, folder: Path, role: Role = Role.ACCOUNT_MANAGER, name: str = "林晓") -> None:
        self.clock = HandClock()
        self.place = TestPlace()
        self.preferences = MemoryPreferences()
        self.keys = Keyring(
            NativePrimitives(FileShelf(folder / "device"), iterations=1, memory_kib=32),
            DirectoryRecords(folder / "records"),
        )
        self.files = DirectoryFiles(folder / "vaults")
        self.engine = Engine()
        self.staff = StaffCard(
            id=derived_id("staff", name), name=name, role=role, organisation_id="field",
            organisation="示范公司", timezone="Asia/Shanghai",
        )  # fmt: skip
        self.server = Server(self.staff)
        self.until: dict[str, datetime] = {}
        """Buckets whose grant ends by time, as a callback's does."""
        self._planted: list[Record] = []
        self._buckets = {f"user:{self.staff.id}"}
        self._seq = 0

    def plant(self, *records: Record) -> None:
        """Records that the server had sent before the test begins."""
        self._planted += records

    def services(self) -> Services:
        return Services(
            keys=self.keys,
            files=self.files,
            clock=self.clock,
            place=self.place,
            preferences=self.preferences,
            store=self.store,
            connect=lambda _url: self.server,
            engine=lambda store, *_: self.engine.over(store),
            app_version="test",
        )

    def store(self, db: apsw.Connection, _profile: Profile | None = None) -> Store:
        return Store(db, TrustedClock(self.clock, "boot", db, timedelta(minutes=5)))

    async def prepare(self) -> None:
        """The vault as it is after the first sync: staff, lease, grants and planted records; locked
        again.
        """
        db = await create_vault(self.files, self.keys, VAULT, PIN)
        store = self.store(db)
        meta = Meta(db)
        meta.put(STAFF, dump(self.staff))
        meta.put(LAST_SYNC_AT, to_wire(self.clock.now() - timedelta(minutes=5)))
        self.receive(store, *self._planted)
        db.close()
        await self.files.release(VAULT)
        await self.keys.lock(VAULT)
        await self.keys.save_profile(
            Profile(
                vault=VAULT, server_url="https://huifang.test", user_id=self.staff.id,
                display_name=self.staff.name, role=self.staff.role, server_seal_key=SEAL_KEY,
            )
        )  # fmt: skip

    async def reopened(self) -> tuple[apsw.Connection, Store]:
        """The store after the app has gone: what a test looks at when all is closed."""
        db = await unlock_vault(self.files, self.keys, VAULT, PIN)
        return db, self.store(db)

    def receive(self, store: Store, *records: Record) -> None:
        """Lets records arrive as a pull brings them, in every bucket that they lie in."""
        lines = [line for record in records for line in self._lines(record, records)]
        self._buckets |= {line.bucket for line in lines}
        grants = [
            LeaseGrant(
                id=derived_id("grant", bucket), bucket=bucket,
                purpose="callback" if bucket in self.until else "assignment",
                role=self.staff.role, not_before=to_wire(NOW - timedelta(days=1)),
                expires_at=to_wire(self.until[bucket]) if bucket in self.until else None,
            )
            for bucket in sorted(self._buckets)
        ]  # fmt: skip
        now = self.clock.now()
        lease = Lease(
            organisation_id="field", device_id="device", staff_id=self.staff.id,
            role=self.staff.role, epoch="first", issued_at=to_wire(now),
            ends_at=to_wire(now + timedelta(hours=72)), grants_digest="", grants=grants,
        )  # fmt: skip
        self._seq += 1
        header = PullHeader(
            epoch="first", cursor=self._seq, more=False, server_time=to_wire(now), backed_up_to=0
        )
        store.inbound.pulled(header, lease, lines)
        while (fetch := store.inbound.next_fetch()) is not None:
            store.inbound.fetched(fetch, Trailer(rows=0), lines)

    def _lines(self, record: Record, others: Iterable[Record]) -> Iterator[RowLine]:
        entity, row = entity_of(type(record)), write(record)
        row.setdefault("created_at", to_wire(NOW - timedelta(days=30)))
        buckets = set(buckets_of(entity, row))
        for other in others:
            if isinstance(other, Case) and (entity.name, record.id) in companions_of(write(other)):
                buckets.add(Bucket("case", other.id))
        if self.staff.role == Role.TECHNICIAN:
            buckets = {b for b in buckets if b.kind != "customer"}
        for bucket in sorted(buckets):
            shown = project(entity, row, bucket)
            yield RowLine(str(bucket), entity.name, record.id, self._seq + 1, body_text(shown))


def customer(name: str = "上海示例机电", **more: Any) -> Customer:
    """A customer with an invented name and a number that nobody has."""
    facts: dict[str, Any] = {
        "id": derived_id("customer", name), "name": name, "phone": "13800000000",
        "address": "示例路 1 号", "city": "上海", "tier": "high",
    }  # fmt: skip
    return Customer(**(facts | more))


def visit(of: Customer, owner: StaffCard, at: datetime, **more: Any) -> Visit:
    """A planned visit."""
    facts: dict[str, Any] = {
        "id": derived_id("visit", of.id, to_wire(at)), "customer_id": of.id, "owner_id": owner.id,
        "purpose": "satisfaction", "state": "planned", "planned_at": at,
    }  # fmt: skip
    return Visit(**(facts | more))


def as_json(value: Any) -> str:
    """For a message that names what was found."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
