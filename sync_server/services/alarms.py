"""Alarms: what an administrator should look at. The log gets ids only; what was sent is kept
sealed in the table."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection, insert, update

from shared.clock import to_wire
from shared.ids import new_id
from sync_server.db.log import ALARM
from sync_server.services.caller import Caller
from sync_server.services.devices import Device
from sync_server.services.writing import Unit

_log = structlog.get_logger("huifang.alarm")


BROKEN = (
    "change_id_reused",
    "device_copied",
    "look_missing",
    "look_altered",
    "look_repeated",
    "look_forked",
    "look_chain_unsigned",
    "photo_position",
)
"""What raises an alarm beside unusual reading (`shared.unusual.KINDS`)."""


def arrived(unit: Unit, kind: str, subject_id: str) -> None:
    """What an alarm missed has come: it is explained by itself. Harmless where there is none."""
    for table, values in unit.log:
        if table is ALARM and (values["kind"], values["subject_id"]) == (kind, subject_id):
            values["explained_at"] = unit.now_text
    alarm = ALARM.c
    unit.connection.execute(
        update(ALARM)
        .where(
            alarm.org_id == unit.org_id,
            alarm.subject_id == subject_id,
            alarm.kind == kind,
            alarm.explained_at.is_(None),
        )
        .values(explained_at=unit.now_text)
    )


def raise_alarm(
    unit: Unit, caller: Caller, kind: str, subject_id: str, detail: str | None = None
) -> None:
    """Puts an alarm on record in the unit's transaction. `detail` may hold customer data."""
    unit.append(
        ALARM,
        {
            "org_id": unit.org_id,
            "id": new_id(),
            "kind": kind,
            "raised_at": to_wire(unit.now),
            "staff_id": caller.staff_id,
            "device_id": caller.device_id,
            "subject_id": subject_id,
            "detail": detail,
        },
    )
    _log.warning(kind, subject=subject_id, device=caller.device_id)


def raise_for_device(connection: Connection, device: Device, kind: str, now: datetime) -> None:
    """Puts an alarm about a device on record, where no records are written."""
    connection.execute(
        insert(ALARM).values(
            org_id=device.org_id,
            id=new_id(),
            kind=kind,
            raised_at=to_wire(now),
            staff_id=device.staff_id,
            device_id=device.id,
            subject_id=device.id,
        )
    )
    _log.warning(kind, subject=device.id, device=device.id)
