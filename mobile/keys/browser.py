"""The browser half: WebCrypto keys that no script can read out, kept in IndexedDB.

Imported in the browser only. The device's identity and its key for each vault are made non-
extractable, so a copied profile of IndexedDB records without the browser's own key store opens
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from mobile.keys.indexed_db import Database
from mobile.keys.keyring import Keyring
from mobile.keys.port import Protection
from mobile.keys.primitives import Box, BrokenSeal, EphemeralKey, Identity, KdfParameters

_NONCE_BYTES = 12
_PBKDF2_ROUNDS = 600_000
"""OWASP's figure for PBKDF2-HMAC-SHA-256 (2023); 0.2 s on a laptop."""


async def browser_keys() -> Keyring:
    """The keys of this browser profile. Refuses `storage_not_durable` where it keeps no keys."""
    database = await Database.open("huifang-keys", ("records", "keys"))
    return Keyring(BrowserPrimitives(database), BrowserRecords(database))


class BrowserRecords:
    """Small records in IndexedDB, each update one transaction with strict durability."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, name: str) -> bytes | None:
        return _bytes_or_none(await self._database.get("records", name))

    async def names(self, prefix: str) -> list[str]:
        return sorted(
            name for name in await self._database.names("records") if name.startswith(prefix)
        )

    async def update(self, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        def changed(stored: Any) -> Any:
            record = change(_bytes_or_none(stored))
            return None if record is None else to_js(record)

        await self._database.change("records", name, changed)


class BrowserBox:
    """AES-256-GCM under a non-extractable WebCrypto key: nonce, then ciphertext and tag."""

    def __init__(self, key: Any) -> None:
        self._key = key

    async def seal(self, plaintext: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + await _aes_gcm("encrypt", self._key, nonce, plaintext, context)

    async def open(self, sealed: bytes, context: bytes) -> bytes:
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return await _aes_gcm("decrypt", self._key, nonce, rest, context)
        except JsException as broken:
            raise BrokenSeal from broken


class BrowserIdentity:
    def __init__(self, pair: Any) -> None:
        self._pair = pair

    async def public_key(self) -> bytes:
        return _bytes(await js.crypto.subtle.exportKey("raw", self._pair.publicKey))

    async def sign(self, message: bytes) -> bytes:
        subtle = js.crypto.subtle
        return _bytes(await subtle.sign("Ed25519", self._pair.privateKey, to_js(message)))


class BrowserEphemeralKey:
    """An X25519 pair whose private half stays in WebCrypto."""

    def __init__(self, private: Any, public_key: bytes) -> None:
        self._private = private
        self.public_key = public_key

    async def agree(self, peer_public_key: bytes) -> bytes:
        subtle = js.crypto.subtle
        try:
            peer = await subtle.importKey("raw", to_js(peer_public_key), "X25519", False, to_js([]))
            algorithm = _object(name="X25519", public=peer)
            return _bytes(await subtle.deriveBits(algorithm, self._private, 256))
        except JsException as refused:  # WebCrypto refuses points of small order by itself
            raise ValueError("this is no usable X25519 public key") from refused


class BrowserPrimitives:
    """WebCrypto, and the keys that `Database` keeps. `rounds` is for tests."""

    protection = Protection.WEBCRYPTO

    def __init__(self, database: Database, *, rounds: int = _PBKDF2_ROUNDS) -> None:
        self._database = database
        self._rounds = rounds

    def random(self, size: int) -> bytes:
        return os.urandom(size)

    def fresh_kdf(self) -> KdfParameters:
        return KdfParameters("pbkdf2-sha256", os.urandom(16), self._rounds)

    async def stretch(self, secret: bytes, kdf: KdfParameters) -> Box:
        if kdf.name != "pbkdf2-sha256":
            raise ValueError(f"this device can't compute {kdf.name}")
        subtle = js.crypto.subtle
        uses = to_js(["deriveKey"])
        base = await subtle.importKey("raw", to_js(secret), "PBKDF2", False, uses)
        how = _object(
            name="PBKDF2", hash="SHA-256", salt=to_js(kdf.salt), iterations=kdf.iterations
        )
        return BrowserBox(await subtle.deriveKey(how, base, _AES_256, False, _BOX_USES))

    async def device_box(self, vault: str, *, create: bool) -> Box | None:
        name = f"vault-{vault}"
        key = await self._database.get("keys", name)
        if key is None and create:
            fresh = await js.crypto.subtle.generateKey(_AES_256, False, _BOX_USES)
            key = await self._kept(name, fresh)
        return None if key is None else BrowserBox(key)

    async def forget_device_box(self, vault: str) -> None:
        await self._database.change("keys", f"vault-{vault}", lambda _: None)

    async def identity(self) -> Identity:
        pair = await self._database.get("keys", "identity")
        if pair is None:
            uses = to_js(["sign", "verify"])
            pair = await self._kept(
                "identity", await js.crypto.subtle.generateKey("Ed25519", False, uses)
            )
        return BrowserIdentity(pair)

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        subtle = js.crypto.subtle
        try:
            uses = to_js(["verify"])
            key = await subtle.importKey("raw", to_js(public_key), "Ed25519", False, uses)
            return bool(await subtle.verify("Ed25519", key, to_js(signature), to_js(message)))
        except JsException:
            return False

    async def ephemeral_key(self) -> EphemeralKey:
        subtle = js.crypto.subtle
        pair = await subtle.generateKey("X25519", False, to_js(["deriveBits"]))
        return BrowserEphemeralKey(
            pair.privateKey, _bytes(await subtle.exportKey("raw", pair.publicKey))
        )

    async def aes_128_gcm(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        subtle = js.crypto.subtle
        imported = await subtle.importKey("raw", to_js(key), "AES-GCM", False, to_js(["encrypt"]))
        return await _aes_gcm("encrypt", imported, nonce, plaintext, aad)

    async def _kept(self, name: str, fresh: Any) -> Any:
        """`fresh`, stored; or the key that another tab stored a moment earlier."""
        await self._database.change("keys", name, lambda stored: stored or fresh)
        return await self._database.get("keys", name)


async def _aes_gcm(verb: str, key: Any, nonce: bytes, data: bytes, aad: bytes) -> bytes:
    how = _object(name="AES-GCM", iv=to_js(nonce), additionalData=to_js(aad))
    return _bytes(await getattr(js.crypto.subtle, verb)(how, key, to_js(data)))


def _object(**members: object) -> Any:
    return to_js(members, dict_converter=js.Object.fromEntries)


def _bytes(buffer: Any) -> bytes:
    found: bytes = buffer.to_bytes()
    return found


def _bytes_or_none(stored: Any) -> bytes | None:
    return None if stored is None else _bytes(stored)


_AES_256 = _object(name="AES-GCM", length=256)
_BOX_USES = to_js(["encrypt", "decrypt"])
