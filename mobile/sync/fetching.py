"""Whole buckets, page by page: each page and the point where the next begins are stored in one
transaction."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mobile.store.meta import EPOCH
from mobile.sync.renewing import asked
from mobile.sync.report import Progress
from shared.errors import Code, Refusal
from shared.wire import SnapshotRequest

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

PAGE_ROWS = 1000
"""Stored in one go: in the browser nothing is drawn meanwhile, so a page must not take long."""


async def fetch(exchange: Exchange) -> bool:
    """Fetch every bucket that is not whole; whether there was any. What the server refuses is
    left for the next pull to drop; a server of another epoch ends the fetching, for the pull to
    find out."""
    inbound = exchange.store.inbound
    refused: set[str] = set()
    fetched = False
    while True:
        wanted = inbound.next_fetch(refused)
        if wanted is None:
            return fetched
        request = SnapshotRequest(buckets=list(wanted.buckets), after=wanted.after, limit=PAGE_ROWS)
        page = await asked(exchange, partial(exchange.peer.snapshot, request, exchange.received))
        if page.header.epoch != exchange.store.parts.meta.get(EPOCH):
            return True
        if wanted.after is not None and page.trailer.after == wanted.after:
            raise Refusal(Code.SERVER_FAULT, where="snapshot")
        refused |= set(page.header.refused)
        granted = tuple(b for b in wanted.buckets if b not in refused)
        inbound.fetched(replace(wanted, buckets=granted), page.trailer, page.lines)
        fetched = fetched or bool(granted)
        exchange.report.received += len(page.lines)
        exchange.tell(
            Progress("fetching", exchange.report.received, exchange.expected, exchange.report.bytes)
        )
