"""When the app listens for hints, and what it makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mobile.store.meta import CURSOR
from mobile.sync.poking import ComeBack, Heard, Hint, Patience
from mobile.usecases.session import Session
from mobile.usecases.syncing import Syncing
from shared.errors import Code, Refusal
from tests.mobile.ui.field import PIN, Field, Report, customer


class Line:
    """A stream whose other end is in the test's hand."""

    def __init__(self) -> None:
        self.opened = self.ended = 0
        self.refuses: list[Refusal | None] = []
        self.say: Heard | None = None
        self._end = asyncio.Event()

    async def listen(self, heard: Heard) -> None:
        self.opened += 1
        refusal = self.refuses.pop(0) if self.refuses else None
        if refusal is not None:
            raise refusal
        self.say, self._end = heard, asyncio.Event()
        try:
            await self._end.wait()
        finally:
            self.ended += 1
            self.say = None

    def end(self) -> None:
        self._end.set()

    @property
    def open(self) -> bool:
        return self.say is not None


class Impatient(Patience):
    """Opens the stream again at once, so that the test need not wait."""

    def wait(self, _now: float) -> float:
        return 0.0


@pytest.fixture
async def session(tmp_path: Path):
    field = Field(tmp_path)
    field.plant(customer("甲公司"))
    await field.prepare()
    field.line = Line()
    field.server.listen = field.line.listen
    session = Session(field.services())
    await session.begin()
    await session.unlock(PIN)
    session.field = field
    yield session
    await session.lock()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("never came to hold")


async def rest() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def syncing_of(session: Session) -> Syncing:
    assert session.syncing is not None
    return session.syncing


async def listening(session: Session, *answers: Report) -> Line:
    """The app after its first sync, its stream open."""
    session.field.engine.answers = [Report(), *answers]
    syncing_of(session).start()
    await until(lambda: session.field.line.open)
    session.field.clock.move(timedelta(seconds=1))
    return session.field.line


async def test_a_stream_opens_after_the_first_sync_and_ends_with_the_lock(session):
    session.field.engine.answers = [Report()]
    await rest()
    assert session.field.line.opened == 0
    line = await listening(session)
    await session.lock()
    assert (line.opened, line.ended) == (1, 1)


async def test_a_hint_of_something_newer_is_pulled_at_once(session):
    line = await listening(session, Report())
    line.say(Hint(session.store.parts.meta.get(CURSOR) + 1))
    await until(lambda: session.field.engine.syncs == 2)


async def test_a_hint_of_what_is_here_already_is_passed_over(session):
    line = await listening(session, Report())
    line.say(Hint(session.store.parts.meta.get(CURSOR)))
    await rest()
    assert session.field.engine.syncs == 1
    line.say(Hint(None))  # the scopes moved: whatever the cursor
    await until(lambda: session.field.engine.syncs == 2)


async def test_a_hint_during_a_sync_is_looked_at_when_it_is_over(session):
    """One's own work comes back as a hint; the sync that sent it has brought it."""
    line = await listening(session)
    meta, brought = session.store.parts.meta, iter((5, 0))

    async def sync(_progress=None):
        session.field.engine.syncs += 1
        line.say(Hint(meta.get(CURSOR) + 5))
        meta.put(CURSOR, meta.get(CURSOR) + next(brought))
        return Report()

    session.field.engine.sync = sync
    await syncing_of(session).now()
    await rest()
    assert session.field.engine.syncs == 2
    await syncing_of(session).now()
    session.field.engine.sync = lambda _progress=None: asyncio.sleep(0, Report())
    session.field.clock.move(timedelta(seconds=1))
    syncing_of(session)._woken.set()
    await until(lambda: len(syncing_of(session).exchanges) == 4)


@pytest.mark.parametrize("away", ["hidden", "offline"])
async def test_nobody_listens_while_the_app_is_hidden_or_offline(session, away):
    line = await listening(session, Report())
    place = session.field.place
    turn = place.show if away == "hidden" else place.switch
    turn(False)
    await until(lambda: line.ended == 1)
    await rest()
    assert line.opened == 1
    turn(True)
    await until(lambda: line.opened == 2)


async def test_a_lost_stream_is_opened_again_with_patience_and_polling_goes_on(session):
    line = await listening(session, Report())
    patience = syncing_of(session)._listening._patience
    line.say(ComeBack(45.0))
    line.end()
    await until(lambda: line.ended == 1)
    await rest()
    assert line.opened == 1 and patience.wait(session.field.clock.monotonic_ms() / 1000) == 45.0
    session.field.clock.move(timedelta(seconds=400))
    syncing_of(session)._woken.set()
    await until(lambda: session.field.engine.syncs == 2)  # by the timetable alone


async def test_a_stream_that_is_refused_for_its_token_opens_after_the_next_sync(session):
    session.field.line.refuses = [Refusal(Code.TOKEN_EXPIRED)]
    session.field.engine.answers = [Report(), Report()]
    syncing_of(session)._listening._patience = Impatient()
    syncing_of(session).start()
    await until(lambda: session.field.line.opened == 1)
    await rest()
    session.field.clock.move(timedelta(seconds=1))
    syncing_of(session)._woken.set()
    await until(lambda: session.field.engine.syncs == 2 and session.field.line.open)


async def test_who_was_shut_out_does_not_listen_until_a_sync_goes_through(session):
    line = await listening(session, Report(Code.USER_INACTIVE), Report(Code.USER_INACTIVE))
    line.refuses = [Refusal(Code.USER_INACTIVE)]
    syncing_of(session)._listening._patience = Impatient()
    line.end()
    await until(lambda: line.opened == 2)
    await rest()
    session.field.clock.move(timedelta(seconds=1))
    syncing_of(session)._woken.set()
    await until(lambda: session.field.engine.syncs == 2)
    await rest()
    assert line.opened == 2 and not syncing_of(session)._listening.open
