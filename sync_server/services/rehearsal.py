"""A dry run of a reassignment: the real thing, decided in memory and never stored. What it would
end and begin is read from what it decided; what that means for devices, from what they told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.accounts import DEVICE
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD, DEVICE_GRANT, FEED
from sync_server.services.accounts import staff_names
from sync_server.services.caller import Caller
from sync_server.services.moves import MOST, check_mover, hand_over_part, parts
from sync_server.services.writing import Unit

_IN = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whose access changes: how many customers they would lose, or get."""

    staff_id: str
    name: str
    loses: int
    gets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A device that would drop or fetch. `unsent` is what it told of last (None: it never did),
    the oldest of it from `unsent_since`."""

    device_id: str
    name: str
    staff_id: str
    state: str
    heard_at: str
    drops: int
    fetches: int
    unsent: int | None
    unsent_since: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a reassignment would do. `rows` and `bytes` are those of the customers that would change
    hands, as each device of the new holder would fetch them."""

    moved: int
    already: int
    people: Sequence[Person]
    devices: Sequence[Touched]
    rows: int
    bytes: int

    @property
    def unsent(self) -> int:
        """Unsent changes known of, on the devices that would drop something. They are kept
        (L1)."""
        return sum(device.unsent or 0 for device in self.devices if device.drops)


def rehearse(
    db: Database, caller: Caller, customer_ids: Sequence[str], staff_id: str, now: datetime
) -> Rehearsal:
    """What `moves.hand_over` would do with the same arguments; stores nothing. Refuses what it
    refuses."""
    wanted = list(dict.fromkeys(customer_ids))
    if len(wanted) > MOST:
        raise Refusal(Code.BATCH_TOO_LARGE, limit=MOST)
    with db.read() as connection:
        unit = Unit(db, connection, caller.org_id, now, locked=True)
        moved = 0
        for part in parts(wanted):
            check_mover(unit, caller, part, staff_id)
            moved += hand_over_part(unit, new_id(), part, staff_id, caller.staff_id, None)
        ended, begun = _changed_grants(unit)
        buckets = {bucket for _, bucket in begun.values()}
        rows, size = _extent(connection, caller.org_id, buckets)
        return Rehearsal(
            moved=moved,
            already=len(wanted) - moved,
            people=_people(connection, caller.org_id, ended.values(), begun.values()),
            devices=_devices(connection, caller.org_id, ended, begun.values()),
            rows=rows,
            bytes=size,
        )


_Access = tuple[str, str]
"""Whose, and to which bucket."""


def _changed_grants(unit: Unit) -> tuple[dict[str, _Access], dict[str, _Access]]:
    """Grants that the unit ended, and those that it began, by id."""
    ended, begun = {}, {}
    for held in unit.held.values():
        if held.entity != "grant" or not held.dirty:
            continue
        access = held.row["staff_id"], held.row["bucket"]
        if held.stored is None:
            begun[held.id] = access
        elif held.row.get("revoked_at") and not held.stored.get("revoked_at"):
            ended[held.id] = access
    return ended, begun


def _people(
    connection: Connection, org_id: str, ended: Iterable[_Access], begun: Iterable[_Access]
) -> list[Person]:
    loses, gets = _counted(ended), _counted(begun)
    ids = sorted({*loses, *gets})
    names = staff_names(connection, org_id, ids)
    return [
        Person(staff_id=i, name=names.get(i, ""), loses=loses.get(i, 0), gets=gets.get(i, 0))
        for i in ids
    ]


def _counted(accesses: Iterable[_Access]) -> dict[str, int]:
    """Customers by person: two grants on one bucket are one customer."""
    found: dict[str, set[str]] = {}
    for staff_id, bucket in accesses:
        found.setdefault(staff_id, set()).add(bucket)
    return {staff_id: len(buckets) for staff_id, buckets in found.items()}


def _devices(
    connection: Connection, org_id: str, ended: dict[str, _Access], begun: Iterable[_Access]
) -> list[Touched]:
    drops: dict[str, int] = {}
    held = DEVICE_GRANT.c
    for some in _slices(sorted(ended)):
        query = (
            select(held.device_id, func.count())
            .where(held.org_id == org_id, held.grant_id.in_(some), held.dropped_at.is_(None))
            .where(held.bucket.in_(sorted({ended[i][1] for i in some})))  # by its index
            .group_by(held.device_id)
        )
        for device_id, count in connection.execute(query):
            drops[device_id] = drops.get(device_id, 0) + count
    gets = _counted(begun)
    theirs = DEVICE.c.staff_id.in_(sorted(gets)) & (DEVICE.c.state == "approved")
    query = select(DEVICE).where(DEVICE.c.org_id == org_id, theirs | DEVICE.c.id.in_(sorted(drops)))
    return [
        Touched(
            device_id=row.id,
            name=row.name,
            staff_id=row.staff_id,
            state=row.state,
            heard_at=row.heard_at,
            drops=drops.get(row.id, 0),
            fetches=gets.get(row.staff_id, 0) if row.state == "approved" else 0,
            unsent=row.unsent,
            unsent_since=row.unsent_since,
        )
        for row in connection.execute(query.order_by(DEVICE.c.heard_at))
    ]


def _extent(connection: Connection, org_id: str, buckets: Iterable[str]) -> tuple[int, int]:
    """Rows and stored bytes of these buckets together."""
    rows = size = 0
    head, feed = BUCKET_HEAD.c, FEED.c
    for some in _slices(sorted(buckets)):
        counted = select(func.coalesce(func.sum(head.row_count), 0)).where(
            head.org_id == org_id, head.bucket.in_(some)
        )
        rows += int(connection.execute(counted).scalar_one())
        lengths = select(func.coalesce(func.sum(func.length(feed.body)), 0)).where(
            feed.org_id == org_id, feed.bucket.in_(some)
        )
        size += int(connection.execute(lengths).scalar_one())
    return rows, size


def _slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _IN] for start in range(0, len(ids), _IN))
