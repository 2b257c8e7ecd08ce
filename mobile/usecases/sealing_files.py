"""Copies the bytes of unsent photos and documents into sealed files, as `sealing` does with
changes: what only the server can open outlives a forgotten PIN, the end of a grant and a wipe (L1).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from mobile.keys.port import DeviceKeys
from mobile.store import sealed_copies
from mobile.store.blobs import Blobs, Upload
from mobile.store.sealed_files import Piece, SealedFiles
from mobile.store.store import Store
from shared.wire import SEALED_FILE_HEAD, sealed_file_info


async def copy_files(
    store: Store, files: SealedFiles, keys: DeviceKeys, recipient: bytes, device_id: str
) -> None:
    """Makes the copies that are missing, each whole before the next. A kill in between makes one
    again. Refuses `disk_full`; the photo itself stays saved in the vault."""
    parts = store.parts
    here = sealed_copies.known(parts.meta)
    for upload in parts.blobs.unsent():
        if upload.file_id in here:
            continue
        pieces = _pieces(parts.blobs, upload, keys, recipient, device_id)
        size = await files.write(upload.file_id, pieces)
        with parts.commits.begin():
            sealed_copies.made(parts.meta, upload.file_id, size)


async def _pieces(
    blobs: Blobs, upload: Upload, keys: DeviceKeys, recipient: bytes, device_id: str
) -> AsyncIterator[Piece]:
    """The head and the content, part by part: never the whole in memory."""

    async def sealed(offset: int, plain: bytes) -> Piece:
        info = sealed_file_info(device_id, upload.file_id, offset)
        return Piece(offset, await keys.seal(recipient, info, plain))

    about = {"sha256": upload.sha256, "bytes": upload.bytes, "media_type": upload.media_type}
    yield await sealed(SEALED_FILE_HEAD, json.dumps(about).encode())
    offset = 0
    while data := blobs.slice(upload.sha256, offset):
        yield await sealed(offset, data)
        offset += len(data)
