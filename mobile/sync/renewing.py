"""First step: an access token that holds for the rest of the sync, and what to do when it did
not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from mobile.store import credentials
from shared.errors import Code, Refusal

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

T = TypeVar("T")

_STALE = frozenset({Code.TOKEN_EXPIRED, Code.TOKEN_INVALID, Code.SIGN_IN_REQUIRED})


async def renew(exchange: Exchange) -> None:
    """Carry a token that holds, by refreshing if need be. Refuses `sign_in_required` where only
    the person can help: no refresh token, or one that the server takes no more."""
    parts = exchange.store.parts
    held = credentials.tokens(parts)
    if held.access is None:
        if held.refresh is None:
            raise Refusal(Code.SIGN_IN_REQUIRED)
        try:
            reply = await exchange.peer.refresh(held.refresh)
        except Refusal as refusal:
            if refusal.code in _STALE:
                raise Refusal(Code.SIGN_IN_REQUIRED) from refusal
            raise
        # Stored before it is used: the old refresh token is spent now.
        credentials.keep(parts, reply)
        held = credentials.tokens(parts)
    exchange.peer.carry(held.access)


async def asked(exchange: Exchange, call: Callable[[], Awaitable[T]]) -> T:
    """`call`, and once more with a new token if the server took the old one no more."""
    try:
        return await call()
    except Refusal as refusal:
        if refusal.code not in _STALE:
            raise
    credentials.access_refused(exchange.store.parts)
    await renew(exchange)
    return await call()
