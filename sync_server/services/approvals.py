"""A customer's detail for head office: asked for with a reason, approved by someone else, for a
limited time, on record (design §4, S3 #149)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.log import DETAIL_REQUEST
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.grants import is_live, issue
from sync_server.services.writing import Unit, write

LONGEST_HOURS = 72
_REQUEST = DETAIL_REQUEST.c


def request_detail(
    db: Database, caller: Caller, customer_id: str, reason: str, hours: int, now: datetime
) -> str:
    """Asks to see one customer for some hours; returns the request's id. Refuses other roles, an
    empty reason and more than `LONGEST_HOURS`."""
    if caller.role is not Role.HEAD_OFFICE:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    if not reason.strip():
        raise Refusal(Code.FIELD_REQUIRED, field="reason")
    if not 1 <= hours <= LONGEST_HOURS:
        raise Refusal(Code.FIELD_INVALID, field="hours", wanted=f"1 to {LONGEST_HOURS}")
    request_id = new_id()
    with db.write() as connection:
        connection.execute(
            insert(DETAIL_REQUEST).values(
                org_id=caller.org_id,
                id=request_id,
                staff_id=caller.staff_id,
                customer_id=customer_id,
                hours=hours,
                reason=reason.strip()[:200],
                asked_at=to_wire(now),
            )
        )
        audit.note(
            connection, caller, Action.DETAIL_REQUESTED, now=now, subject=("request", request_id),
            customer=customer_id, hours=hours,
        )  # fmt: skip
    return request_id


def decide_detail(
    db: Database, approver: Caller, request_id: str, *, approve: bool, now: datetime
) -> str | None:
    """Approves or refuses a request, once; returns the grant's id if there is one. Only a store
    manager who holds the customer decides, so nobody approves for themselves."""

    def work(unit: Unit) -> str | None:
        found = unit.connection.execute(
            select(DETAIL_REQUEST).where(
                _REQUEST.org_id == unit.org_id,
                _REQUEST.id == request_id,
                _REQUEST.decided_at.is_(None),
            )
        ).first()
        if found is None:
            raise Refusal(Code.RECORD_MISSING, where="request")
        bucket = f"customer:{found.customer_id}"
        _check_holder(unit, approver, bucket)
        grant_id = None
        if approve:
            grant_id = issue(
                unit,
                found.staff_id,
                bucket,
                "approved_detail",
                Role.HEAD_OFFICE,
                expires_at=now + timedelta(hours=found.hours),
                granted_by=approver.staff_id,
                reason=found.reason,
            ).id
        unit.connection.execute(
            update(DETAIL_REQUEST)
            .where(_REQUEST.org_id == unit.org_id, _REQUEST.id == request_id)
            .values(decided_at=to_wire(now), decided_by=approver.staff_id, grant_id=grant_id)
        )
        action = Action.DETAIL_APPROVED if approve else Action.DETAIL_REFUSED
        audit.note(
            unit, approver, action, subject=("request", request_id), customer=found.customer_id,
            to=found.staff_id, hours=found.hours, grant=grant_id,
        )  # fmt: skip
        return grant_id

    return write(db, approver.org_id, now, work)


def _check_holder(unit: Unit, approver: Caller, bucket: str) -> None:
    if approver.role is not Role.STORE_MANAGER:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    held = unit.find("grant", bucket=bucket, staff_id=approver.staff_id)
    if not any(is_live(grant.row, unit.now) for grant in held):
        raise Refusal(Code.OUT_OF_SCOPE)
