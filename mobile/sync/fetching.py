"""Whole buckets, page by page: each page and the point where the next begins are stored in one
transaction, and while it is stored the next one is on its way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mobile.store.inbound import Fetch
from mobile.store.meta import EPOCH
from mobile.sync.peer import Page
from mobile.sync.renewing import asked
from mobile.sync.report import Progress
from shared.errors import Code, Refusal
from shared.wire import SnapshotHeader, SnapshotRequest

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

Coming = asyncio.Task[Page[SnapshotHeader]]


@dataclass(frozen=True, slots=True)
class PageSizes:
    """Rows of the first page, soon there, so that storing begins while the server reads the
    second; and of the others. Each is one durable transaction, and in the browser nothing else
    happens meanwhile: few enough for a third of a second there, many enough that the flushes don't
    count."""

    first: int = 500
    others: int = 2500


async def fetch(exchange: Exchange) -> bool:
    """Fetch every bucket that is not whole; whether there was any. What the server refuses is
    left for the next pull to drop; a server of another epoch ends the fetching, for the pull to
    find out."""
    refused: set[str] = set()
    fetched = False
    while (wanted := exchange.store.inbound.next_fetch(refused)) is not None:
        granted = await _fetch(exchange, wanted, refused)
        if granted is None:
            return True
        fetched = fetched or granted
    return fetched


async def _fetch(exchange: Exchange, wanted: Fetch, refused: set[str]) -> bool | None:
    """All pages of `wanted`; whether anything was granted, None in another epoch. A page that
    fails takes none with it: those before it are stored."""
    fetched = False
    coming = await _begun(exchange, wanted, exchange.pages.first)
    try:
        while True:
            page = await coming
            if page.header.epoch != exchange.store.parts.meta.get(EPOCH):
                return None
            if wanted.after is not None and page.trailer.after == wanted.after:
                raise Refusal(Code.SERVER_FAULT, where="snapshot")
            refused |= set(page.header.refused)
            granted = replace(wanted, buckets=tuple(b for b in wanted.buckets if b not in refused))
            following = _following(granted, page.trailer.after)
            if following is not None:
                coming = await _begun(exchange, following, exchange.pages.others)
            _store(exchange, granted, page)
            fetched = fetched or bool(granted.buckets)
            if following is None:
                return fetched
            wanted = following
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _following(wanted: Fetch, after: tuple[str, str, str] | None) -> Fetch | None:
    """What is to be asked for after a page that ended before `after`."""
    if after is None:
        return None
    if after[0] not in wanted.buckets:
        raise Refusal(Code.SERVER_FAULT, where="snapshot")
    return Fetch(wanted.buckets[wanted.buckets.index(after[0]) :], after)


async def _begun(
    exchange: Exchange, wanted: Fetch, rows: int
) -> asyncio.Task[Page[SnapshotHeader]]:
    """A request that is on its way when this returns: storing would keep it from leaving."""
    request = SnapshotRequest(buckets=list(wanted.buckets), after=wanted.after, limit=rows)
    left = asyncio.Event()

    def received(size: int) -> None:
        left.set()
        exchange.received(size)

    coming = asyncio.ensure_future(
        asked(exchange, partial(exchange.peer.snapshot, request, received))
    )
    coming.add_done_callback(lambda _: left.set())
    try:
        await left.wait()
    except BaseException:
        coming.cancel()
        raise
    return coming


def _store(exchange: Exchange, wanted: Fetch, page: Page[SnapshotHeader]) -> None:
    exchange.store.inbound.fetched(wanted, page.trailer, page.lines)
    report = exchange.report
    report.received += len(page.lines)
    exchange.tell(Progress("fetching", report.received, exchange.expected, report.bytes))
