"""`DeviceKeys`, written once over the primitives of whichever device it runs on."""

from __future__ import annotations

import asyncio
import unicodedata
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

from mobile.keys import hpke
from mobile.keys.port import SHORTEST_SECRET, Profile, Protection, VaultKeys
from mobile.keys.primitives import Box, BrokenSeal, Identity, Primitives, Records
from mobile.keys.wraps import Wrap, checked_name, read_profile, read_wrap, write_profile, write_wrap
from shared.dpop import b64, public_jwk
from shared.errors import Code, Refusal

_KEY_BYTES = 32


def _secret_bytes(secret: str) -> bytes:
    """One spelling for one secret: a full-width digit of a Chinese keyboard is that digit."""
    return unicodedata.normalize("NFKC", secret).encode()


def _long_enough(secret: str) -> bytes:
    spelled = _secret_bytes(secret)
    if len(spelled.decode()) < SHORTEST_SECRET:
        raise Refusal(Code.SECRET_TOO_SHORT, minimum=SHORTEST_SECRET)
    return spelled


def _context(vault: str) -> bytes:
    """Binds a wrap to its vault: one vault's wrap can't be put in another's place."""
    return b"huifang vault key v1\x00" + vault.encode()


class _Unlocked:
    """What an open vault keeps in memory so that it can be re-keyed without asking for the
    secret.
    """

    def __init__(self, stretched: Box, device: Box, vault: str) -> None:
        self._boxes = (stretched, device)
        self._context = _context(vault)

    async def wrap(self, key: bytes) -> bytes:
        stretched, device = self._boxes
        return await device.seal(await stretched.seal(key, self._context), self._context)

    async def unwrap(self, sealed: bytes) -> bytes:
        stretched, device = self._boxes
        try:
            inner = await device.open(sealed, self._context)
        except BrokenSeal as broken:  # no secret is to blame: the wrap came from another device
            raise Refusal(Code.VAULT_WRONG_KEY, reason="other_device") from broken
        return await stretched.open(inner, self._context)


class Keyring:
    """The keys of one installation. Tasks may share it; one process at a time per vault."""

    def __init__(self, primitives: Primitives, records: Records) -> None:
        self._primitives = primitives
        self._records = records
        self._identity: Identity | None = None
        self._jwk: dict[str, str] | None = None
        self._open: dict[str, _Unlocked] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def protection(self) -> Protection:
        return self._primitives.protection

    # Identity and sealing

    async def public_jwk(self) -> dict[str, str]:
        if self._jwk is None:
            public = await (await self._device()).public_key()
            self._jwk = public_jwk(b64(public))
        return self._jwk

    async def sign(self, message: bytes) -> bytes:
        return await (await self._device()).sign(message)

    async def _device(self) -> Identity:
        """Looked up once, like its public half: each request is signed, and an installation's
        identity never changes."""
        if self._identity is None:
            self._identity = await self._primitives.identity()
        return self._identity

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        return await self._primitives.verify(public_key, signature, message)

    async def seal(self, recipient_public_key: bytes, info: bytes, plaintext: bytes) -> bytes:
        return await hpke.seal(self._primitives, recipient_public_key, info, plaintext)

    # Vault keys

    async def has_vault_key(self, vault: str) -> bool:
        wrap = await self._wrap(vault)
        return wrap is not None and not wrap.destroyed

    async def tries_left(self, vault: str) -> int:
        wrap = await self._wrap(vault)
        return wrap.tries_left if wrap is not None and not wrap.destroyed else 0

    async def create_vault_key(self, vault: str, secret: str) -> bytes:
        spelled = _long_enough(secret)
        async with self._turns[vault]:
            if await self.has_vault_key(vault):
                raise ValueError("this vault has a key: forget it first")
            await self._primitives.forget_device_box(vault)
            kdf = self._primitives.fresh_kdf()
            device = await self._device_box(vault, create=True)
            unlocked = _Unlocked(await self._primitives.stretch(spelled, kdf), device, vault)
            key = self._primitives.random(_KEY_BYTES)
            await self._store(vault, Wrap(kdf, (await unlocked.wrap(key),)))
            self._open[vault] = unlocked
            return key

    async def unlock(self, vault: str, secret: str) -> VaultKeys:
        async with self._turns[vault]:
            return (await self._unlock(vault, secret))[0]

    async def lock(self, vault: str) -> None:
        self._open.pop(vault, None)

    async def change_secret(self, vault: str, old: str, new: str) -> None:
        spelled = _long_enough(new)
        async with self._turns[vault]:
            keys, _ = await self._unlock(vault, old)
            _, before = await self._unlocked_wrap(vault)
            kdf = self._primitives.fresh_kdf()
            device = await self._device_box(vault)
            unlocked = _Unlocked(await self._primitives.stretch(spelled, kdf), device, vault)
            sealed = tuple([await unlocked.wrap(key) for key in keys.in_order()])
            await self._store(vault, Wrap(kdf, sealed, before.tries, before.tries))
            self._open[vault] = unlocked

    async def allow_tries(self, vault: str, tries: int) -> None:
        async with self._turns[vault]:
            _, wrap = await self._unlocked_wrap(vault)
            if tries != wrap.tries:
                left = max(1, wrap.tries_left + tries - wrap.tries)
                await self._store(vault, replace(wrap, tries=tries, tries_left=left))

    async def stage_vault_key(self, vault: str) -> bytes:
        async with self._turns[vault]:
            unlocked, wrap = await self._unlocked_wrap(vault)
            if len(wrap.sealed) > 1:
                return await unlocked.unwrap(wrap.sealed[1])
            key = self._primitives.random(_KEY_BYTES)
            await self._store(vault, replace(wrap, sealed=(*wrap.sealed, await unlocked.wrap(key))))
            return key

    async def keep_vault_key(self, vault: str, key: bytes) -> None:
        async with self._turns[vault]:
            unlocked, wrap = await self._unlocked_wrap(vault)
            kept = [sealed for sealed in wrap.sealed if await unlocked.unwrap(sealed) == key]
            if not kept:
                raise ValueError("only a key of this vault can be kept")
            if len(wrap.sealed) > 1:
                await self._store(vault, replace(wrap, sealed=(kept[0],)))

    async def forget(self, vault: str) -> None:
        async with self._turns[vault]:
            self._open.pop(vault, None)
            await self._records.update(_wrap_record(vault), lambda _: None)
            await self._primitives.forget_device_box(vault)

    # Profiles

    async def profiles(self) -> list[Profile]:
        names = await self._records.names("profile-")
        records = [await self._records.read(name) for name in names]
        found = [read_profile(record) for record in records if record is not None]
        never = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda one: (one.last_opened_at or never, one.vault), reverse=True)

    async def save_profile(self, profile: Profile) -> None:
        record = write_profile(profile)
        await self._records.update(f"profile-{checked_name(profile.vault)}", lambda _: record)

    async def forget_profile(self, vault: str) -> None:
        await self._records.update(f"profile-{checked_name(vault)}", lambda _: None)

    # Steps of the above

    async def _unlock(self, vault: str, secret: str) -> tuple[VaultKeys, _Unlocked]:
        wrap = await self._wrap(vault)
        if wrap is None:
            raise Refusal(Code.VAULT_WRONG_KEY, reason="no_key")
        if wrap.destroyed:
            raise Refusal(Code.VAULT_DESTROYED)
        device = await self._device_box(vault)
        wrap = await self._spend_a_try(vault)
        unlocked = _Unlocked(
            await self._primitives.stretch(_secret_bytes(secret), wrap.kdf), device, vault
        )
        try:
            opened = [await unlocked.unwrap(sealed) for sealed in wrap.sealed]
        except BrokenSeal:
            raise await self._wrong_secret(vault, wrap.tries_left) from None
        await self._store(vault, replace(wrap, tries_left=wrap.tries))
        self._open[vault] = unlocked
        return VaultKeys(*opened), unlocked

    async def _spend_a_try(self, vault: str) -> Wrap:
        """One try less, on disk before anything is checked. A try that a kill cut short stays
        spent.
        """
        spent: list[Wrap] = []

        def one_less(record: bytes | None) -> bytes | None:
            wrap = read_wrap(record or b"")
            spent.append(replace(wrap, tries_left=wrap.tries_left - 1))
            return write_wrap(spent[-1])

        await self._records.update(_wrap_record(vault), one_less)
        if spent[-1].tries_left < 0:  # the tenth try was killed before it could destroy the wrap
            raise await self._wrong_secret(vault, 0)
        return spent[-1]

    async def _wrong_secret(self, vault: str, remaining: int) -> Refusal:
        if remaining > 0:
            return Refusal(Code.WRONG_SECRET, remaining=remaining)
        self._open.pop(vault, None)
        wrap = await self._wrap(vault)
        if wrap is not None:
            await self._store(vault, replace(wrap, sealed=(), tries_left=0))
        await self._primitives.forget_device_box(vault)
        return Refusal(Code.VAULT_DESTROYED)

    async def _unlocked_wrap(self, vault: str) -> tuple[_Unlocked, Wrap]:
        unlocked, wrap = self._open.get(vault), await self._wrap(vault)
        if unlocked is None or wrap is None or wrap.destroyed:
            raise ValueError("this needs an unlocked vault")
        return unlocked, wrap

    async def _device_box(self, vault: str, *, create: bool = False) -> Box:
        box = await self._primitives.device_box(vault, create=create)
        if box is None:
            raise Refusal(Code.VAULT_WRONG_KEY, reason="no_device_key")
        return box

    async def _wrap(self, vault: str) -> Wrap | None:
        record = await self._records.read(_wrap_record(vault))
        return None if record is None else read_wrap(record)

    async def _store(self, vault: str, wrap: Wrap) -> None:
        record = write_wrap(wrap)
        await self._records.update(_wrap_record(vault), lambda _: record)


def _wrap_record(vault: str) -> str:
    return f"wrap-{checked_name(vault)}"
