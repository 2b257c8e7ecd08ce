"""The migrations and the declarations say the same, on both databases."""

from __future__ import annotations

from sqlalchemy import text

from sync_server.db.base import METADATA, Database
from sync_server.db.migrate import differences, upgrade


def test_migrations_produce_exactly_what_is_declared(db: Database) -> None:
    with db.engine.connect() as connection:
        assert differences(connection) == []


def test_a_missing_column_is_noticed(db: Database) -> None:
    with db.write() as connection, connection.begin_nested() as undone:
        connection.execute(text("ALTER TABLE visit_row DROP COLUMN next_step"))
        found = differences(connection)
        undone.rollback()
    assert [d[0] for d in found] == ["add_column"]


def test_upgrading_twice_is_harmless(db: Database) -> None:
    upgrade(db.engine)
    with db.engine.connect() as connection:
        assert differences(connection) == []


BEFORE_ANYONE_IS_KNOWN = {"seen_proof", "sign_in_try"}
OF_THE_INSTALLATION = {"backup_drill"}


def test_every_table_leads_with_the_organisation() -> None:
    firsts = {table.name: next(iter(table.columns)).name for table in METADATA.sorted_tables}
    elsewhere = {name for name, first in firsts.items() if first != "org_id"}
    assert elsewhere == BEFORE_ANYONE_IS_KNOWN | OF_THE_INSTALLATION, firsts
