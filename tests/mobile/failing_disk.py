"""A disk whose power can be cut before any change of a file, for tests of what is left then."""

from __future__ import annotations

from mobile.store.files import ByteFile
from mobile.store.pool import MemoryDisk, MemoryFile, MemoryFiles

WHAT_A_CUT_KEEPS = ("all writes", "flushed writes", "flushed writes and the last one")
"""A disk may have written everything, only what was flushed, or later writes before earlier ones.
"""


class PowerCut(Exception):
    """Raised in the place of the change that did not happen any more."""


class FailingDisk(MemoryDisk):
    """Counts writes, truncations and flushes, and cuts the power when none are left."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: dict[str, bytes] = {}
        self.last_write: tuple[str, bytes, int] | None = None
        self.steps_left: int | None = None

    def step(self) -> None:
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise PowerCut

    def after_the_cut(self, kept: str) -> MemoryDisk:
        """What the next start finds."""
        if kept == "all writes":
            return MemoryDisk(self.files)
        found = MemoryDisk(self.flushed)
        if kept == "flushed writes and the last one" and self.last_write is not None:
            name, data, offset = self.last_write
            MemoryFile(found, name).write(data, offset)
        return found


class FailingFile(MemoryFile):
    def __init__(self, disk: FailingDisk, name: str) -> None:
        super().__init__(disk, name)
        self._failing = disk
        self._name = name

    def write(self, data: bytes, offset: int) -> None:
        self._failing.step()
        super().write(data, offset)
        self._failing.last_write = (self._name, bytes(data), offset)

    def truncate(self, size: int) -> None:
        self._failing.step()
        super().truncate(size)

    def flush(self) -> None:
        self._failing.step()
        self._failing.flushed[self._name] = bytes(self._data)
        if self._failing.last_write is not None and self._failing.last_write[0] == self._name:
            self._failing.last_write = None


class FailingFiles(MemoryFiles):
    def __init__(self, disk: FailingDisk) -> None:
        super().__init__(disk=disk)
        self._failing = disk

    def _open(self, name: str) -> ByteFile:
        return FailingFile(self._failing, name)
