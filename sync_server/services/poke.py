"""The hint that something changed for a caller. Only a hint: a device that misses it loses
nothing (design §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD
from sync_server.services.caller import Caller
from sync_server.services.epochs import org_state
from sync_server.services.grants import live_grants

_IN = 5000


@dataclass(slots=True)
class Watch:
    """Looks again and again on behalf of one caller; cheap while nothing in the organisation
    changes."""

    db: Database
    caller: Caller
    seen: int = -1
    told: int = -1

    def changed(self, now: datetime) -> int | None:
        """The number of the newest row that the caller may pull, when it is newer than the last
        one told. The first call tells where things stand. Grants are rows of `user:` buckets, so
        coming and going scopes are told as well."""
        with self.db.read() as connection:
            last = org_state(connection, self.caller.org_id).last_seq
            if last == self.seen:
                return None
            self.seen = last
            org_id, staff_id = self.caller.org_id, self.caller.staff_id
            buckets = sorted({g.bucket for g in live_grants(connection, org_id, staff_id, now)})
            newest = 0
            for start in range(0, len(buckets), _IN):
                found = connection.scalar(
                    select(func.max(BUCKET_HEAD.c.max_seq)).where(
                        BUCKET_HEAD.c.org_id == org_id,
                        BUCKET_HEAD.c.bucket.in_(buckets[start : start + _IN]),
                    )
                )
                newest = max(newest, found or 0)
        if newest == self.told:
            return None
        self.told = newest
        return newest
