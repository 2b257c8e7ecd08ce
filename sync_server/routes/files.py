"""Resumable uploads (tus 1.0 with creation, checksum, expiration and termination) and downloads.

A core of our own rather than `tuspyserver`: its 4.4.3 writes the body of a PATCH before its `auth`
dependency runs, answers 204 when the disk is full, does not know checksums, lets whoever knows an
id concatenate or delete another's upload, and keeps state in a sidecar that a power cut parts from
the bytes. Here the length of the file is the offset.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from email.utils import format_datetime
from io import FileIO
from typing import Annotated

from anyio import CancelScope, to_thread
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from shared.clock import from_wire
from shared.errors import Code, Refusal
from sync_server.routes.answers import SIGNED_IN, documented, reply
from sync_server.routes.caller import ActiveCaller, AnyCaller, TheServer
from sync_server.services.file_store import close_durably, write_all
from sync_server.services.files import Upload
from sync_server.services.pictures import FORMATS

router = APIRouter(prefix="/v1/files", tags=["files"])

TUS = "1.0.0"
EXTENSIONS = "creation,checksum,expiration,termination"
_CHUNK = "application/offset+octet-stream"
_HEADERS = {"Tus-Resumable": TUS, "Cache-Control": "no-store"}

Version = Annotated[str, Header(alias="Tus-Resumable", description="1.0.0")]


@router.options("", status_code=204, include_in_schema=False)
def abilities() -> Response:
    """What this server knows of tus."""
    return Response(
        status_code=204,
        headers={
            **_HEADERS,
            "Tus-Version": TUS,
            "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": "sha256",
        },
    )


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses=documented(
        *SIGNED_IN,
        Code.MALFORMED,
        Code.RECORD_MISSING,
        Code.RECORD_EXISTS,
        Code.FIELD_INVALID,
        Code.FILE_TOO_LARGE,
    ),
)
def announce(
    caller: AnyCaller,
    server: TheServer,
    tus_resumable: Version,
    upload_length: Annotated[int, Header(ge=1)],
    upload_metadata: Annotated[
        str, Header(description="`file_id` and `sha256` (hex), each base64 as tus wants it.")
    ],
) -> Response:
    """Announce the bytes of a File record. `record_exists`: they are here already, nothing is to
    be sent."""
    _know(tus_resumable)
    told = _metadata(upload_metadata)
    upload = server.files.begin(
        caller, told.get("file_id", ""), told.get("sha256", ""), upload_length
    )
    location = f"{router.prefix}/uploads/{upload.id}"
    return Response(status_code=201, headers={**_state(upload), "Location": location})


@router.head(
    "/uploads/{upload_id}",
    response_class=Response,
    responses=documented(
        *SIGNED_IN, Code.MALFORMED, Code.NOT_FOUND, Code.FILE_HASH_WRONG, Code.FILE_NOT_IMAGE
    ),
)
def progress(
    upload_id: str, caller: AnyCaller, server: TheServer, tus_resumable: Version
) -> Response:
    """How much of an upload has arrived (`Upload-Offset`). One that arrived whole just before the
    server was stopped is finished here, as its device would ask no more."""
    _know(tus_resumable)
    upload = server.files.find(caller, upload_id)
    if upload.arrived == upload.bytes and not upload.finished:
        server.files.finish(caller, upload)
    return Response(headers=_state(upload))


@router.patch(
    "/uploads/{upload_id}",
    status_code=204,
    response_class=Response,
    responses=documented(
        *SIGNED_IN,
        Code.MALFORMED,
        Code.NOT_FOUND,
        Code.FILE_INCOMPLETE,
        Code.FILE_TOO_LARGE,
        Code.FILE_HASH_WRONG,
        Code.FILE_NOT_IMAGE,
        Code.FILE_HAS_POSITION,
        Code.SERVER_BUSY,
        Code.DISK_FULL,
    ),
)
async def append(
    upload_id: str,
    request: Request,
    caller: AnyCaller,
    server: TheServer,
    tus_resumable: Version,
    upload_offset: Annotated[int, Header(ge=0)],
    upload_checksum: Annotated[str | None, Header(description="`sha256 <base64>`")] = None,
) -> Response:
    """Send bytes from `Upload-Offset` on. `file_incomplete`: that is not where the server is (ask
    with HEAD).

    After the last byte the whole is verified; `file_hash_wrong`, `file_not_image` and
    `file_has_position` discard it.
    """
    _know(tus_resumable)
    if request.headers.get("content-type") != _CHUNK:
        raise Refusal(Code.MALFORMED, field="Content-Type", wanted=_CHUNK)
    wanted = _checksum(upload_checksum)
    files = server.files
    upload = await to_thread.run_sync(files.find, caller, upload_id)
    file = await to_thread.run_sync(files.store.open_end, upload_id)
    try:
        before = file.tell()
        if before != upload_offset:
            raise Refusal(Code.FILE_INCOMPLETE, offset=before)
        if not await _receive(request, file, upload.bytes - before, wanted):
            return _mismatch()
    finally:
        with CancelScope(shield=True):  # also when the connection broke: what came is kept
            await to_thread.run_sync(close_durably, file)
    now = await to_thread.run_sync(files.find, caller, upload_id)
    if now.arrived == now.bytes and not now.finished:
        await to_thread.run_sync(files.finish, caller, now)
    return Response(status_code=204, headers=_state(now))


@router.delete(
    "/uploads/{upload_id}",
    status_code=204,
    response_class=Response,
    responses=documented(*SIGNED_IN, Code.MALFORMED, Code.NOT_FOUND),
)
def give_up(
    upload_id: str, caller: AnyCaller, server: TheServer, tus_resumable: Version
) -> Response:
    """Discard an upload."""
    _know(tus_resumable)
    server.files.find(caller, upload_id)
    server.files.forget(caller, upload_id)
    return Response(status_code=204, headers=_HEADERS)


@router.get(
    "/{sha256}",
    response_class=Response,
    responses={
        **documented(*SIGNED_IN, Code.OUT_OF_SCOPE, Code.NOT_FOUND, Code.FILE_INCOMPLETE),
        200: {"description": "The bytes.", "content": {"application/octet-stream": {}}},
    },
)
def download(sha256: str, caller: ActiveCaller, server: TheServer) -> Response:
    """The bytes of a file whose record one of the caller's grants covers."""
    content = server.files.read(caller, sha256)
    shown = content.media_type in FORMATS
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": "inline" if shown else "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    media_type = content.media_type if shown else "application/octet-stream"
    headers["Content-Length"] = str(content.whole.length)
    return StreamingResponse(content.whole.pieces, media_type=media_type, headers=headers)


async def _receive(request: Request, file: FileIO, room: int, wanted: bytes | None) -> bool:
    """Write the body behind what is there. False where it does not have the checksum that it
    came with; then, and when it is too long, nothing of it stays. What a broken connection
    brought stays, if it can't be judged."""
    before, written, found = file.tell(), 0, hashlib.sha256()
    try:
        async for piece in request.stream():
            if written + len(piece) > room:
                raise Refusal(Code.FILE_TOO_LARGE, limit=before + room)
            await to_thread.run_sync(write_all, file, piece)
            written += len(piece)
            found.update(piece)
    except (ClientDisconnect, Refusal) as broken:
        if wanted is not None or isinstance(broken, Refusal):
            file.truncate(before)
        raise
    if wanted is not None and not hmac.compare_digest(found.digest(), wanted):
        file.truncate(before)
        return False
    return True


def _know(version: str) -> None:
    if version != TUS:
        raise Refusal(Code.MALFORMED, field="Tus-Resumable", wanted=TUS)


def _state(upload: Upload) -> dict[str, str]:
    return {
        **_HEADERS,
        "Upload-Offset": str(upload.arrived),
        "Upload-Length": str(upload.bytes),
        "Upload-Expires": format_datetime(from_wire(upload.expires_at), usegmt=True),
    }


def _metadata(text: str) -> dict[str, str]:
    try:
        pairs = (pair.strip().split(" ") for pair in text.split(","))
        return {name: base64.b64decode(value, validate=True).decode() for name, value in pairs}
    except (ValueError, binascii.Error) as bad:
        raise Refusal(Code.MALFORMED, field="Upload-Metadata") from bad


def _checksum(text: str | None) -> bytes | None:
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        digest = b""
    if algorithm != "sha256" or len(digest) != 32:
        raise Refusal(Code.MALFORMED, field="Upload-Checksum", wanted="sha256")
    return digest


def _mismatch() -> Response:
    answer = reply(Code.FILE_HASH_WRONG)
    answer.status_code = 460  # tus 1.0, checksum
    return answer
