"""The feed of a unit's records: which buckets each lies in now, what each bucket shows of it, and
the heads.

`customer:`, `user:` and `ref:` buckets always stand. A `case:` bucket stands only while some
grant on it may still be read, so that twenty thousand closed cases cost nothing: it is filled
when the first grant comes and removed when it is next touched after the last one ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    String,
    and_,
    column,
    delete,
    select,
    values,
)

from shared.access import Bucket, buckets_of, project
from shared.declare import ENTITIES
from shared.rows import DIGEST_MASK, digest
from sync_server.db.log import BUCKET_HEAD, FEED
from sync_server.db.news import note_moved
from sync_server.db.putting import insert_lines, upsert_lines, upsert_rows
from sync_server.services.bodies import body_text
from sync_server.services.case_buckets import CaseBuckets

if TYPE_CHECKING:
    from sync_server.services.writing import Held

_PART = 500


class FeedKey(NamedTuple):
    bucket: str
    entity: str
    record_id: str


class Entry(NamedTuple):
    """What a bucket is to show of a record. `body` empty: the record leaves it. `fresh`: it can't
    have been there."""

    seq: int
    body: str
    fresh: bool


Entries = dict[FeedKey, Entry]


def feed(connection: Connection, org_id: str, now: datetime, dirty: Sequence[Held]) -> None:
    """Brings every bucket up to date with `dirty`, whose typed rows are stored already."""
    if not dirty:
        return
    cases = CaseBuckets(connection, org_id, now, dirty)
    for name in cases.closing:
        _close(connection, org_id, name)
    entries: Entries = {}
    for held in dirty:
        _own(entries, held, cases)
        _as_companion(entries, held, cases)
        if held.entity == "case" and held.id in cases.live:
            _companions_of_case(entries, held, cases)
    for entity, row, seq, opened in cases.filling():
        body = body_text(project(ENTITIES[entity], row, opened))
        entries[FeedKey(str(opened), entity, row["id"])] = Entry(seq, body, True)
    _store(connection, org_id, entries)


def _own(entries: Entries, held: Held, cases: CaseBuckets) -> None:
    entity = ENTITIES[held.entity]
    now_in = [b for b in buckets_of(entity, held.row) if b.kind != "case" or b.key in cases.live]
    whole: str | None = None
    for bucket in now_in:
        if bucket.kind == "case":
            _put(entries, held, bucket, fresh=held.stored is None)
            continue
        whole = whole or body_text(held.row)
        entries[FeedKey(str(bucket), held.entity, held.id)] = Entry(
            held.seq, whole, held.stored is None
        )
    if held.stored is not None:
        for bucket in buckets_of(entity, held.stored):
            if bucket not in now_in and (bucket.kind != "case" or bucket.key in cases.live):
                entries[FeedKey(str(bucket), held.entity, held.id)] = Entry(held.seq, "", False)


def _as_companion(entries: Entries, held: Held, cases: CaseBuckets) -> None:
    for case_id in cases.that_name(held.entity, held.id):
        _put(entries, held, Bucket("case", case_id), fresh=False)


def _companions_of_case(entries: Entries, held: Held, cases: CaseBuckets) -> None:
    """Who joined and who left a case's bucket because the case now names others."""
    bucket = Bucket("case", held.id)
    left, joined = cases.companions_moved(held)
    for entity, record_id in left:
        entries[FeedKey(str(bucket), entity, record_id)] = Entry(held.seq, "", False)
    for entity, row in joined:
        body = body_text(project(ENTITIES[entity], row, bucket))
        entries[FeedKey(str(bucket), entity, row["id"])] = Entry(held.seq, body, False)


def _put(entries: Entries, held: Held, bucket: Bucket, *, fresh: bool) -> None:
    body = body_text(project(ENTITIES[held.entity], held.row, bucket))
    entries[FeedKey(str(bucket), held.entity, held.id)] = Entry(held.seq, body, fresh)


def _close(connection: Connection, org_id: str, bucket: str) -> None:
    """Removes a bucket that nobody may read: whoever gets a new grant fetches it whole."""
    for table in (FEED, BUCKET_HEAD):
        connection.execute(delete(table).where(table.c.org_id == org_id, table.c.bucket == bucket))


def _store(connection: Connection, org_id: str, entries: Mapping[FeedKey, Entry]) -> None:
    known = _existing(connection, org_id, [k for k, e in entries.items() if not e.fresh])
    lines: list[tuple[Any, ...]] = []
    heads: dict[str, list[int]] = {}
    for key, entry in entries.items():
        before = known.get(key, 0)
        after = digest(key.entity, key.record_id, entry.body)
        if before == after:
            continue
        bucket, entity, record_id = key
        lines.append((org_id, bucket, entity, record_id, entry.seq, entry.body or None, after))
        head = heads.setdefault(bucket, [0, 0, 0])
        if entry.seq > head[0]:
            head[0] = entry.seq
        head[1] += bool(after) - bool(before)
        head[2] = (head[2] + after - before) & DIGEST_MASK
    if lines:
        if known:
            upsert_lines(connection, FEED, _COLUMNS, lines, _NEW_ROW)
        else:
            insert_lines(connection, FEED, _COLUMNS, lines)
        _move_heads(connection, org_id, heads)
        note_moved(connection, org_id, {bucket: head[0] for bucket, head in heads.items()})


def _existing(connection: Connection, org_id: str, keys: Sequence[FeedKey]) -> dict[FeedKey, int]:
    """Digest of what stands in the feed under these keys; 0 where the record has left the
    bucket."""
    found: dict[FeedKey, int] = {}
    for start in range(0, len(keys), _PART):
        for row in connection.execute(_standing(org_id, keys[start : start + _PART])):
            found[FeedKey(row.bucket, row.entity, row.record_id)] = row.digest
    return found


def _standing(org_id: str, keys: Sequence[FeedKey]) -> Select[Any]:
    """A join, as SQLite reads the whole feed for ``(bucket, entity, record_id) IN (VALUES …)``."""
    columns = [column(name, String) for name in FeedKey._fields]
    wanted = values(*columns, name="wanted").data([tuple(key) for key in keys]).cte()
    return select(FEED.c.bucket, FEED.c.entity, FEED.c.record_id, FEED.c.digest).join_from(
        wanted,
        FEED,
        and_(
            FEED.c.org_id == org_id,
            FEED.c.bucket == wanted.c.bucket,
            FEED.c.entity == wanted.c.entity,
            FEED.c.record_id == wanted.c.record_id,
        ),
    )


_COLUMNS = ("org_id", "bucket", "entity", "record_id", "seq", "body", "digest")
_NEW_ROW = {name: f"excluded.{name}" for name in ("seq", "body", "digest")}
_MOVED_HEAD = {
    "max_seq": "excluded.max_seq",
    "row_count": "bucket_head.row_count + excluded.row_count",
    "digest": f"(bucket_head.digest + excluded.digest) & {DIGEST_MASK}",
}


def _move_heads(connection: Connection, org_id: str, heads: Mapping[str, list[int]]) -> None:
    rows = [
        {
            "org_id": org_id,
            "bucket": bucket,
            "max_seq": seq,
            "row_count": count,
            "digest": amount,
        }
        for bucket, (seq, count, amount) in sorted(heads.items())
    ]
    upsert_rows(connection, BUCKET_HEAD, rows, _MOVED_HEAD)
