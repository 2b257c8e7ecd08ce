"""The native half: `cryptography`, a folder of small records, and the system keyring where there
is one.

The device's own keys go to the operating system's keyring if the optional package `keyring` finds
a real backend, else to files that only this account may read, bound to the machine. The second is
weaker, and `protection` says so.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from mobile.keys.keyring import Keyring
from mobile.keys.native_machine import Machine, bind, this_machine, unbind
from mobile.keys.port import Protection
from mobile.keys.primitives import Box, BrokenSeal, EphemeralKey, Identity, KdfParameters

_NONCE_BYTES = 12
_SERVICE = "huifang"
_IDENTITY = "identity"


def native_keys(directory: Path) -> Keyring:
    """The keys of this installation, with their records under `directory` (made if missing)."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    shelf = system_shelf(directory) or FileShelf(directory / "device", this_machine)
    return Keyring(NativePrimitives(shelf), DirectoryRecords(directory / "records"))


class Shelf(Protocol):
    """Where the device's own keys lie."""

    protection: Protection

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, key: bytes) -> None: ...

    def delete(self, name: str) -> None: ...


class FileShelf:
    """Device keys as files that only their owner may read (0600).

    Those of vaults are bound to the machine, so that a copied folder opens nowhere else. The
    device's identity is not: should the machine get another name, the sealed work still has to be
    handed in (L1).
    """

    protection = Protection.KEY_FILE

    def __init__(self, directory: Path, machine: Machine = lambda: b"") -> None:
        self._directory = directory
        self._machine = machine
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get(self, name: str) -> bytes | None:
        try:
            stored = (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None
        return unbind(stored, self._machine(), name)

    def put(self, name: str, key: bytes) -> None:
        machine = b"" if name == _IDENTITY else self._machine()
        replace_file(self._directory / name, bind(key, machine, name))

    def delete(self, name: str) -> None:
        (self._directory / name).unlink(missing_ok=True)
        sync_directory(self._directory)


class KeyringShelf:
    """Device keys in the operating system's keyring, under the installation's folder as account."""

    protection = Protection.KEYRING

    def __init__(self, backend: Any, installation: str) -> None:
        self._backend = backend
        self._installation = installation

    def get(self, name: str) -> bytes | None:
        stored = self._backend.get_password(_SERVICE, f"{self._installation}:{name}")
        return None if stored is None else b64decode(stored)

    def put(self, name: str, key: bytes) -> None:
        account = f"{self._installation}:{name}"
        self._backend.set_password(_SERVICE, account, b64encode(key).decode())

    def delete(self, name: str) -> None:
        if self.get(name) is not None:
            self._backend.delete_password(_SERVICE, f"{self._installation}:{name}")


def system_shelf(directory: Path) -> KeyringShelf | None:
    """The operating system's keyring; None without the package, or without a backend that keeps
    secrets.
    """
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    backend = keyring.get_keyring()
    # keyring's own scale: 0 and below are the null and failing backends.
    return KeyringShelf(backend, str(directory.resolve())) if backend.priority > 0 else None


class AesBox:
    """AES-256-GCM under a key in memory: nonce, then ciphertext and tag."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    async def seal(self, plaintext: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, context)

    async def open(self, sealed: bytes, context: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as broken:
            raise BrokenSeal from broken


class NativeIdentity:
    def __init__(self, private: ed25519.Ed25519PrivateKey) -> None:
        self._private = private

    async def public_key(self) -> bytes:
        return self._private.public_key().public_bytes_raw()

    async def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


class NativeEphemeralKey:
    def __init__(self, private: x25519.X25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes_raw()

    async def agree(self, peer_public_key: bytes) -> bytes:
        return self._private.exchange(x25519.X25519PublicKey.from_public_bytes(peer_public_key))


class NativePrimitives:
    """`cryptography` and a shelf. `iterations` and `memory_kib` are for tests: stretching costs
    0.1 s.
    """

    def __init__(self, shelf: Shelf, *, iterations: int = 3, memory_kib: int = 64 * 1024) -> None:
        # Defaults: RFC 9106's second recommendation, 64 MiB, three passes, four lanes.
        self._shelf = shelf
        self._iterations = iterations
        self._memory_kib = memory_kib

    @property
    def protection(self) -> Protection:
        return self._shelf.protection

    def random(self, size: int) -> bytes:
        return os.urandom(size)

    def fresh_kdf(self) -> KdfParameters:
        return KdfParameters(
            "argon2id", os.urandom(16), self._iterations, self._memory_kib, lanes=4
        )

    async def stretch(self, secret: bytes, kdf: KdfParameters) -> Box:
        if kdf.name != "argon2id":
            raise ValueError(f"this device can't compute {kdf.name}")
        stretcher = Argon2id(
            salt=kdf.salt, length=32, iterations=kdf.iterations, lanes=kdf.lanes,
            memory_cost=kdf.memory_kib,
        )  # fmt: skip
        return AesBox(await asyncio.to_thread(stretcher.derive, secret))

    async def device_box(self, vault: str, *, create: bool) -> Box | None:
        name = f"vault-{vault}"
        key = self._shelf.get(name)
        if key is None and create:
            key = os.urandom(32)
            self._shelf.put(name, key)
        return None if key is None else AesBox(key)

    async def forget_device_box(self, vault: str) -> None:
        self._shelf.delete(f"vault-{vault}")

    async def identity(self) -> Identity:
        stored = self._shelf.get(_IDENTITY)
        if stored is None:
            stored = ed25519.Ed25519PrivateKey.generate().private_bytes_raw()
            self._shelf.put(_IDENTITY, stored)
        return NativeIdentity(ed25519.Ed25519PrivateKey.from_private_bytes(stored))

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    async def ephemeral_key(self) -> EphemeralKey:
        return NativeEphemeralKey(x25519.X25519PrivateKey.generate())

    async def aes_128_gcm(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        return AESGCM(key).encrypt(nonce, plaintext, aad)


class DirectoryRecords:
    """Small records as files, each replaced whole, so that a kill leaves the old one or the new
    one.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def read(self, name: str) -> bytes | None:
        return self._read(name)

    async def names(self, prefix: str) -> list[str]:
        return sorted(
            path.name for path in self._directory.iterdir() if path.name.startswith(prefix)
        )

    async def update(self, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        record = change(self._read(name))  # nothing is awaited between reading and writing
        if record is None:
            (self._directory / name).unlink(missing_ok=True)
            sync_directory(self._directory)
        else:
            replace_file(self._directory / name, record)

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` as `path`, readable by its owner alone, and durable when this returns."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a rename or a deletion durable. Windows has no such call and needs none."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
