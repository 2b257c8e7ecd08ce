"""What the rest of the app may ask of this device's keys.

Two halves keep this promise: `mobile.keys.native` (a desktop) and `mobile.keys.browser` (WebCrypto
and IndexedDB). Everything is async because WebCrypto is. Neither half ever hands out the device's
own keys: only the vault key, 32 random bytes, leaves, because SQLite needs it as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from shared.policy import PolicySettings

_FLOOR = PolicySettings()

TRIES = _FLOOR.max_secret_tries
"""Wrong secrets in a row before the wrapped key is destroyed, until the organisation's policy says
another number (`DeviceKeys.allow_tries`).
"""

SHORTEST_SECRET = _FLOOR.min_pin_digits
"""Characters of a PIN or passphrase; an organisation's policy may ask for more where it is
chosen.
"""


class Protection(Enum):
    """Where the device's own keys live, to be said plainly on the device page."""

    WEBCRYPTO = "webcrypto"
    """Non-extractable keys of the browser: no script can read them out."""
    KEYRING = "keyring"
    """The operating system's keyring, as safe as the signed-in account."""
    KEY_FILE = "key_file"
    """A file that only this account may read, bound to the machine: a copy opens nowhere else, save
    for whoever may read the machine's name as well.
    """


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """What a right secret opens: the key, and the next one if a kill cut a re-keying short."""

    key: bytes = field(repr=False)
    next: bytes | None = field(default=None, repr=False)

    def in_order(self) -> tuple[bytes, ...]:
        """The keys to try, the older first. One of them opens the vault, whatever was cut short."""
        return (self.key,) if self.next is None else (self.key, self.next)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the sign-in page must know before anything is unlocked. Never a customer's data."""

    vault: str
    server_url: str
    user_id: str
    display_name: str
    role: str = ""
    device_id: str = ""
    language: str = "zh-CN"
    server_seal_key: str = ""
    """The server's X25519 public key for sealing changes, base64url."""
    server_verify_key: str = ""
    """The server's Ed25519 public key that leases are checked with, base64url."""
    last_opened_at: datetime | None = None


class DeviceKeys(Protocol):
    """The device's identity, the wraps of its vault keys, and sealing to the server."""

    @property
    def protection(self) -> Protection:
        """How the device's own keys are kept on this machine."""
        ...

    async def public_jwk(self) -> dict[str, str]:
        """The device's Ed25519 public key (RFC 8037), made at the first call and the same ever
        after.
        """
        ...

    async def sign(self, message: bytes) -> bytes:
        """64 bytes: the device's Ed25519 signature of `message`."""
        ...

    async def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Whether the owner of the 32-byte Ed25519 `public_key` signed `message`."""
        ...

    async def has_vault_key(self, vault: str) -> bool:
        """Whether a wrapped key of this vault is here, and not destroyed."""
        ...

    async def tries_left(self, vault: str) -> int:
        """Wrong secrets that are still allowed; 0 when the wrap is gone."""
        ...

    async def create_vault_key(self, vault: str, secret: str) -> bytes:
        """A new random key, wrapped and stored before it is returned. The vault then counts as
        unlocked.

        Refuses `secret_too_short`; ValueError when a living wrap exists (`forget` it first:
        overwriting it would lose the vault).
        """
        ...

    async def unlock(self, vault: str, secret: str) -> VaultKeys:
        """The vault's keys. The try is written down before it is checked, so that no kill gives
        one back.

        Refuses `wrong_secret` (with `remaining`), `vault_destroyed` after the tenth wrong try in a
        row (or after as many as `allow_tries` said), `vault_wrong_key` when the wrap or the device
        key that it needs is not on this device.
        """
        ...

    async def lock(self, vault: str) -> None:
        """Forget what `unlock` keeps in memory. A second call is harmless."""
        ...

    async def allow_tries(self, vault: str, tries: int) -> None:
        """From now on, also while locked and after a restart, so many wrong secrets in a row
        destroy the wrap. Those that were spent stay spent. Needs an unlocked vault; harmless twice.
        """
        ...

    async def change_secret(self, vault: str, old: str, new: str) -> None:
        """Wrap the same key under another secret. Counts as a try, and refuses as `unlock` does."""
        ...

    async def stage_vault_key(self, vault: str) -> bytes:
        """First step of a re-keying: a new key, stored beside the old. Needs an unlocked vault.

        Called again before `keep_vault_key`, it returns the key that is already staged.
        """
        ...

    async def keep_vault_key(self, vault: str, key: bytes) -> None:
        """Second step: `key` opens the vault file now, so the other wrap is deleted. Harmless
        twice.
        """
        ...

    async def forget(self, vault: str) -> None:
        """Delete the wrap and its device key: what the vault file holds can never be read again."""
        ...

    async def seal(self, recipient_public_key: bytes, info: bytes, plaintext: bytes) -> bytes:
        """HPKE base mode to an X25519 key: 32 bytes of encapsulated key, then the ciphertext."""
        ...

    async def profiles(self) -> list[Profile]:
        """Everyone who has signed in on this device, the latest opened first."""
        ...

    async def save_profile(self, profile: Profile) -> None:
        """Store or replace the profile of one vault."""
        ...

    async def forget_profile(self, vault: str) -> None:
        """Remove a profile from the sign-in page. Harmless when there is none."""
        ...
