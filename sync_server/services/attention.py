"""What waits for somebody, in counts: what the console's first page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.sql.elements import ColumnClause

from shared.clock import to_wire
from shared.declare import Role
from sync_server.db.accounts import DEVICE
from sync_server.db.log import ALARM, CHANGE_LOG
from sync_server.db.looks import LOOK_REVIEW
from sync_server.db.records import RECORDS
from sync_server.services import trainings, vip_service
from sync_server.services.accounts import policy_of
from sync_server.services.caller import Caller
from sync_server.services.epochs import org_state

_CONFLICT, _CUSTOMER, _STAFF = (RECORDS[name].c for name in ("conflict", "customer", "staff"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Counts for one caller. A store manager's are those of their own store; what is an
    administrator's business is None for them. `numbers_behind`: how much no backup holds."""

    quarantined: int
    conflicts: int
    overdue_reviews: int
    overdue_trainings: int
    missing_staff: int
    pending_devices: int | None = None
    recent_alarms: int | None = None
    numbers_behind: int | None = None


def attention(connection: Connection, caller: Caller, now: datetime, today: date) -> Attention:
    """One look. `today` is the caller's day."""
    org = caller.org_id
    open_ = (_CONFLICT.org_id == org, _CONFLICT.resolution.is_(None))
    held = (CHANGE_LOG.c.org_id == org, CHANGE_LOG.c.verdict == "quarantined")
    late = (
        LOOK_REVIEW.c.org_id == org,
        LOOK_REVIEW.c.verdict.is_(None),
        LOOK_REVIEW.c.due_at < to_wire(now),
    )
    own = None if caller.role is Role.ADMINISTRATOR else caller.store_id or ""
    policy = policy_of(connection, org, now)
    untrained = trainings.overdue(connection, org, policy, today, own)
    lacking = vip_service.missing(connection, org, policy, own)
    if own is not None:
        store = own
        ours = select(_CUSTOMER.id).where(_CUSTOMER.org_id == org, _CUSTOMER.store_id == store)
        staff = select(_STAFF.id).where(_STAFF.org_id == org, _STAFF.store_id == store)
        return Attention(
            quarantined=_count(
                connection, CHANGE_LOG.c.seq, *held, CHANGE_LOG.c.staff_id.in_(staff)
            ),
            conflicts=_count(connection, _CONFLICT.id, *open_, _CONFLICT.customer_id.in_(ours)),
            overdue_reviews=_count(
                connection, LOOK_REVIEW.c.look_id, *late, LOOK_REVIEW.c.store_id == store
            ),
            overdue_trainings=untrained,
            missing_staff=lacking,
        )
    state = org_state(connection, org)
    return Attention(
        quarantined=_count(connection, CHANGE_LOG.c.seq, *held),
        conflicts=_count(connection, _CONFLICT.id, *open_),
        overdue_reviews=_count(connection, LOOK_REVIEW.c.look_id, *late),
        overdue_trainings=untrained,
        missing_staff=lacking,
        pending_devices=_count(
            connection, DEVICE.c.id, DEVICE.c.org_id == org, DEVICE.c.state == "pending"
        ),
        recent_alarms=_count(
            connection, ALARM.c.id, ALARM.c.org_id == org, ALARM.c.explained_at.is_(None)
        ),
        numbers_behind=state.last_seq - state.backed_up_to,
    )


def _count(
    connection: Connection, column: ColumnClause[object], *where: ColumnElement[bool]
) -> int:
    return int(connection.execute(select(func.count(column)).where(*where)).scalar_one())
