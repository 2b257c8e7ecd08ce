"""Do file records, the table of stored files, and the disk say the same?"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sync_server.db.accounts import STORED_FILE
from sync_server.db.records import RECORDS
from sync_server.services.file_store import FileStore

SAMPLE = 200


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """`missing`: of those looked at on the disk, how many are not there; `lost`: records that say
    verified and have no bytes; `unclaimed`: bytes that no record names."""

    stored: int
    looked_at: int
    missing: int
    lost: int
    unclaimed: int


def look_at_files(
    connection: Connection, files: FileStore, *, thorough: bool = False
) -> StoredFiles:
    """Reads names and sizes alone. `thorough` looks for every file on the disk."""
    record, stored = RECORDS["file"].c, STORED_FILE.c
    named = select(record.sha256).where(
        record.org_id == stored.org_id, record.sha256 == stored.sha256
    )
    kept = select(stored.sha256).where(
        stored.org_id == record.org_id, stored.sha256 == record.sha256
    )
    names = select(stored.org_id, stored.sha256).order_by(stored.sha256)
    looked = connection.execute(names if thorough else names.limit(SAMPLE)).all()
    return StoredFiles(
        stored=_count(connection, select(func.count()).select_from(STORED_FILE)),
        looked_at=len(looked),
        missing=sum(not files.has(org_id, sha256) for org_id, sha256 in looked),
        lost=_count(
            connection,
            select(func.count())
            .select_from(RECORDS["file"])
            .where(record.verified_at.is_not(None), ~kept.exists()),
        ),
        unclaimed=_count(
            connection, select(func.count()).select_from(STORED_FILE).where(~named.exists())
        ),
    )


def _count(connection: Connection, query: object) -> int:
    return int(connection.execute(query).scalar_one())  # type: ignore[call-overload]  # a select of this module
