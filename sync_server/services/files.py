"""Photos and documents: announced, sent in parts, verified whole by their hash, and shown to
whoever holds a grant for their record (design §5, Files).

Whoever wrote a File record may bring its bytes, however late and whatever became of their access:
sending shows nobody anything (L1). Reading asks for a grant that runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import and_, delete, insert, or_, select

from shared.clock import Clock, from_wire, to_wire
from shared.errors import Code, Refusal
from shared.ids import is_id, new_id
from sync_server.db.accounts import EARLY_FILE, STORED_FILE, UPLOAD, upsert
from sync_server.db.base import Database
from sync_server.services.accounts import policy_of
from sync_server.services.alarms import raise_alarm
from sync_server.services.caller import Caller
from sync_server.services.completeness import file_verified
from sync_server.services.file_records import (
    FILE,
    Announced,
    announced,
    is_here,
    is_stored,
    readable,
)
from sync_server.services.file_store import FileStore, Whole
from sync_server.services.pictures import is_picture, names_a_place
from sync_server.services.writing import write

_log = structlog.get_logger("huifang.files")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload. `arrived` is how many of its `bytes` are here; `finished` when they were verified
    and kept."""

    id: str
    file_id: str
    sha256: str
    bytes: int
    media_type: str
    expires_at: str
    arrived: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to show, and what their record calls them."""

    whole: Whole
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
            told = announced(connection, caller, file_id, now)
            if told is None:
                raise Refusal(Code.RECORD_MISSING, entity="file")
            limit = policy_of(connection, caller.org_id, now).most_bytes(told.media_type)
            stored = is_stored(connection, caller.org_id, sha256)
            shown = stored and readable(connection, caller, sha256, now) is not None
        if (told.sha256, told.bytes) != (sha256, size):
            raise Refusal(Code.FIELD_INVALID, field="Upload-Length", wanted="as in the record")
        if size > limit:
            raise Refusal(Code.FILE_TOO_LARGE, limit=limit, length=size)
        if shown or (stored and told.here):
            self._verified(caller.org_id, file_id, now)
            raise Refusal(Code.RECORD_EXISTS, entity="file")
        upload = self.begun(caller, file_id, told)
        if upload.arrived == upload.bytes:  # the server was stopped before it could finish it
            self.finish(caller, upload)
            raise Refusal(Code.RECORD_EXISTS, entity="file")
        return upload

    def find(self, caller: Caller, upload_id: str) -> Upload:
        """An upload of this device; refuses NOT_FOUND for any other, and for one whose time is
        over. A finished one is found as well: its last answer may have been lost."""
        now = self.clock.now()
        with self.database.read() as connection:
            row = connection.execute(
                select(UPLOAD).where(
                    UPLOAD.c.org_id == caller.org_id,
                    UPLOAD.c.id == upload_id,
                    UPLOAD.c.device_id == caller.device_id,
                )
            ).first()
            here = row is not None and is_here(connection, row.org_id, row.file_id, row.sha256)
        if row is None or from_wire(row.expires_at) <= now:
            raise Refusal(Code.NOT_FOUND)
        arrived = self.store.arrived(upload_id)
        if arrived is None and not here:
            raise Refusal(Code.NOT_FOUND)
        return _upload(row, row.bytes if arrived is None else arrived, finished=arrived is None)

    def finish(self, caller: Caller, upload: Upload, *, sealed: bool = False) -> None:
        """All bytes are here: verify and keep them, and tell the File record and its report.

        Refuses FILE_HASH_WRONG, FILE_NOT_IMAGE and FILE_HAS_POSITION; the upload is then gone, and
        a new one starts from nothing. `sealed`: from a device that can't make the picture anew; one
        that names a place is kept then, and an alarm raised.
        """
        now = self.clock.now()
        try:
            if self.store.digest(upload.id) != upload.sha256:
                raise Refusal(Code.FILE_HASH_WRONG)
            if upload.media_type.startswith("image/"):
                self._check_picture(caller, upload, sealed, now)
        except Refusal as refusal:
            _log.warning(
                "file_refused",
                code=refusal.code.key,
                file=upload.file_id,
                staff=caller.staff_id,
                device=caller.device_id,
            )
            self.forget(caller, upload.id)
            raise
        self.store.keep_upload(caller.org_id, upload.sha256, upload.id)
        with self.database.write() as connection:
            stored = {
                "org_id": caller.org_id,
                "sha256": upload.sha256,
                "bytes": upload.bytes,
                "stored_at": to_wire(now),
                "staff_id": caller.staff_id,
                "device_id": caller.device_id,
            }
            early = {
                "org_id": caller.org_id,
                "file_id": upload.file_id,
                "verified_at": to_wire(now),
                "sha256": upload.sha256,
            }
            for table, values in ((STORED_FILE, stored), (EARLY_FILE, early)):
                connection.execute(
                    upsert(connection, table).values(values).on_conflict_do_nothing()
                )
            # Between the two the same content may have been swept as nobody's (`orphans`).
            if not self.store.has(caller.org_id, upload.sha256):
                self.store.keep_upload(caller.org_id, upload.sha256, upload.id)
        self.meet_records()
        for file_id in self._doubles(caller, upload.sha256):
            self._verified(caller.org_id, file_id, now)
        self.store.discard(upload.id)

    def _doubles(self, caller: Caller, sha256: str) -> list[str]:
        """Other records of the sender's with the same content: it is brought once."""
        with self.database.read() as connection:
            return list(
                connection.execute(
                    select(FILE.c.id).where(
                        FILE.c.org_id == caller.org_id,
                        FILE.c.sha256 == sha256,
                        FILE.c.created_by == caller.staff_id,
                        FILE.c.verified_at.is_(None),
                    )
                ).scalars()
            )

    def _check_picture(self, caller: Caller, upload: Upload, sealed: bool, now: datetime) -> None:
        content = self.store.content(upload.id)
        if not is_picture(content, upload.media_type):
            raise Refusal(Code.FILE_NOT_IMAGE)
        if not names_a_place(content):
            return
        with self.database.read() as connection:
            told = announced(connection, caller, upload.file_id, now)
        if told is not None and told.place_known:
            return
        if not sealed:
            raise Refusal(Code.FILE_HAS_POSITION)
        alarm = partial(
            raise_alarm, caller=caller, kind="photo_position", subject_id=upload.file_id
        )
        write(self.database, caller.org_id, now, alarm)

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
            media_type = readable(connection, caller, sha256, self.clock.now())
        if media_type is None:
            raise Refusal(Code.OUT_OF_SCOPE)
        whole = self.store.open(caller.org_id, sha256)
        if whole is None:
            raise Refusal(Code.FILE_INCOMPLETE)
        return Content(whole, media_type)

    def sweep(self) -> int:
        """Forget the uploads whose time is over, and say how many."""
        with self.database.write() as connection:
            over = UPLOAD.c.expires_at <= to_wire(self.clock.now())
            gone = connection.execute(select(UPLOAD).where(over)).all()
            connection.execute(delete(UPLOAD).where(over))
        for row in gone:
            arrived = self.store.arrived(row.id)
            self.store.discard(row.id)
            _log.info(
                "upload_swept",
                file=row.file_id,
                staff=row.staff_id,
                device=row.device_id,
                arrived=arrived,
                expired_at=row.expires_at,
            )
        self.store.clear_unfinished()
        return len(gone)

    def meet_records(self) -> int:
        """Verify the records that came after their bytes (late, or out of quarantine), and say how
        many. Only bytes with the record's own hash count."""
        early = EARLY_FILE.c
        with self.database.read() as connection:
            met = connection.execute(
                select(early.org_id, early.file_id, early.verified_at).join(
                    FILE,
                    and_(
                        FILE.c.org_id == early.org_id,
                        FILE.c.id == early.file_id,
                        or_(early.sha256.is_(None), early.sha256 == FILE.c.sha256),
                    ),
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

    def begun(self, caller: Caller, file_id: str, told: Announced) -> Upload:
        """The device's upload of that file, begun if there is none yet."""
        now = self.clock.now()
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


def _upload(row: Any, arrived: int, *, finished: bool = False) -> Upload:
    return Upload(
        id=row.id,
        file_id=row.file_id,
        sha256=row.sha256,
        bytes=row.bytes,
        media_type=row.media_type,
        expires_at=row.expires_at,
        arrived=arrived,
        finished=finished,
    )
