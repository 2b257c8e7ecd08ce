"""How long the audit log is kept: what is older than the policy says is let go in whole months, as
parts that the chain remembers (`audit_chain.let_go`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from shared.clock import to_wire
from sync_server.db.audit import AUDIT_ENTRY
from sync_server.db.base import Database
from sync_server.services import audit, leaps
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action
from sync_server.services.audit_chain import let_go
from sync_server.services.vitals import organisations

_PART = timedelta(days=30)
"""So much is let go at once: a part for each day would be a log of its own."""


def let_old_go(db: Database, now: datetime) -> int:
    """Lets entries go that are older than the policy keeps them; says how many. Harmless at any
    time."""
    with db.read() as connection:
        orgs = organisations(connection)
    due = [org_id for org_id in orgs if leaps.may_act(db, org_id, now)]
    return sum(_of(db, org_id, now) for org_id in due)


def _of(db: Database, org_id: str, now: datetime) -> int:
    entry = AUDIT_ENTRY.c
    with db.read() as connection:
        edge = now - timedelta(days=policy_of(connection, org_id, now).audit_days)
        oldest = connection.scalar(select(func.min(entry.at)).where(entry.org_id == org_id))
    if oldest is None or oldest >= to_wire(edge - _PART):
        return 0
    with db.write() as connection:
        count = let_go(connection, org_id, edge, now)
        if count:
            who = audit.by_itself(org_id)
            audit.note(connection, who, Action.AUDIT_LET_GO, now=now, entries=count)
    return count
