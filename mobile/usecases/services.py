"""What the app stands on, as one value: real parts from `mobile.bootstrap`, fakes in tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from mobile.device.here import this_device
from mobile.keys.port import DeviceKeys, Profile
from shared.clock import Clock

if TYPE_CHECKING:
    from apsw import Connection

    from mobile.device.port import Device
    from mobile.store.files import VaultFiles
    from mobile.store.sealed_log import SealedLog
    from mobile.store.store import Store
    from mobile.sync.engine import Step, SyncEngine
    from mobile.sync.peer import Peer
    from mobile.usecases.arrival import Arrival


class Preferences(Protocol):
    """Settings of this installation in plain storage: how things look, never anything secret."""

    async def read(self) -> dict[str, Any]:
        """All of them; empty at first. Damaged storage reads as empty."""
        ...

    async def write(self, values: dict[str, Any]) -> None:
        """Replaces them all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What the device promises about storage. `persisted`: the browser won't clear it by itself."""

    persisted: bool
    usage_bytes: int = 0
    quota_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The app itself on this device. `ready`: it starts without a network; `update`: a newer one
    waits.
    """

    version: str
    ready: bool = True
    update: bool = False


class Place(Protocol):
    """Where the app runs: a browser's page or a desktop."""

    platform: str
    """"browser" or "native", as the server is told at sign-in."""

    @property
    def origin(self) -> str:
        """Address of the server that the app came from; empty natively."""
        ...

    def online(self) -> bool:
        """Whether the device believes that it has a network. Only a hint."""
        ...

    def visible(self) -> bool:
        """Whether the app is in front."""
        ...

    def on_network(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        """Tells `listener` when the network comes or goes; returns how to stop it."""
        ...

    def on_visible(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        """Tells `listener` when the app comes to the front or leaves it, also for good; returns how
        to stop it.
        """
        ...

    def languages(self) -> list[str]:
        """What the user reads, best first, as BCP 47 tags."""
        ...

    async def storage(self, ask: bool) -> Storage:
        """What is promised; with `ask`, asks for durable storage first."""
        ...

    async def installation(self) -> Installation:
        """Version, and whether a newer one waits."""
        ...

    async def activate_update(self) -> None:
        """Switches to the version that waits; the app restarts by itself."""
        ...

    async def typed_ahead(self, wait: bool) -> str | None:
        """The secret that was typed while the app still loaded, handed over once. With `wait`, only
        when nobody is typing one any more.
        """
        ...

    async def remember_lock(self, language: str) -> None:
        """In which language the next start asks for the secret while loading; empty: not at all."""
        ...

    async def reveal(self) -> None:
        """Uncovers the app, where someone's typing had kept it covered."""
        ...

    async def arrival(self) -> Arrival | None:
        """What the app's address brought along, handed over once."""
        ...

    async def leave_for(self, address: str) -> None:
        """Opens another site in the app's place, which sends the browser back. Refuses `not_found`
        where there is no browser."""
        ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """Wired once. `store` wraps an opened vault, `connect` speaks to a server, `engine` ties the
    two together; `open_device` is asked when the first photo, position or file is.
    """

    keys: DeviceKeys
    files: VaultFiles
    clock: Clock
    place: Place
    preferences: Preferences
    store: Callable[[Connection, Profile], Store]
    connect: Callable[[str], Peer]
    engine: Callable[[Store, Peer, Profile, Step, SealedLog], SyncEngine]
    app_version: str
    open_device: Callable[[], Device] = this_device

    @cached_property
    def device(self) -> Device:
        """Camera, position and files of this device."""
        return self.open_device()
