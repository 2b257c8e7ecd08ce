"""Who holds what: for one customer at one instant, which people by which grant, and on which
devices it lies or has still to be dropped.

Read from the grants as they are, never from a summary: what a pull may send and what this says
can't differ. No name and no detail of a customer is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from shared.clock import to_wire
from shared.errors import Code, Refusal
from sync_server.db.accounts import DEVICE
from sync_server.db.log import DEVICE_GRANT, RECORD_MOVE
from sync_server.db.records import RECORDS, to_row
from sync_server.services.accounts import staff_names
from sync_server.services.grants import end_of, is_live

_IN = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One person's grant that runs at that instant: on the customer, or on one of its cases."""

    staff_id: str
    name: str
    role: str
    bucket: str
    grant_id: str
    purpose: str
    since: str
    until: str | None
    granted_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDevice:
    """One grant's rows on one device.

    `state`: `held` (it said that it has them), `sent` (it may have them: told, not confirmed),
    `untold` (the grant ended, and the device has not asked since), `dropping` (told to drop them,
    not confirmed yet). `receipt_id`: it signed that the rows are deleted.
    """

    device_id: str
    device: str
    staff_id: str
    bucket: str
    grant_id: str
    state: str
    since: str
    ended: str | None
    ended_because: str | None
    receipt_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The answer for one customer at `at`."""

    customer_id: str
    at: str
    people: list[Holding]
    devices: list[OnDevice]


def who_holds(connection: Connection, org_id: str, customer_id: str, at: datetime) -> Held:
    """Who may read this customer at `at`, and which devices had it then. Refuses
    `RECORD_MISSING`."""
    customer = RECORDS["customer"].c
    known = select(customer.id).where(customer.org_id == org_id, customer.id == customer_id)
    if connection.scalar(known) is None:
        raise Refusal(Code.RECORD_MISSING, entity="customer")
    cases = _cases_at(connection, org_id, customer_id, at)
    buckets = [f"customer:{customer_id}", *(f"case:{case_id}" for case_id in sorted(cases))]
    grants = {row["id"]: row for row in _grants(connection, org_id, buckets)}
    names = staff_names(connection, org_id, {g["staff_id"] for g in grants.values()})
    people = [_holding(grant, names) for grant in grants.values() if is_live(grant, at)]
    return Held(
        customer_id=customer_id,
        at=to_wire(at),
        people=sorted(people, key=lambda h: (h.bucket, h.since, h.staff_id)),
        devices=_devices(connection, org_id, grants, at),
    )


def ended_since(
    connection: Connection, org_id: str, customer_id: str, since: datetime, now: datetime
) -> list[Holding]:
    """Grants on a customer or their cases that ended between `since` and `now`, the latest first:
    whose holder may be given more time. Those revoked for security are left out."""
    cases = _cases_at(connection, org_id, customer_id, now)
    buckets = [f"customer:{customer_id}", *(f"case:{case_id}" for case_id in sorted(cases))]
    found = [
        grant
        for grant in _grants(connection, org_id, buckets)
        if (end := end_of(grant)) and since <= end.at <= now and end.reason != "security"
    ]
    names = staff_names(connection, org_id, {grant["staff_id"] for grant in found})
    made = [_holding(grant, names) for grant in found]
    return sorted(made, key=lambda h: (h.until or "", h.grant_id), reverse=True)


def _cases_at(connection: Connection, org_id: str, customer_id: str, at: datetime) -> set[str]:
    """Cases that were this customer's at `at`: today's, less those that came since, with those
    that left since."""
    case, move = RECORDS["case"].c, RECORD_MOVE.c
    found = set(
        connection.scalars(
            select(case.id).where(case.org_id == org_id, case.customer_id == customer_id)
        )
    )
    later = connection.execute(
        select(move.record_id, move.from_customer, move.to_customer)
        .where(
            move.org_id == org_id,
            move.entity == "case",
            move.moved_at > to_wire(at),
            (move.from_customer == customer_id) | (move.to_customer == customer_id),
        )
        .order_by(move.moved_at.desc())
    )
    for row in later:  # back in time, one by one
        if row.to_customer == customer_id:
            found.discard(row.record_id)
        if row.from_customer == customer_id:
            found.add(row.record_id)
    return found


def _grants(connection: Connection, org_id: str, buckets: list[str]) -> Iterator[dict[str, Any]]:
    grant = RECORDS["grant"]
    for start in range(0, len(buckets), _IN):
        for stored in connection.execute(
            select(grant).where(
                grant.c.org_id == org_id, grant.c.bucket.in_(buckets[start : start + _IN])
            )
        ):
            yield to_row("grant", stored)


def _holding(grant: Mapping[str, Any], names: Mapping[str, str]) -> Holding:
    end = end_of(grant)
    return Holding(
        staff_id=grant["staff_id"],
        name=names.get(grant["staff_id"], ""),
        role=grant["role"],
        bucket=grant["bucket"],
        grant_id=grant["id"],
        purpose=grant["purpose"],
        since=grant["not_before"],
        until=to_wire(end.at) if end else None,
        granted_by=grant.get("granted_by"),
        reason=grant.get("reason"),
    )


def _devices(
    connection: Connection, org_id: str, grants: Mapping[str, Mapping[str, Any]], at: datetime
) -> list[OnDevice]:
    moment, found = to_wire(at), []
    columns = select(DEVICE_GRANT, DEVICE.c.name, DEVICE.c.staff_id)
    joined = columns.join_from(
        DEVICE_GRANT,
        DEVICE,
        (DEVICE.c.org_id == DEVICE_GRANT.c.org_id) & (DEVICE.c.id == DEVICE_GRANT.c.device_id),
        isouter=True,
    )
    buckets = sorted({grant["bucket"] for grant in grants.values()})
    for start in range(0, len(buckets), _IN):
        rows = connection.execute(
            joined.where(
                DEVICE_GRANT.c.org_id == org_id,
                DEVICE_GRANT.c.bucket.in_(buckets[start : start + _IN]),
                DEVICE_GRANT.c.told_at <= moment,
            )
        )
        found += [
            _on_device(row, grants[row.grant_id], at)
            for row in rows
            if row.grant_id in grants and not (row.dropped_at and row.dropped_at <= moment)
        ]
    return sorted(found, key=lambda d: (d.bucket, d.device_id, d.grant_id))


def _on_device(row: Row[Any], grant: Mapping[str, Any], at: datetime) -> OnDevice:
    moment, end = to_wire(at), end_of(grant)
    over = end if end and end.at <= at else None
    if row.drop_told_at and row.drop_told_at <= moment:
        state = "dropping"
    elif over:
        state = "untold"
    else:
        state = "held" if row.held_at and row.held_at <= moment else "sent"
    return OnDevice(
        device_id=row.device_id,
        device=row.name or "",
        staff_id=row.staff_id or grant["staff_id"],
        bucket=row.bucket,
        grant_id=row.grant_id,
        state=state,
        since=row.told_at,
        ended=to_wire(over.at) if over else None,
        ended_because=over.reason if over else None,
        receipt_id=row.receipt_id,
    )
