"""Copies of a PostgreSQL database by its own tools, `pg_dump` and `pg_restore`.

The password goes through the environment: arguments are everybody's to read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import URL, create_engine, text

from shared.errors import Code, Refusal
from shared.ids import new_id

_log = structlog.get_logger("huifang.backup")


def dump(url: URL, snapshot: str, path: Path) -> None:
    """Write the database to `path` as an open transaction's exported `snapshot` sees it. Refuses
    FILE_UNREADABLE without `pg_dump`, or where it fails."""
    try:
        _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={path}")
    except Refusal:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def scratch_database(url: URL, copy: Path) -> Iterator[URL]:
    """A database of its own on the same server, filled from a dump and dropped at the end. The
    server's user must be allowed to create databases. Refuses FILE_UNREADABLE where it fails."""
    name = f"huifang_drill_{new_id()[-12:]}"
    office = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        with office.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        scratch = url.set(database=name)
        try:
            _run("pg_restore", scratch, "--no-owner", "--exit-on-error", str(copy))
            yield scratch
        finally:
            with office.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        office.dispose()


def _run(name: str, url: URL, *arguments: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise Refusal(Code.FILE_UNREADABLE, wanted=f"{name} on the PATH")
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    address = url.set(drivername="postgresql", password=None).render_as_string()
    command = [program, *arguments, f"--dbname={address}"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        # The first line says what went wrong; later ones may quote rows.
        said = done.stderr.decode(errors="replace").partition("\n")[0][:300]
        _log.error("postgres_tool_failed", tool=name, said=said)
        raise Refusal(Code.FILE_UNREADABLE, wanted=f"a {name} that succeeds")
