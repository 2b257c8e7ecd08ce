"""A phone's disk in memory: it fills up, its power is cut before any change of a file, and after
a cut it has kept what a real one may have kept."""

from __future__ import annotations

from random import Random

from mobile.store.files import ByteFile, NoRoom
from mobile.store.pool import MemoryDisk, MemoryFile, MemoryFiles

CUTS = ("every write", "flushed writes", "flushed writes and some more", "a torn last write")
"""What the next start finds: a disk may have written everything, only what was flushed, later
writes before earlier ones, or a piece of the last."""

_Change = tuple[str, int, bytes, bytes | None]
"""File, offset, what stood there, what was written (None: the file was cut off there)."""


class PowerCut(Exception):
    """Raised in the place of the change that did not happen any more."""


class SimDisk(MemoryDisk):
    """Counts writes, truncations and flushes; `steps_left` None: the power stays."""

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        super().__init__(contents)
        self.steps_left: int | None = None
        self.full_after: int | None = None  # writes until the disk is full; None: it has room
        self.dead = False
        self.closed = False  # after the cut nothing that is still running may write or complain
        self.unflushed: list[_Change] = []

    def step(self) -> None:
        """One change of a file, or of the keys beside them."""
        if self.dead:
            raise PowerCut
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                self.dead = True
                raise PowerCut

    def take_room(self) -> None:
        """Refuses (`NoRoom`) once the disk is full."""
        if self.full_after is not None:
            if self.full_after <= 0:
                raise NoRoom
            self.full_after -= 1

    def flushed(self, name: str) -> None:
        self.unflushed = [change for change in self.unflushed if change[0] != name]

    def after_the_cut(self, kept: str, chance: Random) -> SimDisk:
        """What the next start finds."""
        left = {name: bytearray(data) for name, data in self.files.items()}
        if kept != "every write":
            for name, offset, before, written in reversed(self.unflushed):
                if name in left:
                    _undo(left[name], offset, before, written)
            keep = [c for c in self.unflushed if c[3] is not None]
            if kept == "flushed writes and some more":
                keep = [c for c in keep if chance.random() < 0.5]
            elif kept == "a torn last write":
                keep = [(n, o, b, w[: len(w) // 2]) for n, o, b, w in keep[-1:] if w is not None]
            else:
                keep = []
            for name, offset, _, written in keep:
                if name in left:
                    _put(left[name], offset, written or b"")
        return SimDisk({name: bytes(data) for name, data in left.items()})


def _put(data: bytearray, offset: int, written: bytes) -> None:
    if offset > len(data):
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(written)] = written


def _undo(data: bytearray, offset: int, before: bytes, written: bytes | None) -> None:
    if written is None:
        data[offset:] = before
    elif len(before) < len(written):  # it had made the file longer
        data[offset:] = before
    else:
        data[offset : offset + len(before)] = before


class SimFile(MemoryFile):
    """A `ByteFile` on a `SimDisk`."""

    def __init__(self, disk: SimDisk, name: str) -> None:
        super().__init__(disk, name)
        self._sim = disk
        self._name = name

    def write(self, data: bytes, offset: int) -> None:
        if self._sim.closed:
            return
        self._sim.step()
        self._sim.take_room()
        gap = max(0, offset - len(self._data))
        start = offset - gap
        written = bytes(gap) + bytes(data)
        before = bytes(self._data[start : start + len(written)])
        super().write(data, offset)
        self._sim.unflushed.append((self._name, start, before, written))

    def truncate(self, size: int) -> None:
        if self._sim.closed:
            return
        self._sim.step()
        if size < len(self._data):
            self._sim.unflushed.append((self._name, size, bytes(self._data[size:]), None))
        super().truncate(size)

    def flush(self) -> None:
        if self._sim.closed:
            return
        self._sim.step()
        self._sim.flushed(self._name)


class SimFiles(MemoryFiles):
    """The vaults of one phone."""

    def __init__(self, disk: SimDisk) -> None:
        super().__init__(disk=disk)
        self._sim = disk

    def _open(self, name: str) -> ByteFile:
        return SimFile(self._sim, name)

    async def destroy(self, vault: str, *, keep_log: bool) -> None:
        await super().destroy(vault, keep_log=keep_log)
        gone = {c[0] for c in self._sim.unflushed} - set(self._sim.files)
        for name in gone:
            self._sim.flushed(name)
