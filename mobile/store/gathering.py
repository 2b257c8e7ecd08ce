"""Writes that follow one another, handed on together: SQLite's log is thousands of small ones, and
in the browser each is a call from Python into JavaScript and the file system behind it.

What was written is read back at once, and lies in the file when `flush` has returned, which is when
it is promised. In between a kill may take it, as a power cut may take what lies in any system's
cache.
"""

from __future__ import annotations

from mobile.store.files import ByteFile

MOST = 512 * 1024
"""Bytes that are gathered."""


class GatheredFile:
    """A `ByteFile` over another one."""

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        self._start = 0
        self._gathered = bytearray()

    def read(self, amount: int, offset: int) -> bytes:
        begin, end = self._start, self._start + len(self._gathered)
        if begin <= offset and offset + amount <= end:
            return bytes(self._gathered[offset - begin : offset - begin + amount])
        if not begin < offset + amount or not offset < end:
            found = self._file.read(amount, offset)
            if len(found) == amount or offset >= end:
                return found
        self._hand_on()  # the file ends before what is gathered, or the two overlap
        return self._file.read(amount, offset)

    def write(self, data: bytes, offset: int) -> None:
        """Raises `NoRoom` also where what was written before this finds no room any more. That
        stays here to be read, and is handed on when there is."""
        if self._gathered and offset != self._start + len(self._gathered):
            self._hand_on()
        if not self._gathered:
            self._start = offset
        self._gathered += data
        if len(self._gathered) >= MOST:
            try:
                self._hand_on()
            except BaseException:
                del self._gathered[-len(data) :]  # refused, and not to be tried again
                raise

    def truncate(self, size: int) -> None:
        self._hand_on()
        self._file.truncate(size)

    def flush(self) -> None:
        self._hand_on()
        self._file.flush()

    def size(self) -> int:
        gathered = self._start + len(self._gathered) if self._gathered else 0
        return max(self._file.size(), gathered)

    def close(self) -> None:
        try:
            self._hand_on()
        finally:
            self._file.close()

    def _hand_on(self) -> None:
        if self._gathered:
            self._file.write(bytes(self._gathered), self._start)
            self._gathered = bytearray()
