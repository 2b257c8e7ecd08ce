"""Backups, and the promise that hangs on them: a device forgets what it sent only once a backup
holds it (L1).

A backup is a folder: the database as of one moment, every whole file, and, written last, a
manifest that says that the copy is whole and what is in it. Whatever is cut short before leaves
the older backups as they were, and no device forgets anything. The key file is not in it: it
belongs somewhere else, as the two together open everything.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, make_url, select, text

from shared.clock import to_wire
from shared.errors import Code, Refusal
from sync_server.db.base import Database
from sync_server.db.log import ORG_STATE
from sync_server.services import audit
from sync_server.services.audit import Action
from sync_server.services.backup_manifest import (
    Census,
    Manifest,
    count,
    name_behind,
    newest_whole,
    read_manifest,
    sha256_of,
    sync_folder,
    whole_backups,
    write_manifest,
)
from sync_server.services.epochs import backed_up, begin_epoch
from sync_server.services.postgres_copies import dump

KEPT = 10


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
    FILE_UNREADABLE where there is none). Of the whole copies the last ten stay. Refuses SERVER_BUSY
    while another process backs up to the same folder. `via` tells the audit log whether somebody
    asked for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        for cut_short in folder.glob("huifang-*.new"):
            cut_short.unlink()
        before = whole_backups(folder)
        name = name_behind(before, now)
        if database.is_postgres:
            path, census = _dump(database, folder / f"{name}.dump")
        else:
            path, census = _copy_sqlite(database, folder / f"{name}.sqlite3")
        # Files after the database: what it knows as stored was on the disk before it knew.
        copied = _copy_files(files, folder / "files")
        held = _names(folder / "files")
        missed = before[-1].gone if before else {}
        manifest = Manifest(
            name=name,
            database=path.name,
            bytes=path.stat().st_size,
            sha256=sha256_of(path),
            files=len(held),
            gone={gone: missed.get(gone, name) for gone in sorted(held - _names(files))},
            census=census,
            at=to_wire(now),
        )
        write_manifest(folder, manifest)
        # From here on the backup is whole: only now may anyone rely on it.
        for org_id, mark in census.organisations.items():
            backed_up(database, org_id, mark.last_seq)
            who = audit.Actor(org_id=org_id, via=via)
            with database.write() as connection:
                audit.note(connection, who, Action.BACKED_UP, now=now, up_to=mark.last_seq)
        _let_go(folder, manifest)
    return Backup(path, copied)


def behind(database: Database) -> bool:
    """Whether something was written that no backup holds."""
    query = select(ORG_STATE.c.org_id).where(ORG_STATE.c.last_seq > ORG_STATE.c.backed_up_to)
    with database.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def restore_sqlite(copy: Path, target: Path, files: Path) -> None:
    """Put a backup in the place of a database that is not there (any more), with its files.

    `copy` is a backup's database, or a folder, whose newest whole backup is taken. Refuses
    RECORD_EXISTS rather than overwrite a database, and FILE_UNREADABLE for what is no whole backup:
    one that differs from its manifest, or is damaged. (Backups taken before November 2026 have no
    manifest: they are named by their file.) A new epoch (`restored`) belongs to it, and whoever was
    erased since; until both are done, before any device comes, `cut_short` names the folder.
    """
    if target.exists():
        raise Refusal(Code.RECORD_EXISTS, file=str(target))
    if copy.is_dir():
        copy = copy / newest_whole(copy).database
    if (said := copy.with_suffix(".json")).exists():
        if read_manifest(said).sha256 != sha256_of(copy):
            raise Refusal(Code.FILE_UNREADABLE, file=str(copy), wanted="a whole backup")
    check_sqlite(copy)
    target.parent.mkdir(parents=True, exist_ok=True)
    restore_files(copy.parent, files)
    mark = _restoring(target)
    mark.write_text(str(copy.parent.absolute()), "utf-8")
    _sync(mark)
    _copy_durably(copy, target)
    sync_folder(target.parent)


def cut_short(target: Path) -> Path | None:
    """The folder that a database was brought back from by a restore that is not done yet."""
    mark = _restoring(target)
    return Path(mark.read_text("utf-8")) if mark.exists() else None


def all_restored(target: Path) -> None:
    """Everything that belongs to the restore is done. Harmless twice."""
    _restoring(target).unlink(missing_ok=True)
    sync_folder(target.parent)


def _restoring(target: Path) -> Path:
    return target.with_name(f"{target.name}.restoring")


def restore_files(folder: Path, files: Path) -> None:
    """Every file of a backup's folder that is not in `files`. Harmless twice."""
    _copy_files(folder / "files", files)


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


def check_sqlite(path: Path, pragma: str = "quick_check") -> None:
    """Refuses FILE_UNREADABLE for a damaged database, or one that is none of ours."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
            sound = copy.execute(f"PRAGMA {pragma}").fetchone() == ("ok",)
            copy.execute("SELECT last_seq FROM org_state").fetchall()
    except sqlite3.Error:
        sound = False
    if not sound:
        raise Refusal(Code.FILE_UNREADABLE, file=str(path), wanted="a whole backup")


def census_of_sqlite(path: Path) -> Census:
    """What a copy holds, read without touching it."""
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    try:
        with engine.begin() as connection:
            return count(connection)
    finally:
        engine.dispose()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup into a folder at a time; a process that was killed holds no lock."""
    descriptor = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(Code.SERVER_BUSY, reason="another backup is being taken") from None
        yield
    finally:
        os.close(descriptor)


def _copy_sqlite(database: Database, path: Path) -> tuple[Path, Census]:
    fresh = path.with_name(f"{path.name}.new")
    source = database.engine.raw_connection()
    try:
        live = source.driver_connection
        assert isinstance(live, sqlite3.Connection)  # the dialect says so
        with closing(sqlite3.connect(fresh)) as target:
            live.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    finally:
        source.close()
    check_sqlite(fresh)
    census = census_of_sqlite(fresh)
    _in_place(fresh, path)
    return path, census


def _dump(database: Database, path: Path) -> tuple[Path, Census]:
    """The dump and the census see the same snapshot."""
    fresh = path.with_name(f"{path.name}.new")
    with database.read() as connection:
        census = count(connection)
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        dump(make_url(database.engine.url), snapshot, fresh)
    _in_place(fresh, path)
    return path, census


def _in_place(fresh: Path, path: Path) -> None:
    _sync(fresh)
    fresh.chmod(0o600)
    fresh.replace(path)
    sync_folder(path.parent)


def _let_go(folder: Path, newest: Manifest) -> None:
    """Removes backups beyond the last ten, what was cut short among them, and files that none of
    the ten knows: what the server erased leaves its backups, too."""
    oldest = whole_backups(folder)[-KEPT:][0].name
    for path in folder.glob("huifang-*Z.*"):
        if path.stem < oldest:
            path.unlink()
    for gone, since in newest.gone.items():
        if since <= oldest:
            (folder / "files" / gone).unlink(missing_ok=True)


def _whole_files(source: Path) -> Iterator[Path]:
    return (path for path in source.glob("*/??/*") if not path.name.startswith("."))


def _names(source: Path) -> set[str]:
    return {path.relative_to(source).as_posix() for path in _whole_files(source)}


def _copy_files(source: Path, target: Path) -> int:
    """Every whole file that is not in `target` yet, durable when this returns. They are named by
    their content: none ever changes."""
    copied, touched = 0, set()
    for path in sorted(_whole_files(source)):
        there = target / path.relative_to(source)
        if there.exists():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        _copy_durably(path, there)
        touched |= {there.parent, there.parent.parent, target, target.parent}
        copied += 1
    for folder in touched:
        sync_folder(folder)
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
