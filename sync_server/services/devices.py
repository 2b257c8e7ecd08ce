"""Devices: enrolled at the first sign-in, approved by an administrator, blocked when lost (S3
#146)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from shared import dpop
from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.ids import new_id
from sync_server.db.accounts import ACCOUNT, DEVICE
from sync_server.db.news import note_standing
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.last_administrator import keep_one_device_besides

PENDING, APPROVED, BLOCKED = "pending", "approved", "blocked"
STATES = (PENDING, APPROVED, BLOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One installation in one person's hands."""

    org_id: str
    id: str
    staff_id: str
    key: str
    thumbprint: str
    name: str
    platform: str
    app_version: str
    state: str
    enrolled_at: str
    decided_at: str | None = None
    decided_by: str | None = None
    signed_in_at: str | None = None
    wipe_ordered_at: str | None = None
    wiped_at: str | None = None


_COLUMNS = [DEVICE.c[name] for name in Device.__dataclass_fields__]


def enrol(
    connection: Connection,
    *,
    org_id: str,
    staff_id: str,
    device_key: str,
    name: str,
    platform: str,
    app_version: str,
    approved: bool,
    now: datetime,
) -> Device:
    """The person's device of that key, made if it is new; one that is known keeps its state."""
    thumbprint = dpop.thumbprint(dpop.public_jwk(device_key))
    found = _by_thumbprint(connection, org_id, staff_id, thumbprint)
    told = {
        "name": _printable(name, 80),
        "platform": _printable(platform, 40),
        "app_version": _printable(app_version, 40),
    }
    if found is not None:
        connection.execute(_of(org_id, found.id).values(**told, signed_in_at=to_wire(now)))
    else:
        connection.execute(
            insert(DEVICE).values(
                org_id=org_id,
                id=new_id(),
                staff_id=staff_id,
                key=device_key,
                thumbprint=thumbprint,
                state=APPROVED if approved else PENDING,
                enrolled_at=to_wire(now),
                heard_at=to_wire(now),
                signed_in_at=to_wire(now),
                **told,
            )
        )
    device = _by_thumbprint(connection, org_id, staff_id, thumbprint)
    assert device is not None  # written above, in this transaction
    return device


def decide(
    connection: Connection,
    device: Device,
    state: str,
    *,
    now: datetime,
    decided_by: str | None = None,
    even_last: bool = False,
) -> None:
    """Approve or block. Harmless twice. A blocked device signs in no more; it may still bring
    the work it holds, and is told to drop the rest. Refuses LAST_ADMINISTRATOR for the only device
    of the only administrator, unless `even_last`."""
    if state == BLOCKED and not even_last:
        keep_one_device_besides(connection, device.org_id, device.staff_id, device.id, APPROVED)
    trusted = {"wipe_ordered_at": None, "wiped_at": None} if state == APPROVED else {}
    connection.execute(
        _of(device.org_id, device.id).values(
            state=state, decided_at=to_wire(now), decided_by=decided_by, **trusted
        )
    )
    note_standing(connection, device.org_id, device.staff_id)


def order_wipe(
    connection: Connection,
    who: Caller | audit.Actor,
    device: Device,
    now: datetime,
    *,
    even_last: bool = False,
) -> None:
    """At its next contact the device destroys its vault and the key to it; what is sealed stays
    until it was sent. It is blocked from now on, as by `decide`. Harmless twice; approving it
    takes the order back where it has not been carried out."""
    decide(connection, device, BLOCKED, now=now, decided_by=who.staff_id, even_last=even_last)
    ordered = {"wipe_ordered_at": to_wire(now), "wiped_at": None}
    connection.execute(_of(device.org_id, device.id).values(**ordered))
    audit.note(
        connection, who, Action.DEVICE_WIPE_ORDERED, now=now, subject=("device", device.id),
        of=device.staff_id,
    )  # fmt: skip


def note_decision(
    connection: Connection, who: Caller | audit.Actor, device: Device, state: str, now: datetime
) -> None:
    """Puts on record who approved or blocked a device, and whose it is."""
    action = Action.DEVICE_APPROVED if state == APPROVED else Action.DEVICE_BLOCKED
    audit.note(connection, who, action, now=now, subject=("device", device.id), of=device.staff_id)


def find(connection: Connection, org_id: str, device_id: str) -> Device:
    """A device of the organisation; refuses DEVICE_UNKNOWN."""
    query = select(*_COLUMNS).where(DEVICE.c.org_id == org_id, DEVICE.c.id == device_id)
    row = connection.execute(query).first()
    if row is None:
        raise Refusal(Code.DEVICE_UNKNOWN)
    return _device(row)


def matching(connection: Connection, said: str) -> list[Device]:
    """Devices of any organisation whose id ends so, or whose owner's user name is that: for the
    command line, where nobody types 36 characters. (Ids begin with their time, so beginnings
    look alike.)"""
    query = (
        select(*_COLUMNS)
        .join(
            ACCOUNT,
            (ACCOUNT.c.org_id == DEVICE.c.org_id) & (ACCOUNT.c.staff_id == DEVICE.c.staff_id),
        )
        .where(DEVICE.c.id.endswith(said, autoescape=True) | (ACCOUNT.c.username == said))
    )
    return [_device(row) for row in connection.execute(query)]


def all_devices(connection: Connection, org_id: str | None = None) -> list[Device]:
    """Every device (of one organisation), the newest first."""
    query = select(*_COLUMNS).order_by(DEVICE.c.enrolled_at.desc())
    if org_id is not None:
        query = query.where(DEVICE.c.org_id == org_id)
    return [_device(row) for row in connection.execute(query)]


def _printable(text: str, limit: int) -> str:
    """What a device calls itself ends up on an administrator's terminal: no control characters."""
    return "".join(c for c in text if c.isprintable())[:limit]


def _by_thumbprint(
    connection: Connection, org_id: str, staff_id: str, thumbprint: str
) -> Device | None:
    row = connection.execute(
        select(*_COLUMNS).where(
            DEVICE.c.org_id == org_id,
            DEVICE.c.staff_id == staff_id,
            DEVICE.c.thumbprint == thumbprint,
        )
    ).first()
    return None if row is None else _device(row)


def _of(org_id: str, device_id: str) -> Any:
    return update(DEVICE).where(DEVICE.c.org_id == org_id, DEVICE.c.id == device_id)


def _device(row: Row[Any]) -> Device:
    return Device(**row._mapping)
