"""The drill: a backup counts for nothing until it has been restored.

The newest whole backup is put into a scratch folder (on PostgreSQL into a scratch database), as on
another machine, and asked: is it what its manifest says, is the database sound, does every sealed
value and every file open with the keys at hand, do feed and tables agree, does each file have the
hash that names it? The running server is not touched; the result is put on record.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import from_wire, to_wire
from shared.errors import Refusal
from shared.ids import new_id
from sync_server.db.accounts import STORED_FILE
from sync_server.db.base import Database
from sync_server.db.keeping import BACKUP_DRILL
from sync_server.db.migrate import upgrade
from sync_server.services import audit
from sync_server.services.agreement import compare
from sync_server.services.audit import Action
from sync_server.services.backup_manifest import Manifest, count, newest_whole, sha256_of
from sync_server.services.backups import check_sqlite
from sync_server.services.file_store import FileStore
from sync_server.services.postgres_copies import scratch_database
from sync_server.services.rekeying import open_all

PROBLEMS = ("checksum", "damaged", "counts", "keys", "feed", "files")
"""What a drill may find: other bytes than when it was taken; a database that is not sound or can't
be restored; other rows; values that no key opens; a feed that its tables don't bear out; files that
are missing, don't open or are not what their name says."""
_SCRATCH = "huifang-drill-"


@dataclass(slots=True)
class Drill:
    """What one drill found. `rows` of all tables, sealed values and files that were looked at."""

    backup: str
    taken_at: datetime
    drilled_at: datetime
    seconds: float = 0.0
    rows: int = 0
    values_opened: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.problems


def drill(
    database: Database, folder: Path, scratch_under: Path, now: datetime, *, via: str = "command"
) -> Drill:
    """Restore the newest whole backup of `folder` below `scratch_under`, look at all of it, and put
    the result on record. Refuses FILE_UNREADABLE where there is none.

    Needs as much room as the database; nothing is left behind. A scratch folder that an earlier
    drill left when it was killed is removed. `via` tells the audit log who asked.
    """
    for left in scratch_under.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    manifest = newest_whole(folder)
    began = time.monotonic()
    found = Drill(manifest.name, manifest.taken_at, now)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=scratch_under) as scratch:
        _look(found, manifest, database, folder, Path(scratch))
    found.seconds = time.monotonic() - began
    _record(database, found, via)
    return found


def last_drill(database: Database) -> Drill | None:
    """The last drill that is on record."""
    return next(iter(drills(database, 1)), None)


def drills(database: Database, most: int) -> list[Drill]:
    """The drills that are on record, the latest first."""
    latest = select(BACKUP_DRILL).order_by(BACKUP_DRILL.c.drilled_at.desc()).limit(most)
    with database.read() as connection:
        rows = connection.execute(latest).all()
    return [
        Drill(
            backup=row.backup,
            taken_at=from_wire(row.taken_at),
            drilled_at=from_wire(row.drilled_at),
            seconds=row.seconds,
            rows=row.rows,
            values_opened=row.values_opened,
            files=row.files,
            problems=list(row.problems),
        )
        for row in rows
    ]


def _look(
    found: Drill, manifest: Manifest, database: Database, folder: Path, scratch: Path
) -> None:
    copy = folder / manifest.database
    if sha256_of(copy) != manifest.sha256:
        found.problems.append("checksum")
    try:
        with _restored(database, copy, scratch) as there:
            _look_at_rows(found, manifest, there)
            _look_at_files(found, there, FileStore(folder / "files", database.ring))
    except (Refusal, SQLAlchemyError):
        found.problems.append("damaged")


@contextmanager
def _restored(database: Database, copy: Path, scratch: Path) -> Iterator[Database]:
    if copy.suffix == ".dump":
        with scratch_database(make_url(database.engine.url), copy) as url:
            yield from _opened(url.render_as_string(hide_password=False), database)
        return
    target = scratch / "huifang.sqlite3"
    shutil.copyfile(copy, target)
    check_sqlite(target, "integrity_check")
    yield from _opened(f"sqlite:///{target}", database)


def _opened(url: str, like: Database) -> Iterator[Database]:
    there = Database(url, like.ring, durable=False)
    try:
        yield there
    finally:
        there.close()


def _look_at_rows(found: Drill, manifest: Manifest, there: Database) -> None:
    with there.read() as connection:
        census = count(connection)
    found.rows = sum(census.tables.values())
    if census != manifest.census:
        found.problems.append("counts")
    # An older backup is read by today's program, as it would be in earnest.
    upgrade(there.engine)
    opened = open_all(there)
    found.values_opened = opened.opened
    if opened.unreadable:
        found.problems.append("keys")
        return  # nothing further can be read
    with there.read() as connection:
        agreement = compare(connection, census.organisations, thorough=True)
    if not agreement.sound:
        found.problems.append("feed")


def _look_at_files(found: Drill, there: Database, files: FileStore) -> None:
    with there.read() as connection:
        names = connection.execute(select(STORED_FILE.c.org_id, STORED_FILE.c.sha256)).all()
    for org_id, sha256 in names:
        found.files += 1
        if not _is_what_it_says(files, org_id, sha256):
            found.problems.append("files")
            return


def _is_what_it_says(files: FileStore, org_id: str, sha256: str) -> bool:
    digest = hashlib.sha256()
    try:
        whole = files.open(org_id, sha256)
        if whole is None:
            return False
        for piece in whole.pieces:
            digest.update(piece)
    except ValueError:
        return False
    return digest.hexdigest() == sha256


def _record(database: Database, found: Drill, via: str) -> None:
    who = audit.Actor(org_id=audit.NOBODYS, via=via)
    with database.write() as connection:
        result = "done" if found.sound else "failed"
        audit.note(
            connection, who, Action.BACKUP_DRILLED, now=found.drilled_at, result=result,
            subject=("backup", found.backup),
        )  # fmt: skip
        connection.execute(
            insert(BACKUP_DRILL).values(
                id=new_id(),
                backup=found.backup,
                taken_at=to_wire(found.taken_at),
                drilled_at=to_wire(found.drilled_at),
                seconds=round(found.seconds, 3),
                rows=found.rows,
                values_opened=found.values_opened,
                files=found.files,
                sound=found.sound,
                problems=found.problems,
            )
        )
