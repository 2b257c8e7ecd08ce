"""Fourth step: the lease, what it drops, the feed since the cursor, and whole buckets that are
new (`fetching`)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from mobile.store.telling import tells
from mobile.sync import fetching
from mobile.sync.leases import verified
from mobile.sync.peer import Page
from mobile.sync.renewing import asked
from mobile.sync.report import Progress
from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.wire import PullHeader, PullRequest

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

PAGE_ROWS = 2000
ROUNDS = 50
"""Fetches between pulls, before a server that always has more to fetch is called faulty."""


async def pull(exchange: Exchange, *, want_checksums: bool = False) -> PullHeader:
    """Pull and fetch until nothing is left to come; returns the last reply's header."""
    for _ in range(ROUNDS):
        header = await _feed(exchange, want_checksums)
        if not await fetching.fetch(exchange):
            return header
    raise Refusal(Code.SERVER_FAULT, where="fetch")


async def _feed(exchange: Exchange, want_checksums: bool) -> PullHeader:
    """Pages of the feed until there are no more."""
    listing = False
    while True:
        exchange.tell(Progress("pulling", bytes=exchange.report.bytes))
        request = _request(exchange, listing, want_checksums)
        page = await _asked(exchange, request)
        if page.header.want_grants:
            if listing:
                raise Refusal(Code.SERVER_FAULT, where="grants")
            listing = True
            continue
        await _store(exchange, page)
        if page.header.outdated:
            raise Refusal(Code.APP_OUTDATED)
        if not page.header.more:
            return page.header
        if page.header.cursor <= request.cursor and page.header.epoch == request.epoch:
            raise Refusal(Code.SERVER_FAULT, where="cursor")


async def _asked(exchange: Exchange, request: PullRequest) -> Page[PullHeader]:
    """While the reply is on its way, the vault is tidied."""
    ask = partial(exchange.peer.pull, request, exchange.received)
    coming = asyncio.ensure_future(asked(exchange, ask))
    await asyncio.sleep(0)
    exchange.store.parts.commits.tidy()
    return await coming


def _request(exchange: Exchange, listing: bool, want_checksums: bool) -> PullRequest:
    inbound = exchange.store.inbound
    position = inbound.position()
    listed = listing or position.epoch is None
    return PullRequest(
        app_version=exchange.app_version,
        epoch=position.epoch,
        cursor=position.cursor,
        grants_digest=position.grants_digest,
        grants=list(inbound.holdings.grant_ids()) if listed else None,
        want_checksums=want_checksums,
        case_numbers_left=position.case_numbers_left,
        limit=PAGE_ROWS,
        told=tells(exchange.store.parts.db, exchange.store.parts.meta),
    )


async def _store(exchange: Exchange, page: Page[PullHeader]) -> None:
    lease = await verified(exchange, page.header)
    if lease is not None:
        exchange.store.parts.time.server_said(from_wire(lease.issued_at))
        exchange.report.dropped += len(lease.drops)
    exchange.store.inbound.pulled(page.header, lease, page.lines)
    if lease is not None and lease.wipe:
        raise Refusal(Code.DEVICE_WIPED)  # the session sees to it, once this sync has ended
    exchange.report.received += len(page.lines)
    exchange.expected = exchange.report.received + page.header.fetch_rows
