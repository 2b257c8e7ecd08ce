"""Which `case:` buckets stand, which open and which close, as far as one unit's records touch them.

A case takes its customer, one contact and one asset into its bucket (`access.companions_of`);
whoever changes one of those must find the standing buckets that show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, or_, select

from shared.access import CASE_COMPANIONS, Bucket, case_of, companions_of
from shared.clock import to_wire
from shared.declare import ENTITIES
from sync_server.db.log import BUCKET_HEAD
from sync_server.db.records import RECORDS, to_row

if TYPE_CHECKING:
    from sync_server.services.writing import Held

_IN = 2000
_PREFIX = "case:"
_OF_CASES = tuple(
    name for name, e in ENTITIES.items() if e.case and e.case != "id" and not e.one_way
)


class CaseBuckets:
    """`live`: ids of the cases whose bucket stands and stays; `closing`: buckets to remove. Those
    that open are in neither: `filling` gives all that lies in them."""

    def __init__(
        self, connection: Connection, org_id: str, now: datetime, dirty: Sequence[Held]
    ) -> None:
        self._connection = connection
        self._org_id = org_id
        self._named: dict[tuple[str, str], set[str]] = {}
        touched = _touched(dirty) | self._naming([h for h in dirty if h.entity in CASE_COMPANIONS])
        buckets = sorted(_PREFIX + case_id for case_id in touched)
        standing = set(self._standing(buckets))
        needed = set(self._needed(buckets, now))
        self.closing = sorted(standing - needed)
        self._opening = sorted(b.removeprefix(_PREFIX) for b in needed - standing)
        self.live = {b.removeprefix(_PREFIX) for b in standing & needed}

    def that_name(self, entity: str, record_id: str) -> list[str]:
        """Cases with a standing bucket that name this record as customer, contact or asset."""
        return sorted(self._named.get((entity, record_id), set()) & self.live)

    def companions_moved(
        self, held: Held
    ) -> tuple[list[tuple[str, str]], list[tuple[str, dict[str, Any]]]]:
        """(left, joined) of a changed case: (entity, id) of those gone, (entity, row) of those
        come."""
        before = set(companions_of(held.stored or {}))
        after = set(companions_of(held.row))
        joined = []
        for entity, record_id in sorted(after - before):
            joined += [(entity, row) for row, _ in self._rows(entity, "id", [record_id])]
        return sorted(before - after), joined

    def filling(self) -> Iterator[tuple[str, dict[str, Any], int, Bucket]]:
        """(entity, row, seq, bucket) of everything that lies in the buckets that open."""
        if not self._opening:
            return
        wanted: dict[str, dict[str, list[str]]] = {}
        for case_row, seq in self._rows("case", "id", self._opening):
            yield "case", case_row, seq, Bucket("case", case_row["id"])
            for entity, record_id in companions_of(case_row):
                wanted.setdefault(entity, {}).setdefault(record_id, []).append(case_row["id"])
        for entity, by_id in wanted.items():
            for row, seq in self._rows(entity, "id", sorted(by_id)):
                for case_id in by_id[row["id"]]:
                    yield entity, row, seq, Bucket("case", case_id)
        for entity in _OF_CASES:
            for row, seq in self._rows(entity, ENTITIES[entity].case, self._opening):
                yield entity, row, seq, Bucket("case", row[ENTITIES[entity].case])

    def _rows(
        self, entity: str, column: str, values: Sequence[str]
    ) -> Iterator[tuple[dict[str, Any], int]]:
        table = RECORDS[entity]
        for start in range(0, len(values), _IN):
            for stored in self._connection.execute(
                select(table).where(
                    table.c.org_id == self._org_id,
                    table.c[column].in_(values[start : start + _IN]),
                )
            ):
                yield to_row(entity, stored), stored.seq

    def _naming(self, companions: Sequence[Held]) -> set[str]:
        """Ids of cases whose bucket stands and that name one of these records."""
        case, head = RECORDS["case"], BUCKET_HEAD
        customers = sorted(
            {h.id if h.entity == "customer" else h.row["customer_id"] for h in companions}
        )
        changed = {(h.entity, h.id) for h in companions}
        for start in range(0, len(customers), _IN):
            for row in self._connection.execute(
                select(case.c.id, case.c.customer_id, case.c.contact_id, case.c.asset_id)
                .join(
                    head,
                    (head.c.org_id == case.c.org_id) & (head.c.bucket == _PREFIX + case.c.id),
                )
                .where(
                    case.c.org_id == self._org_id,
                    case.c.customer_id.in_(customers[start : start + _IN]),
                )
            ):
                for pair in companions_of(dict(row._mapping)):
                    if pair in changed:
                        self._named.setdefault(pair, set()).add(row.id)
        return {case_id for cases in self._named.values() for case_id in cases}

    def _standing(self, buckets: Sequence[str]) -> Iterator[str]:
        head = BUCKET_HEAD.c
        for start in range(0, len(buckets), _IN):
            yield from self._connection.scalars(
                select(head.bucket).where(
                    head.org_id == self._org_id, head.bucket.in_(buckets[start : start + _IN])
                )
            )

    def _needed(self, buckets: Sequence[str], now: datetime) -> Iterator[str]:
        grant = RECORDS["grant"].c
        for start in range(0, len(buckets), _IN):
            yield from self._connection.scalars(
                select(grant.bucket)
                .distinct()
                .where(
                    grant.org_id == self._org_id,
                    grant.bucket.in_(buckets[start : start + _IN]),
                    grant.revoked_at.is_(None),
                    or_(grant.expires_at.is_(None), grant.expires_at > to_wire(now)),
                )
            )


def _touched(dirty: Iterable[Held]) -> set[str]:
    """Cases in whose buckets these records lie, or lay, by their own fields; and those that a
    grant names."""
    found: set[str | None] = set()
    for held in dirty:
        entity = ENTITIES[held.entity]
        if entity.case:
            found |= {case_of(entity, held.row), case_of(entity, held.stored or {})}
        if held.entity == "grant" and held.row["bucket"].startswith(_PREFIX):
            found.add(held.row["bucket"].removeprefix(_PREFIX))
    return {case_id for case_id in found if case_id}
