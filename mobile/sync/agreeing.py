"""Last step: is this copy what the server would send afresh (L5)? If not, the buckets that differ
are fetched anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobile.sync import pulling

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange
    from shared.wire import PullHeader


async def agree(exchange: Exchange, header: PullHeader) -> None:
    """Compare by checksum, repair once, and say in the report whether they agree."""
    inbound = exchange.store.inbound
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
