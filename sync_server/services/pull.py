"""Pull: the lease, what to drop and to fetch whole, and the feed since the cursor for the rest.

The cost follows what changed: one read of the heads of the buckets that the caller holds, then
only those whose head lies beyond the cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from shared.clock import to_wire
from shared.policy import PolicySettings
from shared.wire import PROTOCOL, PullHeader, PullRequest, Trailer
from sync_server.db.base import Database
from sync_server.db.sealing import KeyRing
from sync_server.services.caller import Caller
from sync_server.services.case_numbers import give_block, needs_block
from sync_server.services.contacts import note_contact
from sync_server.services.device_grants import note_confirmed, note_listed, unconfirmed
from sync_server.services.epochs import OrgState, org_state
from sync_server.services.feed_rows import FeedLine, FeedRows
from sync_server.services.holdings import Holdings, Sign, holdings, lease_for
from sync_server.services.reading import NOTHING, Head, Reading, policy_now, reading, total

MOST_ROWS = 5000
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
        told = read_pull(db, connection, caller, request, now, sign)
    return note_pull(db, caller, request, told, now)


@dataclass(frozen=True, slots=True)
class Told:
    """What a pull is told, and what is to be noted of it before the reply goes out."""

    page: Page
    held: Holdings
    confirms: bool
    block: bool
    policy: PolicySettings


def read_pull(
    db: Database,
    connection: Connection,
    caller: Caller,
    request: PullRequest,
    now: datetime,
    sign: Sign,
) -> Told:
    """The reading half of `pull`, in the caller's transaction, of which it needs one snapshot."""
    state = org_state(connection, caller.org_id)
    policy = policy_now(db, connection, caller.org_id, state, now)
    live = reading(db, connection, caller, state, now)
    page, held = _page(connection, db.ring, caller, request, now, sign, state, policy, live)
    header = page.header
    plain = not header.want_grants and not header.outdated
    return Told(
        page=page,
        held=held,
        confirms=plain and not held.listed and unconfirmed(connection, caller, now),
        block=not header.want_grants and needs_block(caller, request.case_numbers_left, policy),
        policy=policy,
    )


def note_pull(
    db: Database, caller: Caller, request: PullRequest, told: Told, now: datetime
) -> Page:
    """The writing half of `pull`: nothing, where nothing changed."""
    page, held = told.page, told.held
    note_contact(db, caller, request, now)
    if held.listed:
        note_listed(db, caller, request.grants, held.reading.grants, held.drops, now)
    elif told.confirms:
        note_confirmed(db, caller, now)
    if told.block:
        block = give_block(db, caller, told.policy, now)
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
    live: Reading,
) -> tuple[Page, Holdings]:
    header = PullHeader(
        epoch=state.epoch,
        cursor=request.cursor,
        more=False,
        server_time=to_wire(now),
        backed_up_to=state.backed_up_to,
    )
    if request.protocol < OLDEST_PROTOCOL or request.protocol > PROTOCOL:
        return Page(replace(header, outdated=True), [], Trailer(rows=0)), Holdings(NOTHING)
    # In another epoch the device's rows and cursor mean nothing here; its list of grants does:
    # what ended before the restore is still to be dropped.
    same_epoch = request.epoch == state.epoch
    known = request.grants if request.epoch is not None else request.grants or []
    held = holdings(connection, caller, live, known, anew=not same_epoch)
    if not held.listed and (not same_epoch or live.digest != request.grants_digest):
        return Page(replace(header, want_grants=True), [], Trailer(rows=0)), held
    lease = sign(lease_for(caller, held, state.epoch, policy, now, whole=held.listed))
    heads = live.heads
    fetching = set(held.fetch)
    kept = {b: h for b, h in heads.items() if b not in fetching} if fetching else heads
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
        fetch_rows=sum(heads[b].rows for b in held.fetch if b in heads),
        total=None if more else (total(list(kept.values())) if fetching else live.total),
        checksums=_checksums(live, fetching) if request.want_checksums and not more else None,
    )
    return Page(header, lines, Trailer(rows=len(lines))), held


def _checksums(live: Reading, fetching: set[str]) -> dict[str, list[int]]:
    """[rows, digest] of every bucket that the device holds, the empty ones too."""
    empty = Head(0, 0, 0)
    return {
        bucket: list(live.heads.get(bucket, empty)[1:])
        for bucket in live.buckets
        if bucket not in fetching
    }
