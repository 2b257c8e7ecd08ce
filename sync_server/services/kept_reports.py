"""Each store's monthly report, made by night once the month is published and kept as it was then
(S3 #145); old ones go by the policy. Reading one is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from shared.clock import to_wire
from shared.errors import Code, Refusal
from shared.periods import Period
from sync_server.db.base import Database
from sync_server.db.people import STORE_REPORT
from sync_server.db.putting import upsert_rows
from sync_server.services import audit, rankings
from sync_server.services.accounts import policy_of
from sync_server.services.audit import Action
from sync_server.services.caller import Caller
from sync_server.services.publications import publications
from sync_server.services.store_report import StoreReport, store_report
from sync_server.services.vitals import organisations

_REPORT = STORE_REPORT.c


class File(NamedTuple):
    """One form of a report in one language."""

    form: str
    language: str
    body: bytes


Writing = Callable[[StoreReport], Iterable[File]]
"""Makes a report's files: the console knows how they look."""


def keep_due(db: Database, now: datetime, writing: Writing) -> int:
    """Makes what is missing of the month that was published last, store by store; says how many
    reports. A month is published once it has settled and the clock is trusted, so that nothing is
    made too early. Harmless at any time, and from several processes."""
    with db.read() as connection:
        orgs = organisations(connection)
    return sum(_keep(db, org_id, now, writing) for org_id in orgs)


def _keep(db: Database, org_id: str, now: datetime, writing: Writing) -> int:
    with db.read() as connection:
        newest = publications(connection, org_id, 1)
        if not newest:
            return 0
        month = newest[0].month
        there = connection.scalars(
            select(_REPORT.store_id).where(
                _REPORT.org_id == org_id, _REPORT.month == month.first_month
            )
        )
        due = sorted(rankings.store_names(connection, org_id).keys() - set(there))
        months = policy_of(connection, org_id, now).report_keep_months
    for store in due:
        with db.read() as connection:
            report = store_report(connection, org_id, store, month, now)
        rows = [
            {
                "org_id": org_id, "store_id": store, "month": month.first_month,
                "made_at": to_wire(now), **file._asdict(),
            }
            for file in writing(report)
        ]  # fmt: skip
        with db.write() as connection:  # of two that were made at once, the first stays
            upsert_rows(connection, STORE_REPORT, rows, {"made_at": "store_report.made_at"})
    old = (_REPORT.org_id == org_id) & (_REPORT.month <= month.first_month - months)
    if due:
        with db.write() as connection:
            connection.execute(delete(STORE_REPORT).where(old))
    return len(due)


def kept(connection: Connection, org_id: str, store: str) -> list[tuple[Period, str]]:
    """The months of which a store's report is kept, and when it was made; the newest first."""
    rows = connection.execute(
        select(_REPORT.month, _REPORT.made_at)
        .where(_REPORT.org_id == org_id, _REPORT.store_id == store)
        .distinct()
        .order_by(_REPORT.month.desc())
    )
    return [(Period(row.month, 1), row.made_at) for row in rows]


def read(
    db: Database, who: Caller, month: Period, form: str, language: str, now: datetime
) -> bytes:
    """One of the caller's own store's, as it was made. Refuses (NOT_FOUND) what is not kept."""
    with db.write() as connection:
        body = connection.scalar(
            select(_REPORT.body).where(
                _REPORT.org_id == who.org_id,
                _REPORT.store_id == (who.store_id or ""),
                _REPORT.month == month.first_month,
                _REPORT.form == form,
                _REPORT.language == language,
            )
        )
        if body is None:
            raise Refusal(Code.NOT_FOUND)
        note(connection, who, month, form, now)
        return bytes(body)


def note(connection: Connection, who: Caller, period: Period, form: str, now: datetime) -> None:
    """Puts on record that somebody took a report away."""
    audit.note(
        connection, who, Action.REPORT_READ, now=now, subject=("store", who.store_id or ""),
        period=str(period), form=form,
    )  # fmt: skip


__all__ = ["File", "Writing", "keep_due", "kept", "note", "read"]
