"""Emptying the device on an administrator's signed order: vault and key go, at the next contact,
whether it is open or locked. The sealed log stays until it was sent, and a receipt says that it is
done (L1, L4).
"""

from __future__ import annotations

import json
from typing import Any

from mobile.keys.port import Profile
from mobile.usecases.services import Services
from shared.clock import to_wire
from shared.ids import new_id
from shared.messages import dump, parse
from shared.wire import Lease, Receipt, SignedLease


async def ordered(services: Services, profile: Profile, order: SignedLease | None) -> bool:
    """Whether the server whose key came with the first sign-in ordered this very device and person
    to be wiped. A word that it did not sign destroys nothing."""
    if order is None:
        return False
    from mobile.sync.leases import signed_by

    if not await signed_by(services.keys, profile.server_verify_key, order):
        return False
    try:
        lease = parse(Lease, json.loads(order.payload))
    except (KeyError, TypeError, ValueError):
        return False
    mine = (profile.device_id, profile.user_id)
    return lease.wipe and (lease.device_id, lease.staff_id) == mine


async def destroy(services: Services, profile: Profile) -> dict[str, Any]:
    """Vault and key are gone when this returns; the signed receipt, to be sent. Harmless twice."""
    from mobile.sync.receipts import sign

    await services.keys.forget(profile.vault)
    await services.files.destroy(profile.vault, keep_log=True)
    receipt = Receipt(
        id=new_id(),
        kind="wiped",
        device_id=profile.device_id,
        staff_id=profile.user_id,
        grants=[],
        rows=0,
        deleted_at=to_wire(services.clock.now()),
    )
    return dump(await sign(services.keys, receipt))
