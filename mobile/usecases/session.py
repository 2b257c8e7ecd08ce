"""From a fresh installation to an open vault and back: sign in, enrol, choose a secret, fetch,
unlock, lock, leave.

The phase says which screen stands before the user; each method leads from one phase to the next or
refuses and stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from mobile.keys.port import Profile
from mobile.usecases.left_behind import LeftBehind
from mobile.usecases.services import Services
from shared.errors import Code, Refusal

if TYPE_CHECKING:
    from mobile.store.store import Store
    from mobile.sync.peer import Peer
    from mobile.sync.report import Tell
    from mobile.usecases.ending import Ending
    from mobile.usecases.opening import Opened
    from mobile.usecases.syncing import Syncing
    from shared.wire import SignInRequest, TokenReply


class Phase(StrEnum):
    """What the user is asked for. OPEN is the app itself."""

    STARTING = "starting"
    WELCOME = "welcome"  # nobody has signed in on this device, or someone else wants to
    PENDING = "pending"  # signed in; an administrator has yet to approve the device
    CHOOSE_SECRET = "choose_secret"
    FIRST_SYNC = "first_sync"
    LOCKED = "locked"
    ELSEWHERE = "elsewhere"  # the vault is open in another tab
    OPEN = "open"


class Session:
    """One installation, one person at a time. Methods are async and not to be run at once; screens
    take care.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._listeners: list[Callable[[], None]] = []
        self._credentials: SignInRequest | None = None
        self._reply: TokenReply | None = None
        self._peer: Peer | None = None
        self._opened: Opened | None = None
        self._turn = asyncio.Lock()  # a vault is opened, closed or emptied, one at a time
        self._touched_ms = 0
        self._unwritten: list[Callable[[], None]] = []
        self.phase = Phase.STARTING
        self.profile: Profile | None = None
        self.wiped = False  # by an administrator's order, in this run of the app
        self.left_behind = LeftBehind(services, self._emptied)

    @property
    def store(self) -> Store | None:
        """The open vault's store."""
        return self._opened.store if self._opened else None

    @property
    def syncing(self) -> Syncing | None:
        """The open vault's sync."""
        return self._opened.syncing if self._opened else None

    @property
    def ending(self) -> Ending | None:
        """What watches over the end of access in the open vault."""
        return self._opened.ending if self._opened else None

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Called after each change of phase."""
        self._listeners.append(listener)

    def before_closing(self, write: Callable[[], None]) -> Callable[[], None]:
        """`write` stores what is still in its author's hands, before the vault closes or the app is
        put away; returns how to take it out again.
        """
        self._unwritten.append(write)
        return lambda: self._unwritten.remove(write) if write in self._unwritten else None

    def write_down(self) -> None:
        """Stores what is still being written. Harmless at any time."""
        for write in list(self._unwritten):
            write()

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        for listener in self._listeners:
            listener()

    async def begin(self) -> None:
        """At the app's start: to the lock if someone has a vault here, else to the welcome."""
        for profile in await self._services.keys.profiles():
            if await self._services.keys.has_vault_key(profile.vault):
                self.profile = profile
                self._enter(Phase.LOCKED)
                return
            self.profile = self.profile or profile
        self._enter(Phase.WELCOME)

    def go_to_sign_in(self) -> None:
        """From the lock: the secret is forgotten, or another person takes the device."""
        self._enter(Phase.WELCOME)

    async def back_to_lock(self) -> None:
        """From the sign-in back to the lock, if there is one."""
        await self.begin()

    # Online, once

    async def company_sign_in(self, server_url: str) -> str | None:
        """What the company's own sign-in is called there; None where there is none, or where
        nobody answers.
        """
        try:
            return (await self._services.connect(server_url).ways()).company
        except Refusal:
            return None

    async def leave_for_company(self, server_url: str) -> None:
        """Leaves for the company's sign-in, which sends the browser back with a ticket."""
        address = await self._services.connect(server_url).begin_company_sign_in()
        await self._services.place.leave_for(address)

    async def sign_in(
        self,
        server_url: str,
        username: str,
        password: str,
        device_name: str,
        *,
        second_factor: str = "",
        enrolment_code: str = "",
        ticket: str = "",
    ) -> None:
        """Enrols this device's key under the user, by name and password or by a ticket of the
        company's sign-in. Leads to PENDING or CHOOSE_SECRET. Refuses `second_factor_wanted` where
        a code has to come along.

        While an administrator has yet to approve the device, what the server gave for asking again
        stands in the password's place.
        """
        from shared.wire import SignInRequest

        public = await self._services.keys.public_jwk()
        self._credentials = SignInRequest(
            username=username.strip(),
            password=password,
            device_key=public["x"],
            device_name=device_name,
            platform=self._services.place.platform,
            app_version=self._services.app_version,
            second_factor=second_factor.strip() or None,
            enrolment_code=enrolment_code.strip() or None,
            ticket=ticket or None,
        )
        self._peer = self._services.connect(server_url)
        self.profile = Profile(
            vault="", server_url=server_url, user_id="", display_name=username.strip()
        )
        await self.check_approval()

    async def check_approval(self, enrolment_code: str = "") -> None:
        """Asks again with what was entered, and with a code that lets this device in if there is
        one. Leads on when the device is approved; refuses when it is blocked.
        """
        assert self._peer is not None and self._credentials is not None, "sign in first"
        asked = self._credentials
        if enrolment_code.strip():
            asked = replace(asked, enrolment_code=enrolment_code.strip())
        reply = await self._peer.sign_in(asked)
        if reply.device_state == "blocked":
            raise Refusal(Code.DEVICE_BLOCKED)
        if reply.access_token is None or reply.staff is None or reply.keys is None:
            if reply.ticket is not None:
                self._credentials = replace(
                    asked,
                    username="",
                    password="",
                    second_factor=None,
                    enrolment_code=None,
                    ticket=reply.ticket,
                )
            self._enter(Phase.PENDING)
            return
        assert self.profile is not None
        self._reply, self._credentials = reply, None
        self.profile = replace(
            self.profile,
            vault=reply.staff.id,
            user_id=reply.staff.id,
            display_name=reply.staff.name,
            role=reply.staff.role,
            device_id=reply.device_id,
            server_seal_key=reply.keys.seal,
            server_verify_key=reply.keys.lease,
        )
        self._enter(Phase.CHOOSE_SECRET)

    async def choose_secret(self, secret: str, language: str) -> None:
        """Makes the vault under this secret and opens it. Leads to FIRST_SYNC.

        A vault of the same user that is here already, whose secret was forgotten, is begun anew:
        what it held comes from the server again, and what was unsent is sent from its sealed log
        (L1).
        """
        assert self.profile is not None and self._reply is not None and self._peer is not None
        from mobile.usecases import opening

        await self.left_behind.leave(self.profile.vault)
        now = self._services.clock.now()
        self.profile = replace(self.profile, language=language, last_opened_at=now)
        self._hold(
            await opening.make(self._services, self.profile, self._peer, secret, self._reply)
        )
        await self._services.keys.save_profile(self.profile)
        # From now on there is something to lose: asked once here, and again from the settings.
        await self._services.place.storage(True)
        self._reply = None
        self._enter(Phase.FIRST_SYNC)

    async def first_sync(self, progress: Tell) -> Code | None:
        """Fetches everything and leads to OPEN. When the way is cut, says why and stays: what
        arrived is there, `enter` leads on, and the rest follows.
        """
        assert self.syncing is not None
        report = await self.syncing.now(progress)
        if report.code is None and self.phase is Phase.FIRST_SYNC:
            self.enter()
        return report.code

    def _hold(self, opened: Opened) -> None:
        opened.ending.write_down = self.write_down
        opened.syncing.wipe = self.wipe
        self._opened = opened

    def enter(self) -> None:
        """Into the app, with whatever has arrived."""
        self.touch()
        if self._opened is not None:
            self._opened.ending.start()
        self._enter(Phase.OPEN)

    # Every day, with or without a network

    async def unlock(self, secret: str) -> None:
        """Opens the vault. Refuses `wrong_secret` (with `remaining`), `vault_destroyed`,
        `vault_damaged`; leads to ELSEWHERE while another tab has it open.
        """
        from mobile.usecases import opening

        services = self._services
        async with self._turn:
            if self.profile is None:
                return  # emptied a moment ago
            await self.left_behind.leave(self.profile.vault)
            self._peer = services.connect(self.profile.server_url)
            try:
                self._hold(await opening.unlock(services, self.profile, self._peer, secret))
            except Refusal as refusal:
                if refusal.code is Code.VAULT_LOCKED_ELSEWHERE:
                    self._enter(Phase.ELSEWHERE)
                    return
                raise
            self.profile = replace(self.profile, last_opened_at=services.clock.now())
            await services.keys.save_profile(self.profile)
            self.enter()

    async def lock(self) -> None:
        """Closes the vault and drops its key from memory. Unsent work stays in it. A second call is
        harmless.
        """
        if self.phase is Phase.LOCKED or self.profile is None:
            return
        self.write_down()
        self._enter(Phase.LOCKED)  # first, so that no screen reads a closed store
        async with self._turn:
            await self._close()

    async def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.ending.stop()
            await opened.syncing.stop()
            opened.connection.close()
        if self.profile is not None:
            await self._services.keys.lock(self.profile.vault)
            await self._services.files.release(self.profile.vault)

    def touch(self) -> None:
        """Someone is using the app: the idle time begins anew."""
        self._touched_ms = self._services.clock.monotonic_ms()

    async def lock_if_idle(self) -> bool:
        """Locks after the policy's idle minutes without a touch. True if it did."""
        if self.phase is not Phase.OPEN or self.store is None:
            return False
        idle = timedelta(milliseconds=self._services.clock.monotonic_ms() - self._touched_ms)
        if idle < timedelta(minutes=self.store.policy().idle_lock_minutes):
            return False
        await self.lock()
        return True

    async def change_secret(self, old: str, new: str) -> None:
        """Another PIN or passphrase for the same vault. A wrong `old` counts as a try."""
        assert self.profile is not None
        await self._services.keys.change_secret(self.profile.vault, old, new)

    async def tries_left(self) -> int:
        """Wrong secrets that are still allowed for the present profile."""
        return await self._services.keys.tries_left(self.profile.vault) if self.profile else 0

    async def wipe(self) -> None:
        """Empties the device as an administrator ordered: what is half written is sealed with the
        rest, then vault and key go; the receipt and the sealed log are sent from the sign-in.
        Leads to WELCOME, which says so. Harmless twice."""
        if self.profile is not None:
            await self._emptied(self.profile)

    async def _emptied(self, profile: Profile) -> None:
        async with self._turn:
            if profile.vault in {one.vault for one in await self._services.keys.profiles()}:
                await self._empty(profile)

    async def _empty(self, profile: Profile) -> None:
        from mobile.usecases import wiping

        here = self.profile is not None and self.profile.vault == profile.vault
        if here:  # and not another person's vault, who is at work beside it
            self.write_down()
            if self._opened is not None:
                await self._seal_the_rest(self._opened)
            self._enter(Phase.STARTING)  # no screen reads a closed store
            await self._close()
        receipt = await wiping.destroy(self._services, profile)
        await self.left_behind.remember(profile, receipt=receipt)
        await self._services.keys.forget_profile(profile.vault)
        if here:
            self.profile, self.wiped = None, True
            self._enter(Phase.WELCOME)
        self.left_behind.again(profile.vault)

    async def _seal_the_rest(self, opened: Opened) -> None:
        """On a full disk what is half written is lost; what was saved may find room in the log all
        the same."""
        with suppress(Refusal):
            opened.store.inbound.end_all()
        with suppress(Refusal):
            await opened.syncing.seal()

    async def sign_out(self) -> None:
        """Takes this user off the device: vault and key go, the sealed copies of unsent work and
        photos stay until they were sent.

        Ask first, and say how many changes are unsent (`store.status()`).
        """
        assert self.profile is not None
        profile = self.profile
        self._enter(Phase.STARTING)  # no screen reads a closed store
        async with self._turn:
            await self._close()
            await self._services.keys.forget(profile.vault)
            await self._services.files.destroy(profile.vault, keep_log=True)
            await self.left_behind.remember(profile)
            await self._services.keys.forget_profile(profile.vault)
            self.profile = None
        self._enter(Phase.WELCOME)
