"""Sealed copies of photos and documents: what a device could not send before its vault was lost,
handed in piece by piece with the device's proof alone (L1).

Each piece is sealed by itself to the server's key, and bound to its device, its file and its place.
The opened bytes go the way of any upload: an upload that the device had begun with a token goes on
where it was, and the whole is verified by its hash. A file may come before its record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from sqlalchemy import select

from shared.errors import Code, Refusal
from shared.ids import is_id
from shared.wire import SEALED_FILE_HEAD, SealedFileReply, sealed_file_info
from sync_server.db.accounts import UPLOAD
from sync_server.services.accounts import policy_of
from sync_server.services.caller import Caller
from sync_server.services.epochs import org_state
from sync_server.services.erasing import of_erased
from sync_server.services.file_records import Announced, announced, came_early
from sync_server.services.file_store import close_durably, write_all
from sync_server.services.files import Files, Upload

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")


def begin_sealed(
    files: Files, key: X25519PrivateKey, caller: Caller, file_id: str, sealed: bytes
) -> SealedFileReply:
    """Take the head of a sealed copy, which says what the file is; the reply says how much of it
    is here. Refuses MALFORMED for what this server's key does not open, FIELD_INVALID where it is
    not what its record says, and FILE_TOO_LARGE."""
    told = _told(_opened(key, caller, file_id, SEALED_FILE_HEAD, sealed))
    now = files.clock.now()
    with files.database.read() as connection:
        erased = of_erased(connection, caller.org_id, file_id)
        record = announced(connection, caller, file_id, now)
        here = record.here if record else came_early(connection, caller.org_id, file_id)
        limit = policy_of(connection, caller.org_id, now).most_bytes(told.media_type)
    if erased:  # the device may let its copy go
        return _reply(files, caller, told.bytes, stored=True)
    if record is not None and (record.sha256, record.bytes) != (told.sha256, told.bytes):
        raise Refusal(Code.FIELD_INVALID, field="file.sha256", wanted="as in the record")
    if told.bytes > limit:
        raise Refusal(Code.FILE_TOO_LARGE, limit=limit, length=told.bytes)
    if here:
        return _reply(files, caller, told.bytes, stored=True)
    upload = files.begun(caller, file_id, record or told)
    return _so_far(files, caller, upload)


def append_sealed(
    files: Files,
    key: X25519PrivateKey,
    caller: Caller,
    file_id: str,
    offset: int,
    sealed: bytes,
) -> SealedFileReply:
    """Take the piece that begins at `offset`; what is here of it already is passed over. Refuses
    FILE_INCOMPLETE (with `offset`) where bytes before it are missing, NOT_FOUND where the file was
    not begun, MALFORMED, and what `Files.finish` refuses."""
    data = _opened(key, caller, file_id, offset, sealed)
    upload = _begun(files, caller, file_id)
    file = files.store.open_end(upload.id)
    try:
        here = file.tell()
        if not offset <= here <= offset + len(data):
            raise Refusal(Code.FILE_INCOMPLETE, offset=here)
        if offset + len(data) > upload.bytes:
            raise Refusal(Code.FILE_TOO_LARGE, limit=upload.bytes)
        write_all(file, data[here - offset :])
    finally:
        close_durably(file)
    return _so_far(files, caller, files.find(caller, upload.id))


def _so_far(files: Files, caller: Caller, upload: Upload) -> SealedFileReply:
    stored = upload.arrived == upload.bytes
    if stored and not upload.finished:
        files.finish(caller, upload, sealed=True)
    return _reply(files, caller, upload.arrived, stored=stored)


def _reply(files: Files, caller: Caller, arrived: int, *, stored: bool) -> SealedFileReply:
    with files.database.read() as connection:
        state = org_state(connection, caller.org_id)
    return SealedFileReply(
        arrived=arrived,
        stored=stored,
        seq=state.last_seq,
        epoch=state.epoch,
        backed_up_to=state.backed_up_to,
    )


def _begun(files: Files, caller: Caller, file_id: str) -> Upload:
    with files.database.read() as connection:
        upload_id = connection.execute(
            select(UPLOAD.c.id).where(
                UPLOAD.c.org_id == caller.org_id,
                UPLOAD.c.device_id == caller.device_id,
                UPLOAD.c.file_id == file_id,
            )
        ).scalar()
    if upload_id is None:
        raise Refusal(Code.NOT_FOUND)
    return files.find(caller, upload_id)


def _opened(
    key: X25519PrivateKey, caller: Caller, file_id: str, offset: int, sealed: bytes
) -> bytes:
    if not is_id(file_id):
        raise Refusal(Code.MALFORMED, field="file_id")
    try:
        return _SUITE.decrypt(sealed, key, info=sealed_file_info(caller.device_id, file_id, offset))
    except (InvalidTag, ValueError):
        raise Refusal(Code.MALFORMED, field="sealed", wanted="sealed to this server") from None


def _told(head: bytes) -> Announced:
    try:
        said: Mapping[str, Any] = json.loads(head)
        told = Announced(said["sha256"], said["bytes"], said["media_type"])
        sound = (
            _SHA256.fullmatch(told.sha256)
            and type(told.bytes) is int
            and told.bytes > 0
            and len(told.media_type) <= 60
            and _MEDIA_TYPE.fullmatch(told.media_type)
        )
    except (ValueError, KeyError, TypeError):
        sound = None
    if not sound:
        raise Refusal(Code.MALFORMED, field="sealed", wanted="the head of a file")
    return told
