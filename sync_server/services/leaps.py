"""A clock that leapt ahead does nothing that can't be undone.

What is erased because its time is over (customers, old texts, nobody's bytes, old entries of the
audit log) would go all at once where the server's clock is set years ahead by mistake; months would
be published for ever that have not begun, and visits planned for years to come. So each look notes
when it was; where the next one finds that more than `clock_leap_days` have passed, all that waits
for `clock_leap_wait_days`, and the doctor says so (L1). A server that was off for as long waits as
well: a week later harms nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from shared.clock import from_wire, to_wire
from sync_server.db.base import Database
from sync_server.db.log import ORG_STATE
from sync_server.services import audit
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action

_NOTED = timedelta(hours=1)
"""How often a look is noted: each is a write."""

_STATE = ORG_STATE.c


def may_act(db: Database, org_id: str, now: datetime) -> bool:
    """Whether what is due by the clock alone may be done now. Notes the look."""
    with db.read() as connection:
        looked, waits = _stands(connection, org_id)
    if looked is None or abs(now - looked) >= _NOTED:
        waits = _note(db, org_id, now)
    return waits is None or now >= waits


def waits_until(connection: Connection, org_id: str, now: datetime) -> datetime | None:
    """Until when it waits for someone to look at the clock; None where nothing does."""
    _, waits = _stands(connection, org_id)
    return waits if waits is not None and now < waits else None


def _note(db: Database, org_id: str, now: datetime) -> datetime | None:
    with db.write() as connection:
        looked, waits = _stands(connection, org_id)
        policy = policy_of(connection, org_id, now)
        if looked is not None and looked - now > _NOTED:
            waits = None  # the clock was put right
        elif looked is not None and now - looked > timedelta(days=policy.clock_leap_days):
            waits = now + timedelta(days=policy.clock_leap_wait_days)
            by = audit.by_itself(org_id)
            audit.note(connection, by, Action.CLOCK_LEAPT, now=now, days=(now - looked).days)
        connection.execute(
            update(ORG_STATE)
            .where(_STATE.org_id == org_id)
            .values(looked_at=to_wire(now), deleting_waits_until=waits and to_wire(waits))
        )
    return waits


def _stands(connection: Connection, org_id: str) -> tuple[datetime | None, datetime | None]:
    query = select(_STATE.looked_at, _STATE.deleting_waits_until).where(_STATE.org_id == org_id)
    row = connection.execute(query).first()
    looked, waits = row or (None, None)
    return looked and from_wire(looked), waits and from_wire(waits)
