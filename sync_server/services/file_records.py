"""What the records say of a file: who announced which bytes, whether they are here, and who may
read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from shared.access import buckets_of
from shared.declare import ENTITIES
from sync_server.db.accounts import EARLY_FILE, STORED_FILE
from sync_server.db.log import CHANGE_LOG
from sync_server.db.records import RECORDS, to_row
from sync_server.services.caller import Caller
from sync_server.services.grants import live_grants

FILE = RECORDS["file"]
_ENTITY = ENTITIES["file"]
_KEPT_UNAPPLIED = ("quarantined", "rejected")


@dataclass(frozen=True, slots=True)
class Announced:
    """What a File record says of its bytes. `place_known`: the visit that it belongs to has its
    position on record, so that the picture tells nothing new. `here`: they were verified."""

    sha256: str
    bytes: int
    media_type: str
    place_known: bool = False
    here: bool = False


def announced(
    connection: Connection, caller: Caller, file_id: str, now: datetime
) -> Announced | None:
    """What the File record says that the caller wrote or holds, or that was kept unapplied (in
    quarantine, or rejected) from their hand; None where there is none."""
    stored = connection.execute(
        select(FILE).where(FILE.c.org_id == caller.org_id, FILE.c.id == file_id)
    ).first()
    if stored is not None:
        row = to_row("file", stored)
        if row.get("created_by") != caller.staff_id and not _covered(
            connection, caller, [row], now
        ):
            return None
        here = row.get("verified_at") is not None
        place = _place_known(connection, caller, row.get("visit_id"))
        return Announced(row["sha256"], row["bytes"], row["media_type"], place, here)
    kept = connection.execute(
        select(CHANGE_LOG.c.body).where(
            CHANGE_LOG.c.org_id == caller.org_id,
            CHANGE_LOG.c.staff_id == caller.staff_id,
            CHANGE_LOG.c.record_id == file_id,
            CHANGE_LOG.c.entity == "file",
            CHANGE_LOG.c.verdict.in_(_KEPT_UNAPPLIED),
        )
    ).scalar()
    if kept is None:
        return None
    fields = json.loads(kept)["fields"]
    told = fields.get("sha256"), fields.get("bytes"), str(fields.get("media_type"))
    return Announced(*told, here=came_early(connection, caller.org_id, file_id))


def _place_known(connection: Connection, caller: Caller, visit_id: str | None) -> bool:
    visit = RECORDS["visit"]
    query = select(visit.c.position).where(
        visit.c.org_id == caller.org_id, visit.c.id == visit_id, visit.c.position.is_not(None)
    )
    return visit_id is not None and connection.execute(query).first() is not None


def came_early(connection: Connection, org_id: str, file_id: str) -> bool:
    """Whether the bytes of a file are here whose record is not."""
    query = select(EARLY_FILE.c.file_id).where(
        EARLY_FILE.c.org_id == org_id, EARLY_FILE.c.file_id == file_id
    )
    return connection.execute(query).first() is not None


def is_here(connection: Connection, org_id: str, file_id: str, sha256: str) -> bool:
    """Whether the content of a file was verified, whether or not its record has come."""
    query = select(FILE.c.id).where(
        FILE.c.org_id == org_id,
        FILE.c.id == file_id,
        FILE.c.sha256 == sha256,
        FILE.c.verified_at.is_not(None),
    )
    return connection.execute(query).first() is not None or came_early(connection, org_id, file_id)


def is_stored(connection: Connection, org_id: str, sha256: str) -> bool:
    """Whether bytes of that hash are here, whoever brought them."""
    query = select(STORED_FILE.c.bytes).where(
        STORED_FILE.c.org_id == org_id, STORED_FILE.c.sha256 == sha256
    )
    return connection.execute(query).first() is not None


def readable(connection: Connection, caller: Caller, sha256: str, now: datetime) -> str | None:
    """Media type of a record of that hash which the caller may read now."""
    found = connection.execute(
        select(FILE).where(FILE.c.org_id == caller.org_id, FILE.c.sha256 == sha256)
    )
    covered = _covered(connection, caller, [to_row("file", row) for row in found], now)
    return str(covered["media_type"]) if covered else None


def _covered(
    connection: Connection, caller: Caller, rows: list[dict[str, Any]], now: datetime
) -> dict[str, Any] | None:
    if not rows or not caller.active:
        return None
    lie_in = [{str(bucket) for bucket in buckets_of(_ENTITY, row)} for row in rows]
    asked = set().union(*lie_in)
    live = live_grants(connection, caller.org_id, caller.staff_id, now, asked)
    held = {grant.bucket for grant in live}
    return next((row for row, buckets in zip(rows, lie_in, strict=True) if buckets & held), None)
