"""What stood in plain in databases before migration 0037 is sealed by it, and nothing is left of it
in the database's files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, insert, select, text, update

from shared.errors import Refusal
from sync_server.cli.terminal import opened
from sync_server.db.base import METADATA, Database
from sync_server.db.migrate import differences, upgrade
from sync_server.db.sealing import KeyRing
from sync_server.services.rekeying import open_all
from sync_server.settings import Settings
from tests.upgrade import kept
from tests.upgrade.keys import RING

TYPED = "陈经理写的话"
PLAIN = {
    "asset_row": ("location", "package_terms"),
    "assignment_row": ("reason",),
    "callback_row": ("attempts",),
    "erasure": ("reason",),
    "evaluation": ("note",),
    "grant_row": ("reason",),
    "inspection_row": ("checklist",),
    "record_move": ("reason",),
    "report_row": ("checklist",),
    "service_plan": ("plan", "evaluation"),
    "staff_grade": ("said",),
    "store_report": ("body",),
    "training": ("title", "note"),
    "visit_row": ("cancelled_because",),
}
"""Columns that held words in plain until then."""
MANY = 201
"""Rows of each: one more than are sealed at a time."""
_FILLED: dict[type, Any] = {
    datetime: datetime(2026, 10, 1, tzinfo=UTC),
    date: date(2026, 10, 1),
    object: {},  # JSON
    bytes: b"x",
    float: 1.0,
    int: 1,
    str: "x",
}
"""What stands in the other columns that must not be empty."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A kept version's, brought as far as 0036."""
    version = kept.versions()[0]
    if request.param == "sqlite":
        database = Database(version.lay_out_sqlite(tmp_path), RING, durable=False)
        upgrade(database.engine, "0036")
        yield database
        database.close()
        return
    server, name = request.getfixturevalue("postgres_url"), "kept_in_plain"
    database = Database(version.lay_out_postgres(server, name, tmp_path), RING, durable=False)
    upgrade(database.engine, "0036")
    yield database
    database.close()
    kept.on_server(server, f'DROP DATABASE "{name}"')


def test_words_that_stood_in_plain_are_sealed_and_leave_no_trace(database: Database) -> None:
    with database.write() as connection:
        for name, columns in PLAIN.items():
            plant(connection, name, columns)
    assert seen(database) == set(PLAIN), "this is how they would be found"
    upgrade(database.engine)
    assert seen(database) == set()
    with database.read() as connection:
        assert differences(connection) == []
        for name, columns in PLAIN.items():
            table = METADATA.tables[name]
            found = connection.execute(select(table).where(table.c.org_id.startswith("in plain")))
            rows = {row.org_id: [row._mapping[column] for column in columns] for row in found}
            told = list(map(words, columns))
            assert rows == {f"in plain {i}": told for i in range(MANY)}, name
    assert open_all(database).unreadable == 0


def test_a_server_with_other_keys_seals_nothing(tmp_path: Path) -> None:
    url = kept.versions()[0].lay_out_sqlite(tmp_path)
    with pytest.raises(Refusal, match="keys"), opened(Settings(data_dir=tmp_path, database=url)):
        pass
    stranger = Database(url, KeyRing({1: bytes(32)}, bytes(32)), durable=False)
    with pytest.raises(ValueError, match="altered"):
        upgrade(stranger.engine)
    stranger.close()
    owner = Database(url, RING, durable=False)
    upgrade(owner.engine)
    assert open_all(owner).unreadable == 0
    owner.close()


def plant(connection: Connection, name: str, columns: tuple[str, ...]) -> None:
    """Rows with words in these columns; also in those that are there already."""
    table = Table(name, MetaData(), autoload_with=connection)
    said = {column: words(column) for column in columns}
    connection.execute(update(table).values(said))
    needed = [column for column in table.c if not column.nullable]
    filled = {column.name: _FILLED[column.type.python_type] for column in needed}
    rows = [{**filled, **said, "org_id": f"in plain {i}"} for i in range(MANY)]
    connection.execute(insert(table), rows)


def words(column: str) -> Any:
    """As a column holds them."""
    if column == "body":
        return TYPED.encode()
    return [{"note": TYPED}] if column in ("attempts", "checklist", "said") else TYPED


def seen(database: Database) -> set[str]:
    """Tables in whose files the words can be read. One file holds all of SQLite's."""
    if not database.is_postgres:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        content = Path(str(database.engine.url.database)).read_bytes()
        return set(PLAIN) if _readable(content) else set()
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("CHECKPOINT"))
        read = text("SELECT pg_read_binary_file(pg_relation_filepath(CAST(:name AS regclass)))")
        return {
            name
            for name in PLAIN
            if _readable(bytes(connection.scalar(read, {"name": name}) or b""))
        }


def _readable(content: bytes) -> bool:
    return TYPED.encode() in content or TYPED.encode().hex().encode() in content
