"""Bytes of photos and documents, in the encrypted vault, by the SHA-256 of their content.

They lie in parts, so that an upload reads one part at a time. The device keeps its copy until the
server has verified the whole by its hash (design §5, Files).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import apsw

from mobile.store.sql import first, rows

PART_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way: `sent` of its `bytes` are at the server's `address` (None: not begun).
    `code` says why the last try went no further."""

    sha256: str
    file_id: str
    bytes: int
    media_type: str
    sent: int
    address: str | None
    code: str | None = None


def content_hash(data: bytes) -> str:
    """The name of a file's content: its SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


_FORGET = """
    DELETE FROM blob WHERE verified = 1
    AND NOT EXISTS (
        SELECT 1 FROM outbox o WHERE o.entity = 'file' AND o.record_id = blob.file_id)
    AND NOT EXISTS (SELECT 1 FROM server_row s WHERE s.entity = 'file' AND s.id = blob.file_id)
    AND NOT EXISTS (SELECT 1 FROM pending_row p WHERE p.entity = 'file' AND p.id = blob.file_id)
    AND file_id NOT IN (SELECT value FROM json_each(?))
"""


_DOUBLES = """
    SELECT b.sha256, min(o.record_id) FROM outbox o
    JOIN blob b ON b.sha256 = json_extract(o.change, '$.fields.sha256')
    WHERE o.entity = 'file' AND o.record_id <> b.file_id AND b.verified = 1
    AND coalesce(o.verdict, '') <> 'rejected'
    AND NOT EXISTS (
        SELECT 1 FROM server_row s WHERE s.entity = 'file' AND s.id = o.record_id
        AND json_extract(s.body, '$.verified_at') IS NOT NULL)
    AND EXISTS (SELECT 1 FROM server_row s WHERE s.entity = 'file' AND s.id = o.record_id)
    GROUP BY b.sha256
"""


class Blobs:
    """The file contents of one open vault. Writing happens inside the caller's transaction."""

    def __init__(self, db: apsw.Connection, readable: Callable[[str, str], bool]) -> None:
        """`readable` says whether (entity, id) may be read now."""
        self._db = db
        self._readable = readable

    def add(self, file_id: str, media_type: str, data: bytes, *, verified: bool) -> str:
        """Store the content of file record `file_id`; returns its SHA-256 (hex). Harmless twice."""
        sha256 = content_hash(data)
        known = self._db.execute("SELECT 1 FROM blob WHERE sha256 = ?", (sha256,)).get
        if known is None:
            self._db.execute(
                "INSERT INTO blob (sha256, file_id, bytes, media_type, verified)"
                " VALUES (?, ?, ?, ?, ?)",
                (sha256, file_id, len(data), media_type, verified),
            )
            self._db.executemany(
                "INSERT INTO blob_part VALUES (?, ?, ?)",
                (
                    (sha256, no, data[start : start + PART_BYTES])
                    for no, start in enumerate(range(0, len(data), PART_BYTES))
                ),
            )
        return sha256

    def file_of(self, sha256: str) -> str:
        """Id of the file record that the content came with."""
        found: str = first(self._db, "SELECT file_id FROM blob WHERE sha256 = ?", (sha256,))[0]
        return found

    def get(self, sha256: str) -> bytes | None:
        """The content, or None where it is not on this device or its file may not be read now."""
        file_id = self._db.execute("SELECT file_id FROM blob WHERE sha256 = ?", (sha256,)).get
        if file_id is None or not self._readable("file", file_id):
            return None
        parts = self._db.execute(
            "SELECT data FROM blob_part WHERE sha256 = ? ORDER BY no", (sha256,)
        )
        return b"".join(data for (data,) in parts)

    def unsent(self) -> list[Upload]:
        """What the server has not verified yet, in the order of making."""
        unsent = rows(
            self._db,
            "SELECT sha256, file_id, bytes, media_type, sent, upload, held_by FROM blob"
            " WHERE verified = 0 ORDER BY file_id",
        )
        return [Upload(*row) for row in unsent]

    def slice(self, sha256: str, start: int, most: int = PART_BYTES) -> bytes:
        """At most `most` bytes from `start`, never beyond the part that holds it; for uploads,
        not for screens."""
        no, skip = divmod(start, PART_BYTES)
        data = self._db.execute(
            "SELECT data FROM blob_part WHERE sha256 = ? AND no = ?", (sha256, no)
        ).get
        return bytes(data[skip : skip + most]) if data is not None else b""

    def progress(self, sha256: str, sent: int, address: str) -> None:
        """The server has `sent` bytes at `address`."""
        self._db.execute(
            "UPDATE blob SET sent = ?, upload = ?, held_by = NULL WHERE sha256 = ?",
            (sent, address, sha256),
        )

    def held(self, sha256: str, code: str) -> None:
        """An upload that was refused with `code`; it is tried again."""
        self._db.execute("UPDATE blob SET held_by = ? WHERE sha256 = ?", (code, sha256))

    def settle_verified(self) -> list[str]:
        """Mark the contents that the server has verified, as their file's row says; returns the
        files' ids."""
        found = rows(
            self._db,
            "UPDATE blob SET verified = 1, sent = bytes, upload = NULL, held_by = NULL"
            " WHERE verified = 0 AND EXISTS (SELECT 1 FROM server_row s WHERE s.entity = 'file'"
            " AND s.id = blob.file_id AND json_extract(s.body, '$.verified_at') IS NOT NULL)"
            " RETURNING file_id",
        )
        return [file_id for (file_id,) in found]

    def verified(self, sha256: str) -> None:
        """The server has all of it, and its hash is right."""
        self._db.execute(
            "UPDATE blob SET verified = 1, sent = bytes, upload = NULL, held_by = NULL"
            " WHERE sha256 = ?",
            (sha256,),
        )

    def send_again(self, lost: Iterable[str] = ()) -> None:
        """Count contents as unsent whose file records are unsent again (a restored server), and
        those of the files `lost`: no backup held them."""
        self._db.execute(
            "UPDATE blob SET verified = 0, sent = 0, upload = NULL WHERE file_id IN"
            " (SELECT record_id FROM outbox WHERE entity = 'file' AND verdict IS NULL)"
            " OR file_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(lost)),),
        )

    def of(self, file_id: str) -> bool | None:
        """Whether the server has verified a file's content; None where it is not here."""
        found = self._db.execute("SELECT verified FROM blob WHERE file_id = ?", (file_id,)).get
        return None if found is None else bool(found)

    def doubles(self) -> list[tuple[str, str]]:
        """(hash, file) of records whose content came with an earlier record and was sent: they
        are still to be announced."""
        return list(rows(self._db, _DOUBLES))

    def announce_as(self, sha256: str, file_id: str) -> None:
        """Send the content anew as that of another record; the server has the bytes."""
        self._db.execute(
            "UPDATE blob SET file_id = ?, verified = 0, sent = 0, upload = NULL WHERE sha256 = ?",
            (file_id, sha256),
        )

    def forget_unreferenced(self, but: Iterable[str] = ()) -> bool:
        """Delete verified contents whose file record is on this device no more, and backed up;
        not those of the files in `but`. Whether there were any."""
        self._db.execute(_FORGET, (json.dumps(list(but)),))
        gone = self._db.changes() > 0
        self._db.execute("DELETE FROM blob_part WHERE sha256 NOT IN (SELECT sha256 FROM blob)")
        return gone
