"""Receipts that are due: what was deleted when grants ended, until the device has signed for it and
the server has kept it (L4).

Inside the caller's transaction: what is deleted and that it was are one commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mobile.store.holdings import Gone
from mobile.store.meta import DEVICE_ID, RECEIPTS, STAFF, Meta
from shared.ids import new_id
from shared.messages import parse
from shared.wire import Receipt


def due(meta: Meta, grant_ids: Sequence[str], gone: Gone, at: str) -> None:
    """These grants ended, and with them these rows."""
    if not grant_ids:
        return
    receipt = {
        "id": new_id(),
        "grants": sorted(grant_ids),
        "rows": gone.rows,
        "deleted_at": at,
        "rekey": bool(gone.buckets),
    }
    meta.put(RECEIPTS, [*meta.get(RECEIPTS, []), receipt])


def rekeyed(meta: Meta, at: str) -> None:
    """The vault has a new key: what was deleted before is out of reach in every copy of it."""
    if kept := meta.get(RECEIPTS):
        done = [{**one, "rekey": False, "rekeyed_at": at} if one["rekey"] else one for one in kept]
        meta.put(RECEIPTS, done)


def to_sign(meta: Meta) -> list[Receipt]:
    """What may be signed: the rows are deleted, and where that asked for a new key it is there."""
    about: dict[str, Any] = {
        "kind": "ended",
        "device_id": meta.get(DEVICE_ID),
        "staff_id": (meta.get(STAFF) or {}).get("id", ""),
    }
    return [parse(Receipt, one | about) for one in meta.get(RECEIPTS, []) if not one["rekey"]]


def forget(meta: Meta, ids: Iterable[str]) -> None:
    """The server has these."""
    kept = set(ids)
    left = [one for one in meta.get(RECEIPTS, []) if one["id"] not in kept]
    meta.put(RECEIPTS, left or None)
