"""The few operations that the native and the browser half must each supply; the rest is written
once.

A `Box` may hold a key that nobody can read out, so it is an object with two verbs and not bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mobile.keys.port import Protection


class BrokenSeal(Exception):
    """An authenticated ciphertext did not open: another key, another context, or changed bytes."""


@dataclass(frozen=True, slots=True)
class KdfParameters:
    """How a secret was stretched; stored beside the wrap, so that the numbers can grow with the
    years.
    """

    name: str
    salt: bytes
    iterations: int
    memory_kib: int = 0
    lanes: int = 1


class Box(Protocol):
    """AES-256-GCM under one key, with a fresh nonce for each seal."""

    async def seal(self, plaintext: bytes, context: bytes) -> bytes: ...

    async def open(self, sealed: bytes, context: bytes) -> bytes:
        """The plaintext; `BrokenSeal` if anything differs."""
        ...


class Identity(Protocol):
    """The device's Ed25519 key pair."""

    async def public_key(self) -> bytes: ...

    async def sign(self, message: bytes) -> bytes: ...


class EphemeralKey(Protocol):
    """An X25519 key pair for one sealing."""

    @property
    def public_key(self) -> bytes: ...

    async def agree(self, peer_public_key: bytes) -> bytes:
        """The 32-byte Diffie-Hellman value."""
        ...


class HpkePrimitives(Protocol):
    """What RFC 9180's sealing needs beyond HMAC-SHA-256, which the standard library has
    everywhere.
    """

    async def ephemeral_key(self) -> EphemeralKey: ...

    async def aes_128_gcm(
        self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes
    ) -> bytes: ...


class Primitives(HpkePrimitives, Protocol):
    """Keys and arithmetic of one kind of device."""

    @property
    def protection(self) -> Protection: ...

    def random(self, size: int) -> bytes: ...

    def fresh_kdf(self) -> KdfParameters:
        """Parameters for a new wrap, with a new salt."""
        ...

    async def stretch(self, secret: bytes, kdf: KdfParameters) -> Box:
        """The box whose key is derived from a secret. ValueError for a function this device
        lacks.
        """
        ...

    async def device_box(self, vault: str, *, create: bool) -> Box | None:
        """The box under the device's own key for this vault; None when there is none to be had."""
        ...

    async def forget_device_box(self, vault: str) -> None: ...

    async def identity(self) -> Identity:
        """The device's identity, made at the first call."""
        ...

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool: ...


class Records(Protocol):
    """Small durable records by name. A write is on disk when it returns."""

    async def read(self, name: str) -> bytes | None: ...

    async def names(self, prefix: str) -> list[str]: ...

    async def update(self, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Replace a record by what `change` makes of it, as one step; None deletes it.

        What `change` raises goes to the caller, and nothing is written.
        """
        ...
