"""One measured device, natively or in the browser: it does what the app does and says how long it
took.

Each verb answers JSON, so that the browser's worker can be asked over a channel. Times are seconds
of the device's own monotonic clock.
"""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter
from typing import Any

from mobile.usecases.services import Services
from mobile.usecases.session import Session
from shared.entities import Customer, Visit
from shared.ids import new_id

SECRET = "246810"


class Device:
    """A phone from its first sign-in on."""

    def __init__(self, services: Services) -> None:
        self._session = Session(services)

    async def enrol(self, url: str, username: str, password: str) -> None:
        """Signs in and makes an empty vault."""
        await self._session.begin()
        await self._session.sign_in(url, username, password, "bench")
        await self._session.choose_secret(SECRET, "zh-CN")

    async def first_sync(self) -> dict[str, Any]:
        """Fetches everything into the empty encrypted store, search included."""
        return await self._timed_sync()

    async def sync(self) -> dict[str, Any]:
        """One more sync."""
        return await self._timed_sync()

    async def write(self, count: int) -> list[float]:
        """`count` new visits, each a durable transaction of its own: the seconds of each."""
        store = self._session.store
        assert store is not None, "enrol first"
        customers = store.find(Customer, limit=50)
        me = store.staff().id
        taken = []
        for number in range(count):
            visit = Visit(
                id=new_id(),
                customer_id=customers[number % len(customers)].id,
                owner_id=me,
                purpose="care",
                state="planned",
                planned_at=store.now() + timedelta(days=1),
                notes="measured " * 40,
            )
            began = perf_counter()
            with store.unit() as unit:
                unit.create(visit)
                unit.commit()
            taken.append(perf_counter() - began)
        return taken

    async def edit(self, count: int, notes: str) -> None:
        """Other notes on `count` visits that are there, and a sync that sends them."""
        store = self._session.store
        assert store is not None, "enrol first"
        with store.unit() as unit:
            for visit in store.find(Visit, limit=count):
                unit.update(visit, notes=notes)
            unit.commit()
        report = await self._timed_sync()
        assert report["sent"] == count, report

    async def search(self, texts: list[str]) -> list[float]:
        """The seconds of each search, hits read."""
        store = self._session.store
        assert store is not None, "enrol first"
        taken = []
        for text in texts:
            began = perf_counter()
            found = store.search(text)
            taken.append(perf_counter() - began)
            assert found, (
                f"nothing found for {text!r}: a search that finds nothing measures nothing"
            )
        return taken

    async def names(self, count: int) -> list[str]:
        """Names of customers to search for."""
        store = self._session.store
        assert store is not None, "enrol first"
        return [c.name for c in store.find(Customer, limit=count)]

    async def _timed_sync(self) -> dict[str, Any]:
        syncing = self._session.syncing
        assert syncing is not None, "enrol first"
        began = perf_counter()
        report = await syncing.now()
        seconds = perf_counter() - began
        assert report.code is None, f"the sync failed: {report.code}"
        return {
            "seconds": seconds,
            "received": report.received,
            "sent": report.sent,
            "bytes": report.bytes,
        }
