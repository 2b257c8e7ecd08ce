"""One phone of the simulation: a real vault on a disk that fails, a real store and engine, and a
clock that its owner sets as they please."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import apsw
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from mobile.keys.port import Profile, Protection, VaultKeys
from mobile.store.credentials import server_keys
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.store.trusted_time import TrustedClock
from mobile.store.unlocking import create_vault, renew_key, unlock_vault
from mobile.sync.engine import SyncEngine
from mobile.sync.fetching import PageSizes
from mobile.sync.transport import Fetch, HttpPeer
from mobile.usecases.sealing import Sealing
from shared import dpop
from shared.errors import Code, Refusal
from shared.wire import SignInRequest, TokenReply
from tests.server.phones import PASSWORD, HandClock
from tests.sim.cast import PHONES, staff_id
from tests.sim.disk import PowerCut, SimDisk, SimFiles
from tests.sim.site import ADDRESS

VAULT = "vault"
PAGES = PageSizes(first=3, others=5)
TOLERANCE = timedelta(minutes=5)


class SimKeys:
    """The device's keys: an identity that stays, and the vault's keys beside its disk."""

    protection = Protection.KEY_FILE

    def __init__(self, identity: Ed25519PrivateKey) -> None:
        self._identity = identity
        self.disk = SimDisk()
        self.wraps: dict[str, VaultKeys] = {}
        self.old: list[bytes] = []  # that no longer open anything, the law says (L4)
        raw = identity.public_key().public_bytes_raw()
        self.jwk = dpop.public_jwk(dpop.b64(raw))

    async def public_jwk(self) -> dict[str, str]:
        return self.jwk

    async def sign(self, message: bytes) -> bytes:
        return self._identity.sign(message)

    async def seal(self, recipient: bytes, info: bytes, plaintext: bytes) -> bytes:
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
        return suite.encrypt(plaintext, X25519PublicKey.from_public_bytes(recipient), info=info)

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    async def has_vault_key(self, vault: str) -> bool:
        return vault in self.wraps

    async def create_vault_key(self, vault: str, _secret: str) -> bytes:
        self.disk.step()
        self.wraps[vault] = VaultKeys(secrets.token_bytes(32))
        return self.wraps[vault].key

    async def unlock(self, vault: str, _secret: str) -> VaultKeys:
        return self.wraps[vault]

    async def stage_vault_key(self, vault: str) -> bytes:
        held = self.wraps[vault]
        if held.next is not None:
            return held.next
        self.disk.step()
        made = secrets.token_bytes(32)
        self.wraps[vault] = VaultKeys(held.key, made)
        return made

    async def keep_vault_key(self, vault: str, key: bytes) -> None:
        self.disk.step()
        self.old += [k for k in self.wraps[vault].in_order() if k != key]
        self.wraps[vault] = VaultKeys(key)

    async def forget(self, vault: str) -> None:
        self.disk.step()
        if vault in self.wraps:
            self.old += self.wraps.pop(vault).in_order()


@dataclass
class PhoneClock:
    """The phone's own clock: the true time, and how far its owner set it off."""

    true: HandClock
    off: timedelta = timedelta(0)
    started_ms: int = 0

    def now(self) -> datetime:
        return self.true.now() + self.off

    def monotonic_ms(self) -> int:
        return self.true.monotonic_ms() - self.started_ms + 1000


@dataclass(frozen=True)
class Packed:
    """A phone as it lies on the template's table: enrolled, synced once, put away."""

    identity: Ed25519PrivateKey
    files: dict[str, bytes]
    wraps: dict[str, VaultKeys]


@dataclass
class Phone:
    """`fetch` is its way to the server."""

    name: str
    true_clock: HandClock
    fetch: Fetch
    identity: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.who = PHONES[self.name]
        self.id = staff_id(self.who)
        self.keys = SimKeys(self.identity)
        self.clock = PhoneClock(self.true_clock)
        self.disk = SimDisk()
        self.keys.disk = self.disk
        self.files = SimFiles(self.disk)
        self.boots = 0
        self.peer = HttpPeer(ADDRESS, self.fetch, self.keys, self.clock)
        self.db: apsw.Connection | None = None
        self.signed_in = True
        self.app_version = "1.0"

    # ── beginnings ────────────────────────────────────────────────────────────────────────

    def pack(self) -> Packed:
        assert self.db is not None
        self.db.close()
        self.db = None
        return Packed(
            self.identity,
            {n: bytes(d) for n, d in self.disk.files.items() if d},
            dict(self.keys.wraps),
        )

    async def unpack(self, packed: Packed) -> None:
        self.keys.wraps = dict(packed.wraps)
        self._insert(SimDisk(packed.files))
        await self.open()

    def _insert(self, disk: SimDisk) -> None:
        self.disk = self.keys.disk = disk
        self.files = SimFiles(disk)

    async def open(self) -> None:
        """The app starts: unlock, store, log, engine."""
        self.boots += 1
        self.clock.started_ms = self.true_clock.monotonic_ms()
        self.db = await unlock_vault(self.files, self.keys, VAULT, "")
        self._put_together()

    def _put_together(self) -> None:
        assert self.db is not None
        boot = f"{self.name}/{self.boots}"
        self.time = TrustedClock(self.clock, boot, self.db, TOLERANCE)
        self.store = Store(self.db, self.time)
        self.log = SealedLog(self.files, VAULT)
        self._sealing: Sealing | None = None
        self.engine = SyncEngine(
            self.store,
            self.peer,
            self.keys,
            app_version=self.app_version,
            rekey=self._rekey,
            seal=self.seal,
            log=self.log,
            pages=PAGES,
        )

    async def seal(self) -> None:
        """Copies what is unsealed into the sealed log, as the app does after each commit."""
        if self._sealing is None:
            keys = server_keys(self.store.parts)
            if keys is None:
                return
            profile = Profile(
                vault=VAULT,
                server_url=ADDRESS,
                user_id=self.id,
                display_name=self.who,
                device_id=self.store.parts.meta.get("device_id"),
                server_seal_key=keys.seal,
            )
            self._sealing = Sealing(self.store, self.log, self.keys, profile)
        await self._sealing.copy()

    async def _rekey(self) -> None:
        assert self.db is not None
        await renew_key(self.db, self.keys, VAULT)

    async def begin_vault(self) -> None:
        """A new vault: the first, or after the PIN was forgotten. The sealed log stays."""
        self.boots += 1
        self.clock.started_ms = self.true_clock.monotonic_ms()
        self.close()
        await self.keys.forget(VAULT)
        self.db = await create_vault(self.files, self.keys, VAULT, "")
        self._put_together()
        self.signed_in = False

    async def sign_in(self) -> TokenReply:
        """Refuses as the server does."""
        reply = await self.peer.sign_in(
            SignInRequest(
                username=self.who,
                password=PASSWORD,
                device_key=self.keys.jwk["x"],
                device_name=self.name,
                platform="native",
                app_version=self.app_version,
            )
        )
        self.store.begin(reply)
        self.signed_in = True
        return reply

    # ── ends ──────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """As the app does when it is put away; after a kill nothing more is written."""
        if self.db is not None:
            with suppress(apsw.Error, Refusal, PowerCut):
                self.db.close(True)
            self.db = None

    async def killed(self, kept: str, chance: Random) -> None:
        """The process is gone, perhaps the power too; `open` finds what is left."""
        left = self.disk.after_the_cut(kept, chance)
        left.full_after = self.disk.full_after
        self.disk.dead = self.disk.closed = True
        self.close()
        await self.files.release(VAULT)
        self._insert(left)

    def peek(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into the vault past every gate: for the oracle alone."""
        assert self.db is not None
        return self.db.execute(sql, values).fetchall()

    def readable(self) -> Code | None:
        return self.store.suspended()
