"""What someone may read at this moment, with the heads of it: what every pull and every snapshot
page asks first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from shared.access import Bucket
from shared.clock import to_wire
from shared.policy import Policies, PolicySettings
from shared.rows import DIGEST_MASK, set_digest
from shared.wire import Checksum, LeaseGrant
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD
from sync_server.db.records import RECORDS
from sync_server.db.remembered import At
from sync_server.services.accounts import policies_of
from sync_server.services.caller import Caller
from sync_server.services.epochs import OrgState

_IN = 5000
_grant, _head = RECORDS["grant"].c, BUCKET_HEAD.c
# Built once: building a statement takes longer than running it.
_GRANTS = select(
    _grant.id, _grant.bucket, _grant.purpose, _grant.role, _grant.not_before, _grant.expires_at
).where(
    _grant.org_id == bindparam("org"),
    _grant.staff_id == bindparam("staff"),
    _grant.revoked_at.is_(None),
    or_(_grant.expires_at.is_(None), _grant.expires_at > bindparam("moment")),
)
_HEAD = select(_head.bucket, _head.max_seq, _head.row_count, _head.digest).where(
    _head.org_id == bindparam("org")
)
_HEADS = _HEAD.where(_head.bucket.in_(bindparam("buckets", expanding=True)))
_MOST_MOVED = 500
"""Heads that moved, beyond which reading one's own anew is as quick."""
_MOVED = _HEAD.where(_head.max_seq > bindparam("since")).limit(_MOST_MOVED)


class Head(NamedTuple):
    """Of one bucket: the number of its last change, its rows and their digest."""

    max_seq: int
    rows: int
    digest: int


_EMPTY = Head(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """Someone's live grants from `since` until `until` (wire times), their buckets in order, and
    those buckets' heads."""

    grants: list[LeaseGrant]
    digest: str
    buckets: list[str]
    heads: Mapping[str, Head]
    total: Checksum
    since: str
    until: str | None

    def at(self, moment: str) -> bool:
        """Whether nothing begins or ends between when this was read and `moment`."""
        return self.since <= moment and (self.until is None or moment < self.until)


NOTHING = Reading([], set_digest(()), [], {}, Checksum(rows=0, digest=0), "", None)


def reading(
    db: Database, connection: Connection, caller: Caller, state: OrgState, now: datetime
) -> Reading:
    """What `caller` may read now; nothing for one who is barred. `state` is the organisation's in
    this transaction."""
    if not caller.active:
        return NOTHING
    moment = to_wire(now)
    return db.remembered.answer(
        caller.org_id,
        At(state.epoch, state.last_seq),
        ("reading", caller.staff_id),
        lambda: _read(connection, caller, moment),
        holds=lambda found: found.at(moment),
        carry=lambda found, since: _carried(connection, caller, found, since),
        weigh=lambda found: len(found.buckets) + len(found.grants),
    )


def policy_now(
    db: Database, connection: Connection, org_id: str, state: OrgState, now: datetime
) -> PolicySettings:
    """The policy that holds in an organisation at `now`."""
    policies = db.remembered.answer(
        org_id,
        At(state.epoch, state.last_seq),
        "policy",
        lambda: Policies(policies_of(connection, org_id)),
    )
    return policies.at(now).settings


def total(heads: Sequence[Head]) -> Checksum:
    """Rows and digest of all these together."""
    return Checksum(
        rows=sum(head.rows for head in heads),
        digest=sum(head.digest for head in heads) & DIGEST_MASK,
    )


def _read(connection: Connection, caller: Caller, moment: str) -> Reading:
    asked = {"org": caller.org_id, "staff": caller.staff_id, "moment": moment}
    found = [
        LeaseGrant(id=i, bucket=b, purpose=p, role=r, not_before=n, expires_at=e)
        for i, b, p, r, n, e in connection.execute(_GRANTS, asked)
    ]
    grants = [grant for grant in found if grant.not_before <= moment]
    edges = [g.not_before for g in found if g.not_before > moment]
    edges += [g.expires_at for g in grants if g.expires_at is not None]
    buckets = sorted({grant.bucket for grant in grants})
    heads = _heads(connection, caller.org_id, buckets)
    return Reading(
        grants=grants,
        digest=set_digest(grant.mark for grant in grants),
        buckets=buckets,
        heads=heads,
        total=total(list(heads.values())),
        since=moment,
        until=min(edges, default=None),
    )


def _carried(connection: Connection, caller: Caller, found: Reading, since: int) -> Reading | None:
    """`found` as it was at `since`, with the heads that have moved: the grants are the same unless
    the bucket in which they lie has moved."""
    moved = connection.execute(_MOVED, {"org": caller.org_id, "since": since}).all()
    if len(moved) == _MOST_MOVED:
        return None
    own = str(Bucket("user", caller.staff_id))
    if any(bucket == own for bucket, *_ in moved):
        return None
    held, heads = set(found.buckets), dict(found.heads)
    rows, digest = found.total.rows, found.total.digest
    for bucket, *numbers in moved:
        if bucket in held:
            before, head = heads.get(bucket, _EMPTY), Head(*numbers)
            heads[bucket] = head
            rows += head.rows - before.rows
            digest += head.digest - before.digest
    return replace(found, heads=heads, total=Checksum(rows=rows, digest=digest & DIGEST_MASK))


def _heads(connection: Connection, org_id: str, buckets: Sequence[str]) -> dict[str, Head]:
    heads: dict[str, Head] = {}
    for start in range(0, len(buckets), _IN):
        part = {"org": org_id, "buckets": buckets[start : start + _IN]}
        for bucket, *head in connection.execute(_HEADS, part):
            heads[bucket] = Head(*head)
    return heads
