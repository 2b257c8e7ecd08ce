"""Sealed copies of photos and documents that the server has not backed up yet: a file each, which
only the server can open (L1).

They lie beside the vault and its sealed log, and like that need no secret to be sent. A copy is a
row of sealed pieces, the head first, and an end mark: one without its end was never reported as
saved. What stands in the name is the id of the File record, which tells its holder nothing.

A file is: magic, then per piece its length, where its plain bytes begin, a checksum and the sealed
bytes; at the end a piece of length 0 that counts the others.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from mobile.store.files import ByteFile, NoRoom, VaultFiles
from shared.errors import Code, Refusal

_MAGIC = b"HFFILE01"
_FRAME = struct.Struct(">IqI")  # length, place in the plain file (-1: the head), checksum
_LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """One sealed piece: the plain bytes in it begin at `offset` (-1: the head)."""

    offset: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole sealed copy: where its pieces lie, as (offset in the plain file, place, length,
    checksum)."""

    name: str
    size: int
    pieces: tuple[tuple[int, int, int, int], ...]


class SealedFiles:
    """The sealed files of one claimed vault. Not for two tasks at once."""

    def __init__(self, files: VaultFiles, vault: str) -> None:
        self._files = files
        self._vault = vault

    async def write(self, name: str, pieces: AsyncIterator[Piece]) -> int:
        """Store a copy, in place of one that is there; on disk when this returns. Returns its
        bytes.

        Refuses `disk_full` and leaves nothing then. A kill leaves a copy without its end.
        """
        file = await self._files.sealed_file(self._vault, name)
        try:
            file.truncate(0)
            file.write(_MAGIC, 0)
            end = len(_MAGIC)
            count = 0
            async for piece in pieces:
                end, count = _put(file, end, piece), count + 1
            file.flush()
            file.write(_end_mark(count), end)  # from here on the copy is whole
            file.flush()
        except NoRoom as full:
            file.truncate(0)
            file.close()
            await self.remove(name)
            raise Refusal(Code.DISK_FULL) from full
        except BaseException:
            file.close()
            raise
        file.close()
        return end + _FRAME.size

    async def names(self) -> list[str]:
        """Names of the copies, whole or not, in order."""
        return await self._files.sealed_names(self._vault)

    async def find(self, name: str) -> Copy | None:
        """A whole copy; None where it has no end, or none was ever written."""
        if name not in await self.names():
            return None
        file = await self._files.sealed_file(self._vault, name)
        try:
            return _read(name, file)
        finally:
            file.close()

    async def piece(self, copy: Copy, offset: int) -> Piece | None:
        """The piece that holds the plain byte at `offset` (-1: the head); None where it is
        damaged, or there is none."""
        found = max((p for p in copy.pieces if p[0] <= offset), default=None)
        if found is None or (found[0] < 0) != (offset < 0):
            return None
        at, place, length, checksum = found
        file = await self._files.sealed_file(self._vault, copy.name)
        try:
            sealed = file.read(length, place)
        finally:
            file.close()
        return Piece(at, sealed) if zlib.crc32(sealed) == checksum else None

    async def remove(self, name: str) -> None:
        """Delete a copy. Harmless twice."""
        await self._files.remove_sealed(self._vault, name)


def _put(file: ByteFile, end: int, piece: Piece) -> int:
    head = _FRAME.pack(len(piece.sealed), piece.offset, zlib.crc32(piece.sealed))
    file.write(head + piece.sealed, end)
    return end + len(head) + len(piece.sealed)


def _end_mark(count: int) -> bytes:
    return _FRAME.pack(0, count, zlib.crc32(_MAGIC))


def _read(name: str, file: ByteFile) -> Copy | None:
    size, at = file.size(), len(_MAGIC)
    if file.read(at, 0) != _MAGIC:
        return None
    pieces: list[tuple[int, int, int, int]] = []
    while True:
        head = file.read(_FRAME.size, at)
        if len(head) < _FRAME.size:
            return None
        length, offset, checksum = _FRAME.unpack(head)
        at += _FRAME.size
        if length == 0:
            whole = head == _end_mark(len(pieces)) and len(pieces) > 1
            return Copy(name, size, tuple(pieces)) if whole else None
        if length > _LARGEST or at + length > size:
            return None
        pieces.append((offset, at, length, checksum))
        at += length
