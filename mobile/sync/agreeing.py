"""Last step: is this copy what the server would send afresh (L5)? If not, the buckets that differ
are fetched anew."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mobile.sync import pulling
from shared.access import parse_bucket

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange
    from shared.wire import PullHeader


async def agree(exchange: Exchange, header: PullHeader) -> None:
    """Compare by checksum, repair once, and say in the report whether they agree."""
    inbound = exchange.store.inbound
    if exchange.thorough:
        await _bucket_by_bucket(exchange)
        return
    if header.total is None:
        return
    if header.total == inbound.checksum():
        exchange.report.agreed = True
        return
    header = await pulling.pull(exchange, want_checksums=True)
    differing = inbound.differing(header.checksums or {})
    if differing:
        inbound.repair(differing)
        exchange.report.repaired += len(differing)
        header = await pulling.pull(exchange)
    exchange.report.agreed = header.total == inbound.checksum()


async def _bucket_by_bucket(exchange: Exchange) -> None:
    """Compare every bucket, repair once, and say by kind how many agree."""
    inbound = exchange.store.inbound
    header = await pulling.pull(exchange, want_checksums=True)
    differing = inbound.differing(header.checksums or {})
    if differing:
        inbound.repair(differing)
        exchange.report.repaired += len(differing)
        header = await pulling.pull(exchange, want_checksums=True)
        differing = inbound.differing(header.checksums or {})
    wrong = Counter(parse_bucket(name).kind for name in differing)
    told = Counter(parse_bucket(name).kind for name in header.checksums or {})
    exchange.report.agreement = {kind: (told[kind] - wrong[kind], wrong[kind]) for kind in told}
    exchange.report.agreed = not differing
