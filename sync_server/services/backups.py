"""Backups, and the promise that hangs on them: a device forgets what it sent only once a backup
holds it (L1).

A backup is a folder: the database as of one moment, and every whole file. The key file is not in
it: it belongs somewhere else, as the two together open everything.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import make_url, select

from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.db.log import ORG_STATE
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.epochs import backed_up, begin_epoch

KEPT = 10
_NAME = "huifang-%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was taken: its database file, and how many files came new into it."""

    path: Path
    files: int


def back_up(
    database: Database, files: Path, folder: Path, now: datetime, *, via: str = "server"
) -> Backup:
    """Copy database and files to `folder`, verify the copy, and tell devices how far it reaches.

    On SQLite this needs nothing else and stops nobody; on PostgreSQL it runs ``pg_dump`` (refuses
    FILE_UNREADABLE where there is none). Older copies of the database beyond the last ten are
    removed. `via` tells the audit log whether somebody asked for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with database.read() as connection:
        rows = connection.execute(select(ORG_STATE.c.org_id, ORG_STATE.c.last_seq)).all()
    # Files first: whatever the copy of the database knows as verified is then there as well,
    # but for what arrives in between, which the next backup takes before its number counts.
    copied = _copy_files(files, folder / "files")
    name = now.astimezone(UTC).strftime(_NAME)
    if database.is_postgres:
        path = _dump(database, folder / f"{name}.dump")
    else:
        path = _copy_sqlite(database, folder / f"{name}.sqlite3")
    for row in rows:
        backed_up(database, row.org_id, row.last_seq)
        who = audit.Actor(org_id=row.org_id, via=via)
        with database.write() as connection:
            audit.note(connection, who, Action.BACKED_UP, now=now, up_to=row.last_seq)
    for old in sorted(folder.glob(f"huifang-*{path.suffix}"))[:-KEPT]:
        old.unlink()
    return Backup(path, copied)


def newest_age(folder: Path, now: datetime) -> timedelta | None:
    """How old the newest backup in `folder` is, or None."""
    names = sorted(path.stem for path in folder.glob("huifang-*Z.*"))
    if not names:
        return None
    return now - datetime.strptime(names[-1], _NAME).replace(tzinfo=UTC)


def behind(database: Database) -> bool:
    """Whether something was written that no backup holds."""
    query = select(ORG_STATE.c.org_id).where(ORG_STATE.c.last_seq > ORG_STATE.c.backed_up_to)
    with database.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def restore_sqlite(copy: Path, target: Path, files: Path) -> None:
    """Put a backup in the place of a database that is not there (any more), with its files.

    Refuses RECORD_EXISTS rather than overwrite a database, and FILE_UNREADABLE for what is no whole
    backup. The caller then begins a new epoch (`restored`), before any device comes.
    """
    if target.exists():
        raise Refusal(Code.RECORD_EXISTS, file=str(target))
    _check(copy)
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy_durably(copy, target)
    if (copy.parent / "files").is_dir():
        _copy_files(copy.parent / "files", files)


def restored(database: Database, now: datetime) -> int:
    """Begin a new epoch in every organisation: devices fetch anew, and send again what no backup
    held."""
    with database.read() as connection:
        ids = connection.execute(select(ORG_STATE.c.org_id)).scalars().all()
    for org_id in ids:
        epoch = begin_epoch(database, org_id)
        who, subject = audit.command_line(org_id), ("epoch", epoch)
        with database.write() as connection:
            audit.note(connection, who, Action.EPOCH_BEGUN, now=now, subject=subject)
    return len(ids)


def _copy_sqlite(database: Database, path: Path) -> Path:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    source = database.engine.raw_connection()
    try:
        live = source.driver_connection
        assert isinstance(live, sqlite3.Connection)  # the dialect says so
        with closing(sqlite3.connect(fresh)) as target:
            live.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    finally:
        source.close()
    _check(fresh)
    _sync(fresh)
    fresh.chmod(0o600)
    fresh.replace(path)
    return path


def _check(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
            sound = copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
            copy.execute("SELECT last_seq FROM org_state").fetchall()
    except sqlite3.Error:
        sound = False
    if not sound:
        raise Refusal(Code.FILE_UNREADABLE, file=str(path), wanted="a whole backup")


def _dump(database: Database, path: Path) -> Path:
    program = shutil.which("pg_dump")
    if program is None:
        raise Refusal(Code.FILE_UNREADABLE, wanted="pg_dump on the PATH")
    url = make_url(database.engine.url).set(drivername="postgresql")
    # The password goes through the environment: arguments are everybody's to read.
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    address = url.set(password=None).render_as_string()
    command = [program, "--format=custom", f"--file={path}", address]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        path.unlink(missing_ok=True)
        raise Refusal(Code.FILE_UNREADABLE, wanted="a pg_dump that succeeds")
    _sync(path)
    return path


def _copy_files(source: Path, target: Path) -> int:
    """Every whole file that is not in `target` yet. They are named by their content: none ever
    changes."""
    copied = 0
    for path in sorted(source.glob("*/??/*")):
        there = target / path.relative_to(source)
        if path.name.startswith(".") or there.exists():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        _copy_durably(path, there)
        copied += 1
    return copied


def _copy_durably(source: Path, target: Path) -> None:
    fresh = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, fresh)
    fresh.chmod(0o600)
    _sync(fresh)
    fresh.replace(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
