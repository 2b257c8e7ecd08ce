"""Pull: the lease, what to drop and to fetch whole, and the feed since the cursor for the rest.

The cost follows what changed: one read of the heads of the buckets that the caller holds, then
only those whose head lies beyond the cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shared.clock import to_wire
from shared.policy import PolicySettings
from shared.rows import DIGEST_MASK
from shared.wire import PROTOCOL, Checksum, PullHeader, PullRequest, Trailer
from sync_server.db.base import Database
from sync_server.db.log import BUCKET_HEAD
from sync_server.db.sealing import KeyRing
from sync_server.services.accounts import policy_of
from sync_server.services.caller import Caller
from sync_server.services.case_numbers import give_block, needs_block
from sync_server.services.device_grants import note_confirmed, note_listed, unconfirmed
from sync_server.services.epochs import OrgState, org_state
from sync_server.services.feed_rows import FeedLine, FeedRows
from sync_server.services.holdings import Holdings, Sign, holdings, lease_for

MOST_ROWS = 5000
_IN = 5000
OLDEST_PROTOCOL = 1


@dataclass(frozen=True, slots=True)
class Page:
    """One reply of rows: header first, then the lines, then the trailer (`wire`, Reply framing)."""

    header: Any
    lines: Sequence[FeedLine]
    trailer: Trailer


def pull(db: Database, caller: Caller, request: PullRequest, now: datetime, sign: Sign) -> Page:
    """One page of the feed. Asking twice gives the same, or more; the cursor is the device's own
    to keep."""
    with db.read() as connection:
        state = org_state(connection, caller.org_id)
        policy = policy_of(connection, caller.org_id, now)
        page, held = _page(connection, db.ring, caller, request, now, sign, state, policy)
        confirms = not held.listed and unconfirmed(connection, caller, now)
    if held.listed:
        note_listed(db, caller, request.grants, held.grants, held.drops, now)
    elif confirms and not page.header.want_grants and not page.header.outdated:
        note_confirmed(db, caller, now)
    if needs_block(caller, request.case_numbers_left, policy) and not page.header.want_grants:
        block = give_block(db, caller, policy, now)
        page = replace(page, header=replace(page.header, case_numbers=block))
    return page


def _page(
    connection: Connection,
    ring: KeyRing,
    caller: Caller,
    request: PullRequest,
    now: datetime,
    sign: Sign,
    state: OrgState,
    policy: PolicySettings,
) -> tuple[Page, Holdings]:
    header = PullHeader(
        epoch=state.epoch,
        cursor=request.cursor,
        more=False,
        server_time=to_wire(now),
        backed_up_to=state.backed_up_to,
    )
    if request.protocol < OLDEST_PROTOCOL or request.protocol > PROTOCOL:
        return Page(replace(header, outdated=True), [], Trailer(rows=0)), Holdings([], "")
    # In another epoch the device's rows and cursor mean nothing here; its list of grants does:
    # what ended before the restore is still to be dropped.
    same_epoch = request.epoch == state.epoch
    known = request.grants if request.epoch is not None else request.grants or []
    held = holdings(connection, caller, now, known, anew=not same_epoch)
    if not held.listed and (not same_epoch or held.digest != request.grants_digest):
        return Page(replace(header, want_grants=True), [], Trailer(rows=0)), held
    lease = sign(lease_for(caller, held, state.epoch, policy, now, whole=held.listed))
    heads = _heads(connection, caller.org_id, held.buckets)
    fetching = set(held.fetch)
    kept = {b: heads[b] for b in held.buckets if b in heads and b not in fetching}
    cursor = request.cursor if same_epoch else state.last_seq
    limit = max(1, min(request.limit, MOST_ROWS))
    changed = [b for b, head in kept.items() if head.max_seq > cursor]
    lines = FeedRows(connection, ring, caller.org_id).changed(changed, cursor, limit)
    more = len(lines) >= limit
    header = replace(
        header,
        lease=lease,
        more=more,
        cursor=lines[-1].seq if more else state.last_seq,
        fetch=held.fetch,
        fetch_rows=sum(heads[b].row_count for b in held.fetch if b in heads),
        total=None if more else _total(kept),
        checksums=_checksums(held, fetching, heads)
        if request.want_checksums and not more
        else None,
    )
    return Page(header, lines, Trailer(rows=len(lines))), held


def _heads(connection: Connection, org_id: str, buckets: Sequence[str]) -> dict[str, Any]:
    head = BUCKET_HEAD.c
    found = {}
    for start in range(0, len(buckets), _IN):
        for row in connection.execute(
            select(head.bucket, head.max_seq, head.row_count, head.digest).where(
                head.org_id == org_id, head.bucket.in_(buckets[start : start + _IN])
            )
        ):
            found[row.bucket] = row
    return found


def _total(heads: dict[str, Any]) -> Checksum:
    return Checksum(
        rows=sum(head.row_count for head in heads.values()),
        digest=sum(head.digest for head in heads.values()) & DIGEST_MASK,
    )


def _checksums(held: Holdings, fetching: set[str], heads: dict[str, Any]) -> dict[str, list[int]]:
    """[rows, digest] of every bucket that the device holds, the empty ones too."""
    return {
        bucket: [heads[bucket].row_count, heads[bucket].digest] if bucket in heads else [0, 0]
        for bucket in held.buckets
        if bucket not in fetching
    }
