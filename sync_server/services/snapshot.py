"""Snapshot: whole buckets, page by page, as they stand; how a first copy is built, and how a
wrong one is mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from shared.access import parse_bucket
from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.wire import SnapshotHeader, SnapshotRequest, Trailer
from sync_server.db.base import Database
from sync_server.services.caller import Caller
from sync_server.services.epochs import org_state
from sync_server.services.feed_rows import FeedLine, FeedRows
from sync_server.services.pull import MOST_ROWS, Page
from sync_server.services.reading import Head, reading

MOST_BUCKETS = 20_000


def snapshot(db: Database, caller: Caller, request: SnapshotRequest, now: datetime) -> Page:
    """One page of the buckets in the order given, from behind `after` if that is set. The scope
    is looked at anew for each page: what no grant covers now is named in the header and left out.

    A page that is cut off is asked for again with the same `after`. Refuses `MALFORMED` and
    `BATCH_TOO_LARGE`.
    """
    with db.read() as connection:
        return read_snapshot(db, connection, caller, request, now)


def read_snapshot(
    db: Database,
    connection: Connection,
    caller: Caller,
    request: SnapshotRequest,
    now: datetime,
) -> Page:
    """`snapshot` in the caller's transaction, of which it needs one snapshot."""
    wanted = _read(request)
    limit = max(1, min(request.limit, MOST_ROWS))
    state = org_state(connection, caller.org_id)
    live = reading(db, connection, caller, state, now)
    held = set(live.buckets)
    refused = [b for b in wanted if b not in held]
    rest, after = _behind(wanted, request.after)
    buckets = [b for b in rest if b in held]
    feed = FeedRows(connection, db.ring, caller.org_id)
    lines = _rows(feed, live.heads, buckets, after, limit)
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
    feed: FeedRows,
    heads: Mapping[str, Head],
    buckets: Sequence[str],
    after: tuple[str, str, str] | None,
    limit: int,
) -> list[FeedLine]:
    """Rows bucket by bucket in the given order, within a bucket by entity and id.

    Small buckets are read whole, many in one statement; one that is larger than what is left of
    the page is read alone, in the order of its key. So nothing depends on how the database would
    order the names of buckets.
    """
    found: list[FeedLine] = []
    if after is not None and buckets and buckets[0] == after[0]:
        found = feed.part(after[0], after[1:], limit)
        buckets = buckets[1:]
    room = limit - len(found)
    together: list[str] = []
    for bucket in buckets:
        size = heads[bucket].rows if bucket in heads else 0
        if size > room:
            found += feed.whole(together)
            return found + feed.part(bucket, None, room) if room > 0 else found
        if size:
            together.append(bucket)
            room -= size
    return found + feed.whole(together)
