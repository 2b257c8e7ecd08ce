"""Looks through what people looked at, and raises an alarm about what is unusual (S4 #156, #157):
one for each person, kind and day, which grows while the day does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select, update

from shared.clock import from_wire, to_wire
from shared.ids import derived_id
from shared.policy import policy_at
from shared.unusual import Seen, Unusual, bounds, local_day, unusual
from shared.workdays import Workdays
from sync_server.db.accounts import upsert
from sync_server.db.base import Database
from sync_server.db.log import ALARM
from sync_server.db.looks import LOOK_WATCH
from sync_server.db.records import RECORDS
from sync_server.services.accounts import policy_versions
from sync_server.services.calendars import calendar_of, zone_of
from sync_server.services.look_reasons import reasons
from sync_server.services.vitals import organisations

AT_ONCE = 20_000
"""Looks of one round: a server that was just updated has years of them to go through."""

_LOOK = RECORDS["look"].c


def watch(db: Database, now: datetime) -> int:
    """Goes through the looks that arrived since the last time; says how many alarms it raised or
    let grow. Harmless at any time, and from several processes."""
    with db.read() as connection:
        orgs = organisations(connection)
    return sum(_watch(db, org_id, now) for org_id in orgs)


def _watch(db: Database, org_id: str, now: datetime) -> int:
    with db.read() as connection:
        seen_to = connection.scalar(select(LOOK_WATCH.c.seq).where(LOOK_WATCH.c.org_id == org_id))
        new = connection.execute(
            select(_LOOK.created_by, _LOOK.looked_at, _LOOK.seq)
            .where(_LOOK.org_id == org_id, _LOOK.seq > (seen_to or 0))
            .order_by(_LOOK.seq)
            .limit(AT_ONCE)
        ).all()
        if not new:
            return 0
        zone, workdays = zone_of(connection, org_id), calendar_of(connection, org_id)
        days = {(row.created_by, local_day(from_wire(row.looked_at), zone)) for row in new}
        policies = policy_versions(connection, org_id)
        found = [
            (staff_id, day, one)
            for staff_id, day in sorted(days, key=str)
            if staff_id
            for one in _of_day(connection, org_id, staff_id, day, policies, zone, workdays)
        ]
    with db.write() as connection:
        for staff_id, day, one in found:
            _raise(connection, org_id, staff_id, day, one, now)
        mark = upsert(connection, LOOK_WATCH).values(org_id=org_id, seq=new[-1].seq)
        connection.execute(
            mark.on_conflict_do_update(index_elements=["org_id"], set_={"seq": mark.excluded.seq})
        )
    return len(found)


def _of_day(
    connection: Connection,
    org_id: str,
    staff_id: str,
    day: date,
    policies: Sequence[tuple[datetime, Mapping[str, Any]]],
    zone: ZoneInfo,
    workdays: Workdays,
) -> list[Unusual]:
    begins, ends = bounds(day, zone)
    rows = connection.execute(
        select(_LOOK.customer_id, _LOOK.looked_at).where(
            _LOOK.org_id == org_id,
            _LOOK.created_by == staff_id,
            _LOOK.looked_at >= to_wire(begins),
            _LOOK.looked_at < to_wire(ends),
            _LOOK.customer_id.is_not(None),
        )
    )
    seen = [Seen(row.customer_id, from_wire(row.looked_at)) for row in rows]
    customers = sorted({one.customer_id for one in seen})
    why = list(reasons(connection, org_id, staff_id, customers))
    return unusual(seen, why, policy_at(policies, begins), zone, workdays)


def _raise(
    connection: Connection, org_id: str, staff_id: str, day: date, one: Unusual, now: datetime
) -> None:
    """One alarm for each person, kind and day. While nobody has explained it, it grows; one that
    was explained stays so."""
    alarm_id = derived_id("unusual", org_id, staff_id, one.kind, day.isoformat())
    told: dict[str, Any] = {**asdict(one), "first": to_wire(one.first), "last": to_wire(one.last)}
    detail = json.dumps({"day": day.isoformat(), **told})
    known = connection.execute(
        update(ALARM).where(ALARM.c.org_id == org_id, ALARM.c.id == alarm_id).values(detail=detail)
    )
    if known.rowcount:
        return
    connection.execute(
        upsert(connection, ALARM)
        .values(
            org_id=org_id,
            id=alarm_id,
            kind=one.kind,
            raised_at=to_wire(now),
            staff_id=staff_id,
            device_id="",
            subject_id=staff_id,
            detail=detail,
        )
        .on_conflict_do_nothing()
    )
