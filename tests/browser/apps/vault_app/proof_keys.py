"""The part of the proof that concerns WebCrypto alone: HPKE, the identity, and what can't be
taken out.
"""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, to_js

from mobile.keys import hpke
from mobile.keys.browser import BrowserEphemeralKey, BrowserPrimitives
from mobile.keys.indexed_db import Database
from mobile.keys.keyring import Keyring

_PKCS8_X25519 = bytes.fromhex("302e020100300506032b656e04220420")
"""What stands before 32 bytes of private X25519 key in PKCS #8; WebCrypto imports no raw ones."""


class KeyProof:
    """Verbs over the keys; each public method is one."""

    def __init__(self, keys: Keyring) -> None:
        self.keys = keys

    async def hpke_with_fixed_key(
        self, private: str, public: str, recipient: str, info: str, plaintext: str, aad: str
    ) -> str:
        """RFC 9180's vector: the ephemeral key is given instead of drawn."""
        key = await js.crypto.subtle.importKey(
            "pkcs8",
            to_js(_PKCS8_X25519 + bytes.fromhex(private)),
            "X25519",
            False,
            to_js(["deriveBits"]),
        )
        sealed = await hpke.seal(
            BrowserPrimitives(await _database()),
            bytes.fromhex(recipient),
            bytes.fromhex(info),
            bytes.fromhex(plaintext),
            aad=bytes.fromhex(aad),
            ephemeral=BrowserEphemeralKey(key, bytes.fromhex(public)),
        )
        return sealed.hex()

    async def seal(self, recipient: str, info: str, plaintext: str) -> str:
        sealed = await self.keys.seal(
            bytes.fromhex(recipient), bytes.fromhex(info), bytes.fromhex(plaintext)
        )
        return sealed.hex()

    async def seal_to_nobody(self) -> str:
        try:
            await self.keys.seal(bytes(32), b"", b"x")
        except ValueError:
            return "ValueError"
        return "sealed"

    async def identity(self, message: str) -> dict[str, Any]:
        data = bytes.fromhex(message)
        return {
            "jwk": await self.keys.public_jwk(),
            "signature": (await self.keys.sign(data)).hex(),
        }

    async def verify(self, public: str, signature: str, message: str) -> bool:
        return await self.keys.verify(
            bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message)
        )

    async def taking_keys_out(self) -> dict[str, str]:
        """Tries to export every key that IndexedDB keeps, as a hostile script would."""
        database = await _database()
        tried = {}
        for name in await database.names("keys"):
            stored = await database.get("keys", name)
            if name == "identity":
                tried[name] = await _export("jwk", stored.privateKey)
            else:
                tried[name] = await _export("raw", stored)
        return tried


async def _database() -> Database:
    return await Database.open("huifang-keys", ("records", "keys"))


async def _export(form: str, key: Any) -> str:
    try:
        await js.crypto.subtle.exportKey(form, key)
    except JsException as refused:
        return str(refused.name)
    return "taken"
