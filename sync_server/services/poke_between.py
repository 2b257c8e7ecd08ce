"""Hints between processes: PostgreSQL's LISTEN and NOTIFY, or a look at SQLite's change counter.

One connection and one task a process. Whatever is lost here is found by the next look at the
numbers (`Hub.look`), a few seconds later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from anyio import to_thread
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.ids import new_id
from sync_server.db.base import Database
from sync_server.db.news import News, merged, read, written
from sync_server.services.poke import Hub

log = structlog.get_logger("huifang.poke")

CHANNEL = "huifang_news"
LOOK_SECONDS = 5.0
WATCH_SECONDS = 0.5
_LONGEST_AWAY = 10.0


async def keep_hearing(hub: Hub, db: Database) -> None:
    """Serve the hub with what happens in the database, here and elsewhere, until cancelled."""
    leave = db.hear(hub.announce)
    elsewhere = _Postgres(hub, db) if db.is_postgres else _Sqlite(hub, db)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_turning(hub))
            tasks.create_task(_kept(elsewhere.hear))
            if isinstance(elsewhere, _Postgres):
                hub.pass_on(elsewhere.send)
                tasks.create_task(_kept(elsewhere.sending))
    finally:
        leave()


def tell_servers(db: Database) -> None:
    """For a process without streams, such as a command: whoever listens at the servers hears what
    it commits. On SQLite they see for themselves."""
    if db.is_postgres:
        db.hear(lambda news: _told(db, news))


def _told(db: Database, news: Sequence[News]) -> None:
    try:
        notify(db, merged(news), "a command")
    except SQLAlchemyError as fault:  # what was committed stays so
        log.warning("news_interrupted", kind=type(fault).__name__)


def notify(db: Database, news: Sequence[News], sender: str) -> None:
    """Tell every process that listens. Its commit waits for no disk: a hint may be lost."""
    with db.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        for one in news:
            connection.execute(_NOTIFY, {"channel": CHANNEL, "message": written(one, sender)})


_NOTIFY = text(
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify(:channel, :message)"
)


async def _turning(hub: Hub) -> None:
    while True:
        await asyncio.sleep(hub.pace.turns)
        hub.turn()


async def _kept(work: Any) -> None:
    """`work` again and again, after a pause that grows while the database is away."""
    away = 0.5
    while True:
        try:
            await work()
            away = 0.5
        except (SQLAlchemyError, psycopg.Error, OSError) as fault:
            log.warning("news_interrupted", kind=type(fault).__name__)
            await asyncio.sleep(random.uniform(away / 2, away))
            away = min(_LONGEST_AWAY, 2 * away)


class _Postgres:
    """One listening connection outside of the pool, and a sender that says in one message what
    was committed while the last one was under way."""

    def __init__(self, hub: Hub, db: Database) -> None:
        self._hub = hub
        self._db = db
        self._name = new_id()[-12:]
        self._waiting: list[News] = []
        self._something = asyncio.Event()

    def send(self, news: Sequence[News]) -> None:
        """Tell the other processes, soon."""
        self._waiting.extend(news)
        self._something.set()

    async def sending(self) -> None:
        await self._something.wait()
        self._something.clear()
        news, self._waiting = merged(self._waiting), []
        await to_thread.run_sync(notify, self._db, news, self._name)

    async def hear(self) -> None:
        dialect = self._db.engine.dialect
        _, where = dialect.create_connect_args(self._db.engine.url)
        alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        async with await psycopg.AsyncConnection.connect(
            **{**where, **alive}, autocommit=True
        ) as listening:
            await listening.execute(f"LISTEN {CHANNEL}")
            while True:
                await self._hub.look()
                async for note in listening.notifies(timeout=LOOK_SECONDS):
                    heard = read(note.payload)
                    if heard is not None and heard[0] != self._name:
                        self._hub.hear([heard[1]])
                        if heard[1].moved is None:
                            await self._hub.look()


class _Sqlite:
    """Another process on the same file is rare (the command line, mostly): its commits show in
    SQLite's own counter, which costs no read of the disk."""

    def __init__(self, hub: Hub, db: Database) -> None:
        self._hub = hub
        self._db = db

    async def hear(self) -> None:
        held = await to_thread.run_sync(self._db.engine.raw_connection)
        try:
            seen, looked = -1, 0.0
            while True:
                counter = await to_thread.run_sync(_data_version, held)
                now = asyncio.get_running_loop().time()
                # It counts this process's own commits as well: hence not at every turn of it.
                if counter != seen and now - looked >= 2 * WATCH_SECONDS:
                    seen, looked = counter, now
                    await self._hub.look()
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            held.close()


def _data_version(held: Any) -> int:
    cursor = held.cursor()
    try:
        return int(cursor.execute("PRAGMA data_version").fetchone()[0])
    finally:
        cursor.close()
