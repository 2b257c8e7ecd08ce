"""How an open vault fares, in counts, times, sizes and codes: what the sync doctor looks at.

Reads what lies there whether or not records may be read now, and none of their contents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import apsw

from mobile.store import meta as facts
from mobile.store.outbox import CONCERNING
from mobile.store.unit import Parts
from shared.access import parse_bucket
from shared.clock import from_wire, to_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKind:
    """Buckets of one kind: how many are held, how many of them have arrived whole, their rows."""

    kind: str
    held: int
    whole: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEntry:
    """A change of the outbox without what was written: that it waits, since when, and why."""

    number: int
    change_id: str
    entity: str
    record_id: str
    kind: str
    fields: tuple[str, ...]
    bytes: int
    made_at: str
    sealed: bool
    held_by: str | None
    verdict: str | None
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFile:
    """A file that the server has not verified: its size, and how much of it is there."""

    file_id: str
    bytes: int
    sent: int
    held_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantHeld:
    """A grant as the lease named it."""

    id: str
    bucket: str
    purpose: str
    role: str
    not_before: str
    expires_at: str | None
    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One look. `server_lag` is how far the device's clock was ahead of (below zero: behind) the
    server's when the server last spoke in this run of the app; None before that."""

    waiting: tuple[WaitingEntry, ...]
    concerning: tuple[WaitingEntry, ...]
    files: tuple[WaitingFile, ...]
    kept: int  # entries of the outbox that are settled and not backed up yet
    unsealed: int
    buckets: tuple[BucketKind, ...]
    grants: tuple[GrantHeld, ...]
    grants_running: int
    next_end: datetime | None
    drafts: int
    schema: int
    epoch: str | None
    cursor: int
    backed_up_to: int
    last_sync_at: datetime | None
    lease_ends_at: datetime | None
    suspended: str | None
    repaired: Mapping[str, Any] | None  # of the last repair: when (`at`), and how many buckets
    rekey_due: bool
    update_wanted: bool
    wall: datetime
    effective: datetime
    server_lag: timedelta | None
    vault_bytes: int
    free_bytes: int  # of these, what deleted rows left behind


def vitals(parts: Parts) -> Vitals:
    """The present state of this vault."""
    db, meta = parts.db, parts.meta
    suspended = parts.gate.suspended()
    now = to_wire(parts.time.now())
    last = meta.get(facts.LAST_SYNC_AT)
    pages, size, free = (_number(db, f"PRAGMA {n}") for n in ("page_count", "page_size", _FREE))
    grants = tuple(_grants(db))
    ends = [g.expires_at for g in grants if g.expires_at and g.expires_at > now]
    return Vitals(
        waiting=tuple(_entries(db, "verdict IS NULL")),
        concerning=tuple(_entries(db, f"dismissed = 0 AND verdict IN ({_CONCERNING})")),
        files=tuple(_files(db)),
        kept=_number(db, "SELECT count(*) FROM outbox WHERE verdict IS NOT NULL"),
        unsealed=_number(db, "SELECT count(*) FROM outbox WHERE sealed = 0"),
        buckets=tuple(_buckets(db)),
        grants=grants,
        grants_running=sum(_runs(grant, now) for grant in grants),
        next_end=from_wire(min(ends)) if ends else None,
        drafts=_number(db, "SELECT count(*) FROM draft"),
        schema=_number(db, "PRAGMA user_version"),
        epoch=meta.get(facts.EPOCH),
        cursor=meta.get(facts.CURSOR, 0),
        backed_up_to=meta.get(facts.BACKED_UP_TO, 0),
        last_sync_at=from_wire(last) if last else None,
        lease_ends_at=parts.gate.lease_ends_at(),
        suspended=suspended.key if suspended else None,
        repaired=meta.get(facts.REPAIRED),
        rekey_due=bool(meta.get(facts.REKEY_DUE)),
        update_wanted=bool(meta.get(facts.UPDATE_WANTED)),
        wall=parts.time.reading().wall,
        effective=parts.time.now(),
        server_lag=parts.time.ahead_of_server(),
        vault_bytes=pages * size,
        free_bytes=free * size,
    )


_FREE = "freelist_count"
_CONCERNING = ", ".join(f"'{verdict}'" for verdict in sorted(CONCERNING))


def _entries(db: apsw.Connection, where: str) -> list[WaitingEntry]:
    found = db.execute(
        "SELECT number, change_id, entity, record_id, change ->> 'kind',"
        " (SELECT group_concat(f.key, ' ') FROM json_each(change, '$.fields') f),"
        " octet_length(change), made_at, sealed, held_by, verdict, code"
        f" FROM outbox WHERE {where} ORDER BY number"
    )
    return [
        WaitingEntry(
            number=number, change_id=change_id, entity=entity, record_id=record_id, kind=kind,
            fields=tuple((fields or "").split()), bytes=size, made_at=made_at, sealed=bool(sealed),
            held_by=held_by, verdict=verdict, code=code,
        )
        for (
            number, change_id, entity, record_id, kind, fields, size, made_at, sealed, held_by,
            verdict, code,
        ) in found
    ]  # fmt: skip


def _files(db: apsw.Connection) -> list[WaitingFile]:
    found = db.execute("SELECT file_id, bytes, sent, held_by FROM blob WHERE verified = 0")
    return [WaitingFile(file_id=f, bytes=b, sent=s, held_by=h) for f, b, s, h in found]


def _grants(db: apsw.Connection) -> list[GrantHeld]:
    found = db.execute(
        "SELECT g.id, b.name, g.purpose, g.role, g.not_before, g.expires_at, g.listed"
        " FROM held_grant g JOIN bucket b ON b.no = g.bucket ORDER BY b.name, g.id"
    )
    return [
        GrantHeld(
            id=i, bucket=b, purpose=p, role=r, not_before=n, expires_at=e, listed=bool(listed)
        )
        for i, b, p, r, n, e, listed in found
    ]


def _runs(grant: GrantHeld, now: str) -> bool:
    ended = grant.expires_at is not None and grant.expires_at <= now
    return grant.listed and grant.not_before <= now and not ended


def _buckets(db: apsw.Connection) -> list[BucketKind]:
    kinds: dict[str, list[int]] = {}
    found = db.execute(
        "SELECT b.name, b.complete, (SELECT count(*) FROM server_row s WHERE s.bucket = b.no)"
        " FROM bucket b"
    )
    for name, whole, rows in found:
        counts = kinds.setdefault(parse_bucket(name).kind, [0, 0, 0])
        for place, more in enumerate((1, whole, rows)):
            counts[place] += more
    return [BucketKind(kind=k, held=h, whole=w, rows=r) for k, (h, w, r) in sorted(kinds.items())]


def _number(db: apsw.Connection, query: str) -> int:
    found = db.execute(query).get
    return int(found or 0)
