"""Photos and documents: announced, sent in parts, verified whole by their hash, and shown to
whoever holds a grant for their record (design §5, Files).

Whoever wrote a File record may bring its bytes, however late and whatever became of their access:
sending shows nobody anything (L1). Reading asks for a grant that runs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select

from shared.access import buckets_of
from shared.clock import Clock, from_wire, to_wire
from shared.declare import ENTITIES
from shared.errors import Code, Refusal
from shared.ids import is_id, new_id
from sync_server.db.accounts import EARLY_FILE, STORED_FILE, UPLOAD, upsert
from sync_server.db.base import Database
from sync_server.db.log import CHANGE_LOG
from sync_server.db.records import RECORDS, to_row
from sync_server.services.accounts import policy_of
from sync_server.services.caller import Caller
from sync_server.services.completeness import file_verified
from sync_server.services.file_store import FileStore
from sync_server.services.grants import live_grants
from sync_server.services.pictures import is_picture
from sync_server.services.writing import write

_FILE = RECORDS["file"]
_ENTITY = ENTITIES["file"]
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload under way. `arrived` is how many of its `bytes` are here."""

    id: str
    file_id: str
    sha256: str
    bytes: int
    media_type: str
    expires_at: str
    arrived: int = 0


@dataclass(frozen=True, slots=True)
class Announced:
    """What a File record says of its bytes."""

    sha256: str
    bytes: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to show, and what their record calls them."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Files:
    """The rules over the store and the database."""

    database: Database
    store: FileStore
    clock: Clock
    keep_unfinished: timedelta

    def begin(self, caller: Caller, file_id: str, sha256: str, size: int) -> Upload:
        """An upload for the bytes of a File record; the same one when asked again.

        Refuses RECORD_MISSING where the caller neither wrote nor holds such a record, FIELD_INVALID
        where it says something else of its bytes, FILE_TOO_LARGE, and RECORD_EXISTS when they are
        here already: the record then counts as verified, and there is nothing to send.
        """
        now = self.clock.now()
        if not is_id(file_id) or not _SHA256.fullmatch(sha256):
            raise Refusal(Code.MALFORMED, field="Upload-Metadata")
        with self.database.read() as connection:
            told = _announced(connection, caller, file_id, now)
            limit = policy_of(connection, caller.org_id, now).max_photo_bytes
            stored = _is_stored(connection, caller.org_id, sha256)
            readable = stored and _readable(connection, caller, sha256, now) is not None
        if (told.sha256, told.bytes) != (sha256, size):
            raise Refusal(Code.FIELD_INVALID, field="Upload-Length", wanted="as in the record")
        if size > limit:
            raise Refusal(Code.FILE_TOO_LARGE, limit=limit, length=size)
        if readable:
            self._verified(caller.org_id, file_id, now)
            raise Refusal(Code.RECORD_EXISTS, entity="file")
        return self._begun(caller, file_id, told, now)

    def find(self, caller: Caller, upload_id: str) -> Upload:
        """An upload of this device; refuses NOT_FOUND for any other, and for one whose time is
        over."""
        now = self.clock.now()
        with self.database.read() as connection:
            row = connection.execute(
                select(UPLOAD).where(
                    UPLOAD.c.org_id == caller.org_id,
                    UPLOAD.c.id == upload_id,
                    UPLOAD.c.device_id == caller.device_id,
                )
            ).first()
        arrived = self.store.arrived(upload_id) if row is not None else None
        if row is None or arrived is None or from_wire(row.expires_at) <= now:
            raise Refusal(Code.NOT_FOUND)
        return _upload(row, arrived)

    def finish(self, caller: Caller, upload: Upload) -> None:
        """All bytes are here: verify and keep them, and tell the File record and its report.

        Refuses FILE_HASH_WRONG and FILE_NOT_IMAGE; the upload is then gone, and a new one starts
        from nothing.
        """
        now = self.clock.now()
        try:
            if self.store.digest(upload.id) != upload.sha256:
                raise Refusal(Code.FILE_HASH_WRONG)
            content = self.store.content(upload.id)
            pictured = upload.media_type.startswith("image/")
            if pictured and not is_picture(content, upload.media_type):
                raise Refusal(Code.FILE_NOT_IMAGE)
        except Refusal:
            self.forget(caller, upload.id)
            raise
        self.store.keep(caller.org_id, upload.sha256, content)
        with self.database.write() as connection:
            stored = {
                "org_id": caller.org_id,
                "sha256": upload.sha256,
                "bytes": upload.bytes,
                "stored_at": to_wire(now),
            }
            early = {
                "org_id": caller.org_id,
                "file_id": upload.file_id,
                "verified_at": to_wire(now),
            }
            for table, values in ((STORED_FILE, stored), (EARLY_FILE, early)):
                connection.execute(
                    upsert(connection, table).values(values).on_conflict_do_nothing()
                )
        self.meet_records()
        self.forget(caller, upload.id)

    def forget(self, caller: Caller, upload_id: str) -> None:
        """Give an upload up. Harmless twice."""
        with self.database.write() as connection:
            connection.execute(
                delete(UPLOAD).where(
                    UPLOAD.c.org_id == caller.org_id,
                    UPLOAD.c.id == upload_id,
                    UPLOAD.c.device_id == caller.device_id,
                )
            )
        self.store.discard(upload_id)

    def read(self, caller: Caller, sha256: str) -> Content:
        """The bytes of a file. Refuses OUT_OF_SCOPE where no grant of the caller covers a record
        of that hash, whether or not there is one, and FILE_INCOMPLETE where its bytes have not
        arrived."""
        if not _SHA256.fullmatch(sha256):
            raise Refusal(Code.NOT_FOUND)
        with self.database.read() as connection:
            media_type = _readable(connection, caller, sha256, self.clock.now())
        if media_type is None:
            raise Refusal(Code.OUT_OF_SCOPE)
        data = self.store.read(caller.org_id, sha256)
        if data is None:
            raise Refusal(Code.FILE_INCOMPLETE)
        return Content(data, media_type)

    def sweep(self) -> int:
        """Forget the uploads whose time is over, and say how many."""
        with self.database.write() as connection:
            over = UPLOAD.c.expires_at <= to_wire(self.clock.now())
            ids = connection.execute(select(UPLOAD.c.id).where(over)).scalars().all()
            connection.execute(delete(UPLOAD).where(over))
        for upload_id in ids:
            self.store.discard(upload_id)
        return len(ids)

    def meet_records(self) -> int:
        """Verify the records that left quarantine after their bytes had come, and say how many."""
        early = EARLY_FILE.c
        with self.database.read() as connection:
            met = connection.execute(
                select(early.org_id, early.file_id, early.verified_at).join(
                    _FILE, and_(_FILE.c.org_id == early.org_id, _FILE.c.id == early.file_id)
                )
            ).all()
        for row in met:
            self._verified(row.org_id, row.file_id, from_wire(row.verified_at))
            with self.database.write() as connection:
                connection.execute(
                    delete(EARLY_FILE).where(
                        early.org_id == row.org_id, early.file_id == row.file_id
                    )
                )
        return len(met)

    def _begun(self, caller: Caller, file_id: str, told: Announced, now: datetime) -> Upload:
        mine = (
            UPLOAD.c.org_id == caller.org_id,
            UPLOAD.c.device_id == caller.device_id,
            UPLOAD.c.file_id == file_id,
        )
        expires_at = to_wire(now + self.keep_unfinished)
        with self.database.write() as connection:
            row = connection.execute(select(UPLOAD).where(*mine)).first()
            if row is None:
                connection.execute(
                    insert(UPLOAD).values(
                        org_id=caller.org_id,
                        id=new_id(),
                        staff_id=caller.staff_id,
                        device_id=caller.device_id,
                        file_id=file_id,
                        sha256=told.sha256,
                        bytes=told.bytes,
                        media_type=told.media_type,
                        expires_at=expires_at,
                    )
                )
            else:
                connection.execute(UPLOAD.update().where(*mine).values(expires_at=expires_at))
            row = connection.execute(select(UPLOAD).where(*mine)).one()
        self.store.begin(row.id)
        return _upload(row, self.store.arrived(row.id) or 0)

    def _verified(self, org_id: str, file_id: str, now: datetime) -> None:
        write(self.database, org_id, now, lambda unit: file_verified(unit, file_id, now))


def _upload(row: Any, arrived: int) -> Upload:
    return Upload(
        id=row.id,
        file_id=row.file_id,
        sha256=row.sha256,
        bytes=row.bytes,
        media_type=row.media_type,
        expires_at=row.expires_at,
        arrived=arrived,
    )


def _announced(connection: Connection, caller: Caller, file_id: str, now: datetime) -> Announced:
    """What the File record says that the caller wrote or holds, or that waits in quarantine by
    their hand."""
    stored = connection.execute(
        select(_FILE).where(_FILE.c.org_id == caller.org_id, _FILE.c.id == file_id)
    ).first()
    if stored is not None:
        row = to_row("file", stored)
        if row.get("created_by") != caller.staff_id and not _covered(
            connection, caller, [row], now
        ):
            raise Refusal(Code.RECORD_MISSING, entity="file")
        return Announced(row["sha256"], row["bytes"], row["media_type"])
    waiting = connection.execute(
        select(CHANGE_LOG.c.body).where(
            CHANGE_LOG.c.org_id == caller.org_id,
            CHANGE_LOG.c.staff_id == caller.staff_id,
            CHANGE_LOG.c.record_id == file_id,
            CHANGE_LOG.c.entity == "file",
            CHANGE_LOG.c.verdict == "quarantined",
        )
    ).scalar()
    if waiting is None:
        raise Refusal(Code.RECORD_MISSING, entity="file")
    fields = json.loads(waiting)["fields"]
    return Announced(fields.get("sha256"), fields.get("bytes"), str(fields.get("media_type")))


def _is_stored(connection: Connection, org_id: str, sha256: str) -> bool:
    query = select(STORED_FILE.c.bytes).where(
        STORED_FILE.c.org_id == org_id, STORED_FILE.c.sha256 == sha256
    )
    return connection.execute(query).first() is not None


def _readable(connection: Connection, caller: Caller, sha256: str, now: datetime) -> str | None:
    """Media type of a record of that hash which the caller may read now."""
    found = connection.execute(
        select(_FILE).where(_FILE.c.org_id == caller.org_id, _FILE.c.sha256 == sha256)
    )
    covered = _covered(connection, caller, [to_row("file", row) for row in found], now)
    return str(covered["media_type"]) if covered else None


def _covered(
    connection: Connection, caller: Caller, rows: list[dict[str, Any]], now: datetime
) -> dict[str, Any] | None:
    if not rows or not caller.active:
        return None
    held = {g.bucket for g in live_grants(connection, caller.org_id, caller.staff_id, now)}
    return next(
        (row for row in rows if held.intersection(map(str, buckets_of(_ENTITY, row)))), None
    )
