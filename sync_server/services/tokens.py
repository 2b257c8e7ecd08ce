"""Access tokens (EdDSA JWT, bound to the device's key) and the texts of refresh tokens.

What rotates and what is revoked is decided in `accounts`; nothing here touches the database.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import Code, Refusal

ISSUER = "huifang"
_REQUIRED = ["iss", "sub", "org", "role", "dev", "cnf", "iat", "exp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What a token says: who, in which organisation and role, on which device with which key."""

    org_id: str
    staff_id: str
    role: str
    device_id: str
    thumbprint: str


class AccessTokens:
    """Issues and reads access tokens. Any process with the same key reads them. What a token says
    is remembered, as it never changes; whether it counts is looked up at each request."""

    def __init__(self, key: Ed25519PrivateKey, life: timedelta) -> None:
        self._key = key
        self._public = key.public_key()
        self.life = life
        self._said = lru_cache(maxsize=4096)(self._signed)

    def issue(self, claims: AccessClaims, now: datetime) -> str:
        """A token that ends `life` after `now`."""
        payload = {
            "iss": ISSUER,
            "sub": claims.staff_id,
            "org": claims.org_id,
            "role": claims.role,
            "dev": claims.device_id,
            "cnf": {"jkt": claims.thumbprint},
            "iat": int(now.timestamp()),
            "exp": int((now + self.life).timestamp()),
        }
        return jwt.encode(payload, self._key, algorithm="EdDSA")

    def read(self, token: str, now: datetime) -> AccessClaims:
        """The claims; refuses TOKEN_INVALID for a forged one, TOKEN_EXPIRED for one whose time
        is over."""
        claims, ends_at = self._said(token)
        if now >= ends_at:
            raise Refusal(Code.TOKEN_EXPIRED)
        return claims

    def _signed(self, token: str) -> tuple[AccessClaims, datetime]:
        # The end is checked against the Clock: PyJWT knows only the machine's own.
        options: Any = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False}
        try:
            payload = jwt.decode(
                token, self._public, algorithms=["EdDSA"], issuer=ISSUER, options=options
            )
            claims = AccessClaims(
                org_id=str(payload["org"]),
                staff_id=str(payload["sub"]),
                role=str(payload["role"]),
                device_id=str(payload["dev"]),
                thumbprint=str(payload["cnf"]["jkt"]),
            )
            return claims, datetime.fromtimestamp(payload["exp"], UTC)
        except (jwt.PyJWTError, ValueError, KeyError, TypeError) as bad:
            raise Refusal(Code.TOKEN_INVALID) from bad


def new_refresh_token() -> str:
    """256 random bits, base64url. Only its hash is kept."""
    return secrets.token_urlsafe(32)


def refresh_hash(token: str) -> str:
    """What the database keeps of a refresh token. A plain hash suffices: the token has no
    guessable part."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
