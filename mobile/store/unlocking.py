"""From a secret to an open vault and back: the only place where keys and files meet."""

from __future__ import annotations

import apsw

from mobile.keys.port import DeviceKeys, VaultKeys
from mobile.store.files import VaultFiles
from mobile.store.vault import open_vault, rekey
from shared.errors import Code, Refusal


async def create_vault(
    files: VaultFiles, keys: DeviceKeys, vault: str, secret: str
) -> apsw.Connection:
    """A new vault under a new key. A database of this name whose key is gone is deleted first; its
    sealed log stays. ValueError when a living key exists, refusals as of its parts.
    """
    if await keys.has_vault_key(vault):
        raise ValueError("this vault has a key: unlock it, or forget it first")
    await files.destroy(vault, keep_log=True)
    await files.claim(vault)
    return open_vault(files, vault, await keys.create_vault_key(vault, secret))


async def unlock_vault(
    files: VaultFiles, keys: DeviceKeys, vault: str, secret: str
) -> apsw.Connection:
    """The open vault. The claim on its files is kept even when this refuses, so that the next try
    meets no other tab; refuses as `DeviceKeys.unlock` and `open_vault` do.
    """
    await files.claim(vault)
    found = await keys.unlock(vault, secret)
    connection, key = _open_with_any(files, vault, found)
    if found.next is not None:
        await keys.keep_vault_key(vault, key)
    return connection


def _open_with_any(
    files: VaultFiles, vault: str, found: VaultKeys
) -> tuple[apsw.Connection, bytes]:
    """The one key of the two that opens the file, and the connection."""
    *earlier, last = found.in_order()
    for key in earlier:
        try:
            return open_vault(files, vault, key), key
        except Refusal as refusal:
            if refusal.code is not Code.VAULT_WRONG_KEY:
                raise
    return open_vault(files, vault, last), last


async def renew_key(connection: apsw.Connection, keys: DeviceKeys, vault: str) -> None:
    """Re-key the open vault, as the end of a grant asks. Safe against a kill at any moment: the
    next `unlock_vault` finds out which key holds. After an exception close the connection and
    unlock again.
    """
    new_key = await keys.stage_vault_key(vault)
    rekey(connection, new_key)
    await keys.keep_vault_key(vault, new_key)
