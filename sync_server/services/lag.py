"""How far devices are behind: by when they were last heard of, by what of their own they hold back,
and by what of the server's they have not fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, select

from shared.clock import to_wire
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.log import BUCKET_HEAD, DEVICE_GRANT

STEPS = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=8),
    timedelta(hours=24),
    timedelta(days=3),
    timedelta(days=7),
)
"""Ends of the ranges in which devices are counted; the last range has none."""
SILENT, STUCK = timedelta(days=3), timedelta(hours=24)
"""From when on somebody should look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Of the devices that may sign in: how many by range of silence (one more than `STEPS`) and by
    the age of their oldest unsent change, and how many changes wait on all of them together."""

    heard: tuple[int, ...]
    waiting: tuple[int, ...]
    unsent: int
    unsent_files: int
    silent: int
    stuck: int


def lag(connection: Connection, org_id: str, now: datetime) -> Lag:
    """One look, by the indexes of the two times."""
    ours = and_(DEVICE.c.org_id == org_id, DEVICE.c.state == "approved", ACCOUNT.c.active)
    source = DEVICE.join(
        ACCOUNT, (ACCOUNT.c.org_id == DEVICE.c.org_id) & (ACCOUNT.c.staff_id == DEVICE.c.staff_id)
    )
    edges = [to_wire(now - step) for step in STEPS]

    def ranges(column: str) -> tuple[int, ...]:
        at = DEVICE.c[column]
        counts, later = [], None
        for edge in (*edges, None):
            query = select(func.count()).select_from(source).where(ours)
            if later is not None:
                query = query.where(at <= later)
            if edge is not None:
                query = query.where(at > edge)
            counts.append(int(connection.execute(query).scalar_one()))
            later = edge
        return tuple(counts)

    heard, waiting = ranges("heard_at"), ranges("unsent_since")
    totals = connection.execute(
        select(
            func.coalesce(func.sum(DEVICE.c.unsent), 0),
            func.coalesce(func.sum(DEVICE.c.unsent_files), 0),
        )
        .select_from(source)
        .where(ours)
    ).one()
    return Lag(
        heard=heard,
        waiting=waiting,
        unsent=int(totals[0]),
        unsent_files=int(totals[1]),
        silent=sum(heard[STEPS.index(SILENT) + 1 :]),
        stuck=sum(waiting[STEPS.index(STUCK) + 1 :]),
    )


def behind(connection: Connection, org_id: str, device_ids: Sequence[str]) -> set[str]:
    """Those of the devices in whose buckets something is newer than what they have fetched."""
    held, head = DEVICE_GRANT.c, BUCKET_HEAD.c
    newest = (
        select(held.device_id, func.max(head.max_seq).label("seq"))
        .join(BUCKET_HEAD, (head.org_id == held.org_id) & (head.bucket == held.bucket))
        .where(held.org_id == org_id, held.device_id.in_(device_ids), held.dropped_at.is_(None))
        .group_by(held.device_id)
        .subquery()
    )
    query = (
        select(DEVICE.c.id)
        .join(newest, newest.c.device_id == DEVICE.c.id)
        .where(DEVICE.c.org_id == org_id, newest.c.seq > func.coalesce(DEVICE.c.cursor, 0))
    )
    return set(connection.execute(query).scalars())
