"""Keeps a stream of hints open while it is of use: the vault is open, the network there, the app
in front, and the server took the last sync.

When the stream is lost nothing is: the timetable goes on as without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mobile.sync.poking import Hint, Listen, Patience, Said
from mobile.usecases.services import Place
from shared.clock import Clock
from shared.errors import Code, Refusal

_AFTER_A_SYNC = frozenset(
    {Code.TOKEN_EXPIRED, Code.TOKEN_INVALID, Code.SIGN_IN_REQUIRED, Code.PROOF_INVALID,
     Code.USER_INACTIVE, Code.DEVICE_BLOCKED, Code.DEVICE_PENDING, Code.DEVICE_UNKNOWN}
)  # fmt: skip
"""What a sync mends or makes known, and no second try of the stream does."""


class Listening:
    """One vault's stream. `listen` opens it (`HttpPeer.listen`), `heard` is told each hint, `sync`
    asks for a sync when the server takes our token no more."""

    def __init__(
        self,
        listen: Listen,
        place: Place,
        clock: Clock,
        heard: Callable[[Hint], None],
        sync: Callable[[], None],
        patience: Patience | None = None,
    ) -> None:
        self._listen = listen
        self._place = place
        self._clock = clock
        self._hint = heard
        self._sync = sync
        self._patience = patience or Patience()
        self._taken = self._started = False
        self._task: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether a stream is open or about to be."""
        return self._task is not None

    def start(self) -> None:
        """From now on, when all else allows it. Harmless twice."""
        self._started = True
        self.look()

    def synced(self, code: Code | None) -> None:
        """A sync ended: with None the server knows who we are."""
        if code is None:
            self._taken = True
        elif code in _AFTER_A_SYNC:
            self._taken = False
        self.look()

    def returned(self) -> None:
        """The network is back, or the app in front again: no waiting for what went before."""
        self._patience.anew(self._seconds())
        self.look()

    def look(self) -> None:
        """Opens or ends the stream as things stand now."""
        useful = self._started and self._taken and self._place.online() and self._place.visible()
        if useful and self._task is None:
            self._task = asyncio.ensure_future(self._keep())
        elif not useful and self._task is not None:
            self._task.cancel()
            self._task = None

    async def stop(self) -> None:
        """Ends it for good. Harmless twice."""
        self._started = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._patience.wait(self._seconds()))
            refusal: Refusal | None = None
            try:
                await self._listen(self._said)
            except Refusal as refused:
                refusal = refused
            wait = refusal.details.get("retry_after") if refusal else None
            self._patience.lost(self._seconds(), float(wait) if wait is not None else None)
            if refusal is not None and refusal.code in _AFTER_A_SYNC:
                self._taken, self._task = False, None
                self._sync()
                return

    def _said(self, said: Said) -> None:
        self._patience.heard(said)
        if isinstance(said, Hint):
            self._hint(said)

    def _seconds(self) -> float:
        return self._clock.monotonic_ms() / 1000
