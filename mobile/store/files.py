"""Where a vault's files live: a port, and its native half, a folder.

One vault has a database (with SQLite's journals beside it) and the two halves of its sealed log.
They are claimed before use, by one app at a time: SQLite's calls are synchronous, while opening a
file in the browser is not, so `claim` opens everything ahead. The other halves are
`mobile.store.pool` and `mobile.store.opfs`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Literal, Protocol

import apsw

from shared.errors import Code, Refusal

DATABASE_PARTS = (".db", ".db-journal", ".db-wal")
LOG_PARTS = (".log-a", ".log-b")
SEALED_FOLDER = ".files"
"""Ends the name of the folder where a vault's sealed files lie."""

LogHalf = Literal["a", "b"]


class NoRoom(Exception):
    """The disk, or the browser's quota, is full. What was in the file before is still there."""


class ByteFile(Protocol):
    """Bytes at offsets. A write is durable after the next `flush`."""

    def read(self, amount: int, offset: int) -> bytes:
        """Up to `amount` bytes; fewer at the end of the file."""
        ...

    def write(self, data: bytes, offset: int) -> None:
        """All of `data`, or `NoRoom`."""
        ...

    def truncate(self, size: int) -> None: ...

    def flush(self) -> None: ...

    def size(self) -> int: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Storage:
    """Whether what is written here outlives the app, and if not, why (a key of the catalogues)."""

    durable: bool
    reason: str = ""


class VaultFiles(Protocol):
    """The files of all vaults on this device."""

    @property
    def storage(self) -> Storage: ...

    async def vaults(self) -> list[str]:
        """Names of the vaults that have a file here, claimed or not."""
        ...

    async def claim(self, vault: str) -> None:
        """Take the vault's files for this app. A second call is harmless.

        Refuses `vault_locked_elsewhere` when another tab or process has them.
        """
        ...

    async def release(self, vault: str) -> None:
        """Close and give back; the connection must be closed before. A second call is harmless."""
        ...

    def database(self, vault: str) -> str:
        """What SQLite opens, as a URI; the vault must be claimed."""
        ...

    def database_bytes(self, vault: str) -> bytes:
        """The claimed database file as it lies on disk, encrypted. Checkpoint first."""
        ...

    def log(self, vault: str, half: LogHalf) -> ByteFile:
        """One half of the claimed vault's sealed log."""
        ...

    async def sealed_names(self, vault: str) -> list[str]:
        """Names of the sealed files beside the claimed vault, in order."""
        ...

    async def sealed_file(self, vault: str, name: str) -> ByteFile:
        """One sealed file beside the claimed vault, made if missing; whoever asks closes it."""
        ...

    async def remove_sealed(self, vault: str, name: str) -> None:
        """Delete a sealed file. A second call is harmless."""
        ...

    async def destroy(self, vault: str, *, keep_log: bool) -> None:
        """Delete the database, and sealed log and sealed files too unless unsent work may be in
        them. Releases it.
        """
        ...

    async def room(self) -> int | None:
        """Free bytes, where the device tells."""
        ...


def refuse_if_not_durable(files: VaultFiles) -> None:
    """Refuses `storage_not_durable` where nothing would be kept: there the app shows, but authors
    nothing.
    """
    if not files.storage.durable:
        raise Refusal(Code.STORAGE_NOT_DURABLE, reason=files.storage.reason)


class DiskFile:
    """A `ByteFile` in the native file system."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._file = FileIO(os.open(path, flags, 0o600), "r+")

    def read(self, amount: int, offset: int) -> bytes:
        self._file.seek(offset)
        parts = []
        while amount > 0 and (part := self._file.read(amount)):
            parts.append(part)
            amount -= len(part)
        return b"".join(parts)

    def write(self, data: bytes, offset: int) -> None:
        self._file.seek(offset)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as failed:
            if failed.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom from failed
            raise

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def flush(self) -> None:
        os.fsync(self._file.fileno())

    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        self._file.close()


def _flush_names(folder: Path) -> None:
    """A new file's name is on disk when this returns, where the system lets one ask for that."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class DirectoryFiles:
    """Vaults as files of one folder, made if missing and readable by its owner alone."""

    storage = Storage(durable=True)

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._claims: dict[str, apsw.Connection] = {}
        self._logs: dict[str, DiskFile] = {}
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def vaults(self) -> list[str]:
        return sorted(path.stem for path in self._directory.glob("*.db"))

    async def claim(self, vault: str) -> None:
        if vault not in self._claims:
            self._claims[vault] = await asyncio.to_thread(self._lock, vault)

    async def release(self, vault: str) -> None:
        for part in LOG_PARTS:
            if (log := self._logs.pop(vault + part, None)) is not None:
                log.close()
        if (lock := self._claims.pop(vault, None)) is not None:
            lock.close()

    def database(self, vault: str) -> str:
        self._claimed(vault)
        return self._path(vault, ".db").resolve().as_uri()

    def database_bytes(self, vault: str) -> bytes:
        self._claimed(vault)
        return self._path(vault, ".db").read_bytes()

    def log(self, vault: str, half: LogHalf) -> ByteFile:
        self._claimed(vault)
        name = f"{vault}.log-{half}"
        if name not in self._logs:
            self._logs[name] = DiskFile(self._directory / name)
        return self._logs[name]

    async def sealed_names(self, vault: str) -> list[str]:
        self._claimed(vault)
        folder = self._path(vault, SEALED_FOLDER)
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    async def sealed_file(self, vault: str, name: str) -> ByteFile:
        self._claimed(vault)
        folder = self._path(vault, SEALED_FOLDER)
        folder.mkdir(mode=0o700, exist_ok=True)
        file = DiskFile(folder / name)
        _flush_names(self._directory)
        _flush_names(folder)
        return file

    async def remove_sealed(self, vault: str, name: str) -> None:
        self._claimed(vault)
        (self._path(vault, SEALED_FOLDER) / name).unlink(missing_ok=True)

    async def destroy(self, vault: str, *, keep_log: bool) -> None:
        await self.claim(vault)
        await self.release(vault)
        for part in DATABASE_PARTS + (() if keep_log else LOG_PARTS):
            self._path(vault, part).unlink(missing_ok=True)
        if not keep_log:
            shutil.rmtree(self._path(vault, SEALED_FOLDER), ignore_errors=True)

    async def room(self) -> int | None:
        return shutil.disk_usage(self._directory).free

    def _path(self, vault: str, part: str) -> Path:
        return self._directory / (vault + part)

    def _claimed(self, vault: str) -> None:
        if vault not in self._claims:
            raise ValueError("claim the vault's files before using them")

    def _lock(self, vault: str) -> apsw.Connection:
        """A lock that ends with the process, on any system: SQLite's own, on an empty database."""
        lock = apsw.Connection(str(self._path(vault, ".lock")))
        try:
            lock.execute("pragma locking_mode=exclusive").fetchall()
            lock.execute("begin exclusive")
        except apsw.BusyError as busy:
            lock.close()
            raise Refusal(Code.VAULT_LOCKED_ELSEWHERE) from busy
        except BaseException:
            with contextlib.suppress(apsw.Error):
                lock.close()
            raise
        return lock
