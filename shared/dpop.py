"""Proof of possession of the device's key, sent with every request (DPoP, RFC 9449).

A proof is a small JWT over the request's method and address, made anew for each request and good
once. What is signed is built here for both sides; the signature comes from whoever holds the key
(`DeviceKeys.sign`), and the server verifies with PyJWT (`sync_server/services/proof.py`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

HEADER = "DPoP"
"""Name of the header that carries the proof, and of the scheme in ``Authorization: DPoP <access
token>``."""

TYPE = "dpop+jwt"


def b64(data: bytes) -> str:
    """Base64url without padding (RFC 7515)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def public_jwk(device_key: str) -> dict[str, str]:
    """The JWK (RFC 8037) of a raw Ed25519 public key in base64url."""
    return {"kty": "OKP", "crv": "Ed25519", "x": device_key}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The key's name in tokens (RFC 7638): base64url SHA-256 of its required members in order."""
    members = _REQUIRED[jwk["kty"]]
    return b64(hashlib.sha256(_json({name: jwk[name] for name in members})).digest())


def target(url: str) -> str:
    """The address as a proof names it: scheme, host and path, without query and fragment (RFC
    9449, 4.2)."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path or '/'}"


def token_hash(access_token: str) -> str:
    """The claim `ath`, which ties a proof to the token it comes with."""
    return b64(hashlib.sha256(access_token.encode()).digest())


def signing_input(
    jwk: Mapping[str, str],
    *,
    method: str,
    url: str,
    now: datetime,
    access_token: str | None = None,
    proof_id: str | None = None,
) -> bytes:
    """The bytes to sign for one request. `now` is the server's time as this device reckons it, to
    the second.

    `access_token` is None where none is sent (sign-in, refresh). `proof_id` is random unless a test
    fixes it.
    """
    header = {"typ": TYPE, "alg": "EdDSA", "jwk": dict(jwk)}
    claims: dict[str, str | int] = {
        "jti": proof_id or secrets.token_urlsafe(16),
        "htm": method.upper(),
        "htu": target(url),
        "iat": int(now.timestamp()),
    }
    if access_token is not None:
        claims["ath"] = token_hash(access_token)
    return f"{b64(_json(header))}.{b64(_json(claims))}".encode()


def proof(signed: bytes, signature: bytes) -> str:
    """The header's value: the signing input and its 64-byte signature."""
    return f"{signed.decode()}.{b64(signature)}"


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


_PORTS = {"http": 80, "https": 443}
_REQUIRED = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
"""RFC 7638, section 3.2, and RFC 8037, section 2. Our devices have OKP keys alone."""
