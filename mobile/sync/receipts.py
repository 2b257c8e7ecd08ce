"""What was deleted is signed for: the device's word that nothing of ended grants is left (L4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mobile.keys.port import DeviceKeys
from mobile.store import receipts
from mobile.store.meta import DEVICE_ID
from shared.dpop import b64
from shared.errors import Code, Refusal
from shared.messages import dump
from shared.wire import RECEIPT_INFO, Receipt, ReceiptsRequest, SignedReceipt

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

AT_ONCE = 50


async def send(exchange: Exchange) -> None:
    """Hand in the receipts that are due. What the server does not take now goes with the next sync;
    no sync fails over it."""
    parts = exchange.store.parts
    device_id = parts.meta.get(DEVICE_ID)
    while found := receipts.to_sign(parts.meta)[:AT_ONCE]:
        signed = [await sign(exchange.keys, one) for one in found]
        asked = ReceiptsRequest(device_id=device_id, receipts=signed)
        try:
            kept = await exchange.peer.hand_in_receipts(asked)
        except Refusal as refusal:
            if refusal.code in (Code.OFFLINE, Code.CUT_SHORT):
                raise
            return  # an older server knows nothing of them
        mine = {one.id for one in found} & set(kept.kept)
        exchange.store.inbound.receipts_kept(mine)
        if not mine:
            return


async def sign(keys: DeviceKeys, receipt: Receipt) -> SignedReceipt:
    """The receipt as one JSON text and the device's signature over exactly that text."""
    payload = json.dumps(dump(receipt), sort_keys=True, separators=(",", ":"))
    signature = await keys.sign(RECEIPT_INFO + payload.encode())
    return SignedReceipt(payload=payload, signature=b64(signature))
