"""Codes that the server makes up and people read off, type or scan: one alphabet, one spelling, and
only a keyed hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that looks like a digit, five bits each."""
_LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
_GROUP = 4
LONGEST_TYPED = 80


def new_code(characters: int) -> str:
    """So many random characters, in groups of four: `7K3M-…`."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(characters))
    return "-".join(code[at : at + _GROUP] for at in range(0, characters, _GROUP))


def spelled(typed: str) -> str:
    """The one form of a code, however it was typed: upper case, no blanks and hyphens."""
    plain = unicodedata.normalize("NFKC", typed[:LONGEST_TYPED]).upper()
    return "".join(c for c in plain if c.isalnum()).translate(_LOOKS_LIKE)


def code_hash(secret: bytes, purpose: str, owner: str, typed: str) -> str:
    """What is kept of a code. Bound to its purpose and its owner: the same code of another is
    another."""
    text = f"{purpose}\0{owner}\0{spelled(typed)}".encode("utf-8", "surrogatepass")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()
