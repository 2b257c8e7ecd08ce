"""The chain of looks (L7): each entry carries the hash of the one before, so that one left out or
altered shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from shared.seal import canonical

FIRST = "0" * 64
"""What the first entry of a device names as its predecessor."""

_HASHED = ("id", "customer_id", "entity", "record_id", "what", "looked_at", "number", "previous")


def entry_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a look's row; the next entry of the same device holds it as `previous`."""
    return hashlib.sha256(canonical({name: row.get(name) for name in _HASHED})).hexdigest()
