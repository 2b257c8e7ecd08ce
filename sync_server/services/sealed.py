"""Sealed outboxes: work that outlived its user's PIN, grant or account, handed in by the device
alone (L1).

Who sends proves the device's key and nothing else, and is shown nothing but outcomes. What is in it
is judged like any other push: by the grant that each change names, at the time it was written.
"""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.wire import SEALED_INFO, SealedReply, SealedRequest
from sync_server.db.base import Database
from sync_server.services.caller import Caller
from sync_server.services.changes import Incoming, Push, read_change
from sync_server.services.push import push

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


def push_sealed(
    database: Database,
    key: X25519PrivateKey,
    caller: Caller,
    asked: SealedRequest,
    now: datetime,
) -> SealedReply:
    """Open every entry and settle its changes as that device's. Sending it again, sealed or not,
    is harmless: a change is known by its id. Refuses as `push` does, only as a whole; never for
    the number of changes, as a device can't know how many its entries hold."""
    try:
        sent_at = from_wire(asked.sent_at)
    except (ValueError, OverflowError):
        raise Refusal(Code.MALFORMED, field="sent_at") from None
    changes: list[Incoming] = []
    unopened = []
    for place, entry in enumerate(asked.entries):
        found, whole = open_entry(key, asked.device_id, entry)
        changes += found
        if not whole:
            unopened.append(place)
    request = Push(sent_at, asked.boot_id, asked.monotonic_ms, changes)
    told = push(database, caller, request, now, limited=False)
    return SealedReply(
        outcomes=told.outcomes,
        unopened=unopened,
        epoch=told.epoch,
        backed_up_to=told.backed_up_to,
        server_time=told.server_time,
    )


def open_entry(key: X25519PrivateKey, device_id: str, entry: str) -> tuple[list[Incoming], bool]:
    """The changes in one sealed entry of that device, and whether that is all there was in it."""
    try:
        sealed = base64.b64decode(entry, validate=True)
        plain = _SUITE.decrypt(sealed, key, info=SEALED_INFO + device_id.encode())
        texts = _LIST.decode(plain) if plain.lstrip()[:1] == b"[" else [plain]
    except (ValueError, InvalidTag):  # what is no base64 or no JSON is a ValueError, too
        return [], False
    found = []
    for text in texts:
        try:
            found.append(read_change(bytes(text)))
        except Refusal:
            continue
    return found, len(found) == len(texts)


_LIST = msgspec.json.Decoder(list[msgspec.Raw])
