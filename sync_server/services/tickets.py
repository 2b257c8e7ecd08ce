"""Tickets: this person was identified on this device a while ago.

A device that waits for approval asks again and again; with a ticket neither has the password to
stay in its memory nor a code to be typed twice. A ticket opens nothing: it is good for signing in
with a proof of the same device's key, and whatever else is asked at a sign-in is asked then too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import Code, Refusal

_ISSUER = "huifang/ticket"  # never that of access tokens, which the same key signs
_REQUIRED = ["iss", "sub", "org", "cnf", "iat", "exp", "second"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Who, and on which device. `second_factor`: whether one was shown as well."""

    org_id: str
    staff_id: str
    thumbprint: str
    second_factor: bool
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Tickets:
    """Issues and reads tickets. Any process with the same key reads them."""

    key: Ed25519PrivateKey
    life: timedelta

    def issue(self, ticket: Ticket) -> str:
        """Its text, good for `life`."""
        payload = {
            "iss": _ISSUER,
            "sub": ticket.staff_id,
            "org": ticket.org_id,
            "cnf": {"jkt": ticket.thumbprint},
            "iat": int(ticket.issued_at.timestamp()),
            "exp": int((ticket.issued_at + self.life).timestamp()),
            "second": ticket.second_factor,
        }
        return jwt.encode(payload, self.key, algorithm="EdDSA")

    def read(self, text: str, thumbprint: str, now: datetime) -> Ticket:
        """Refuses TOKEN_INVALID for a forged one, one that is too old, and one of another
        device."""
        # Times are checked against the Clock: PyJWT knows only the machine's own.
        options: Any = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False}
        try:
            said = jwt.decode(
                text, self.key.public_key(), algorithms=["EdDSA"], issuer=_ISSUER, options=options
            )
            ticket = Ticket(
                org_id=str(said["org"]),
                staff_id=str(said["sub"]),
                thumbprint=str(said["cnf"]["jkt"]),
                second_factor=said["second"] is True,
                issued_at=datetime.fromtimestamp(said["iat"], UTC),
            )
            over = now >= datetime.fromtimestamp(said["exp"], UTC)
        except (jwt.PyJWTError, ValueError, KeyError, TypeError) as bad:
            raise Refusal(Code.TOKEN_INVALID) from bad
        if over or ticket.thumbprint != thumbprint:
            raise Refusal(Code.TOKEN_INVALID)
        return ticket
