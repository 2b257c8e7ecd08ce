"""Second step: hand in the outbox, in order, in batches that the server takes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mobile.store.meta import OUTBOX_EPOCH
from mobile.sync.renewing import asked
from mobile.sync.report import Progress
from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.wire import SETTLED, PushReply, PushRequest

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

MOST_BYTES = 1_000_000
"""Of one batch: a minute's work on a slow mobile network, lost when it is cut."""


async def push(exchange: Exchange) -> None:
    """Send every unsettled change once. What the server asks to see again waits for the next
    sync; a change that is too large even by itself stays, with the code that its author sees."""
    outbox = exchange.store.parts.outbox
    most, most_bytes, after = exchange.store.policy().max_push_changes, MOST_BYTES, 0
    while batch := outbox.unsettled(most, most_bytes, after):
        exchange.tell(Progress("pushing", exchange.report.sent, exchange.report.sent + len(batch)))
        try:
            reply = await asked(exchange, partial(_send, exchange, batch))
        except Refusal as refusal:
            if refusal.code is Code.EPOCH_CHANGED and _sends_again(exchange, refusal):
                after = 0
                continue
            if refusal.code is not Code.BATCH_TOO_LARGE:
                raise
            if len(batch) > 1:
                most, most_bytes = len(batch) // 2, most_bytes // 2
                continue
            exchange.store.inbound.held_back(batch[0][0], refusal.code)
            after = batch[0][0]
            continue
        exchange.store.inbound.pushed(reply)
        exchange.report.sent += len(batch)
        exchange.report.settled += sum(o.verdict in SETTLED for o in reply.outcomes)
        after = batch[-1][0]


def _sends_again(exchange: Exchange, refusal: Refusal) -> bool:
    """The server was restored: what its backup had not goes first. False where that is not new."""
    epoch = refusal.details.get("epoch")
    if not isinstance(epoch, str) or epoch == exchange.store.parts.meta.get(OUTBOX_EPOCH):
        return False
    exchange.store.inbound.epoch_changed(epoch)
    return True


async def _send(exchange: Exchange, batch: list[tuple[int, str]]) -> PushReply:
    parts = exchange.store.parts
    reading = parts.time.reading()
    envelope = PushRequest(
        app_version=exchange.app_version,
        sent_at=to_wire(parts.time.now()),
        boot_id=reading.boot,
        monotonic_ms=reading.monotonic_ms,
        changes=[],
        epoch=parts.meta.get(OUTBOX_EPOCH),
    )
    return await exchange.peer.push(envelope, [text for _, text in batch])
