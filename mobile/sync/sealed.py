"""Sealed work that the vault no longer knows: what an earlier vault of this user wrote on this
device, handed in from the sealed log with the device's proof alone (L1); and the log kept short.

Entries that this vault sealed itself go up from its outbox. They, and those handed in, leave the
log once the server has backed them up.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mobile.store.meta import BACKED_UP_TO, DEVICE_ID, HANDED_IN, OUTBOX_EPOCH, SEALED_FROM
from mobile.store.sealed_log import Entry, SealedLog
from mobile.sync.peer import Peer
from shared.clock import to_wire
from shared.wire import SETTLED, SealedRequest

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

MOST_ENTRIES = 100
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class HandedIn:
    """How far the log was handed in: all entries up to `through` are settled, with numbers up to
    `seq` of `epoch`. What no key of the server opens stays in the log and ends the count."""

    through: int
    seq: int
    epoch: str | None


async def hand_in(
    peer: Peer, log: SealedLog, head: SealedRequest, *, after: int = 0, before: int | None = None
) -> HandedIn:
    """Send the entries of `log` numbered above `after` and under `before` (None: all), in order.
    `head` carries the device and its clocks, without entries. Harmless twice: the server knows
    each change by its id."""
    done = HandedIn(0, 0, None)
    whole = True
    for batch in _batches(log, after, before):
        sealed = [b64encode(entry.sealed).decode() for entry in batch]
        reply = await peer.push_sealed(replace(head, entries=sealed))
        settled = not reply.unopened and all(o.verdict in SETTLED for o in reply.outcomes)
        whole = whole and settled
        if whole:
            highest = max((o.seq for o in reply.outcomes), default=0)
            done = HandedIn(batch[-1].seq, max(done.seq, highest), reply.epoch)
    return done


def _batches(log: SealedLog, after: int, before: int | None) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in log.entries(after):
        if before is not None and entry.seq >= before:
            break
        if batch and (len(batch) == MOST_ENTRIES or size + len(entry.sealed) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry.sealed)
    if batch:
        yield batch


async def settle_log(exchange: Exchange, log: SealedLog) -> None:
    """Hand in what an earlier vault left, and discard what is backed up."""
    parts = exchange.store.parts
    first = next(log.entries(), None)
    if first is None:
        return
    own_from = parts.meta.get(SEALED_FROM)
    if own_from is not None and first.seq >= own_from:
        log.discard_through(parts.outbox.sealed_and_backed_up())
        return
    known = parts.meta.get(HANDED_IN)
    epoch = parts.meta.get(OUTBOX_EPOCH)
    if known is None or known["epoch"] != epoch:
        reading = parts.time.reading()
        head = SealedRequest(
            device_id=parts.meta.get(DEVICE_ID),
            app_version=exchange.app_version,
            sent_at=to_wire(parts.time.now()),
            boot_id=reading.boot,
            monotonic_ms=reading.monotonic_ms,
            entries=[],
        )
        done = await hand_in(exchange.peer, log, head, before=own_from)
        known = {"through": done.through, "seq": done.seq, "epoch": done.epoch}
        with parts.commits.begin():
            parts.meta.put(HANDED_IN, known if done.through else None)
    if known["seq"] <= parts.meta.get(BACKED_UP_TO, 0):
        log.discard_through(known["through"])
