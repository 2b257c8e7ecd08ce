"""The server's database: one `Database` per process, on SQLite or PostgreSQL.

Plain SQLAlchemy Core, synchronous, called from threads: a request does a handful of statements
over whole batches, so an object mapper would only stand between the rows and their ready-made
JSON.

    db = Database("sqlite:////var/lib/huifang/huifang.sqlite3", ring)
    with db.write() as connection: ...  # commits at the end; left by an exception, rolls back
    with db.read() as connection: ...  # one consistent snapshot
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url, text

from sync_server.db.checkpoints import Checkpoints
from sync_server.db.limits import Limits, again, engine_limits
from sync_server.db.news import News, collect
from sync_server.db.remembered import Remembered
from sync_server.db.sealing import KeyRing, use_ring

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the server. Each leads with `org_id` (design §8)."""

T = TypeVar("T")
Hearer = Callable[[Sequence[News]], None]


class Database:
    """Transactions over one engine. Holds no state but the engine's pool, the key ring, who hears
    of commits, and what the database itself says still holds (`remembered`)."""

    def __init__(
        self, url: str, ring: KeyRing, *, durable: bool = True, limits: Limits | None = None
    ) -> None:
        """`durable` False leaves out the wait for the disk: for tests and throw-away databases."""
        self.ring = ring
        self.remembered = Remembered()
        self.limits = limits or Limits()
        self.engine = _engine(url, durable, self.limits)
        self._hearer: Hearer | None = None
        file = None if self.is_postgres else self.engine.url.database
        self._checkpoints = Checkpoints(file) if file else None
        use_ring(self.engine.dialect, ring)

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write: on SQLite the only one (``BEGIN IMMEDIATE``), on
        PostgreSQL read committed."""
        with self.engine.connect() as connection:
            connection.execution_options(huifang_begin="BEGIN IMMEDIATE")
            noted = collect(connection)
            with connection.begin():
                yield connection
        if self._checkpoints is not None:
            self._checkpoints.committed()
        if noted and self._hearer is not None:
            self._hearer(noted)

    def again(self, work: Callable[[], T]) -> T:
        """`sync_server.db.limits.again`, as often as this database allows."""
        return again(work, self.limits.tries)

    def hear(self, hearer: Hearer) -> Callable[[], None]:
        """`hearer` is told, in the writing thread, what each commit of this process noted
        (`sync_server.db.news`), in place of whoever was before; returns how to give that one its
        place again."""
        before, self._hearer = self._hearer, hearer

        def leave() -> None:
            self._hearer = before

        return leave

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads one snapshot from its first statement to its last."""
        with self.engine.connect() as connection:
            if self.is_postgres:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    def close(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.finish()
        self.engine.dispose()


def lock_organisation(connection: Connection, org_id: str) -> None:
    """From here to the end of the transaction nobody else numbers anything in this organisation.

    Numbers are thereby given in commit order (design §5, Feed). Taken as late as can be, so that
    a long transaction holds up nobody; on SQLite a writer has the whole database to itself
    anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:org, 0))"), {"org": org_id}
        )


def _engine(url: str, durable: bool, limits: Limits) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        arguments = engine_limits(parsed, limits)
        return _sqlite(create_engine(parsed, json_serializer=_json, **arguments), durable)
    if parsed.get_backend_name() != "postgresql":
        raise ValueError("the database is SQLite or PostgreSQL")
    parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(parsed, **engine_limits(parsed, limits))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _sqlite(engine: Engine, durable: bool) -> Engine:
    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver would otherwise begin on its own, and too late
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        raw.execute("PRAGMA wal_autocheckpoint=0")  # `Checkpoints` sees to it
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA cache_size=-64000")
        raw.execute("PRAGMA secure_delete=ON")  # what was erased is not left in free pages

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if begin := connection.get_execution_options().get("huifang_begin"):
            connection.exec_driver_sql(begin)
        else:  # to read, which waits for nobody: without the detour, which takes as long as a query
            raw: Any = connection.connection.driver_connection
            raw.execute("BEGIN")

    return engine
