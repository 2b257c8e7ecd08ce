"""Test keys, for invented data only: whoever reads this file can open every fixture, and is meant
to."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sync_server.db.sealing import KeyRing
from sync_server.services.server_keys import ServerKeys


def invented_key(purpose: str) -> bytes:
    """32 bytes that anyone can work out."""
    return hashlib.sha256(
        f"huifang upgrade fixtures, test key, no secret: {purpose}".encode()
    ).digest()


VAULT_KEY = invented_key("vault")
DEVICE_KEY = Ed25519PrivateKey.from_private_bytes(invented_key("device"))
SERVER_KEYS = ServerKeys(
    lease=Ed25519PrivateKey.from_private_bytes(invented_key("lease")),
    token=Ed25519PrivateKey.from_private_bytes(invented_key("token")),
    seal=X25519PrivateKey.from_private_bytes(invented_key("seal")),
    data={1: invented_key("data")},
    lookup=invented_key("lookup"),
)
RING = KeyRing(SERVER_KEYS.data, SERVER_KEYS.lookup)
