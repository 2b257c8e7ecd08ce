"""What this device holds: its grants, their buckets, and how much of each bucket has arrived.

All of it inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw

from mobile.store.outbox import Touched
from mobile.store.schema import RANKS
from mobile.store.sql import rows
from shared.access import parse_bucket
from shared.entities.access import RETURNABLE
from shared.rows import set_digest
from shared.wire import LeaseGrant

After = tuple[str, str, str]


class Gone(NamedTuple):
    """What went with the last grant on it: buckets by name, and how many rows they had."""

    buckets: tuple[str, ...] = ()
    rows: int = 0


class Holdings:
    """Grants and buckets of one open vault."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def grant_ids(self) -> tuple[str, ...]:
        """Ids of the grants that the last full lease named."""
        found = rows(self._db, "SELECT id FROM held_grant WHERE listed ORDER BY id")
        return tuple(grant_id for (grant_id,) in found)

    def digest(self) -> str:
        """The digest of that set of grants, as the server computes it (`LeaseGrant.mark`)."""
        grants = rows(
            self._db,
            "SELECT g.id, b.name, g.purpose, g.role, g.not_before, g.expires_at"
            " FROM held_grant g JOIN bucket b ON b.no = g.bucket WHERE g.listed",
        )
        return set_digest(
            LeaseGrant(id=i, bucket=b, purpose=p, role=r, not_before=n, expires_at=e).mark
            for i, b, p, r, n, e in grants
        )

    def numbers(self, names: Iterable[str] | None = None) -> dict[str, tuple[int, int]]:
        """Name → (number, round) of every bucket held, of those named if some are: rows of any
        other are not stored (L3)."""
        query = "SELECT name, no, round FROM bucket"
        values: tuple[str, ...] = ()
        if names is not None:
            query += " WHERE name IN (SELECT value FROM json_each(?))"
            values = (json.dumps(list(names)),)
        return {n: (no, r) for n, no, r in self._db.execute(query, values)}

    def take(self, grants: Iterable[LeaseGrant]) -> None:
        """Keep these grants, the full list of a lease. What is held beside them is closed and
        stays: a restored server may have lost a grant that it gave, and only `end` removes
        (design §5, Client)."""
        self._db.execute("UPDATE held_grant SET listed = 0")
        for grant in grants:
            self._db.execute(
                "INSERT INTO bucket (name, rank) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (grant.bucket, RANKS[parse_bucket(grant.bucket).kind]),
            )
            self._db.execute(
                "INSERT INTO held_grant VALUES"
                " (?, (SELECT no FROM bucket WHERE name = ?), ?, ?, ?, ?, 1)"
                " ON CONFLICT DO UPDATE SET role = excluded.role, listed = 1,"
                " not_before = excluded.not_before, expires_at = excluded.expires_at",
                (
                    grant.id,
                    grant.bucket,
                    grant.purpose,
                    grant.role,
                    grant.not_before,
                    grant.expires_at,
                ),
            )

    def expired(self, now: str) -> list[str]:
        """Ids of grants whose time is over."""
        return [
            i
            for (i,) in self._db.execute("SELECT id FROM held_grant WHERE expires_at <= ?", (now,))
        ]

    def bare_without(self, grant_ids: Iterable[str]) -> list[tuple[int, str]]:
        """(number, name) of the buckets that no grant but these holds."""
        return rows(
            self._db,
            "SELECT no, name FROM bucket WHERE no NOT IN (SELECT bucket FROM held_grant"
            " WHERE id NOT IN (SELECT value FROM json_each(?)))",
            (json.dumps(list(grant_ids)),),
        )

    def end(self, grant_ids: Iterable[str]) -> Gone:
        """Remove these grants, and with the last grant of a bucket all that it held."""
        ids, gone = list(grant_ids), 0
        bare = self.bare_without(ids)
        for grant_id in ids:
            self._db.execute("DELETE FROM held_grant WHERE id = ?", (grant_id,))
        for no, _ in bare:
            for table in ("server_row", "pending_row", "finding"):
                self._db.execute(f"DELETE FROM {table} WHERE bucket = ?", (no,))
                gone += self._db.changes() if table == "server_row" else 0
            self._db.execute("DELETE FROM bucket WHERE no = ?", (no,))
        return Gone(tuple(name for _, name in bare), gone)

    def returnable(self, entity: str, record_id: str, now: str) -> list[str]:
        """Ids of the running grants that show a record and may be given back."""
        found = self._db.execute(
            "SELECT DISTINCT g.id FROM held_grant g WHERE g.listed AND g.not_before <= ?1"
            " AND g.expires_at > ?1 AND g.purpose IN (SELECT value FROM json_each(?2))"
            " AND g.bucket IN (SELECT bucket FROM server_row WHERE entity = ?3 AND id = ?4"
            " UNION SELECT bucket FROM pending_row WHERE entity = ?3 AND id = ?4) ORDER BY g.id",
            (now, json.dumps(sorted(RETURNABLE)), entity, record_id),
        )
        return [grant_id for (grant_id,) in found]

    def fetch_anew(self, names: Iterable[str] | None) -> None:
        """These buckets (None: all) are to be fetched from their beginning. A bucket that is still
        empty is left as it is; one whose first fetch has not begun may hold rows of the feed."""
        chosen = "" if names is None else " AND name IN (SELECT value FROM json_each(?))"
        values = () if names is None else (json.dumps(sorted(names)),)
        self._db.execute(
            "UPDATE bucket SET round = round + 1, complete = 0, after = NULL"
            " WHERE (complete = 1 OR after IS NOT NULL"
            f" OR EXISTS (SELECT 1 FROM server_row s WHERE s.bucket = bucket.no)){chosen}",
            values,
        )

    def to_fetch(self, without: frozenset[str]) -> tuple[tuple[str, ...], After | None]:
        """Buckets that are not whole, the begun one first, and where that one goes on."""
        open_ones = rows(
            self._db,
            "SELECT name, after FROM bucket b WHERE complete = 0 AND EXISTS"
            " (SELECT 1 FROM held_grant g WHERE g.bucket = b.no AND g.listed)"
            " ORDER BY after IS NULL, rank DESC, name",
        )
        wanted = [(name, after) for name, after in open_ones if name not in without]
        if not wanted:
            return (), None
        name, after = wanted[0]
        begun: After | None = None
        if after is not None:
            entity, record_id = json.loads(after)
            begun = (name, entity, record_id)
        return tuple(n for n, _ in wanted), begun

    def advance(self, asked: Sequence[str], after: After | None) -> set[Touched]:
        """A page of `asked` ended before `after` (None: with everything). Buckets behind it are
        whole, and rows that the new round did not bring are gone; returns those."""
        done = asked if after is None else asked[: list(asked).index(after[0])]
        names = (json.dumps(list(done)),)
        gone: set[Touched] = set()
        # In a bucket's first round there can be nothing older.
        for no, current in rows(
            self._db,
            "SELECT no, round FROM bucket"
            " WHERE round > 1 AND name IN (SELECT value FROM json_each(?))",
            names,
        ):
            gone |= self._outlived(no, current)
        self._db.execute(
            "UPDATE bucket SET complete = 1, after = NULL"
            " WHERE name IN (SELECT value FROM json_each(?))",
            names,
        )
        if after is not None:
            self._db.execute(
                "UPDATE bucket SET after = ? WHERE name = ?", (json.dumps(after[1:]), after[0])
            )
        return gone

    def _outlived(self, no: int, current: int) -> set[Touched]:
        """Removes the rows of a bucket that its present round did not bring."""
        gone = rows(
            self._db,
            "DELETE FROM server_row WHERE bucket = ? AND round <> ? RETURNING entity, id",
            (no, current),
        )
        for entity, record_id in gone:
            self._db.execute(
                "DELETE FROM finding WHERE entity = ? AND id = ? AND bucket = ? AND pending = 0",
                (entity, record_id, no),
            )
        return set(gone)
