"""Proofs seen by any of several server processes, in the database they share."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from sync_server.db.accounts import SEEN_PROOF, upsert
from sync_server.db.base import Database

_SWEEP_EVERY = timedelta(minutes=1)


class SeenInTable:
    """The `SeenProofs` of an installation with several processes (PostgreSQL)."""

    def __init__(self, database: Database, started_at: datetime) -> None:
        self._database = database
        self._next_sweep = started_at

    def first_time(self, mark: str, *, now: datetime, until: datetime) -> bool:
        fresh = {"mark": mark, "until": int(until.timestamp()) + 1}
        with self._database.write() as connection:
            if now >= self._next_sweep:
                self._next_sweep = now + _SWEEP_EVERY
                over = SEEN_PROOF.c.until < int(now.timestamp())
                connection.execute(delete(SEEN_PROOF).where(over))
            added = upsert(connection, SEEN_PROOF).values(fresh).on_conflict_do_nothing()
            return connection.execute(added.returning(SEEN_PROOF.c.mark)).first() is not None
