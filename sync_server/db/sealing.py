"""Personal fields, and whatever people type, at rest: AES-256-GCM under a ring of versioned keys;
and a keyed hash for exact look-up.

A sealed value is ``format(1) key-version(2) nonce(12) ciphertext+tag``; the name of its column is
bound in as associated data, so that a value copied into another column doesn't open.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_FORMAT = 1
_HEAD = 3
_NONCE = 12


class KeyRing:
    """The keys by version. New values are sealed under the newest; old ones open under their own.

    `keys` maps version (1 to 65535) to 32 bytes; `lookup` is the key of the look-up hash and
    never rotates by itself, as every hash would have to be made anew. `ask` is where to look for a
    key that is not here: a running server so learns of one that was added to its file meanwhile.
    """

    def __init__(
        self,
        keys: Mapping[int, bytes],
        lookup: bytes,
        ask: Callable[[], Mapping[int, bytes]] | None = None,
    ) -> None:
        self._ciphers: dict[int, AESGCM] = {}
        self._lookup = lookup
        self._ask = ask
        self.current = 0
        self.learn(keys)

    def learn(self, keys: Mapping[int, bytes]) -> None:
        """Takes up keys that are not here yet; from now on new values are sealed under the newest.
        Harmless twice and from several threads; nothing is ever forgotten."""
        if not keys or any(len(key) != 32 or not 0 < v < 1 << 16 for v, key in keys.items()):
            raise ValueError("a key ring holds 32-byte keys under versions from 1 to 65535")
        fresh = {v: AESGCM(key) for v, key in keys.items() if v not in self._ciphers}
        if fresh:
            self._ciphers = {**self._ciphers, **fresh}
            self.current = max(self._ciphers)

    def look_for_more(self) -> None:
        """Takes up keys that were added where this ring may ask."""
        if self._ask is not None:
            self.learn(self._ask())

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        head = bytes((_FORMAT,)) + self.current.to_bytes(2)
        return head + nonce + self._ciphers[self.current].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """ValueError where the key is not in the ring, or the value was altered or moved."""
        cipher = self._ciphers.get(self.version_of(sealed))
        if cipher is None:
            self.look_for_more()
            cipher = self._ciphers.get(self.version_of(sealed))
        if sealed[0] != _FORMAT or cipher is None:
            raise ValueError("no key in the ring opens this value")
        nonce, body = sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
        try:
            return cipher.decrypt(nonce, body, context)
        except InvalidTag:
            raise ValueError("a sealed value was altered or moved") from None

    @staticmethod
    def version_of(sealed: bytes) -> int:
        """Version of the key that a value is sealed under: which ones `rotate-keys` still has to
        do."""
        return int.from_bytes(sealed[1:_HEAD])

    def hash_phone(self, phone: str) -> str | None:
        """Keyed hash of a phone number's digits, for exact look-up; None where there are none.

        Only the last eleven digits count, so that +86 before a mobile number changes nothing.
        """
        digits = "".join(c for c in phone if c.isdecimal())[-11:]
        if not digits:
            return None
        return hmac.new(self._lookup, digits.encode(), hashlib.sha256).hexdigest()

    def mark(self, purpose: str, data: bytes) -> str:
        """Keyed hash (SHA-256, hex) of `data` for one purpose: whoever has the database but not
        the key file can make none. Never changes when data keys rotate."""
        text = purpose.encode() + b"\0" + data
        return hmac.new(self._lookup, text, hashlib.sha256).hexdigest()


_RINGS: WeakKeyDictionary[Dialect, KeyRing] = WeakKeyDictionary()
"""Column types are shared by all databases of a process; the dialect is what each engine has of
its own."""


def use_ring(dialect: Dialect, ring: KeyRing) -> None:
    """Has every `Sealed` column that is reached through `dialect` use `ring`."""
    _RINGS[dialect] = ring


def ring_of(dialect: Dialect) -> KeyRing:
    """The ring that `use_ring` gave to a connection's dialect."""
    return _RINGS[dialect]


class Sealed(TypeDecorator[Any]):
    """A column whose value is stored sealed: text, or with `as_json` whatever JSON can hold.

    `context` is normally ``table.column``. Whatever finds sealed columns (`services.rekeying`)
    finds those of the classes below as well.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str = "", *, as_json: bool = False) -> None:
        super().__init__()
        self.context = context
        self.as_json = as_json

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        return _RINGS[dialect].seal(self.packed(value), self.context.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return self.unpacked(_RINGS[dialect].open(value, self.context.encode()))

    def packed(self, value: Any) -> bytes:
        """What of a value is sealed."""
        if self.as_json:
            value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        packed: bytes = value.encode()
        return packed

    def unpacked(self, plain: bytes) -> Any:
        """The value of what was sealed."""
        return json.loads(plain) if self.as_json else plain.decode()


class SealedBytes(Sealed):
    """A column whose bytes are stored sealed."""

    cache_ok = True

    def packed(self, value: Any) -> bytes:
        return bytes(value)

    def unpacked(self, plain: bytes) -> Any:
        return plain


def sealer(dialect: Dialect, column: Sealed) -> Callable[[Any], bytes]:
    """`Sealed.process_bind_param` for many values, none of them None. For one thread: a text that
    is the same object as the one before (a row in its two buckets) is sealed once for both."""
    ring, context, packed = _RINGS[dialect], column.context.encode(), column.packed
    last, sealed = None, b""

    def seal(value: Any) -> bytes:
        nonlocal last, sealed
        if column.as_json or value is not last:
            last, sealed = value, ring.seal(packed(value), context)
        return sealed

    return seal
