"""Vault files in the browser: the origin-private file system, through synchronous access handles.

Imported in the browser only, in a worker (the handles exist nowhere else). A handle is exclusive:
while one tab has a vault no other can claim it, and for a moment after a reload the old worker
still holds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from mobile.store.files import (
    DATABASE_PARTS,
    LOG_PARTS,
    SEALED_FOLDER,
    ByteFile,
    NoRoom,
    Storage,
    VaultFiles,
)
from mobile.store.gathering import GatheredFile
from mobile.store.late_answers import in_time
from mobile.store.pool import MemoryFiles, PooledFiles
from shared.errors import Code, Refusal

_FOLDER = "vaults"
_TRIES, _PAUSE = 25, 0.2
"""An old worker lets go within a second or two of a reload; a tab that is used never does."""

_LONGEST_OPENING = 10  # seconds
"""With its quota used up, Chromium now and then never answers whether a file or a folder may be
made: whoever waits for it would wait for ever, and with it every later sync."""


async def browser_files() -> VaultFiles:
    """The vault files of this origin; in memory, and saying so, where the browser offers no
    others.
    """
    try:
        root = await js.navigator.storage.getDirectory()
        folder = await root.getDirectoryHandle(_FOLDER, _options(create=True))
        able = hasattr(js.FileSystemFileHandle.prototype, "createSyncAccessHandle")
    except (JsException, AttributeError):
        # No private file system at all, or one that is closed in private browsing.
        return MemoryFiles(reason="no_private_files")
    return OpfsFiles(folder) if able else MemoryFiles(reason="no_sync_access")


class OpfsFiles(PooledFiles):
    """Vaults as files of one folder in the origin-private file system."""

    storage = Storage(durable=True)

    def __init__(self, folder: Any) -> None:
        super().__init__()
        self._folder = folder
        self._turn = asyncio.Lock()

    async def vaults(self) -> list[str]:
        found = []
        async for name in self._folder.keys():
            if name.endswith(".db"):
                file = await (await self._folder.getFileHandle(name)).getFile()
                if file.size > 0:
                    found.append(name.removesuffix(".db"))
        return sorted(found)

    async def claim(self, vault: str) -> None:
        async with self._turn:
            if self.claimed(vault):
                return
            for left in reversed(range(_TRIES)):
                try:
                    opening = self._open_all(vault)
                    self._pool.add(await in_time(opening, _close_all, _LONGEST_OPENING))
                    return
                except JsException as held:
                    if _name(held) != "NoModificationAllowedError":
                        raise Refusal(Code.VAULT_DAMAGED, part="files", why=_name(held)) from held
                    if not left:
                        raise Refusal(Code.VAULT_LOCKED_ELSEWHERE) from held
                    await asyncio.sleep(_PAUSE)

    async def sealed_names(self, vault: str) -> list[str]:
        folder = await self._sealed_folder(vault)
        return [] if folder is None else sorted([name async for name in folder.keys()])

    async def sealed_file(self, vault: str, name: str) -> ByteFile:
        return await in_time(self._open_sealed(vault, name), OpfsFile.close, _LONGEST_OPENING)

    async def _open_sealed(self, vault: str, name: str) -> OpfsFile:
        try:
            folder = await self._sealed_folder(vault)
            if folder is None:
                made = _options(create=True)
                folder = await self._folder.getDirectoryHandle(vault + SEALED_FOLDER, made)
            entry = await folder.getFileHandle(name, _options(create=True))
            return OpfsFile(await entry.createSyncAccessHandle())
        except JsException as held:
            if _name(held) == "QuotaExceededError":
                raise Refusal(Code.DISK_FULL) from held
            raise Refusal(Code.VAULT_DAMAGED, part="files", why=_name(held)) from held

    async def remove_sealed(self, vault: str, name: str) -> None:
        folder = await self._sealed_folder(vault)
        if folder is not None:
            await _unless_missing(folder.removeEntry(name))

    async def _sealed_folder(self, vault: str) -> Any:
        """None until the first sealed file was made: who only looks makes nothing."""
        return await _unless_missing(self._folder.getDirectoryHandle(vault + SEALED_FOLDER))

    async def destroy(self, vault: str, *, keep_log: bool) -> None:
        await self.claim(vault)
        await self.release(vault)
        for part in DATABASE_PARTS + (() if keep_log else LOG_PARTS):
            await self._folder.removeEntry(vault + part)
        if not keep_log:
            sealed = vault + SEALED_FOLDER
            await _unless_missing(self._folder.removeEntry(sealed, _options(recursive=True)))

    async def room(self) -> int | None:
        estimate = await js.navigator.storage.estimate()
        return int(estimate.quota - estimate.usage)

    async def _open_all(self, vault: str) -> dict[str, ByteFile]:
        """All parts or none: the handles opened before a refusal are closed again."""
        opened: dict[str, ByteFile] = {}
        try:
            for part in DATABASE_PARTS + LOG_PARTS:
                entry = await self._folder.getFileHandle(vault + part, _options(create=True))
                handle = await entry.createSyncAccessHandle()
                opened[vault + part] = GatheredFile(OpfsFile(handle))
        except BaseException:
            _close_all(opened)
            raise
        return opened


async def _unless_missing(answer: Awaitable[Any]) -> Any:
    """What the browser answers; None where it has no such file or folder."""
    try:
        return await answer
    except JsException as missing:
        if _name(missing) != "NotFoundError":
            raise
        return None


def _close_all(opened: Mapping[str, ByteFile]) -> None:
    for file in opened.values():
        file.close()


class OpfsFile:
    """A `ByteFile` over one access handle. Keeps one JavaScript buffer for each size that SQLite
    uses.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._place = _options(at=0)
        self._buffers: dict[int, Any] = {}

    def read(self, amount: int, offset: int) -> bytes:
        buffer = self._buffer(amount)
        self._place.at = offset
        count = self._handle.read(buffer, self._place)
        found: bytes = (buffer if count == amount else buffer.subarray(0, count)).to_bytes()
        return found

    def write(self, data: bytes, offset: int) -> None:
        buffer = self._buffer(len(data))
        buffer.assign(data)
        self._place.at = offset
        try:
            written = self._handle.write(buffer, self._place)
        except JsException as failed:
            if _name(failed) == "QuotaExceededError":
                raise NoRoom from failed
            raise OSError(f"the browser could not write: {_name(failed)}") from failed
        if written < len(data):
            raise NoRoom

    def truncate(self, size: int) -> None:
        self._handle.truncate(size)

    def flush(self) -> None:
        self._handle.flush()

    def size(self) -> int:
        return int(self._handle.getSize())

    def close(self) -> None:
        self._handle.close()

    def _buffer(self, size: int) -> Any:
        """SQLite reads and writes pages and a few kinds of header: the sizes are few, their uses
        many.
        """
        if size > 65536:
            return js.Uint8Array.new(size)
        if size not in self._buffers:
            self._buffers[size] = js.Uint8Array.new(size)
        return self._buffers[size]


def _options(**options: object) -> Any:
    return to_js(options, dict_converter=js.Object.fromEntries)


def _name(error: JsException) -> str:
    return str(getattr(error, "name", "unknown"))
