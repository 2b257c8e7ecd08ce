"""Brings a database to the present schema, and drafts the next step when a declaration changed.

Migrations append: a released one is never edited (docs/architecture.md). `draft` compares the
declarations with a database and writes what is missing as a new file in `migrations/versions`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine

import sync_server.db.accounts
import sync_server.db.audit
import sync_server.db.entrances
import sync_server.db.figures
import sync_server.db.keeping
import sync_server.db.log
import sync_server.db.looks
import sync_server.db.people
import sync_server.db.records
import sync_server.db.rules
import sync_server.db.sign_in
import sync_server.db.surveys  # noqa: F401 (all fill METADATA)
from sync_server.db.base import METADATA

_HERE = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Applies what is missing; harmless when nothing is. The whole upgrade is one transaction."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), revision)


def draft(engine: Engine, message: str) -> None:
    """Writes a new migration from what `engine`'s database lacks of the declarations."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def differences(connection: Connection) -> list[Any]:
    """What the database lacks of the declarations, or has beyond them; empty when they agree."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
