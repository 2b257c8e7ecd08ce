"""Work in a vault that nobody opens any more: handed in from its sealed log, at the lock and at the
sign-in, with the device's proof and no secret (L1).

Whoever forgot the PIN, left, or handed the phone on may never open their vault again. What they
had saved must not wait for them. A vault that is opened again later brings the same changes; the
server knows them by their ids (L2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from mobile.keys.port import Profile
from mobile.usecases.services import Services
from shared.errors import Refusal
from shared.ids import new_id

BEGINS_AFTER = 5.0
"""Seconds after the start: first whoever holds the device is let in."""
_REMEMBERED = "sealed_logs"  # of the preferences


class LeftBehind:
    """The sealed logs of this device's closed vaults. A log has one user at a time: `leave` a vault
    before it is opened."""

    def __init__(
        self, services: Services, empty: Callable[[Profile], Awaitable[None]] | None = None
    ) -> None:
        """`empty` destroys a closed vault that an administrator ordered to be wiped."""
        self._services = services
        self._empty = empty
        self._task: asyncio.Task[None] | None = None
        self._leave_network: Callable[[], None] = _stay
        self._opened: set[str] = set()
        self.emptying: asyncio.Task[None] | None = None
        self._once_more = False

    def start(self) -> None:
        """Hands everything in by itself, soon and whenever the network returns, until `stop`."""
        if self._task is None:
            self._leave_network = self._services.place.on_network(self._network)
            self._again()

    async def stop(self) -> None:
        """Returns once no log is in use. Harmless twice."""
        self._leave_network()
        self._leave_network = _stay
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def leave(self, vault: str) -> None:
        """Has nothing to do with this vault any more when it returns: its own sync sees to its
        log. Goes on with the others if it was started."""
        started = self._task is not None
        await self.stop()
        self._opened.add(vault)
        if started:
            self.start()

    def _network(self, online: bool) -> None:
        if online and self._task is not None and self._task.done():
            self._again()

    def _again(self) -> None:
        self._task = asyncio.ensure_future(self._later())

    async def _later(self) -> None:
        self._once_more = True
        while self._once_more:
            self._once_more = False
            await asyncio.sleep(BEGINS_AFTER)
            if self._services.place.online():
                await self.hand_in()

    async def remember(self, profile: Profile, **more: Any) -> None:
        """Before a profile is forgotten: notes where its log is to go, which is no secret."""
        about = {"url": profile.server_url, "device_id": profile.device_id}
        await self._note(profile.vault, **about, **more)

    def again(self, vault: str) -> None:
        """This vault is nobody's any more: what it left is handed in soon."""
        self._opened.discard(vault)
        if self._task is None:
            self.start()
        elif self._task.done():
            self._again()
        else:
            self._once_more = True

    async def hand_in(self) -> None:
        """Hands in what the logs hold that was not handed in yet, and discards what is backed up.
        What can't go now goes at the next start."""
        profiles = {profile.vault: profile for profile in await self._services.keys.profiles()}
        for profile in profiles.values():
            await self.remember(profile)
        for vault, known in (await self._logs()).items():
            if known.get("device_id") and vault not in self._opened:
                await self._hand_in_one(vault, known, profiles.get(vault))

    async def _hand_in_one(
        self, vault: str, known: Mapping[str, Any], profile: Profile | None
    ) -> None:
        files = self._services.files
        try:
            await files.claim(vault)
        except Refusal:  # open in another tab, which sees to it
            return
        wipe = False
        try:
            wipe = await self._log_of(vault, known, profile)
        except Refusal:
            return
        finally:
            await files.release(vault)
        if wipe and profile is not None and self._empty is not None:
            # Not in this task, which the emptying begins anew, and an unlocking may wait for.
            self.emptying = asyncio.ensure_future(self._empty(profile))

    async def _log_of(self, vault: str, known: Mapping[str, Any], profile: Profile | None) -> bool:
        """Hands in what one log holds; True if the server ordered the vault to be destroyed."""
        from mobile.store.sealed_log import SealedLog
        from mobile.sync.sealed import hand_in
        from mobile.sync.sealed_files import hand_in_left
        from mobile.usecases.wiping import ordered
        from shared.clock import to_wire
        from shared.wire import ReceiptsRequest, SealedRequest, SignedReceipt

        services = self._services
        log = SealedLog(services.files, vault)
        peer = services.connect(known["url"])
        if known.get("receipt"):
            asked = ReceiptsRequest(
                device_id=known["device_id"], receipts=[SignedReceipt(**known["receipt"])]
            )
            with suppress(Refusal):  # then at the next start: work does not wait for it
                await peer.hand_in_receipts(asked)
                await self._note(vault, receipt=None)
        # A vault that is still here asks, too: the device may have been ordered to be emptied.
        if profile is None and not len(log) and not await log.files.names():
            return False
        head = SealedRequest(
            device_id=known["device_id"],
            app_version=services.app_version,
            sent_at=to_wire(services.clock.now()),
            boot_id=new_id(),  # the log's times are of boots long gone
            monotonic_ms=services.clock.monotonic_ms(),
            entries=[],
        )
        # Asked without a word of work first: how far is the backup, and of which epoch?
        told = await peer.push_sealed(head)
        if profile is not None and await ordered(services, profile, told.order):
            return True  # the log stays, and is handed in when the vault is gone
        through = 0
        if known.get("epoch") == told.epoch:
            through = known["through"]
            if known["seq"] <= told.backed_up_to:
                log.discard_through(through)
        done = await hand_in(peer, log, head, after=through)
        if done.through:
            await self._note(vault, through=done.through, seq=done.seq, epoch=done.epoch)
        # Photos after the changes that name them.
        copies = await hand_in_left(
            peer,
            log.files,
            known["device_id"],
            known.get("files") or {},
            epoch=told.epoch,
            reach=told.backed_up_to,
        )
        await self._note(vault, files={name: list(noted) for name, noted in copies.items()})
        return False

    async def _logs(self) -> dict[str, dict[str, Any]]:
        found = (await self._services.preferences.read()).get(_REMEMBERED)
        return found if isinstance(found, dict) else {}

    async def _note(self, vault: str, **facts: Any) -> None:
        values = await self._services.preferences.read()
        logs = await self._logs()
        noted = {**logs.get(vault, {}), **facts}
        if noted != logs.get(vault):
            await self._services.preferences.write({**values, _REMEMBERED: logs | {vault: noted}})


def _stay() -> None:
    """Nobody listens to the network."""
