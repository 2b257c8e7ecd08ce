"""What says that a backup is whole, and what must be in it.

The manifest is the last file of a backup to be written: a copy of the database beside which none
stands was cut short, and is nobody's backup. It names no customer: counts, numbers and checksums.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, inspect, select, table

from shared.clock import from_wire
from shared.errors import Code, Refusal
from shared.rows import DIGEST_MASK
from sync_server.db.log import BUCKET_HEAD, ORG_STATE

_VERSION = 1
_NAME = "huifang-%Y%m%dT%H%M%S%fZ"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class OrgMark:
    """How one organisation stood: its epoch and last number, and how many rows its buckets hold
    with the sum of their digests (`shared.rows`)."""

    epoch: str
    last_seq: int
    rows: int
    digest: int


@dataclass(frozen=True, slots=True)
class Census:
    """What a database holds at one moment: rows by table, and each organisation's marks."""

    tables: dict[str, int]
    organisations: dict[str, OrgMark]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One whole backup. `database` is the name of the copy beside it, `sha256` (hex) that of its
    bytes; `files` counts the photos and documents that the backup's folder held. `gone` names those
    of them that the server has no more, with the first backup that missed them. `at` is what the
    clock said (empty: as the name has it), which a name is at times ahead of (`name_behind`)."""

    name: str
    database: str
    bytes: int
    sha256: str
    files: int
    gone: dict[str, str]
    census: Census
    at: str = ""

    @property
    def taken_at(self) -> datetime:
        return from_wire(self.at) if self.at else _time_in(self.name)


def name_behind(before: Sequence[Manifest], now: datetime) -> str:
    """What a backup taken now is called. Names sort in the order in which backups were taken, also
    where the clock was set back: the last is the one that is restored, and the first are let go."""
    behind = (_time_in(one.name) + timedelta(microseconds=1) for one in before)
    return max([now, *behind]).astimezone(UTC).strftime(_NAME)


def _time_in(name: str) -> datetime:
    return datetime.strptime(name, _NAME).replace(tzinfo=UTC)


def count(connection: Connection) -> Census:
    """Counts every table and sums the feed's heads. To be called within one snapshot."""
    names = sorted(inspect(connection).get_table_names())
    tables = {
        name: int(connection.execute(select(func.count()).select_from(table(name))).scalar_one())
        for name in names
    }
    heads = {
        row.org_id: (int(row.rows or 0), int(row.total or 0) & DIGEST_MASK)
        for row in connection.execute(
            select(
                BUCKET_HEAD.c.org_id,
                func.sum(BUCKET_HEAD.c.row_count).label("rows"),
                func.sum(BUCKET_HEAD.c.digest).label("total"),
            ).group_by(BUCKET_HEAD.c.org_id)
        )
    }
    state = ORG_STATE.c
    found = connection.execute(select(state.org_id, state.epoch, state.last_seq))
    marks = {
        row.org_id: OrgMark(row.epoch, row.last_seq, *heads.get(row.org_id, (0, 0)))
        for row in found
    }
    return Census(tables, marks)


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Makes the backup whole: durable and in one step."""
    path = folder / f"{manifest.name}.json"
    fresh = folder / f"{manifest.name}.json.new"
    told = {"version": _VERSION, **asdict(manifest)}
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(told, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(0o600)
    fresh.replace(path)
    sync_folder(folder)
    return path


def read_manifest(path: Path) -> Manifest:
    """Refuses FILE_UNREADABLE for what is no manifest of this version."""
    try:
        told = json.loads(path.read_text("utf-8"))
        if told.pop("version") != _VERSION:
            raise ValueError("another version")
        return Manifest(**{**told, "census": _census(told["census"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as bad:
        raise Refusal(Code.FILE_UNREADABLE, file=str(path), wanted="a backup's manifest") from bad


def whole_backups(folder: Path) -> list[Manifest]:
    """The whole backups of a folder, the oldest first. What was cut short is passed over."""
    found = []
    for path in sorted(folder.glob("huifang-*Z.json")):
        try:
            manifest = read_manifest(path)
        except Refusal:
            continue
        copy = folder / manifest.database
        if copy.is_file() and copy.stat().st_size == manifest.bytes:
            found.append(manifest)
    return found


def newest_whole(folder: Path) -> Manifest:
    """The newest whole backup; refuses FILE_UNREADABLE where there is none."""
    found = whole_backups(folder)
    if not found:
        raise Refusal(Code.FILE_UNREADABLE, file=str(folder), wanted="a whole backup")
    return found[-1]


def newest_age(folder: Path, now: datetime) -> timedelta | None:
    """How old the newest whole backup in `folder` is, or None. One from the future, as the clock
    was set back since, is as old as it is ahead: another one is due."""
    found = whole_backups(folder)
    return abs(now - found[-1].taken_at) if found else None


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """What was renamed in `folder` is so after a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _census(told: dict[str, Any]) -> Census:
    marks = {org: OrgMark(**mark) for org, mark in told["organisations"].items()}
    return Census(dict(told["tables"]), marks)
