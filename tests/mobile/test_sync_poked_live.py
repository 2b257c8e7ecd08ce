"""Two phones with the native engine and a real server between them: what is saved on one is soon on
the other, long before either would have asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from mobile.bootstrap import bootstrap
from mobile.usecases.session import Session
from shared.entities import Customer, Visit
from shared.ids import new_id
from sync_server.bootstrap import Server
from sync_server.services.writing import write
from tests.live_server import LiveServer, live_server
from tests.mobile.sync_world import CUSTOMERS, furnish
from tests.server.phones import ORG, PASSWORD, found_company

pytestmark = pytest.mark.processes

PATIENCE = 60.0  # seconds, on a machine that does much else; the timetable alone would take 300
SECRET = "246810"


def prepare(server: Server) -> None:
    found_company(server)
    furnish(server)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with live_server(tmp_path, prepare=prepare) as live:
        yield live


@asynccontextmanager
async def phone(
    home: Path, url: str, who: str, setenv: Callable[[str, str], None]
) -> AsyncIterator[Session]:
    """The desktop app without its screens: signed in, synced, listening."""
    setenv("HUIFANG_HOME", str(home / who))
    session = Session(await bootstrap(SimpleNamespace(fonts=None)))
    await session.begin()
    await session.sign_in(url, who, PASSWORD, "test")
    await session.choose_secret(SECRET, "zh-CN")
    assert await session.first_sync(lambda _progress: None) is None
    session.syncing.start()
    try:
        yield session
    finally:
        await session.lock()
        session._peer._fetch.close()
        await asyncio.sleep(0)  # its socket is closed with the loop's next turn


async def comes_to_hold(session: Session, holds: Callable[[], bool]) -> None:
    """Until it holds, looked at whenever the phone's store or sync has moved."""
    moved = asyncio.Event()
    leave = session.syncing.subscribe(moved.set)
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                moved.clear()
                await moved.wait()
    finally:
        leave()


async def test_a_change_on_one_phone_is_soon_in_the_other_s_store(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setenv = monkeypatch.setenv
    async with (
        phone(tmp_path, server.url, "lin", setenv) as lin,
        phone(tmp_path, server.url, "chen", setenv) as chen,
    ):
        visit = Visit(
            id=new_id(), customer_id=CUSTOMERS[0], owner_id=lin.store.staff().id,
            purpose="care", state="planned", planned_at=lin.store.now(),
        )  # fmt: skip
        with lin.store.unit() as unit:
            unit.create(visit)
            unit.commit()
        await comes_to_hold(chen, lambda: chen.store.get(Visit, visit.id) is not None)
        with chen.store.unit() as unit:
            unit.update(chen.store.get(Visit, visit.id), notes="店长看过")
            unit.commit()
        await comes_to_hold(lin, lambda: lin.store.get(Visit, visit.id).notes == "店长看过")


async def test_after_a_restart_of_the_server_phones_come_back_and_hear_what_they_missed(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with phone(tmp_path, server.url, "lin", monkeypatch.setenv) as lin:
        await comes_to_hold(lin, lambda: lin.syncing.state == "synced")
        await asyncio.to_thread(server.kill)
        with server.opened() as office:
            edit = {"city": "成都"}
            write(
                office.database, ORG, office.clock.now(),
                lambda unit: unit.update("customer", CUSTOMERS[0], edit),
            )  # fmt: skip
        await asyncio.to_thread(server.start)
        await comes_to_hold(lin, lambda: lin.store.get(Customer, CUSTOMERS[0]).city == "成都")
