"""The policy's numbers that are obeyed beneath the store: how far the clock may lag before reading
stops, and how many wrong secrets destroy the key.

Both must hold while no policy can be read, at the lock above all: they are laid down when one is,
after unlocking and after each sync that brought something.
"""

from __future__ import annotations

from datetime import timedelta

from mobile.keys.port import DeviceKeys
from mobile.store.store import Store


class Obeying:
    """Lays down what the policy says for one open vault."""

    def __init__(self, store: Store, keys: DeviceKeys, vault: str) -> None:
        self._store = store
        self._keys = keys
        self._vault = vault

    async def now(self) -> None:
        """By the policy that holds at this moment. Harmless twice; needs an unlocked vault."""
        policy = self._store.policy()
        tolerance = timedelta(minutes=policy.clock_tolerance_minutes)
        self._store.parts.time.tolerate(tolerance)
        await self._keys.allow_tries(self._vault, policy.max_secret_tries)  # S3 #152
