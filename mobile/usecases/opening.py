"""Everything that an open vault needs, put together.

Imported when the first vault is opened: the lock must be on the screen before store, entities and
sync engine are loaded.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mobile.keys.port import Profile
from mobile.store import credentials, look_chain
from mobile.store.sealed_log import SealedLog
from mobile.store.store import Store
from mobile.store.unlocking import create_vault, unlock_vault
from mobile.usecases.ending import Ending
from mobile.usecases.obeying import Obeying
from mobile.usecases.sealing import Sealing
from mobile.usecases.services import Services
from mobile.usecases.syncing import Syncing
from shared.errors import Refusal

if TYPE_CHECKING:
    from apsw import Connection

    from mobile.sync.peer import Peer
    from shared.wire import TokenReply


@dataclass(frozen=True, slots=True)
class Opened:
    """One open vault."""

    connection: Connection
    store: Store
    syncing: Syncing
    ending: Ending


async def make(
    services: Services, profile: Profile, peer: Peer, secret: str, reply: TokenReply
) -> Opened:
    """A new vault under this secret, knowing what the sign-in brought. One of the same user that is
    here already is begun anew; its sealed log stays (L1).
    """
    if await services.keys.has_vault_key(profile.vault):
        await services.keys.forget(profile.vault)
    connection = await create_vault(services.files, services.keys, profile.vault, secret)
    opened = _put_together(services, profile, peer, connection)
    credentials.keep(opened.store.parts, reply)
    await look_chain.begin(opened.store.parts, services.keys)
    return opened


async def unlock(services: Services, profile: Profile, peer: Peer, secret: str) -> Opened:
    """The vault of this profile. Refuses as `unlock_vault` does, and `vault_newer`; the vault is
    closed again then."""
    connection = await unlock_vault(services.files, services.keys, profile.vault, secret)
    try:
        opened = _put_together(services, profile, peer, connection)
        # A full disk keeps nobody out: looks go on in the chain that is there, and the gate hides
        # what ended all the same.
        with suppress(Refusal):
            await look_chain.begin(opened.store.parts, services.keys)
        with suppress(Refusal):
            await opened.syncing.forget_ended()  # before anything is shown (L4)
        with suppress(Refusal):
            await opened.syncing.obey()
        return opened
    except BaseException:
        connection.close()
        raise


def _put_together(
    services: Services, profile: Profile, peer: Peer, connection: Connection
) -> Opened:
    store = services.store(connection, profile)
    log = SealedLog(services.files, profile.vault)
    seal = Sealing(store, log, services.keys, profile).copy
    engine = services.engine(store, peer, profile, seal, log)
    syncing = Syncing(engine, store, services.clock, services.place, seal, peer.listen)
    syncing.log = log
    syncing.obey = Obeying(store, services.keys, profile.vault).now
    return Opened(connection, store, syncing, Ending(store, syncing, services.place))
