"""A small world for tests of the store: ids, rows as a server would send them, and a clock moved
by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import apsw

from mobile.store.meta import DEVICE_ID, STAFF
from mobile.store.store import Store
from mobile.store.trusted_time import Reading
from shared.access import Bucket, buckets_of, project
from shared.clock import to_wire
from shared.declare import ENTITIES, Role
from shared.errors import Code, Refusal
from shared.ids import derived_id
from shared.rows import RowLine, body_text
from shared.wire import Lease, LeaseGrant, PullHeader, Trailer

MORNING = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
ME = derived_id("staff", "me")
COLLEAGUE = derived_id("staff", "colleague")


def an_id(*parts: str) -> str:
    """The same id for the same words in every test."""
    return derived_id("test", *parts)


@dataclass
class HandClock:
    """Effective time that a test moves; `set_back` makes it refuse reading."""

    at: datetime = MORNING
    set_back: bool = False

    def now(self) -> datetime:
        return self.at

    def reading(self) -> Reading:
        return Reading(self.at, int((self.at - MORNING).total_seconds() * 1000), "boot-1")

    def refuse_reading_if_set_back(self) -> None:
        if self.set_back:
            raise Refusal(Code.CLOCK_BEHIND, minutes=10)

    def tolerate(self, _tolerance: object) -> None:
        return None

    def ahead_of_server(self) -> timedelta | None:
        return None

    def server_said(self, moment: datetime) -> None:
        self.at = max(self.at, moment)

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class World:
    """A store with what a server sent into it; the test goes on from there."""

    role: Role = Role.ACCOUNT_MANAGER
    clock: HandClock = field(default_factory=HandClock)
    db: apsw.Connection = field(default_factory=lambda: apsw.Connection(":memory:"))
    seq: int = 100

    def __post_init__(self) -> None:
        self.store = Store(self.db, self.clock)
        meta = self.store.parts.meta
        meta.put(STAFF, {"id": ME, "name": "王芳", "role": self.role.value})
        meta.put(DEVICE_ID, an_id("device"))

    def grant(self, bucket: str, **facts: Any) -> LeaseGrant:
        begins = {"not_before": to_wire(MORNING - timedelta(days=1)), "purpose": "assignment"}
        facts = {"id": an_id("grant", bucket), "role": self.role.value, **begins, **facts}
        return LeaseGrant(bucket=bucket, **facts)

    def lease(self, *grants: LeaseGrant | str, **facts: Any) -> Lease:
        made = [self.grant(g) if isinstance(g, str) else g for g in grants]
        begins = {
            "issued_at": to_wire(self.clock.at),
            "ends_at": to_wire(self.clock.at + timedelta(hours=72)),
        }
        return Lease(
            organisation_id=an_id("organisation"),
            device_id=an_id("device"),
            staff_id=ME,
            role=self.role.value,
            epoch="epoch-1",
            grants_digest="",
            grants=made or None,
            **{**begins, **facts},
        )

    def line(self, entity: str, row: Mapping[str, Any], bucket: str | None = None) -> RowLine:
        """A row line with the next number, in its widest bucket unless one is named."""
        self.seq += 1
        declared = ENTITIES[entity]
        lies_in = bucket or str(buckets_of(declared, row)[0])
        kind, _, key = lies_in.partition(":")
        body = body_text(project(declared, row, Bucket(kind, key)))
        return RowLine(lies_in, entity, row["id"], self.seq, body)

    def pull(self, *lines: RowLine, lease: Lease | None = None, **facts: Any) -> None:
        """One pull reply stored whole; all buckets count as fetched afterwards."""
        facts = {"epoch": "epoch-1", "cursor": self.seq, "backed_up_to": 0, **facts}
        header = PullHeader(more=False, server_time=to_wire(self.clock.at), **facts)
        self.store.inbound.pulled(header, lease, lines)

    def hold(self, *buckets: str, rows: tuple[RowLine, ...] = ()) -> None:
        """Grants for buckets, and rows in them, as after a first sync."""
        self.pull(lease=self.lease(*buckets))
        self.fetch_whole(*rows)
        self.pull()

    def fetch_whole(self, *lines: RowLine) -> None:
        """One snapshot reply that ends every bucket not whole yet."""
        fetch = self.store.inbound.next_fetch()
        assert fetch is not None
        self.store.inbound.fetched(fetch, Trailer(rows=len(lines)), lines)


def customer(name: str = "张伟", **facts: Any) -> dict[str, Any]:
    return {"id": an_id("customer", name), "name": name, "created_at": to_wire(MORNING), **facts}


def visit(of: Mapping[str, Any], word: str = "visit", **facts: Any) -> dict[str, Any]:
    return {
        "id": an_id(word),
        "customer_id": of["id"],
        "owner_id": ME,
        "purpose": "care",
        "state": "planned",
        "planned_at": to_wire(MORNING + timedelta(hours=1)),
        **facts,
    }


def case(of: Mapping[str, Any], word: str = "case", **facts: Any) -> dict[str, Any]:
    return {
        "id": an_id(word),
        "customer_id": of["id"],
        "number": "C-1001",
        "kind": "repair",
        "title": "不制冷",
        "state": "assigned",
        "opened_at": to_wire(MORNING - timedelta(days=1)),
        "appointment_at": to_wire(MORNING + timedelta(hours=2)),
        **facts,
    }
