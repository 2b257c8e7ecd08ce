"""What each device holds, as far as it told: kept from its pulls, for "who holds what".

A device that lists its grants says exactly what it holds. One whose digest is the server's holds
what it was last told to hold. So a row is written only where something changed, and a pull that
brings nothing new reads one index entry and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from shared.clock import to_wire
from shared.wire import Drop, LeaseGrant
from sync_server.db.base import Database
from sync_server.db.log import DEVICE_GRANT
from sync_server.db.types import Instant
from sync_server.services.caller import Caller

_ROW = DEVICE_GRANT.c
_KEPT = ("bucket", "expires_at", "told_at", "held_at", "drop_told_at", "dropped_at", "open_from")
_UNCONFIRMED = select(
    exists().where(
        _ROW.org_id == bindparam("org"),
        _ROW.device_id == bindparam("device"),
        _ROW.open_from <= bindparam("moment"),
    )
)
"""Built once: every pull asks it."""


def unconfirmed(connection: Connection, caller: Caller, now: datetime) -> bool:
    """Whether the device was told something, or a grant of it expired, that it has not confirmed
    yet."""
    asked = {"org": caller.org_id, "device": caller.device_id, "moment": to_wire(now)}
    return bool(connection.scalar(_UNCONFIRMED, asked))


def note_confirmed(db: Database, caller: Caller, now: datetime) -> None:
    """The device's digest is the server's: it holds what it was told to hold, and nothing else."""
    moment = to_wire(now)
    open_now = (*_of_device(caller), _ROW.open_from <= moment)
    gone = or_(_ROW.drop_told_at.is_not(None), _ROW.expires_at <= moment)
    with db.write() as connection:
        connection.execute(
            update(DEVICE_GRANT).where(*open_now, gone).values(dropped_at=moment, open_from=null())
        )
        connection.execute(
            update(DEVICE_GRANT)
            .where(*open_now)
            .values(
                held_at=func.coalesce(_ROW.held_at, literal(moment, Instant)),
                open_from=_ROW.expires_at,
            )
        )


def note_listed(
    db: Database,
    caller: Caller,
    known: Sequence[str] | None,
    told: Sequence[LeaseGrant],
    drops: Sequence[Drop],
    now: datetime,
) -> None:
    """The device listed what it holds (`known`; None: it did not say), and is about to be told what
    to hold and what to drop. Written before the reply goes out, so that no device has anything
    that is not noted here."""
    moment = to_wire(now)
    have = None if known is None else set(known)
    ended = {drop.grant_id for drop in drops}
    named: dict[str, tuple[str, str | None]] = {d.grant_id: (d.bucket, None) for d in drops}
    named |= {grant.id: (grant.bucket, grant.expires_at) for grant in told}
    with db.write() as connection:
        stored = {
            row.grant_id: {name: getattr(row, name) for name in _KEPT}
            for row in connection.execute(select(DEVICE_GRANT).where(*_of_device(caller)))
        }
        new, changed = [], []
        for grant_id in {**stored, **named}:
            before = stored.get(grant_id)
            after: dict[str, Any] = dict(before) if before else dict.fromkeys(_KEPT)
            after["told_at"] = after["told_at"] or moment
            if grant_id in named:
                after["bucket"], expires = named[grant_id]
                after["expires_at"] = after["expires_at"] if grant_id in ended else expires
            _settle(after, grant_id, have, ended, grant_id in named, moment)
            if before is None:
                new.append(
                    {
                        "org_id": caller.org_id,
                        "device_id": caller.device_id,
                        "grant_id": grant_id,
                        **after,
                    }
                )
            elif after != before:
                changed.append({"key_id": grant_id, **after})
        if new:
            connection.execute(insert(DEVICE_GRANT), new)
        if changed:
            here = (*_of_device(caller), _ROW.grant_id == bindparam("key_id"))
            connection.execute(update(DEVICE_GRANT).where(*here), changed)


def _settle(
    row: dict[str, Any],
    grant_id: str,
    have: set[str] | None,
    ended: set[str],
    named: bool,
    moment: str,
) -> None:
    """Brings one row up to date with what the device said and what it is being told."""
    has = have is not None and grant_id in have
    if has:
        row["held_at"] = row["held_at"] or moment
    if grant_id in ended:
        row["drop_told_at"] = row["drop_told_at"] or moment
    if has or named:
        row["dropped_at"] = None
    elif have is not None:
        row["dropped_at"] = row["dropped_at"] or moment
    if row["dropped_at"]:
        row["open_from"] = None
    elif row["drop_told_at"] or not row["held_at"]:
        row["open_from"] = moment
    else:
        row["open_from"] = row["expires_at"]


def _of_device(caller: Caller) -> tuple[Any, ...]:
    return (_ROW.org_id == caller.org_id, _ROW.device_id == caller.device_id)
