"""The one place that wires: which halves serve this device. Tests hand in `Services` of their own.

What an open vault needs is imported when one is opened: the lock must be on the screen first.
"""

from __future__ import annotations

import asyncio
import gc
import locale
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flet as ft

from mobile.keys.port import DeviceKeys, Profile
from mobile.usecases.services import Preferences, Services
from shared.ids import new_id
from shared.policy import DEFAULTS

if TYPE_CHECKING:
    from apsw import Connection

    from mobile.store.files import VaultFiles
    from mobile.store.sealed_log import SealedLog
    from mobile.store.store import Store
    from mobile.sync.engine import Step, SyncEngine
    from mobile.sync.peer import Peer

FONT_FILES = {"Noto Sans SC": "fonts/NotoSansSC-Regular.otf"}


class SystemClock:
    """The device's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


def data_folder() -> Path:
    """Where a native installation keeps its vaults: HUIFANG_HOME, or the user's data folder."""
    if named := os.environ.get("HUIFANG_HOME"):
        return Path(named)
    base = os.environ.get("XDG_DATA_HOME") or os.environ.get("APPDATA")
    return (Path(base) if base else Path.home() / ".local" / "share") / "huifang"


def app_version() -> str:
    """The version that the server is told; "dev" where the app runs from its sources."""
    try:
        return metadata.version("huifang")
    except metadata.PackageNotFoundError:
        return "dev"


@dataclass(frozen=True, slots=True)
class BrowserStorage:
    """What this browser keeps for the app, opened; and how its page stood then."""

    keys: DeviceKeys
    files: VaultFiles
    preferences: Preferences
    page_status: dict[str, Any]


async def open_browser_storage() -> BrowserStorage:
    """Needs no Flet page, so that it goes on while Flutter still loads. Refuses
    `storage_not_durable` where a browser keeps nothing.
    """
    from mobile.keys.browser import browser_keys
    from mobile.keys.indexed_db import Database
    from mobile.pwa import page
    from mobile.store.opfs import browser_files
    from mobile.usecases.places import BrowserPreferences

    display = Database.open("huifang-display", ("preferences",))
    keys, files, preferences, status = await asyncio.gather(
        browser_keys(), browser_files(), display, page.call("page_status")
    )
    return BrowserStorage(keys, files, BrowserPreferences(preferences), status)


async def bootstrap(page: ft.Page, storage: Awaitable[BrowserStorage] | None = None) -> Services:
    """The services of this device. `storage` is the browser's, if it was begun ahead. Refuses
    `storage_not_durable` where a browser keeps nothing.
    """
    if sys.platform == "emscripten":
        services = await _browser(page, await (storage or open_browser_storage()))
    else:
        services = await _desktop(page)
    spare_the_program()
    return services


def spare_the_program() -> None:
    """What is loaded by now is looked through for garbage no more: it stays as long as the app
    runs, and each look at all of it stopped a sync or a screen for a tenth of a second and longer.
    """
    gc.freeze()


async def _browser(page: ft.Page, storage: BrowserStorage) -> Services:
    from mobile.usecases.places import BrowserPlace

    keys, files, clock = storage.keys, storage.files, SystemClock()

    def connect(url: str) -> Peer:
        from mobile.sync.poking_browser import BrowserStream
        from mobile.sync.transport import HttpPeer
        from mobile.sync.transport_browser import BrowserFetch

        return HttpPeer(url, BrowserFetch(), keys, clock, BrowserStream())

    return Services(
        keys=keys,
        files=files,
        clock=clock,
        place=BrowserPlace(page.url or "", storage.page_status),
        preferences=storage.preferences,
        store=_stores(clock, durable=files.storage.durable),
        connect=connect,
        engine=_engines(keys),
        app_version=app_version(),
    )


async def _desktop(page: ft.Page) -> Services:
    from mobile.keys.native import native_keys
    from mobile.store.files import DirectoryFiles
    from mobile.usecases.places import DesktopPlace, FilePreferences

    page.fonts = dict(FONT_FILES)  # in the browser the shell loads it before the first paint
    folder, clock = data_folder(), SystemClock()
    keys = native_keys(folder / "keys")

    def connect(url: str) -> Peer:
        from mobile.sync.poking_native import NativeStream
        from mobile.sync.transport import HttpPeer
        from mobile.sync.transport_native import NativeFetch

        return HttpPeer(url, NativeFetch(), keys, clock, NativeStream())

    spoken = (locale.getlocale()[0] or "zh_CN").replace("_", "-")
    return Services(
        keys=keys,
        files=DirectoryFiles(folder / "vaults"),
        clock=clock,
        place=DesktopPlace(app_version(), [spoken]),
        preferences=FilePreferences(folder / "display.json"),
        store=_stores(clock, durable=True),
        connect=connect,
        engine=_engines(keys),
        app_version=app_version(),
    )


def _stores(clock: SystemClock, *, durable: bool) -> Callable[[Connection, Profile], Store]:
    boot = new_id()
    tolerance = timedelta(minutes=DEFAULTS.clock_tolerance_minutes)

    def store(connection: Connection, _profile: Profile) -> Store:
        from mobile.store.store import Store
        from mobile.store.trusted_time import TrustedClock
        from mobile.usecases.transient import TransientStore

        made = Store if durable else TransientStore
        return made(connection, TrustedClock(clock, boot, connection, tolerance))

    return store


def _engines(keys: DeviceKeys) -> Callable[[Store, Peer, Profile, Step, SealedLog], SyncEngine]:
    def engine(
        store: Store, peer: Peer, profile: Profile, seal: Step, log: SealedLog
    ) -> SyncEngine:
        from mobile.store.unlocking import renew_key
        from mobile.sync.engine import SyncEngine

        async def rekey() -> None:
            await renew_key(store.parts.db, keys, profile.vault)

        return SyncEngine(
            store, peer, keys, app_version=app_version(), seal=seal, rekey=rekey, log=log
        )

    return engine
