"""Rows of the feed as they go out: lines of UTF-8 made of stored bytes, opened and not decoded.

A first sync reads ten thousand of them, so nothing is built on the way that the reply does not
hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, LargeBinary, Select, bindparam, select, tuple_, type_coerce

from sync_server.db.log import FEED
from sync_server.db.sealing import KeyRing

_IN = 5000
"""Buckets named in one statement: well under SQLite's 32,766 parameters."""
_CONTEXT = b"feed.body"
_feed = FEED.c
_ROWS = select(
    _feed.bucket, _feed.entity, _feed.record_id, _feed.seq, type_coerce(_feed.body, LargeBinary)
).where(_feed.org_id == bindparam("org"))
_LIVE = _ROWS.where(_feed.digest != 0)
_KEY = (_feed.bucket, _feed.entity, _feed.record_id)
_BUCKETS = _feed.bucket.in_(bindparam("buckets", expanding=True))

# Built once: building a statement takes longer than reading ten rows.
_WHOLE = _LIVE.where(_BUCKETS).order_by(*_KEY)
_FROM_START = (
    _LIVE.where(_feed.bucket == bindparam("bucket")).order_by(*_KEY).limit(bindparam("most"))
)
_FROM_AFTER = _FROM_START.where(
    tuple_(_feed.entity, _feed.record_id) > tuple_(bindparam("entity"), bindparam("record"))
)
_CHANGED = (
    _ROWS.where(_BUCKETS, _feed.seq > bindparam("cursor"))
    .order_by(_feed.seq, _feed.bucket)
    .limit(bindparam("most"))
)
_AT = _ROWS.where(_BUCKETS, _feed.seq == bindparam("seq")).order_by(_feed.bucket)


class FeedLine(NamedTuple):
    """One line, and what it is found by."""

    bucket: str
    entity: str
    id: str
    seq: int
    text: bytes  # with its newline

    @property
    def body(self) -> str:
        """The row's JSON; empty where the record left the bucket."""
        return self.text[self.text.rindex(b"\t") + 1 : -1].decode()

    @property
    def gone(self) -> bool:
        return self.text.endswith(b"\t\n")


class FeedRows:
    """The feed of one organisation, read in one transaction."""

    def __init__(self, connection: Connection, ring: KeyRing, org_id: str) -> None:
        self._connection = connection
        self._ring = ring
        self._org_id = org_id

    def whole(self, buckets: Sequence[str]) -> list[FeedLine]:
        """All live rows of these buckets, in the order given, within a bucket by entity and id."""
        found: list[FeedLine] = []
        for start in range(0, len(buckets), _IN):
            part = buckets[start : start + _IN]
            lines: dict[str, list[FeedLine]] = {bucket: [] for bucket in part}
            for line in self._lines(_WHOLE, buckets=part):
                lines[line.bucket].append(line)
            for bucket in part:
                found += lines[bucket]
        return found

    def part(self, bucket: str, after: Sequence[str] | None, most: int) -> list[FeedLine]:
        """At most `most` live rows of one bucket behind (entity, id), in the order of its key."""
        if after is None:
            return self._lines(_FROM_START, bucket=bucket, most=most)
        entity, record = after
        return self._lines(_FROM_AFTER, bucket=bucket, most=most, entity=entity, record=record)

    def changed(self, buckets: Sequence[str], cursor: int, limit: int) -> list[FeedLine]:
        """Rows after the cursor in their order, at most `limit` and those that share the last
        one's number: a record has one number in all its buckets, and a page never cuts through a
        number."""
        rows = self._of_all(_CHANGED, buckets, cursor=cursor, most=limit + 1)
        rows.sort(key=lambda line: (line.seq, line.bucket))
        if len(rows) <= limit:
            return rows
        last, first_left_out = rows[limit - 1].seq, rows[limit].seq
        rows = rows[:limit]
        if first_left_out == last:
            rows = [line for line in rows if line.seq < last]
            rows += self._of_all(_AT, buckets, seq=last)
        return rows

    def _of_all(self, query: Select[Any], buckets: Sequence[str], **values: Any) -> list[FeedLine]:
        rows: list[FeedLine] = []
        for start in range(0, len(buckets), _IN):
            rows += self._lines(query, buckets=buckets[start : start + _IN], **values)
        return rows

    def _lines(self, query: Select[Any], **values: Any) -> list[FeedLine]:
        found = self._connection.execute(query, {"org": self._org_id, **values})
        return list(self._opened(found.all()))  # at once: one by one takes twice the time

    def _opened(self, found: Iterable[Any]) -> Iterable[FeedLine]:
        opened = self._ring.open
        for bucket, entity, record_id, seq, sealed in found:
            head = f"{bucket}\t{entity}\t{record_id}\t{seq}\t".encode()
            body = b"" if sealed is None else opened(sealed, _CONTEXT)
            yield FeedLine(bucket, entity, record_id, seq, head + body + b"\n")
