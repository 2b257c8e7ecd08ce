"""Whether a lease may be believed: signed by the server whose key came with the first sign-in,
for this person on this device, in this epoch, and not one that is older than what the device
has."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from mobile.keys.port import DeviceKeys
from mobile.store import credentials
from mobile.store.meta import DEVICE_ID, LEASE
from mobile.sync.framing import parse_json
from shared import dpop
from shared.errors import Code, Refusal
from shared.wire import Lease, PullHeader, SignedLease

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange


async def verified(exchange: Exchange, header: PullHeader) -> Lease | None:
    """The lease of a reply; None where it brought none, or an older one (a reply played again).

    Refuses `server_fault` for one that does not hold: nothing of such a reply is stored, and
    above all nothing is dropped (design §5, Client).
    """
    signed = header.lease
    if signed is None:
        return None
    parts = exchange.store.parts
    keys = credentials.server_keys(parts)
    if keys is None or not await signed_by(exchange.keys, keys.lease, signed):
        raise Refusal(Code.SERVER_FAULT, where="lease")
    lease = parse_json(Lease, signed.payload)
    mine = (parts.meta.get(DEVICE_ID), exchange.store.staff().id, header.epoch)
    if (lease.device_id, lease.staff_id, lease.epoch) != mine:
        raise Refusal(Code.SERVER_FAULT, where="lease")
    known = parts.meta.get(LEASE)
    return None if known and lease.issued_at < known["issued_at"] else lease


async def signed_by(keys: DeviceKeys, key: str, signed: SignedLease) -> bool:
    """Whether the owner of the key signed this very text; False for whatever can't be read."""
    try:
        public, signature = _bytes(key, 32), _bytes(signed.signature, 64)
        payload = signed.payload.encode()
    except ValueError:  # also half a character, which no UTF-8 has
        return False
    return await keys.verify(public, signature, payload)


def _bytes(text: str, length: int) -> bytes:
    """So many bytes of base64url without padding (RFC 7515), in the one spelling that they
    have."""
    raw = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if len(raw) != length or dpop.b64(raw) != text:
        raise ValueError("another spelling or length")
    return raw
