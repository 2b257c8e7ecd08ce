"""One sync, told in order: renew, push, upload, pull, fetch, compare. A file per step.

Each step stores what it was given in one transaction before it asks for more, so a sync may end
anywhere and the next one goes on from there. Nothing is raised for the way between: the report
carries a code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mobile.keys.port import DeviceKeys
from mobile.store.meta import OUTBOX_EPOCH
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.sync import (
    agreeing,
    downloading,
    pulling,
    pushing,
    receipts,
    renewing,
    sealed,
    sealed_files,
    uploading,
)
from mobile.sync.fetching import PageSizes
from mobile.sync.peer import Peer
from mobile.sync.report import Progress, SyncReport, Tell
from shared.entities import File
from shared.errors import Code, Refusal

T = TypeVar("T")
Step = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Stands in for a part that this installation lacks."""


def _silent(_progress: Progress) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Exchange:
    """What the steps of one sync share."""

    store: Store
    peer: Peer
    keys: DeviceKeys
    app_version: str
    tell: Tell
    pages: PageSizes
    report: SyncReport = field(default_factory=SyncReport)
    thorough: bool = False
    """Whether each bucket is compared by itself, and not all of them by one sum."""
    expected: int = 0
    """Rows that this sync will bring in, as far as the server said."""

    def received(self, size: int) -> None:
        """A piece of a reply came in."""
        self.report.bytes += size


class SyncEngine:
    """Keeps one store in step with one peer. One sync at a time: the caller sees to it."""

    def __init__(
        self,
        store: Store,
        peer: Peer,
        keys: DeviceKeys,
        *,
        app_version: str,
        seal: Step = _nothing,
        rekey: Step = _nothing,
        log: SealedLog | None = None,
        pages: PageSizes = PageSizes(),  # noqa: B008 - frozen, so one serves all
    ) -> None:
        """`seal` copies what is unsealed into the sealed log; `rekey` gives the vault a new key
        after rows of an ended grant were deleted (`store.unlocking.renew_key`). `log` is the
        sealed log, of which entries are discarded once they are backed up."""
        self._store = store
        self._peer = peer
        self._keys = keys
        self._app_version = app_version
        self._seal = seal
        self._rekey = rekey
        self._log = log
        self._pages = pages
        self._forgetting = asyncio.Lock()

    async def sync(self, progress: Tell | None = None) -> SyncReport:
        """Exchange everything there is. A second call begins where the first one ended."""
        return await self._run(self._exchange(progress or _silent))

    async def compare(self, progress: Tell | None = None) -> SyncReport:
        """As `sync`; and every bucket is compared by itself: the report's `agreement`."""
        exchange = self._exchange(progress or _silent)
        exchange.thorough = True
        return await self._run(exchange)

    async def _run(self, exchange: Exchange) -> SyncReport:
        try:
            # On a full disk: sending is what frees it.
            unsealed = await _tried(self._seal())
            await _tried(self.forget_ended())  # tried again, and told, at the end
            await self._steps(exchange)
            if unsealed is not None:
                raise unsealed
        except Refusal as refusal:
            exchange.report.code = refusal.code
            wait = refusal.details.get("retry_after")
            exchange.report.retry_after = float(wait) if wait is not None else None
        return exchange.report

    async def file(self, file: File) -> bytes:
        """The content of a file, fetched if it is not on this device. Refuses what `download`
        does."""
        return await downloading.download(self._exchange(_silent), file)

    async def ask(self, call: Callable[[Peer], Awaitable[T]]) -> T:
        """`call` with a token that holds: for what is only answered online. Refuses what the peer
        refuses."""
        exchange = self._exchange(_silent)
        await renewing.renew(exchange)
        return await renewing.asked(exchange, lambda: call(exchange.peer))

    def _exchange(self, tell: Tell) -> Exchange:
        return Exchange(self._store, self._peer, self._keys, self._app_version, tell, self._pages)

    async def _steps(self, exchange: Exchange) -> None:
        await renewing.renew(exchange)
        await pushing.push(exchange)
        epoch = self._store.parts.meta.get(OUTBOX_EPOCH)
        trouble = await _tried(uploading.upload(exchange))
        header = await pulling.pull(exchange)
        if epoch not in (None, header.epoch):
            # A restored server: it is sent what its backup had not, records before their files.
            await pushing.push(exchange)
            trouble = await _tried(uploading.upload(exchange))
            header = await pulling.pull(exchange)
        await agreeing.agree(exchange, header)
        trouble = await _tried(self.forget_ended()) or trouble
        await receipts.send(exchange)
        if self._log is not None:
            held = await _tried(sealed.settle_log(exchange, self._log))
            held = held or await _tried(sealed_files.settle_files(exchange, self._log.files))
            trouble = trouble or held
            await self._renew_key()  # a file went with its sealed copy
        if trouble is not None:
            raise trouble
        exchange.store.inbound.finished()

    async def forget_ended(self) -> None:
        """Delete what ended by time, and give the vault a new key if anything was deleted (L4).
        Needs no network; harmless at any time, also while a sync runs."""
        self._store.inbound.end_expired()
        await self._renew_key()

    async def _renew_key(self) -> None:
        inbound = self._store.inbound
        async with self._forgetting:
            if due := inbound.rekey_due():
                await self._rekey()
                inbound.rekeyed(due)


async def _tried(step: Awaitable[None]) -> Refusal | None:
    """Files and old work that don't go through must not keep grants and rows from coming in."""
    try:
        await step
    except Refusal as refusal:
        if refusal.code in (Code.OFFLINE, Code.CUT_SHORT):
            raise
        return refusal
    return None
