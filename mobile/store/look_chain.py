"""How a store's chain of looks begins (L7): with words that the device signs, so that a store begun
anew on the same device says so, and nobody takes it for a gap."""

from __future__ import annotations

from mobile.keys.port import DeviceKeys
from mobile.store.meta import DEVICE_ID, LOOK_CHAIN, LOOKS, STAFF
from mobile.store.unit import Parts
from shared import looks
from shared.clock import to_wire
from shared.dpop import b64
from shared.ids import new_id


async def begin(parts: Parts, keys: DeviceKeys) -> None:
    """Begins the store's chain where it has none; harmless later. In a store of an older version
    the chain that is there goes on in the new one, whose first entry names its last."""
    meta = parts.meta
    staff, device_id = meta.get(STAFF), meta.get(DEVICE_ID)
    if meta.get(LOOK_CHAIN) or not staff or not device_id:
        return
    chain_id, began_at = new_id(), to_wire(parts.time.now())
    _, previous = meta.get(LOOKS) or (0, looks.FIRST)
    said = looks.start_bytes(chain_id, device_id, staff["id"], began_at, previous)
    signature = b64(await keys.sign(said))
    with parts.commits.begin():
        meta.put(LOOK_CHAIN, {"id": chain_id, "began_at": began_at, "signature": signature})
        meta.put(LOOKS, [0, previous])
