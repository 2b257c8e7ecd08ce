"""Who may be poked of what: the reads behind open streams, a few for a whole process and none for
a connection that stays open (`services.poke`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from shared.clock import from_wire, to_wire
from shared.errors import Code
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD, ORG_STATE
from sync_server.db.news import News
from sync_server.db.records import RECORDS
from sync_server.services.devices import APPROVED, BLOCKED, PENDING

_IN = 5000


@dataclass(frozen=True, slots=True)
class Reach:
    """What one person may be told of. `until`: when a grant begins or ends by itself, and this has
    to be read anew. `barred`: devices that may not listen, and why."""

    buckets: frozenset[str] = frozenset()
    until: datetime | None = None
    barred: Mapping[str, Code] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opening:
    """Where things stand when a stream opens: the newest row that the caller may pull, and the
    organisation's last number."""

    reach: Reach
    newest: int
    last_seq: int


def opening(db: Database, org_id: str, staff_id: str, now: datetime) -> Opening:
    """What a new stream begins with; one snapshot."""
    with db.read() as connection:
        reach = _reaches(connection, org_id, [staff_id], now)[staff_id]
        last = connection.scalar(select(ORG_STATE.c.last_seq).where(ORG_STATE.c.org_id == org_id))
        buckets, newest = sorted(reach.buckets), 0
        for start in range(0, len(buckets), _IN):
            found = connection.scalar(
                select(func.max(BUCKET_HEAD.c.max_seq)).where(
                    BUCKET_HEAD.c.org_id == org_id,
                    BUCKET_HEAD.c.bucket.in_(buckets[start : start + _IN]),
                )
            )
            newest = max(newest, found or 0)
    return Opening(reach, newest, last or 0)


def reaches(
    db: Database, wanted: Iterable[tuple[str, str]], now: datetime
) -> dict[tuple[str, str], Reach]:
    """The reach of each (organisation, member of staff); empty for who is not there."""
    by_org: dict[str, list[str]] = {}
    for org_id, staff_id in wanted:
        by_org.setdefault(org_id, []).append(staff_id)
    found = {}
    with db.read() as connection:
        for org_id, staff in by_org.items():
            for start in range(0, len(staff), _IN):
                part = staff[start : start + _IN]
                for staff_id, reach in _reaches(connection, org_id, part, now).items():
                    found[org_id, staff_id] = reach
    return found


def moved_since(db: Database, since: Mapping[str, int]) -> list[tuple[int, News]]:
    """For each organisation whose last number lies beyond `since`: that number, and the buckets
    that got rows."""
    found = []
    with db.read() as connection:
        last = connection.execute(
            select(ORG_STATE.c.org_id, ORG_STATE.c.last_seq).where(
                ORG_STATE.c.org_id.in_(sorted(since))
            )
        ).all()
        for org_id, seq in last:
            if seq <= since[org_id]:
                continue
            head = BUCKET_HEAD.c
            rows = connection.execute(
                select(head.bucket, head.max_seq).where(
                    head.org_id == org_id, head.max_seq > since[org_id]
                )
            )
            found.append((seq, News(org_id, {row.bucket: row.max_seq for row in rows})))
    return found


def shut_out(db: Database, orgs: Collection[str]) -> set[str]:
    """Ids of the devices in these organisations that may not listen: few, as a rule."""
    with db.read() as connection:
        return set(
            connection.scalars(
                select(DEVICE.c.id)
                .join(ACCOUNT, _OWNER)
                .where(
                    DEVICE.c.org_id.in_(sorted(orgs)),
                    or_(DEVICE.c.state != APPROVED, ACCOUNT.c.active.is_(False)),
                )
            )
        )


_OWNER = and_(ACCOUNT.c.org_id == DEVICE.c.org_id, ACCOUNT.c.staff_id == DEVICE.c.staff_id)


def _reaches(
    connection: Connection, org_id: str, staff: Sequence[str], now: datetime
) -> dict[str, Reach]:
    grant, moment = RECORDS["grant"].c, to_wire(now)
    buckets: dict[str, set[str]] = {staff_id: set() for staff_id in staff}
    turns: dict[str, str] = {}
    for row in connection.execute(
        select(grant.staff_id, grant.bucket, grant.not_before, grant.expires_at).where(
            grant.org_id == org_id,
            grant.staff_id.in_(staff),
            grant.revoked_at.is_(None),
            or_(grant.expires_at.is_(None), grant.expires_at > moment),
        )
    ):
        begun = row.not_before <= moment
        if begun:
            buckets[row.staff_id].add(row.bucket)
        turn = row.expires_at if begun else row.not_before
        if turn is not None:
            turns[row.staff_id] = min(turn, turns.get(row.staff_id, turn))
    barred: dict[str, dict[str, Code]] = {}
    for row in connection.execute(
        select(DEVICE.c.id, DEVICE.c.staff_id, DEVICE.c.state, ACCOUNT.c.active)
        .join(ACCOUNT, _OWNER)
        .where(DEVICE.c.org_id == org_id, DEVICE.c.staff_id.in_(staff))
    ):
        if row.state != APPROVED or not row.active:
            code = _BARRED.get(row.state, Code.USER_INACTIVE)
            barred.setdefault(row.staff_id, {})[row.id] = code
    return {
        staff_id: Reach(
            frozenset(held),
            from_wire(turns[staff_id]) if staff_id in turns else None,
            barred.get(staff_id, {}),
        )
        for staff_id, held in buckets.items()
    }


_BARRED = {BLOCKED: Code.DEVICE_BLOCKED, PENDING: Code.DEVICE_PENDING}
