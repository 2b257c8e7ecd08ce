"""How an organisation fares, in counts, times, sizes and codes: what the doctor judges and the
support bundle tells. No content of any record is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, func, select, true

from shared.clock import from_wire, to_wire
from sync_server.db.accounts import ACCOUNT, DEVICE, REFRESH_TOKEN, STORED_FILE, UPLOAD
from sync_server.db.log import (
    ALARM,
    BUCKET_HEAD,
    CHANGE_LOG,
    DEVICE_GRANT,
    FEED,
    HISTORY,
    ORG_STATE,
)
from sync_server.db.records import RECORDS

RECENTLY = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceVitals:
    """One device as the server knows it. `heard_at`: its last renewal or change; `missing`: numbers
    of its own that never came; `drops`: ended grants that it has not confirmed, the oldest since
    `drops_since`."""

    id: str
    staff_id: str
    state: str
    platform: str
    app_version: str
    enrolled_at: str
    signed_in_at: str | None
    heard_at: str | None
    changed_at: str | None
    changes: int
    last_number: int
    missing: int
    drops: int
    drops_since: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgVitals:
    """One organisation at one moment."""

    org_id: str
    epoch: str
    last_seq: int
    backed_up_to: int
    accounts: int
    inactive: int
    records: Mapping[str, int]
    buckets: Mapping[str, int]
    feed_rows: int
    history_rows: int
    verdicts: Mapping[str, int]
    codes: Mapping[str, int]
    quarantined_since: str | None
    last_change_at: str | None
    alarms: Mapping[str, int]
    recent_alarms: int
    last_alarm_at: str | None
    conflicts: int
    detail_requests: int
    uploads: int
    upload_bytes: int
    files: int
    file_bytes: int
    unverified_files: int
    lost_files: int
    devices: tuple[DeviceVitals, ...]

    @property
    def waiting_devices(self) -> int:
        """Devices that an administrator has to decide about."""
        return sum(device.state == "pending" for device in self.devices)


def organisations(connection: Connection) -> list[str]:
    """Ids of all organisations."""
    return list(
        connection.execute(select(ORG_STATE.c.org_id).order_by(ORG_STATE.c.org_id)).scalars()
    )


def org_vitals(connection: Connection, org_id: str, now: datetime) -> OrgVitals:
    """One look."""
    state = connection.execute(select(ORG_STATE).where(ORG_STATE.c.org_id == org_id)).one()
    seen = _Look(connection, org_id)
    quarantine = CHANGE_LOG.c.verdict == "quarantined"
    file = RECORDS["file"].c
    stored = select(STORED_FILE.c.sha256).where(STORED_FILE.c.org_id == org_id)
    unexplained = ALARM.c.explained_at.is_(None)
    recently = unexplained & (ALARM.c.raised_at > to_wire(now - RECENTLY))
    return OrgVitals(
        org_id=org_id,
        epoch=state.epoch,
        last_seq=state.last_seq,
        backed_up_to=state.backed_up_to,
        accounts=seen.count(ACCOUNT),
        inactive=seen.count(ACCOUNT, ACCOUNT.c.active.is_(False)),
        records={name: seen.count(table) for name, table in RECORDS.items()},
        buckets=seen.kinds(),
        feed_rows=seen.count(FEED),
        history_rows=seen.count(HISTORY),
        verdicts=seen.by(CHANGE_LOG, "verdict"),
        codes=seen.by(CHANGE_LOG, "code"),
        quarantined_since=seen.edge(func.min(CHANGE_LOG.c.received_at), CHANGE_LOG, quarantine),
        last_change_at=seen.edge(func.max(CHANGE_LOG.c.received_at), CHANGE_LOG),
        alarms=seen.by(ALARM, "kind"),
        recent_alarms=seen.count(ALARM, recently),
        last_alarm_at=seen.edge(func.max(ALARM.c.raised_at), ALARM),
        conflicts=seen.count(RECORDS["conflict"], RECORDS["conflict"].c.resolution.is_(None)),
        detail_requests=seen.count(
            RECORDS["access_request"], RECORDS["access_request"].c.decision.is_(None)
        ),
        uploads=seen.count(UPLOAD),
        upload_bytes=seen.sum(UPLOAD, "bytes"),
        files=seen.count(STORED_FILE),
        file_bytes=seen.sum(STORED_FILE, "bytes"),
        unverified_files=seen.count(RECORDS["file"], file.verified_at.is_(None)),
        lost_files=seen.count(
            RECORDS["file"], file.verified_at.is_not(None), file.sha256.not_in(stored)
        ),
        devices=tuple(_devices(connection, org_id)),
    )


class _Look:
    """Counting within one organisation."""

    def __init__(self, connection: Connection, org_id: str) -> None:
        self._connection = connection
        self._org_id = org_id

    def count(self, table: Table, *where: object) -> int:
        query = select(func.count()).select_from(table).where(table.c.org_id == self._org_id)
        for condition in where:
            query = query.where(condition)  # type: ignore[arg-type]  # conditions of this module
        return int(self._connection.execute(query).scalar_one())

    def sum(self, table: Table, column: str) -> int:
        query = select(func.coalesce(func.sum(table.c[column]), 0))
        return int(
            self._connection.execute(query.where(table.c.org_id == self._org_id)).scalar_one()
        )

    def by(self, table: Table, column: str) -> dict[str, int]:
        """How many of each word; rows without one are left out."""
        word = table.c[column]
        query = (
            select(word, func.count())
            .where(table.c.org_id == self._org_id, word.is_not(None))
            .group_by(word)
            .order_by(word)
        )
        return {str(name): int(number) for name, number in self._connection.execute(query)}

    def edge(self, column: object, table: Table, *where: object) -> str | None:
        """The first or last of some moments, in wire form."""
        query = select(column).select_from(table).where(table.c.org_id == self._org_id)  # type: ignore[call-overload]  # an aggregate of this module
        for condition in where:
            query = query.where(condition)
        found = self._connection.execute(query).scalar()
        return to_wire(found) if isinstance(found, datetime) else found

    def kinds(self) -> dict[str, int]:
        """How many buckets of each kind."""
        query = select(BUCKET_HEAD.c.bucket).where(BUCKET_HEAD.c.org_id == self._org_id)
        found: dict[str, int] = {}
        for name in self._connection.execute(query).scalars():
            kind = name.partition(":")[0]
            found[kind] = found.get(kind, 0) + 1
        return dict(sorted(found.items()))


def device_vitals(
    connection: Connection, org_id: str, device_id: str, staff_id: str
) -> DeviceVitals:
    """One device of an organisation, and of this person; IndexError where it is none."""
    return _devices(connection, org_id, device_id, staff_id)[0]


def _devices(
    connection: Connection,
    org_id: str,
    device_id: str | None = None,
    staff_id: str | None = None,
) -> list[DeviceVitals]:
    log, token, held = CHANGE_LOG.c, REFRESH_TOKEN.c, DEVICE_GRANT.c

    def only(column: ColumnElement[str]) -> ColumnElement[bool]:
        return true() if device_id is None else column == device_id

    changes = {
        row.device_id: row
        for row in connection.execute(
            select(
                log.device_id,
                func.count().label("changes"),
                func.coalesce(func.max(log.number), 0).label("last"),
                func.count(log.number.distinct()).label("numbers"),
                func.max(log.received_at).label("at"),
            )
            .where(log.org_id == org_id, only(log.device_id))
            .where(true() if staff_id is None else log.staff_id == staff_id)  # by its index
            .group_by(log.device_id)
        )
    }
    renewed = dict(
        connection.execute(
            select(token.device_id, func.max(token.issued_at))
            .where(token.org_id == org_id, only(token.device_id))
            .group_by(token.device_id)
        ).all()
    )
    drops = {
        row.device_id: row
        for row in connection.execute(
            select(
                held.device_id,
                func.count().label("drops"),
                func.min(held.drop_told_at).label("since"),
            )
            .where(held.org_id == org_id, only(held.device_id))
            .where(held.drop_told_at.is_not(None), held.dropped_at.is_(None))
            .group_by(held.device_id)
        )
    }
    found = []
    query = select(DEVICE).where(DEVICE.c.org_id == org_id, only(DEVICE.c.id))
    query = query.order_by(DEVICE.c.id)
    for row in connection.execute(query):
        change, drop = changes.get(row.id), drops.get(row.id)
        changed = _moment(change.at) if change else None
        heard = [m for m in (_moment(renewed.get(row.id)), changed) if m]
        found.append(
            DeviceVitals(
                id=row.id,
                staff_id=row.staff_id,
                state=row.state,
                platform=row.platform,
                app_version=row.app_version,
                enrolled_at=row.enrolled_at,
                signed_in_at=row.signed_in_at,
                heard_at=max(heard, default=None),
                changed_at=changed,
                changes=change.changes if change else 0,
                last_number=change.last if change else 0,
                missing=change.last - change.numbers if change else 0,
                drops=drop.drops if drop else 0,
                drops_since=_moment(drop.since) if drop else None,
            )
        )
    return found


def _moment(value: object) -> str | None:
    """An aggregate of moments comes as the database has it: text, or a datetime."""
    if isinstance(value, datetime):
        return to_wire(value)
    return to_wire(from_wire(value)) if isinstance(value, str) else None
