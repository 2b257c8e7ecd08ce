"""The server's audit log as someone reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from shared.clock import to_wire
from sync_server.db.audit import AUDIT_ENTRY

MOST = 200
_ENTRY = AUDIT_ENTRY.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for; what is None is not asked. `below` is the number of the last entry of the
    page before."""

    action: str | None = None
    actor_id: str | None = None
    customer_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    below: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySeen:
    """One act (`db.audit`)."""

    number: int
    at: str
    action: str
    result: str
    actor_id: str | None
    via: str
    device_id: str | None
    address: str | None
    subject: str | None
    subject_id: str | None
    customer_id: str | None
    details: dict[str, str | int | bool]


def entries(connection: Connection, org_id: str, asked: Asked) -> list[EntrySeen]:
    """Entries of an organisation, the newest first."""
    query = select(*(_ENTRY[name] for name in EntrySeen.__dataclass_fields__)).where(
        _ENTRY.org_id == org_id
    )
    for name in ("action", "actor_id", "customer_id"):
        value = getattr(asked, name)
        if value is not None:
            query = query.where(_ENTRY[name] == value)
    if asked.since is not None:
        query = query.where(_ENTRY.at >= to_wire(asked.since))
    if asked.until is not None:
        query = query.where(_ENTRY.at < to_wire(asked.until))
    if asked.below is not None:
        query = query.where(_ENTRY.number < asked.below)
    rows = connection.execute(query.order_by(_ENTRY.number.desc()).limit(MOST))
    return [EntrySeen(**{**row._mapping, "details": json.loads(row.details)}) for row in rows]
