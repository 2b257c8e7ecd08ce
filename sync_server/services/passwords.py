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
COMMONEST = frozenset(
    """
    00000000 11111111 12341234 12344321 12345678 123456789 1234567890 123123123 147258369 66666666
    87654321 88888888 987654321 1234qwer 123456abc 12345678a a12345678 a123456789 aa123456 abc12345
    abcd1234 admin123 administrator asdfghjkl baseball changeme default1 football huifang123
    iloveyou letmein1 p@ssw0rd passw0rd password password1 password123 princess q1w2e3r4 qazwsxedc
    qq123456 qwer1234 qwerty123 qwertyui qwertyuiop sunshine superman trustno1 welcome1 woaini1314
    woaini520 1q2w3e4r 1qaz2wsx zxcvbnm1 zxcvbnm123
    """.split()
)
"""Of eight characters and more, as they lead every list of what was tried or stolen."""
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

    def chosen(self, password: str, *names: str) -> str:
        """The text to store of a new password. Refuses FIELD_INVALID as `make` does, and for one
        of those that everybody tries first, or with one of `names` in it: its user's and the
        organisation's."""
        refuse_guessable(password, *names)
        return self.make(password)

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


def refuse_guessable(password: str, *names: str) -> None:
    """Refuses FIELD_INVALID; says which rule, and repeats nothing."""
    spelled = _spelled(password).casefold()
    if spelled in COMMONEST:
        wanted = "none of those that everybody tries"
        raise Refusal(Code.FIELD_INVALID, field="password", wanted=wanted)
    for name in (_spelled(name).strip().casefold() for name in names):
        # A short name stands in many words: that of a user "li" says nothing in "delight".
        long_enough = len(name) >= (4 if name.isascii() else 2)
        if long_enough and name in spelled:
            wanted = "nobody's name in it"
            raise Refusal(Code.FIELD_INVALID, field="password", wanted=wanted)


def _spelled(password: str) -> str:
    """One spelling for one password: a full-width letter of a Chinese keyboard is that letter."""
    return unicodedata.normalize("NFKC", password)
