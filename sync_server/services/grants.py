"""Grants as rows: issued, ended, and asked about. Nothing here relies on a job: a grant has ended
when the clock says so, whoever looks (design §4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from shared.clock import from_wire, to_wire
from shared.ids import new_id
from shared.wire import LeaseGrant
from sync_server.db.among import among as one_of
from sync_server.db.records import RECORDS
from sync_server.services.writing import Held, Unit

NOT_REVOKED = {"revoked_at": None}


@dataclass(frozen=True, slots=True)
class End:
    """When and why a grant ended: reassigned, ended, security, or expired by its own time."""

    at: datetime
    reason: str


def end_of(grant: Mapping[str, Any]) -> End | None:
    """The end that a grant's row tells of, past or to come; the earlier one if it has two."""
    expires, revoked = grant.get("expires_at"), grant.get("revoked_at")
    if revoked and not (expires and expires < revoked):
        return End(from_wire(revoked), grant.get("revoked_because") or "ended")
    return End(from_wire(expires), "expired") if expires else None


def is_live(grant: Mapping[str, Any], now: datetime) -> bool:
    """Whether it may be read under this grant at this moment."""
    end = end_of(grant)
    return from_wire(grant["not_before"]) <= now and (end is None or now < end.at)


def issue(
    unit: Unit,
    staff_id: str,
    bucket: str,
    purpose: str,
    role: str,
    *,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    granted_by: str | None = None,
    reason: str | None = None,
    among: Iterable[Held] | None = None,
) -> Held:
    """Leave for one person to read one bucket. If a grant of the same purpose still runs, its end
    is moved instead, so that asking twice makes one grant and a device that holds it needs not
    fetch the bucket anew.

    `among` are the bucket's grants that are not revoked, for whoever has read them already.
    """
    expires = to_wire(expires_at) if expires_at else None
    if among is None:
        among = unit.find("grant", bucket=bucket, staff_id=staff_id, purpose=purpose, **NOT_REVOKED)
    for held in among:
        if (held.row["staff_id"], held.row["purpose"]) != (staff_id, purpose):
            continue
        end = end_of(held.row)
        if held.row["role"] == role and (end is None or end.at > unit.now):
            return unit.update("grant", held.id, {"expires_at": expires})
    return unit.create(
        "grant",
        {
            "id": new_id(),
            "staff_id": staff_id,
            "bucket": bucket,
            "purpose": purpose,
            "role": role,
            "not_before": to_wire(not_before or unit.now),
            "expires_at": expires,
            "granted_by": granted_by,
            "reason": reason,
        },
    )


def revoke(unit: Unit, grant: Held, because: str) -> None:
    """Ends a grant now. Harmless for one that has ended already, except that `security` is always
    noted: what is still to come under it then waits in quarantine."""
    end = end_of(grant.row)
    over = end is not None and end.at <= unit.now
    if grant.row.get("revoked_because") == "security" or (over and because != "security"):
        return
    unit.update("grant", grant.id, {"revoked_at": to_wire(unit.now), "revoked_because": because})


def revoke_all(unit: Unit, because: str, **equal: Any) -> int:
    """Ends every grant whose fields are as given; says how many were looked at."""
    found = unit.find("grant", **equal)
    for grant in found:
        revoke(unit, grant, because)
    return len(found)


def holders(unit: Unit, customer_id: str, *purposes: str) -> set[str]:
    """Who holds a customer at this moment; by a grant of one of these purposes, if any is named."""
    found = unit.find("grant", bucket=f"customer:{customer_id}", **NOT_REVOKED)
    return {
        grant.row["staff_id"]
        for grant in found
        if is_live(grant.row, unit.now) and (not purposes or grant.row["purpose"] in purposes)
    }


def live_grants(
    connection: Connection,
    org_id: str,
    staff_id: str,
    now: datetime,
    buckets: Collection[str] | None = None,
) -> list[LeaseGrant]:
    """What someone may read at this moment, as leases name it; of these buckets, if any are
    named."""
    grant = RECORDS["grant"].c
    moment = to_wire(now)
    query = select(
        grant.id,
        grant.bucket,
        grant.purpose,
        grant.role,
        grant.not_before,
        grant.expires_at,
    ).where(
        grant.org_id == org_id,
        grant.staff_id == staff_id,
        grant.revoked_at.is_(None),
        grant.not_before <= moment,
        or_(grant.expires_at.is_(None), grant.expires_at > moment),
    )
    if buckets is not None:
        query = query.where(one_of(connection, grant.bucket, sorted(buckets)))
    rows = connection.execute(query)
    return [LeaseGrant(**row._mapping) for row in rows]
