"""Refresh tokens: each is used once, and all that follow one sign-in are a family that ends
together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from shared.clock import from_wire, to_wire
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.accounts import REFRESH_TOKEN
from sync_server.services.devices import Device
from sync_server.services.tokens import new_refresh_token, refresh_hash

_T = REFRESH_TOKEN.c


def look_up(connection: Connection, text: str, now: datetime) -> Row[Any]:
    """The row of a token, locked until the transaction ends. Refuses TOKEN_INVALID for one that
    is unknown or too old; what else ended it is for `follow` to say."""
    row = connection.execute(
        select(REFRESH_TOKEN).where(_T.hash == refresh_hash(text)).with_for_update()
    ).first()
    if row is None or from_wire(row.expires_at) <= now:
        raise Refusal(Code.TOKEN_INVALID)
    return row


def follow(connection: Connection, token: Row[Any], now: datetime) -> bool:
    """Whether a new token may follow `token`. If not, its whole family is revoked by this call.

    One that was used before may be followed again while its successor was never used: the answer
    got lost on the way, and the device asks again. The lost successor is revoked. A token whose
    successor was used is in two hands.
    """
    if token.revoked_at is None:
        if token.successor is None:
            return True
        lost = connection.execute(
            update(REFRESH_TOKEN)
            .where(_T.org_id == token.org_id, _T.hash == token.successor)
            .where(_T.used_at.is_(None), _T.revoked_at.is_(None))
            .values(revoked_at=to_wire(now))
        )
        if lost.rowcount:
            return True
    connection.execute(
        update(REFRESH_TOKEN)
        .where(_T.org_id == token.org_id, _T.family == token.family)
        .values(revoked_at=to_wire(now))
    )
    return False


def give(
    connection: Connection,
    device: Device,
    *,
    now: datetime,
    life: timedelta,
    follows: Row[Any] | None = None,
) -> str:
    """A new token's text, its hash written down; with `follows`, that one is used up."""
    text = new_refresh_token()
    connection.execute(
        insert(REFRESH_TOKEN).values(
            org_id=device.org_id,
            hash=refresh_hash(text),
            family=follows.family if follows else new_id(),
            staff_id=device.staff_id,
            device_id=device.id,
            issued_at=to_wire(now),
            expires_at=to_wire(now + life),
        )
    )
    if follows is not None:
        connection.execute(
            update(REFRESH_TOKEN)
            .where(_T.org_id == device.org_id, _T.hash == follows.hash)
            .values(used_at=to_wire(now), successor=refresh_hash(text))
        )
    return text


def revoke_device(connection: Connection, org_id: str, device_id: str, now: datetime) -> None:
    """End every session of a device. Harmless twice."""
    connection.execute(
        update(REFRESH_TOKEN)
        .where(_T.org_id == org_id, _T.device_id == device_id, _T.revoked_at.is_(None))
        .values(revoked_at=to_wire(now))
    )
