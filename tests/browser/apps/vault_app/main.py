"""The store and its keys inside the browser's worker, at the word of a test.

The test speaks through a broadcast channel: `{"ask": n, "verb": …, "args": {…}}`, answered by
`{"answer": n, "value": …}` or `{"answer": n, "refused": code, "details": {…}}`. Bytes travel as
hex.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from typing import Any

import apsw
import flet as ft
import js
from proof_keys import KeyProof
from pyodide.ffi import create_proxy

from mobile.keys.browser import browser_keys
from mobile.keys.keyring import Keyring
from mobile.store.files import VaultFiles
from mobile.store.opfs import browser_files
from mobile.store.sealed_files import Piece, SealedFiles
from mobile.store.sealed_log import SealedLog
from mobile.store.unlocking import create_vault, renew_key, unlock_vault
from mobile.store.vault import checkpoint, close_vault, faults, open_vault, transaction
from shared.errors import Refusal

VAULT = "lin"


class Proof:
    """What a test may ask for; each public method is a verb."""

    def __init__(self, files: VaultFiles, keys: Keyring) -> None:
        self.files = files
        self.keys = keys
        self.connection: apsw.Connection | None = None

    @property
    def vault(self) -> apsw.Connection:
        assert self.connection is not None, "open the vault first"
        return self.connection

    async def create(self, secret: str) -> None:
        self.connection = await create_vault(self.files, self.keys, VAULT, secret)
        self.vault.execute("create table customer(id integer primary key, name text)")

    async def unlock(self, secret: str) -> int:
        self.connection = await unlock_vault(self.files, self.keys, VAULT, secret)
        return await self.count()

    async def lock(self) -> None:
        close_vault(self.vault)
        self.connection = None
        await self.keys.lock(VAULT)
        await self.files.release(VAULT)

    async def keys_of(self, secret: str) -> list[str]:
        return [key.hex() for key in (await self.keys.unlock(VAULT, secret)).in_order()]

    async def open_with(self, key: str) -> None:
        await self.files.claim(VAULT)
        self.connection = open_vault(self.files, VAULT, bytes.fromhex(key))

    async def claim_from_another_place(self) -> None:
        await (await browser_files()).claim(VAULT)

    async def about(self) -> dict[str, Any]:
        return {
            "durable": self.files.storage.durable,
            "vaults": await self.files.vaults(),
            "room": await self.files.room(),
            "protection": self.keys.protection.value,
            "tries_left": await self.keys.tries_left(VAULT),
        }

    async def settings(self) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "locking_mode", "secure_delete", "cipher")
        return {name: self.vault.execute(f"pragma {name}").get for name in names}

    async def fill(self, name: str, rows: int) -> int:
        with transaction(self.vault):
            self.vault.executemany("insert into customer(name) values (?)", [(name,)] * rows)
        return await self.count()

    async def fill_and_hang(self, name: str, rows: int) -> None:
        """Leaves a transaction open and its pages written, as a kill in the middle finds it."""
        self.vault.execute("pragma cache_size=5")
        self.vault.execute("begin immediate")
        self.vault.executemany("insert into customer(name) values (?)", [(name,)] * rows)

    async def single_commits(self, name: str, rows: int) -> None:
        """So many transactions of one row, each on disk before the next."""
        for _ in range(rows):
            with transaction(self.vault):
                self.vault.execute("insert into customer(name) values (?)", (name,))

    async def count(self) -> int:
        return self.vault.execute("select count(*) from customer").get

    async def checkpoint(self) -> list[str]:
        checkpoint(self.vault)
        return faults(self.vault)

    async def renew(self) -> None:
        await renew_key(self.vault, self.keys, VAULT)

    async def log_append(self, sealed: list[str]) -> list[int]:
        await self.files.claim(VAULT)
        log = SealedLog(self.files, VAULT)
        return [log.append(bytes.fromhex(one)) for one in sealed]

    async def log_entries(self, discard_through: int = 0) -> list[tuple[int, str]]:
        await self.files.claim(VAULT)
        log = SealedLog(self.files, VAULT)
        log.discard_through(discard_through)
        return [(entry.seq, entry.sealed.hex()) for entry in log.entries()]

    async def copy_write(self, name: str, pieces: int, size: int) -> int:
        """A sealed copy of so many pieces of `size` bytes, each of its own number."""
        await self.files.claim(VAULT)

        async def made() -> AsyncIterator[Piece]:
            yield Piece(-1, b"head")
            for number in range(pieces):
                yield Piece(number * size, bytes([number % 256]) * size)

        return await SealedFiles(self.files, VAULT).write(name, made())

    async def copy_read(self, name: str, offset: int) -> list[Any] | None:
        """Where the piece that holds a byte begins, its length and its first byte."""
        await self.files.claim(VAULT)
        copies = SealedFiles(self.files, VAULT)
        copy = await copies.find(name)
        found = await copies.piece(copy, offset) if copy is not None else None
        return [found.offset, len(found.sealed), found.sealed[0]] if found else None

    async def copies(self) -> list[str]:
        await self.files.claim(VAULT)
        return await SealedFiles(self.files, VAULT).names()

    async def copy_remove(self, name: str) -> None:
        await SealedFiles(self.files, VAULT).remove(name)

    async def lose_the_vault(self) -> None:
        """As a forgotten PIN does: the key and the database go."""
        await self.keys.forget(VAULT)
        await self.files.destroy(VAULT, keep_log=True)

    async def forget(self) -> None:
        await self.keys.forget(VAULT)
        await self.files.destroy(VAULT, keep_log=False)


class Channel:
    """Carries out one ask after another."""

    def __init__(self, subjects: list[object]) -> None:
        self._subjects = subjects
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._channel = js.BroadcastChannel.new("huifang-proof")
        self._channel.onmessage = create_proxy(self._heard)

    def _heard(self, event: Any) -> None:
        message = json.loads(event.data)
        if "ask" in message:
            task = asyncio.ensure_future(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"answer": message["ask"]}
        async with self._turn:
            try:
                verb = next(
                    getattr(subject, message["verb"])
                    for subject in self._subjects
                    if hasattr(subject, message["verb"])
                )
                answer["value"] = await verb(**message["args"])
            except Refusal as refusal:
                answer |= {"refused": refusal.code.key, "details": refusal.details}
            except Exception:
                answer["failed"] = traceback.format_exc()
        self._channel.postMessage(json.dumps(answer))


async def main(page: ft.Page) -> None:
    keys = await browser_keys()
    page.data = Channel([Proof(await browser_files(), keys), KeyProof(keys)])
    page.add(ft.Text("listening"))


ft.run(main)
