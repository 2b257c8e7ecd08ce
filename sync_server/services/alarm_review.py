"""Alarms under review: open until someone has seen them, done when someone says what was behind it.
Nobody explains an alarm about themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, or_, select, true, update

from shared.clock import to_wire
from shared.declare import Role
from shared.errors import Code, Refusal
from shared.unusual import KINDS
from sync_server.db.among import among
from sync_server.db.base import Database
from sync_server.db.log import ALARM
from sync_server.db.records import RECORDS
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller

STATES = ("open", "seen", "explained")
LONGEST_EXPLANATION = 500
MOST = 200

_ALARM, _STAFF = ALARM.c, RECORDS["staff"].c


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSeen:
    """An alarm. `told` says what was unusual, in counts and times; `explained_by` is empty for what
    the server found explained by itself."""

    id: str
    kind: str
    raised_at: str
    staff_id: str
    device_id: str
    subject_id: str | None
    state: str
    told: dict[str, str | int]
    seen_at: str | None
    seen_by: str | None
    explained_at: str | None
    explained_by: str | None
    explanation: str | None


def in_reach(caller: Caller) -> ColumnElement[bool]:
    """Whose alarms somebody may see: an administrator everyone's, a store manager those about the
    people of their store. Refuses everyone else."""
    if caller.role is Role.ADMINISTRATOR:
        return true()
    if caller.role is not Role.STORE_MANAGER or caller.store_id is None:
        raise Refusal(Code.ROLE_NOT_ALLOWED)
    ours = select(_STAFF.id).where(
        _STAFF.org_id == caller.org_id, _STAFF.store_id == caller.store_id
    )
    return _ALARM.staff_id.in_(ours)


def of_state(state: str) -> ColumnElement[bool]:
    """Alarms that are in this state."""
    explained, seen = _ALARM.explained_at.is_not(None), _ALARM.seen_at.is_not(None)
    return {"open": ~explained & ~seen, "seen": ~explained & seen}.get(state, explained)


def alarms(
    connection: Connection, caller: Caller, state: str | None = None, after: str | None = None
) -> list[AlarmSeen]:
    """Alarms within reach, the newest first; `after` is the id of the last one of the page
    before."""
    query = select(ALARM).where(_ALARM.org_id == caller.org_id, in_reach(caller))
    if state is not None:
        query = query.where(of_state(state))
    if after is not None:
        edge = connection.scalar(
            select(_ALARM.raised_at).where(_ALARM.org_id == caller.org_id, _ALARM.id == after)
        )
        if edge is None:
            raise Refusal(Code.RECORD_MISSING, where="alarm")
        earlier = or_(_ALARM.raised_at < edge, (_ALARM.raised_at == edge) & (_ALARM.id < after))
        query = query.where(earlier)
    rows = connection.execute(query.order_by(_ALARM.raised_at.desc(), _ALARM.id.desc()).limit(MOST))
    return [shown(row) for row in rows]


def alarm(connection: Connection, caller: Caller, alarm_id: str) -> AlarmSeen:
    """One alarm within reach. Refuses `RECORD_MISSING`."""
    return shown(_found(connection, caller, alarm_id))


def shown(row: Row[Any]) -> AlarmSeen:
    """An alarm's row for who reviews it. Of its details, which may hold a customer's data, only
    those that count are told."""
    state = "explained" if row.explained_at else "seen" if row.seen_at else "open"
    told = json.loads(row.detail) if row.kind in KINDS and row.detail else {}
    names = [name for name in AlarmSeen.__dataclass_fields__ if name not in ("state", "told")]
    return AlarmSeen(state=state, told=told, **{name: getattr(row, name) for name in names})


def see(db: Database, caller: Caller, alarm_ids: Sequence[str], now: datetime) -> None:
    """Someone has seen these; harmless twice. Refuses what is not within reach."""
    wanted = set(alarm_ids)
    with db.write() as connection:
        theirs = (_ALARM.org_id == caller.org_id, among(connection, _ALARM.id, sorted(wanted)))
        known = connection.scalars(select(_ALARM.id).where(*theirs, in_reach(caller))).all()
        if len(known) != len(wanted):
            raise Refusal(Code.RECORD_MISSING, where="alarm")
        changed = connection.scalars(
            update(ALARM)
            .where(*theirs, _ALARM.seen_at.is_(None))
            .values(seen_at=to_wire(now), seen_by=caller.staff_id)
            .returning(_ALARM.id)
        ).all()
        for alarm_id in sorted(changed):
            subject = ("alarm", alarm_id)
            audit.note(connection, caller, Action.ALARM_SEEN, now=now, subject=subject)


def explain(db: Database, caller: Caller, alarm_id: str, explanation: str, now: datetime) -> None:
    """Says what was behind an alarm, which is done then. A later word takes the place of an earlier
    one; both times are in the audit log. Refuses an empty explanation, what is not within reach,
    and alarms about oneself."""
    text = explanation.strip()
    if not text:
        raise Refusal(Code.FIELD_REQUIRED, field="explanation")
    if len(text) > LONGEST_EXPLANATION:
        raise Refusal(Code.FIELD_TOO_LONG, field="explanation", limit=LONGEST_EXPLANATION)
    with db.write() as connection:
        found = _found(connection, caller, alarm_id)
        if found.staff_id == caller.staff_id:
            raise Refusal(Code.OUT_OF_SCOPE)
        at = to_wire(now)
        connection.execute(
            update(ALARM)
            .where(_ALARM.org_id == caller.org_id, _ALARM.id == alarm_id)
            .values(
                explained_at=at,
                explained_by=caller.staff_id,
                explanation=text,
                seen_at=found.seen_at or at,
                seen_by=found.seen_by or caller.staff_id,
            )
        )
        subject = ("alarm", alarm_id)
        audit.note(connection, caller, Action.ALARM_EXPLAINED, now=now, subject=subject)


def _found(connection: Connection, caller: Caller, alarm_id: str) -> Row[Any]:
    found = connection.execute(
        select(ALARM).where(_ALARM.org_id == caller.org_id, _ALARM.id == alarm_id, in_reach(caller))
    ).first()
    if found is None:
        raise Refusal(Code.RECORD_MISSING, where="alarm")
    return found
