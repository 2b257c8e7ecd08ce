"""A small organisation and the devices of its people, speaking to the services without a socket.

`Device` is the simplest client that keeps the protocol: it holds rows by bucket, a cursor and its
grants, and trusts nothing that the reply does not say. What it holds after a sync can be compared
with what the server would send afresh.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from shared.clock import to_wire
from shared.declare import Role
from shared.ids import derived_id, new_id
from shared.messages import dump
from shared.rows import DIGEST_MASK, digest
from shared.wire import (
    Change,
    Lease,
    Outcome,
    PullHeader,
    PullRequest,
    PushReply,
    PushRequest,
    SignedLease,
    SnapshotRequest,
)
from sync_server.db.base import Database
from sync_server.db.records import RECORDS, to_row
from sync_server.services import scopes
from sync_server.services.caller import Caller
from sync_server.services.changes import read_push
from sync_server.services.leases import sign_lease
from sync_server.services.pull import pull
from sync_server.services.push import push
from sync_server.services.snapshot import snapshot
from sync_server.services.writing import Unit, write

ORG = derived_id("org of the tests")
NORTH, SOUTH = derived_id("north"), derived_id("south")
MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
LEASE_KEY = Ed25519PrivateKey.from_private_bytes(b"lease key of the tests, 32 bytes")

PEOPLE = {
    "an": (Role.ACCOUNT_MANAGER, NORTH),
    "bai": (Role.ACCOUNT_MANAGER, NORTH),
    "tan": (Role.TECHNICIAN, NORTH),
    "tu": (Role.TECHNICIAN, NORTH),
    "cai": (Role.CALLBACK_AGENT, NORTH),
    "cui": (Role.CALLBACK_AGENT, NORTH),
    "mei": (Role.STORE_MANAGER, NORTH),
    "mo": (Role.STORE_MANAGER, SOUTH),
    "hu": (Role.HEAD_OFFICE, None),
}


def person(name: str) -> str:
    return derived_id("person", name)


def body_of(request: dict[str, Any]) -> bytes:
    """A request's body as devices write it; half a character, which no UTF-8 has, escaped."""
    try:
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(request).encode()


@dataclass
class World:
    """The organisation on one database, and a clock that the test moves."""

    db: Database
    now: datetime = MORNING

    def __post_init__(self) -> None:
        self.write(_founding)

    def write(self, work: Any) -> Any:
        return write(self.db, ORG, self.now, work)

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)

    def policy(self) -> Any:
        from sync_server.services.accounts import policy_of

        with self.db.read() as connection:
            return policy_of(connection, ORG, self.now)

    def device(self, name: str) -> Device:
        return Device(self, name)

    def rows(self, entity: str) -> list[dict[str, Any]]:
        table = RECORDS[entity]
        with self.db.read() as connection:
            found = connection.execute(select(table).where(table.c.org_id == ORG).order_by("id"))
            return [to_row(entity, row) for row in found]

    def row(self, entity: str, record_id: str) -> dict[str, Any]:
        return next(row for row in self.rows(entity) if row["id"] == record_id)

    def count(self, table: Any) -> int:
        with self.db.read() as connection:
            return int(connection.scalar(select(func.count()).select_from(table)) or 0)

    # ── what the office does ──────────────────────────────────────────────────────────────

    def customer(self, holder: str | None, **fields: Any) -> str:
        """A customer of a name like `holder`'s, given to them."""
        made = new_id()

        def work(unit: Unit) -> None:
            row = {"id": made, "name": "华联商厦", "phone": "13800001111", **fields}
            unit.create("customer", row)
            if holder:
                scopes.assign_customer(unit, made, person(holder))

        self.write(work)
        return made

    def case(self, customer_id: str, technician: str | None = None, **fields: Any) -> str:
        made = new_id()

        def work(unit: Unit) -> None:
            row = {
                "id": made,
                "number": f"C{made[-6:]}",
                "customer_id": customer_id,
                "kind": "repair",
                "title": "不制冷",
                "state": "new",
                "opened_at": to_wire(self.now),
                **fields,
            }
            unit.create("case", row)
            if technician:
                scopes.dispatch_case(unit, made, person(technician), self.policy())

        self.write(work)
        return made

    def assign(self, customer_id: str, name: str) -> None:
        self.write(lambda unit: scopes.assign_customer(unit, customer_id, person(name)))

    def dispatch(self, case_id: str, name: str) -> None:
        policy = self.policy()
        self.write(lambda unit: scopes.dispatch_case(unit, case_id, person(name), policy))


def _founding(unit: Unit) -> None:
    unit.create(
        "organisation", {"id": ORG, "name": "回访", "timezone": "Asia/Shanghai", "currency": "CNY"}
    )
    for store in (NORTH, SOUTH):
        unit.create("store", {"id": store, "name": "门店"})
    for name, (role, store) in PEOPLE.items():
        row = {"id": person(name), "name": name, "role": role.value, "active": True}
        unit.create("staff", row | ({"store_id": store} if store else {}))
        scopes.enrol(unit, person(name))


@dataclass
class Device:
    """One person's phone."""

    world: World
    name: str
    id: str = field(default_factory=new_id)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    boot: str = field(default_factory=new_id)
    clock_error: timedelta = timedelta(0)
    active: bool = True
    epoch: str | None = None
    cursor: int = 0
    number: int = 0
    grants: dict[str, Any] = field(default_factory=dict)
    rows: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    lease: Lease | None = None

    @property
    def caller(self) -> Caller:
        role, store = PEOPLE[self.name]
        return Caller(
            org_id=ORG,
            staff_id=person(self.name),
            role=role,
            device_id=self.id,
            device_key=base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw())
            .decode()
            .rstrip("="),
            store_id=store,
            active=self.active,
        )

    def monotonic_ms(self) -> int:
        return int((self.world.now - MORNING).total_seconds() * 1000) + 1_000_000

    # ── writing ───────────────────────────────────────────────────────────────────────────

    def grant(self, bucket: str) -> str:
        """A grant for the bucket, of those that the device holds."""
        return next(g.id for g in self.grants.values() if g.bucket == bucket)

    def change(
        self,
        kind: str,
        entity: str,
        record_id: str,
        fields: dict[str, Any],
        bucket: str | None = None,
        **other: Any,
    ) -> Change:
        """A change as the device would write it now; `base` is what the device has seen."""
        self.number += 1
        seen = max(
            (s for (_, e, i), (s, _) in self.rows.items() if (e, i) == (entity, record_id)),
            default=0,
        )
        told = {
            "change_id": new_id(),
            "number": self.number,
            "grant_id": self.grant(bucket) if bucket else new_id(),
            "entity": entity,
            "record_id": record_id,
            "kind": kind,
            "fields": fields,
            "base": dict.fromkeys(fields, seen) if kind == "update" else {},
            "claimed_at": to_wire(self.world.now + self.clock_error),
            "boot_id": self.boot,
            "monotonic_ms": self.monotonic_ms(),
        }
        return Change(**{**told, **other})

    def create(
        self, entity: str, fields: dict[str, Any], bucket: str | None, **other: Any
    ) -> Change:
        return self.change(
            "create", entity, other.pop("record_id", new_id()), fields, bucket, **other
        )

    def update(
        self, entity: str, record_id: str, fields: dict[str, Any], bucket: str, **other: Any
    ) -> Change:
        return self.change("update", entity, record_id, fields, bucket, **other)

    def visit(self, customer_id: str, **fields: Any) -> Change:
        told = {
            "customer_id": customer_id,
            "owner_id": person(self.name),
            "purpose": "care",
            "state": "planned",
            "planned_at": to_wire(self.world.now),
        }
        return self.create("visit", told | fields, f"customer:{customer_id}")

    def envelope(self, changes: list[Change]) -> PushRequest:
        return PushRequest(
            app_version="1",
            sent_at=to_wire(self.world.now + self.clock_error),
            boot_id=self.boot,
            monotonic_ms=self.monotonic_ms(),
            changes=changes,
            epoch=self.epoch,
        )

    def push(self, *changes: Change) -> list[Outcome]:
        return self.push_reply(*changes).outcomes

    def push_reply(self, *changes: Change) -> PushReply:
        request = read_push(body_of(dump(self.envelope(list(changes)))))
        return push(self.world.db, self.caller, request, self.world.now)

    # ── reading ───────────────────────────────────────────────────────────────────────────

    def sync(self) -> PullHeader:
        """Pulls and fetches until there is nothing more, and checks that nothing is missing
        (L5)."""
        while True:
            header = self._pull(listing=False)
            if header.want_grants:
                header = self._pull(listing=True)
            if header.fetch:
                self._fetch(header.fetch)
            elif not header.more:
                break
        assert header.total is not None
        assert [header.total.rows, header.total.digest] == [len(self.rows), self.total()]
        return header

    def _pull(self, *, listing: bool) -> PullHeader:
        request = PullRequest(
            app_version="1",
            cursor=self.cursor,
            grants_digest=self.lease.grants_digest if self.lease else "",
            epoch=self.epoch,
            grants=sorted(self.grants) if listing or not self.grants else None,
            limit=7,
            case_numbers_left=1000,
        )
        page = pull(self.world.db, self.caller, request, self.world.now, self._sign)
        header = page.header
        if header.want_grants:
            return header
        if header.epoch != self.epoch:
            self.rows.clear()
            self.grants.clear()
        lease = self.lease
        assert lease is not None
        if lease.grants is not None:
            self.grants = {g.id: g for g in lease.grants}
            held = {g.bucket for g in lease.grants}
            self.rows = {k: v for k, v in self.rows.items() if k[0] in held}
        for line in page.lines:
            self._take(line)
        self.cursor, self.epoch = header.cursor, header.epoch
        return header

    def _sign(self, lease: Lease) -> SignedLease:
        self.lease = lease
        return sign_lease(LEASE_KEY, lease)

    def _fetch(self, buckets: list[str]) -> None:
        after = None
        while True:
            request = SnapshotRequest(buckets=buckets, after=after, limit=5)
            page = snapshot(self.world.db, self.caller, request, self.world.now)
            for line in page.lines:
                self._take(line)
            assert page.trailer.after is None or page.trailer.after != after
            after = page.trailer.after
            if after is None:
                return

    def _take(self, line: Any) -> None:
        self.texts.append(line.body)
        key = (line.bucket, line.entity, line.id)
        if line.gone:
            self.rows.pop(key, None)
        else:
            self.rows[key] = (line.seq, line.body)

    def total(self) -> int:
        return sum(digest(e, i, body) for (_, e, i), (_, body) in self.rows.items()) & DIGEST_MASK

    def ids(self, entity: str) -> set[str]:
        return {i for _, e, i in self.rows if e == entity}

    def buckets(self) -> set[str]:
        return {b for b, _, _ in self.rows}

    def shown(self, entity: str, record_id: str, bucket: str | None = None) -> str:
        """The body of a record, as the bucket shows it."""
        return next(
            body
            for (b, e, i), (_, body) in self.rows.items()
            if (e, i) == (entity, record_id) and bucket in (None, b)
        )
