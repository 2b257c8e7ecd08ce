"""The server's own keys: one file that only its owner may read, made at the first start.

Losing it loses what is encrypted in the database and every seal on its way; the file therefore
belongs into the backup, apart from the database's. It is never made anew beside a database that
holds accounts already.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from shared import wire
from shared.dpop import b64
from shared.errors import Code, Refusal

_VERSION = 1
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """All of the server's secrets, and the public halves that devices keep."""

    lease: Ed25519PrivateKey = field(repr=False)  # signs leases
    token: Ed25519PrivateKey = field(repr=False)  # signs access tokens
    seal: X25519PrivateKey = field(repr=False)  # opens sealed outboxes (HPKE)
    data: dict[int, bytes] = field(
        repr=False
    )  # key ring of the encrypted columns and files, by version
    lookup: bytes = field(repr=False)  # keyed hashes for exact look-up

    @property
    def public(self) -> wire.ServerKeys:
        """What a device is told at sign-in."""
        return wire.ServerKeys(
            lease=b64(self.lease.public_key().public_bytes_raw()),
            seal=b64(self.seal.public_key().public_bytes_raw()),
        )

    @property
    def newest(self) -> int:
        """The version of the data key that new values are encrypted under."""
        return max(self.data)


def new_keys() -> ServerKeys:
    """Fresh random keys."""
    return ServerKeys(
        lease=Ed25519PrivateKey.generate(),
        token=Ed25519PrivateKey.generate(),
        seal=X25519PrivateKey.generate(),
        data={1: os.urandom(_KEY_BYTES)},
        lookup=os.urandom(_KEY_BYTES),
    )


def read_keys(path: Path) -> ServerKeys:
    """The keys of a file. Refuses FILE_UNREADABLE (which names the path, never a content) if it
    is no key file."""
    try:
        return _from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as bad:
        raise Refusal(Code.FILE_UNREADABLE, file=str(path), wanted="server keys") from bad


def write_keys(path: Path, keys: ServerKeys) -> None:
    """Write a new key file, 0600 and durable. FileExistsError if there is one: keys are never
    overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(_to_json(keys), file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def add_data_key(path: Path) -> int:
    """Add a data key to a key file and return its version; the keys that are there stay.

    The file is replaced whole. Servers that run go on under the key they know until they are
    started anew.
    """
    keys = read_keys(path)
    version = keys.newest + 1
    grown = replace(keys, data={**keys.data, version: os.urandom(_KEY_BYTES)})
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_keys(fresh, grown)
    fresh.replace(path)
    return version


def keys_at(path: Path) -> ServerKeys:
    """The keys of `path`, made there if there is no file yet. Two first starts at once end with
    the same keys."""
    if not path.exists():
        try:
            write_keys(path, new_keys())
        except FileExistsError:
            pass
    return read_keys(path)


def readable_by_others(path: Path) -> bool:
    """Whether anyone but the file's owner may read it."""
    return bool(path.stat().st_mode & 0o077)


def _to_json(keys: ServerKeys) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "lease": _text(keys.lease.private_bytes_raw()),
        "token": _text(keys.token.private_bytes_raw()),
        "seal": _text(keys.seal.private_bytes_raw()),
        "lookup": _text(keys.lookup),
        "data": {str(version): _text(key) for version, key in sorted(keys.data.items())},
    }


def _from_json(stored: dict[str, Any]) -> ServerKeys:
    if stored["version"] != _VERSION:
        raise ValueError("a key file of another version")
    ring = {int(version): _bytes(key) for version, key in stored["data"].items()}
    if not ring:
        raise ValueError("an empty key ring")
    return ServerKeys(
        lease=Ed25519PrivateKey.from_private_bytes(_bytes(stored["lease"])),
        token=Ed25519PrivateKey.from_private_bytes(_bytes(stored["token"])),
        seal=X25519PrivateKey.from_private_bytes(_bytes(stored["seal"])),
        data=ring,
        lookup=_bytes(stored["lookup"]),
    )


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    raw = b64decode(text, validate=True)
    if len(raw) != _KEY_BYTES:
        raise ValueError("every key has 32 bytes")
    return raw
