"""Is this installation sound? Each question has one answer, how it stands, and what to do if it
does not stand well."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import Clock, from_wire
from sync_server.db.base import Database
from sync_server.db.log import FEED
from sync_server.db.migrate import differences
from sync_server.services.agreement import compare
from sync_server.services.audit_chain import verify
from sync_server.services.backup_drill import last_drill
from sync_server.services.backup_manifest import newest_age
from sync_server.services.file_store import FileStore
from sync_server.services.open_files import NEEDED, may_open
from sync_server.services.server_keys import readable_by_others
from sync_server.services.stored_files import look_at_files
from sync_server.services.vitals import OrgVitals, org_vitals, organisations
from sync_server.services.web_files import WebFiles
from sync_server.settings import SQLITE_FILE, Settings

_ENOUGH_BYTES, _LEAST_BYTES = 1_000_000_000, 200_000_000
_LARGE_WAL = 1_000_000_000
_AHEAD = timedelta(minutes=5)
_BUILT = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
"""No clock of a sound machine shows a time before this program was written."""
_BACKUP_OLD, _BACKUP_TOO_OLD = 3, 24  # times the interval that the settings ask for
_POOL_FULL, _POOL_TOO_FULL = 0.8, 0.95
_DROPS_LONG = timedelta(days=7)
_AUDIT_SAMPLE = 2000  # entries at the end of the audit log
_DRILL_OLD = timedelta(days=35)  # once a month, and a few days' grace


class State(IntEnum):
    """How an answer stands; the worst of all is the command's exit code."""

    GOOD = 0
    ATTENTION = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. `remedy` says what to do where it is not good; `values` are its figures, without
    names or paths."""

    question: str
    state: State
    answer: str
    remedy: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


Judgement = Callable[[list[OrgVitals], datetime], Finding]


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at."""

    settings: Settings
    database: Database
    clock: Clock
    web: WebFiles
    files: FileStore


def examine(patient: Patient, *, thorough: bool = False) -> Iterator[Finding]:
    """Every finding, the ones that others rest on first. Writes nothing. `thorough` compares every
    row of the feed, and looks at every file."""
    settings, database, now = patient.settings, patient.database, patient.clock.now()
    yield _keys(settings, now)
    yield from _asked(database, "database", lambda connection: _reached(connection, settings))
    yield from _asked(database, "migrations", _migrated)
    yield from _asked(database, "keys fit", _keys_fit)
    yield _disk(settings)
    yield _open_files()
    yield from _asked(database, "clock", lambda connection: _clock(connection, now))
    built = patient.web.built
    yield Finding(
        "web app",
        State.GOOD if built else State.ATTENTION,
        "built" if built else "not built",
        "Run `huifang build-web`.",
    )
    yield from _asked(database, "backups", lambda connection: _backups(connection, settings, now))
    yield from _asked(database, "drill", lambda _: _drill(database, settings, now))
    yield from _asked(database, "feed", lambda connection: _feed(connection, thorough))
    yield from _asked(database, "audit log", lambda connection: _audit(connection, thorough))
    yield from _asked(database, "files", lambda connection: _files(connection, patient, thorough))
    for question, ask in _OF_ORGANISATIONS.items():
        yield from _asked(database, question, partial(_of_organisations, ask, now))


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
        kind = type(fault).__name__
        yield Finding(question, State.BAD, kind, "Look at the database's own log.")
    except ValueError:
        remedy = "Bring back the key file that belongs to this database."
        yield Finding(question, State.BAD, "a sealed value does not open", remedy)


def _all(connection: Connection, now: datetime) -> list[OrgVitals]:
    return [org_vitals(connection, org_id, now) for org_id in organisations(connection)]


def _of_organisations(ask: Judgement, now: datetime, connection: Connection) -> Finding:
    return ask(_all(connection, now), now)


# ── the machine ───────────────────────────────────────────────────────────────────────────


def _keys(settings: Settings, now: datetime) -> Finding:
    path = settings.keys_path
    if not path.is_file():
        remedy = "Bring the key file back from the backup."
        return Finding("keys", State.BAD, "no key file", remedy)
    age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
    values = {"days": max(0, age.days)}
    if readable_by_others(path):
        told = f"{path} is readable by others"
        return Finding("keys", State.BAD, told, f"chmod 600 {path}", values)
    return Finding("keys", State.GOOD, f"{path}, changed {values['days']} days ago", "", values)


def _reached(connection: Connection, settings: Settings) -> Finding:
    connection.execute(select(1))
    if connection.dialect.name == "postgresql":
        return _pool(connection)
    wal = settings.data_dir / f"{SQLITE_FILE}-wal"
    held = wal.stat().st_size if settings.database is None and wal.exists() else 0
    large = held > _LARGE_WAL
    return Finding(
        "database",
        State.ATTENTION if large else State.GOOD,
        f"sqlite, {held / 1e6:.0f} MB in its journal",
        "Something holds a reading transaction open: restart the server.",
        {"dialect": "sqlite", "journal_bytes": held},
    )


def _pool(connection: Connection) -> Finding:
    """Connections of all processes together against what the database allows."""
    used, most = connection.execute(
        text("SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
             " current_setting('max_connections')::int")
    ).one()  # fmt: skip
    share = used / most
    state = State.BAD if share > _POOL_TOO_FULL else State.ATTENTION
    return Finding(
        "database",
        State.GOOD if share <= _POOL_FULL else state,
        f"postgresql, {used} of {most} connections",
        "Lower the servers' pools, or allow the database more connections.",
        {"dialect": "postgresql", "connections": used, "allowed": most},
    )


def _migrated(connection: Connection) -> Finding:
    revision = MigrationContext.configure(connection).get_current_revision() or "none"
    lacking = len(differences(connection))
    answer = f"revision {revision}" + (f", {lacking} differences" if lacking else "")
    return Finding(
        "migrations",
        State.BAD if lacking else State.GOOD,
        answer,
        "Start the server once: it migrates.",
        {"revision": revision, "differences": lacking},
    )


def _keys_fit(connection: Connection) -> Finding:
    fit = keys_fit(connection)
    answer = "they open what is stored" if fit else "they do not open what is stored"
    remedy = "Bring back the key file that belongs to this database."
    return Finding("keys fit", State.GOOD if fit else State.BAD, answer, remedy)


def _open_files() -> Finding:
    allowed = may_open()
    return Finding(
        "open files",
        State.GOOD if allowed >= NEEDED else State.ATTENTION,
        f"{allowed:,} at once",
        f"ulimit -n {NEEDED}, or more: one for each phone that listens.",
        {"open_files": allowed},
    )


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    state = State.ATTENTION if free >= _LEAST_BYTES else State.BAD
    return Finding(
        "disk",
        State.GOOD if free >= _ENOUGH_BYTES else state,
        f"{free / 1e9:.1f} GB free",
        "Free some space: 1 GB at the least.",
        {"free_bytes": free},
    )


def _clock(connection: Connection, now: datetime) -> Finding:
    lasts = [org.last_change_at for org in _all(connection, now) if org.last_change_at]
    latest = max([_BUILT, *(from_wire(last) for last in lasts)])
    return Finding(
        "clock",
        State.GOOD if now + _AHEAD >= latest else State.BAD,
        f"{now:%Y-%m-%d %H:%M} UTC",
        "Set the clock: changes came from a later time.",
    )


def _backups(connection: Connection, settings: Settings, now: datetime) -> Finding:
    unsafe = sum(org.last_seq - org.backed_up_to for org in _all(connection, now))
    reaches = any(org.backed_up_to for org in _all(connection, now))
    age = newest_age(settings.backup_dir, now) if settings.backup_dir else None
    minutes = None if age is None else int(age.total_seconds() // 60)
    values = {"minutes": minutes, "numbers_behind": unsafe, "configured": bool(settings.backup_dir)}
    due = f"{unsafe} numbers not in it"
    if not unsafe:
        return Finding("backups", State.GOOD, "everything is backed up", "", values)
    if settings.backup_dir is None:
        state = State.GOOD if reaches else State.ATTENTION
        told = "taken by hand" if reaches else "none taken"
        remedy = "Set HUIFANG_BACKUP_DIR, or run `huifang backup` regularly."
        return Finding("backups", state, f"{told}, {due}", remedy, values)
    late = 0 if minutes is None else minutes / settings.backup_minutes
    remedy = "Look at the server's log: backups fail, or the server does not run."
    if minutes is None or late > _BACKUP_TOO_OLD:
        state = State.BAD
    else:
        state = State.ATTENTION if late > _BACKUP_OLD else State.GOOD
    told = "none" if minutes is None else f"{minutes} minutes old"
    return Finding("backups", state, f"{told}, {due}", remedy, values)


def _drill(database: Database, settings: Settings, now: datetime) -> Finding:
    """A backup that was never restored is a hope."""
    last = last_drill(database)
    remedy = "Run `huifang backup --drill`."
    if last is None:
        state = State.ATTENTION if settings.backup_dir else State.GOOD
        return Finding("drill", state, "no backup was ever restored to look", remedy)
    days = (now - last.drilled_at).days
    values = {"days": days, "sound": last.sound, "rows": last.rows, "files": last.files}
    if not last.sound:
        told = f"{days} days ago the newest backup was found wanting: {', '.join(last.problems)}"
        return Finding("drill", State.BAD, told, "Take a backup, and drill again.", values)
    state = State.ATTENTION if now - last.drilled_at > _DRILL_OLD else State.GOOD
    return Finding("drill", state, f"restored and found whole {days} days ago", remedy, values)


# ── what lies in the database ─────────────────────────────────────────────────────────────


def _feed(connection: Connection, thorough: bool) -> Finding:
    found = compare(connection, organisations(connection), thorough=thorough)
    values = {
        "buckets": found.buckets,
        "rows": found.rows,
        "whole": found.whole,
        "heads": found.heads,
        "digests": found.digests,
        "bodies": found.bodies,
    }
    extent = "all" if thorough else "a sample"
    answer = f"{extent}: {found.buckets} buckets and {found.rows} rows"
    if found.sound:
        return Finding("feed", State.GOOD, f"{answer} agree", "", values)
    wrong = f"{found.heads} heads, {found.digests} digests and {found.bodies} bodies wrong"
    remedy = "Take a backup, send the support bundle, and do not repair by hand."
    return Finding("feed", State.BAD, f"{answer}; {wrong}", remedy, values)


def _audit(connection: Connection, thorough: bool) -> Finding:
    """The chain of the server's own log: all of it, or its end."""
    newest = None if thorough else _AUDIT_SAMPLE
    found = [verify(connection, org, None, newest) for org in organisations(connection)]
    count, broken = sum(f.entries for f in found), sum(len(f.broken) for f in found)
    values = {"entries": count, "broken": broken, "whole": thorough}
    if broken:
        told = f"{broken} places of the chain do not hold"
        remedy = "Run `huifang audit verify`; bring the database back from a backup that holds."
        return Finding("audit log", State.BAD, told, remedy, values)
    extent = "all" if thorough else "the newest"
    return Finding("audit log", State.GOOD, f"{extent} {count} entries hold", "", values)


def _files(connection: Connection, patient: Patient, thorough: bool) -> Finding:
    found = look_at_files(connection, patient.files, thorough=thorough)
    values = {
        "stored": found.stored,
        "looked_at": found.looked_at,
        "missing": found.missing,
        "lost": found.lost,
        "unclaimed": found.unclaimed,
    }
    answer = f"{found.stored} stored"
    if found.missing or found.lost:
        told = f"{answer}, {found.missing} not on the disk, {found.lost} records without bytes"
        remedy = "Bring the files folder back from the backup."
        return Finding("files", State.BAD, told, remedy, values)
    if found.unclaimed:
        told = f"{answer}, {found.unclaimed} without a record"
        remedy = "Records may still come (a phone sends files and changes apart). Look in a day."
        return Finding("files", State.ATTENTION, told, remedy, values)
    return Finding("files", State.GOOD, answer, "", values)


def _quarantine(orgs: list[OrgVitals], _now: datetime) -> Finding:
    count = sum(org.verdicts.get("quarantined", 0) for org in orgs)
    state = State.ATTENTION if count else State.GOOD
    remedy = "A manager decides them in the app."
    return Finding("quarantine", state, f"{count} changes", remedy, {"changes": count})


def _alarms(orgs: list[OrgVitals], _now: datetime) -> Finding:
    kinds: dict[str, int] = {}
    for org in orgs:
        for kind, count in org.alarms.items():
            kinds[kind] = kinds.get(kind, 0) + count
    recent = sum(org.recent_alarms for org in orgs)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
    state = State.ATTENTION if recent else State.GOOD
    remedy = f"{recent} in the last days: ask whose device it is (`huifang device list`)."
    return Finding("alarms", state, told, remedy, {"recent": recent})


def _devices(orgs: list[OrgVitals], now: datetime) -> Finding:
    devices = [device for org in orgs for device in org.devices]
    waiting = sum(org.waiting_devices for org in orgs)
    missing = sum(device.missing > 0 for device in devices)
    late = [
        device
        for device in devices
        if device.drops_since and now - from_wire(device.drops_since) > _DROPS_LONG
    ]
    values = {
        "devices": len(devices), "waiting": waiting, "missing": missing, "undropped": len(late)
    }  # fmt: skip
    told = [f"{len(devices)} devices", f"{waiting} waiting for approval"]
    if late:
        told.append(f"{len(late)} have not confirmed for a week that they dropped what ended")
    if missing:
        told.append(f"{missing} skipped numbers of their own")
    state = State.ATTENTION if late or missing else State.GOOD
    remedy = "Find these phones and have them sync (`huifang holders` says what they hold)."
    return Finding("devices", state, ", ".join(told), remedy, values)


def _contents(orgs: list[OrgVitals], _now: datetime) -> Finding:
    values = {
        "organisations": len(orgs),
        "accounts": sum(org.accounts for org in orgs),
        "customers": sum(org.records["customer"] for org in orgs),
        "cases": sum(org.records["case"] for org in orgs),
        "feed rows": sum(org.feed_rows for org in orgs),
        "changes received": sum(sum(org.verdicts.values()) for org in orgs),
        "open conflicts": sum(org.conflicts for org in orgs),
        "unfinished uploads": sum(org.uploads for org in orgs),
    }
    told = ", ".join(f"{number} {name}" for name, number in values.items())
    return Finding("contents", State.GOOD, told, "", values)


_OF_ORGANISATIONS: dict[str, Judgement] = {
    "quarantine": _quarantine,
    "alarms": _alarms,
    "devices": _devices,
    "contents": _contents,
}
