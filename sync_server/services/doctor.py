"""Is this installation sound? Each question has one answer and, if it is bad, what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from alembic.migration import MigrationContext
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import Clock, from_wire
from sync_server.db.accounts import ACCOUNT, DEVICE, UPLOAD
from sync_server.db.base import Database
from sync_server.db.log import ALARM, CHANGE_LOG, FEED, ORG_STATE
from sync_server.db.migrate import differences
from sync_server.db.records import RECORDS
from sync_server.services.server_keys import readable_by_others
from sync_server.services.web_files import WebFiles
from sync_server.settings import Settings

_ENOUGH_BYTES = 1_000_000_000
_AHEAD = timedelta(minutes=5)
_BUILT = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
"""No clock of a sound machine shows a time before this program was written."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. `remedy` says what to do where `sound` is false."""

    question: str
    sound: bool
    answer: str
    remedy: str = ""


def examine(
    settings: Settings, database: Database, clock: Clock, web: WebFiles
) -> Iterator[Finding]:
    """Every finding, the ones that others rest on first. Writes nothing."""
    yield _keys(settings)
    yield from _asked(database, "database", _reached)
    yield from _asked(database, "migrations", _migrated)
    yield from _asked(database, "keys fit", _keys_fit)
    yield _disk(settings)
    yield from _asked(database, "clock", lambda connection: _clock(connection, clock))
    yield Finding(
        "web app",
        web.built,
        "built" if web.built else "not built",
        "Run `huifang build-web`.",
    )
    yield from _asked(database, "contents", _counts)


def keys_fit(connection: Connection) -> bool:
    """Whether the key ring opens what the database holds; true for an empty one."""
    newest = select(FEED.c.body).where(FEED.c.body.is_not(None)).limit(1)
    try:
        connection.execute(newest).first()
    except ValueError:
        return False
    return True


def _asked(
    database: Database, question: str, ask: Callable[[Connection], Finding]
) -> Iterator[Finding]:
    try:
        with database.read() as connection:
            yield ask(connection)
    except SQLAlchemyError as fault:
        yield Finding(question, False, type(fault).__name__, "Look at the database's own log.")


def _keys(settings: Settings) -> Finding:
    path = settings.keys_path
    if not path.is_file():
        return Finding("keys", False, "no key file", "Bring the key file back from the backup.")
    if readable_by_others(path):
        return Finding("keys", False, f"{path} is readable by others", f"chmod 600 {path}")
    return Finding("keys", True, str(path))


def _reached(connection: Connection) -> Finding:
    connection.execute(select(1))
    return Finding("database", True, connection.dialect.name)


def _migrated(connection: Connection) -> Finding:
    revision = MigrationContext.configure(connection).get_current_revision() or "none"
    lacking = len(differences(connection))
    answer = f"revision {revision}" + (f", {lacking} differences" if lacking else "")
    return Finding("migrations", not lacking, answer, "Start the server once: it migrates.")


def _keys_fit(connection: Connection) -> Finding:
    fit = keys_fit(connection)
    answer = "they open what is stored" if fit else "they do not open what is stored"
    return Finding(
        "keys fit", fit, answer, "Bring back the key file that belongs to this database."
    )


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else ".").free
    answer = f"{free / 1e9:.1f} GB free"
    return Finding("disk", free >= _ENOUGH_BYTES, answer, "Free some space: 1 GB at the least.")


def _clock(connection: Connection, clock: Clock) -> Finding:
    now = clock.now()
    last = connection.execute(select(func.max(CHANGE_LOG.c.received_at))).scalar()
    latest = max(_BUILT, from_wire(last)) if isinstance(last, str) else _BUILT
    sound = now + _AHEAD >= latest
    answer = f"{now:%Y-%m-%d %H:%M} UTC"
    return Finding("clock", sound, answer, "Set the clock: changes came from a later time.")


def _counts(connection: Connection) -> Finding:
    def count(table: Table, *where: object) -> int:
        query = select(func.count()).select_from(table)
        for condition in where:
            query = query.where(condition)  # type: ignore[arg-type]  # conditions of this module
        return int(connection.execute(query).scalar_one())

    parts = {
        "organisations": count(ORG_STATE),
        "accounts": count(ACCOUNT),
        "devices": count(DEVICE),
        "waiting for approval": count(DEVICE, DEVICE.c.state == "pending"),
        "customers": count(RECORDS["customer"]),
        "cases": count(RECORDS["case"]),
        "changes received": count(CHANGE_LOG),
        "in quarantine": count(CHANGE_LOG, CHANGE_LOG.c.verdict == "quarantined"),
        "alarms": count(ALARM),
        "unfinished uploads": count(UPLOAD),
    }
    return Finding("contents", True, ", ".join(f"{n} {name}" for name, n in parts.items()))
