"""Sealed copies of files: handed in where the vault that made them is gone, and deleted once the
server has backed up what is in them.

What this vault knows itself goes up as an ordinary upload; its copies only wait for the backup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobile.store import sealed_copies
from mobile.store.meta import (
    BACKED_UP_TO,
    DEVICE_ID,
    HANDED_IN_FILES,
    OUTBOX_EPOCH,
)
from mobile.store.sealed_files import Copy, SealedFiles
from mobile.sync.peer import Peer
from shared.errors import Code, Refusal
from shared.wire import SEALED_FILE_HEAD, SealedFileReply

if TYPE_CHECKING:
    from mobile.sync.engine import Exchange

HandedIn = dict[str, tuple[int, str]]
"""Copies that the server has, by file: from which of its numbers on, and of which epoch. JSON makes
lists of the pairs."""

_STAYS = frozenset(
    {Code.MALFORMED, Code.FIELD_INVALID, Code.FILE_TOO_LARGE, Code.FILE_HASH_WRONG}
    | {Code.FILE_NOT_IMAGE, Code.NOT_FOUND, Code.FILE_INCOMPLETE}
)
"""What is wrong with one copy and holds up no other."""


async def hand_in_file(
    peer: Peer, files: SealedFiles, copy: Copy, device_id: str
) -> SealedFileReply | None:
    """Send one copy from where the server is; needs the device's key and no vault. None where a
    piece of it is damaged. Refuses what the server does."""
    head = await files.piece(copy, SEALED_FILE_HEAD)
    if head is None:
        return None
    reply = await peer.begin_sealed_file(device_id, copy.name, head.sealed)
    while not reply.stored:
        piece = await files.piece(copy, reply.arrived)
        if piece is None:
            return None
        before = reply.arrived
        reply = await peer.append_sealed_file(device_id, copy.name, piece.offset, piece.sealed)
        if not reply.stored and reply.arrived <= before:
            return None
    return reply


async def hand_in_files(
    peer: Peer, files: SealedFiles, device_id: str, *, without: frozenset[str] = frozenset()
) -> dict[str, SealedFileReply]:
    """Send every whole copy but those named; what became of each that the server has. Harmless
    twice. Copies without an end were never said to be saved, and are deleted."""
    done: dict[str, SealedFileReply] = {}
    for name in await files.names():
        if name in without:
            continue
        copy = await files.find(name)
        if copy is None:
            await files.remove(name)
            continue
        try:
            reply = await hand_in_file(peer, files, copy, device_id)
        except Refusal as refusal:
            if refusal.code not in _STAYS:
                raise
            continue
        if reply is not None:
            done[name] = reply
    return done


async def settle_files(exchange: Exchange, files: SealedFiles) -> None:
    """Delete what is backed up, and hand in what an earlier vault left."""
    parts = exchange.store.parts
    names = await files.names()
    if not names:
        return
    own = sealed_copies.known(parts.meta)
    exchange.store.inbound.copies_verified()
    for name in sealed_copies.free(parts.meta):
        await files.remove(name)
        exchange.store.inbound.copy_removed(name)
    if set(names) - own:
        await _hand_in_foreign(exchange, files, own)


async def _hand_in_foreign(exchange: Exchange, files: SealedFiles, own: set[str]) -> None:
    meta = exchange.store.parts.meta
    here = await hand_in_left(
        exchange.peer,
        files,
        meta.get(DEVICE_ID),
        meta.get(HANDED_IN_FILES) or {},
        epoch=meta.get(OUTBOX_EPOCH),
        reach=meta.get(BACKED_UP_TO, 0),
        without=frozenset(own),
    )
    with exchange.store.parts.commits.begin():
        meta.put(HANDED_IN_FILES, here or None)


async def hand_in_left(
    peer: Peer,
    files: SealedFiles,
    device_id: str,
    known: HandedIn,
    *,
    epoch: str | None,
    reach: int,
    without: frozenset[str] = frozenset(),
) -> HandedIn:
    """Hand in the copies that nobody else sees to, and delete those that a backup which reaches to
    `reach` of `epoch` holds. `known` is what this returned the last time; needs no vault. Refuses
    what the server does; what had gone up until then is asked for again."""
    here = {name: noted for name, noted in known.items() if noted[1] == epoch}
    replies = await hand_in_files(peer, files, device_id, without=without | set(here))
    here |= {name: (reply.seq, reply.epoch) for name, reply in replies.items()}
    for name in [name for name, (seq, _) in here.items() if seq <= reach]:
        await files.remove(name)
        del here[name]
    return here
