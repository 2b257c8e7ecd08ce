"""The stored form of a wrapped vault key, and of a profile. Pure: text in, values out."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, fields

from mobile.keys.port import TRIES, Profile
from mobile.keys.primitives import KdfParameters
from shared.clock import from_wire, to_wire
from shared.errors import Code, Refusal

_VAULT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def checked_name(vault: str) -> str:
    """`vault` itself, if it can safely be part of a file name; ValueError otherwise."""
    if not _VAULT_NAME.fullmatch(vault):
        raise ValueError("a vault's name is 1 to 64 of a-z, 0-9 and '-'")
    return vault


@dataclass(frozen=True, slots=True)
class Wrap:
    """One vault's key under the secret and the device key: how, what, and how many tries are left.

    `sealed` holds the current key, and the next one while a re-keying is under way; empty means
    destroyed.
    """

    kdf: KdfParameters
    sealed: tuple[bytes, ...]
    tries_left: int = TRIES
    tries: int = TRIES
    """How many there are after a right secret."""

    @property
    def destroyed(self) -> bool:
        return not self.sealed


def write_wrap(wrap: Wrap) -> bytes:
    """The record's bytes, version 1 (2026-11: the first)."""
    kdf = wrap.kdf
    return json.dumps(
        {
            "version": 1,
            "kdf": {
                "name": kdf.name,
                "salt": b64encode(kdf.salt).decode(),
                "iterations": kdf.iterations,
                "memory_kib": kdf.memory_kib,
                "lanes": kdf.lanes,
            },
            "sealed": [b64encode(sealed).decode() for sealed in wrap.sealed],
            "tries_left": wrap.tries_left,
            "tries": wrap.tries,
        }
    ).encode()


def read_wrap(record: bytes) -> Wrap:
    """The wrap that `write_wrap` wrote; refuses `vault_damaged` when the record can't be read."""
    try:
        stored = json.loads(record)
        kdf = stored["kdf"]
        return Wrap(
            kdf=KdfParameters(
                kdf["name"],
                b64decode(kdf["salt"]),
                kdf["iterations"],
                kdf["memory_kib"],
                kdf["lanes"],
            ),
            sealed=tuple(b64decode(sealed) for sealed in stored["sealed"]),
            tries_left=stored["tries_left"],
            tries=stored.get("tries", TRIES),  # until November 2026 there was no other number
        )
    except (ValueError, KeyError, TypeError) as broken:
        raise Refusal(Code.VAULT_DAMAGED, part="wrap") from broken


def write_profile(profile: Profile) -> bytes:
    stored: dict[str, str] = {
        field.name: getattr(profile, field.name)
        for field in fields(profile)
        if field.name != "last_opened_at"
    }
    if profile.last_opened_at is not None:
        stored["last_opened_at"] = to_wire(profile.last_opened_at)
    return json.dumps(stored, ensure_ascii=False).encode()


def read_profile(record: bytes) -> Profile:
    """The profile that `write_profile` wrote; what a newer app added to it is left aside."""
    stored = json.loads(record)
    known = {field.name for field in fields(Profile)} - {"last_opened_at"}
    opened = stored.get("last_opened_at")
    return Profile(
        **{name: value for name, value in stored.items() if name in known},
        last_opened_at=from_wire(opened) if opened else None,
    )
