"""Third step: bytes of photos and documents, resumable part by part (tus 1.0). The device keeps
its copy until the server has taken the last part, which it does when the whole has the right hash.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mobile.store.blobs import Upload
from mobile.sync.renewing import asked
from mobile.sync.report import Progress
from shared.errors import Code, Refusal

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange


async def upload(exchange: Exchange) -> None:
    """Send what the server has not yet. A file that is refused is marked with the code and does
    not hold up the others; the first such refusal is raised at the end."""
    uploads = exchange.store.inbound.unsent_files()
    total, trouble = sum(u.bytes for u in uploads), None
    done = 0
    for upload in uploads:
        try:
            await _one(exchange, upload, done, total)
            exchange.report.files += 1
        except Refusal as refusal:
            if refusal.code in (Code.OFFLINE, Code.CUT_SHORT) or refusal.code.status >= 500:
                raise
            exchange.store.inbound.upload_held(upload.sha256, refusal.code)
            trouble = trouble or refusal
        done += upload.bytes
    if trouble is not None:
        raise trouble


async def _one(exchange: Exchange, upload: Upload, done: int, total: int) -> None:
    inbound, blobs = exchange.store.inbound, exchange.store.parts.blobs
    begun = await _begun(exchange, upload)
    if begun is not None:
        address, sent = begun
        exchange.tell(Progress("uploading", done + sent, total))
        while sent < upload.bytes:
            data = blobs.slice(upload.sha256, sent)
            send = partial(exchange.peer.upload_part, address, sent, data)
            sent = await asked(exchange, send)
            inbound.uploaded(upload.sha256, sent, address)
            exchange.tell(Progress("uploading", done + sent, total))
    inbound.upload_verified(upload.sha256)


async def _begun(exchange: Exchange, upload: Upload) -> tuple[str, int] | None:
    """The upload's address and how far it is; None where the server has the whole already."""
    peer = exchange.peer
    if upload.address is not None:
        offset = await asked(exchange, partial(peer.upload_offset, upload.address))
        if offset is not None and offset < upload.bytes:
            return upload.address, offset
    begin = partial(
        peer.begin_upload, upload.sha256, upload.file_id, upload.bytes, upload.media_type
    )
    try:
        address = await asked(exchange, begin)
    except Refusal as refusal:
        if refusal.code is not Code.RECORD_EXISTS:
            raise
        return None
    # The server may know this upload from a begin whose answer was lost.
    offset = await asked(exchange, partial(peer.upload_offset, address))
    exchange.store.inbound.uploaded(upload.sha256, offset or 0, address)
    return address, offset or 0
