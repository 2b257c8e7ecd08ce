"""IndexedDB for the keys' half in the browser: a few values by name, changed one transaction at a
time.

Imported in the browser only. A transaction ends by itself as soon as nothing is asked of it, so
what reads and then writes must do both in the callback of the read, without awaiting: `change`
does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import js
from pyodide.ffi import create_proxy, to_js

from shared.errors import Code, Refusal


class Database:
    """One database of named stores. Values are what the structured clone keeps: bytes,
    CryptoKeys.
    """

    def __init__(self, database: Any) -> None:
        self._database = database

    @classmethod
    async def open(cls, name: str, stores: Iterable[str]) -> Database:
        """The database, made at the first call. Refuses `storage_not_durable` where there is
        none.
        """
        if not hasattr(js, "indexedDB"):
            raise Refusal(Code.STORAGE_NOT_DURABLE, reason="no_indexed_db")
        request = js.indexedDB.open(name, 1)

        def create(_: Any) -> None:
            for store in stores:
                request.result.createObjectStore(store)

        await _event(
            request,
            ("success",),
            ("error", "blocked"),
            also={"upgradeneeded": create},
            refusal=Refusal(Code.STORAGE_NOT_DURABLE, reason="no_indexed_db"),
        )
        return cls(request.result)

    async def get(self, store: str, name: str) -> Any:
        """The value of that name, or None."""
        request = self._database.transaction(store).objectStore(store).get(name)
        await _event(request, ("success",), ("error",))
        return request.result  # undefined, for no such name, arrives as None

    async def names(self, store: str) -> list[str]:
        request = self._database.transaction(store).objectStore(store).getAllKeys()
        await _event(request, ("success",), ("error",))
        return [str(name) for name in request.result]

    async def change(self, store: str, name: str, change: Callable[[Any], Any]) -> None:
        """Replace a value by what `change` makes of it, None deleting it; durable when this
        returns.

        What `change` raises ends the transaction without effect and goes to the caller.
        """
        how = to_js({"durability": "strict"}, dict_converter=js.Object.fromEntries)
        transaction = self._database.transaction(store, "readwrite", how)
        values = transaction.objectStore(store)
        raised: list[Exception] = []

        def decide(event: Any) -> None:
            try:
                value = change(event.target.result)
                if value is None:
                    values.delete(name)
                else:
                    values.put(value, name)
            except Exception as error:
                raised.append(error)
                transaction.abort()

        callback = create_proxy(decide)
        values.get(name).onsuccess = callback
        try:
            await _event(transaction, ("complete",), ("abort", "error"))
        except Refusal:
            if raised:
                raise raised[0] from None
            raise
        finally:
            callback.destroy()


async def _event(
    target: Any,
    good: tuple[str, ...],
    bad: tuple[str, ...],
    *,
    also: dict[str, Callable[[Any], None]] | None = None,
    refusal: Refusal | None = None,
) -> None:
    """Wait for one of the events; a bad one refuses with `disk_full` if that is why, else
    `refusal`.
    """
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def succeed(_: Any) -> None:
        if not done.done():
            done.set_result(None)

    def fail(_: Any) -> None:
        error = getattr(target, "error", None)
        why = str(getattr(error, "name", "unknown"))
        if not done.done():
            full = Refusal(Code.DISK_FULL) if why == "QuotaExceededError" else None
            done.set_exception(full or refusal or Refusal(Code.VAULT_DAMAGED, part="keys", why=why))

    handlers = {
        **dict.fromkeys(good, succeed),
        **dict.fromkeys(bad, fail),
        **(also or {}),
    }
    proxies = {name: create_proxy(handler) for name, handler in handlers.items()}
    for name, proxy in proxies.items():
        target.addEventListener(name, proxy)
    try:
        await done
    finally:
        for name, proxy in proxies.items():
            target.removeEventListener(name, proxy)
            proxy.destroy()
