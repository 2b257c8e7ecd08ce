"""The two places in which the app runs: a browser's page and a desktop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mobile.pwa import page
from mobile.usecases.arrival import Arrival, arrival_of
from mobile.usecases.services import Installation, Storage
from shared.errors import Code, Refusal

Leave = Callable[[], None]


class _Fact:
    """Something that is so or not, and who wants to hear when it changes."""

    def __init__(self) -> None:
        self.holds = True
        self._listeners: list[Callable[[bool], None]] = []

    def join(self, listener: Callable[[bool], None]) -> Leave:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def tell(self, holds: bool) -> None:
        changed, self.holds = holds != self.holds, holds
        if changed:
            for listener in list(self._listeners):
                listener(holds)


class BrowserPlace:
    """A page of the web app, through the worker's bridge to it.

    `address` is any URL of the app, `status` what `page_status` answered. To be made where Flet
    knows the page: events are heard in that context.
    """

    platform = "browser"

    def __init__(self, address: str, status: dict[str, Any]) -> None:
        parts = urlsplit(address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._languages: list[str] = list(status.get("languages", ()))
        self._network, self._front = _Fact(), _Fact()
        self._network.holds = bool(status.get("online", True))
        self._front.holds = bool(status.get("visible", True))
        page.listen(self._heard)

    def _heard(self, event: str, detail: Any) -> None:
        if event == "page_status" and isinstance(detail, dict):
            self._network.tell(bool(detail.get("online", True)))
            self._front.tell(bool(detail.get("visible", True)))
        elif event == "leaving":
            self._front.tell(False)

    def online(self) -> bool:
        return self._network.holds

    def visible(self) -> bool:
        return self._front.holds

    def on_network(self, listener: Callable[[bool], None]) -> Leave:
        return self._network.join(listener)

    def on_visible(self, listener: Callable[[bool], None]) -> Leave:
        return self._front.join(listener)

    def languages(self) -> list[str]:
        return self._languages

    async def storage(self, ask: bool) -> Storage:
        try:
            found = await page.call("persist_storage" if ask else "storage_status")
        except page.PageRefusal:  # a browser that has no such promise
            return Storage(persisted=False)
        return Storage(
            persisted=bool(found["persisted"]),
            usage_bytes=int(found["usage_bytes"]),
            quota_bytes=int(found["quota_bytes"]),
        )

    async def installation(self) -> Installation:
        found = await page.call("offline_status")
        return Installation(
            version=str(found.get("version") or ""),
            ready=bool(found.get("ready")),
            update=bool(found.get("update")),
        )

    async def activate_update(self) -> None:
        await page.call("activate_update")

    async def typed_ahead(self, wait: bool) -> str | None:
        found = await page.call("typed_ahead", wait=wait)
        return found["secret"] or None

    async def remember_lock(self, language: str) -> None:
        await page.call("remember_lock", language=language)

    async def reveal(self) -> None:
        await page.call("reveal")

    async def arrival(self) -> Arrival | None:
        found = await page.call("arrival")
        return arrival_of(found["arrived"])

    async def leave_for(self, address: str) -> None:
        await page.call("leave_for", address=address)


class DesktopPlace:
    """A native window. Its storage is as lasting as its disk; it is updated by whoever installed
    it.
    """

    platform = "native"
    origin = ""

    def __init__(self, version: str, languages: list[str]) -> None:
        self._version = version
        self._languages = languages
        self._network, self._front = _Fact(), _Fact()

    def online(self) -> bool:
        return self._network.holds

    def visible(self) -> bool:
        return self._front.holds

    def on_network(self, listener: Callable[[bool], None]) -> Leave:
        return self._network.join(listener)

    def on_visible(self, listener: Callable[[bool], None]) -> Leave:
        return self._front.join(listener)

    def languages(self) -> list[str]:
        return self._languages

    async def storage(self, ask: bool) -> Storage:  # noqa: ARG002 - a disk needs no asking
        return Storage(persisted=True)

    async def installation(self) -> Installation:
        return Installation(version=self._version)

    async def activate_update(self) -> None:
        """Nothing waits here."""

    async def typed_ahead(self, wait: bool) -> str | None:  # noqa: ARG002 - a window opens at once
        return None

    async def remember_lock(self, language: str) -> None:
        """The next start shows its lock at once."""

    async def reveal(self) -> None:
        """Nothing covers it."""

    async def arrival(self) -> Arrival | None:
        return None

    async def leave_for(self, address: str) -> None:  # noqa: ARG002 - nothing would come back
        raise Refusal(Code.NOT_FOUND)


class FilePreferences:
    """`Preferences` as one JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> dict[str, Any]:
        return parsed(self._path.read_text("utf-8") if self._path.is_file() else None)

    async def write(self, values: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(values), "utf-8")


class BrowserPreferences:
    """`Preferences` in a small database of their own: plain, and nothing secret."""

    def __init__(self, database: Any) -> None:
        self._database = database

    async def read(self) -> dict[str, Any]:
        return parsed(await self._database.get("preferences", "display"))

    async def write(self, values: dict[str, Any]) -> None:
        text = json.dumps(values)
        await self._database.change("preferences", "display", lambda _old: text)


def parsed(text: str | None) -> dict[str, Any]:
    """Preferences of their JSON; empty where there are none or they can't be read."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
