"""Clearing away `case:` buckets that nobody may read any more.

Nothing relies on it (a bucket that is over counts as over whoever looks, and the next write to
its case would remove it): it only keeps the feed from growing with every closed case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, or_, select

from shared.clock import to_wire
from sync_server.db.base import Database, lock_organisation
from sync_server.db.log import BUCKET_HEAD, FEED
from sync_server.db.records import RECORDS

_PART = 200
"""Buckets removed in one transaction, so that nobody waits long behind it."""


def sweep_case_buckets(db: Database, now: datetime) -> int:
    """Removes up to `_PART` buckets per call; says how many. Harmless at any time and from
    several processes."""
    with db.read() as connection:
        over = connection.execute(_over(now).limit(_PART)).all()
    for org_id in sorted({row.org_id for row in over}):
        buckets = [row.bucket for row in over if row.org_id == org_id]
        with db.write() as connection:
            lock_organisation(connection, org_id)
            # Looked at again under the lock: a new grant may have come meanwhile.
            still = _over(now).where(
                BUCKET_HEAD.c.org_id == org_id, BUCKET_HEAD.c.bucket.in_(buckets)
            )
            names = [row.bucket for row in connection.execute(still)]
            for table in (FEED, BUCKET_HEAD):
                connection.execute(
                    delete(table).where(table.c.org_id == org_id, table.c.bucket.in_(names))
                )
    return len(over)


def _over(now: datetime) -> Select[Any]:
    grant, head = RECORDS["grant"].c, BUCKET_HEAD.c
    needed = exists().where(
        grant.org_id == head.org_id,
        grant.bucket == head.bucket,
        grant.revoked_at.is_(None),
        or_(grant.expires_at.is_(None), grant.expires_at > to_wire(now)),
    )
    return select(head.org_id, head.bucket).where(head.bucket.startswith("case:"), ~needed)
