"""Bytes that no record names any more, or never did, deleted after the policy's time.

A file may come before its record (a sealed copy, a device that was offline for long), so nothing
is swept that a change which this server would still read may name: `orphan_file_days` is as long as
the protocol reads late changes. What waits unapplied in the log of changes counts as a record.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select

from shared.clock import to_wire
from sync_server.db.accounts import EARLY_FILE, STORED_FILE
from sync_server.db.base import Database
from sync_server.db.log import CHANGE_LOG
from sync_server.services import leaps
from sync_server.services.accounts import policy_of
from sync_server.services.file_records import FILE
from sync_server.services.file_store import FileStore

_PART = 200
"""Files removed in one call for one organisation, so that nobody waits long behind it."""

_log = structlog.get_logger("huifang.files")


def sweep_orphans(database: Database, store: FileStore, now: datetime) -> int:
    """Delete what is nobody's, log whose it was, and say how many. Harmless at any time and from
    several processes."""
    done = 0
    with database.read() as connection:
        org_ids = connection.execute(select(STORED_FILE.c.org_id).distinct()).scalars().all()
    for org_id in (one for one in org_ids if leaps.may_act(database, one, now)):
        with database.write() as connection:
            days = policy_of(connection, org_id, now).orphan_file_days
            over = and_(
                STORED_FILE.c.org_id == org_id,
                STORED_FILE.c.stored_at <= to_wire(now - timedelta(days=days)),
                _nobodys(),
            )
            found = connection.execute(select(STORED_FILE).where(over).limit(_PART)).all()
            for row in found:
                of_it = STORED_FILE.c.org_id == org_id, STORED_FILE.c.sha256 == row.sha256
                connection.execute(delete(STORED_FILE).where(*of_it))
                connection.execute(
                    delete(EARLY_FILE).where(
                        EARLY_FILE.c.org_id == org_id, EARLY_FILE.c.sha256 == row.sha256
                    )
                )
                store.remove(org_id, row.sha256)
                _log.info(
                    "orphan_swept",
                    sha256=row.sha256,
                    bytes=row.bytes,
                    stored_at=row.stored_at,
                    staff=row.staff_id,
                    device=row.device_id,
                )
        done += len(found)
    return done


def _nobodys() -> ColumnElement[bool]:
    stored, early, log = STORED_FILE.c, EARLY_FILE.c, CHANGE_LOG.c
    named = exists().where(FILE.c.org_id == stored.org_id, FILE.c.sha256 == stored.sha256)
    waits = exists().where(
        early.org_id == stored.org_id,
        or_(early.sha256 == stored.sha256, early.sha256.is_(None)),
        log.org_id == early.org_id,
        log.record_id == early.file_id,
    )
    return ~named & ~waits
