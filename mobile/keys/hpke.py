"""Sealing to a public key: HPKE base mode (RFC 9180), written once over a tiny port.

The suite is fixed: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, one message per
encapsulation. `cryptography` seals and opens the same bytes natively; there is no such library in
the browser.
"""

from __future__ import annotations

import hashlib
import hmac

from mobile.keys.primitives import EphemeralKey, HpkePrimitives

_VERSION = b"HPKE-v1"
_KEM_SUITE = b"KEM" + (0x0020).to_bytes(2, "big")
_SUITE = (
    b"HPKE"
    + (0x0020).to_bytes(2, "big")
    + (0x0001).to_bytes(2, "big")
    + (0x0001).to_bytes(2, "big")
)
_MODE_BASE = b"\x00"
_KEY_BYTES, _NONCE_BYTES, _HASH_BYTES = 16, 12, 32


def _labelled_extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt, _VERSION + suite + label + secret, hashlib.sha256)


def _labelled_expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand for at most one block: no value of this suite is longer than a hash."""
    labelled = length.to_bytes(2, "big") + _VERSION + suite + label + info
    return hmac.digest(secret, labelled + b"\x01", hashlib.sha256)[:length]


def shared_secret(agreed: bytes, encapsulated: bytes, recipient: bytes) -> bytes:
    """The KEM's shared secret from the Diffie-Hellman value (RFC 9180, 4.1)."""
    extracted = _labelled_extract(_KEM_SUITE, b"", b"eae_prk", agreed)
    context = encapsulated + recipient
    return _labelled_expand(_KEM_SUITE, extracted, b"shared_secret", context, _HASH_BYTES)


def key_schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and base nonce in base mode, that is without a pre-shared key (RFC 9180, 5.1)."""
    context = (
        _MODE_BASE
        + _labelled_extract(_SUITE, b"", b"psk_id_hash", b"")
        + _labelled_extract(_SUITE, b"", b"info_hash", info)
    )
    secret = _labelled_extract(_SUITE, shared, b"secret", b"")
    key = _labelled_expand(_SUITE, secret, b"key", context, _KEY_BYTES)
    return key, _labelled_expand(_SUITE, secret, b"base_nonce", context, _NONCE_BYTES)


async def seal(
    primitives: HpkePrimitives,
    recipient: bytes,
    info: bytes,
    plaintext: bytes,
    aad: bytes = b"",
    ephemeral: EphemeralKey | None = None,
) -> bytes:
    """Encapsulated key (32 bytes) and ciphertext for the owner of the X25519 key `recipient`.

    `ephemeral` is for the RFC's vectors only: a key pair used twice would break the sealing.
    ValueError when `recipient` is no usable key (not 32 bytes, or a point of small order).
    """
    if len(recipient) != 32:
        raise ValueError("an X25519 public key has 32 bytes")
    pair = ephemeral or await primitives.ephemeral_key()
    agreed = await pair.agree(recipient)
    if agreed == bytes(32):
        raise ValueError("this public key gives everyone the same secret")
    key, nonce = key_schedule(shared_secret(agreed, pair.public_key, recipient), info)
    return pair.public_key + await primitives.aes_128_gcm(key, nonce, plaintext, aad)
