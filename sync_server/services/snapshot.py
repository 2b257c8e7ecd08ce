"""Snapshot: whole buckets, page by page, as they stand; how a first copy is built, and how a
wrong one is mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, tuple_

from shared.access import parse_bucket
from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.rows import RowLine
from shared.wire import SnapshotHeader, SnapshotRequest, Trailer
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD, FEED
from sync_server.services.caller import Caller
from sync_server.services.epochs import org_state
from sync_server.services.grants import live_grants
from sync_server.services.pull import MOST_ROWS, Page

MOST_BUCKETS = 20_000
_IN = 500


def snapshot(db: Database, caller: Caller, request: SnapshotRequest, now: datetime) -> Page:
    """One page of the buckets in the order given, from behind `after` if that is set. The scope
    is looked at anew for each page: what no grant covers now is named in the header and left out.

    A page that is cut off is asked for again with the same `after`. Refuses `MALFORMED` and
    `BATCH_TOO_LARGE`.
    """
    wanted = _read(request)
    limit = max(1, min(request.limit, MOST_ROWS))
    with db.read() as connection:
        state = org_state(connection, caller.org_id)
        live = live_grants(connection, caller.org_id, caller.staff_id, now) if caller.active else []
        held = {grant.bucket for grant in live}
        refused = [b for b in wanted if b not in held]
        rest, after = _behind(wanted, request.after)
        buckets = [b for b in rest if b in held]
        lines = list(_rows(connection, caller.org_id, buckets, after, limit))
    more = len(lines) >= limit
    last = lines[-1] if lines else None
    position = (last.bucket, last.entity, last.id) if more and last else None
    return Page(
        SnapshotHeader(epoch=state.epoch, server_time=to_wire(now), refused=refused),
        lines,
        Trailer(rows=len(lines), after=position),
    )


def _read(request: SnapshotRequest) -> list[str]:
    if len(request.buckets) > MOST_BUCKETS:
        raise Refusal(Code.BATCH_TOO_LARGE, limit=MOST_BUCKETS)
    try:
        return [str(parse_bucket(b)) for b in dict.fromkeys(request.buckets)]
    except ValueError:
        raise Refusal(Code.MALFORMED, field="buckets") from None


def _behind(
    wanted: Sequence[str], after: tuple[str, str, str] | None
) -> tuple[Sequence[str], tuple[str, str, str] | None]:
    """The buckets from the one in which `after` lies, and `after` itself."""
    if after is None:
        return wanted, None
    if after[0] not in wanted:
        raise Refusal(Code.MALFORMED, field="after")
    return wanted[wanted.index(after[0]) :], after


def _rows(
    connection: Connection,
    org_id: str,
    buckets: Sequence[str],
    after: tuple[str, str, str] | None,
    limit: int,
) -> Iterator[RowLine]:
    """Rows bucket by bucket in the given order, within a bucket by entity and id.

    Small buckets are read whole, many in one statement; one that is larger than what is left of
    the page is read alone, in the order of its key. So nothing depends on how the database would
    order the names of buckets.
    """
    left = limit
    if after is not None and buckets and buckets[0] == after[0]:
        part = _part_of(connection, org_id, after[0], after[1:], left)
        yield from part
        left -= len(part)
        buckets = buckets[1:]
    sizes = _sizes(connection, org_id, buckets)
    together: list[str] = []
    room = left
    for bucket in buckets:
        size = sizes.get(bucket, 0)
        if size > room:
            yield from _whole(connection, org_id, together)
            if room > 0:
                yield from _part_of(connection, org_id, bucket, None, room)
            return
        if size:
            together.append(bucket)
            room -= size
    yield from _whole(connection, org_id, together)


def _sizes(connection: Connection, org_id: str, buckets: Sequence[str]) -> dict[str, int]:
    head = BUCKET_HEAD.c
    sizes: dict[str, int] = {}
    for start in range(0, len(buckets), _IN):
        for row in connection.execute(
            select(head.bucket, head.row_count).where(
                head.org_id == org_id, head.bucket.in_(buckets[start : start + _IN])
            )
        ):
            sizes[row.bucket] = row.row_count
    return sizes


def _whole(connection: Connection, org_id: str, buckets: Sequence[str]) -> Iterator[RowLine]:
    for start in range(0, len(buckets), _IN):
        part = buckets[start : start + _IN]
        place = {bucket: n for n, bucket in enumerate(part)}
        rows = connection.execute(_live(org_id).where(FEED.c.bucket.in_(part))).all()
        for row in sorted(rows, key=lambda r: (place[r.bucket], r.entity, r.record_id)):
            yield _line(row)


def _part_of(
    connection: Connection,
    org_id: str,
    bucket: str,
    after: tuple[str, ...] | None,
    limit: int,
) -> list[RowLine]:
    feed = FEED.c
    query = _live(org_id).where(feed.bucket == bucket)
    if after is not None:
        query = query.where(tuple_(feed.entity, feed.record_id) > tuple_(*after))
    query = query.order_by(feed.entity, feed.record_id).limit(limit)
    return [_line(row) for row in connection.execute(query)]


def _live(org_id: str) -> Select[Any]:
    feed = FEED.c
    columns = select(feed.bucket, feed.entity, feed.record_id, feed.seq, feed.body)
    return columns.where(feed.org_id == org_id, feed.digest != 0)


def _line(row: Any) -> RowLine:
    return RowLine(row.bucket, row.entity, row.record_id, row.seq, row.body)
