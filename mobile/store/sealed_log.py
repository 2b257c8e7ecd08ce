"""The sealed outbox: an append-only file of changes that only the server can open.

It lies beside the vault and needs no secret to be read and sent, so it survives a forgotten
passphrase, the end of a grant and a remote wipe (L1), and tells its holder nothing. Two halves
take turns: what is discarded is left behind by writing the rest to the other half, whose header is
written last and so makes it valid.

A half is a header (magic, generation, first number, checksum) and frames (mark, length, number,
checksum, payload). A torn last frame was never reported as saved and is written over; damage in the
middle costs the damaged frame alone, because the next one is found by its mark and checksum.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mobile.store.files import ByteFile, LogHalf, NoRoom, VaultFiles
from mobile.store.sealed_files import SealedFiles
from shared.errors import Code, Refusal

_MAGIC = b"HFSEAL01"
_HEADER = struct.Struct(">8sQQ")
_HEADER_BYTES = _HEADER.size + 4
_MARK = b"\xf5HF\x01"
_FRAME = struct.Struct(">4sIQ")
_FRAME_BYTES = _FRAME.size + 4
_HALVES: tuple[LogHalf, LogHalf] = ("a", "b")

LARGEST_ENTRY = 8 * 1024 * 1024
"""Bytes; a longer length in a frame is damage. Photos travel as files of their own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One sealed change and its number in this log, which is never given twice."""

    seq: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class _Contents:
    """What is found in one half: its header, if it is whole, and where each good frame's payload
    lies.
    """

    generation: int
    first: int
    frames: tuple[tuple[int, int, int], ...]  # number, offset and length of the payload
    end: int
    gaps: int


class SealedLog:
    """The sealed log of one claimed vault. Not for two tasks at once; nothing in it awaits."""

    def __init__(self, files: VaultFiles, vault: str) -> None:
        """Read what is there, pass over a torn end, and forget a half-written other half."""
        self.files = SealedFiles(files, vault)  # what the changes in it name
        self._halves: dict[LogHalf, ByteFile] = {half: files.log(vault, half) for half in _HALVES}
        found = {half: _contents(file) for half, file in self._halves.items()}
        self._half: LogHalf = max(_HALVES, key=lambda half: (found[half].generation, half == "a"))
        contents = found[self._half]
        self._generation = contents.generation
        self._frames = list(contents.frames)
        self._end = contents.end
        self._next = max([contents.first, *(number + 1 for number, _, _ in self._frames)])
        self.damaged = contents.gaps
        if self._generation == 0:
            self._rescue_or_begin()
        self._empty_the_other_half()

    @property
    def _file(self) -> ByteFile:
        return self._halves[self._half]

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, sealed: bytes) -> int:
        """Store one sealed change and return its number; on disk when this returns.

        Refuses `disk_full` and leaves the log as it was. ValueError for more than `LARGEST_ENTRY`
        bytes.
        """
        if not 0 < len(sealed) <= LARGEST_ENTRY:
            raise ValueError(f"an entry has 1 to {LARGEST_ENTRY} bytes")
        number = self._next
        try:
            self._file.write(_frame(number, sealed), self._end)
            self._file.flush()
        except NoRoom as full:
            self._file.truncate(self._end)
            raise Refusal(Code.DISK_FULL) from full
        self._frames.append((number, self._end + _FRAME_BYTES, len(sealed)))
        self._end += _FRAME_BYTES + len(sealed)
        self._next = number + 1
        return number

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """What is stored, in order, from the first number above `after`; read when asked for."""
        for number, offset, length in list(self._frames):
            if number > after:
                yield Entry(number, self._file.read(length, offset))

    def discard_through(self, seq: int) -> None:
        """Delete all entries up to and including `seq`: the server has stored and backed them up.

        A kill leaves the log either as it was or as it should be. Needs room for the rest;
        harmless twice.
        """
        if not self._frames or self._frames[0][0] > seq:
            return
        self._move(list(self.entries(after=seq)), self._generation + 1)

    def _move(self, kept: list[Entry], generation: int) -> None:
        target: LogHalf = "b" if self._half == "a" else "a"
        file = self._halves[target]
        frames, end = [], _HEADER_BYTES
        try:
            file.truncate(0)
            for entry in kept:
                file.write(_frame(entry.seq, entry.sealed), end)
                frames.append((entry.seq, end + _FRAME_BYTES, len(entry.sealed)))
                end += _FRAME_BYTES + len(entry.sealed)
            file.flush()
            file.write(_header(generation, self._next), 0)  # from here on this half is the log
            file.flush()
        except NoRoom as full:
            file.truncate(0)
            raise Refusal(Code.DISK_FULL) from full
        self._half, self._generation, self._frames, self._end = target, generation, frames, end
        self._empty_the_other_half()

    def _rescue_or_begin(self) -> None:
        """Neither header is whole: a new log, or one whose header was damaged and whose frames
        count.
        """
        self._half = max(_HALVES, key=lambda half: len(_contents(self._halves[half]).frames))
        contents = _contents(self._file)
        self._frames, self._next = list(contents.frames), 1
        if self._frames:
            self._next = self._frames[-1][0] + 1
            self.damaged = contents.gaps + 1
        self._move(list(self.entries()), 1)

    def _empty_the_other_half(self) -> None:
        other = self._halves["b" if self._half == "a" else "a"]
        if other.size() > 0:
            other.truncate(0)
            other.flush()


def _header(generation: int, first: int) -> bytes:
    head = _HEADER.pack(_MAGIC, generation, first)
    return head + zlib.crc32(head).to_bytes(4, "big")


def _frame(number: int, sealed: bytes) -> bytes:
    head = _FRAME.pack(_MARK, len(sealed), number)
    return head + zlib.crc32(sealed, zlib.crc32(head)).to_bytes(4, "big") + sealed


def _contents(file: ByteFile) -> _Contents:
    """Read one half from end to end. Generation 0 means that its header is missing or damaged."""
    data = file.read(file.size(), 0)
    generation, first = 0, 1
    head = data[: _HEADER.size]
    if len(data) >= _HEADER_BYTES and data[:_HEADER_BYTES] == head + zlib.crc32(head).to_bytes(
        4, "big"
    ):
        magic, generation, first = _HEADER.unpack(head)
        generation = generation if magic == _MAGIC else 0
    frames: list[tuple[int, int, int]] = []
    gaps, end = 0, _HEADER_BYTES
    at = data.find(_MARK, _HEADER_BYTES)
    while at >= 0:
        frame = _frame_at(data, at)
        if frame is None:
            at = data.find(_MARK, at + 1)
            continue
        gaps += at != end
        frames.append(frame)
        end = frame[1] + frame[2]
        at = data.find(_MARK, end)
    return _Contents(generation, first, tuple(frames), end, gaps)


def _frame_at(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Number, offset and length of the payload of a whole frame at `at`; None if it is not one."""
    head = data[at : at + _FRAME.size]
    if len(data) < at + _FRAME_BYTES:
        return None
    _, length, number = _FRAME.unpack(head)
    start = at + _FRAME_BYTES
    if not 0 < length <= LARGEST_ENTRY or start + length > len(data):
        return None
    checksum = int.from_bytes(data[at + _FRAME.size : start], "big")
    if zlib.crc32(memoryview(data)[start : start + length], zlib.crc32(head)) != checksum:
        return None
    return number, start, length
