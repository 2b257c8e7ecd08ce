"""What tells this machine from another one, for keys that lie in files: a copy of the folder alone
should open nowhere else.

It is no secret on the machine itself: whoever may read its files may read this, too.
"""

from __future__ import annotations

import importlib
import os
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_LINUX = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_FORMAT = b"\x01bound"
_SALT, _NONCE = 16, 12

Machine = Callable[[], bytes]


def this_machine() -> bytes:
    """A name that this installation of the system keeps and no other has; empty where there is
    none to be had.
    """
    if sys.platform == "win32":
        return _windows()
    for path in _LINUX:
        try:
            return path.read_bytes().strip()
        except OSError:
            continue
    return b""


def bind(key: bytes, machine: bytes, name: str) -> bytes:
    """`key` as a file may hold it: sealed under the machine's name, or as it is where there is
    none.
    """
    if not machine:
        return key
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    sealed = _cipher(machine, salt).encrypt(nonce, key, name.encode())
    return _FORMAT + salt + nonce + sealed


def unbind(stored: bytes, machine: bytes, name: str) -> bytes | None:
    """The key of what `bind` made; None on another machine. What an earlier version stored as it
    was is returned as it is.
    """
    if not stored.startswith(_FORMAT):
        return stored
    rest = stored[len(_FORMAT) :]
    salt, nonce, sealed = rest[:_SALT], rest[_SALT : _SALT + _NONCE], rest[_SALT + _NONCE :]
    try:
        return _cipher(machine, salt).decrypt(nonce, sealed, name.encode())
    except (InvalidTag, ValueError):
        return None


def _cipher(machine: bytes, salt: bytes) -> AESGCM:
    # systemd asks that its id be used through a keyed hash only, never as it is (machine-id(5)).
    made = HKDF(SHA256(), 32, salt, b"huifang key file v1").derive(b64encode(machine))
    return AESGCM(made)


def _windows() -> bytes:
    registry: Any = importlib.import_module("winreg")  # there is none elsewhere
    where = r"SOFTWARE\Microsoft\Cryptography"
    try:
        with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, where) as key:
            return str(registry.QueryValueEx(key, "MachineGuid")[0]).encode()
    except OSError:
        return b""
