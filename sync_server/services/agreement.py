"""Do the feed, its heads and the typed tables say the same (L5)? What every checksum of every phone
rests on, looked at from the server's side.

A sample takes a moment and finds what is widely wrong; the whole takes one pass over the feed, a
bucket at a time, and finds everything.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from shared.access import parse_bucket, project
from shared.declare import ENTITIES
from shared.rows import DIGEST_MASK, body_text, digest
from sync_server.db.log import BUCKET_HEAD, FEED
from sync_server.db.records import RECORDS, to_row

SAMPLE_BUCKETS = 100
SAMPLE_ROWS = 500
_TOGETHER = 500
"""Ids of one query: below every database's limit of parameters."""


@dataclass(slots=True)
class Agreement:
    """What was compared, and how much of it was wrong. `heads`: buckets whose head does not count
    its rows; `digests`: rows whose digest is not that of their body; `bodies`: rows whose body is
    not what the record's table says."""

    buckets: int = 0
    rows: int = 0
    heads: int = 0
    digests: int = 0
    bodies: int = 0
    whole: bool = False
    wrong: set[str] = field(default_factory=set)  # organisations

    @property
    def sound(self) -> bool:
        return not (self.heads or self.digests or self.bodies)


def compare(
    connection: Connection, organisations: Iterable[str], *, thorough: bool = False
) -> Agreement:
    """One consistent look at these organisations. Reads bodies, so the keys must fit."""
    found = Agreement(whole=thorough)
    for org_id in organisations:
        before = (found.heads, found.digests, found.bodies)
        _heads(connection, org_id, thorough, found)
        for bucket in _buckets(connection, org_id, thorough):
            if not thorough and found.rows >= SAMPLE_ROWS:
                break
            _rows(connection, org_id, bucket, found)
        if before != (found.heads, found.digests, found.bodies):
            found.wrong.add(org_id)
    return found


def _buckets(connection: Connection, org_id: str, thorough: bool) -> list[str]:
    """All buckets that have a head or rows, or some of them by chance."""
    names: set[str] = set()
    for table in (BUCKET_HEAD,) if not thorough else (BUCKET_HEAD, FEED):
        query = select(table.c.bucket).where(table.c.org_id == org_id).distinct()
        names |= set(connection.execute(query).scalars())
    ordered = sorted(names)
    if thorough or len(ordered) <= SAMPLE_BUCKETS:
        return ordered
    return random.sample(ordered, SAMPLE_BUCKETS)


def _heads(connection: Connection, org_id: str, thorough: bool, found: Agreement) -> None:
    """Each head counts the rows of its bucket; a bucket with rows has a head."""
    for bucket in _buckets(connection, org_id, thorough):
        where = (FEED.c.org_id == org_id, FEED.c.bucket == bucket)
        rows, total, newest = connection.execute(
            select(
                func.count(FEED.c.body),
                func.coalesce(func.sum(FEED.c.digest), 0),
                func.coalesce(func.max(FEED.c.seq), 0),
            ).where(*where)
        ).one()
        head = connection.execute(
            select(BUCKET_HEAD).where(
                BUCKET_HEAD.c.org_id == org_id, BUCKET_HEAD.c.bucket == bucket
            )
        ).first()
        found.buckets += 1
        counted = (int(rows), int(total) & DIGEST_MASK)
        if head is None or (head.row_count, head.digest) != counted or head.max_seq < newest:
            found.heads += 1


def _rows(connection: Connection, org_id: str, bucket: str, found: Agreement) -> None:
    """Each row's digest is that of its body, and its body what the record's table says."""
    query = select(FEED.c.entity, FEED.c.record_id, FEED.c.body, FEED.c.digest).where(
        FEED.c.org_id == org_id, FEED.c.bucket == bucket, FEED.c.body.is_not(None)
    )
    by_entity: dict[str, dict[str, str]] = {}
    for row in connection.execute(query):
        found.rows += 1
        if row.digest != digest(row.entity, row.record_id, row.body):
            found.digests += 1
        by_entity.setdefault(row.entity, {})[row.record_id] = row.body
    for entity, bodies in by_entity.items():
        found.bodies += _differing(connection, org_id, bucket, entity, bodies)


def _differing(
    connection: Connection, org_id: str, bucket: str, entity: str, bodies: dict[str, str]
) -> int:
    table, declared, lies_in = RECORDS[entity], ENTITIES[entity], parse_bucket(bucket)
    told = {}
    for ids in _parts(sorted(bodies)):
        query = select(table).where(table.c.org_id == org_id, table.c.id.in_(ids))
        for stored in connection.execute(query):
            told[stored.id] = body_text(project(declared, to_row(entity, stored), lies_in))
    return sum(told.get(record_id) != body for record_id, body in bodies.items())


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _TOGETHER):
        yield ids[start : start + _TOGETHER]
