"""Copies changes into the sealed log as soon as they are saved: what only the server can open
outlives a forgotten PIN, the end of a grant and a wipe (L1, design §6).
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode

from mobile.keys.port import DeviceKeys, Profile
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.usecases.sealing_files import copy_files
from shared.wire import SEALED_INFO, sealed_text


class Sealing:
    """The sealed copies of one open vault."""

    def __init__(self, store: Store, log: SealedLog, keys: DeviceKeys, profile: Profile) -> None:
        padded = profile.server_seal_key + "=" * (-len(profile.server_seal_key) % 4)
        self._device_id = profile.device_id
        self._recipient = urlsafe_b64decode(padded)
        self._info = SEALED_INFO + profile.device_id.encode()
        self._store = store
        self._log = log
        self._keys = keys
        self._turn = asyncio.Lock()

    async def copy(self) -> None:
        """Seals what is not sealed yet, in order: one entry of the log for what waits together,
        as each costs a key agreement and two waits for the disk. A kill in between seals it
        twice, which the server knows by the change ids. Refuses `disk_full`; the changes
        themselves stay saved.
        """
        async with self._turn:
            parts = self._store.parts
            while found := parts.outbox.unsealed():
                text = sealed_text([text for _, text in found])
                sealed = await self._keys.seal(self._recipient, self._info, text.encode())
                entry = self._log.append(sealed)
                with parts.commits.begin():
                    parts.outbox.mark_sealed(found[0][0], found[-1][0], entry)
            await copy_files(
                self._store, self._log.files, self._keys, self._recipient, self._device_id
            )
