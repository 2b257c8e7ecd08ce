"""The audit log as a chain (L7): each entry carries a keyed hash over itself and the hash before,
so that one left out, altered, repeated or put elsewhere shows.

The key lies in the key file, not in the database: whoever writes to the database alone can't forge
an entry. What no chain can show by itself is that its newest entries were cut off; for that an
anchor, the number and hash that `verify` tells, is kept elsewhere and handed in again.

Old parts are let go by `let_go`: the part's last hash is kept, and the chain goes on from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text

from shared.clock import to_wire
from shared.seal import canonical
from sync_server.db.audit import AUDIT_ENTRY, AUDIT_PART
from sync_server.db.putting import insert_rows
from sync_server.db.sealing import KeyRing, ring_of

FORMAT = 1
"""How an entry is hashed. Another way gets another number; entries keep theirs."""
BEGINNING = "0" * 64
"""What the first entry of all names as the hash before it."""

_ENTRY, _PART = AUDIT_ENTRY.c, AUDIT_PART.c
_HASHED = {
    1: (
        "org_id", "number", "at", "action", "result", "actor_id", "via", "device_id", "address",
        "subject", "subject_id", "customer_id", "details", "format", "previous",
    )
}  # fmt: skip
_OF_PART = ("org_id", "first", "last", "first_at", "last_at", "last_hash", "closed_at")
_READ_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest entry: kept elsewhere, it shows whether entries were cut off behind it."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @classmethod
    def read(cls, said: str) -> Anchor:
        """The anchor of its text; ValueError for what is none."""
        number, _, mark = said.partition(":")
        return cls(int(number), mark.strip().lower())


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold: an entry's number, and why: missing, altered, forged (a part
    that was never let go by us) or cut (an anchor's entry is not there as it was)."""

    number: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `verify` found: entries looked at, those let go by retention, and what is broken."""

    entries: int
    let_go: int
    anchor: Anchor
    broken: list[Broken]


def extend(connection: Connection, entries: Sequence[Mapping[str, Any]]) -> None:
    """Adds these entries, in this order, at the end of their organisations' chains, within the
    caller's transaction. From here to its end nobody else adds to them."""
    for org_id in sorted({entry["org_id"] for entry in entries}):
        lock(connection, org_id)
        number, previous = head(connection, org_id)
        ring, rows = ring_of(connection.dialect), []
        for entry in (e for e in entries if e["org_id"] == org_id):
            number += 1
            row = {**entry, "number": number, "format": FORMAT, "previous": previous}
            previous = row["hash"] = entry_hash(ring, row)
            rows.append(row)
        insert_rows(connection, AUDIT_ENTRY, rows)


def lock(connection: Connection, org_id: str) -> None:
    """One at a time adds to a chain. A lock of its own, taken last: signing in waits for no push.
    On SQLite a writer has the whole database to itself anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:chain, 0))"),
            {"chain": f"audit {org_id}"},
        )


def head(connection: Connection, org_id: str) -> tuple[int, str]:
    """Number and hash of the newest entry."""
    newest = connection.execute(
        select(_ENTRY.number, _ENTRY.hash)
        .where(_ENTRY.org_id == org_id)
        .order_by(_ENTRY.number.desc())
        .limit(1)
    ).first()
    return (newest.number, newest.hash) if newest else (0, BEGINNING)


def entry_hash(ring: KeyRing, row: Mapping[str, Any]) -> str:
    """An entry's hash, by the way of its own format; KeyError for one that is not known."""
    return ring.mark("audit entry", canonical({name: row[name] for name in _HASHED[row["format"]]}))


def part_hash(ring: KeyRing, row: Mapping[str, Any]) -> str:
    """The mark by which a part let go by us is known."""
    return ring.mark("audit part", canonical({name: row[name] for name in _OF_PART}))


def verify(
    connection: Connection, org_id: str, anchor: Anchor | None = None, newest: int | None = None
) -> Verified:
    """Looks at every entry and every part let go; with `newest` at so many entries of the end
    alone. Reads in parts: a log of millions fits."""
    ring, broken = ring_of(connection.dialect), []
    number, previous, let_go = 0, BEGINNING, 0
    for part in _parts(connection, org_id):
        if part.first != number + 1 or part.hash != part_hash(ring, part._asdict()):
            broken.append(Broken(part.first, "forged"))
        number, previous = part.last, part.last_hash
        let_go += part.last - part.first + 1
    if newest is not None:
        number, previous = _before_the_newest(connection, org_id, newest, (number, previous))
    seen, there = 0, anchor is None or (anchor.number, anchor.hash) == (number, previous)
    for row in _entries(connection, org_id, number):
        seen += 1
        if row.number != number + 1:
            broken.append(Broken(number + 1, "missing"))
        elif row.previous != previous:
            broken.append(Broken(row.number, "altered"))
        if row.format not in _HASHED or row.hash != entry_hash(ring, row._asdict()):
            broken.append(Broken(row.number, "altered"))
        number, previous = row.number, row.hash
        there = there or (anchor is not None and (number, previous) == (anchor.number, anchor.hash))
    if anchor is not None and not there and anchor.number > let_go:
        broken.append(Broken(anchor.number, "cut"))
    broken = list(dict.fromkeys(broken))
    return Verified(entries=seen, let_go=let_go, anchor=Anchor(number, previous), broken=broken)


def let_go(connection: Connection, org_id: str, before: datetime, now: datetime) -> int:
    """Deletes the entries from before a time, as one part that the chain remembers; says how many.

    The newest entry always stays. To be called with what the policy's retention says, and followed
    by an entry that says so. Harmless twice.
    """
    lock(connection, org_id)
    first = 1 + (connection.scalar(select(func.max(_PART.last)).where(_PART.org_id == org_id)) or 0)
    newest, _ = head(connection, org_id)
    old = (_ENTRY.org_id == org_id, _ENTRY.number >= first, _ENTRY.number < newest)
    # In the order of numbers: one late entry among early ones ends the part before it.
    young = connection.scalar(
        select(func.min(_ENTRY.number)).where(*old, _ENTRY.at >= to_wire(before))
    )
    end = (young or newest) - 1
    if end < first:
        return 0
    edge = connection.execute(
        select(_ENTRY.at, _ENTRY.hash).where(_ENTRY.org_id == org_id, _ENTRY.number == end)
    ).one()
    began = connection.scalar(
        select(_ENTRY.at).where(_ENTRY.org_id == org_id, _ENTRY.number == first)
    )
    part = {
        "org_id": org_id,
        "first": first,
        "last": end,
        "first_at": began,
        "last_at": edge.at,
        "last_hash": edge.hash,
        "closed_at": to_wire(now),
    }
    part["hash"] = part_hash(ring_of(connection.dialect), part)
    connection.execute(insert(AUDIT_PART).values(part))
    connection.execute(delete(AUDIT_ENTRY).where(_ENTRY.org_id == org_id, _ENTRY.number <= end))
    return end - first + 1


def _parts(connection: Connection, org_id: str) -> Sequence[Row[Any]]:
    return connection.execute(
        select(AUDIT_PART).where(_PART.org_id == org_id).order_by(_PART.first)
    ).all()


def _before_the_newest(
    connection: Connection, org_id: str, newest: int, begins: tuple[int, str]
) -> tuple[int, str]:
    """The entry behind which the newest ones stand: its number and hash."""
    place = head(connection, org_id)[0] - newest
    row = connection.execute(
        select(_ENTRY.number, _ENTRY.hash).where(_ENTRY.org_id == org_id, _ENTRY.number == place)
    ).first()
    return (row.number, row.hash) if row else begins


def _entries(connection: Connection, org_id: str, after: int) -> Iterator[Row[Any]]:
    while True:
        rows = connection.execute(
            select(AUDIT_ENTRY)
            .where(_ENTRY.org_id == org_id, _ENTRY.number > after)
            .order_by(_ENTRY.number)
            .limit(_READ_AT_ONCE)
        ).all()
        yield from rows
        if len(rows) < _READ_AT_ONCE:
            return
        after = rows[-1].number


def details_text(details: Mapping[str, Any]) -> str:
    """Details as they are stored and hashed."""
    return json.dumps(dict(details), separators=(",", ":"), sort_keys=True)
