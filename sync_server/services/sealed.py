"""Sealed outboxes: work that outlived its user's PIN, grant or account, handed in by the device
alone (L1).

Who sends proves the device's key and nothing else, and is shown nothing but outcomes. What is in it
is judged like any other push: by the grant that each change names, at the time it was written.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.ids import is_id
from shared.wire import SEALED_INFO, SealedReply, SealedRequest
from sync_server.db.base import Database
from sync_server.services.caller import Caller
from sync_server.services.changes import read_push
from sync_server.services.push import push

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


def push_sealed(
    database: Database,
    key: X25519PrivateKey,
    caller: Caller,
    asked: SealedRequest,
    now: datetime,
) -> SealedReply:
    """Open every entry and settle its change as that device's. Sending it again, sealed or not,
    is harmless: a change is known by its id. Refuses as `push` does, only as a whole."""
    opened = [open_entry(key, asked.device_id, entry) for entry in asked.entries]
    request = read_push(
        {
            "app_version": asked.app_version,
            "sent_at": asked.sent_at,
            "boot_id": asked.boot_id,
            "monotonic_ms": asked.monotonic_ms,
            "changes": [change for change in opened if change is not None],
            "protocol": asked.protocol,
        }
    )
    told = push(database, caller, request, now)
    return SealedReply(
        outcomes=told.outcomes,
        unopened=[place for place, change in enumerate(opened) if change is None],
        epoch=told.epoch,
        backed_up_to=told.backed_up_to,
        server_time=told.server_time,
    )


def open_entry(key: X25519PrivateKey, device_id: str, entry: str) -> Mapping[str, Any] | None:
    """The change in one sealed entry of that device; None where nothing is to be made of it."""
    try:
        sealed = base64.b64decode(entry, validate=True)
        plain = _SUITE.decrypt(sealed, key, info=SEALED_INFO + device_id.encode())
        change = json.loads(plain)
    except (binascii.Error, ValueError, InvalidTag):
        return None
    if not isinstance(change, Mapping) or not is_id(change.get("change_id")):
        return None
    return change
