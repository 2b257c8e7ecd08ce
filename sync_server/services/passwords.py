"""Passwords as they are kept: Argon2id (RFC 9106), parameters and salt beside the hash, one text
per account."""

from __future__ import annotations

import base64
import os
import threading
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from shared.errors import Code, Refusal

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
_SALT_BYTES = 16
_HASH_BYTES = 32
_AT_ONCE = 4
"""Hashes computed side by side: each needs `memory_kib`, and a crowd at eight in the morning
must not need it all."""


@dataclass(frozen=True, slots=True)
class HashCost:
    """RFC 9106's second recommendation: 64 MiB, three passes, four lanes. Tests hand in less."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4


class PasswordHashes:
    """Makes and checks hashes. Checking costs the same whether or not the account exists."""

    def __init__(self, cost: HashCost | None = None) -> None:
        self._cost = cost or HashCost()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = _of_nobody(self._cost)

    def make(self, password: str) -> str:
        """The text to store. Refuses FIELD_INVALID for a password of a length that is not taken."""
        spelled = _spelled(password)
        if not SHORTEST_PASSWORD <= len(spelled) <= LONGEST_PASSWORD:
            raise Refusal(
                Code.FIELD_INVALID,
                field="password",
                wanted=f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            )
        with self._turns:
            return self._kdf(os.urandom(_SALT_BYTES)).derive_phc_encoded(spelled.encode())

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether `password` made `stored`. None stands for no such account: false, after the
        same work."""
        spelled = _spelled(password[: 4 * LONGEST_PASSWORD])
        with self._turns:
            try:
                Argon2id.verify_phc_encoded(spelled.encode(), stored or self._nobody)
            except (InvalidKey, ValueError):
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether `stored` was made at another cost than today's, and is worth making anew at
        the next sign-in."""
        cost = self._cost
        return f"$m={cost.memory_kib},t={cost.iterations},p={cost.lanes}$" not in stored

    def _kdf(self, salt: bytes) -> Argon2id:
        cost = self._cost
        return Argon2id(
            salt=salt,
            length=_HASH_BYTES,
            iterations=cost.iterations,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        )


def _of_nobody(cost: HashCost) -> str:
    """What stands in for the hash of an account that isn't there. Random bytes, and no password's
    hash: comparing with them costs a whole hash, and starting the server or a command none."""
    salt, digest = (
        base64.b64encode(os.urandom(length)).rstrip(b"=").decode()
        for length in (_SALT_BYTES, _HASH_BYTES)
    )
    parameters = f"m={cost.memory_kib},t={cost.iterations},p={cost.lanes}"
    return f"$argon2id$v=19${parameters}${salt}${digest}"


def _spelled(password: str) -> str:
    """One spelling for one password: a full-width letter of a Chinese keyboard is that letter."""
    return unicodedata.normalize("NFKC", password)
