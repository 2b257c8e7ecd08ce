"""Second step: hand in the outbox, in order, in batches that the server takes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

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
    sync; a change that is too large even by itself stays, with the code that its author sees.
    Whatever builds on one that stays, stays with it: by itself it would be refused for good."""
    outbox = exchange.store.parts.outbox
    if not outbox.unsettled(1, 1):
        return  # most syncs; the limits below are the policy's, which takes a while to read
    most, most_bytes, after = exchange.store.policy().max_push_changes, MOST_BYTES, 0
    staying: set[str] = set()
    while found := outbox.unsettled(most, most_bytes, after):
        batch = _without(found, staying)
        if not batch:
            after = found[-1][0]
            continue
        exchange.tell(Progress("pushing", exchange.report.sent, exchange.report.sent + len(batch)))
        try:
            reply = await asked(exchange, partial(_send, exchange, batch))
        except Refusal as refusal:
            if refusal.code is Code.EPOCH_CHANGED and _sends_again(exchange, refusal):
                after, staying = 0, set()
                continue
            if refusal.code is not Code.BATCH_TOO_LARGE:
                raise
            if len(batch) > 1:
                most, most_bytes = len(batch) // 2, most_bytes // 2
                continue
            exchange.store.inbound.held_back(batch[0][0], refusal.code)
            after = batch[0][0]
            staying |= _records(batch)
            continue
        exchange.store.inbound.pushed(reply)
        exchange.report.sent += len(batch)
        exchange.report.settled += sum(o.verdict in SETTLED for o in reply.outcomes)
        after = found[-1][0]
        again = {o.change_id for o in reply.outcomes if o.verdict not in SETTLED}
        if again:
            staying |= _records(entry for entry in batch if _change(entry)["change_id"] in again)


def _change(entry: tuple[int, str]) -> dict[str, Any]:
    change: dict[str, Any] = json.loads(entry[1])
    return change


def _records(entries: Iterable[tuple[int, str]]) -> set[str]:
    """The records that these changes write."""
    return {_change(entry)["record_id"] for entry in entries}


def _without(entries: list[tuple[int, str]], staying: set[str]) -> list[tuple[int, str]]:
    """Those of these changes that neither write nor name a record in `staying`; the records of
    the others are added to it."""
    if not staying:
        return entries
    sent = []
    for entry in entries:
        change = _change(entry)
        named = (v for k, v in change["fields"].items() if k.endswith("_id"))
        if change["record_id"] in staying or any(v in staying for v in named):
            staying.add(change["record_id"])
        else:
            sent.append(entry)
    return sent


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
