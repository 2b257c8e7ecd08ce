"""Ids that need no server: UUIDv7 (RFC 9562), made by whoever creates the record, offline
included."""

from __future__ import annotations

import re
import secrets
import time
import uuid

_NAMESPACE = uuid.UUID("5b0f2a52-3f0e-5d0b-9d43-6d2a7f1f6f10")
_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_last = 0


def new_id(unix_ms: int | None = None) -> str:
    """A new UUIDv7 as text.

    Ids made in one process rise strictly, also within a millisecond and when the clock steps back,
    so that ordering by id is ordering by making. `unix_ms` fixes the time for importers and tests.
    """
    global _last
    ms = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    # 48 bits of milliseconds and 12 of a counter (RFC 9562, 6.2, method 1); the other 62 are
    # random.
    stamp = (ms << 12) | secrets.randbits(11)
    if unix_ms is None:
        stamp = _last = max(stamp, _last + 1)
    value = ((stamp >> 12) & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64
    return str(uuid.UUID(int=value | 0b10 << 62 | secrets.randbits(62)))


def random_id() -> str:
    """An id that says nothing of when it was made (UUIDv4): for what nobody may be able to date."""
    return str(uuid.uuid4())


def derived_id(*parts: str) -> str:
    """The same id for the same parts, on every device: for records that two sides may both create
    (the callback after a repair, S2 #96), so that the second creation is no second record."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def is_id(value: object) -> bool:
    """True for the canonical text of a UUID of any version."""
    return isinstance(value, str) and _CANONICAL(value) is not None
