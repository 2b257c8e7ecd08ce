"""SQLite over files that were opened ahead: the VFS under the browser's store, and a store in
memory.

The VFS keeps SQLite's few names (database, journal, write-ahead log) as `ByteFile`s in one pool. A
file is never unlinked, only emptied: in the browser opening it again would have to be awaited.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import apsw

from mobile.store.files import (
    DATABASE_PARTS,
    LOG_PARTS,
    SEALED_FOLDER,
    ByteFile,
    LogHalf,
    NoRoom,
    Storage,
)
from shared.errors import Code, Refusal

_VFS = "huifang-pool"
_JULIAN_EPOCH_MS = 210866760000000
"""The Unix epoch in SQLite's unit: milliseconds since noon, 24 November 4714 BC."""


@contextmanager
def _full() -> Iterator[None]:
    """A full disk, as SQLite names it. Any call may meet it: writes are gathered (`gathering`)."""
    try:
        yield
    except NoRoom as full:
        raise apsw.FullError("no room left") from full


class PoolFile:
    """One open file as SQLite sees it. Locks are void: a claim made the file ours alone."""

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        self.xFileSize = file.size

    def xRead(self, amount: int, offset: int) -> bytes:
        with _full():
            return self._file.read(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        with _full():
            self._file.write(data, offset)

    def xTruncate(self, size: int) -> None:
        with _full():
            self._file.truncate(size)

    def xSync(self, flags: int) -> None:  # noqa: ARG002 - SQLite's signature
        with _full():
            self._file.flush()

    def xClose(self) -> None:
        """The pool keeps the file open; the claim's release closes it."""

    def xLock(self, level: int) -> None: ...

    def xUnlock(self, level: int) -> None: ...

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: ARG002 - SQLite's signature
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        # As SQLite assumes of every disk by default; without it each commit is padded to a sector.
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE


class PoolVfs(apsw.VFS):
    """SQLite's file system made of a pool. Registered once, for the life of the process."""

    def __init__(self) -> None:
        self.pool: dict[str, ByteFile] = {}
        super().__init__(_VFS, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or path not in self.pool:
            raise apsw.CantOpenError("this file was not opened ahead")
        flags[1] = flags[0]
        # apsw asks for the methods of a VFSFile and types them as that class.
        return cast(apsw.VFSFile, PoolFile(self.pool[path]))

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: ARG002 - SQLite's signature
        return pathname in self.pool and self.pool[pathname].size() > 0

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: ARG002 - SQLite's signature
        self.pool[filename].truncate(0)
        self.pool[filename].flush()

    def xFullPathname(self, name: str) -> str:
        return name

    def xRandomness(self, numbytes: int) -> bytes:
        return os.urandom(numbytes)

    def xSleep(self, microseconds: int) -> int:
        return microseconds  # nothing else can hold the file, so there is nothing to wait for

    def xCurrentTimeInt64(self) -> int:
        return int(time.time() * 1000) + _JULIAN_EPOCH_MS


_vfs: list[PoolVfs] = []
_numbers = itertools.count()


def _registered() -> PoolVfs:
    if not _vfs:
        _vfs.append(PoolVfs())
    return _vfs[0]


class Pool:
    """The open files of one store, under a folder of their own in the VFS."""

    def __init__(self) -> None:
        self._folder = f"/{next(_numbers)}/"

    def add(self, files: Mapping[str, ByteFile]) -> None:
        _registered().pool.update({self._folder + name: file for name, file in files.items()})

    def remove(self, name: str) -> ByteFile | None:
        return _registered().pool.pop(self._folder + name, None)

    def get(self, name: str) -> ByteFile:
        try:
            return _registered().pool[self._folder + name]
        except KeyError:
            raise ValueError("claim the vault's files before using them") from None

    def __contains__(self, name: str) -> bool:
        return self._folder + name in _registered().pool

    def uri(self, name: str) -> str:
        self.get(name)
        return f"file:{self._folder}{name}?vfs=multipleciphers-{_VFS}"


class PooledFiles:
    """What the halves without a native file system share: a vault's parts, claimed into a pool."""

    def __init__(self) -> None:
        self._pool = Pool()

    def claimed(self, vault: str) -> bool:
        return vault + ".db" in self._pool

    def database(self, vault: str) -> str:
        return self._pool.uri(vault + ".db")

    def database_bytes(self, vault: str) -> bytes:
        file = self._pool.get(vault + ".db")
        return file.read(file.size(), 0)

    def log(self, vault: str, half: LogHalf) -> ByteFile:
        return self._pool.get(f"{vault}.log-{half}")

    async def release(self, vault: str) -> None:
        for part in DATABASE_PARTS + LOG_PARTS:
            if (file := self._pool.remove(vault + part)) is not None:
                file.close()


class MemoryDisk:
    """What would be a disk: bytes by file name, with room for `room` of them if that is given."""

    def __init__(
        self, contents: Mapping[str, bytes | bytearray] | None = None, room: int | None = None
    ) -> None:
        self.files = {name: bytearray(data) for name, data in (contents or {}).items()}
        self.room = room
        self.claimed: set[str] = set()

    def used(self) -> int:
        return sum(len(data) for data in self.files.values())


class MemoryFile:
    """A `ByteFile` on a `MemoryDisk`."""

    def __init__(self, disk: MemoryDisk, name: str) -> None:
        self._disk = disk
        self._data = disk.files.setdefault(name, bytearray())

    def read(self, amount: int, offset: int) -> bytes:
        return bytes(self._data[offset : offset + amount])

    def write(self, data: bytes, offset: int) -> None:
        """As a disk does: what fits is written before a full one is reported."""
        fits = len(data)
        if self._disk.room is not None:
            largest = len(self._data) + max(0, self._disk.room - self._disk.used())
            fits = min(fits, max(0, largest - offset))
        if fits and offset > len(self._data):
            self._data.extend(bytes(offset - len(self._data)))
        self._data[offset : offset + fits] = data[:fits]
        if fits < len(data):
            raise NoRoom

    def truncate(self, size: int) -> None:
        del self._data[size:]

    def flush(self) -> None: ...

    def size(self) -> int:
        return len(self._data)

    def close(self) -> None: ...


class MemoryFiles(PooledFiles):
    """Vaults that live as long as the app: for browsers that keep nothing, and for tests."""

    def __init__(self, reason: str = "memory", disk: MemoryDisk | None = None) -> None:
        super().__init__()
        self.storage = Storage(durable=False, reason=reason)
        self._disk = disk or MemoryDisk()

    async def vaults(self) -> list[str]:
        files = self._disk.files.items()
        return sorted(
            name.removesuffix(".db") for name, data in files if data and name.endswith(".db")
        )

    async def claim(self, vault: str) -> None:
        if self.claimed(vault):
            return
        if vault in self._disk.claimed:
            raise Refusal(Code.VAULT_LOCKED_ELSEWHERE)
        self._disk.claimed.add(vault)
        names = [vault + part for part in DATABASE_PARTS + LOG_PARTS]
        self._pool.add({name: self._open(name) for name in names})

    async def release(self, vault: str) -> None:
        if self.claimed(vault):
            await super().release(vault)
            self._disk.claimed.discard(vault)

    async def sealed_names(self, vault: str) -> list[str]:
        folder = f"{vault}{SEALED_FOLDER}/"
        return sorted(n.removeprefix(folder) for n in self._disk.files if n.startswith(folder))

    async def sealed_file(self, vault: str, name: str) -> ByteFile:
        return self._open(f"{vault}{SEALED_FOLDER}/{name}")

    async def remove_sealed(self, vault: str, name: str) -> None:
        self._disk.files.pop(f"{vault}{SEALED_FOLDER}/{name}", None)

    async def destroy(self, vault: str, *, keep_log: bool) -> None:
        await self.claim(vault)
        await self.release(vault)
        for part in DATABASE_PARTS + (() if keep_log else LOG_PARTS):
            self._disk.files.pop(vault + part, None)
        if not keep_log:
            for name in await self.sealed_names(vault):
                await self.remove_sealed(vault, name)

    async def room(self) -> int | None:
        return None if self._disk.room is None else self._disk.room - self._disk.used()

    def _open(self, name: str) -> ByteFile:
        return MemoryFile(self._disk, name)
