"""Requests of servers before 2026-11-22, which stood in a table that no phone sees."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from sync_server.db.base import Database
from sync_server.db.log import DETAIL_REQUEST
from sync_server.services.writing import Unit, write


def adopt_requests(db: Database, now: datetime) -> int:
    """Makes records of what stands in that table, so that phones see and decide it; says how many.
    Harmless at any time. Not a migration, as a record has to be sealed and numbered."""
    with db.read() as connection:
        orgs = connection.scalars(select(DETAIL_REQUEST.c.org_id).distinct()).all()
    return sum(write(db, org_id, now, _adopt) for org_id in orgs)


def _adopt(unit: Unit) -> int:
    here = DETAIL_REQUEST.c.org_id == unit.org_id
    found = unit.connection.execute(select(DETAIL_REQUEST).where(here)).all()
    for one in found:
        row = {
            "id": one.id,
            "staff_id": one.staff_id,
            "customer_id": one.customer_id,
            "subject": "customer",
            "subject_id": one.customer_id,
            "hours": one.hours,
            "reason": one.reason,
            "asked_at": one.asked_at,
        }
        decided = {
            "decision": "approved" if one.grant_id else "refused",
            "decided_at": one.decided_at,
            "decided_by": one.decided_by,
            "grant_id": one.grant_id,
        }
        unit.create("access_request", row | (decided if one.decided_at else {}))
    unit.connection.execute(delete(DETAIL_REQUEST).where(here))
    return len(found)
