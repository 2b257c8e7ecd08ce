"""The chain of looks (L7): each entry carries the hash of the one before, so that one left out or
altered shows.

Since 2026-11-22 a chain has an id and begins with a statement that the device signed
(`start_bytes`): a store that is begun anew says so, and is no gap. Entries without one are of the
chain that a device had before, and are hashed as they were then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from shared.seal import canonical

FIRST = "0" * 64
"""What the first entry of a chain names as its predecessor, if no older chain goes on in it."""

_HASHED = ("id", "customer_id", "entity", "record_id", "what", "looked_at", "number", "previous")
_HASHED_WITH_CHAIN = (*_HASHED, "hits", "chain_id", "began_at", "signature")

_CONTEXT = b"huifang look chain 1\n"


def entry_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a look's row; the next entry of the same chain holds it as `previous`."""
    names = _HASHED if row.get("chain_id") is None else _HASHED_WITH_CHAIN
    return hashlib.sha256(canonical({name: row.get(name) for name in names})).hexdigest()


def start_bytes(
    chain_id: str, device_id: str, staff_id: str, began_at: str, previous: str
) -> bytes:
    """What a device signs when it begins a chain: whose it is, when, and after what. `previous` is
    the last hash of the chain that goes on in this one, or `FIRST`."""
    said = {
        "chain_id": chain_id,
        "device_id": device_id,
        "staff_id": staff_id,
        "began_at": began_at,
        "previous": previous,
    }
    return _CONTEXT + canonical(said)
