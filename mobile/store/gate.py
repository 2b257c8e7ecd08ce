"""The one gate through which everything is read (L4): which buckets are open at the present
effective time.

A bucket is open while one of its grants runs. While the lease has ended or the clock was set
back, nothing is readable; writing goes on, and so does the outbox.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import apsw

from mobile.store.meta import LEASE, Meta
from mobile.store.trusted_time import Reading
from shared.clock import from_wire, to_wire
from shared.errors import Code, Refusal


class TrustedTime(Protocol):
    """Effective time, which never goes back (`trusted_time.TrustedClock`)."""

    def now(self) -> datetime:
        """Effective time, aware, UTC. May commit: never ask inside a transaction."""
        ...

    def reading(self) -> Reading:
        """Both clocks as they stand."""
        ...

    def refuse_reading_if_set_back(self) -> None:
        """Refuses `clock_behind` while the wall clock lags too far."""
        ...

    def tolerate(self, tolerance: timedelta) -> None:
        """The wall clock may lag so far from now on."""
        ...

    def ahead_of_server(self) -> timedelta | None:
        """How far the wall clock was ahead of the server's when that last spoke in this run."""
        ...

    def server_said(self, moment: datetime) -> None:
        """Take the server's time from a reply whose signature was checked."""
        ...


_OPEN = """
    SELECT b.no, b.rank FROM bucket b WHERE EXISTS (
        SELECT 1 FROM held_grant g WHERE g.bucket = b.no AND g.listed
        AND g.not_before <= :now AND (g.expires_at IS NULL OR g.expires_at > :now))
"""
_NEXT_EDGE = """
    SELECT min(edge) FROM (
        SELECT expires_at AS edge FROM held_grant WHERE expires_at > :now
        UNION ALL SELECT not_before FROM held_grant WHERE not_before > :now)
"""
_ENDS = """
    SELECT CASE WHEN count(*) = count(g.expires_at) THEN max(g.expires_at) END
    FROM held_grant g JOIN temp.open_bucket o ON o.no = g.bucket
    WHERE g.listed AND g.not_before <= ?1 AND (g.expires_at IS NULL OR g.expires_at > ?1)
      AND g.bucket IN (SELECT bucket FROM server_row WHERE entity = ?2 AND id = ?3
                       UNION SELECT bucket FROM pending_row WHERE entity = ?2 AND id = ?3)
"""


class Gate:
    """Keeps `temp.open_bucket` true to the present moment. Reads go through `open()` first."""

    def __init__(self, db: apsw.Connection, meta: Meta, time: TrustedTime) -> None:
        self._db = db
        self._meta = meta
        self._time = time
        self._edge: str | None = ""  # when the set of open buckets changes next; "" asks for a look
        self._lease_ends_at: str | None = None

    def open(self) -> None:
        """Make the view show what may be read now. Refuses `lease_ended` and `clock_behind`."""
        self._time.refuse_reading_if_set_back()
        now = self.settle()
        if self._lease_ends_at is not None and now >= self._lease_ends_at:
            raise Refusal(Code.LEASE_ENDED)

    def settle(self) -> str:
        """Close and open buckets up to now, without judging the lease; returns now in wire form."""
        now = to_wire(self._time.now())
        if self._edge == "":
            lease = self._meta.get(LEASE)
            self._lease_ends_at = lease and lease["ends_at"]
        if self._edge is not None and now >= self._edge:
            self._db.execute("DELETE FROM temp.open_bucket")
            self._db.execute(f"INSERT INTO temp.open_bucket {_OPEN}", {"now": now})
            self._edge = self._db.execute(_NEXT_EDGE, {"now": now}).get
        return now

    def changed(self) -> None:
        """Grants or the lease were written: look again at the next reading."""
        self._edge = ""

    def renewed(self) -> None:
        """The lease runs longer, and nothing else of what it says has changed."""
        if self._edge != "":
            self._lease_ends_at = self._meta.get(LEASE)["ends_at"]

    def suspended(self) -> Code | None:
        """Why nothing is readable now, or None. For the screen that says so."""
        try:
            self.open()
        except Refusal as refusal:
            return refusal.code
        return None

    def access_ends(self, entity: str, record_id: str) -> datetime | None:
        """When the last of the running grants that show a record ends; None where one has no end,
        or none shows it."""
        ends = self._db.execute(_ENDS, (self.settle(), entity, record_id)).get
        return from_wire(ends) if ends else None

    def next_turn(self) -> datetime | None:
        """When what may be read changes next by time alone: a grant begins or ends, or the lease
        ends. None where nothing is to come."""
        now = self.settle()
        turns = [self._edge] if self._edge else []
        if self._lease_ends_at is not None and self._lease_ends_at > now:
            turns.append(self._lease_ends_at)
        return from_wire(min(turns)) if turns else None

    def lease_ends_at(self) -> datetime | None:
        """Until when may be read without a sync; None before the first."""
        lease = self._meta.get(LEASE)
        return from_wire(lease["ends_at"]) if lease else None
