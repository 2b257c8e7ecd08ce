"""Leases: leave to read offline until a time of their own, signed so that a device can trust it
without a connection (design §4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.utils import base64url_decode
from msgspec.json import encode

from shared.dpop import b64
from shared.policy import PolicySettings
from shared.wire import Lease, SignedLease

SHORTEST = timedelta(hours=4)
LONGEST = timedelta(days=14)


def lease_end(policy: PolicySettings, now: datetime) -> datetime:
    """When a lease issued now ends: by policy, but never outside 4 hours to 14 days."""
    return now + min(max(timedelta(hours=policy.lease_hours), SHORTEST), LONGEST)


def sign_lease(key: Ed25519PrivateKey, lease: Lease) -> SignedLease:
    """The lease as one JSON text and the signature over exactly that text."""
    payload = encode(lease, order="sorted")
    return SignedLease(payload=payload.decode(), signature=b64(key.sign(payload)))


def lease_holds(signed: SignedLease, lease_key: str) -> bool:
    """Whether the owner of `lease_key` (as in `wire.ServerKeys`) signed this very text."""
    key = Ed25519PublicKey.from_public_bytes(base64url_decode(lease_key))
    try:
        key.verify(base64url_decode(signed.signature), signed.payload.encode())
    except InvalidSignature:
        return False
    return True
