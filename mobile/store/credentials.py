"""Who the vault belongs to and by what they are known to the server: card, keys, tokens.

Tokens lie in the encrypted vault and nowhere else; each is worthless without the device's key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mobile.store.meta import DEVICE_ID, SERVER_KEYS, STAFF, TOKENS
from mobile.store.unit import Parts
from shared.clock import to_wire
from shared.messages import dump, parse
from shared.wire import ServerKeys, TokenReply

_EARLY = timedelta(seconds=60)
"""A token that ends within this time is renewed before it is used."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """`access` is None where it has ended or soon will."""

    access: str | None
    refresh: str | None


def keep(parts: Parts, reply: TokenReply) -> None:
    """Store what a sign-in or a refresh brought, in one transaction."""
    ends = to_wire(parts.time.now() + timedelta(seconds=reply.expires_in) - _EARLY)
    with parts.commits.begin() as touched:
        meta = parts.meta
        if reply.device_id:
            meta.put(DEVICE_ID, reply.device_id)
        if reply.staff is not None:
            meta.put(STAFF, dump(reply.staff))
            touched.add(("staff", reply.staff.id))
        if reply.keys is not None:
            meta.put(SERVER_KEYS, dump(reply.keys))
        if reply.access_token is not None:
            meta.put(
                TOKENS,
                {"access": reply.access_token, "refresh": reply.refresh_token, "ends": ends},
            )


def tokens(parts: Parts) -> Tokens:
    """What is at hand now."""
    kept = parts.meta.get(TOKENS) or {}
    fresh = to_wire(parts.time.now()) < kept.get("ends", "")
    return Tokens(kept.get("access") if fresh else None, kept.get("refresh"))


def access_refused(parts: Parts) -> None:
    """The server took the access token no more: the next sync begins with a refresh."""
    kept = parts.meta.get(TOKENS)
    if kept is not None:
        with parts.commits.begin():
            parts.meta.put(TOKENS, {**kept, "ends": ""})


def server_keys(parts: Parts) -> ServerKeys | None:
    """The server's public keys, as they came with the first sign-in."""
    kept = parts.meta.get(SERVER_KEYS)
    return parse(ServerKeys, kept) if kept else None
