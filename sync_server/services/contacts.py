"""When each device was last heard of, and how it said that it fares: noted from its pulls, every
few minutes at most, so that a pull which brings nothing new goes on writing nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from shared.clock import from_wire, to_wire
from shared.errors import Code, Refusal
from shared.wire import PullRequest
from sync_server.db.accounts import DEVICE
from sync_server.db.base import Database
from sync_server.services.caller import Caller

EVERY = timedelta(minutes=5)
_MOST = 2**31 - 1


def note_contact(db: Database, caller: Caller, request: PullRequest, now: datetime) -> None:
    """What a device says of itself is kept as it says it, cut to what the table holds. Nothing for
    a caller without a device, and nothing where it was noted a moment ago."""
    if caller.heard_at is None or abs(now - from_wire(caller.heard_at)) < EVERY:
        return
    told = request.told
    said = {} if told is None else {
        "unsent": _count(told.unsent),
        "unsent_files": _count(told.unsent_files),
        "unsent_since": _moment(told.oldest_unsent_at),
        "stored_bytes": max(0, min(told.stored_bytes, 2**62)),
    }  # fmt: skip
    with db.write() as connection:
        connection.execute(
            update(DEVICE)
            .where(DEVICE.c.org_id == caller.org_id, DEVICE.c.id == caller.device_id)
            .values(
                heard_at=to_wire(now),
                cursor=max(0, min(request.cursor, 2**62)),
                app_version="".join(c for c in request.app_version if c.isprintable())[:40],
                **said,
            )
        )


class LastTold(NamedTuple):
    """What a device last said of itself; None where it never did."""

    heard_at: str | None
    unsent: int | None
    unsent_files: int | None
    unsent_since: str | None


def last_told(connection: Connection, org_id: str, device_id: str) -> LastTold:
    """When a device was last heard of, and what it said is unsent. Refuses DEVICE_UNKNOWN."""
    columns = [DEVICE.c[name] for name in LastTold._fields]
    row = connection.execute(
        select(*columns).where(DEVICE.c.org_id == org_id, DEVICE.c.id == device_id)
    ).first()
    if row is None:
        raise Refusal(Code.DEVICE_UNKNOWN)
    return LastTold(*row)


def _count(said: int) -> int:
    return max(0, min(said, _MOST))


def _moment(said: str | None) -> str | None:
    """A time as the device claims it; None for what is none."""
    try:
        return to_wire(from_wire(said)) if said else None
    except (ValueError, OverflowError):
        return None
