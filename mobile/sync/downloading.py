"""A file's content on demand: pictures that others took are fetched when someone looks at them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mobile.store.blobs import content_hash
from mobile.sync.renewing import asked, renew
from shared.entities import File
from shared.errors import Code, Refusal

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange


async def download(exchange: Exchange, file: File) -> bytes:
    """The content of `file`, from this device or from the server; kept on the device from then on.

    Refuses what the peer refuses, and `file_hash_wrong` for content that is not the file's.
    """
    here = exchange.store.blob(file.sha256)
    if here is not None:
        return here
    await renew(exchange)
    data = await asked(exchange, partial(exchange.peer.download, file.sha256, exchange.received))
    if content_hash(data) != file.sha256:
        raise Refusal(Code.FILE_HASH_WRONG)
    exchange.store.inbound.keep_file(file.id, file.media_type, data)
    return data
