"""Is this installation sound? Each question has one answer, how it stands, and what to do if it
does not stand well."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from shared.clock import Clock, from_wire
from sync_server.db.base import Database
from sync_server.db.log import FEED
from sync_server.db.migrate import differences
from sync_server.services import leaps
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


Named = str | int | Sequence[str] | Mapping[str, int]


class State(IntEnum):
    """How an answer stands; the worst of all is the command's exit code."""

    GOOD = 0
    ATTENTION = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer, in words of the catalogues (`doctor.<word>`): what is `said`, part by part, and
    the `remedy`, for where it is not good. `values` are its figures, without names or paths;
    `named` is what the texts say beside them: a path, or other texts by key, some counted."""

    question: str
    state: State
    said: tuple[str, ...]
    remedy: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    named: Mapping[str, Named] = field(default_factory=dict)


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
        ("web_app.built" if built else "web_app.not_built",),
        "remedy.build_web",
    )
    yield from _asked(database, "backups", lambda connection: _backups(connection, settings, now))
    yield from _asked(database, "drill", lambda _: _drill(database, settings, now))
    yield from _asked(database, "feed", lambda connection: _feed(connection, thorough))
    yield from _asked(database, "audit log", lambda connection: _audit(connection, thorough))
    yield from _asked(database, "files", lambda connection: _files(connection, patient, thorough))
    for question, ask in _OF_ORGANISATIONS.items():
        yield from _asked(database, question, partial(_of_organisations, ask, now))


def no_keys(settings: Settings) -> Finding:
    """What there is to say where the key file is missing."""
    named = {"path": str(settings.keys_path)}
    return Finding("keys", State.BAD, ("keys.none",), "remedy.key_file", named=named)


def keys_fit(connection: Connection) -> bool:
    """Whether the key ring opens what the database holds, of whatever version; true for an empty
    one."""
    if not inspect(connection).has_table(FEED.name):
        return True
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
        named = {"kind": type(fault).__name__}
        yield Finding(question, State.BAD, ("any.failed",), "remedy.database_log", named=named)
    except ValueError:
        yield Finding(question, State.BAD, ("any.sealed",), "remedy.its_key_file")


def _all(connection: Connection, now: datetime) -> list[OrgVitals]:
    return [org_vitals(connection, org_id, now) for org_id in organisations(connection)]


def _of_organisations(ask: Judgement, now: datetime, connection: Connection) -> Finding:
    return ask(_all(connection, now), now)


# ── the machine ───────────────────────────────────────────────────────────────────────────


def _keys(settings: Settings, now: datetime) -> Finding:
    path = settings.keys_path
    if not path.is_file():
        return no_keys(settings)
    named = {"path": str(path)}
    age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
    values = {"days": max(0, age.days)}
    if readable_by_others(path):
        return Finding("keys", State.BAD, ("keys.open",), "remedy.chmod", values, named)
    return Finding("keys", State.GOOD, ("keys.kept",), "", values, named)


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
        ("database.sqlite",),
        "remedy.restart",
        {"dialect": "sqlite", "journal_bytes": held},
        {"megabytes": round(held / 1e6)},
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
        ("database.postgresql",),
        "remedy.connections",
        {"dialect": "postgresql", "connections": used, "allowed": most},
    )


def _migrated(connection: Connection) -> Finding:
    revision = MigrationContext.configure(connection).get_current_revision() or "none"
    lacking = len(differences(connection))
    return Finding(
        "migrations",
        State.BAD if lacking else State.GOOD,
        ("migrations.revision", "migrations.differences") if lacking else ("migrations.revision",),
        "remedy.migrate",
        {"revision": revision, "differences": lacking},
    )


def _keys_fit(connection: Connection) -> Finding:
    fit = keys_fit(connection)
    if fit:
        return Finding("keys fit", State.GOOD, ("keys_fit.yes",))
    return Finding("keys fit", State.BAD, ("keys_fit.no",), "remedy.its_key_file")


def _open_files() -> Finding:
    allowed = may_open()
    return Finding(
        "open files",
        State.GOOD if allowed >= NEEDED else State.ATTENTION,
        ("open_files.at_once",),
        "remedy.open_files",
        {"open_files": allowed},
        {"needed": NEEDED},
    )


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    state = State.ATTENTION if free >= _LEAST_BYTES else State.BAD
    return Finding(
        "disk",
        State.GOOD if free >= _ENOUGH_BYTES else state,
        ("disk.free",),
        "remedy.disk",
        {"free_bytes": free},
        {"gigabytes": f"{free / 1e9:.1f}"},
    )


def _clock(connection: Connection, now: datetime) -> Finding:
    lasts = [org.last_change_at for org in _all(connection, now) if org.last_change_at]
    latest = max([_BUILT, *(from_wire(last) for last in lasts)])
    late = now + _AHEAD < latest
    waits = [leaps.waits_until(connection, org.org_id, now) for org in _all(connection, now)]
    until = max((w for w in waits if w is not None), default=None)
    return Finding(
        "clock",
        State.BAD if late or until else State.GOOD,
        ("clock.shows", "clock.leapt") if until else ("clock.shows",),
        "remedy.clock_leapt" if until and not late else "remedy.clock",
        named={
            "time": f"{now:%Y-%m-%d %H:%M}",
            "until": f"{until:%Y-%m-%d %H:%M}" if until else "",
        },
    )


def _backups(connection: Connection, settings: Settings, now: datetime) -> Finding:
    unsafe = sum(org.last_seq - org.backed_up_to for org in _all(connection, now))
    reaches = any(org.backed_up_to for org in _all(connection, now))
    age = newest_age(settings.backup_dir, now) if settings.backup_dir else None
    minutes = None if age is None else int(age.total_seconds() // 60)
    values = {"minutes": minutes, "numbers_behind": unsafe, "configured": bool(settings.backup_dir)}
    if not unsafe:
        return Finding("backups", State.GOOD, ("backups.all",), "", values)
    if settings.backup_dir is None:
        state = State.GOOD if reaches else State.ATTENTION
        said = ("backups.by_hand" if reaches else "backups.none_taken", "backups.behind")
        return Finding("backups", state, said, "remedy.backup_dir", values)
    late = 0 if minutes is None else minutes / settings.backup_minutes
    if minutes is None or late > _BACKUP_TOO_OLD:
        state = State.BAD
    else:
        state = State.ATTENTION if late > _BACKUP_OLD else State.GOOD
    said = ("backups.none" if minutes is None else "backups.age", "backups.behind")
    return Finding("backups", state, said, "remedy.backups_fail", values)


def _drill(database: Database, settings: Settings, now: datetime) -> Finding:
    """A backup that was never restored is a hope."""
    last = last_drill(database)
    if last is None:
        state = State.ATTENTION if settings.backup_dir else State.GOOD
        return Finding("drill", state, ("drill.never",), "remedy.drill")
    days = (now - last.drilled_at).days
    values = {"days": days, "sound": last.sound, "rows": last.rows, "files": last.files}
    if not last.sound:
        named = {"problems": [f"backups.problem.{word}" for word in last.problems]}
        said = ("drill.wanting",)
        return Finding("drill", State.BAD, said, "remedy.drill_again", values, named)
    state = State.ATTENTION if now - last.drilled_at > _DRILL_OLD else State.GOOD
    return Finding("drill", state, ("drill.sound",), "remedy.drill", values)


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
    looked = "feed.all" if thorough else "feed.sample"
    if found.sound:
        return Finding("feed", State.GOOD, (looked, "feed.agree"), "", values)
    return Finding("feed", State.BAD, (looked, "feed.wrong"), "remedy.no_repair", values)


def _audit(connection: Connection, thorough: bool) -> Finding:
    """The chain of the server's own log: all of it, or its end."""
    newest = None if thorough else _AUDIT_SAMPLE
    found = [verify(connection, org, None, newest) for org in organisations(connection)]
    count, broken = sum(f.entries for f in found), sum(len(f.broken) for f in found)
    values = {"entries": count, "broken": broken, "whole": thorough}
    if broken:
        return Finding("audit log", State.BAD, ("audit_log.broken",), "remedy.audit_log", values)
    said = ("audit_log.all" if thorough else "audit_log.newest",)
    return Finding("audit log", State.GOOD, said, "", values)


def _files(connection: Connection, patient: Patient, thorough: bool) -> Finding:
    found = look_at_files(connection, patient.files, thorough=thorough)
    values = {
        "stored": found.stored,
        "looked_at": found.looked_at,
        "missing": found.missing,
        "lost": found.lost,
        "unclaimed": found.unclaimed,
    }
    if found.missing or found.lost:
        said = ("files.stored", "files.missing")
        return Finding("files", State.BAD, said, "remedy.files", values)
    if found.unclaimed:
        said = ("files.stored", "files.unclaimed")
        return Finding("files", State.ATTENTION, said, "remedy.unclaimed", values)
    return Finding("files", State.GOOD, ("files.stored",), "", values)


def _quarantine(orgs: list[OrgVitals], _now: datetime) -> Finding:
    count = sum(org.verdicts.get("quarantined", 0) for org in orgs)
    state = State.ATTENTION if count else State.GOOD
    said = ("quarantine.changes",)
    return Finding("quarantine", state, said, "remedy.quarantine", {"changes": count})


def _alarms(orgs: list[OrgVitals], _now: datetime) -> Finding:
    kinds: dict[str, int] = {}
    for org in orgs:
        for kind, count in org.alarms.items():
            kinds[kind] = kinds.get(kind, 0) + count
    recent = sum(org.recent_alarms for org in orgs)
    state = State.ATTENTION if recent else State.GOOD
    said = ("alarms.some" if kinds else "alarms.none",)
    named = {"kinds": {f"choice.alarm_kind.{kind}": kinds[kind] for kind in sorted(kinds)}}
    return Finding("alarms", state, said, "remedy.alarms", {"recent": recent}, named)


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
    said = ["devices.counted"]
    if late:
        said.append("devices.undropped")
    if missing:
        said.append("devices.missing")
    state = State.ATTENTION if late or missing else State.GOOD
    return Finding("devices", state, tuple(said), "remedy.phones", values)


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
    return Finding("contents", State.GOOD, ("contents.counted",), "", values)


_OF_ORGANISATIONS: dict[str, Judgement] = {
    "quarantine": _quarantine,
    "alarms": _alarms,
    "devices": _devices,
    "contents": _contents,
}
